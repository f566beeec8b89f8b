//! Only the doors that are declared are open, and no old service stands behind one.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Facts, Kind, On, Probes};
use crate::probe::{AddressClass, Knock, Port, ProbeError};
use crate::target::{Effect, Target};
use crate::verdict::{Cause, Evidence, Grade, Place, Untrusted, Verdict};

/// Knocks at TCP ports of the endpoint's host, slowly and one at a time, and demands that only those are
/// open that the target file declares: those of its endpoints, and their `ports`. A service that is
/// forbidden must not be open, declared or not; it is known by its port, or by what it says unasked.
///
/// Of the machine that Probity runs on only the declared ports and those of the fixture are tried: its
/// other ports belong to whoever works on it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OpenPorts {
    /// The ports that are knocked at, besides the declared ones.
    #[serde(default)]
    ports: Vec<u16>,
    /// The fixture of the target file with further ports to knock at.
    #[serde(default = "further_ports")]
    fixture: String,
    /// Services that must not be open, by port, with what they are: `23: telnet`.
    #[serde(default)]
    forbidden: BTreeMap<String, String>,
    /// Services that must not be open on any port, known by what they say unasked.
    #[serde(default)]
    forbidden_services: Vec<Legacy>,
    /// Whether an open port that is not declared fails.
    #[serde(default = "yes")]
    declared_only: bool,
}

fn further_ports() -> String {
    "further-ports".into()
}
fn yes() -> bool {
    true
}

/// A service without encryption that names itself when somebody connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Legacy {
    /// Begins with option negotiation (RFC 854), or asks for a log-in in plain words.
    Telnet,
    /// Greets with `220` and names FTP (RFC 959).
    Ftp,
    /// Greets with `RFB` (RFC 6143).
    Vnc,
    /// Greets with a protocol version before 2 (RFC 4253, section 5).
    Ssh1,
}

impl Legacy {
    fn as_str(self) -> &'static str {
        match self {
            Self::Telnet => "telnet",
            Self::Ftp => "FTP",
            Self::Vnc => "VNC",
            Self::Ssh1 => "SSH 1",
        }
    }
    /// What a greeting, in hexadecimal digits, gives away.
    fn of(greeting: &str) -> Option<Self> {
        let bytes = unhex(greeting);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if matches!(bytes.as_slice(), [0xff, 0xfa..=0xfe, ..]) || text.trim_end().ends_with("login:") {
            Some(Self::Telnet)
        } else if text.starts_with("220") && text.contains("ftp") {
            Some(Self::Ftp)
        } else if text.starts_with("rfb 0") {
            Some(Self::Vnc)
        } else if text.starts_with("ssh-1.") && !text.starts_with("ssh-1.99") {
            Some(Self::Ssh1)
        } else {
            None
        }
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    digits.as_bytes().chunks(2).filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The most ports that are knocked at.
const MOST: usize = 200;
/// How long an answer is waited for at first; once the host's own pace is known, as long as that suggests.
const WAIT: Duration = Duration::from_secs(3);
/// The least that an answer is waited for.
const LEAST_WAIT: Duration = Duration::from_millis(500);
/// How long a greeting is waited for.
const LISTEN: Duration = Duration::from_millis(1_500);

/// What became of each knock.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Knocks {
    host: String,
    /// The host is the machine that Probity runs on, and the target file names no ports to knock at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    this_machine: bool,
    ports: BTreeMap<u16, Knock>,
    /// Why not all ports were knocked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<ProbeError>,
}

impl Kind for OpenPorts {
    const NAME: &'static str = "open-ports";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Searches;
    const ON: On = On::Any;
    type Observation = Knocks;

