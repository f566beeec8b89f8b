//! The outside format of an assessment, version 1: what `assessment.json` and the JSON report hold.
//!
//! These types are frozen and apart from the ones the program works with, so that inner changes do
//! not reach the outside. A member may be added; none is renamed, removed or given another meaning.
//! Roll-ups stand beside the results for readers that cannot compute them; they are never read back.
//! The schema is committed as `schemas/assessment-v1.schema.json`.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::assess::{Assessment, CheckResult, Completion, Counts, PillarVerdict, ProfileReference, Tool, Traffic};
use crate::profile::{
    Applied, Certainty, Equivalent, Freedom, Level, Life, Pillar, Reference, RequirementText, TitleStatus, Waiver, WaiverState,
};
use crate::target::{Effect, Target};
use crate::verdict::{Cause, Evidence, Grade, Outcome, Verdict};

/// What the member `format` says.
const FORMAT: &str = "probity-assessment";

/// What one run of Probity found out about one product.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Probity assessment")]
pub struct AssessmentV1 {
    /// Always `probity-assessment`.
    #[schemars(regex(pattern = "^probity-assessment$"))]
    pub format: String,
    /// Always 1.
    #[schemars(range(min = 1, max = 1))]
    pub format_version: u32,
    /// The program that ran.
    pub tool: ToolV1,
    /// The profile that was asked, with its overlays.
    pub profile: ProfileReferenceV1,
    /// The tier that was asked for: 1 basic, 2 substantial, 3 high.
    #[schemars(range(min = 1, max = 3))]
    pub tier: u8,
    /// The requirements and pillars that the run was narrowed to; empty for all.
    pub only: Vec<String>,
    /// The target file as JSON, without secrets.
    pub target: Target,
    /// When the run began: the moment for which verdicts are given. RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub started: OffsetDateTime,
    /// When the run ended. RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub finished: OffsetDateTime,
    /// Whether the run came to its end.
    pub completion: Completion,
    /// Until when it may be relied on. Computed.
    pub validity: ValidityV1,
    /// What is said of the whole. Computed.
    pub verdict: PillarVerdict,
    /// Counts over all requirements. Computed.
    pub counts: CountsV1,
    /// The pillars, in order.
    pub pillars: Vec<PillarV1>,
    /// The requirements that were asked at this tier, in profile order.
    pub requirements: Vec<RequirementV1>,
    /// One result for each check and endpoint, in profile order. All else that is computed follows from these.
    pub results: Vec<ResultV1>,
    /// The waivers that were handed in, valid or not. A waiver never changes an outcome.
    pub waivers: Vec<WaiverV1>,
    /// Certificates that an overlay accepts beside results. They never change an outcome.
    pub equivalents: Vec<EquivalentV1>,
    /// What the run sent and received.
    pub traffic: TrafficV1,
}

/// The program that made an assessment.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ToolV1 {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A profile by name and digest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ProfileReferenceV1 {
    /// The profile's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its files, before any overlay.
    pub sha256: String,
    /// The overlays that were laid on.
    pub overlays: Vec<AppliedV1>,
}

/// An overlay that was laid on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AppliedV1 {
    /// The overlay's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What it changed, one sentence each.
    pub changes: Vec<String>,
}

/// Until when an assessment may be relied on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ValidityV1 {
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
    /// What ends it then.
    pub because: String,
}

/// Counts of requirements by level.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CountsV1 {
    /// MUST requirements: they decide.
    pub must: Counts,
    /// SHOULD requirements: told, and never decisive.
    pub should: Counts,
}

/// A pillar with what is said of it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PillarV1 {
    /// Permanent id.
    pub id: String,
    /// Title for people.
    pub title: String,
    /// Whether the title stands in a published source.
    pub title_status: TitleStatus,
    /// What the pillar is about.
    pub summary: String,
    /// What is said of it. Computed.
    pub verdict: PillarVerdict,
    /// Counts of its MUST requirements. Computed.
    pub must: Counts,
    /// Counts of its SHOULD requirements. Computed.
    pub should: Counts,
}

/// A requirement with its outcome.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequirementV1 {
    /// Permanent id.
    pub id: String,
    /// The pillar it belongs to.
    pub pillar: String,
    /// A title of a few words.
    pub title: String,
    /// What is required.
    pub statement: String,
    /// Why it is required.
    pub why: String,
    /// MUST or SHOULD.
    pub level: Level,
    /// The lowest tier at which it counts.
    #[schemars(range(min = 1, max = 3))]
    pub tier: u8,
    /// Where it comes from.
    pub sources: Vec<SourceV1>,
    /// What to do when it is not met.
    pub remedy: String,
    /// When it applies: an expression in CEL. Always, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies: Option<String>,
    /// What a region may do to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freedom: Vec<Freedom>,
    /// Not asked until an overlay switches it on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dormant: bool,
    /// When its standing changes.
    #[serde(default)]
    pub life: LifeV1,
    /// For a requirement that a region added: the legal basis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// What passing does not show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<String>,
    /// The worst of its results. Computed.
    pub outcome: Outcome,
    /// The weakest grade among its results that passed. Computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
}

