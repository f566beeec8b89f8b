//! Whether a protected address is protected: the same request with and without a valid credential.
//!
//! A status alone proves nothing. A positive control shows that the address answers at all, a request
//! for a path that cannot exist shows what "nothing here" looks like, and a success counts against
//! the service only if it carries what the control carried. A denial that calls itself a success, and
//! a page that is sent for every path, cannot be told apart from more by machine: `cantTell`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::verdict::Finding;

use super::{essence, is_html};

/// What stands in for a valid credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// Nothing.
    Bare,
    /// A token, key or password of the right length and no meaning.
    RandomBearer,
    /// A JSON Web Token that says that it needs no signature (RFC 8725, section 2.1).
    AlgNone,
    /// A JSON Web Token that expired, signed with a key that nobody trusts.
    Expired,
}

impl Credential {
    /// All of them, in the order in which they are sent.
    pub const ALL: [Self; 4] = [Self::Bare, Self::RandomBearer, Self::AlgNone, Self::Expired];

    /// In plain words, behind "with".
    pub fn words(self) -> &'static str {
        match self {
            Self::Bare => "no credential",
            Self::RandomBearer => "a random token",
            Self::AlgNone => "an unsigned token",
            Self::Expired => "an expired token",
        }
    }

    /// The token or other value that is shown; the same for the same moment, so that a request can be
    /// repeated. No token is valid anywhere: the subject, the issuer and the signature are made up.
    pub fn token(self, now: OffsetDateTime) -> Option<String> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode([0x5a_u8; 32]);
        let seconds = now.unix_timestamp();
        let claims = |from: i64, to: i64| json!({"iss": "https://issuer.invalid", "sub": "probity-test", "iat": from, "exp": to});
        let token = match self {
            Self::Bare => return None,
            Self::RandomBearer => "pr0b1ty-n0t-a-t0ken-9f4c2e7a1b8d5036".to_owned(),
            Self::AlgNone => {
                format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims(seconds, seconds.saturating_add(3600))))
            }
            Self::Expired => {
                format!(
                    "{}.{}.{signature}",
                    part(&json!({"alg": "HS256", "typ": "JWT"})),
                    part(&claims(seconds.saturating_sub(7200), seconds.saturating_sub(3600)))
                )
            }
        };
        Some(token)
    }
}

/// One answer, as much of it as the judge needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `WWW-Authenticate` header.
    pub challenge: Option<String>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, as text.
    pub body: String,
}

/// What one answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The service refused.
    Refused,
    /// It refused by hiding that there is anything (404).
    Hidden,
    /// It sent to a page to log in.
    SentToLogin,
    /// It gave what the control got.
    Given,
    /// A success whose body says that it is none.
    SoftDenial,
    /// The same body as for a path that cannot exist.
    SoftNotFound,
    /// A success with something else than the control got.
    Different,
    /// Too many requests.
    Throttled,
    /// Neither a refusal nor a success.
    Unclear,
}

/// Tells what `answer` means beside the `control` with a valid credential and, if one was made, the
/// answer for a path that cannot exist.
pub fn meaning(answer: &Answer, credential: Credential, control: &Answer, nowhere: Option<&Answer>) -> Meaning {
    match answer.status {
        401 | 403 | 407 => Meaning::Refused,
        404 | 410 => Meaning::Hidden,
        429 => Meaning::Throttled,
        // RFC 6750, section 3.1: a malformed token may be answered as a malformed request.
        400 if credential != Credential::Bare => Meaning::Refused,
        400 if answer.challenge.is_some() || denies(answer) => Meaning::Refused,
        301..=303 | 307 | 308 => {
            if answer.location.as_deref().is_some_and(leads_to_login) {
                Meaning::SentToLogin
            } else {
                Meaning::Unclear
            }
        }
        200..=299 => {
            if denies(answer) {
                Meaning::SoftDenial
            } else if is_login_page(answer) && !is_login_page(control) {
                Meaning::SentToLogin
            } else if nowhere.is_some_and(|n| (200..300).contains(&n.status) && same_content(answer, n)) {
                Meaning::SoftNotFound
            } else if same_content(answer, control) {
                Meaning::Given
            } else {
                Meaning::Different
            }
        }
        _ => Meaning::Unclear,
    }
}

