//! What a SIP server tells strangers.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Kind, On, Probes};
use crate::format::header::banner::exact_version;
use crate::probe::sip::{self, Dialog, Method, Seen, Transport};
use crate::probe::{Origin, Phase, ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Asks with `OPTIONS`, from nobody and for nobody, and judges what the answer shows of the software. On a
/// `sip` endpoint the lack of encryption is noted or fails, as the profile says.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SipExposure {
    /// Whether an exact version of the software fails; else it is noted.
    #[serde(default)]
    forbid_versions: bool,
    /// Whether an answer without encryption fails; else it is noted.
    #[serde(default)]
    refuse_clear_text: bool,
}

/// How long a final answer is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen; nothing where the endpoint does not speak SIP.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Options {
    encrypted: bool,
    seen: Option<Seen>,
}

impl Kind for SipExposure {
    const NAME: &'static str = "sip-exposure";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Any;
    type Observation = Options;

    async fn observe(&self, probes: &Probes) -> Result<Options, ProbeError> {
        let origin = probes.origin()?;
        let encrypted = origin.is_secure();
        if !matches!(origin.scheme(), "sip" | "sips") {
            return Ok(Options { encrypted, seen: None });
        }
        let seen = ask(probes, &origin, Method::Options, None, "see what a SIP server tells strangers").await?;
        Ok(Options { encrypted, seen: Some(seen) })
    }

    fn judge(&self, seen: &Options, facts: &Facts<'_>) -> Verdict {
        let host = facts.endpoint().map(|e| e.url.to_string()).unwrap_or_default();
        let evidence = |expected: &str, observed: &str| Evidence::expected(expected).observed(observed).at(Place::of(&host)).clause("EN 303 645, provisions 5.5-1 and 5.6-2");
        let (status, banner, branch) = match &seen.seen {
            None => return Verdict::inapplicable("the endpoint does not speak SIP"),
            Some(Seen::Answered { status, banner, branch, .. }) => (*status, banner, *branch),
            Some(Seen::Closed) => return Verdict::cant_tell(Cause::Target, "the server closes the connection without an answer"),
            Some(Seen::Silent) => return Verdict::cant_tell(Cause::Target, "no answer came to OPTIONS"),
            Some(Seen::NotSip { .. }) => return Verdict::cant_tell(Cause::Target, "what answers is not SIP"),
        };
        let banner = banner.as_ref().map(|b| b.as_str()).unwrap_or_default();
        let shows_version = exact_version(banner).is_some();
        if !seen.encrypted && self.refuse_clear_text {
            return Verdict::failed("signalling is taken without encryption").with(evidence("SIP over TLS only", &format!("status {status} over an unencrypted connection")));
        }
        if shows_version && self.forbid_versions {
            return Verdict::failed("the server shows the exact version of its software").with(evidence("the name of the software at most", banner));
        }
        let mut verdict = Verdict::passed("the server tells strangers little").with(evidence("an answer that shows little", &format!("status {status}, software: {}", if banner.is_empty() { "not named" } else { banner })));
        for (odd, note) in [
            (shows_version, "the exact version of the software is shown"),
            (!seen.encrypted, "signalling is taken without encryption"),
            (!branch, "the answer lacks the branch of the question (RFC 3261, section 8.2.6.2)"),
        ] {
            if odd {
                verdict = verdict.note(note);
            }
        }
        verdict
    }
}

/// Asks once, by the transport of the endpoint: TLS for `sips`; for `sip` TCP, and datagrams where TCP is refused.
pub(super) async fn ask(probes: &Probes, origin: &Origin, method: Method, user: Option<&str>, purpose: &str) -> Result<Seen, ProbeError> {
    let word = random_word();
    let dialog = Dialog { call_id: format!("{}@probity.invalid", random_word()), branch: format!("z9hG4bK{word}"), tag: random_word() };
    let agent = concat!("Probity/", env!("CARGO_PKG_VERSION"));
    let question = |transport: Transport, local: &str| sip::request(method, transport, origin.host(), user, local, &dialog, agent);
    if origin.is_secure() {
        let mut secured = probes.door().tls(origin, purpose, &[]).await?;
        let local = secured.stream.get_ref().0.local().to_string();
        let talked = sip::ask_stream(&mut secured.stream, &question(Transport::Tls, &local), &dialog, method, PATIENCE).await;
        return talked.map_err(|error| secured.stream.get_ref().0.explain(&error, Phase::Answer));
    }
    match probes.door().tcp(origin, purpose).await {
        Ok(mut connection) => {
            let local = connection.local().to_string();
            let talked = sip::ask_stream(&mut connection, &question(Transport::Tcp, &local), &dialog, method, PATIENCE).await;
            talked.map_err(|error| connection.explain(&error, Phase::Answer))
        }
        Err(ProbeError::Refused { .. }) => {
            let mut datagrams = probes.door().udp(origin, purpose).await?;
            // With `rport` answers come back to where the question came from, whatever the name says.
            let question = question(Transport::Udp, "probity.invalid:5060");
            sip::ask_datagrams(&mut datagrams, &question, &dialog, method, PATIENCE).await
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::*;
    use crate::verdict::{Outcome, Untrusted};

    fn judge(check: &str, encrypted: bool, seen: Option<Seen>) -> Verdict {
        let check: SipExposure = kind(check);
        check.judge(&Options { encrypted, seen }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }
    fn answered(banner: Option<&str>) -> Option<Seen> {
        Some(Seen::Answered { status: 200, reason: Untrusted::new("OK"), banner: banner.map(Untrusted::new), challenges: vec![], branch: true })
    }

    #[test]
    fn versions_and_clear_text_weigh_what_the_profile_says() {
        assert_eq!(judge("{}", true, answered(None)).notes.len(), 0);
        assert_eq!(judge("{}", false, answered(Some("kamailio (5.6.3 (x86_64/linux))"))).notes.len(), 2);
        assert_eq!(judge("{forbid-versions: true}", true, answered(Some("Asterisk PBX 18.10.0"))).outcome, Outcome::Failed);
        assert_eq!(judge("{forbid-versions: true}", true, answered(Some("Care ARC"))).outcome, Outcome::Passed);
        assert_eq!(judge("{refuse-clear-text: true}", false, answered(None)).outcome, Outcome::Failed);
        assert_eq!(judge("{}", true, Some(Seen::Silent)).outcome, Outcome::CantTell);
        assert_eq!(judge("{}", true, None).outcome, Outcome::Inapplicable);
    }
}
