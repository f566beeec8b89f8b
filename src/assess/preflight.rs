//! Set-up errors, told before any test and apart from non-conformance.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::open::{Problem, origin_of};
use super::{Plan, Selection};
use crate::check::{On, selects};
use crate::probe::{CredentialUse, Door, Request};
use crate::profile::{FactKind, FactType, Profile};
use crate::target::{Effect, Fact, Target};

/// How far the target's clock and ours may be apart before dates cannot be trusted.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(5);

/// How profile and target fit each other, without asking anything over the network.
pub fn fit(profile: &Profile, target: &Target, selection: &Selection, now: OffsetDateTime) -> Vec<Problem> {
    let mut problems = Vec::new();
    let known = profile.facts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    for (name, fact) in &target.facts {
        match profile.facts.get(name) {
            None => problems.push(Problem::error(
                format!("facts.{name}"),
                format!("{} knows no such fact", profile.id),
                format!("facts of this profile: {known}"),
            )),
            Some(kind) => {
                if let Some(expected) = misfit(kind, fact) {
                    problems.push(Problem::error(format!("facts.{name}"), format!("expected {expected}"), kind.ask.clone()));
                }
            }
        }
    }
    for (name, kind) in &profile.facts {
        if !target.facts.contains_key(name) {
            problems.push(Problem::warning(
                format!("facts.{name}"),
                "not stated, so requirements that depend on it stay untested",
                kind.ask.clone(),
            ));
        }
    }
    let plan = Plan::new(profile, target, selection, now);
    for (name, endpoint) in &target.endpoints {
        let used = profile
            .requirements
            .iter()
            .flat_map(|r| &r.checks)
            .any(|c| c.check.on() != On::Product && selects(c.on.as_deref().unwrap_or(c.check.on().as_str()), name, endpoint));
        if !used {
            problems.push(Problem::warning(
                format!("endpoints.{name}"),
                format!("no check of {} asks it", profile.id),
                "say under `serves` what it is, such as api or web",
            ));
        }
    }
    if plan.asked() == 0 {
        problems.push(Problem::error(
            "target",
            "nothing would be asked: no requirement applies, or nothing is selected",
            "state the facts and name the endpoints",
        ));
    }
    let needed = plan.steps.iter().filter(|s| s.known.as_ref().is_some_and(|v| v.cause == Some(crate::verdict::Cause::Consent))).count();
    if needed > 0 {
        problems.push(Problem::warning(
            "consent",
            format!("{needed} checks do more than read and stay untested"),
            "add a consent block: see `probity explain consent`",
        ));
    }
    if let Some(consent) = &target.consent
        && consent.highest() > Effect::ReadsOnly
        && consent.refusal(consent.highest(), now).is_some()
    {
        let why = consent.refusal(consent.highest(), now).unwrap_or_default();
        problems.push(Problem::warning("consent", why, "run inside the window, on a lab or test installation"));
    }
    for (name, location) in target.documents.iter().filter(|(_, location)| !location.contains("://")) {
        if let Err(error) = std::fs::File::open(target.resolve(location.as_ref())) {
            problems.push(Problem::error(
                format!("documents.{name}"),
                format!("{location} cannot be read: {error}"),
                "the path is relative to the target file",
            ));
        }
    }
    for (name, attestation) in &target.attestations {
        if let Some(evidence) = &attestation.evidence
            && let Err(error) = std::fs::File::open(target.resolve(&evidence.file))
        {
            problems.push(Problem::error(
                format!("attestations.{name}.evidence"),
                format!("{} cannot be read: {error}", evidence.file.display()),
                "the path is relative to the target file",
            ));
        }
    }
    problems
}

