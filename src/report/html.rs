//! One self-contained page for people: no script, nothing loaded from elsewhere, readable on paper.
//!
//! The first page is for a buyer who knows no HTTP. The template escapes every text by itself; the
//! only text that goes in as it is, is our own style sheet, whose hash the page's policy names.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::clauses::{self, ClauseTable};
use super::sarif::web_address;
use super::{RenderOptions, words};
use crate::assess::{Assessment, CheckResult, Counts, PillarVerdict, RequirementView, Standings};
use crate::profile::{Certainty, Level, Reference, TitleStatus, WaiverState};
use crate::target::Fact;
use crate::verdict::{Evidence, Outcome};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

/// The width of a pillar's bar, in its own units.
const BAR: usize = 1000;

/// The report as a page.
pub(super) fn render(assessment: &Assessment, clauses: &[ClauseTable], options: &RenderOptions) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_filter("prose", |text: &str| Value::from_safe_string(prose(text)));
    environment.add_template("page.html", TEMPLATE)?;
    let page = page(assessment, clauses, options);
    environment.get_template("page.html")?.render(value(page))
}

fn page(a: &Assessment, clauses: &[ClauseTable], options: &RenderOptions) -> Json {
    let anchors = Anchors::new(a);
    let views = a.requirement_views();
    let standings = a.standings();
    let to_do = words::to_do(&views);
    let validity = a.validity();
    let (must, should) = (a.counts(Level::Must), a.counts(Level::Should));
    let product = &a.target.product;
    json!({
        "style": STYLE,
        "style_hash": STANDARD.encode(Sha256::digest(STYLE.as_bytes())),
        "product": product.name, "version": product.version, "model": product.model, "purpose": product.purpose,
        "vendor": product.vendor.name, "country": product.vendor.country,
        "codes": product.codes.iter().map(|(scheme, codes)| json!({ "scheme": scheme, "codes": codes.join(", ") })).collect::<Vec<_>>(),
        "profile": {
            "id": a.profile.id, "version": a.profile.version, "title": a.profile.title, "sha256": a.profile.sha256,
            "short": a.profile.sha256.chars().take(16).collect::<String>(),
            "overlays": a.profile.overlays.iter().map(|o| json!({
                "id": o.id, "version": o.version, "title": o.title, "sha256": o.sha256, "changes": o.changes,
            })).collect::<Vec<_>>(),
        },
        "tier": words::tier(a.tier),
        "started": words::moment(a.started), "finished": words::moment(a.finished),
        "valid_until": words::day(validity.until), "valid_because": validity.because,
        "run_by": words::run_by(&options.run_by),
        "verdict": verdict(a.verdict()), "sentence": words::verdict_sentence(a), "alerts": words::alerts(a),
        "must": counts(must), "should": counts(should),
        "pillars": standings.iter().map(|s| pillar(s, &anchors, a)).collect::<Vec<_>>(),
        "assumed": standings.iter().any(|s| s.pillar.title_status == TitleStatus::Assumed),
        "failed": words::failed(&to_do).into_iter().map(|view| failed(view, &anchors)).collect::<Vec<_>>(),
        "undetermined": words::open(&to_do).into_iter().map(|(cause, views)| json!({
            "cause": words::cause(cause), "next": words::next_step(cause), "count": views.len(),
            "requirements": views.iter().map(|view| json!({
                "id": view.text.id, "title": view.text.title, "anchor": anchors.of(&view.text.id),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "open": words::open_by_cause(&views).into_iter().map(|open| json!({
            "cause": words::cause(open.cause), "next": words::next_step(open.cause),
            "results": open.results.iter().map(|(text, result)| json!({
                "id": text.id, "anchor": anchors.of(&text.id), "title": text.title, "asked": words::asked(result),
                "outcome": words::outcome(result.outcome()), "reason": result.verdict.reason,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "waivers": a.waivers.iter().map(|w| {
            let state = w.state(product, a.started);
            json!({ "id": w.requirement, "anchor": anchors.of(&w.requirement), "state": waiver_state(state), "valid": state == WaiverState::Valid,
                "issuer": w.issuer, "issued": w.issued, "expires": w.expires, "reason": w.reason })
        }).collect::<Vec<_>>(),
        "equivalents": a.equivalents.iter().map(|e| json!({
            "certificate": e.certificate, "issuer": e.issuer, "requirements": e.requirements.join(", "), "expires": e.expires, "basis": e.basis,
        })).collect::<Vec<_>>(),
        "clauses": clauses.iter().enumerate().map(|(index, table)| json!({
            "anchor": format!("clauses-{index}"), "standard": table.standard, "sentence": clauses::sentence(table),
            "id": table.requirement, "requirement": anchors.of(&table.requirement),
            "rows": table.rows.iter().map(|row| json!({
                "number": row.number, "about": row.about, "said": row.said, "here": row.here_in_words(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "endpoints": a.target.endpoints.iter().map(|(name, e)| json!({ "name": name, "url": e.url.as_str() })).collect::<Vec<_>>(),
        "facts": a.target.facts.iter().map(|(name, fact)| json!({ "name": name, "value": fact_words(fact) })).collect::<Vec<_>>(),
        "claims": a.target.claims.iter().map(|c| json!({ "specification": c.specification, "version": c.version, "role": c.role })).collect::<Vec<_>>(),
        "statements": a.target.attestations.iter().map(|(subject, s)| json!({
            "subject": subject, "statement": s.statement, "person": s.person, "role": s.role, "date": s.date, "expires": s.expires,
        })).collect::<Vec<_>>(),
        "consent": a.target.consent.as_ref().map(|c| json!({
            "owner": c.owner,
            "environment": match c.environment {
                crate::target::Environment::Lab => "a laboratory bench",
                crate::target::Environment::Test => "a test installation",
                crate::target::Environment::Production => "in use by people (production)",
            },
            "effect": c.mode.map_or(c.highest().as_str().to_owned(), |mode| format!("{} (mode {})", c.highest().as_str(), mode.as_str())),
        })),
        "traffic": { "connections": a.traffic.connections, "sent": a.traffic.sent, "received": a.traffic.received },
        "tool": { "name": a.tool.name, "version": a.tool.version },
    })
}

fn pillar(s: &Standings<'_>, anchors: &Anchors, a: &Assessment) -> Json {
    json!({
        "anchor": anchors.pillar(&s.pillar.id), "title": s.pillar.title, "summary": s.pillar.summary,
        "assumed": s.pillar.title_status == TitleStatus::Assumed,
        "verdict": verdict(s.verdict), "must": counts(s.must), "should": counts(s.should), "bar": bar(s.must),
        "requirements": s.requirements.iter().map(|view| requirement(view, anchors, a)).collect::<Vec<_>>(),
    })
}

fn requirement(view: &RequirementView<'_>, anchors: &Anchors, a: &Assessment) -> Json {
    let text = view.text;
    let hashes = view.results.iter().filter_map(|r| Some(json!({ "asked": words::asked(r), "sha256": r.observation.as_ref()? })));
    json!({
        "id": text.id, "anchor": anchors.of(&text.id), "title": text.title, "statement": text.statement, "why": text.why,
        "level": text.level.as_str(), "tier": text.tier, "outcome": outcome(view.outcome),
        "grade": view.grade.filter(|_| view.outcome == Outcome::Passed).map(|grade| grade.as_str()),
        "closed": matches!(view.outcome, Outcome::Passed | Outcome::Inapplicable),
        "results": view.results.iter().map(|r| result(r)).collect::<Vec<_>>(),
        "next": words::what_next(view),
        "waivers": view.waivers.iter().map(|(w, state)| json!({ "text": words::waiver(w, *state), "valid": *state == WaiverState::Valid })).collect::<Vec<_>>(),
        "equivalents": a.equivalents.iter().filter(|e| e.requirements.contains(&text.id)).map(|e| json!({
            "certificate": e.certificate, "issuer": e.issuer, "expires": e.expires,
        })).collect::<Vec<_>>(),
        "sources": text.sources.iter().map(source).collect::<Vec<_>>(),
        "applies": text.applies, "limits": text.limits, "legal_basis": text.legal_basis,
        "hashes": hashes.collect::<Vec<_>>(),
    })
}

fn result(r: &CheckResult) -> Json {
    json!({
        "asked": words::asked(r), "outcome": outcome(r.outcome()), "reason": r.verdict.reason, "grade": r.grade.as_str(),
        "evidence": r.verdict.evidence.iter().map(evidence).collect::<Vec<_>>(), "notes": r.verdict.notes,
    })
}

fn evidence(e: &Evidence) -> Json {
    json!({
        "expected": e.get_expected(), "observed": e.get_observed().map(|o| o.as_str()), "place": e.get_place().map(ToString::to_string),
        "clause": e.get_clause(), "repeat": e.get_repeat(),
    })
}

fn source(s: &Reference) -> Json {
    let parts = [Some(s.standard.as_str()), s.edition.as_deref(), s.clause.as_deref()];
    json!({
        "text": parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
        "url": web_address(s.url.as_deref()),
        "unchecked": s.certainty == Certainty::ToBeChecked,
    })
}

fn failed(view: &RequirementView<'_>, anchors: &Anchors) -> Json {
    let deciding = words::deciding(view);
    json!({
        "id": view.text.id, "anchor": anchors.of(&view.text.id), "title": view.text.title, "level": view.text.level.as_str(),
        "outcome": outcome(view.outcome),
        "reason": deciding.first().map(|r| r.verdict.reason.as_str()).unwrap_or_default(),
        "more": deciding.len().saturating_sub(1),
        "waived": view.waivers.iter().find(|(_, state)| *state == WaiverState::Valid).map(|(w, _)| w.expires.as_str()),
    })
}

fn outcome(outcome: Outcome) -> Json {
    let words = words::outcome(outcome);
    json!({ "class": class(outcome), "words": words, "title": capital(words), "sign": words::sign(outcome), "earl": outcome.as_str() })
}

fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "good",
        Outcome::Failed => "bad",
        Outcome::CantTell | Outcome::Untested => "open",
        Outcome::Inapplicable => "none",
    }
}

fn verdict(verdict: PillarVerdict) -> Json {
    let (class, sign) = match verdict {
        PillarVerdict::Conformant => ("good", "✓"),
        PillarVerdict::NotConformant => ("bad", "✗"),
        PillarVerdict::NotDetermined => ("open", "?"),
        PillarVerdict::NotApplicable => ("none", "–"),
    };
    json!({ "class": class, "words": capital(verdict.as_str()), "sign": sign })
}

fn waiver_state(state: WaiverState) -> &'static str {
    match state {
        WaiverState::Valid => "counts",
        WaiverState::Expired => "void: not in its time",
        WaiverState::Elsewhere => "void: for another product or version",
    }
}

fn counts(c: Counts) -> Json {
    json!({
        "passed": c.passed, "failed": c.failed, "cant_tell": c.cant_tell, "untested": c.untested, "inapplicable": c.inapplicable,
        "measured": c.measured, "documented": c.documented, "attested": c.attested, "waived": c.waived, "total": c.total(),
    })
}

/// The parts of a pillar's bar: class, start and width.
fn bar(c: Counts) -> Vec<Json> {
    let total = c.total();
    let mut x = 0;
    let parts = [("good", c.passed), ("bad", c.failed), ("open", c.cant_tell + c.untested), ("none", c.inapplicable)];
    let mut bar = Vec::new();
    for (class, number) in parts.into_iter().filter(|(_, number)| *number > 0) {
        let width = number * BAR / total;
        bar.push(json!({ "class": class, "x": x, "width": width }));
        x += width;
    }
    bar
}

fn fact_words(fact: &Fact) -> String {
    match fact {
        Fact::Flag(true) => "yes".into(),
        Fact::Flag(false) => "no".into(),
        Fact::Number(number) => number.to_string(),
        Fact::Text(text) => text.clone(),
        Fact::List(words) => words.join(", "),
    }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Text as HTML, with what stands between backquotes in letters of one width.
fn prose(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    // A lone backquote is itself.
    let paired = pieces.len() % 2 == 1;
    let mut out = String::with_capacity(text.len() + 16);
    for (index, piece) in pieces.iter().enumerate() {
        match index {
            0 => {}
            _ if !paired => out.push('`'),
            _ if index % 2 == 1 => out.push_str("<code>"),
            _ => out.push_str("</code>"),
        }
        for c in piece.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                _ => out.push(c),
            }
        }
    }
    out
}

/// Names for places within the page: letters, digits and hyphens, each once.
struct Anchors {
    requirements: BTreeMap<String, String>,
    pillars: BTreeMap<String, String>,
}

impl Anchors {
    fn new(a: &Assessment) -> Self {
        Self {
            requirements: unique("req", a.requirements.iter().map(|r| r.id.as_str())),
            pillars: unique("pillar", a.pillars.iter().map(|p| p.id.as_str())),
        }
    }
    fn of(&self, requirement: &str) -> Option<&str> {
        self.requirements.get(requirement).map(String::as_str)
    }
    fn pillar(&self, pillar: &str) -> Option<&str> {
        self.pillars.get(pillar).map(String::as_str)
    }
}

fn unique<'a>(prefix: &str, ids: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let (mut taken, mut anchors) = (std::collections::BTreeSet::new(), BTreeMap::new());
    for (index, id) in ids.enumerate() {
        let slug: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let mut anchor = format!("{prefix}-{slug}");
        if !taken.insert(anchor.clone()) {
            anchor = format!("{prefix}-{slug}--{index}");
            taken.insert(anchor.clone());
        }
        anchors.insert(id.to_owned(), anchor);
    }
    anchors
}

/// JSON as the template's kind of value.
fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(b),
        Json::Number(n) => n.as_u64().map(Value::from).or_else(|| n.as_i64().map(Value::from)).unwrap_or_else(|| Value::from(n.as_f64())),
        Json::String(text) => Value::from(text),
        Json::Array(items) => Value::from(items.into_iter().map(value).collect::<Vec<Value>>()),
        Json::Object(map) => Value::from(map.into_iter().map(|(key, v)| (key, value(v))).collect::<BTreeMap<String, Value>>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_escaped_and_keeps_lone_backquotes() {
        assert_eq!(prose("a `b<` & \"c\""), "a <code>b&lt;</code> &amp; &quot;c&quot;");
        assert_eq!(prose("a ` b' ``` <"), "a <code> b&#39; </code><code></code> &lt;");
        assert_eq!(prose("a ` <b>"), "a ` &lt;b&gt;");
    }

    #[test]
    fn anchors_are_plain_and_unique() {
        let anchors = unique("req", ["A-1", "A.1", "A 1", "\"><x"].into_iter());
        let mut names: Vec<_> = anchors.values().cloned().collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 4);
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')));
    }
}
