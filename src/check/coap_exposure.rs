//! What a CoAP server tells strangers without encryption.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::paths;
use super::{Facts, Kind, On, Probes};
use crate::probe::coap::{self, Seen};
use crate::probe::{Origin, ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Asks without encryption for the list of resources (`/.well-known/core`) and for given resources, each
/// twice at most. On a `coaps` endpoint the usual port without encryption of the same host is asked. A
/// server may refuse there and still serve those who protect each message (RFC 8613). Silence of a
/// datagram proves nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CoapExposure {
    /// Resources that nobody may read without encryption; `{name}` stands for a fixture of the target
    /// file, a word or a list of words.
    #[serde(default)]
    resources: Vec<String>,
    /// Whether any answer without encryption fails; else a list of resources is noted.
    #[serde(default)]
    refuse_clear_text: bool,
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most resources that are asked for.
const MOST: usize = 10;

/// What was seen, where there was a port to ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clear {
    /// The list of resources.
    seen: Option<Seen>,
    /// Each resource that was asked for.
    #[serde(default)]
    read: Vec<(String, Seen)>,
    /// Resources that the target file does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    /// The endpoint itself is encrypted, and its neighbour was asked.
    beside: bool,
}

impl Kind for CoapExposure {
    const NAME: &'static str = "coap-exposure";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Any;
    type Observation = Clear;

    async fn observe(&self, probes: &Probes) -> Result<Clear, ProbeError> {
        let origin = probes.origin()?;
        let (origin, beside) = match origin.scheme() {
            "coap" => (Some(origin), false),
            "coaps" => (Origin::new("coap", origin.host(), 5683).ok().filter(|p| probes.door().scope().endpoint(p).is_ok()), true),
            _ => (None, false),
        };
        let mut clear = Clear { seen: None, read: Vec::new(), missing: None, beside };
        let Some(origin) = origin else { return Ok(clear) };
        let list = ask(probes, &origin, "/.well-known/core", "read the list of resources without encryption").await?;
        let there = matches!(list, Seen::Answered { .. } | Seen::Reset);
        clear.seen = Some(list);
        for template in self.resources.iter().filter(|_| there) {
            match paths(template, probes.target()) {
                Ok(paths) => {
                    for path in paths.into_iter().take(MOST) {
                        let seen = ask(probes, &origin, &path, "see whether a resource can be read without encryption").await?;
                        clear.read.push((path, seen));
                    }
                }
                Err(missing) => clear.missing = Some(missing),
            }
        }
        Ok(clear)
    }

    fn judge(&self, seen: &Clear, facts: &Facts<'_>) -> Verdict {
        let host = facts.endpoint().map(|e| e.url.to_string()).unwrap_or_default();
        let evidence = |observed: &str| {
            Evidence::expected("nothing to read without encryption").observed(observed).at(Place::of(&host)).clause(CLAUSE)
        };
        let read: Vec<&(String, Seen)> =
            seen.read.iter().filter(|(_, seen)| matches!(seen, Seen::Answered { code, .. } if code.starts_with("2."))).collect();
        if !read.is_empty() {
            let names = read.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>().join(", ");
            return Verdict::failed(format!("strangers read {names} without encryption"))
                .with_all(read.iter().map(|(path, seen)| evidence(&format!("{path}: {}", said(seen)))));
        }
        match &seen.seen {
            None if seen.beside => Verdict::inapplicable(
                "the endpoint is encrypted, and its port is not the usual one, so that the one beside it is not known",
            ),
            None => Verdict::inapplicable("the endpoint does not speak CoAP"),
            Some(Seen::Refused) => Verdict::passed("nothing listens without encryption").with(evidence("closed")),
            Some(answer @ (Seen::Answered { .. } | Seen::Reset)) if self.refuse_clear_text => {
                Verdict::failed("the server answers without encryption").with(evidence(&said(answer)))
            }
            Some(answer @ (Seen::Answered { .. } | Seen::Reset)) => self.answers(seen, answer).with(evidence(&said(answer))),
            // Beside an encrypted port nothing is expected, and nothing was seen.
            Some(Seen::Silent | Seen::NotCoap { .. }) if seen.beside => {
                Verdict::passed("no CoAP was seen on the usual port without encryption")
                    .with(evidence("no answer of CoAP"))
                    .note("with datagrams silence proves little")
            }
            Some(Seen::Silent) => Verdict::cant_tell(Cause::Target, "no answer came; with datagrams that proves nothing"),
            Some(Seen::NotCoap { .. }) => Verdict::cant_tell(Cause::Target, "what answers is not CoAP"),
        }
    }
}

const CLAUSE: &str = "RFC 7252, section 9; EN 303 645, provision 5.5-1";

