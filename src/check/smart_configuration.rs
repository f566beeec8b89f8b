//! How apps sign in to a FHIR service: its SMART configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Answers;
use super::fhir_capability::json_answer;
use super::{Facts, Kind, On, Probes};
use crate::format::fhir::smart;
use crate::probe::{ProbeError, Request};
use crate::target::Effect;
use crate::verdict::{Grade, Verdict};

/// Fetches the SMART configuration of a FHIR service and judges it: endpoints with TLS, grant types,
/// proof keys, and the capabilities that are asked for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SmartConfiguration {
    /// What is judged, in a few words for people.
    asks: String,
    /// The path below the service's address. `.well-known/smart-configuration`, where none is named.
    #[serde(default = "well_known")]
    path: String,
    /// Capabilities that it claims all, such as `permission-patient`.
    #[serde(default)]
    capabilities: Vec<String>,
}

fn well_known() -> String {
    ".well-known/smart-configuration".to_owned()
}

impl Kind for SmartConfiguration {
    const NAME: &'static str = "smart-configuration";
    const GRADE: Grade = Grade::Measured;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = Answers;

    async fn observe(&self, probes: &Probes) -> Result<Answers, ProbeError> {
        let ask = |url| Request::get(url, self.asks.clone()).header("Accept", "application/json").gzip();
        probes.ask_each(std::slice::from_ref(&self.path), ask).await
    }

    fn judge(&self, seen: &Answers, _: &Facts<'_>) -> Verdict {
        let source = match json_answer(seen, &self.asks, "http://hl7.org/fhir/smart-app-launch/conformance.html") {
            Ok(source) => source,
            Err(verdict) => return *verdict,
        };
        let wanted: Vec<&str> = self.capabilities.iter().map(String::as_str).collect();
        Verdict::from_findings(&smart::judge(source.value(), &wanted), &self.asks)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::Answer;
    use super::super::answer::tests::{answer, answers, kind, target};
    use super::*;
    use crate::verdict::Outcome;

    const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];
    const SOUND: &str = r#"{"token_endpoint":"https://a.example/token","grant_types_supported":["client_credentials"],"scopes_supported":["system/*.rs"],
        "code_challenge_methods_supported":["S256"],"capabilities":["client-confidential-asymmetric"]}"#;

    fn judge(seen: Vec<Answer>) -> Verdict {
        let check: SmartConfiguration = kind("{asks: the configuration, capabilities: [client-confidential-asymmetric]}");
        check.judge(&answers(seen), &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") })
    }

    #[test]
    fn sound_configurations_pass_and_others_fail_for_their_reason() {
        assert_eq!(judge(vec![answer(200, &JSON, SOUND)]).outcome, Outcome::Passed);
        for (seen, why) in [
            (answer(200, &JSON, &SOUND.replace("S256", "plain")), "S256"),
            (answer(200, &JSON, &SOUND.replace("https://a", "http://a")), "TLS"),
            (answer(200, &JSON, &SOUND.replace("client-confidential-asymmetric", "client-public")), "does not claim"),
            (answer(404, &JSON, "{}"), "not there"),
        ] {
            let verdict = judge(vec![seen]);
            assert_eq!(verdict.outcome, Outcome::Failed, "{why}");
            assert!(verdict.reason.contains(why), "{}", verdict.reason);
        }
    }

    #[test]
    fn trouble_is_not_failure() {
        assert_eq!(judge(vec![]).outcome, Outcome::Untested);
        assert_eq!(judge(vec![answer(503, &JSON, "")]).outcome, Outcome::CantTell);
    }
}
