//! How a log-in is tried, for the kinds that try wrong passwords.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Probes;
use super::answer::Answer;
use crate::probe::{ProbeError, Request};

/// How an endpoint is logged in to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Login {
    /// HTTP Basic (RFC 7617), at a protected path.
    Basic {
        /// The path.
        path: String,
    },
    /// A form (`application/x-www-form-urlencoded`).
    Form {
        /// The path that the form is sent to.
        path: String,
        /// The field of the user's name.
        user: String,
        /// The field of the password.
        password: String,
    },
    /// JSON with two members.
    Json {
        /// The path that it is sent to.
        path: String,
        /// The member of the user's name.
        user: String,
        /// The member of the password.
        password: String,
    },
}

impl Login {
    /// The question that tries a name and a password.
    pub(super) fn request(&self, probes: &Probes, name: &str, password: &str, purpose: &str) -> Result<Request, ProbeError> {
        Ok(match self {
            Self::Basic { path } => Request::get(probes.address(path)?, purpose)
                .header("Authorization", format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))),
            Self::Form { path, user, password: field } => {
                let body =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair(user, name).append_pair(field, password).finish();
                Request::new("POST", probes.address(path)?, purpose).body("application/x-www-form-urlencoded", body)
            }
            Self::Json { path, user, password: field } => {
                let body = json!({ user.as_str(): name, field.as_str(): password }).to_string();
                Request::new("POST", probes.address(path)?, purpose).body("application/json", body)
            }
        })
    }
}

/// What of an answer tells a log-in from a refusal. The body itself is not kept: it may hold a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Outcome {
    /// The status code.
    pub(super) status: u16,
    /// The `Location` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
    /// Names of the cookies that are set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cookies: Vec<String>,
    /// SHA-256 of the body.
    pub(super) sha256: String,
    /// The `Retry-After` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<String>,
    /// From the question to the first byte of the answer, in milliseconds.
    pub(super) ms: u64,
}

impl Outcome {
    pub(super) fn of(answer: &Answer, ms: u64) -> Self {
        let header = |name: &str| answer.header(name).map(str::to_owned);
        let mut cookies: Vec<String> =
            answer.header_values("set-cookie").iter().filter_map(|c| c.split('=').next().map(|n| n.trim().to_owned())).collect();
        cookies.sort();
        Self {
            status: answer.status,
            location: header("location"),
            cookies,
            sha256: answer.sha256.clone(),
            retry_after: header("retry-after"),
            ms,
        }
    }

    /// Nothing here takes a name and a password: no such path, or no such method.
    pub(super) fn is_no_log_in(&self) -> bool {
        matches!(self.status, 404 | 405 | 410 | 501)
    }

    /// The service asks to stop, or has locked the account.
    pub(super) fn says_stop(&self) -> bool {
        matches!(self.status, 423 | 429 | 503) || self.retry_after.is_some()
    }
}

/// Tries once.
pub(super) async fn attempt(login: &Login, probes: &Probes, name: &str, password: &str, purpose: &str) -> Result<Outcome, ProbeError> {
    let exchange = probes.door().ask(&login.request(probes, name, password, purpose)?).await?;
    Ok(Outcome::of(&Answer::from(&*exchange), exchange.timing.first_byte_ms))
}
