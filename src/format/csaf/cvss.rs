//! The scores of a vulnerability (tests 6.1.8 to 6.1.10): whether a CVSS object is whole, whether its numbers
//! are those that its vector gives, and whether its properties say what the vector says.
//!
//! Computed are CVSS 2.0, 3.0 and 3.1 by the equations of FIRST's specifications; only the base score, and the
//! temporal and environmental score where the vector has their metrics.

use serde_json::Value;

use super::list;
use crate::verdict::Finding;

/// A metric: its short name in vectors, its property in JSON, and its values with both spellings and their weight.
type Metric = (&'static str, &'static str, &'static [(&'static str, &'static str, f64)]);

/// Base metrics of CVSS 3 (section 7.4 of its specification). `PR` weighs more where the scope changes.
const BASE_3: [Metric; 8] = [
    ("AV", "attackVector", &[("N", "NETWORK", 0.85), ("A", "ADJACENT_NETWORK", 0.62), ("L", "LOCAL", 0.55), ("P", "PHYSICAL", 0.2)]),
    ("AC", "attackComplexity", &[("L", "LOW", 0.77), ("H", "HIGH", 0.44)]),
    ("PR", "privilegesRequired", &[("N", "NONE", 0.85), ("L", "LOW", 0.62), ("H", "HIGH", 0.27)]),
    ("UI", "userInteraction", &[("N", "NONE", 0.85), ("R", "REQUIRED", 0.62)]),
    ("S", "scope", &[("U", "UNCHANGED", 0.0), ("C", "CHANGED", 1.0)]),
    ("C", "confidentialityImpact", &IMPACT_3),
    ("I", "integrityImpact", &IMPACT_3),
    ("A", "availabilityImpact", &IMPACT_3),
];
const IMPACT_3: [(&str, &str, f64); 3] = [("H", "HIGH", 0.56), ("L", "LOW", 0.22), ("N", "NONE", 0.0)];
const TEMPORAL_3: [Metric; 3] = [
    (
        "E",
        "exploitCodeMaturity",
        &[
            ("X", "NOT_DEFINED", 1.0),
            ("H", "HIGH", 1.0),
            ("F", "FUNCTIONAL", 0.97),
            ("P", "PROOF_OF_CONCEPT", 0.94),
            ("U", "UNPROVEN", 0.91),
        ],
    ),
    (
        "RL",
        "remediationLevel",
        &[
            ("X", "NOT_DEFINED", 1.0),
            ("U", "UNAVAILABLE", 1.0),
            ("W", "WORKAROUND", 0.97),
            ("T", "TEMPORARY_FIX", 0.96),
            ("O", "OFFICIAL_FIX", 0.95),
        ],
    ),
    ("RC", "reportConfidence", &[("X", "NOT_DEFINED", 1.0), ("C", "CONFIRMED", 1.0), ("R", "REASONABLE", 0.96), ("U", "UNKNOWN", 0.92)]),
];
/// Base metrics of CVSS 2 (section 3.2.1 of its guide).
const BASE_2: [Metric; 6] = [
    ("AV", "accessVector", &[("L", "LOCAL", 0.395), ("A", "ADJACENT_NETWORK", 0.646), ("N", "NETWORK", 1.0)]),
    ("AC", "accessComplexity", &[("H", "HIGH", 0.35), ("M", "MEDIUM", 0.61), ("L", "LOW", 0.71)]),
    ("Au", "authentication", &[("M", "MULTIPLE", 0.45), ("S", "SINGLE", 0.56), ("N", "NONE", 0.704)]),
    ("C", "confidentialityImpact", &IMPACT_2),
    ("I", "integrityImpact", &IMPACT_2),
    ("A", "availabilityImpact", &IMPACT_2),
];
const IMPACT_2: [(&str, &str, f64); 3] = [("N", "NONE", 0.0), ("P", "PARTIAL", 0.275), ("C", "COMPLETE", 0.66)];

/// A vector in pieces.
struct Vector<'a> {
    prefix: Option<&'a str>,
    metrics: Vec<(&'a str, &'a str)>,
}

