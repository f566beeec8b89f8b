//! What a stranger may do at an MQTT broker.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::paths;
use super::{Facts, Kind, On, Probes};
use crate::probe::mqtt::{self, Question, Seen, TopicFilter, Version};
use crate::probe::{Origin, Phase, ProbeError, random_word};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Connects to a broker without a credential and, where it is let in, subscribes to given topics: never
/// to all, and nothing is published. Only a message that arrives shows that a topic can be read. On an
/// `mqtts` endpoint the usual port without encryption of the same host is asked too.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MqttExposure {
    /// The topics; `{name}` stands for a fixture of the target file, a word or a list of words. Neither
    /// `#` nor a `+` at the root is ever asked for.
    #[serde(default = "broker_version")]
    topics: Vec<String>,
    /// Whether a stranger must be refused already when connecting; else only what can be read counts.
    #[serde(default)]
    refuse_strangers: bool,
    /// Whether the port without encryption must be closed.
    #[serde(default = "yes")]
    refuse_clear_text: bool,
}

fn broker_version() -> Vec<String> {
    vec!["$SYS/broker/version".into()]
}
fn yes() -> bool {
    true
}

/// How long a packet is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long messages are waited for, after each subscription.
const LISTEN: Duration = Duration::from_secs(3);

/// What was seen at one port.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum PortSeen {
    /// Nothing listens.
    Refused,
    /// TLS needs a certificate of the client.
    WantsCertificate,
    /// The conversation.
    Talked(Seen),
    /// Something kept us from asking.
    Trouble(ProbeError),
}

/// What was seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Exposure {
    /// Topics that the target file does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    encrypted: Option<PortSeen>,
    clear: Option<PortSeen>,
}

impl Kind for MqttExposure {
    const NAME: &'static str = "mqtt-exposure";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Any;
    type Observation = Exposure;

    async fn observe(&self, probes: &Probes) -> Result<Exposure, ProbeError> {
        let mut seen = Exposure { missing: None, encrypted: None, clear: None };
        let origin = probes.origin()?;
        let mut filters = Vec::new();
        for template in &self.topics {
            match paths(template, probes.target()) {
                Ok(topics) => {
                    for topic in topics {
                        filters.push(TopicFilter::new(&topic).map_err(|why| ProbeError::misuse(format!("{topic}: {why}")))?);
                    }
                }
                // It matters only where a stranger is let in.
                Err(missing) => seen.missing = Some(missing),
            }
        }
        match origin.scheme() {
            "mqtts" => {
                seen.encrypted = Some(self.at(probes, &origin, &filters).await?);
                if let Some(plain) = Origin::new("mqtt", origin.host(), 1883).ok().filter(|p| probes.door().scope().endpoint(p).is_ok()) {
                    seen.clear = Some(match self.at(probes, &plain, &filters).await {
                        Ok(port) => port,
                        Err(error) if error.ends_the_run() => return Err(error),
                        Err(error) => PortSeen::Trouble(error),
                    });
                }
            }
            "mqtt" => seen.clear = Some(self.at(probes, &origin, &filters).await?),
            _ => {}
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Exposure, facts: &Facts<'_>) -> Verdict {
        let host = facts.endpoint().map(|e| e.url.to_string()).unwrap_or_default();
        let mut verdicts = Vec::new();
        if let Some(port) = &seen.clear {
            verdicts.push(self.clear(port, &host, seen));
        }
        if let Some(port) = &seen.encrypted {
            verdicts.push(self.encrypted(port, &host, seen.missing.as_deref()));
        }
        verdicts.sort_by_key(|v| v.outcome.rank());
        let mut verdicts = verdicts.into_iter();
        let Some(worst) = verdicts.next() else { return Verdict::inapplicable("the endpoint does not speak MQTT") };
        verdicts.fold(worst, |worst, other| worst.note(other.reason.clone()).with_all(other.evidence))
    }
}

impl MqttExposure {
    async fn at(&self, probes: &Probes, origin: &Origin, filters: &[TopicFilter]) -> Result<PortSeen, ProbeError> {
        let mut last = PortSeen::Refused;
        for version in [Version::V3, Version::V5] {
            let client = format!("probity-{}", random_word());
            let question = Question { version, client: &client, credentials: None, filters, wait: LISTEN };
            let purpose = "see what a stranger may do at an MQTT broker";
            let talked = if origin.is_secure() {
                match probes.door().tls(origin, purpose, &[b"mqtt"]).await {
                    Ok(mut secured) => {
                        let talked = mqtt::ask(&mut secured.stream, &question, PATIENCE).await;
                        let connection = secured.stream.get_ref().0;
                        talked.map_err(|error| connection.explain(&error, Phase::Answer))
                    }
                    Err(error) => Err(error),
                }
            } else {
                match probes.door().tcp(origin, purpose).await {
                    Ok(mut connection) => {
                        let talked = mqtt::ask(&mut connection, &question, PATIENCE).await;
                        talked.map_err(|error| connection.explain(&error, Phase::Answer))
                    }
                    Err(error) => Err(error),
                }
            };
            last = match talked {
                Ok(seen) => PortSeen::Talked(seen),
                Err(ProbeError::Refused { .. }) => PortSeen::Refused,
                Err(ProbeError::Tls { detail, .. }) if wants_certificate(detail.as_str()) => PortSeen::WantsCertificate,
                Err(error) => return Err(error),
            };
            // 1 in version 3.1.1: the broker does not speak it.
            let other_version = matches!(&last, PortSeen::Talked(Seen::Answered { code: 1, .. } | Seen::Closed));
            if !other_version {
                break;
            }
        }
        Ok(last)
    }

