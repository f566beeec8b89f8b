//! Judging a description as a document.
//!
//! Every rule has a permanent name and can be chosen by it, so that a ruleset of a country or a
//! company is a list of names with severities: data, not code. [`RULES`] is the table of all rules;
//! [`recommended`] is the choice that follows from the specifications and from good practice.
//!
//! A rule is silent about what it does not concern. A finding names the JSON Pointer, the line and the
//! column. A document full of faults is still judged by every rule.

mod asyncapi;
mod client;
mod openapi3;
mod operations;
mod responses;
mod root;
mod schemas;
mod structure;
mod style;
mod swagger2;

pub use client::{ClientReader, reads_as_client};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::description::{Description, Edition, Spot};
use crate::verdict::{Finding, Severity};

/// One rule.
pub struct Rule {
    /// Its permanent name.
    pub name: &'static str,
    /// What it asks for, in one sentence.
    pub asks: &'static str,
    /// Its severity in [`recommended`]; `None`: only when it is chosen.
    pub recommended: Option<Severity>,
    /// Where it comes from: standard and clause.
    pub clause: &'static str,
    judge: fn(&mut Desk<'_>),
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rule({})", self.name)
    }
}

/// A rule that a ruleset chooses, and how much it weighs there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The rule's name.
    pub rule: String,
    /// Its weight.
    pub severity: Severity,
}

/// What rules ask that depends on the ruleset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LintParameters {
    /// The header field that tells the version of the API, for `version-header`.
    pub version_header: String,
    /// Members that a problem details schema must have, for `problem-members`.
    pub problem_members: Vec<String>,
    /// Header fields of which one must be documented, for `rate-limit-documented`.
    pub rate_limit_headers: Vec<String>,
    /// Names that query parameters for paging may have, for `paging-names`.
    pub paging_names: Vec<String>,
}

impl Default for LintParameters {
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect();
        Self {
            version_header: "API-Version".into(),
            problem_members: texts(&["status", "title", "detail"]),
            rate_limit_headers: texts(&[
                "RateLimit",
                "RateLimit-Limit",
                "X-RateLimit-Limit",
                "X-Rate-Limit-Limit",
                "X-RateLimit-Remaining",
            ]),
            paging_names: texts(&["cursor", "limit", "offset"]),
        }
    }
}

/// A ruleset names a rule that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule `{0}` for API descriptions")]
pub struct UnknownRule(pub String);

/// The rule of this name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|r| r.name == name)
}

/// The choice that follows from the specifications and from good practice.
pub fn recommended() -> Vec<Choice> {
    RULES.iter().filter_map(|r| r.recommended.map(|severity| Choice { rule: r.name.to_owned(), severity })).collect()
}

/// Judges a description by the chosen rules, in their order; within a rule in the order of the document.
///
/// # Errors
/// A rule that does not exist.
pub fn judge(description: &Description, choices: &[Choice], parameters: &LintParameters) -> Result<Vec<Finding>, UnknownRule> {
    let mut findings = Vec::new();
    let mut spots = Vec::new();
    for choice in choices {
        let rule = rule(&choice.rule).ok_or_else(|| UnknownRule(choice.rule.clone()))?;
        let mut desk = Desk { description, parameters, rule, severity: choice.severity, findings: Vec::new(), spots: Vec::new() };
        (rule.judge)(&mut desk);
        findings.append(&mut desk.findings);
        spots.append(&mut desk.spots);
    }
    place(description, &mut findings, &spots);
    Ok(findings)
}

/// Judges a document by the recommended rules: what cannot be read is a finding, too.
pub fn judge_document(name: &str, bytes: &[u8]) -> Vec<Finding> {
    let unreadable = |message: String| vec![Finding::error("readable", message).expected("an OpenAPI, Swagger or AsyncAPI description")];
    let source = match crate::document::Source::read(name, bytes) {
        Ok(source) => source,
        Err(error) => {
            return vec![Finding::error("readable", error.message).position(Some(error.position)).expected("JSON or YAML")];
        }
    };
    let description = match Description::read(source, Vec::new()) {
        Ok(description) => description,
        Err(error) => return unreadable(error.to_string()),
    };
    match judge(&description, &recommended(), &LintParameters::default()) {
        Ok(findings) => findings,
        Err(unknown) => vec![Finding::open("rule", unknown.to_string())],
    }
}