impl<'a> Vector<'a> {
    /// `None`: a piece has no colon, or a metric stands twice.
    fn read(text: &'a str) -> Option<Self> {
        let (prefix, rest) = match text.strip_prefix("CVSS:").and_then(|t| t.split_once('/')) {
            Some((version, rest)) => (Some(version), rest),
            None => (None, text),
        };
        let metrics: Vec<(&str, &str)> = rest.split('/').map(|piece| piece.split_once(':')).collect::<Option<_>>()?;
        let twice = metrics.iter().enumerate().any(|(i, (name, _))| metrics.iter().take(i).any(|(other, _)| other == name));
        (!twice).then_some(Self { prefix, metrics })
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.metrics.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// The weight of a metric; none where it is missing or has no such value.
    fn weight(&self, metric: &Metric) -> Option<f64> {
        let value = self.value(metric.0)?;
        metric.2.iter().find(|(short, ..)| *short == value).map(|(_, _, weight)| *weight)
    }
}

/// The next tenth up, by the integers of the specification of 3.1 (appendix A).
fn round_up(score: f64) -> f64 {
    let whole = (score * 100_000.0).round();
    if whole % 10_000.0 == 0.0 { whole / 100_000.0 } else { ((whole / 10_000.0).floor() + 1.0) / 10.0 }
}

/// The base score of CVSS 3.
fn base_3(vector: &Vector<'_>) -> Option<f64> {
    let [av, ac, pr, ui, scope, c, i, a] = BASE_3.each_ref().map(|m| vector.weight(m));
    let changed = scope? > 0.5;
    let pr = match (changed, vector.value("PR")?) {
        (true, "L") => 0.68,
        (true, "H") => 0.5,
        _ => pr?,
    };
    let iss = 1.0 - (1.0 - c?) * (1.0 - i?) * (1.0 - a?);
    let impact = if changed { 7.52 * (iss - 0.029) - 3.25 * (iss - 0.02).powi(15) } else { 6.42 * iss };
    let exploitability = 8.22 * av? * ac? * pr * ui?;
    if impact <= 0.0 {
        return Some(0.0);
    }
    let sum = impact + exploitability;
    Some(round_up((if changed { 1.08 * sum } else { sum }).min(10.0)))
}

/// The temporal score of CVSS 3, where the vector has one of its metrics.
fn temporal_3(vector: &Vector<'_>, base: f64) -> Option<f64> {
    if !TEMPORAL_3.iter().any(|m| vector.value(m.0).is_some()) {
        return None;
    }
    let product: Option<f64> = TEMPORAL_3.iter().map(|m| if vector.value(m.0).is_some() { vector.weight(m) } else { Some(1.0) }).product();
    Some(round_up(base * product?))
}

/// The base score of CVSS 2.
fn base_2(vector: &Vector<'_>) -> Option<f64> {
    let [av, ac, au, c, i, a] = BASE_2.each_ref().map(|m| vector.weight(m));
    let impact = 10.41 * (1.0 - (1.0 - c?) * (1.0 - i?) * (1.0 - a?));
    let exploitability = 20.0 * av? * ac? * au?;
    let factor = if impact == 0.0 { 0.0 } else { 1.176 };
    Some(((0.6 * impact + 0.4 * exploitability - 1.5) * factor * 10.0).round() / 10.0)
}

/// The word for a score of CVSS 3 (section 5 of its specification).
fn severity_3(score: f64) -> &'static str {
    match score {
        s if s <= 0.0 => "NONE",
        s if s < 4.0 => "LOW",
        s if s < 7.0 => "MEDIUM",
        s if s < 9.0 => "HIGH",
        _ => "CRITICAL",
    }
}

/// Judges the scores of one vulnerability.
pub(super) fn judge(vulnerability: &Value, pointer: &str, findings: &mut Vec<Finding>) {
    for (i, score) in list(vulnerability, "scores").iter().enumerate() {
        for key in ["cvss_v2", "cvss_v3"] {
            if let Some(cvss) = score.get(key) {
                one(cvss, key == "cvss_v3", &format!("{pointer}/scores/{i}/{key}"), findings);
            }
        }
    }
}

