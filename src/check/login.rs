//! How a log-in is tried, for the kinds that try wrong passwords.
//!
//! Where and how one logs in stands in the target file. What an answer *means* cannot be seen from one
//! answer: services refuse with 401, with a page that says 200, with a redirect back. So answers are
//! compared: with that to a name and password that nobody has, and with that to the test account's own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::answer::Answer;
use super::page::Page;
use super::{Facts, Probes};
use crate::probe::{LogInBody, ProbeError, Request};
use crate::target::{LogIn, LogInForm, Target};
use crate::verdict::{Cause, Verdict};

/// The endpoint's log-in, or the verdict where there is none to try.
pub(super) fn log_in<'a>(facts: &Facts<'a>) -> Result<&'a LogIn, Box<Verdict>> {
    match facts.endpoint().and_then(|e| e.log_in.as_ref()) {
        Some(log_in) => Ok(log_in),
        None => Err(Box::new(no_log_in(facts.target))),
    }
}

fn no_log_in(target: &Target) -> Verdict {
    if target.endpoints.values().any(|e| e.log_in.is_some()) {
        return Verdict::inapplicable("nobody logs in at this endpoint");
    }
    Verdict::untested(Cause::Missing, "the target file says at no endpoint how one logs in (`log-in`)")
}

/// What of an answer tells a log-in from a refusal. The body itself is not kept: it may hold a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Outcome {
    /// The status code.
    pub(super) status: u16,
    /// The `Location` header, without the values of its query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
    /// The other host that it leads to, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) elsewhere: Option<String>,
    /// Names of the cookies that are set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cookies: Vec<String>,
    /// What the body is like: members and truth values of JSON, the title of a page and whether it asks for a password.
    pub(super) shape: String,
    /// The body speaks of a CAPTCHA.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) captcha: bool,
    /// The `Retry-After` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retry_after: Option<String>,
    /// Why the test account's credential was not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withheld: Option<String>,
    /// From the question to the first byte of the answer, in milliseconds.
    pub(super) ms: u64,
}

impl Outcome {
    pub(super) fn of(answer: &Answer, ms: u64) -> Self {
        let mut cookies: Vec<String> =
            answer.header_values("set-cookie").iter().filter_map(|c| c.split('=').next().map(|n| n.trim().to_owned())).collect();
        cookies.sort();
        let asked = Url::parse(&answer.url).ok();
        let leads_to = answer.header("location").and_then(|l| asked.as_ref()?.join(l).ok());
        let host = |url: &Option<Url>| url.as_ref().and_then(|u| u.host_str().map(str::to_owned));
        let text = answer.text.as_deref().unwrap_or_default();
        Self {
            status: answer.status,
            elsewhere: host(&leads_to).filter(|to| host(&asked).as_ref() != Some(to)),
            location: leads_to.map(|url| {
                let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
                if names.is_empty() { url.path().to_owned() } else { format!("{}?{}", url.path(), names.join("&")) }
            }),
            cookies,
            shape: shape(text),
            captcha: text.to_ascii_lowercase().contains("captcha") || text.contains("cf-turnstile"),
            retry_after: answer.header("retry-after").map(str::to_owned),
            withheld: answer.withheld.clone(),
            ms,
        }
    }

    /// Whether both mean the same, as far as a machine can tell.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.status, &self.location, &self.elsewhere, &self.cookies, &self.shape)
            == (other.status, &other.location, &other.elsewhere, &other.cookies, &other.shape)
    }
    /// The answer in a few words, for evidence.
    pub(super) fn words(&self) -> String {
        match &self.location {
            Some(location) => format!("status {} to {location}", self.status),
            None => format!("status {}", self.status),
        }
    }
    /// The service asks to stop, or has locked the account.
    pub(super) fn says_stop(&self) -> bool {
        matches!(self.status, 423 | 429 | 503) || self.retry_after.is_some()
    }

    /// Why a first answer shows that no log-in can be tried here by a machine; nothing where it can.
    pub(super) fn hindrance(&self, form: LogInForm) -> Option<Verdict> {
        let (cause, why) = match self.status {
            404 | 405 | 410 | 501 => (Cause::Missing, format!("there is no log-in at this path: status {}", self.status)),
            500 | 502 | 504 => (Cause::Target, format!("the log-in answers with status {}: it does not work", self.status)),
            _ if self.says_stop() => (Cause::Target, "the service asked to stop before anything was tried".into()),
            _ if self.captcha => (Cause::Target, "a CAPTCHA stands before the log-in; it is for a person to try".into()),
            _ => match &self.elsewhere {
                Some(host) => (
                    Cause::Missing,
                    format!(
                        "the log-in is done elsewhere, at {}; name the log-in of that host as an endpoint",
                        crate::verdict::Untrusted::new(host)
                    ),
                ),
                None if form == LogInForm::Basic && (200..300).contains(&self.status) => {
                    (Cause::Target, "the path opens to a name and password that nobody has: it is not protected by a log-in".into())
                }
                None => return None,
            },
        };
        Some(Verdict::cant_tell(cause, why))
    }
}

