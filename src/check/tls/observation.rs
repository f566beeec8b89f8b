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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::document::{Node, from_node};
    use crate::probe::tls::mock::{Face, Misbehaviour};
    use crate::probe::tls::{ProbeOutcome, ProtocolVersion, Support};
    use crate::probe::{Door, Endpoint, Interrupt, Opening};
    use crate::target::Target;

    async fn probes(face: Face, change: impl FnOnce(&mut Opening)) -> Probes {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("tls://127.0.0.1:{}", listener.local_addr().unwrap().port());
        tokio::spawn(face.serve(listener));
        let mut opening = Opening::new(vec![Endpoint::new(Origin::parse(&url).unwrap())]);
        change(&mut opening);
        let text =
            format!("target: 1\nproduct: {{name: Hub, version: '1', vendor: {{name: Vendor}}}}\nendpoints:\n  hub: {{url: '{url}'}}\n");
        let target: Target = from_node(&Node::read("target.yaml", &text).unwrap()).unwrap();
        Probes::new(Door::open(opening).await.unwrap(), Arc::new(target), Some("hub".into()))
    }

    #[tokio::test]
    async fn many_checks_share_one_survey_and_the_journal_has_every_connection() {
        let probes = probes(Face::sound(), |_| {}).await;
        let first = probes.survey().await.unwrap();
        let again = probes.survey().await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(first.spoken().collect::<Vec<_>>(), [ProtocolVersion::Tls13, ProtocolVersion::Tls12]);
        assert_eq!(u64::from(first.connections), probes.door().summary().connections);
        assert!(first.suites.iter().all(|s| s.complete), "{:?}", first.suites);
    }

    #[tokio::test]
    async fn a_budget_of_the_run_ends_the_survey_and_is_told() {
        let probes = probes(Face::sound(), |o| o.limits.connections = 12).await;
        let seen = probes.survey().await.unwrap();
        assert_eq!(seen.support(ProtocolVersion::Tls12), Support::Supported);
        assert!(seen.suites.iter().chain([]).any(|s| s.stopped == Some(ProbeOutcome::Budget)) || seen.suites.len() < 2, "{seen:?}");
    }

    #[tokio::test]
    async fn an_interrupted_run_has_no_survey() {
        let interrupt = Interrupt::new();
        let switch = interrupt.clone();
        let probes = probes(Face::sound(), |o| o.interrupt = interrupt).await;
        switch.throw();
        assert!(matches!(probes.survey().await, Err(ProbeError::Interrupted)));
    }

    #[tokio::test]
    async fn a_closed_port_and_plain_text_are_observations() {
        let plain = probes(Face { misbehaviour: Some(Misbehaviour::PlainText), ..Face::sound() }, |_| {}).await;
        assert_eq!(plain.survey().await.unwrap().nothing_agreed(), Some(ProbeOutcome::NotTls));
        let handshake = plain.handshake().await.unwrap().unwrap();
        assert_eq!(handshake.outcome, ProbeOutcome::NotTls, "{:?}", handshake.trouble);
    }
}