/// Looks up all places at once: the text of a large document is gone through once, not once a finding.
fn place(description: &Description, findings: &mut [Finding], spots: &[Spot]) {
    for (document, source) in description.sources().enumerate() {
        // A pointer that does not exist gets the place of what would contain it.
        let mut wanted: BTreeMap<String, Option<crate::document::Position>> = BTreeMap::new();
        for spot in spots.iter().filter(|s| s.document == document) {
            let mut pointer = spot.pointer.as_str();
            while source.value().pointer(pointer).is_none() {
                pointer = pointer.rfind('/').and_then(|end| pointer.get(..end)).unwrap_or_default();
            }
            wanted.insert(pointer.to_owned(), None);
        }
        let places = source.positions(wanted.keys().map(String::as_str));
        for (slot, place) in wanted.values_mut().zip(places) {
            *slot = place;
        }
        for (finding, spot) in findings.iter_mut().zip(spots).filter(|(_, spot)| spot.document == document) {
            let mut pointer = spot.pointer.as_str();
            loop {
                if let Some(place) = wanted.get(pointer) {
                    finding.position = *place;
                    break;
                }
                let Some(end) = pointer.rfind('/') else { break };
                pointer = pointer.get(..end).unwrap_or_default();
            }
            finding.path = if document == 0 { spot.pointer.clone() } else { format!("{}#{}", source.name(), spot.pointer) };
        }
    }
}

/// What a rule works at.
pub(super) struct Desk<'a> {
    pub(super) description: &'a Description,
    pub(super) parameters: &'a LintParameters,
    rule: &'static Rule,
    severity: Severity,
    findings: Vec<Finding>,
    spots: Vec<Spot>,
}

impl Desk<'_> {
    /// Notes a finding at a place.
    fn at(&mut self, spot: &Spot, message: impl Into<String>) -> &mut Finding {
        self.spots.push(spot.clone());
        let finding = Finding::new(self.rule.name, self.severity, message).clause(self.rule.clause);
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Notes that a rule could not be applied at a place.
    fn open(&mut self, spot: &Spot, message: impl Into<String>) {
        self.at(spot, message).severity = Severity::Open;
    }

    /// The finding noted last.
    fn last(&mut self) -> Option<&mut Finding> {
        self.findings.last_mut()
    }
}

use Severity::{Error, Warning};

