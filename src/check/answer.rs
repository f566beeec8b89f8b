//! What an endpoint answered over HTTP, as the kinds that ask over HTTP keep it: enough to judge again,
//! without the bytes that no kind judges.
//!
//! A path in a profile is a template: `{name}` stands for a fixture of the target file, a word or a
//! list of words. A path that begins with `/` starts at the root of the origin, any other at the
//! endpoint's own address.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::Probes;
use crate::probe::{CredentialUse, Exchange, ProbeError, Request};
use crate::target::Target;
use crate::verdict::{Cause, Evidence, Place, Verdict};

/// One answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// The method that was asked with.
    pub(super) method: String,
    /// The address that was asked.
    pub(super) url: String,
    /// The status code.
    pub(super) status: u16,
    /// The header fields, in their order.
    pub(super) headers: Vec<(String, String)>,
    /// The body where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    /// Bytes of the body after decoding.
    pub(super) length: u64,
    /// SHA-256 of the body, hexadecimal.
    pub(super) sha256: String,
    /// Why it was not read to its end, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cut: Option<String>,
    /// The credential that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shown: Option<String>,
    /// Why a credential was not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) withheld: Option<String>,
}

/// What was asked, and what came of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answers {
    /// What the target file does not provide, so that nothing could be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) missing: Option<String>,
    /// The answers, in the order of the questions.
    #[serde(default)]
    pub(super) answers: Vec<Answer>,
}

impl Answers {
    /// Nothing could be asked, for want of something in the target file.
    pub(super) fn missing(what: impl Into<String>) -> Self {
        Self { missing: Some(what.into()), answers: Vec::new() }
    }
    /// The verdict where nothing was asked.
    pub(super) fn unasked(&self) -> Option<Verdict> {
        match &self.missing {
            Some(what) => Some(Verdict::untested(Cause::Missing, what.clone())),
            None if self.answers.is_empty() => Some(Verdict::untested(Cause::Missing, "there was nothing to ask for")),
            None => None,
        }
    }
}

