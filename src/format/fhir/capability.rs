//! What a FHIR service says it can do: read from its CapabilityStatement, and held against demands.
//!
//! That the statement is a sound resource is the validator's matter; here it is about what it claims.
//! FHIR R4, CapabilityStatement and RESTful API, section "capabilities".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definitions::Definitions;
use crate::verdict::Finding;

/// Where the rules stand.
const CLAUSE: &str = "http://hl7.org/fhir/R4/http.html#capabilities";

/// What a service claims, in plain words of its CapabilityStatement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// `instance`, `capability` or `requirements`.
    pub kind: String,
    /// The FHIR version, such as `4.0.1`.
    pub fhir_version: String,
    /// Formats, as media types or short names.
    pub formats: Vec<String>,
    /// Canonical addresses of the statements that it instantiates: its roles.
    pub instantiates: Vec<String>,
    /// Canonical addresses of implementation guides.
    pub implementation_guides: Vec<String>,
    /// Resource types that a client may use.
    pub resources: Vec<ResourceCapability>,
    /// Interactions with the whole system, such as `transaction`.
    pub interactions: Vec<String>,
    /// Names of operations on the system.
    pub operations: Vec<String>,
}

/// What a service claims for one resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceCapability {
    /// The type.
    #[serde(rename = "type")]
    pub of: String,
    /// `read`, `search-type`, `create` and so on.
    pub interactions: Vec<String>,
    /// Search parameters by name.
    pub search_parameters: Vec<String>,
    /// Profiles that it supports.
    pub profiles: Vec<String>,
    /// Names of operations on the type.
    pub operations: Vec<String>,
    /// `no-version`, `versioned` or `versioned-update`.
    pub versioning: String,
    /// What it says of conditional reads: `not-supported`, `modified-since`, `not-match`, `full-support`.
    pub conditional_read: String,
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn each(value: Option<&Value>, key: &str) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(|v| v.get(key)?.as_str()).map(str::to_owned).collect()
}

impl Capability {
    /// Reads a CapabilityStatement; what is not there stays empty.
    pub fn read(statement: &Value) -> Self {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let rests = statement.get("rest").and_then(Value::as_array).into_iter().flatten();
        let mut this = Self {
            kind: text(statement, "kind"),
            fhir_version: text(statement, "fhirVersion"),
            formats: texts(statement.get("format")),
            instantiates: texts(statement.get("instantiates")),
            implementation_guides: texts(statement.get("implementationGuide")),
            ..Self::default()
        };
        for rest in rests.filter(|r| r.get("mode").and_then(Value::as_str) == Some("server")) {
            this.interactions.extend(each(rest.get("interaction"), "code"));
            this.operations.extend(each(rest.get("operation"), "name"));
            for resource in rest.get("resource").and_then(Value::as_array).into_iter().flatten() {
                let mut profiles = texts(resource.get("supportedProfile"));
                profiles.extend(resource.get("profile").and_then(Value::as_str).map(str::to_owned));
                this.resources.push(ResourceCapability {
                    of: text(resource, "type"),
                    interactions: each(resource.get("interaction"), "code"),
                    search_parameters: each(resource.get("searchParam"), "name"),
                    profiles,
                    operations: each(resource.get("operation"), "name"),
                    versioning: text(resource, "versioning"),
                    conditional_read: text(resource, "conditionalRead"),
                });
            }
        }
        this
    }

    /// What it claims for a type.
    pub fn resource(&self, of: &str) -> Option<&ResourceCapability> {
        self.resources.iter().find(|r| r.of == of)
    }
}

/// What a service must claim. Nothing is demanded by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CapabilityDemands {
    /// FHIR versions, one of which it must have; `4.0` stands for `4.0.1` too.
    pub fhir_versions: Vec<String>,
    /// Formats that it must have all; `json` stands for `application/fhir+json` and the like.
    pub formats: Vec<String>,
    /// Statements, one of which it must instantiate.
    pub instantiates: Vec<String>,
    /// Implementation guides that it must name all.
    pub implementation_guides: Vec<String>,
    /// Resource types with what it must do with each.
    pub resources: Vec<ResourceDemand>,
}