/// Judges all answers of one address. A control that did not succeed leaves everything open.
pub fn judge(address: &str, control: &Answer, answers: &[(Credential, Answer)], nowhere: Option<&Answer>) -> Vec<Finding> {
    let clause = "RFC 9110, section 11; RFC 6750, section 3";
    if !(200..300).contains(&control.status) || denies(control) || is_login_page(control) {
        return vec![
            Finding::open(
                "control-failed",
                "the request with a valid credential did not succeed, so that nothing can be concluded from refusals",
            )
            .at(address)
            .expected("a success with the given credential")
            .observed(&control.status.to_string()),
        ];
    }
    let mut findings = Vec::new();
    for (credential, answer) in answers {
        let with = credential.words();
        let finding = |f: Finding| f.at(address).expected("401 or 403").observed(&format!("{} with {with}", answer.status)).clause(clause);
        match meaning(answer, *credential, control, nowhere) {
            Meaning::Refused => {
                if answer.status == 401 && answer.challenge.is_none() {
                    findings.push(
                        finding(Finding::warning("no-challenge", format!("the refusal with {with} does not say how to authenticate")))
                            .expected("WWW-Authenticate"),
                    );
                }
            }
            Meaning::SentToLogin => {}
            Meaning::Hidden => findings
                .push(finding(Finding::warning("refused-by-hiding", format!("with {with} the address says that it does not exist")))),
            Meaning::Given => {
                findings.push(finding(Finding::error("not-enforced", format!("with {with} the address gives what it gives to its user"))))
            }
            Meaning::SoftDenial => findings.push(finding(Finding::open(
                "soft-denial",
                format!("with {with} the answer is a success whose content says that it is none"),
            ))),
            Meaning::SoftNotFound => {
                findings.push(finding(Finding::open("soft-not-found", format!("with {with} the answer is the one that every path gets"))))
            }
            Meaning::Different => findings.push(finding(Finding::open(
                "unlike-control",
                format!("with {with} the answer is a success with other content than its user gets"),
            ))),
            Meaning::Throttled => {
                findings.push(finding(Finding::open("throttled", format!("with {with} the service asks to come back later"))))
            }
            Meaning::Unclear => findings
                .push(finding(Finding::open("unclear-answer", format!("with {with} the answer is neither a refusal nor a success")))),
        }
    }
    findings
}

/// Words of a refusal, as they stand in the codes and messages of common services.
const DENIED: [&str; 22] = [
    "unauthorized",
    "unauthorised",
    "unauthenticated",
    "forbidden",
    "access denied",
    "access_denied",
    "accessdenied",
    "permission denied",
    "permission_denied",
    "not authorized",
    "not authorised",
    "authentication required",
    "authentication_required",
    "login required",
    "login_required",
    "invalid token",
    "invalid_token",
    "token expired",
    "token_expired",
    "missing token",
    "not logged in",
    "insufficient_scope",
];

/// Whether a body says that it is a refusal: members of JSON that carry errors, an `OperationOutcome`
/// of FHIR about log-in, errors of GraphQL.
pub fn denies(answer: &Answer) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(&answer.body) else {
        let short = answer.body.trim();
        return !is_html(answer.content_type.as_deref().unwrap_or_default())
            && short.len() < 200
            && DENIED.iter().any(|d| short.to_lowercase().contains(d));
    };
    let Some(object) = value.as_object() else { return false };
    if object.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome") {
        let denied = |code: &str| matches!(code, "login" | "security" | "forbidden" | "expired" | "unknown" | "suppressed");
        return object
            .get("issue")
            .and_then(Value::as_array)
            .is_some_and(|issues| issues.iter().any(|i| i.get("code").and_then(Value::as_str).is_some_and(denied)));
    }
    let says = |value: &Value| {
        let text = match value {
            Value::String(text) => text.to_lowercase(),
            Value::Number(n) => return matches!(n.as_u64(), Some(401 | 403)),
            Value::Object(_) | Value::Array(_) => value.to_string().to_lowercase(),
            Value::Null | Value::Bool(_) => return false,
        };
        text == "401" || text == "403" || DENIED.iter().any(|d| text.contains(d))
    };
    let carriers = [
        "error",
        "errors",
        "error_description",
        "message",
        "detail",
        "title",
        "status",
        "code",
        "statusCode",
        "status_code",
        "msg",
        "reason",
    ];
    let failed = object.get("success").or_else(|| object.get("ok")).and_then(Value::as_bool) == Some(false);
    // An answer that carries data beside a status is no refusal.
    (object.len() <= 8 || failed) && carriers.iter().filter_map(|c| object.get(*c)).any(says)
}