/// Where a requirement comes from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SourceV1 {
    /// The standard or legal act.
    pub standard: String,
    /// The edition or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// The clause, article or section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whether the clause was compared with the source's own text.
    pub certainty: Certainty,
}

/// The days on which a requirement changes its standing, each `YYYY-MM-DD`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LifeV1 {
    /// Published as a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// Counts from this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<String>,
    /// Its retirement has been announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<String>,
    /// No longer asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<String>,
}

/// The result of one check on one endpoint or document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResultV1 {
    /// The requirement's id.
    pub requirement: String,
    /// Which of the requirement's checks, from 0.
    pub check: usize,
    /// The kind of check.
    pub kind: String,
    /// The endpoint's name, where the check asks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How the verdict is known.
    pub grade: Grade,
    /// What asking does to the target.
    pub effect: Effect,
    /// The outcome, spelled as W3C EARL spells it.
    pub outcome: Outcome,
    /// One sentence that says why.
    pub reason: String,
    /// What was expected and what was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Whose trouble it is, where the outcome is `cantTell` or `untested`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Worth telling, without weight on the outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// SHA-256 of the recorded observation's JSON text, where something was observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation: Option<String>,
    /// How long asking took.
    pub milliseconds: u64,
}

/// An exception that was handed in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct WaiverV1 {
    /// The requirement that is waived.
    pub requirement: String,
    /// Why.
    pub reason: String,
    /// The person or body that grants it.
    pub issuer: String,
    /// The day it was granted, `YYYY-MM-DD`.
    pub issued: String,
    /// The last day on which it counts, `YYYY-MM-DD`.
    pub expires: String,
    /// The product's name; any, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The product's version; any, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether it counted when the run began. Computed.
    pub state: WaiverState,
}

/// A certificate of another scheme that a region accepts beside results.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EquivalentV1 {
    /// The certificate's name.
    pub certificate: String,
    /// Who issues it.
    pub issuer: String,
    /// The requirements that it answers.
    pub requirements: Vec<String>,
    /// The last day of the mapping, `YYYY-MM-DD`.
    pub expires: String,
    /// Why it is equivalent.
    pub basis: String,
}

