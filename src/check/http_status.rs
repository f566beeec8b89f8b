//! The status with which an endpoint answers a simple question.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::{Answers, StatusPattern};
use super::{Facts, Kind, On, Probes};
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Verdict};

/// Asks for paths and judges the status of the answers, and their media type where one is named.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HttpStatus {
    /// The method.
    #[serde(default)]
    method: Method,
    /// The path; from the root of the origin with `/` in front, else from the endpoint's address.
    /// `{name}` stands for a fixture of the target file, a word or a list of words.
    #[serde(default)]
    path: String,
    /// What is asked for, in a few words for people.
    asks: String,
    /// The statuses that are accepted, as codes or classes such as `2xx`.
    accept: Vec<StatusPattern>,
    /// The media types that are accepted; any, where none is named.
    #[serde(default)]
    media_types: Vec<String>,
    /// The credential to show, by its name in the target file.
    #[serde(default)]
    credential: Option<String>,
}

/// A method that changes nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Method {
    /// Reads.
    #[default]
    Get,
    /// Reads the head only.
    Head,
    /// Asks what is possible.
    Options,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
        }
    }
}

impl Kind for HttpStatus {
    const NAME: &'static str = "http-status";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        if let Some(name) = self.credential.as_deref().filter(|name| !probes.has_credential(name)) {
            return Ok(Answers::missing(format!("the target file names no credential `{name}` for this endpoint")));
        }
        probes
            .ask_each(std::slice::from_ref(&self.path), |url| {
                let mut request = Request::new(self.method.as_str(), url, self.asks.clone());
                if !self.media_types.is_empty() {
                    request = request.header("Accept", self.media_types.join(", "));
                }
                match &self.credential {
                    Some(name) => request.credential(name),
                    None => request,
                }
            })
            .await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        if let Some(verdict) = seen.unasked() {
            return verdict;
        }
        if self.accept.is_empty() {
            return Verdict::cant_tell(Cause::Bug, "the profile accepts no status");
        }
        let expected = format!("status {}", StatusPattern::words(&self.accept));
        for answer in &seen.answers {
            if let Some(verdict) = answer.tells_nothing(&self.accept) {
                return verdict;
            }
            if !StatusPattern::any(&self.accept, answer.status) {
                return Verdict::failed(format!("{}: status {} instead of {}", self.asks, answer.status, StatusPattern::words(&self.accept)))
                    .with(answer.status_evidence(expected));
            }
            if !self.media_types.is_empty() && !self.media_types.contains(&answer.media_type()) {
                let expected = self.media_types.join(" or ");
                return Verdict::failed(format!("{}: the media type is not {expected}", self.asks)).with(
                    Evidence::expected(format!("the media type {expected}"))
                        .observed(answer.header("content-type").unwrap_or("none"))
                        .at(answer.header_place("Content-Type"))
                        .clause("RFC 9110, section 8.3"),
                );
            }
        }
        Verdict::passed(format!("{}: {expected}", self.asks)).with_all(seen.answers.iter().take(5).map(|a| a.status_evidence(expected.clone())))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::Answer;
    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    fn judge(check: &str, seen: Vec<Answer>) -> Verdict {
        let check: HttpStatus = kind(check);
        check.judge(&answers(seen), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn statuses_and_media_types_are_judged() {
        let check = "{asks: the page, accept: [200, 3xx], media-types: [text/html]}";
        let html = [("Content-Type", "Text/HTML;charset=utf-8")];
        assert_eq!(judge(check, vec![answer(200, &html, "")]).outcome, Outcome::Passed);
        assert_eq!(judge(check, vec![answer(302, &html, "")]).outcome, Outcome::Passed);
        assert_eq!(judge(check, vec![answer(200, &html, ""), answer(404, &html, "")]).outcome, Outcome::Failed);
        assert_eq!(judge(check, vec![answer(200, &[], "")]).outcome, Outcome::Failed);
        assert_eq!(judge(check, vec![answer(401, &html, "")]).outcome, Outcome::Failed);
    }

    #[test]
    fn nothing_asked_is_untested_and_a_busy_server_cannot_be_told() {
        let check = "{asks: the page, accept: [200]}";
        assert_eq!(judge(check, vec![]).outcome, Outcome::Untested);
        assert_eq!(judge(check, vec![answer(429, &[], "")]).outcome, Outcome::CantTell);
        assert_eq!(judge("{asks: it, accept: [429]}", vec![answer(429, &[], "")]).outcome, Outcome::Passed);
    }
}