/// A page with a form for a password.
fn is_login_page(answer: &Answer) -> bool {
    answer.content_type.as_deref().is_some_and(is_html) && {
        let page = answer.body.to_ascii_lowercase();
        page.contains("type=\"password\"") || page.contains("type=password") || page.contains("type='password'")
    }
}

fn leads_to_login(location: &str) -> bool {
    let lower = location.to_ascii_lowercase();
    let path = lower.split('#').next().unwrap_or_default();
    ["login", "log-in", "signin", "sign-in", "sign_in", "logon", "/auth", "oauth", "authorize", "openid", "saml", "sso", "/cas"]
        .iter()
        .any(|word| path.contains(word))
}

/// Whether two answers carry the same content. JSON is compared by its leaves, so that a changed time
/// or counter in a long answer does not hide that the rest is the same.
fn same_content(a: &Answer, b: &Answer) -> bool {
    /// Of ten leaves nine must be equal.
    const EQUAL: f64 = 0.9;
    if a.body == b.body {
        return !a.body.trim().is_empty() || a.status == b.status;
    }
    let kind = |answer: &Answer| answer.content_type.as_deref().map(essence);
    if kind(a) != kind(b) {
        return false;
    }
    match (serde_json::from_str::<Value>(&a.body), serde_json::from_str::<Value>(&b.body)) {
        (Ok(a), Ok(b)) => share(&leaves(&a), &leaves(&b), 4) >= EQUAL,
        _ => {
            let words = |answer: &Answer| answer.body.split_whitespace().take(20_000).map(str::to_owned).collect::<Vec<_>>();
            share(&words(a), &words(b), 20) >= EQUAL
        }
    }
}

/// How much of the longer list is in the shorter one, each item counted once. Lists of fewer than
/// `least` items are never nearly equal.
fn share(a: &[String], b: &[String], least: usize) -> f64 {
    let longer = a.len().max(b.len());
    if longer < least {
        return 0.0;
    }
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for item in a {
        *counts.entry(item).or_default() += 1;
    }
    let mut equal = 0_usize;
    for item in b {
        if let Some(count) = counts.get_mut(item.as_str()).filter(|c| **c > 0) {
            *count -= 1;
            equal += 1;
        }
    }
    f64::from(u32::try_from(equal).unwrap_or(u32::MAX)) / f64::from(u32::try_from(longer).unwrap_or(u32::MAX))
}