/// Whether each endpoint can be reached, agrees on TLS and accepts its credentials, and whether the
/// clocks agree. A handful of connections, nothing but reading.
pub async fn reach(target: &Target, door: &Arc<Door>, now: OffsetDateTime) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, endpoint) in &target.endpoints {
        let subject = format!("endpoints.{name}");
        let Ok(origin) = origin_of(&endpoint.url) else { continue };
        if endpoint.is_http() {
            match door.ask(&Request::get(endpoint.url.as_str(), "preflight")).await {
                Err(error) => problems.push(Problem::error(
                    subject,
                    error.to_string(),
                    "start the service, or mend address and port in the target file",
                )),
                Ok(exchange) => {
                    if let Some(tls) = exchange.connection.tls.as_ref().filter(|tls| !tls.is_vouched_for()) {
                        let fault = tls.detail.as_ref().map(ToString::to_string).unwrap_or_default();
                        problems.push(Problem::warning(
                            subject.clone(),
                            format!("its certificate does not verify: {fault}"),
                            "if a private authority issued it, name its PEM file under `trust-anchors`; credentials are withheld until it verifies",
                        ));
                    }
                    if let Some(date) =
                        exchange.header("date").and_then(|d| OffsetDateTime::parse(&d.replace("GMT", "+0000"), &Rfc2822).ok())
                        && (date - now).abs() > CLOCK_TOLERANCE
                    {
                        let minutes = (date - now).whole_minutes();
                        problems.push(Problem::error(
                            subject.clone(),
                            format!("its clock and this machine's differ by {minutes} minutes"),
                            "set the clock of this machine; certificates and expiry dates are judged by it",
                        ));
                    }
                }
            }
        } else if endpoint.is_tls() {
            if let Err(error) = door.tls(&origin, "preflight", &[]).await.map(drop) {
                problems.push(Problem::error(subject, error.to_string(), "start the service, or mend address and port in the target file"));
            }
        } else if matches!(endpoint.url.scheme(), "coap" | "coaps" | "sip") {
            // Datagrams: silence says nothing.
        } else if let Err(error) = door.tcp(&origin, "preflight").await.map(drop) {
            problems.push(Problem::error(subject, error.to_string(), "start the service, or mend address and port in the target file"));
        }
    }
    for (name, credential) in &target.credentials {
        let subject = format!("credentials.{name}");
        let Some(endpoint) = target.endpoints.get(&credential.endpoint).filter(|e| e.is_http()) else { continue };
        if !door.credential_names().any(|known| known == name) {
            continue;
        }
        let Ok(exchange) = door.ask(&Request::get(endpoint.url.as_str(), "preflight: credential").credential(name.as_str())).await else {
            continue;
        };
        if let CredentialUse::Withheld { reason, .. } = &exchange.request.credential {
            problems.push(Problem::error(
                subject,
                format!("it was not sent to {}: {reason}", credential.endpoint),
                "mend the connection first, or set `trust-unverified` for a bench",
            ));
        } else if matches!(exchange.status(), 401 | 403) {
            problems.push(Problem::error(
                subject,
                format!("{} answers {} to it", credential.endpoint, exchange.status()),
                "check the secret, its scheme and its rights; it may have expired",
            ));
        }
    }
    problems
}

/// The longest that preflight waits for one answer.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What the profile expects instead of this value, or nothing when it fits.
fn misfit(kind: &FactKind, fact: &Fact) -> Option<String> {
    let one_of = || format!("one of {}", kind.choices.join(", "));
    match (kind.kind, fact) {
        (FactType::Flag, Fact::Flag(_)) | (FactType::Number, Fact::Number(_)) => None,
        (FactType::Choice, Fact::Text(word)) => (!kind.choices.contains(word)).then(one_of),
        (FactType::List, Fact::List(words)) => words.iter().any(|w| !kind.choices.is_empty() && !kind.choices.contains(w)).then(one_of),
        (FactType::Flag, Fact::Number(_) | Fact::Text(_) | Fact::List(_)) => Some("true or false".into()),
        (FactType::Number, Fact::Flag(_) | Fact::Text(_) | Fact::List(_)) => Some("a number".into()),
        (FactType::Choice, Fact::Flag(_) | Fact::Number(_) | Fact::List(_)) => Some(one_of()),
        (FactType::List, Fact::Flag(_) | Fact::Number(_) | Fact::Text(_)) => Some(format!("a list of {}", kind.choices.join(", "))),
    }
}
