//! A header field of an answer.

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::answer::{Answer, Answers};
use super::http_status::Method;
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Asks for a path and judges one header field of the answer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpHeader {
    /// The method.
    #[serde(default)]
    method: Method,
    /// The path; from the root of the origin with `/` in front, else from the endpoint's address.
    /// `{name}` stands for a fixture of the target file, a word or a list of words.
    #[serde(default)]
    path: String,
    /// The field's name, in any case.
    name: String,
    /// What is asked of the field.
    rule: HeaderRule,
}

/// What is asked of a header field.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum HeaderRule {
    /// The field is there and is not empty.
    Present,
    /// The field is not there.
    Absent,
    /// The value is this, in any case of letters.
    Equals(String),
    /// The value is one of these, in any case of letters.
    OneOf(Vec<String>),
    /// One of the value's comma-separated members is this, in any case of letters.
    Contains(String),
    /// The value fits this regular expression.
    Matches(Pattern),
    /// The field is absent, or its value does not fit this regular expression.
    Lacks(Pattern),
    /// The directive `max-age` is at least this many seconds.
    MinMaxAge(u64),
}

/// A regular expression that runs in linear time.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(|e| {
            // The library draws the place on lines of its own; the last line says what is wrong.
            let said = e.to_string();
            let why = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
            serde::de::Error::custom(format!("`{text}` is no regular expression: {why}"))
        })
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "A regular expression." })
    }
}

impl Kind for HttpHeader {
    const NAME: &'static str = "http-header";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let purpose = format!("look at the header field {}", self.name);
        probes.ask_each(std::slice::from_ref(&self.path), |url| Request::new(self.method.as_str(), url, purpose.clone())).await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        for answer in &seen.answers {
            // What a server says while it is not at work says nothing of how it works.
            if answer.status >= 500 || answer.status == 429 {
                return Verdict::cant_tell(Cause::Target, format!("status {} is no answer to judge headers by", answer.status)).with(answer.status_evidence("an answer of the product"));
            }
            if let Some(evidence) = self.fault(answer) {
                return Verdict::failed(format!("the header field {}: expected {}", self.name, self.rule.words())).with(evidence);
            }
        }
        let evidence = seen.answers.iter().take(5).map(|answer| {
            let value = self.value(answer);
            Evidence::expected(self.rule.words()).observed(value.as_deref().unwrap_or("no such field")).at(answer.header_place(&self.name))
        });
        Verdict::passed(format!("the header field {} is as it should be: {}", self.name, self.rule.words())).with_all(evidence)
    }
}

impl HttpHeader {
    /// The field's value, several fields of one name joined as RFC 9110 section 5.3 allows.
    fn value(&self, answer: &Answer) -> Option<String> {
        let values: Vec<&str> = answer.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(&self.name)).map(|(_, v)| v.trim()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
    fn fault(&self, answer: &Answer) -> Option<Evidence> {
        let value = self.value(answer);
        let holds = match (&self.rule, value.as_deref()) {
            (HeaderRule::Absent, value) => value.is_none(),
            (HeaderRule::Lacks(pattern), value) => value.is_none_or(|v| !pattern.0.is_match(v)),
            (_, None) => false,
            (HeaderRule::Present, Some(value)) => !value.is_empty(),
            (HeaderRule::Equals(wanted), Some(value)) => value.eq_ignore_ascii_case(wanted),
            (HeaderRule::OneOf(wanted), Some(value)) => wanted.iter().any(|w| value.eq_ignore_ascii_case(w)),
            (HeaderRule::Contains(wanted), Some(value)) => value.split(',').any(|member| member.trim().eq_ignore_ascii_case(wanted)),
            (HeaderRule::Matches(pattern), Some(value)) => pattern.0.is_match(value),
            (HeaderRule::MinMaxAge(least), Some(value)) => max_age(value).is_some_and(|age| age >= *least),
        };
        (!holds).then(|| Evidence::expected(self.rule.words()).observed(value.as_deref().unwrap_or("no such field")).at(answer.header_place(&self.name)))
    }
}

impl HeaderRule {
    fn words(&self) -> String {
        match self {
            Self::Present => "the field is there".into(),
            Self::Absent => "the field is not there".into(),
            Self::Equals(wanted) => format!("`{wanted}`"),
            Self::OneOf(wanted) => format!("one of {}", wanted.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")),
            Self::Contains(wanted) => format!("`{wanted}` among its members"),
            Self::Matches(pattern) => format!("a value of the form `{}`", pattern.0),
            Self::Lacks(pattern) => format!("no value of the form `{}`", pattern.0),
            Self::MinMaxAge(least) => format!("max-age of at least {least} seconds"),
        }
    }
}

/// The directive `max-age` in seconds, of `;` or `,` separated directives.
fn max_age(value: &str) -> Option<u64> {
    let directive = value.split([';', ',']).find_map(|d| {
        let (name, number) = d.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| number.trim().trim_matches('"').to_owned())
    })?;
    (!directive.is_empty() && directive.bytes().all(|b| b.is_ascii_digit())).then(|| directive.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(rule: &str, status: u16, headers: &[(&str, &str)]) -> Outcome {
        let check: HttpHeader = kind(&format!("{{name: X-Field, rule: {rule}}}"));
        let facts_target = target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &facts_target, endpoint: Some("api") };
        check.judge(&answers(vec![answer(status, headers, "")]), &facts).outcome
    }

    #[test]
    fn each_rule_passes_and_fails() {
        for (rule, good, bad) in [
            ("present", Some("a"), None),
            ("absent", None, Some("a")),
            ("{equals: NoSniff}", Some("nosniff"), Some("sniff")),
            ("{one-of: [DENY, SAMEORIGIN]}", Some("sameorigin"), Some("ALLOW")),
            ("{contains: b}", Some("a, B"), Some("ab")),
            ("{matches: '^a+$'}", Some("aaa"), Some("b")),
            ("{lacks: '[0-9]'}", Some("server"), Some("server/2.4")),
            ("{min-max-age: 100}", Some("includeSubDomains; max-age=\"100\""), Some("max-age=99")),
        ] {
            let headers = |value: Option<&'static str>| value.map(|v| vec![("x-field", v)]).unwrap_or_default();
            assert_eq!(judge(rule, 200, &headers(good)), Outcome::Passed, "{rule}");
            assert_eq!(judge(rule, 404, &headers(bad)), Outcome::Failed, "{rule}");
        }
        assert_eq!(judge("{min-max-age: 1}", 200, &[("X-Field", "max-age=-1")]), Outcome::Failed);
        assert_eq!(judge("{min-max-age: 1}", 200, &[("X-Field", "max-age=99999999999999999999999")]), Outcome::Passed);
    }

    #[test]
    fn a_server_that_is_not_at_work_cannot_be_told() {
        assert_eq!(judge("present", 503, &[]), Outcome::CantTell);
        let check: HttpHeader = kind("{name: a, rule: present}");
        let facts_target = target("");
        let facts = Facts { now: datetime!(2026-11-22 12:00 UTC), target: &facts_target, endpoint: None };
        assert_eq!(check.judge(&Answers::missing("no"), &facts).outcome, Outcome::Untested);
    }
}
