//! How much of what a person needs to choose a service a directory tells.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Shares of a sample of services. Each number counts services.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// How many services were looked at.
    pub services: usize,
    /// With a term of a taxonomy that says what kind of service it is.
    pub taxonomy_term: usize,
    /// With the area it serves.
    pub service_area: usize,
    /// With who it is for: a description, ages, or a term about eligibility.
    pub eligibility: usize,
    /// With the languages it is given in.
    pub languages: usize,
    /// With a way to reach it: a contact, telephone number or e-mail address.
    pub contact: usize,
    /// With the day its description was last checked.
    pub assured_date: usize,
    /// With the times it is open.
    pub schedule: usize,
    /// With what it costs.
    pub cost: usize,
    /// With how accessible its places are.
    pub accessibility: usize,
}

impl Completeness {
    /// The names of the shares, in the order of the fields.
    pub const NAMES: [&'static str; 9] =
        ["taxonomy-term", "service-area", "eligibility", "languages", "contact", "assured-date", "schedule", "cost", "accessibility"];

    /// One share, 0 to 1, by its name. `None` for an unknown name, or when no service was looked at.
    pub fn share(&self, name: &str) -> Option<f64> {
        let count = match name {
            "taxonomy-term" => self.taxonomy_term,
            "service-area" => self.service_area,
            "eligibility" => self.eligibility,
            "languages" => self.languages,
            "contact" => self.contact,
            "assured-date" => self.assured_date,
            "schedule" => self.schedule,
            "cost" => self.cost,
            "accessibility" => self.accessibility,
            _ => return None,
        };
        // A sample is far below 2^53 services.
        (self.services > 0).then(|| count as f64 / self.services as f64)
    }
}

/// Counts over services as the API gives them, each whole (`GET /services/{id}`).
pub fn completeness<'v>(services: impl IntoIterator<Item = &'v Value>) -> Completeness {
    let mut counts = Completeness::default();
    for service in services {
        counts.services += 1;
        let places: Vec<&Value> = list(service, "service_at_locations");
        let locations = || places.iter().filter_map(|place| place.get("location"));
        let anywhere = |name: &str| {
            !list(service, name).is_empty()
                || places.iter().any(|place| !list(place, name).is_empty())
                || locations().any(|location| !list(location, name).is_empty())
        };
        let terms = list(service, "attributes");
        let count = |slot: &mut usize, there: bool| *slot += usize::from(there);
        count(
            &mut counts.taxonomy_term,
            terms.iter().any(|term| term.get("taxonomy_term").is_some_and(Value::is_object) || says(term, "taxonomy_term_id")),
        );
        count(
            &mut counts.service_area,
            !list(service, "service_areas").is_empty() || places.iter().any(|place| !list(place, "service_areas").is_empty()),
        );
        let about_eligibility =
            |term: &&Value| term.get("link_type").and_then(Value::as_str).is_some_and(|kind| kind.to_lowercase().contains("eligib"));
        let ages = ["minimum_age", "maximum_age"].iter().any(|name| service.get(*name).is_some_and(Value::is_number));
        count(&mut counts.eligibility, says(service, "eligibility_description") || ages || terms.iter().any(about_eligibility));
        count(&mut counts.languages, anywhere("languages"));
        count(&mut counts.contact, says(service, "email") || anywhere("phones") || anywhere("contacts"));
        count(&mut counts.assured_date, says(service, "assured_date"));
        count(&mut counts.schedule, anywhere("schedules"));
        count(&mut counts.cost, says(service, "fees_description") || !list(service, "cost_options").is_empty());
        count(&mut counts.accessibility, locations().any(|location| !list(location, "accessibility").is_empty()));
    }
    counts
}

fn list<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten().filter(|item| item.is_object()).collect()
}

fn says(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_are_counted_over_services() {
        let full = json!({
            "eligibility_description": "All", "assured_date": "2026-01-01", "email": "a@example.org",
            "attributes": [{"taxonomy_term": {"name": "Meals"}}], "service_areas": [{}], "fees_description": "None",
            "service_at_locations": [{"location": {"languages": [{"code": "pl"}], "schedules": [{}], "accessibility": [{}]}}]
        });
        let counts = completeness([&full, &json!({"name": "Bare", "assured_date": " "})]);
        for name in Completeness::NAMES {
            assert_eq!(counts.share(name), Some(0.5), "{name}");
        }
        assert_eq!(completeness([]).share("contact"), None);
        assert_eq!(counts.share("colour"), None);
    }
}