impl Answer {
    /// The value of the first field of this name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    /// The values of all fields of this name, in their order.
    pub(super) fn header_values(&self, name: &str) -> Vec<String> {
        self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone()).collect()
    }
    /// The media type of the body without parameters, in lower case.
    pub(super) fn media_type(&self) -> String {
        self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
    /// Whether the body is said to be JSON: `application/json` or a type that ends in `+json` (RFC 6839).
    pub(super) fn is_json(&self) -> bool {
        let media_type = self.media_type();
        media_type == "application/json" || media_type.ends_with("+json")
    }
    /// The question in a few words, for evidence.
    pub(super) fn question(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
    /// The place, for evidence.
    pub(super) fn place(&self) -> Place {
        Place::of(&self.question())
    }
    /// The place of a header field, for evidence.
    pub(super) fn header_place(&self, name: &str) -> Place {
        Place::part_of(&self.question(), &format!("header {name}"))
    }
    /// What was expected and seen of the status.
    pub(super) fn status_evidence(&self, expected: impl Into<String>) -> Evidence {
        Evidence::expected(expected).observed(&format!("status {}", self.status)).at(self.place())
    }
    /// Why nothing about the product can be told from this answer: the server is busy or broken, or a
    /// credential was withheld or not taken. `accepted` are the statuses that would mean something.
    pub(super) fn tells_nothing(&self, accepted: &[StatusPattern]) -> Option<Verdict> {
        if StatusPattern::any(accepted, self.status) {
            return None;
        }
        let why = match (self.status, &self.withheld, &self.shown) {
            (_, Some(why), _) => return Some(Verdict::cant_tell(Cause::Missing, format!("the credential was not shown: {why}"))),
            (401 | 403, None, Some(name)) => {
                let reason = format!("the credential `{name}` was not accepted: status {}", self.status);
                return Some(Verdict::cant_tell(Cause::Missing, reason).with(self.status_evidence("the credential is accepted")));
            }
            (429, ..) => "it asked to be left in peace for a while (429)",
            (502..=504, ..) => "it was not at work just now",
            _ => return None,
        };
        Some(
            Verdict::cant_tell(Cause::Target, format!("{}: {why}", self.question()))
                .with(self.status_evidence("an answer that can be judged")),
        )
    }
    /// Why the body cannot be judged: it was not read to its end.
    pub(super) fn unfinished(&self) -> Option<Verdict> {
        let why = self.cut.as_ref()?;
        let evidence = Evidence::expected("a whole answer").observed(why).at(self.place());
        Some(Verdict::cant_tell(Cause::Target, format!("the answer could not be read whole: {why}")).with(evidence))
    }
    /// Why the body cannot be judged as text: it was not read to its end or is not UTF-8.
    pub(super) fn unreadable(&self) -> Option<Verdict> {
        self.unfinished().or_else(|| {
            let evidence = Evidence::expected("UTF-8 text").observed("other bytes").at(self.place());
            self.text.is_none().then(|| Verdict::cant_tell(Cause::Target, "the answer is not text").with(evidence))
        })
    }
}

impl From<&Exchange> for Answer {
    fn from(exchange: &Exchange) -> Self {
        let (shown, withheld) = match &exchange.request.credential {
            CredentialUse::None => (None, None),
            CredentialUse::Sent { name } => (Some(name.clone()), None),
            CredentialUse::Withheld { reason, .. } => (None, Some(reason.to_string())),
        };
        Self {
            method: exchange.request.method.clone(),
            url: exchange.request.url.clone(),
            status: exchange.status(),
            headers: exchange.response.headers.clone(),
            text: exchange.text().map(str::to_owned),
            length: exchange.response.decoded_length,
            sha256: exchange.response.body_sha256.clone(),
            cut: exchange.response.cut.map(|cut| cut.to_string()),
            shown,
            withheld,
        }
    }
}

impl Probes {
    /// The address of a path at the endpoint that is asked.
    pub(super) fn address(&self, path: &str) -> Result<Url, ProbeError> {
        let (_, endpoint) = self.endpoint()?;
        let mut base = endpoint.url.clone();
        if path.is_empty() {
            return Ok(base);
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.join(path).map_err(|e| ProbeError::bug(format!("{path}: {e}")))
    }
    /// Asks for each path of a template at the endpoint.
    pub(super) async fn ask_each(&self, templates: &[String], ask: impl Fn(Url) -> Request) -> Result<Answers, ProbeError> {
        let mut answers = Answers::default();
        for template in templates {
            match paths(template, self.target()) {
                Err(missing) => return Ok(Answers::missing(missing)),
                Ok(paths) => {
                    for path in paths {
                        answers.answers.push(Answer::from(&*self.door().ask(&ask(self.address(&path)?)).await?));
                    }
                }
            }
        }
        Ok(answers)
    }
    /// The credential of this name, where the target file has it for the endpoint that is asked.
    pub(super) fn has_credential(&self, name: &str) -> bool {
        let endpoint = self.endpoint().map(|(name, _)| name.to_owned()).unwrap_or_default();
        self.target().credentials.get(name).is_some_and(|c| c.endpoint == endpoint)
    }
}

/// The paths that a template stands for.
///
/// # Errors
/// The fixture that the target file does not have, in a sentence.
pub(super) fn paths(template: &str, target: &Target) -> Result<Vec<String>, String> {
    let Some((before, rest)) = template.split_once('{') else { return Ok(vec![template.to_owned()]) };
    let Some((name, after)) = rest.split_once('}') else { return Ok(vec![template.to_owned()]) };
    let values: Vec<String> = match target.fixtures.get(name) {
        Some(Value::Array(items)) => items.iter().filter_map(word).collect(),
        Some(value) => word(value).into_iter().collect(),
        None => Vec::new(),
    };
    if values.is_empty() {
        return Err(format!("the target file provides no `{name}` under `fixtures`"));
    }
    let mut paths = Vec::new();
    for value in values {
        // A fixture that is the whole path may be a path with its query, one that begins it a path; one
        // within a path is one segment.
        let value = match (before.is_empty(), after.is_empty()) {
            (true, true) => value,
            (true, false) => value.split('/').map(segment).collect::<Vec<_>>().join("/"),
            (false, _) => segment(&value),
        };
        for tail in self::paths(after, target)? {
            paths.push(format!("{before}{value}{tail}"));
        }
    }
    Ok(paths)
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Percent-encodes what has a meaning in a path (RFC 3986, section 3.3).
fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

/// A status code or a class of them: `200`, `2xx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub(super) struct StatusPattern(u16, u16);

impl StatusPattern {
    /// Whether one of the patterns fits.
    pub(super) fn any(patterns: &[Self], status: u16) -> bool {
        patterns.iter().any(|p| (p.0..=p.1).contains(&status))
    }
    /// The patterns in words.
    pub(super) fn words(patterns: &[Self]) -> String {
        patterns.iter().map(|p| String::from(*p)).collect::<Vec<_>>().join(" or ")
    }
    /// 200 to 299.
    pub(super) const SUCCESS: Self = Self(200, 299);
}

impl From<StatusPattern> for String {
    fn from(pattern: StatusPattern) -> Self {
        if pattern.0 == pattern.1 { pattern.0.to_string() } else { format!("{}xx", pattern.0 / 100) }
    }
}

impl<'de> Deserialize<'de> for StatusPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("`{text}` is no status: write a code such as 200 or a class such as 2xx"));
        match text.strip_suffix("xx") {
            Some(class) => match class.parse::<u16>() {
                Ok(c @ 1..=5) => Ok(Self(c * 100, c * 100 + 99)),
                _ => Err(wrong()),
            },
            None => match text.parse::<u16>() {
                Ok(code @ 100..=599) => Ok(Self(code, code)),
                _ => Err(wrong()),
            },
        }
    }
}

