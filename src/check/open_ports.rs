//! Only the doors that are declared are open.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Facts, Kind, On, Probes};
use crate::probe::{Port, ProbeError};
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Grade, Place, Verdict};

/// Knocks at TCP ports of the endpoint's host, slowly and one at a time, and demands that only those are
/// open that the target file declares: those of its endpoints, and `ports`. A service that is named
/// here as forbidden must not be open, declared or not.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OpenPorts {
    /// The ports that are knocked at, besides the declared ones.
    ports: Vec<u16>,
    /// Services that must not be open, by port, with what they are: `23: telnet`.
    #[serde(default)]
    forbidden: BTreeMap<String, String>,
}

/// The most ports that are knocked at.
const MOST: usize = 200;
/// How long an answer is waited for.
const WAIT: Duration = Duration::from_secs(3);

/// What became of each knock.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Knocks {
    host: String,
    ports: BTreeMap<u16, Port>,
    /// Why not all ports were knocked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stopped: Option<ProbeError>,
}

impl Kind for OpenPorts {
    const NAME: &'static str = "open-ports";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::Intrusive;
    const ON: On = On::Any;
    type Observation = Knocks;

    async fn observe(&self, probes: &Probes) -> Result<Knocks, ProbeError> {
        let host = probes.origin()?.host().to_owned();
        let mut wanted: Vec<u16> = declared(probes.target(), &host);
        wanted.extend(self.forbidden.keys().filter_map(|p| p.parse::<u16>().ok()));
        wanted.extend(&self.ports);
        let mut seen = Knocks { host: host.clone(), ports: BTreeMap::new(), stopped: None };
        for port in wanted.into_iter().filter(|p| *p > 0) {
            if seen.ports.len() >= MOST {
                break;
            }
            if seen.ports.contains_key(&port) {
                continue;
            }
            match probes.door().knock(&host, port, WAIT, "see whether only declared ports are open").await {
                Ok(state) => drop(seen.ports.insert(port, state)),
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
        const CLAUSE: &str = "EN 303 645, provision 5.6-1";
        let declared = declared(facts.target, &seen.host);
        let open: Vec<u16> = seen.ports.iter().filter(|(_, s)| **s == Port::Open).map(|(p, _)| *p).collect();
        let silent: Vec<u16> = seen.ports.iter().filter(|(_, s)| **s == Port::Silent).map(|(p, _)| *p).collect();
        let list = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
        let evidence = |port: u16, expected: String| Evidence::expected(expected).observed(&format!("port {port} is open")).at(Place::of(&format!("{} port {port}", seen.host))).clause(CLAUSE);
        let forbidden: Vec<(u16, &String)> = open.iter().filter_map(|p| Some((*p, self.forbidden.get(&p.to_string())?))).collect();
        let undeclared: Vec<u16> = open.iter().copied().filter(|p| !declared.contains(p) && !self.forbidden.contains_key(&p.to_string())).collect();
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
        if !seen.ports.values().any(|s| *s != Port::Silent) {
            return Verdict::cant_tell(Cause::Target, "no port answered at all, not even a declared one");
        }
        let verdict = Verdict::passed(format!("of {} ports only declared ones are open", seen.ports.len()))
            .with(Evidence::expected(format!("open at most: {}", list(&declared))).observed(&format!("open: {}", list(&open))).at(Place::of(&seen.host)).clause(CLAUSE));
        let quiet: Vec<u16> = silent.into_iter().filter(|p| !declared.contains(p)).collect();
        if quiet.is_empty() { verdict } else { verdict.note(format!("no answer at port {}: closed off, perhaps by a firewall on the way", list(&quiet))) }
    }
}

/// The ports that the target file declares for a host.
fn declared(target: &crate::target::Target, host: &str) -> Vec<u16> {
    let mut ports: Vec<u16> = Vec::new();
    for endpoint in target.endpoints.values() {
        let same = crate::probe::Origin::of(&endpoint.url).is_ok_and(|origin| origin.host() == host);
        if same {
            ports.extend(endpoint.port());
            ports.extend(&endpoint.ports);
        }
    }
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::target::Target;
    use crate::verdict::Outcome;

    fn judge(ports: &[(u16, Port)]) -> Verdict {
        let check: OpenPorts = kind("{ports: [22, 8080], forbidden: {'23': telnet, '1883': MQTT without encryption}}");
        let target = Target::parse("t", "target: 1\nproduct: {name: Bell, version: 2.1.0, vendor: {name: v}}\nendpoints:\n  hub: {url: 'https://hub.test/', ports: [22, 1883]}\n  other: {url: 'mqtts://hub.test'}\n").unwrap();
        let seen = Knocks { host: "hub.test".into(), ports: ports.iter().copied().collect(), stopped: None };
        check.judge(&seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: Some("hub") })
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
    }
}
