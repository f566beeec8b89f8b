//! The requests of an API run, told before anything is sent.
//!
//! The plan follows from the description. A description that lies in a file is read from there; one
//! that the product serves has to be fetched first, and that is done only when it is asked for.

use serde::Serialize;

use super::{DOCUMENT, DescriptionSeen, Manner, askable, plan_options};
use crate::api::plan::{Untested, rehearse};
use crate::check::probes::is_address;
use crate::check::{Check, DocumentSeen, Probes};
use crate::probe::ProbeError;
use crate::target::Target;

/// One request of the plan, without the values of secrets.
#[derive(Debug, Clone, Serialize)]
pub struct Rehearsed {
    /// Its id: the same in every run.
    pub id: String,
    /// The operation's name.
    pub operation: String,
    /// What it may do: `reads`, `creates`, `changes` or `deletes`.
    pub effect: String,
    /// The method.
    pub method: String,
    /// The whole address; ids stand for those that the service will give.
    pub url: String,
    /// The name of the credential that it is sent with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The body as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Why it is sent.
    pub why: String,
    /// What is expected.
    pub expects: String,
    /// All of this in one line.
    #[serde(skip)]
    pub line: String,
}

/// What a run would send to an endpoint.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rehearsal {
    /// The requests in their order.
    Plan {
        /// Where the description was read.
        description: String,
        /// The requests.
        requests: Vec<Rehearsed>,
        /// What would not be tested, and what to provide.
        untested: Vec<Untested>,
    },
    /// There is no plan without the description, and it was not fetched.
    NotFetched,
    /// There is no plan, because there is no description that can be read; why.
    NoDescription(String),
}

impl Check {
    /// How this check runs a plan of requests against an API; `None` where it runs none.
    pub fn api_manner(&self) -> Option<Manner> {
        if let Self::ApiBehaviour(check) = self {
            return Some(check.manner());
        }
        matches!(self, Self::ApiAnswers(_)).then_some(Manner::plain(false, false))
    }
}

impl Rehearsal {
    /// The plan for an endpoint from a description that lies in a file, without a door to the network.
    pub fn offline(target: &Target, endpoint: &str, manner: Manner) -> Self {
        let Some(location) = target.documents.get(DOCUMENT).filter(|location| !is_address(location)) else { return Self::NotFetched };
        let seen = DocumentSeen::file(location, &target.resolve(std::path::Path::new(location)));
        match seen.text(DOCUMENT) {
            Ok((_, text)) => {
                let seen = DescriptionSeen {
                    url: Some(location.clone()),
                    via: "stated".into(),
                    text: text.to_owned(),
                    ..DescriptionSeen::default()
                };
                Self::of(&seen, target, endpoint, manner)
            }
            Err(verdict) => Self::NoDescription(verdict.reason),
        }
    }

    /// The plan for the endpoint that `probes` ask, from a description that is fetched.
    ///
    /// # Errors
    /// What kept it from being fetched.
    pub async fn fetched(probes: &Probes, manner: Manner) -> Result<Self, ProbeError> {
        let (name, _) = probes.endpoint()?;
        let seen = probes.api_description().await?;
        Ok(Self::of(&seen, probes.target(), name, manner))
    }

    fn of(seen: &DescriptionSeen, target: &Target, endpoint: &str, manner: Manner) -> Self {
        let description = match seen.read() {
            Ok(description) => description,
            Err(verdict) => return Self::NoDescription(verdict.reason),
        };
        if let Err(verdict) = askable(&description) {
            return Self::NoDescription(verdict.reason);
        }
        let options = match plan_options(target, endpoint, &description, manner) {
            Ok(options) => options,
            Err(error) => return Self::NoDescription(error.to_string()),
        };
        let (planned, untested) = rehearse(&description, &options);
        let requests = planned.into_iter().map(|request| Rehearsed {
            line: request.line(),
            effect: request.effect.as_str().to_owned(),
            credential: request.secrets.first().map(|secret| secret.secret.clone()),
            body: (!request.body.is_empty()).then(|| String::from_utf8_lossy(&request.body).into_owned()),
            expects: request.expects(),
            id: request.id,
            operation: request.operation,
            method: request.method,
            url: request.url,
            why: request.why,
        });
        Self::Plan { description: seen.url.clone().unwrap_or_default(), requests: requests.collect(), untested }
    }
}