/// What a run sent and received.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
pub struct TrafficV1 {
    /// Connections and datagram exchanges.
    pub connections: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

impl AssessmentV1 {
    /// The JSON Schema (draft 2020-12) of this format.
    pub fn schema() -> Value {
        SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Self>().to_value()
    }
}

impl From<&Assessment> for AssessmentV1 {
    fn from(a: &Assessment) -> Self {
        let validity = a.validity();
        let views = a.requirement_views();
        Self {
            format: FORMAT.into(),
            format_version: 1,
            tool: ToolV1 { name: a.tool.name.clone(), version: a.tool.version.clone() },
            profile: ProfileReferenceV1 {
                id: a.profile.id.clone(),
                version: a.profile.version.clone(),
                title: a.profile.title.clone(),
                sha256: a.profile.sha256.clone(),
                overlays: a.profile.overlays.iter().cloned().map(AppliedV1::from).collect(),
            },
            tier: a.tier,
            only: a.only.clone(),
            target: a.target.clone(),
            started: a.started,
            finished: a.finished,
            completion: a.completion,
            validity: ValidityV1 { until: validity.until.to_string(), because: validity.because },
            verdict: a.verdict(),
            counts: CountsV1 { must: a.counts(Level::Must), should: a.counts(Level::Should) },
            pillars: a
                .standings()
                .into_iter()
                .map(|s| PillarV1 {
                    id: s.pillar.id.clone(),
                    title: s.pillar.title.clone(),
                    title_status: s.pillar.title_status,
                    summary: s.pillar.summary.clone(),
                    verdict: s.verdict,
                    must: s.must,
                    should: s.should,
                })
                .collect(),
            requirements: views.iter().map(|view| RequirementV1::new(view.text, view.outcome, view.grade)).collect(),
            results: a.results.iter().map(ResultV1::from).collect(),
            waivers: a.waivers.iter().map(|w| WaiverV1::new(w, w.state(&a.target.product, a.started))).collect(),
            equivalents: a.equivalents.iter().cloned().map(EquivalentV1::from).collect(),
            traffic: TrafficV1 { connections: a.traffic.connections, sent: a.traffic.sent, received: a.traffic.received },
        }
    }
}

impl From<AssessmentV1> for Assessment {
    fn from(v: AssessmentV1) -> Self {
        Self {
            tool: Tool { name: v.tool.name, version: v.tool.version },
            profile: ProfileReference {
                id: v.profile.id,
                version: v.profile.version,
                title: v.profile.title,
                sha256: v.profile.sha256,
                overlays: v.profile.overlays.into_iter().map(Applied::from).collect(),
            },
            tier: v.tier,
            only: v.only,
            target: v.target,
            started: v.started,
            finished: v.finished,
            completion: v.completion,
            pillars: v
                .pillars
                .into_iter()
                .map(|p| Pillar { id: p.id, title: p.title, title_status: p.title_status, summary: p.summary })
                .collect(),
            requirements: v.requirements.into_iter().map(RequirementText::from).collect(),
            results: v.results.into_iter().map(CheckResult::from).collect(),
            waivers: v.waivers.into_iter().map(Waiver::from).collect(),
            equivalents: v.equivalents.into_iter().map(Equivalent::from).collect(),
            traffic: Traffic { connections: v.traffic.connections, sent: v.traffic.sent, received: v.traffic.received },
        }
    }
}

impl From<Applied> for AppliedV1 {
    fn from(a: Applied) -> Self {
        Self { id: a.id, version: a.version, title: a.title, sha256: a.sha256, changes: a.changes }
    }
}

impl From<AppliedV1> for Applied {
    fn from(a: AppliedV1) -> Self {
        Self { id: a.id, version: a.version, title: a.title, sha256: a.sha256, changes: a.changes }
    }
}

impl RequirementV1 {
    fn new(text: &RequirementText, outcome: Outcome, grade: Option<Grade>) -> Self {
        let t = text.clone();
        let life = LifeV1 { draft: t.life.draft, in_force: t.life.in_force, warned: t.life.warned, retired: t.life.retired };
        let source =
            |s: Reference| SourceV1 { standard: s.standard, edition: s.edition, clause: s.clause, url: s.url, certainty: s.certainty };
        Self {
            id: t.id,
            pillar: t.pillar,
            title: t.title,
            statement: t.statement,
            why: t.why,
            level: t.level,
            tier: t.tier,
            sources: t.sources.into_iter().map(source).collect(),
            remedy: t.remedy,
            applies: t.applies,
            freedom: t.freedom,
            dormant: t.dormant,
            life,
            legal_basis: t.legal_basis,
            limits: t.limits,
            outcome,
            grade,
        }
    }
}

impl From<RequirementV1> for RequirementText {
    fn from(t: RequirementV1) -> Self {
        let source =
            |s: SourceV1| Reference { standard: s.standard, edition: s.edition, clause: s.clause, url: s.url, certainty: s.certainty };
        Self {
            id: t.id,
            pillar: t.pillar,
            title: t.title,
            statement: t.statement,
            why: t.why,
            level: t.level,
            tier: t.tier,
            sources: t.sources.into_iter().map(source).collect(),
            remedy: t.remedy,
            applies: t.applies,
            freedom: t.freedom,
            dormant: t.dormant,
            life: Life { draft: t.life.draft, in_force: t.life.in_force, warned: t.life.warned, retired: t.life.retired },
            legal_basis: t.legal_basis,
            limits: t.limits,
        }
    }
}

impl From<&CheckResult> for ResultV1 {
    fn from(r: &CheckResult) -> Self {
        let r = r.clone();
        Self {
            requirement: r.requirement,
            check: r.check,
            kind: r.kind,
            endpoint: r.endpoint,
            grade: r.grade,
            effect: r.effect,
            outcome: r.verdict.outcome,
            reason: r.verdict.reason,
            evidence: r.verdict.evidence,
            cause: r.verdict.cause,
            notes: r.verdict.notes,
            observation: r.observation,
            milliseconds: r.milliseconds,
        }
    }
}

impl From<ResultV1> for CheckResult {
    fn from(r: ResultV1) -> Self {
        Self {
            requirement: r.requirement,
            check: r.check,
            kind: r.kind,
            endpoint: r.endpoint,
            grade: r.grade,
            effect: r.effect,
            verdict: Verdict { outcome: r.outcome, reason: r.reason, evidence: r.evidence, cause: r.cause, notes: r.notes },
            observation: r.observation,
            milliseconds: r.milliseconds,
        }
    }
}

impl WaiverV1 {
    fn new(waiver: &Waiver, state: WaiverState) -> Self {
        let w = waiver.clone();
        Self {
            requirement: w.requirement,
            reason: w.reason,
            issuer: w.issuer,
            issued: w.issued,
            expires: w.expires,
            product: w.product,
            version: w.version,
            state,
        }
    }
}

impl From<WaiverV1> for Waiver {
    fn from(w: WaiverV1) -> Self {
        Self {
            requirement: w.requirement,
            reason: w.reason,
            issuer: w.issuer,
            issued: w.issued,
            expires: w.expires,
            product: w.product,
            version: w.version,
        }
    }
}

impl From<Equivalent> for EquivalentV1 {
    fn from(e: Equivalent) -> Self {
        Self { certificate: e.certificate, issuer: e.issuer, requirements: e.requirements, expires: e.expires, basis: e.basis }
    }
}

impl From<EquivalentV1> for Equivalent {
    fn from(e: EquivalentV1) -> Self {
        Self { certificate: e.certificate, issuer: e.issuer, requirements: e.requirements, expires: e.expires, basis: e.basis }
    }
}

#[cfg(test)]
mod tests {
    use super::AssessmentV1;

    /// `UPDATE=1 cargo test` writes the file anew.
    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/assessment-v1.schema.json");
        let schema = serde_json::to_string_pretty(&AssessmentV1::schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas")).unwrap();
            std::fs::write(path, &schema).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == schema, "the outside format changed: a frozen format may only gain members; then run with UPDATE=1");
    }
}