fn one(cvss: &Value, third: bool, at: &str, findings: &mut Vec<Finding>) {
    let mut tell = |rule: &str, message: &str, place: String, expected: String, observed: &str, test: u8| {
        findings.push(
            Finding::error(rule, message).at(place).expected(expected).observed(observed).clause(format!("CSAF 2.0, section 6.1.{test}")),
        );
    };
    let text = |key: &str| cvss.get(key).and_then(Value::as_str);
    let version = text("version").unwrap_or_default();
    let known = if third { matches!(version, "3.0" | "3.1") } else { version == "2.0" };
    if !known {
        let expected = if third { "3.0 or 3.1" } else { "2.0" };
        tell("cvss-version", "a score does not say its version of CVSS", format!("{at}/version"), expected.into(), version, 8);
    }
    let base = cvss.get("baseScore").and_then(Value::as_f64).filter(|s| (0.0..=10.0).contains(s));
    if base.is_none() {
        let observed = cvss.get("baseScore").map(Value::to_string).unwrap_or_default();
        tell("cvss-score", "a score has no number", format!("{at}/baseScore"), "a number from 0 to 10".into(), &observed, 8);
    }
    let stated = text("baseSeverity");
    if third && !stated.is_some_and(|s| matches!(s, "NONE" | "LOW" | "MEDIUM" | "HIGH" | "CRITICAL")) {
        tell(
            "cvss-severity",
            "a score has no severity",
            format!("{at}/baseSeverity"),
            "NONE, LOW, MEDIUM, HIGH or CRITICAL".into(),
            stated.unwrap_or_default(),
            8,
        );
    }
    let Some(string) = text("vectorString") else {
        tell("cvss-vector", "a score has no vector", format!("{at}/vectorString"), "vectorString".into(), "", 8);
        return;
    };
    let place = format!("{at}/vectorString");
    let read =
        Vector::read(string).filter(|v| if third { v.prefix.is_some_and(|p| matches!(p, "3.0" | "3.1")) } else { v.prefix.is_none() });
    let computed = read.as_ref().and_then(|v| if third { base_3(v) } else { base_2(v) });
    let (Some(vector), Some(right)) = (read, computed) else {
        tell("cvss-vector", "a vector is not one of this version of CVSS", place, "all base metrics, each once".into(), string, 8);
        return;
    };
    if third && known && vector.prefix != Some(version) {
        tell("cvss-version", "a vector is of another version than its score", place, format!("CVSS:{version}/…"), string, 10);
    }
    let same = |a: f64, b: f64| (a - b).abs() < 0.01;
    if let Some(base) = base.filter(|base| !same(*base, right)) {
        tell(
            "cvss-wrong",
            "a score is not the one that its vector gives",
            format!("{at}/baseScore"),
            right.to_string(),
            &base.to_string(),
            9,
        );
    }
    if let Some(stated) = stated.filter(|s| third && *s != severity_3(right)) {
        tell("cvss-wrong", "a severity is not the one of its score", format!("{at}/baseSeverity"), severity_3(right).into(), stated, 9);
    }
    let temporal = cvss.get("temporalScore").and_then(Value::as_f64);
    if let (true, Some(stated), Some(right)) = (third, temporal, temporal_3(&vector, right))
        && !same(stated, right)
    {
        tell(
            "cvss-wrong",
            "a temporal score is not the one that its vector gives",
            format!("{at}/temporalScore"),
            right.to_string(),
            &stated.to_string(),
            9,
        );
    }
    let metrics: Vec<&Metric> = if third { BASE_3.iter().chain(&TEMPORAL_3).collect() } else { BASE_2.iter().collect() };
    for metric in metrics {
        let (Some(said), Some(short)) = (text(metric.1), vector.value(metric.0)) else { continue };
        let meant = metric.2.iter().find(|(s, ..)| *s == short).map_or(short, |(_, long, _)| long);
        if said != meant {
            tell(
                "cvss-contradiction",
                "a property of a score says something else than its vector",
                format!("{at}/{}", metric.1),
                meant.into(),
                said,
                10,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Vectors and scores that FIRST's specifications and examples give, and the extremes.
    #[test]
    fn the_equations_give_the_published_scores() {
        for (vector, score) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", 6.4),
            ("CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
            ("CVSS:3.1/AV:L/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.2),
            ("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
        ] {
            assert_eq!(base_3(&Vector::read(vector).unwrap()), Some(score), "{vector}");
        }
        for (vector, score) in [
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
            ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
            ("AV:N/AC:M/Au:N/C:N/I:P/A:N", 4.3),
            ("AV:L/AC:H/Au:M/C:N/I:N/A:N", 0.0),
        ] {
            assert_eq!(base_2(&Vector::read(vector).unwrap()), Some(score), "{vector}");
        }
        let vector = Vector::read("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:P/RL:O/RC:C").unwrap();
        assert_eq!(temporal_3(&vector, 9.8), Some(8.8));
    }

    fn rules(cvss: &Value) -> Vec<String> {
        let mut findings = Vec::new();
        let key = if cvss["version"] == "2.0" { "cvss_v2" } else { "cvss_v3" };
        judge(&json!({"scores": [{key: cvss, "products": ["a"]}]}), "/v", &mut findings);
        findings.into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn each_fault_of_a_score_is_told_apart() {
        let sound = json!({"version": "3.1", "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "baseScore": 9.8, "baseSeverity": "CRITICAL", "attackVector": "NETWORK"});
        assert!(rules(&sound).is_empty());
        let with = |key: &str, value: Value| {
            let mut cvss = sound.clone();
            cvss[key] = value;
            rules(&cvss)
        };
        assert_eq!(with("baseScore", json!(9.7)), ["cvss-wrong"]);
        assert_eq!(with("baseSeverity", json!("HIGH")), ["cvss-wrong"]);
        assert_eq!(with("attackVector", json!("LOCAL")), ["cvss-contradiction"]);
        assert_eq!(with("version", json!("3.0")), ["cvss-version"]);
        assert_eq!(with("baseScore", Value::Null), ["cvss-score"]);
        assert_eq!(with("vectorString", json!("CVSS:3.1/AV:N")), ["cvss-vector"]);
        assert_eq!(with("vectorString", json!("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/A:H")), ["cvss-vector"]);
        assert!(rules(&json!({"version": "2.0", "vectorString": "AV:N/AC:L/Au:N/C:N/I:N/A:C", "baseScore": 7.8})).is_empty());
    }
}