/// What a service must claim for a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResourceDemand {
    /// The type.
    #[serde(rename = "type")]
    pub of: String,
    /// Interactions, all of them.
    #[serde(default)]
    pub interactions: Vec<String>,
    /// Search parameters, all of them.
    #[serde(default)]
    pub search_parameters: Vec<String>,
}

fn same_canonical(a: &str, b: &str) -> bool {
    a == b || a.split('|').next() == Some(b)
}

fn has_format(formats: &[String], wanted: &str) -> bool {
    formats.iter().any(|f| {
        let bare = f.split(';').next().unwrap_or(f).trim();
        bare == wanted
            || matches!(
                (wanted, bare),
                ("json", "application/fhir+json" | "application/json") | ("xml", "application/fhir+xml" | "application/xml")
            )
            || matches!((bare, wanted), ("json", "application/fhir+json") | ("xml", "application/fhir+xml"))
    })
}

/// Holds a CapabilityStatement of a running service against demands. With definitions, claims about
/// resource types that do not exist are found as well.
pub fn judge(statement: &Value, demands: &CapabilityDemands, definitions: Option<&Definitions>) -> Vec<Finding> {
    let mut out = Vec::new();
    if statement.get("resourceType").and_then(Value::as_str) != Some("CapabilityStatement") {
        let got = statement.get("resourceType").and_then(Value::as_str).unwrap_or("no resourceType");
        out.push(
            Finding::error("capability-type", "The service's metadata are no CapabilityStatement")
                .at("$")
                .expected("CapabilityStatement")
                .observed(got)
                .clause(CLAUSE),
        );
        return out;
    }
    let claimed = Capability::read(statement);
    let missing = |rule: &str, message: String, path: &str, expected: String, observed: &str| {
        Finding::error(rule, message).at(format!("CapabilityStatement.{path}")).expected(expected).observed(observed).clause(CLAUSE)
    };
    if claimed.kind == "requirements" {
        out.push(missing(
            "capability-kind",
            "The statement describes what is required, not what this service does".into(),
            "kind",
            "instance".into(),
            &claimed.kind,
        ));
    } else if claimed.kind == "capability" {
        out.push(
            Finding::warning("capability-kind", "The statement describes a product, not this running service")
                .at("CapabilityStatement.kind")
                .expected("instance")
                .observed(&claimed.kind)
                .clause(CLAUSE),
        );
    }
    let serves = statement
        .get("rest")
        .and_then(Value::as_array)
        .is_some_and(|r| r.iter().any(|r| r.get("mode").and_then(Value::as_str) == Some("server")));
    if !serves {
        out.push(missing(
            "capability-rest",
            "The statement claims no RESTful server".into(),
            "rest",
            "rest with mode server".into(),
            "none",
        ));
    }
    let versions = &demands.fhir_versions;
    let version_of = |w: &String| claimed.fhir_version == *w || claimed.fhir_version.starts_with(&format!("{w}."));
    if !versions.is_empty() && !versions.iter().any(version_of) {
        out.push(missing(
            "capability-version",
            "The service has another FHIR version".into(),
            "fhirVersion",
            versions.join(" or "),
            &claimed.fhir_version,
        ));
    }
    for format in demands.formats.iter().filter(|f| !has_format(&claimed.formats, f)) {
        out.push(missing(
            "capability-format",
            format!("The service does not claim the format {format}"),
            "format",
            format.clone(),
            &claimed.formats.join(", "),
        ));
    }
    let roles = &demands.instantiates;
    if !roles.is_empty() && !roles.iter().any(|w| claimed.instantiates.iter().any(|c| same_canonical(c, w))) {
        out.push(missing(
            "capability-instantiates",
            "The service claims none of the roles".into(),
            "instantiates",
            roles.join(" or "),
            &claimed.instantiates.join(", "),
        ));
    }
    for guide in demands.implementation_guides.iter().filter(|w| !claimed.implementation_guides.iter().any(|c| same_canonical(c, w))) {
        let got = claimed.implementation_guides.join(", ");
        out.push(missing(
            "capability-guide",
            "The service does not claim the implementation guide".into(),
            "implementationGuide",
            guide.clone(),
            &got,
        ));
    }
    for demand in &demands.resources {
        let Some(resource) = claimed.resource(&demand.of) else {
            out.push(missing(
                "capability-resource",
                format!("The service does not claim {}", demand.of),
                "rest.resource",
                demand.of.clone(),
                "none",
            ));
            continue;
        };
        for interaction in demand.interactions.iter().filter(|i| !resource.interactions.contains(i)) {
            let got = resource.interactions.join(", ");
            out.push(missing(
                "capability-interaction",
                format!("The service does not claim {interaction} of {}", demand.of),
                "rest.resource.interaction",
                interaction.clone(),
                &got,
            ));
        }
        for parameter in demand.search_parameters.iter().filter(|i| !resource.search_parameters.contains(i)) {
            let got = resource.search_parameters.join(", ");
            out.push(missing(
                "capability-search",
                format!("The service does not claim a search of {} by {parameter}", demand.of),
                "rest.resource.searchParam",
                parameter.clone(),
                &got,
            ));
        }
    }
    for resource in &claimed.resources {
        if definitions.is_some_and(|d| !d.has_resource(&resource.of)) {
            out.push(missing(
                "capability-resource",
                "The service claims what is no resource type of this FHIR version".into(),
                "rest.resource.type",
                "a resource type".into(),
                &resource.of,
            ));
        }
        if !resource.search_parameters.is_empty() && !resource.interactions.iter().any(|i| i == "search-type") {
            out.push(
                Finding::warning("capability-search", "A resource type has search parameters but no search")
                    .at("CapabilityStatement.rest.resource.interaction")
                    .expected("search-type")
                    .observed(&resource.interactions.join(", "))
                    .clause(CLAUSE),
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn statement() -> Value {
        json!({
            "resourceType": "CapabilityStatement", "kind": "instance", "fhirVersion": "4.0.1", "format": ["application/fhir+json"],
            "instantiates": ["http://example.org/role|1.0"], "implementationGuide": ["http://example.org/ig"],
            "rest": [{"mode": "server", "resource": [{"type": "Patient", "interaction": [{"code": "read"}, {"code": "search-type"}],
                "searchParam": [{"name": "identifier", "type": "token"}]}]}]
        })
    }

    fn demands() -> CapabilityDemands {
        CapabilityDemands {
            fhir_versions: vec!["4.0".into()],
            formats: vec!["json".into()],
            instantiates: vec!["http://example.org/role".into()],
            implementation_guides: vec!["http://example.org/ig".into()],
            resources: vec![ResourceDemand {
                of: "Patient".into(),
                interactions: vec!["read".into()],
                search_parameters: vec!["identifier".into()],
            }],
        }
    }

    #[test]
    fn each_demand_is_missed_by_its_own_rule() {
        assert!(judge(&statement(), &demands(), None).is_empty());
        let cases: [(&str, &str, Value); 7] = [
            ("/kind", "capability-kind", json!("requirements")),
            ("/fhirVersion", "capability-version", json!("5.0.0")),
            ("/format", "capability-format", json!(["application/fhir+xml"])),
            ("/instantiates", "capability-instantiates", json!([])),
            ("/implementationGuide", "capability-guide", json!([])),
            ("/rest/0/resource/0/interaction", "capability-interaction", json!([{"code": "search-type"}])),
            ("/rest/0/resource/0/type", "capability-resource", json!("Observation")),
        ];
        for (pointer, rule, value) in cases {
            let mut broken = statement();
            *broken.pointer_mut(pointer).unwrap() = value;
            let rules: Vec<String> = judge(&broken, &demands(), None).into_iter().map(|f| f.rule).collect();
            assert_eq!(rules, [rule]);
        }
        assert_eq!(judge(&json!({"resourceType": "OperationOutcome"}), &demands(), None).len(), 1);
    }
}