    async fn observe(&self, probes: &Probes) -> Result<Knocks, ProbeError> {
        let host = probes.origin()?.host().to_owned();
        let target = probes.target();
        let mut seen = Knocks { host: host.clone(), ..Knocks::default() };
        let addresses = probes.door().scope().pins().get(&host).map(|pin| pin.addresses.clone()).unwrap_or_default();
        let local = addresses.iter().any(|ip| AddressClass::of(*ip) == AddressClass::Loopback);
        let named = named(target, &self.fixture);
        let spoken = spoken(target, &host);
        let mut wanted = declared(target, &host);
        wanted.extend(&named);
        if local {
            seen.this_machine = named.is_empty();
        } else {
            wanted.extend(self.forbidden.keys().filter_map(|p| p.parse::<u16>().ok()));
            wanted.extend(&self.ports);
        }
        let mut pace = None;
        for port in wanted.into_iter().filter(|p| *p > 0) {
            if seen.ports.len() >= MOST {
                break;
            }
            if seen.ports.contains_key(&port) {
                continue;
            }
            let wait = pace.map_or(WAIT, |ms| Duration::from_millis(ms).saturating_mul(10).clamp(LEAST_WAIT, WAIT));
            // What an endpoint speaks stands in its address.
            let listen = if spoken.contains(&port) { Duration::ZERO } else { LISTEN };
            let knock = || probes.door().knock(&host, port, wait, listen, "see which ports are open");
            // Several checks want to know; the host is knocked at once.
            match probes.door().once(&format!("knock at {host} port {port}"), knock).await {
                Ok(knock) => {
                    if knock.state != Port::Silent {
                        pace = Some(pace.unwrap_or_default().max(knock.ms));
                    }
                    seen.ports.insert(port, Knock::clone(&knock));
                }
                Err(error) if seen.ports.is_empty() => return Err(error),
                Err(error) => {
                    seen.stopped = Some(error);
                    break;
                }
            }
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Knocks, facts: &Facts<'_>) -> Verdict {
        let declared = declared(facts.target, &seen.host);
        let open: Vec<u16> = seen.ports.iter().filter(|(_, k)| k.state == Port::Open).map(|(p, _)| *p).collect();
        let silent: Vec<u16> = seen.ports.iter().filter(|(_, k)| k.state == Port::Silent).map(|(p, _)| *p).collect();
        let list = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let forbidden: Vec<(u16, &str)> = open.iter().filter_map(|p| Some((*p, self.forbidden_at(*p, seen)?))).collect();
        let undeclared: Vec<u16> = if self.declared_only {
            open.iter().copied().filter(|p| !declared.contains(p) && !forbidden.iter().any(|(f, _)| f == p)).collect()
        } else {
            Vec::new()
        };
        let evidence = |port: u16, expected: String| {
            let said = seen.ports.get(&port).map(|k| k.greeting.as_str()).filter(|g| !g.is_empty());
            let said = said.map(|g| format!(", it says {}", Untrusted::from_bytes(&unhex(g)))).unwrap_or_default();
            Evidence::expected(expected)
                .observed(&format!("port {port} is open{said}"))
                .at(Place::of(&format!("{} port {port}", seen.host)))
                .clause(CLAUSE)
        };
        if !forbidden.is_empty() || !undeclared.is_empty() {
            let mut words: Vec<String> = forbidden.iter().map(|(port, what)| format!("{what} is open (port {port})")).collect();
            if !undeclared.is_empty() {
                words.push(format!("open and not declared: port {}", list(&undeclared)));
            }
            return Verdict::failed(words.join("; "))
                .with_all(forbidden.iter().map(|(port, what)| evidence(*port, format!("no {what}"))))
                .with_all(undeclared.iter().take(20).map(|port| evidence(*port, "only declared ports are open".into())));
        }
        if let Some(error) = &seen.stopped {
            return Verdict::cant_tell(error.cause(), format!("{} ports were tried, then it had to stop: {error}", seen.ports.len()));
        }
        if seen.this_machine {
            let why = format!(
                "the product runs on the machine that tests, whose own ports cannot be told from the product's; name those to knock at as `{}` under `fixtures`, or test from another machine",
                self.fixture
            );
            return Verdict::untested(Cause::Missing, why);
        }
        if seen.ports.values().all(|k| k.state == Port::Silent) {
            return Verdict::cant_tell(Cause::Target, "no port answered at all, not even a declared one");
        }
        let what = if self.declared_only { "only declared ones are open" } else { "none has a forbidden service behind it" };
        let verdict = Verdict::passed(format!("of {} ports {what}", seen.ports.len())).with(
            Evidence::expected(format!("open at most: {}", list(&declared)))
                .observed(&format!("open: {}", list(&open)))
                .at(Place::of(&seen.host))
                .clause(CLAUSE),
        );
        let quiet: Vec<u16> = silent.into_iter().filter(|p| !declared.contains(p)).collect();
        if quiet.is_empty() {
            verdict
        } else {
            verdict.note(format!("no answer at port {}: closed off, perhaps by a firewall on the way", list(&quiet)))
        }
    }
}

const CLAUSE: &str = "EN 303 645, provision 5.6-1";

impl OpenPorts {
    /// The forbidden service behind an open port. Where the service names itself, that counts and not the port.
    fn forbidden_at<'a>(&'a self, port: u16, seen: &Knocks) -> Option<&'a str> {
        let greeting = seen.ports.get(&port).map(|k| k.greeting.as_str()).unwrap_or_default();
        let by_port = self.forbidden.get(&port.to_string()).map(String::as_str);
        match Legacy::of(greeting) {
            Some(legacy) => self.forbidden_services.iter().find(|l| **l == legacy).map(|l| l.as_str()).or(by_port),
            None if unhex(greeting).starts_with(b"SSH-2.0") => None,
            None => by_port,
        }
    }
}