const fn rule_of(
    name: &'static str,
    recommended: Option<Severity>,
    asks: &'static str,
    clause: &'static str,
    judge: fn(&mut Desk<'_>),
) -> Rule {
    Rule { name, asks, recommended, clause, judge }
}

/// All rules.
pub static RULES: &[Rule] = &[
    // The document.
    rule_of(
        "duplicate-keys",
        Some(Error),
        "No object has a key twice.",
        "RFC 8259, section 4; YAML 1.2.2, section 3.2.1.3",
        root::duplicate_keys,
    ),
    rule_of("valid-structure", Some(Error), "The document has the objects and fields of its specification.", "", root::valid_structure),
    rule_of(
        "valid-schema",
        Some(Error),
        "Every schema uses the keywords of its edition with values of the right type.",
        "",
        schemas::valid_schema,
    ),
    rule_of(
        "references-resolve",
        Some(Error),
        "Every `$ref` leads to something.",
        "RFC 6901; OpenAPI, Reference Object",
        root::references_resolve,
    ),
    rule_of(
        "reference-siblings",
        Some(Warning),
        "Nothing stands beside `$ref` where it would be ignored.",
        "OpenAPI 3.0, Reference Object",
        schemas::reference_siblings,
    ),
    rule_of(
        "schemas-end",
        Some(Error),
        "No schema refers to itself without end.",
        "JSON Schema Core 2020-12, section 9.4.1",
        schemas::schemas_end,
    ),
    rule_of(
        "patterns-linear",
        Some(Warning),
        "Patterns can be checked in linear time.",
        "JSON Schema Core 2020-12, section 6.4",
        schemas::patterns_linear,
    ),
    rule_of("openapi-3", None, "The description is written in OpenAPI 3.", "OpenAPI 3", root::openapi_3),
    rule_of(
        "version-semver",
        Some(Warning),
        "The version of the API is a semantic version.",
        "Semantic Versioning 2.0.0, section 2",
        root::version_semver,
    ),
    rule_of("info-contact", Some(Warning), "A contact is named.", "OpenAPI, Info Object", root::info_contact),
    rule_of(
        "info-contact-complete",
        None,
        "The contact has name, address and e-mail address.",
        "OpenAPI, Contact Object",
        root::info_contact_complete,
    ),
    rule_of("info-license", Some(Warning), "A licence is named.", "OpenAPI, Info Object", root::info_license),
    rule_of(
        "info-license-url",
        None,
        "The licence has an address or an SPDX identifier.",
        "OpenAPI, License Object",
        root::info_license_url,
    ),
    rule_of("info-description", Some(Warning), "The API has a description.", "OpenAPI, Info Object", root::info_description),
    rule_of("info-terms-of-service", None, "The terms of service are linked.", "OpenAPI, Info Object", root::info_terms),
    rule_of("info-summary", None, "The API has a summary in one line.", "OpenAPI 3.1, Info Object", root::info_summary),
    rule_of("servers-present", Some(Warning), "At least one server is named.", "OpenAPI, Server Object", root::servers_present),
    rule_of("servers-absolute", None, "Server addresses are absolute.", "OpenAPI, Server Object", root::servers_absolute),
    rule_of("servers-https", Some(Error), "Every server is reached by HTTPS.", "RFC 9325", root::servers_https),
    rule_of("servers-described", None, "Every server has a description.", "OpenAPI, Server Object", root::servers_described),
    rule_of(
        "servers-variables",
        Some(Error),
        "Variables of server addresses are declared and used.",
        "OpenAPI, Server Object",
        root::servers_variables,
    ),
    rule_of(
        "servers-no-trailing-slash",
        Some(Warning),
        "Server addresses do not end with a slash.",
        "OpenAPI, Paths Object",
        root::servers_no_trailing_slash,
    ),
    rule_of(
        "servers-no-example-host",
        Some(Warning),
        "Server addresses are not reserved example names.",
        "RFC 2606",
        root::servers_no_example,
    ),
    rule_of("servers-major-version", None, "Server addresses carry the major version.", "", root::servers_major_version),
    rule_of(
        "tags-declared",
        Some(Warning),
        "Tags that operations use are declared at the root.",
        "OpenAPI, Tag Object",
        root::tags_declared,
    ),
    rule_of("tags-used", Some(Warning), "Tags that are declared are used.", "OpenAPI, Tag Object", root::tags_used),
    rule_of("tags-unique", Some(Error), "No tag is declared twice.", "OpenAPI, OpenAPI Object: tags", root::tags_unique),
    rule_of("tags-described", None, "Tags have descriptions.", "OpenAPI, Tag Object", root::tags_described),
    rule_of("components-used", Some(Warning), "Every component is used.", "OpenAPI, Components Object", root::components_used),
    // Security.
    rule_of(
        "security-schemes-defined",
        Some(Error),
        "Security requirements name schemes that are defined.",
        "OpenAPI, Security Requirement Object",
        root::security_defined,
    ),
    rule_of(
        "security-schemes-used",
        Some(Warning),
        "Security schemes that are defined are used.",
        "OpenAPI, Security Scheme Object",
        root::security_used,
    ),
    rule_of(
        "security-scopes-defined",
        Some(Error),
        "Scopes that are asked for are defined.",
        "OpenAPI, OAuth Flow Object",
        root::security_scopes,
    ),
    rule_of(
        "operation-security",
        Some(Warning),
        "Every operation says what credential it needs, if only that it needs none.",
        "OWASP API2:2023",
        operations::security_stated,
    ),
    rule_of(
        "write-security",
        Some(Warning),
        "Operations that change something need a credential.",
        "OWASP API2:2023",
        operations::write_security,
    ),
    rule_of(
        "no-key-in-query",
        Some(Warning),
        "Credentials are not sent in addresses.",
        "RFC 6750, section 2.3; OWASP API2:2023",
        root::no_key_in_query,
    ),
    rule_of("no-basic-authentication", None, "HTTP Basic is not used.", "RFC 7617, section 4", root::no_basic),
    rule_of(
        "security-urls-https",
        Some(Error),
        "Addresses of authorisation servers use HTTPS.",
        "RFC 6749, section 3.1",
        root::security_urls_https,
    ),
    // Paths and operations.
    rule_of("operation-id", Some(Warning), "Every operation has an id.", "OpenAPI, Operation Object", operations::id_present),
    rule_of(
        "operation-id-unique",
        Some(Error),
        "Operation ids are unique.",
        "OpenAPI, Operation Object: operationId",
        operations::id_unique,
    ),
    rule_of(
        "operation-id-safe",
        Some(Warning),
        "Operation ids can stand in addresses and programs.",
        "RFC 3986, section 2.3",
        operations::id_safe,
    ),
    rule_of("operation-tags", None, "Every operation has a tag.", "OpenAPI, Operation Object", operations::tags),
    rule_of(
        "operation-described",
        Some(Warning),
        "Every operation has a summary or description.",
        "OpenAPI, Operation Object",
        operations::described,
    ),
    rule_of(
        "parameter-described",
        Some(Warning),
        "Every parameter has a description.",
        "OpenAPI, Parameter Object",
        operations::parameter_described,
    ),
    rule_of(
        "header-parameters-heard",
        Some(Warning),
        "No header parameter is called Accept, Content-Type or Authorization.",
        "OpenAPI, Parameter Object: name",
        operations::header_parameters_heard,
    ),
    rule_of("parameter-schema", Some(Error), "Every parameter has a schema.", "OpenAPI, Parameter Object", operations::parameter_schema),
    rule_of(
        "parameters-unique",
        Some(Error),
        "No parameter stands twice at the same place.",
        "OpenAPI, Operation Object: parameters",
        operations::parameters_unique,
    ),
    rule_of(
        "path-parameters-declared",
        Some(Error),
        "Templates in paths are declared as parameters.",
        "OpenAPI, Path Templating",
        operations::path_parameters_declared,
    ),
    rule_of(
        "path-parameters-used",
        Some(Error),
        "Path parameters stand in the path.",
        "OpenAPI, Parameter Object: name",
        operations::path_parameters_used,
    ),
    rule_of(
        "paths-unambiguous",
        Some(Error),
        "No two paths are the same but for the names of templates.",
        "OpenAPI, Paths Object",
        operations::paths_unambiguous,
    ),
    rule_of(
        "path-templates-whole",
        Some(Error),
        "Braces in paths are balanced and no name stands twice.",
        "OpenAPI, Path Templating",
        operations::path_templates,
    ),
    rule_of(
        "paths-no-query",
        Some(Error),
        "Paths contain neither query nor fragment.",
        "OpenAPI, Path Templating",
        operations::paths_no_query,
    ),
    rule_of("paths-no-trailing-slash", Some(Warning), "Paths do not end with a slash.", "", operations::paths_no_trailing_slash),
    rule_of("paths-kebab-case", None, "Path segments are lower case with hyphens.", "", style::paths_kebab_case),
    rule_of("paths-no-file-extension", None, "Paths have no file name extensions.", "", style::paths_no_extension),
    rule_of(
        "methods-standard",
        None,
        "Only GET, POST, PUT, PATCH and DELETE are used.",
        "RFC 9110, section 9; RFC 5789",
        operations::methods_standard,
    ),
    rule_of("no-body-on-read", Some(Warning), "GET, HEAD and DELETE have no body.", "RFC 9110, section 9.3", operations::no_body_on_read),
    rule_of("body-schema", Some(Warning), "Bodies of requests have schemas.", "OpenAPI, Media Type Object", operations::body_schema),
    rule_of(
        "deprecation-announced",
        Some(Warning),
        "A deprecated operation documents its Deprecation or Sunset header field.",
        "RFC 9745; RFC 8594",
        operations::deprecation_announced,
    ),
    rule_of(
        "links-resolve",
        Some(Error),
        "Links lead to operations and parameters that exist.",
        "OpenAPI, Link Object",
        operations::links_resolve,
    ),
    // Responses.
    rule_of("success-response", Some(Error), "Every operation documents a success.", "OpenAPI, Responses Object", responses::success),
    rule_of("error-response", Some(Warning), "Every operation documents an error.", "OpenAPI, Responses Object", responses::error),
    rule_of(
        "success-schema",
        Some(Warning),
        "Successes with a body have a schema.",
        "OpenAPI, Media Type Object",
        responses::success_schema,
    ),
    rule_of("error-schema", Some(Warning), "Errors with a body have a schema.", "OpenAPI, Media Type Object", responses::error_schema),
    rule_of(
        "no-content-without-body",
        Some(Error),
        "204, 205 and 304 document no body.",
        "RFC 9110, sections 15.3.5, 15.3.6, 15.4.5",
        responses::no_content,
    ),
    rule_of(
        "unauthorized-documented",
        Some(Warning),
        "Operations that need a credential document 401.",
        "RFC 9110, section 15.5.2",
        responses::unauthorized,
    ),
    rule_of("not-found-documented", None, "Operations on one thing document 404.", "RFC 9110, section 15.5.5", responses::not_found),
    rule_of("invalid-input-documented", None, "Operations with input document 400.", "RFC 9110, section 15.5.1", responses::invalid_input),
    rule_of("problem-details", Some(Warning), "Errors are problem details.", "RFC 9457", responses::problem_details),
    rule_of(
        "problem-members",
        None,
        "Problem details have the members that are asked for.",
        "RFC 9457, section 3.1",
        responses::problem_members,
    ),
    rule_of("created-location", None, "201 documents the Location header field.", "RFC 9110, section 15.3.2", responses::created_location),
    rule_of(
        "version-header",
        None,
        "Successes and redirections document the header field that tells the version.",
        "",
        responses::version_header,
    ),
    rule_of(
        "pagination-documented",
        Some(Warning),
        "Operations that answer with a list document how to page.",
        "RFC 8288",
        responses::pagination,
    ),
    rule_of("rate-limit-documented", Some(Warning), "Limits of rate are documented.", "RFC 6585, section 4", responses::rate_limit),
    rule_of("list-in-object", None, "Lists are answered within an object.", "RFC 8259, section 4", responses::list_in_object),
    rule_of("paging-names", None, "Query parameters for paging have the agreed names.", "", style::paging_names),
    rule_of(
        "media-types-valid",
        Some(Error),
        "Bodies are described under names of media types.",
        "RFC 6838, section 4.2; RFC 9110, section 8.3.1",
        responses::media_types_valid,
    ),
    rule_of(
        "media-types-registered",
        None,
        "Media types are not of the unregistered tree (`x.`, `x-`).",
        "RFC 6838, section 3.4",
        responses::media_types_registered,
    ),
    rule_of("content-json", None, "Bodies are JSON.", "RFC 8259", responses::content_json),
    rule_of("patch-media-type", None, "PATCH uses a media type for patches.", "RFC 5789; RFC 7396; RFC 6902", operations::patch_media_type),
    // Schemas and values.
    rule_of("examples-fit", Some(Error), "Examples fit their schemas.", "OpenAPI, Media Type Object; Schema Object", schemas::examples_fit),
    rule_of(
        "defaults-fit",
        Some(Error),
        "Defaults fit their schemas.",
        "JSON Schema Validation 2020-12, section 9.2",
        schemas::defaults_fit,
    ),
    rule_of(
        "enum-unique",
        Some(Error),
        "No value stands twice in an enumeration.",
        "JSON Schema Validation 2020-12, section 6.1.2",
        schemas::enum_unique,
    ),
    rule_of(
        "enum-fits",
        Some(Warning),
        "Values of an enumeration fit the other keywords.",
        "JSON Schema Validation 2020-12, section 6.1.2",
        schemas::enum_fits,
    ),
    rule_of(
        "required-exist",
        Some(Error),
        "Names that are required exist among the properties.",
        "JSON Schema Validation 2020-12, section 6.5.3",
        schemas::required_exist,
    ),
    rule_of(
        "bounds-satisfiable",
        Some(Error),
        "Lower bounds are not above upper bounds.",
        "JSON Schema Validation 2020-12, section 6",
        schemas::bounds,
    ),
    rule_of("schema-type", None, "Every schema says a type.", "", schemas::type_present),
    rule_of(
        "array-items",
        Some(Warning),
        "Every array says what its items are.",
        "OpenAPI 3.0, Schema Object: items",
        schemas::array_items,
    ),
    rule_of("array-bounded", None, "Every array has `maxItems`.", "OWASP API4:2023", schemas::array_bounded),
    rule_of(
        "string-bounded",
        None,
        "Every text has `maxLength`, `enum`, `const`, `pattern` or a format of fixed length.",
        "OWASP API4:2023",
        schemas::string_bounded,
    ),
    rule_of("number-bounded", None, "Every number has a minimum and a maximum.", "OWASP API4:2023", schemas::number_bounded),
    rule_of("integer-format", None, "Every integer has the format `int32` or `int64`.", "OpenAPI, Data Types", schemas::integer_format),
    rule_of(
        "number-format",
        None,
        "Every number has the format `float`, `double` or `decimal`.",
        "OpenAPI, Data Types",
        schemas::number_format,
    ),
    rule_of("plain-values", None, "Flags and lists are never null, and enumerations are of text.", "", schemas::plain_values),
    rule_of(
        "discriminator-maps",
        Some(Error),
        "Mappings of discriminators lead to schemas that exist.",
        "OpenAPI, Discriminator Object: mapping",
        schemas::discriminator_maps,
    ),
    rule_of("properties-closed", None, "Bodies of requests accept no unknown properties.", "OWASP API3:2023", schemas::properties_closed),
    rule_of("property-camel-case", None, "Property names are lowerCamelCase.", "", style::property_camel_case),
    rule_of("property-snake-case", None, "Property names are snake_case.", "", style::property_snake_case),
    rule_of("property-one-style", None, "Property names are all lowerCamelCase or all snake_case.", "", style::property_one_style),
    rule_of("schema-pascal-case", None, "Names of schemas are UpperCamelCase.", "", style::schema_pascal_case),
    rule_of("query-camel-case", None, "Names of query parameters are lowerCamelCase.", "", style::query_camel_case),
    rule_of("query-snake-case", None, "Names of query parameters are snake_case.", "", style::query_snake_case),
    rule_of("header-kebab-case", None, "Names of header fields have capitals and hyphens.", "", style::header_kebab_case),
    rule_of("no-x-headers", None, "Header fields of our own do not begin with `X-`.", "RFC 6648, section 3", style::no_x_headers),
    rule_of(
        "date-time-with-zone",
        None,
        "Points in time carry a time zone (`date-time`, not `date-time-local`).",
        "RFC 3339, section 5.6",
        style::date_time_zone,
    ),
    rule_of("time-without-zone", None, "Times of day carry none (`time-local`, not `time`).", "", style::time_local),
    rule_of("dates-have-format", None, "Properties that are dates say so.", "", style::dates_have_format),
    rule_of("dates-are-dates", None, "Properties that are dates are not points in time.", "", style::dates_are_dates),
];

/// Whether a description's operations go over HTTP.
fn is_http(desk: &Desk<'_>) -> bool {
    desk.description.edition().is_http()
}

/// Whether the edition is 2.0.
fn is_swagger(desk: &Desk<'_>) -> bool {
    desk.description.edition() == Edition::Swagger20
}

#[cfg(test)]
mod tests;