/// What a body is like, so that a token or the time of day in it makes no difference.
fn shape(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(map)) => {
            let member = |(name, value): (&String, &Value)| match value {
                Value::Bool(flag) => format!("{name}={flag}"),
                Value::Null => format!("{name}=null"),
                Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => name.clone(),
            };
            let mut members: Vec<String> = map.iter().take(30).map(member).collect();
            members.sort();
            format!("JSON: {}", members.join(", "))
        }
        Ok(_) => "JSON".into(),
        Err(_) if text.trim().is_empty() => "empty".into(),
        Err(_) if !text.contains('<') => {
            let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
            format!("text {}", digest(&letters))
        }
        Err(_) => {
            let lower = text.to_ascii_lowercase();
            let asks = lower.contains("type=\"password\"") || lower.contains("type=password") || lower.contains("type='password'");
            let page = Page::read(text);
            let headings: Vec<String> = page.headings.iter().take(5).map(|(_, text, _)| text.chars().take(40).collect()).collect();
            let title: String = page.title.unwrap_or_default().chars().take(80).collect();
            format!("page: {title}; {}{}", headings.join(", "), if asks { "; asks for a password" } else { "" })
        }
    }
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

fn body(log_in: &LogIn) -> Option<LogInBody> {
    let json = match log_in.sent_as {
        LogInForm::Basic => return None,
        LogInForm::Form => false,
        LogInForm::Json => true,
    };
    Some(LogInBody { json, user: log_in.user.clone(), password: log_in.password.clone() })
}

async fn ask(probes: &Probes, request: &Request) -> Result<Outcome, ProbeError> {
    // Each try is one of its own, also where it looks like an earlier one.
    let exchange = probes.door().ask_again(request).await?;
    Ok(Outcome::of(&Answer::from(&*exchange), exchange.timing.first_byte_ms))
}

/// Tries a name and a password.
pub(super) async fn attempt(log_in: &LogIn, probes: &Probes, name: &str, password: &str, purpose: &str) -> Result<Outcome, ProbeError> {
    let address = probes.address(&log_in.path)?;
    let request = match body(log_in) {
        None => Request::get(address, purpose).header("Authorization", format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))),
        Some(body) => Request::new("POST", address, purpose).body(body.media_type(), body.write(name, password)),
    };
    ask(probes, &request).await
}

/// Logs in to the test account; nothing where the target file names none for this log-in.
pub(super) async fn test_account(log_in: &LogIn, probes: &Probes, purpose: &str) -> Result<Option<Outcome>, ProbeError> {
    let Some(name) = log_in.test_account.as_deref().filter(|name| probes.has_credential(name)) else { return Ok(None) };
    let address = probes.address(&log_in.path)?;
    let request = match body(log_in) {
        None => Request::get(address, purpose).credential(name),
        Some(body) => Request::new("POST", address, purpose).log_in(name, body),
    };
    match ask(probes, &request).await {
        Ok(outcome) => Ok(Some(outcome)),
        // The secret is not set in the environment: as if none were named.
        Err(ProbeError::MissingCredential { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Between two tries, where the target is not this machine.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
pub(super) mod tests {
    use super::super::answer::tests::answer;
    use super::*;

    pub(in crate::check) fn outcome(status: u16, headers: &[(&str, &str)], text: &str) -> Outcome {
        Outcome::of(&answer(status, headers, text), 5)
    }
    /// A target whose endpoint `api` has a log-in of this form with a test account, and `other` has none.
    pub(in crate::check) fn target(form: &str, more: &str) -> Target {
        let text = format!(
            "target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints:\n  api: {{url: 'https://api.test/v1', log-in: {{path: /login, sent-as: {form}{more}}}}}\n  other: {{url: 'https://o.test/'}}\ncredentials:\n  tester: {{endpoint: api, scheme: basic, user: test, env: T}}\n"
        );
        Target::parse("t.yaml", &text).unwrap()
    }

    #[test]
    fn answers_are_compared_by_what_they_mean() {
        let json = |text: &str| outcome(200, &[], text);
        assert!(json("{\"ok\":true,\"token\":\"a\"}").is_like(&json("{\"ok\":true,\"token\":\"b\"}")));
        assert!(!json("{\"ok\":true,\"token\":\"a\"}").is_like(&json("{\"ok\":false,\"error\":\"no\"}")));
        assert!(!json("{\"ok\":true}").is_like(&json("{\"ok\":false}")));
        let page = |title: &str| json(&format!("<title>{title}</title><p>{title}</p>"));
        assert!(!page("Welcome").is_like(&page("Log in")));
        assert!(json("<title>A</title><p>12:01").is_like(&json("<title>A</title><p>12:02")));
        let to = |l: &'static str| outcome(302, &[("Location", l)], "");
        assert!(to("/login?error=1&t=5").is_like(&to("/login?error=1&t=6")));
        assert!(!to("/login?error=1").is_like(&to("/home")));
        assert_eq!(to("https://sso.test/x").elsewhere.as_deref(), Some("sso.test"));
        assert!(outcome(200, &[], "<div class=g-recaptcha>").captcha);
    }

    #[test]
    fn what_is_no_log_in_is_told() {
        let cause = |o: &Outcome, form| o.hindrance(form).map(|v| v.outcome);
        use crate::verdict::Outcome::CantTell;
        for (status, headers) in
            [(404, vec![]), (405, vec![]), (500, vec![]), (429, vec![]), (302, vec![("Location", "https://sso.test/")])]
        {
            assert_eq!(cause(&outcome(status, &headers, ""), LogInForm::Form), Some(CantTell), "{status}");
        }
        assert_eq!(cause(&outcome(200, &[], "open"), LogInForm::Basic), Some(CantTell));
        assert_eq!(cause(&outcome(200, &[], "wrong password"), LogInForm::Form), None);
        assert_eq!(cause(&outcome(401, &[], ""), LogInForm::Basic), None);
    }
}
