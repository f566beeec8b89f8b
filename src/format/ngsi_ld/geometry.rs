//! GeoJSON geometries (RFC 7946, section 3.1), without collections, as NGSI-LD clause 4.7 has them.

use serde_json::Value;

use super::what;
use crate::format::Pointer;
use crate::format::findings::Findings;
use crate::verdict::{Finding, Severity};

/// The geometries, with how deep their positions are nested.
const TYPES: &[(&str, usize)] =
    &[("Point", 0), ("MultiPoint", 1), ("LineString", 1), ("MultiLineString", 2), ("Polygon", 2), ("MultiPolygon", 3)];

pub(super) fn is_type(name: &str) -> bool {
    TYPES.iter().any(|(known, _)| *known == name)
}

/// A geometry that stands encoded in a text: its findings are all about the text.
pub(super) fn judge_as_text(geometry: &Value, at: &Pointer<'_>, findings: &mut Findings) {
    let mut inner = Findings::default();
    judge(geometry, &Pointer::ROOT, &mut inner);
    for finding in inner.finish() {
        findings.push(finding.at(at.to_string()));
    }
}

pub(super) fn judge(geometry: &Value, at: &Pointer<'_>, findings: &mut Findings) {
    let mut tell = |severity: Severity, at: String, message: String| {
        findings.push(Finding::new("geometry", severity, message).at(at).clause("RFC 7946 section 3.1, ETSI GS CIM 009 clause 4.7"));
    };
    // The marker by which a patch takes a value away.
    if geometry.as_str() == Some("urn:ngsi-ld:null") {
        return;
    }
    let name = geometry.get("type").and_then(Value::as_str);
    let Some((name, depth)) = TYPES.iter().find(|(known, _)| Some(*known) == name) else {
        tell(Severity::Error, at.to_string(), format!("it is not a GeoJSON geometry but {}", what(geometry)));
        return;
    };
    let coordinates_at = at.name("coordinates");
    let Some(coordinates) = geometry.get("coordinates") else {
        tell(Severity::Error, at.to_string(), format!("a {name} must have `coordinates`"));
        return;
    };
    let mut positions = Vec::new();
    if let Err(why) = collect(coordinates, *depth, &mut positions) {
        tell(Severity::Error, coordinates_at.to_string(), format!("the coordinates of a {name} are not sound: {why}"));
        return;
    }
    if positions.iter().any(|(longitude, latitude)| longitude.abs() > 180.0 || latitude.abs() > 90.0) {
        tell(Severity::Error, coordinates_at.to_string(), "a position is no place on earth; longitude stands before latitude".into());
    }
    let lines: Vec<&Value> = match *name {
        "LineString" => vec![coordinates],
        "MultiLineString" => coordinates.as_array().into_iter().flatten().collect(),
        _ => Vec::new(),
    };
    if lines.iter().any(|line| line.as_array().is_none_or(|positions| positions.len() < 2)) {
        tell(Severity::Error, coordinates_at.to_string(), "a line has at least two positions".into());
    }
    let rings: Vec<&Value> = match *name {
        "Polygon" => coordinates.as_array().into_iter().flatten().collect(),
        "MultiPolygon" => coordinates.as_array().into_iter().flatten().filter_map(Value::as_array).flatten().collect(),
        _ => Vec::new(),
    };
    let closed = |ring: &&Value| ring.as_array().is_some_and(|ring| ring.len() >= 4 && ring.first() == ring.last());
    if !rings.iter().all(closed) {
        tell(Severity::Error, coordinates_at.to_string(), "a ring has at least four positions and ends where it began".into());
    }
}

fn collect(value: &Value, depth: usize, positions: &mut Vec<(f64, f64)>) -> Result<(), &'static str> {
    let Value::Array(items) = value else { return Err("an array is missing") };
    if depth > 0 {
        return items.iter().try_for_each(|item| collect(item, depth - 1, positions));
    }
    let numbers: Option<Vec<f64>> = items.iter().map(Value::as_f64).collect();
    match numbers.as_deref() {
        Some([longitude, latitude]) | Some([longitude, latitude, _]) => {
            positions.push((*longitude, *latitude));
            Ok(())
        }
        _ => Err("a position is two or three numbers"),
    }
}
