//! A question to be asked over HTTP.

use url::Url;

use super::head::is_token_byte;
use crate::probe::error::ProbeError;

/// Fields that the door writes itself, because framing and identity depend on them.
const OWN_FIELDS: [&str; 8] =
    ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "user-agent", "accept-encoding"];

/// What becomes of a question when the run is stopped, or its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterStop {
    /// It is not asked, and dropped when it is under way.
    #[default]
    Dropped,
    /// It is not asked any more; when it is under way its answer is waited for, because without the
    /// answer nobody could take away what it made.
    Awaited,
    /// It is asked all the same, within [`crate::probe::GRACE`]: it takes away what the run made.
    Asked,
}

/// A question. It holds no secret: a credential is asked for by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method; a token.
    pub method: String,
    /// The address, `http` or `https`.
    pub url: String,
    /// Further fields, in their order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// The name of the credential to show.
    pub credential: Option<String>,
    /// What is sent in the secret's place, the credential's own way: a value that nobody should take.
    pub stand_in: Option<String>,
    /// Sends a credential of the kind `Basic` in the body, as a log-in page would, and not in a field.
    pub log_in: Option<LogInBody>,
    /// Whether a compressed answer is welcome; without, `Accept-Encoding: identity` is sent.
    pub gzip: bool,
    /// The largest body to read, in bytes after decoding, where the limit of the run is too small.
    pub max_body: Option<u64>,
    /// The longest this exchange may take, in milliseconds, where the limit of the run does not fit.
    pub deadline_ms: Option<u64>,
    /// Whether the connection may be used once more, by this or the next question to the same origin.
    pub keep_alive: bool,
    /// What becomes of it when the run is stopped.
    pub after_stop: AfterStop,
    /// What it is for, in a few words for the journal.
    pub purpose: String,
}

/// How a log-in takes name and password in a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogInBody {
    /// Members of a JSON object; else the fields of a form.
    pub json: bool,
    /// The field of the name.
    pub user: String,
    /// The field of the password.
    pub password: String,
}

impl LogInBody {
    /// The media type of the body.
    pub fn media_type(&self) -> &'static str {
        if self.json { "application/json" } else { "application/x-www-form-urlencoded" }
    }
    /// The body for a name and a password.
    pub fn write(&self, name: &str, password: &str) -> Vec<u8> {
        if self.json {
            return serde_json::json!({ self.user.as_str(): name, self.password.as_str(): password }).to_string().into_bytes();
        }
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair(&self.user, name).append_pair(&self.password, password).finish().into_bytes()
    }
}

impl Request {
    /// A question with this method.
    pub fn new(method: impl Into<String>, url: impl Into<String>, purpose: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            credential: None,
            stand_in: None,
            log_in: None,
            gzip: false,
            max_body: None,
            deadline_ms: None,
            keep_alive: false,
            after_stop: AfterStop::Dropped,
            purpose: purpose.into(),
        }
    }
    /// A GET.
    pub fn get(url: impl Into<String>, purpose: impl Into<String>) -> Self {
        Self::new("GET", url, purpose)
    }
    /// A HEAD.
    pub fn head(url: impl Into<String>, purpose: impl Into<String>) -> Self {
        Self::new("HEAD", url, purpose)
    }
    /// Adds a field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
    /// Gives it a body with its media type.
    #[must_use]
    pub fn body(mut self, media_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("Content-Type", media_type)
    }
    /// Shows a credential, by name.
    #[must_use]
    pub fn credential(mut self, name: impl Into<String>) -> Self {
        self.credential = Some(name.into());
        self
    }
    /// Shows another value in a credential's place, its own way.
    #[must_use]
    pub fn stand_in(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.stand_in = Some(value.into());
        self.credential(name)
    }
    /// Shows a credential of the kind `Basic` in the body, under the names of a log-in's fields.
    #[must_use]
    pub fn log_in(mut self, name: impl Into<String>, body: LogInBody) -> Self {
        self = self.header("Content-Type", body.media_type());
        self.log_in = Some(body);
        self.credential(name)
    }
    /// Welcomes a compressed answer.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }
    /// Reads a larger body than usual, up to [`crate::probe::MOST_BODY_BYTES`].
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = Some(bytes);
        self
    }
    /// Allows another time than usual, up to [`crate::probe::LONGEST_EXCHANGE`].
    #[must_use]
    pub fn deadline_ms(mut self, ms: u64) -> Self {
        self.deadline_ms = Some(ms);
        self
    }
    /// Allows the connection to be used for more than one question.
    #[must_use]
    pub fn keep_alive(mut self) -> Self {
        self.keep_alive = true;
        self
    }

    /// Says what becomes of it when the run is stopped.
    #[must_use]
    pub fn after_stop(mut self, after_stop: AfterStop) -> Self {
        self.after_stop = after_stop;
        self
    }

    /// Whether asking twice does no more than asking once (RFC 9110, section 9.2.2).
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
    }

    /// Refuses what could not be sent as it stands.
    pub(crate) fn parsed_url(&self) -> Result<Url, ProbeError> {
        let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
        if !is_token(&self.method) || self.method == "CONNECT" {
            return Err(ProbeError::misuse(format!("{} is no method that can be asked with", self.method)));
        }
        for (name, value) in &self.headers {
            if !is_token(name) || OWN_FIELDS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return Err(ProbeError::misuse(format!("the field {name} cannot be set")));
            }
            if value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
                return Err(ProbeError::misuse(format!("the value of the field {name} has a line break")));
            }
        }
        let mut url = Url::parse(&self.url).map_err(|error| ProbeError::misuse(format!("{}: {error}", self.url)))?;
        url.set_fragment(None);
        Ok(url)
    }

    /// What makes two questions the same.
    pub(crate) fn key(&self) -> String {
        use sha2::{Digest as _, Sha256};
        let parts = serde_json::json!([
            self.method,
            self.url,
            self.headers,
            self.body.as_ref().map(Sha256::digest).map(|d| d.to_vec()),
            self.credential,
            self.stand_in,
            self.log_in.as_ref().map(|l| (l.json, &l.user, &l.password)),
            self.gzip,
            self.max_body,
            self.deadline_ms,
        ]);
        parts.to_string()
    }
}