/// The ports that the target file names to be knocked at.
fn named(target: &Target, fixture: &str) -> Vec<u16> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_u64().and_then(|n| u16::try_from(n).ok()),
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match target.fixtures.get(fixture) {
        Some(Value::Array(items)) => items.iter().filter_map(number).collect(),
        Some(value) => number(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The ports that the target file declares for a host.
fn declared(target: &Target, host: &str) -> Vec<u16> {
    let mut ports: Vec<u16> = of_host(target, host).flat_map(|e| e.port().into_iter().chain(e.ports.iter().copied())).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The ports of which the target file says what is spoken there.
fn spoken(target: &Target, host: &str) -> Vec<u16> {
    of_host(target, host).filter(|e| e.url.scheme() != "tcp").filter_map(|e| e.port()).collect()
}

fn of_host<'a>(target: &'a Target, host: &str) -> impl Iterator<Item = &'a crate::target::Endpoint> {
    target.endpoints.values().filter(move |e| {
        let same = crate::probe::Origin::of(&e.url).is_ok_and(|origin| origin.host() == host);
        // Datagrams have ports of their own.
        same && !matches!(e.url.scheme(), "coap" | "coaps" | "udp")
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::verdict::Outcome;

    const CHECK: &str = "{ports: [22, 8080], forbidden: {'23': telnet, '1883': MQTT without encryption}}";
    const LEGACY: &str = "{declared-only: false, forbidden: {'23': telnet}, forbidden-services: [telnet, ftp, vnc, ssh1]}";

    fn judge_by(check: &str, ports: &[(u16, Port, &str)], this_machine: bool) -> Verdict {
        let check: OpenPorts = kind(check);
        let target = Target::parse("t", "target: 1\nproduct: {name: Bell, version: 2.1.0, vendor: {name: v}}\nendpoints:\n  hub: {url: 'https://hub.test/', ports: [22, 1883]}\n  other: {url: 'mqtts://hub.test'}\n").unwrap();
        let knock = |state, said: &str| Knock { state, greeting: said.bytes().map(|b| format!("{b:02x}")).collect(), ms: 1 };
        let ports = ports.iter().map(|(p, state, said)| (*p, knock(*state, said))).collect();
        let seen = Knocks { host: "hub.test".into(), ports, this_machine, ..Knocks::default() };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("hub") })
    }
    fn judge(ports: &[(u16, Port)]) -> Verdict {
        judge_by(CHECK, &ports.iter().map(|(p, s)| (*p, *s, "")).collect::<Vec<_>>(), false)
    }

    #[test]
    fn only_declared_ports_may_be_open() {
        let sound = [(443, Port::Open), (8883, Port::Open), (22, Port::Open), (23, Port::Closed), (8080, Port::Closed)];
        assert_eq!(judge(&sound).outcome, Outcome::Passed);
        let filtered = judge(&[(443, Port::Open), (23, Port::Silent)]);
        assert_eq!(filtered.outcome, Outcome::Passed);
        assert!(filtered.notes[0].contains("23"));
        let undeclared = judge(&[(443, Port::Open), (8080, Port::Open)]);
        assert_eq!((undeclared.outcome, undeclared.reason.contains("8080")), (Outcome::Failed, true));
        let telnet = judge(&[(443, Port::Open), (23, Port::Open)]);
        assert_eq!((telnet.outcome, telnet.reason.as_str()), (Outcome::Failed, "telnet is open (port 23)"));
        assert_eq!(judge(&[(443, Port::Open), (1883, Port::Open)]).outcome, Outcome::Failed, "declared, and forbidden all the same");
        assert_eq!(judge(&[(443, Port::Silent), (23, Port::Silent)]).outcome, Outcome::CantTell);
        assert_eq!(OpenPorts::EFFECT, Effect::Searches);
    }

    #[test]
    fn old_services_are_known_by_what_they_say() {
        let one = |said: &str| judge_by(LEGACY, &[(443, Port::Open, ""), (2323, Port::Open, said)], false).outcome;
        for said in ["220 ProFTPD Server", "RFB 003.008\n", "SSH-1.5-x", "BusyBox\r\nhub login: "] {
            assert_eq!(one(said), Outcome::Failed, "{said}");
        }
        for said in ["", "SSH-2.0-OpenSSH_9.6", "SSH-1.99-x", "220 mail.test ESMTP", "hello"] {
            assert_eq!(one(said), Outcome::Passed, "{said}");
        }
        assert_eq!(Legacy::of("fffd18fffd20"), Some(Legacy::Telnet));
        assert_eq!(judge_by(LEGACY, &[(23, Port::Open, "SSH-2.0-x")], false).outcome, Outcome::Passed, "its name counts, not its port");
        assert_eq!(judge_by(LEGACY, &[(23, Port::Open, "")], false).outcome, Outcome::Failed);
        assert_eq!(judge_by(LEGACY, &[(8080, Port::Open, "")], false).outcome, Outcome::Passed, "another row asks whether it is declared");
    }

    #[test]
    fn ports_of_the_machine_that_tests_are_not_the_products() {
        assert_eq!(judge_by(CHECK, &[(443, Port::Open, "")], true).outcome, Outcome::Untested);
        assert_eq!(judge_by(CHECK, &[(1883, Port::Open, "")], true).outcome, Outcome::Failed, "a forbidden service that was declared");
    }
}