impl CoapExposure {
    /// A server answers, and none of the named resources was read.
    fn answers(&self, seen: &Clear, answer: &Seen) -> Verdict {
        let refused =
            matches!(answer, Seen::Reset) || matches!(answer, Seen::Answered { code, .. } if matches!(code.as_str(), "4.01" | "4.03"));
        if refused && seen.read.iter().all(|(_, s)| !matches!(s, Seen::Silent | Seen::NotCoap { .. })) {
            return Verdict::passed("strangers are refused");
        }
        if let Some((path, _)) = seen.read.iter().find(|(_, s)| matches!(s, Seen::Silent | Seen::NotCoap { .. })) {
            return Verdict::cant_tell(Cause::Target, format!("no answer came for {path}; with datagrams that proves nothing"));
        }
        if let Some(missing) = &seen.missing {
            return Verdict::untested(
                Cause::Missing,
                format!("the server answers without encryption; whether it gives away anything that matters was not tried: {missing}"),
            );
        }
        let count = match answer {
            Seen::Answered { resources, .. } => resources.len(),
            Seen::Reset | Seen::Refused | Seen::Silent | Seen::NotCoap { .. } => 0,
        };
        let mut verdict = Verdict::passed(format!("{} resources that were asked for are refused", seen.read.len()));
        if seen.read.is_empty() {
            verdict = Verdict::passed("the server lists its resources without encryption; what they hold was not asked for");
        }
        if count > 0 {
            verdict = verdict.note(format!("strangers learn of {count} resources"));
        }
        // RFC 9175, section 3.4: what a forged sender could make of it.
        match answer {
            Seen::Answered { sizes: (answer, asked), .. } if *answer > asked.saturating_mul(3) => {
                verdict.note(format!("an answer of {answer} bytes to a question of {asked} can be turned against others (RFC 9175)"))
            }
            Seen::Answered { .. } | Seen::Reset | Seen::Refused | Seen::Silent | Seen::NotCoap { .. } => verdict,
        }
    }
}

/// An answer in a few words.
fn said(seen: &Seen) -> String {
    match seen {
        Seen::Answered { code, resources, .. } if !resources.is_empty() => {
            format!("{code}: {}", resources.iter().take(10).map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        Seen::Answered { code, content, .. } => format!("{code}, {content} bytes"),
        Seen::Reset => "a reset of CoAP".into(),
        Seen::Refused => "closed".into(),
        Seen::Silent => "no answer".into(),
        Seen::NotCoap { beginning } => format!("something else: {beginning}"),
    }
}

async fn ask(probes: &Probes, origin: &Origin, path: &str, purpose: &str) -> Result<Seen, ProbeError> {
    let mut datagrams = probes.door().udp(origin, purpose).await?;
    let word = random_word();
    let token = word.as_bytes().get(..4).unwrap_or_default();
    let id = u16::from_str_radix(word.get(4..8).unwrap_or("1"), 16).unwrap_or(1);
    coap::ask(&mut datagrams, path, id, token, PATIENCE).await
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::target::Target;
    use crate::verdict::{Outcome, Untrusted};

    fn judge_all(check: &str, scheme: &str, seen: Option<Seen>, read: Vec<Seen>, missing: Option<&str>) -> Verdict {
        let check: CoapExposure = kind(check);
        let target = Target::parse("t", &format!("target: 1\nproduct: {{name: Bell, version: 2.1.0, vendor: {{name: v}}}}\nendpoints: {{hub: {{url: '{scheme}://hub.test'}}}}\n")).unwrap();
        let read = read.into_iter().map(|seen| ("/alarm".to_owned(), seen)).collect();
        let clear = Clear { seen, read, missing: missing.map(str::to_owned), beside: scheme == "coaps" };
        check.judge(&clear, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("hub") })
    }
    fn judge(check: &str, seen: Option<Seen>) -> Verdict {
        judge_all(check, "coap", seen, vec![], None)
    }
    fn answered(code: &str, resources: usize) -> Seen {
        Seen::Answered { code: code.into(), resources: vec![Untrusted::new("/alarm"); resources], content: 9, sizes: (900, 20), more: true }
    }

    #[test]
    fn a_list_is_noted_or_fails_as_the_profile_says() {
        assert_eq!(judge("{}", Some(answered("2.05", 1))).outcome, Outcome::Passed);
        assert_eq!(judge("{}", Some(answered("2.05", 1))).notes.len(), 2);
        assert_eq!(judge("{refuse-clear-text: true}", Some(answered("2.05", 1))).outcome, Outcome::Failed);
        assert_eq!(judge("{}", Some(answered("4.01", 0))).outcome, Outcome::Passed);
        assert_eq!(judge("{refuse-clear-text: true}", Some(Seen::Refused)).outcome, Outcome::Passed);
        assert_eq!(judge("{}", Some(Seen::Silent)).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", None).outcome, Outcome::Inapplicable);
    }

    #[test]
    fn what_is_read_fails_and_what_was_not_named_is_told() {
        let list = || Some(answered("2.05", 1));
        let all = |list, read, missing| judge_all("{}", "coap", list, read, missing).outcome;
        assert_eq!(all(list(), vec![answered("2.05", 0)], None), Outcome::Failed);
        assert_eq!(all(list(), vec![answered("4.01", 0), answered("4.04", 0)], None), Outcome::Passed);
        assert_eq!(all(list(), vec![answered("4.01", 0), Seen::Silent], None), Outcome::CantTell);
        assert_eq!(all(list(), vec![], Some("no resources")), Outcome::Untested);
        assert_eq!(all(Some(answered("4.01", 0)), vec![], Some("no resources")), Outcome::Passed);
        assert_eq!(judge_all("{}", "coaps", Some(Seen::Silent), vec![], None).outcome, Outcome::Passed);
        assert_eq!(judge_all("{}", "coaps", Some(Seen::Refused), vec![], None).outcome, Outcome::Passed);
    }
}