    fn clear(&self, port: &PortSeen, host: &str, seen: &Exposure) -> Verdict {
        let has_encrypted = seen.encrypted.is_some();
        let expected = "no MQTT without encryption";
        let evidence = |observed: &str| Evidence::expected(expected).observed(observed).at(Place::of(host)).clause("EN 303 645, provisions 5.5-1 and 5.6-1");
        match port {
            PortSeen::Refused => Verdict::passed("the port without encryption is closed").with(evidence("closed")),
            PortSeen::Talked(Seen::Answered { code: 0, subscriptions, .. }) => {
                let read: Vec<&str> = subscriptions.iter().filter(|s| !s.messages.is_empty()).map(|s| s.filter.as_str()).collect();
                match (read.is_empty(), self.refuse_clear_text) {
                    (false, _) => Verdict::failed("strangers read messages, and without encryption").with(evidence(&format!("messages of {}", read.join(", ")))),
                    (true, true) => Verdict::failed("the broker lets strangers in without encryption").with(evidence("accepted")),
                    (true, false) if seen.missing.is_some() => unlisted(seen.missing.as_deref().unwrap_or_default()),
                    (true, false) => Verdict::passed("strangers read nothing").note("the broker lets strangers in without encryption"),
                }
            }
            PortSeen::Talked(Seen::Answered { code, .. }) if self.refuse_clear_text => {
                Verdict::failed("the broker takes names and passwords without encryption").with(evidence(&format!("CONNACK with code {code}")))
            }
            PortSeen::Talked(Seen::Answered { .. }) => Verdict::passed("strangers are refused").note("names and passwords travel without encryption"),
            // Whatever it is: beside the encrypted port nothing of MQTT was seen.
            PortSeen::Trouble(_) | PortSeen::Talked(_) | PortSeen::WantsCertificate if has_encrypted => {
                Verdict::passed("no MQTT was seen on the usual port without encryption").with(evidence("no answer of MQTT"))
            }
            PortSeen::Talked(Seen::Closed) => Verdict::cant_tell(Cause::Target, "the broker closes the connection without an answer"),
            PortSeen::Talked(Seen::Silent) => Verdict::cant_tell(Cause::Target, "the broker does not answer"),
            PortSeen::Talked(Seen::NotMqtt { .. }) | PortSeen::WantsCertificate => Verdict::cant_tell(Cause::Target, "what answers is not MQTT"),
            PortSeen::Trouble(error) => Verdict::cant_tell(error.cause(), error.to_string()),
        }
    }

