//! What a service claims, as far as it can be tried.

use serde_json::Value;

use super::super::answer::Answer;
use super::{is_type, json, query_value};

/// What the CapabilityStatement of a service claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::check) struct Claimed {
    /// Formats, as media types or short names.
    pub(in crate::check) formats: Vec<String>,
    /// Types of resources.
    pub(in crate::check) types: Vec<ClaimedType>,
    /// Whether it says how clients are let in.
    pub(in crate::check) security: bool,
    /// Names and definitions of operations, on the system and on types.
    pub(in crate::check) operations: Vec<String>,
    /// Canonical addresses of statements that it instantiates.
    pub(in crate::check) instantiates: Vec<String>,
}

/// What it claims for one type of resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::check) struct ClaimedType {
    /// The type.
    pub(in crate::check) of: String,
    /// `read`, `search-type` and so on.
    pub(in crate::check) interactions: Vec<String>,
    /// Search parameters: name and type.
    pub(in crate::check) parameters: Vec<(String, String)>,
    /// `no-version`, `versioned` or `versioned-update`.
    pub(in crate::check) versioning: String,
    /// `not-supported`, `modified-since`, `not-match` or `full-support`.
    pub(in crate::check) conditional_read: String,
    /// The profile that all resources of the type keep.
    pub(in crate::check) profile: Option<String>,
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Claimed {
    /// What the answer to `metadata` claims; nothing where it is no CapabilityStatement.
    pub(in crate::check) fn of(answer: &Answer) -> Option<Self> {
        let statement = json(answer).filter(|_| (200..300).contains(&answer.status))?;
        (text(&statement, "resourceType") == "CapabilityStatement").then(|| Self::read(&statement))
    }

    /// Reads a CapabilityStatement; what is not there stays empty.
    pub(in crate::check) fn read(statement: &Value) -> Self {
        let texts = |key: &str| list(statement, key).filter_map(Value::as_str).map(str::to_owned).collect();
        let mut this = Self { formats: texts("format"), instantiates: texts("instantiates"), ..Self::default() };
        for rest in list(statement, "rest").filter(|r| text(r, "mode") == "server") {
            if let Some(security) = rest.get("security") {
                this.security |= list(security, "service").next().is_some() || list(security, "extension").next().is_some();
            }
            this.operations.extend(list(rest, "operation").flat_map(|o| [text(o, "name"), text(o, "definition")]));
            for resource in list(rest, "resource") {
                this.operations.extend(list(resource, "operation").flat_map(|o| [text(o, "name"), text(o, "definition")]));
                let of = text(resource, "type");
                // What is no name of a type cannot stand in an address.
                if !is_type(&of) || this.types.iter().any(|t| t.of == of) {
                    continue;
                }
                this.types.push(ClaimedType {
                    of,
                    interactions: list(resource, "interaction").map(|i| text(i, "code")).collect(),
                    parameters: list(resource, "searchParam")
                        .map(|p| (text(p, "name"), text(p, "type")))
                        .filter(|(n, _)| is_name(n))
                        .collect(),
                    versioning: text(resource, "versioning"),
                    conditional_read: text(resource, "conditionalRead"),
                    profile: resource.get("profile").and_then(Value::as_str).map(str::to_owned),
                });
            }
        }
        this
    }

    /// What it claims for a type.
    pub(in crate::check) fn of_type(&self, of: &str) -> Option<&ClaimedType> {
        self.types.iter().find(|t| t.of == of)
    }

    /// Whether it claims the export of groups (FHIR Bulk Data Access).
    pub(in crate::check) fn exports(&self) -> bool {
        let of_export = |o: &String| {
            let name = o.split('|').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().trim_start_matches('$');
            matches!(name, "export" | "group-export" | "patient-export")
        };
        self.operations.iter().any(of_export) || self.instantiates.iter().any(|i| i.contains("/bulkdata/") || i.contains("/bulk-data"))
    }
}

impl ClaimedType {
    /// Whether it claims an interaction.
    pub(in crate::check) fn does(&self, interaction: &str) -> bool {
        self.interactions.iter().any(|i| i == interaction)
    }
    /// Whether it claims a search parameter.
    pub(in crate::check) fn searches_by(&self, name: &str) -> bool {
        self.does("search-type") && self.parameters.iter().any(|(n, _)| n == name)
    }
    /// The search for the person's resources of this type; nothing where it claims none that is
    /// restricted to a person.
    pub(in crate::check) fn of_person(&self, person: &str) -> Option<String> {
        let (kind, id) = person.split_once('/')?;
        if self.of == kind {
            return self.searches_by("_id").then(|| format!("{}?_id={}", self.of, query_value(id)));
        }
        if kind == "Patient" && self.searches_by("patient") {
            return Some(format!("{}?patient={}", self.of, query_value(id)));
        }
        self.searches_by("subject").then(|| format!("{}?subject={}", self.of, query_value(person)))
    }
}

/// A name of a search parameter as it can stand in a query.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_are_read_and_hostile_names_are_not() {
        let claimed = Claimed::read(&json!({"format": ["json"], "rest": [{"mode": "server", "security": {"service": [{}]},
            "operation": [{"name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export|2.0"}],
            "resource": [
                {"type": "Observation", "interaction": [{"code": "search-type"}], "searchParam": [{"name": "patient", "type": "reference"}, {"name": "a&b=c", "type": "token"}]},
                {"type": "Patient", "interaction": [{"code": "search-type"}], "searchParam": [{"name": "_id", "type": "token"}]},
                {"type": "../x"}, {"type": "Device", "searchParam": [{"name": "patient", "type": "reference"}]}]}]}));
        assert_eq!(claimed.types.iter().map(|t| t.of.as_str()).collect::<Vec<_>>(), ["Observation", "Patient", "Device"]);
        assert!(claimed.security && claimed.exports());
        let search = |of: &str| claimed.of_type(of).unwrap().of_person("Patient/p-1");
        assert_eq!(search("Observation").unwrap(), "Observation?patient=p-1");
        assert_eq!(search("Patient").unwrap(), "Patient?_id=p-1");
        assert_eq!(search("Device"), None);
        assert_eq!(claimed.of_type("Observation").unwrap().parameters.len(), 1);
    }
}
