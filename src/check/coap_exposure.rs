//! What a CoAP server tells strangers without encryption.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Kind, On, Probes};
use crate::probe::coap::{self, Seen};
use crate::probe::{Origin, ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Asks for the list of resources (`/.well-known/core`) without encryption, twice at most. On a `coaps`
/// endpoint the usual port without encryption of the same host is asked. Silence of a datagram proves
/// nothing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CoapExposure {
    /// Whether any answer without encryption fails; else only a list of resources is noted.
    #[serde(default)]
    refuse_clear_text: bool,
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was seen, where there was a port to ask.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clear {
    seen: Option<Seen>,
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
        let Some(origin) = origin else { return Ok(Clear { seen: None, beside }) };
        let mut datagrams = probes.door().udp(&origin, "read the list of resources without encryption").await?;
        let word = random_word();
        let token = word.as_bytes().get(..4).unwrap_or_default();
        let id = u16::from_str_radix(word.get(4..8).unwrap_or("1"), 16).unwrap_or(1);
        Ok(Clear { seen: Some(coap::ask(&mut datagrams, id, token, PATIENCE).await?), beside })
    }

    fn judge(&self, seen: &Clear, facts: &Facts<'_>) -> Verdict {
        let host = facts.endpoint().map(|e| e.url.to_string()).unwrap_or_default();
        let evidence = |observed: &str| Evidence::expected("nothing to read without encryption").observed(observed).at(Place::of(&host)).clause("RFC 7252, section 9; EN 303 645, provision 5.5-1");
        match &seen.seen {
            None if seen.beside => Verdict::inapplicable("the endpoint is encrypted, and its port is not the usual one, so that the one beside it is not known"),
            None => Verdict::inapplicable("the endpoint does not speak CoAP"),
            Some(Seen::Refused) => Verdict::passed("nothing listens without encryption").with(evidence("closed")),
            Some(Seen::Answered { code, .. }) if matches!(code.as_str(), "4.01" | "4.03") => {
                let verdict = Verdict::passed("strangers are refused").with(evidence(code));
                if self.refuse_clear_text { Verdict::failed("the server answers without encryption").with(evidence(code)) } else { verdict }
            }
            Some(Seen::Answered { code, resources, sizes, .. }) => {
                let names = resources.iter().take(10).map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let observed = format!("{code}: {names}");
                let verdict = if self.refuse_clear_text {
                    Verdict::failed("the server answers without encryption").with(evidence(&observed))
                } else {
                    Verdict::passed("the server lists its resources without encryption; what they hold was not asked for").with(evidence(&observed)).note(format!("strangers learn of {} resources", resources.len()))
                };
                // RFC 9175, section 3.4: what a forged sender could make of it.
                let (answer, asked) = *sizes;
                if answer > asked.saturating_mul(3) { verdict.note(format!("an answer of {answer} bytes to a question of {asked} can be turned against others (RFC 9175)")) } else { verdict }
            }
            Some(Seen::Reset) if self.refuse_clear_text => Verdict::failed("the server answers without encryption").with(evidence("a reset of CoAP")),
            Some(Seen::Reset) => Verdict::passed("a server is there and takes no question").with(evidence("a reset of CoAP")),
            Some(Seen::Silent) => Verdict::cant_tell(Cause::Target, "no answer came; with datagrams that proves nothing"),
            Some(Seen::NotCoap { .. }) => Verdict::cant_tell(Cause::Target, "what answers is not CoAP"),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::target::Target;
    use crate::verdict::{Outcome, Untrusted};

    fn judge(check: &str, seen: Option<Seen>) -> Verdict {
        let check: CoapExposure = kind(check);
        let target = Target::parse("t", "target: 1\nproduct: {name: Bell, version: 2.1.0, vendor: {name: v}}\nendpoints: {hub: {url: 'coaps://hub.test'}}\n").unwrap();
        check.judge(&Clear { seen, beside: true }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("hub") })
    }

    #[test]
    fn a_list_is_noted_or_fails_as_the_profile_says() {
        let listed = || Seen::Answered { code: "2.05".into(), resources: vec![Untrusted::new("/alarm")], sizes: (900, 20), more: true };
        assert_eq!(judge("{}", Some(listed())).outcome, Outcome::Passed);
        assert_eq!(judge("{}", Some(listed())).notes.len(), 2);
        assert_eq!(judge("{refuse-clear-text: true}", Some(listed())).outcome, Outcome::Failed);
        let refused = Seen::Answered { code: "4.01".into(), resources: vec![], sizes: (8, 20), more: false };
        assert_eq!(judge("{}", Some(refused)).outcome, Outcome::Passed);
        assert_eq!(judge("{refuse-clear-text: true}", Some(Seen::Refused)).outcome, Outcome::Passed);
        assert_eq!(judge("{}", Some(Seen::Silent)).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", None).outcome, Outcome::Inapplicable);
    }
}
