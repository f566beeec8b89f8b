//! SARIF 2.1.0 (OASIS Standard, 27 March 2020), for code scanning.
//!
//! A device has no line in a repository, so results point at the target file and name the endpoint as
//! a logical location. A waiver is a suppression that is still under review (section 3.35.3): an
//! accepted one would hide the failure.

use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::{RenderOptions, words};
use crate::assess::{Assessment, CheckResult, Completion, RequirementView};
use crate::bundle::json_pretty;
use crate::profile::{Level, WaiverState};
use crate::verdict::{Cause, Outcome};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    automation_details: AutomationDetails,
    invocations: [Invocation; 1],
    results: Vec<SarifResult>,
    properties: RunProperties,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    semantic_version: String,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    name: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: Vec<String>,
    pillar: String,
    level: &'static str,
    tier: u8,
    sources: Vec<String>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    start_time_utc: String,
    end_time_utc: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression>,
    properties: ResultProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "probityResult/v1")]
    result: String,
}

#[derive(Serialize)]
struct Suppression {
    kind: &'static str,
    status: &'static str,
    justification: String,
}

#[derive(Serialize)]
struct ResultProperties {
    outcome: &'static str,
    grade: &'static str,
    check: usize,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties {
    verdict: &'static str,
    verdict_sentence: String,
    product: String,
    version: String,
    vendor: String,
    profile: String,
    profile_sha256: String,
    tier: u8,
    valid_until: String,
}

/// The report as JSON text.
pub(super) fn render(assessment: &Assessment, options: &RenderOptions) -> Result<Vec<u8>, serde_json::Error> {
    let views = assessment.requirement_views();
    let product = &assessment.target.product;
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "Probity".into(),
                    semantic_version: assessment.tool.version.clone(),
                    rules: views.iter().map(rule).collect(),
                },
            },
            automation_details: AutomationDetails { id: format!("probity/{}/{}/", assessment.profile.id, product.name) },
            invocations: [invocation(assessment)],
            results: views
                .iter()
                .enumerate()
                .flat_map(|(index, view)| view.results.iter().map(move |result| sarif_result(assessment, options, index, view, result)))
                .collect(),
            properties: RunProperties {
                verdict: assessment.verdict().as_str(),
                verdict_sentence: words::verdict_sentence(assessment),
                product: product.name.clone(),
                version: product.version.clone(),
                vendor: product.vendor.name.clone(),
                profile: format!("{} {}", assessment.profile.id, assessment.profile.version),
                profile_sha256: assessment.profile.sha256.clone(),
                tier: assessment.tier,
                valid_until: assessment.validity().until.to_string(),
            },
        }],
    };
    json_pretty(&log)
}

fn rule(view: &RequirementView<'_>) -> Rule {
    let text = view.text;
    Rule {
        id: text.id.clone(),
        name: text.title.clone(),
        short_description: Message { text: text.title.clone() },
        full_description: Message { text: format!("{} {}", text.statement, text.why) },
        help: Message { text: text.remedy.clone() },
        help_uri: text.sources.iter().filter_map(|s| web_address(s.url.as_deref())).next(),
        default_configuration: Configuration { level: fail_level(text.level) },
        properties: RuleProperties {
            tags: vec![text.pillar.clone(), text.level.as_str().to_owned()],
            pillar: text.pillar.clone(),
            level: text.level.as_str(),
            tier: text.tier,
            sources: text
                .sources
                .iter()
                .map(|s| s.clause.as_ref().map_or_else(|| s.standard.clone(), |clause| format!("{}, {clause}", s.standard)))
                .collect(),
        },
    }
}

fn invocation(assessment: &Assessment) -> Invocation {
    let bugs = assessment.results.iter().filter(|r| r.verdict.cause == Some(Cause::Bug));
    Invocation {
        execution_successful: assessment.completion == Completion::Complete,
        start_time_utc: utc(assessment.started),
        end_time_utc: utc(assessment.finished),
        tool_execution_notifications: bugs
            .map(|result| Notification {
                level: "error",
                message: Message { text: format!("{}: {}", result.requirement, result.verdict.reason) },
            })
            .chain(words::completion(assessment).map(|text| Notification { level: "warning", message: Message { text } }))
            .collect(),
    }
}

fn sarif_result(
    assessment: &Assessment,
    options: &RenderOptions,
    rule_index: usize,
    view: &RequirementView<'_>,
    result: &CheckResult,
) -> SarifResult {
    let (kind, level) = match result.outcome() {
        Outcome::Passed => ("pass", "none"),
        Outcome::Failed => ("fail", fail_level(view.text.level)),
        Outcome::CantTell => ("review", "none"),
        Outcome::Inapplicable => ("notApplicable", "none"),
        Outcome::Untested => ("open", "none"),
    };
    let endpoint = result.endpoint.as_ref().map(|name| LogicalLocation {
        name: name.clone(),
        fully_qualified_name: assessment.target.endpoints.get(name).map_or_else(|| name.clone(), |e| e.url.to_string()),
        kind: "resource",
    });
    let waivers = if result.outcome() == Outcome::Failed { view.waivers.as_slice() } else { &[] };
    SarifResult {
        rule_id: view.text.id.clone(),
        rule_index,
        kind,
        level,
        message: Message { text: message(view, result) },
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri(&options.target_file) },
                region: Region { start_line: 1 },
            },
            logical_locations: endpoint.into_iter().collect(),
        }],
        partial_fingerprints: Fingerprints { result: words::fingerprint(assessment, result) },
        suppressions: waivers
            .iter()
            .map(|(waiver, state)| Suppression {
                kind: "external",
                status: match state {
                    WaiverState::Valid => "underReview",
                    WaiverState::Expired | WaiverState::Elsewhere => "rejected",
                },
                justification: words::waiver(waiver, *state),
            })
            .collect(),
        properties: ResultProperties {
            outcome: result.outcome().as_str(),
            grade: result.grade.as_str(),
            check: result.check,
            kind: result.kind.clone(),
            cause: result.verdict.cause,
            observation: result.observation.clone(),
        },
    }
}

fn message(view: &RequirementView<'_>, result: &CheckResult) -> String {
    let mut text =
        format!("{} ({}): {}: {}", view.text.title, words::asked(result), words::outcome(result.outcome()), result.verdict.reason);
    if let Some(evidence) = result.verdict.evidence.first() {
        text.push_str(&format!(" Expected: {}.", evidence.get_expected()));
        if let Some(observed) = evidence.get_observed() {
            text.push_str(&format!(" Got: {observed}."));
        }
        if let Some(place) = evidence.get_place() {
            text.push_str(&format!(" Where: {place}."));
        }
    }
    text
}

fn fail_level(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
    }
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.replace('\\', "/").trim_start_matches("./").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The address, where it leads to the web and nowhere else.
pub(super) fn web_address(url: Option<&str>) -> Option<String> {
    let url = url::Url::parse(url?).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.to_string())
}

fn utc(moment: OffsetDateTime) -> String {
    moment.to_offset(UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}
