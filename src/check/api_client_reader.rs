//! A strict reader, of the kind that client generators are made of, can load the API description.

use schemars::JsonSchema;
use serde::Deserialize;

use super::api::DescriptionSeen;
use super::{Facts, Kind, On, Probes};
use crate::api::lint::{ClientReader, reads_as_client};
use crate::document::Source;
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Evidence, Grade, Place, Verdict};

/// Has a strict reader load the API description: `openapiv3` for OpenAPI 3.0, `oas3` for 3.1. A valid
/// description can be refused by such a reader, and an invalid one taken; this is told apart.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ApiClientReader {}

impl Kind for ApiClientReader {
    const NAME: &'static str = "api-client-reader";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Http;
    type Observation = DescriptionSeen;

    async fn observe(&self, probes: &Probes) -> Result<DescriptionSeen, ProbeError> {
        Ok((*probes.api_description().await?).clone())
    }

    fn judge(&self, seen: &DescriptionSeen, _: &Facts<'_>) -> Verdict {
        let Some(url) = &seen.url else {
            return seen.read().map_or_else(|verdict| *verdict, |_| Verdict::inapplicable("there is no description"));
        };
        let Ok(source) = Source::read(url.clone(), seen.text.as_bytes()) else {
            return seen.read().map_or_else(|verdict| *verdict, |_| Verdict::inapplicable("there is no description"));
        };
        match reads_as_client(&source) {
            ClientReader::Reads { reader } => Verdict::passed(format!("the strict reader {reader} loads the description"))
                .with(Evidence::expected("a description that a strict reader loads").observed(reader).at(Place::of(url))),
            ClientReader::Refuses { reader, why } => Verdict::failed(format!("the strict reader {reader} does not load the description"))
                .with(Evidence::expected(format!("a description that {reader} loads")).observed(&why).at(Place::of(url))),
            ClientReader::NoReader => Verdict::inapplicable("no strict reader is known for this edition"),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::{kind, target};
    use super::super::api::Manner;
    use super::super::api::tests::sample_run;
    use super::*;
    use crate::verdict::Outcome;

    #[test]
    fn the_sample_is_loaded_and_a_faulty_one_is_not() {
        let check: ApiClientReader = kind("{}");
        let judged = |seen: &DescriptionSeen| {
            check.judge(seen, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target(""), endpoint: Some("api") }).outcome
        };
        let mut seen = (*sample_run(&[], Manner::plain(false, false)).description).clone();
        assert_eq!(judged(&seen), Outcome::Passed);
        seen.text = seen.text.replace("title: Sample telecare platform", "title: [1]");
        assert_eq!(judged(&seen), Outcome::Failed);
        seen.text = "swagger: '2.0'\n".into();
        assert_eq!(judged(&seen), Outcome::Inapplicable);
        assert_eq!(judged(&DescriptionSeen::default()), Outcome::Failed);
    }
}
