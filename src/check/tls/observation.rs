//! What the kinds that ask about TLS have seen: one survey and one handshake for each endpoint.

use std::sync::Arc;

use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};

use crate::check::Probes;
use crate::probe::tls::{Handshake, Limits, Through, TlsSurvey, handshake, survey, survey_datagrams};
use crate::probe::{Origin, ProbeError};

/// A survey as an observation, without the certificates, which are a question of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Surveyed {
    /// The survey.
    pub survey: TlsSurvey,
}

/// The protocols offered to an endpoint with this scheme.
fn protocols(scheme: &str) -> &'static [&'static str] {
    match scheme {
        "https" | "wss" => &["h2", "http/1.1"],
        _ => &[],
    }
}

impl Probes {
    fn secured(&self) -> Result<(Origin, String), ProbeError> {
        let (name, endpoint) = self.endpoint()?;
        let origin = Origin::of(&endpoint.url).map_err(|refusal| ProbeError::misuse(refusal.to_string()))?;
        if !origin.is_secure() {
            return Err(ProbeError::misuse(format!(
                "a question about TLS was placed on the endpoint {name}, which is {}:",
                origin.scheme()
            )));
        }
        let server_name = endpoint.server_name.clone().unwrap_or_else(|| origin.host().to_owned());
        Ok((origin, server_name))
    }

    /// The name that clients use for this endpoint.
    pub(in crate::check) fn server_name(&self) -> Result<String, ProbeError> {
        self.secured().map(|(_, name)| name)
    }

    /// The survey of this endpoint, made once in a run.
    pub(in crate::check) async fn survey(&self) -> Result<Arc<TlsSurvey>, ProbeError> {
        let (origin, server_name) = self.secured()?;
        let name = matches!(ServerName::try_from(server_name.as_str()), Ok(ServerName::DnsName(_))).then_some(server_name.as_str());
        let limits = Limits::default();
        let make = || async {
            let through = Through::new(Arc::clone(self.door()), origin.clone(), limits.per_probe);
            let seen = match origin.scheme() {
                "coaps" => survey_datagrams(&through, name, limits).await,
                _ => survey(&through, name, limits).await,
            };
            through.trouble()?;
            Ok(seen)
        };
        self.door().once(&origin.to_string(), make).await
    }

    /// The survey as an observation.
    pub(in crate::check) async fn surveyed(&self) -> Result<Surveyed, ProbeError> {
        let mut survey = TlsSurvey::clone(&*self.survey().await?);
        survey.chains.clear();
        survey.staple = None;
        Ok(Surveyed { survey })
    }

    /// One whole handshake with this endpoint, made once in a run. None over datagrams.
    pub(in crate::check) async fn handshake(&self) -> Result<Option<Arc<Handshake>>, ProbeError> {
        let (origin, server_name) = self.secured()?;
        if origin.scheme() == "coaps" {
            return Ok(None);
        }
        let name = ServerName::try_from(server_name.clone())
            .map_err(|_| ProbeError::misuse(format!("{server_name} is neither a name nor an address")))?;
        let limit = Limits::default().per_probe;
        let make = || async {
            let through = Through::new(Arc::clone(self.door()), origin.clone(), limit);
            let seen = handshake(&through, &name, protocols(origin.scheme()), limit).await;
            through.trouble()?;
            Ok(seen)
        };
        self.door().once(&origin.to_string(), make).await.map(Some)
    }
}