    fn encrypted(&self, port: &PortSeen, host: &str, missing: Option<&str>) -> Verdict {
        let evidence = |observed: &str| Evidence::expected("a stranger is refused, or reads nothing").observed(observed).at(Place::of(host)).clause("EN 303 645, provision 5.5-4");
        match port {
            PortSeen::WantsCertificate => Verdict::passed("the broker wants a certificate of the client").with(evidence("TLS asks for a certificate")),
            PortSeen::Refused => Verdict::cant_tell(Cause::Target, "nothing listens at the endpoint"),
            PortSeen::Trouble(error) => Verdict::cant_tell(error.cause(), error.to_string()),
            PortSeen::Talked(Seen::Answered { code: 0, subscriptions, .. }) => {
                let read: Vec<String> = subscriptions.iter().filter(|s| !s.messages.is_empty()).map(|s| format!("{} ({} messages)", s.filter, s.messages.len())).collect();
                if !read.is_empty() {
                    Verdict::failed("strangers read messages").with(evidence(&read.join(", ")))
                } else if self.refuse_strangers {
                    Verdict::failed("the broker lets strangers in").with(evidence("CONNACK with code 0"))
                } else if let Some(missing) = missing {
                    unlisted(missing)
                } else {
                    Verdict::passed("strangers are let in and read nothing of what was asked for").with(evidence("no message")).note("refuse strangers when they connect")
                }
            }
            PortSeen::Talked(Seen::Answered { code: code @ (4 | 5 | 0x86 | 0x87 | 0x8a | 0x8c), .. }) => {
                Verdict::passed("strangers are refused").with(evidence(&format!("CONNACK with code {code}")))
            }
            PortSeen::Talked(Seen::Answered { code, .. }) => {
                Verdict::cant_tell(Cause::Target, format!("the broker refuses for another reason than a missing credential: code {code}")).with(evidence(&format!("CONNACK with code {code}")))
            }
            PortSeen::Talked(Seen::Closed) => Verdict::cant_tell(Cause::Target, "the broker closes the connection without an answer"),
            PortSeen::Talked(Seen::Silent) => Verdict::cant_tell(Cause::Target, "the broker does not answer"),
            PortSeen::Talked(Seen::NotMqtt { .. }) => Verdict::cant_tell(Cause::Target, "what answers is not MQTT"),
        }
    }
}

/// Strangers are let in, and nobody said which topics would matter.
fn unlisted(missing: &str) -> Verdict {
    Verdict::untested(Cause::Missing, format!("strangers are let in; whether they can read anything that matters was not tried: {missing}"))
}

/// Words by which TLS says that the client must show a certificate.
fn wants_certificate(detail: &str) -> bool {
    let lower = detail.to_ascii_lowercase();
    ["certificaterequired", "certificate required", "certificate_required"].iter().any(|w| lower.contains(w))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::probe::mqtt::{Message, Subscription};
    use crate::target::Target;
    use crate::verdict::{Outcome, Untrusted};

    fn judge(check: &str, encrypted: Option<PortSeen>, clear: Option<PortSeen>) -> Outcome {
        let check: MqttExposure = kind(check);
        let target = Target::parse("t", "target: 1\nproduct: {name: Bell, version: 2.1.0, vendor: {name: v}}\nendpoints: {hub: {url: 'mqtts://hub.test'}}\n").unwrap();
        check.judge(&Exposure { missing: None, encrypted, clear }, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("hub") }).outcome
    }
    fn answered(code: u8, messages: usize) -> PortSeen {
        let message = Message { topic: Untrusted::new("care/1/alarm"), retained: true, length: 9, text: None };
        let subscriptions = vec![Subscription { filter: "care/1/alarm".into(), code: Some(0), messages: vec![message; messages] }];
        PortSeen::Talked(Seen::Answered { version: Version::V3, code, subscriptions })
    }

    #[test]
    fn only_what_arrives_counts_as_read() {
        assert_eq!(judge("{}", Some(answered(5, 0)), None), Outcome::Passed);
        assert_eq!(judge("{}", Some(answered(0, 0)), None), Outcome::Passed);
        assert_eq!(judge("{refuse-strangers: true}", Some(answered(0, 0)), None), Outcome::Failed);
        assert_eq!(judge("{}", Some(answered(0, 2)), None), Outcome::Failed);
        assert_eq!(judge("{}", Some(PortSeen::WantsCertificate), None), Outcome::Passed);
        assert_eq!(judge("{}", Some(answered(3, 0)), None), Outcome::CantTell);
        assert_eq!(judge("{}", Some(PortSeen::Talked(Seen::Silent)), None), Outcome::CantTell);
    }

    #[test]
    fn clear_text_beside_encryption_fails() {
        assert_eq!(judge("{}", Some(answered(5, 0)), Some(PortSeen::Refused)), Outcome::Passed);
        assert_eq!(judge("{}", Some(answered(5, 0)), Some(PortSeen::Talked(Seen::Silent))), Outcome::Passed);
        assert_eq!(judge("{}", Some(answered(5, 0)), Some(answered(5, 0))), Outcome::Failed);
        assert_eq!(judge("{refuse-clear-text: false}", None, Some(answered(5, 0))), Outcome::Passed);
        assert_eq!(judge("{refuse-clear-text: false}", None, Some(answered(0, 1))), Outcome::Failed);
        assert_eq!(judge("{}", None, None), Outcome::Inapplicable);
    }

    #[test]
    fn topics_that_nobody_names_matter_only_to_whom_is_let_in() {
        let check: MqttExposure = kind("{}");
        let target = Target::parse("t", "target: 1\nproduct: {name: Bell, version: 2.1.0, vendor: {name: v}}\nendpoints: {hub: {url: 'mqtts://hub.test'}}\n").unwrap();
        let judge = |port| {
            let seen = Exposure { missing: Some("no topics".into()), encrypted: Some(port), clear: None };
            check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("hub") }).outcome
        };
        assert_eq!(judge(answered(5, 0)), Outcome::Passed);
        assert_eq!(judge(answered(0, 0)), Outcome::Untested);
        assert_eq!(judge(answered(0, 1)), Outcome::Failed);
    }
}