impl schemars::JsonSchema for StatusPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StatusPattern".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "integer"], "pattern": "^([1-5]xx|[1-5][0-9]{2})$", "description": "A status code or a class, such as `2xx`." })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer for the tests of kinds.
    pub(in crate::check) fn answer(status: u16, headers: &[(&str, &str)], text: &str) -> Answer {
        Answer {
            method: "GET".into(),
            url: "https://api.test/x".into(),
            status,
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            text: Some(text.into()),
            length: text.len() as u64,
            sha256: format!("{:064x}", text.len()),
            cut: None,
            shown: None,
            withheld: None,
        }
    }
    pub(in crate::check) fn answers(answers: Vec<Answer>) -> Answers {
        Answers { missing: None, answers }
    }
    pub(in crate::check) fn target(more: &str) -> Target {
        let text = format!(
            "target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints:\n  api: {{url: 'https://api.test/v1'}}\n{more}"
        );
        Target::parse("t.yaml", &text).unwrap()
    }
    pub(in crate::check) fn kind<K: super::super::Kind>(text: &str) -> K {
        crate::document::from_node(&crate::document::Node::read("c", text).unwrap()).unwrap()
    }

    #[test]
    fn templates_take_fixtures_and_encode_segments() {
        let target = target("fixtures: {pages: [/a, '/b?c=d'], id: 'x/y z', n: 7}\n");
        assert_eq!(paths("plain", &target).unwrap(), ["plain"]);
        assert_eq!(paths("{pages}", &target).unwrap(), ["/a", "/b?c=d"]);
        assert_eq!(paths("items/{id}/{n}", &target).unwrap(), ["items/x%2Fy%20z/7"]);
        assert!(paths("{none}", &target).unwrap_err().contains("`none`"));
    }

    #[test]
    fn statuses_are_codes_or_classes() {
        let read = |t: &str| crate::document::from_node::<Vec<StatusPattern>>(&crate::document::Node::read("s", t).unwrap());
        let patterns = read("[2xx, 404]").unwrap();
        assert!(StatusPattern::any(&patterns, 204) && StatusPattern::any(&patterns, 404) && !StatusPattern::any(&patterns, 403));
        assert_eq!(StatusPattern::words(&patterns), "2xx or 404");
        assert!(read("[9xx]").is_err() && read("[99]").is_err());
    }

    #[test]
    fn a_busy_server_or_a_refused_credential_tells_nothing() {
        let mut seen = answer(401, &[], "");
        assert!(seen.tells_nothing(&[StatusPattern::SUCCESS]).is_none());
        seen.shown = Some("reader".into());
        assert!(seen.tells_nothing(&[StatusPattern::SUCCESS]).unwrap().reason.contains("`reader`"));
        assert!(answer(503, &[], "").tells_nothing(&[StatusPattern::SUCCESS]).is_some());
        assert!(answer(500, &[], "").tells_nothing(&[StatusPattern::SUCCESS]).is_none());
    }
}