/// `path=value` for every leaf, without indices, so that the order of a list does not matter; moments
/// are blanked, because the moment of an answer differs each time.
fn leaves(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut stack = vec![(String::new(), value)];
    while let Some((path, value)) = stack.pop() {
        match value {
            Value::Object(map) => stack.extend(map.iter().map(|(k, v)| (format!("{path}/{k}"), v))),
            Value::Array(items) => stack.extend(items.iter().map(|v| (format!("{path}/-"), v))),
            Value::String(text) if OffsetDateTime::parse(text, &Rfc3339).is_ok() => found.push(format!("{path}=<moment>")),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(format!("{path}={value}")),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;
    use time::macros::datetime;

    const DATA: &str =
        r#"{"items":[{"id":"a1","name":"Hall sensor","room":"hall"},{"id":"a2","name":"Pendant","room":"-"}],"at":"2026-11-22T09:00:00Z"}"#;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, content_type: Some("application/json".into()), body: body.into(), ..Answer::default() }
    }
    fn judged(bare: Answer, nowhere: Option<&Answer>) -> Vec<(String, Severity)> {
        judge("/devices", &answer(200, DATA), &[(Credential::Bare, bare)], nowhere).into_iter().map(|f| (f.rule, f.severity)).collect()
    }
    fn one(bare: Answer) -> (String, Severity) {
        judged(bare, None).pop().unwrap()
    }

    #[test]
    fn refusals_are_sound() {
        assert_eq!(judged(Answer { challenge: Some("Bearer".into()), ..answer(401, "{}") }, None), []);
        assert_eq!(judged(answer(403, "{}"), None), []);
        assert_eq!(judged(Answer { location: Some("/login?next=%2Fdevices".into()), ..answer(302, "") }, None), []);
        assert_eq!(one(answer(401, "{}")), ("no-challenge".into(), Severity::Warning));
        assert_eq!(one(answer(404, "{}")), ("refused-by-hiding".into(), Severity::Warning));
    }

    #[test]
    fn what_the_control_got_counts_against_the_service() {
        assert_eq!(one(answer(200, DATA)), ("not-enforced".into(), Severity::Error));
        let later = DATA.replace("09:00:00", "09:00:07");
        assert_eq!(one(answer(200, &later)).0, "not-enforced", "the moment of the answer does not count");
        let other = DATA.replace("Hall sensor", "Door").replace("hall", "door");
        assert_eq!(one(answer(200, &other)).0, "unlike-control");
        let long: String = format!("[{}]", (0..30).map(|i| format!("{{\"id\":{i}}}")).collect::<Vec<_>>().join(","));
        let control = answer(200, &format!("{{\"at\":1,\"items\":{long}}}"));
        let bare = answer(200, &format!("{{\"at\":2,\"items\":{long}}}"));
        let rules: Vec<String> = judge("/", &control, &[(Credential::Bare, bare)], None).into_iter().map(|f| f.rule).collect();
        assert_eq!(rules, ["not-enforced"]);
    }

    #[test]
    fn soft_denials_and_shells_cannot_be_told() {
        for body in [
            r#"{"error":"Unauthorized"}"#,
            r#"{"status":401,"message":"who are you"}"#,
            r#"{"errors":[{"message":"x","extensions":{"code":"UNAUTHENTICATED"}}],"data":null}"#,
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login"}]}"#,
        ] {
            assert_eq!(one(answer(200, body)), ("soft-denial".into(), Severity::Open), "{body}");
        }
        let shell =
            Answer { content_type: Some("text/html".into()), ..answer(200, "<html><div id=app></div><script src=/a.js></script></html>") };
        assert_eq!(judged(shell.clone(), Some(&shell)), [("soft-not-found".to_owned(), Severity::Open)]);
        assert_eq!(one(answer(200, r#"{"items":[]}"#)), ("unlike-control".into(), Severity::Open));
        assert_eq!(one(answer(429, "")), ("throttled".into(), Severity::Open));
        assert_eq!(one(answer(500, "")), ("unclear-answer".into(), Severity::Open));
        assert_eq!(one(answer(400, "{}")), ("unclear-answer".into(), Severity::Open));
        let login = Answer { content_type: Some("text/html".into()), ..answer(200, "<form><input type=\"password\"></form>") };
        assert_eq!(judged(login, None), []);
    }

    #[test]
    fn data_that_speaks_of_permissions_is_no_denial() {
        assert!(!denies(&answer(200, r#"{"title":"Forbidden fruit","a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}"#)));
        assert!(!denies(&answer(
            200,
            r#"{"resourceType":"OperationOutcome","issue":[{"severity":"information","code":"informational"}]}"#
        )));
        assert!(!denies(&answer(200, r#"[{"status":401}]"#)));
    }

    #[test]
    fn without_a_control_nothing_is_concluded() {
        let findings = judge("/", &answer(401, ""), &[(Credential::Bare, answer(401, ""))], None);
        assert_eq!((findings[0].rule.as_str(), findings[0].severity), ("control-failed", Severity::Open));
    }

    #[test]
    fn tokens_are_the_same_every_time_and_valid_nowhere() {
        let now = datetime!(2026-11-22 09:00 UTC);
        assert_eq!(Credential::Bare.token(now), None);
        let none = Credential::AlgNone.token(now).unwrap();
        assert_eq!(none, Credential::AlgNone.token(now).unwrap());
        assert!(none.ends_with('.') && none.matches('.').count() == 2);
        let expired = Credential::Expired.token(now).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(expired.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert!(claims["exp"].as_i64().unwrap() < now.unix_timestamp());
    }
}
