//! Observations of personal health devices: what they measured, in which unit, with what, and when.
//!
//! HL7 Personal Health Device guide and IEEE 11073-10101 (numbers of the nomenclature are facts);
//! units by UCUM. The resource itself is the validator's matter.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::coded::UCUM;
use super::temporal::{Precision, Temporal};
use super::terminology::is_ucum;
use crate::verdict::Finding;

/// The IEEE nomenclature as FHIR writes it.
pub const MDC: &str = "urn:iso:std:iso:11073:10101";
/// LOINC as FHIR writes it.
pub const LOINC: &str = "http://loinc.org";
/// Where the rules stand.
const CLAUSE: &str = "http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation";

/// What is demanded of each observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceDemands {
    /// Code systems, one of which the code must be of.
    pub code_systems: Vec<String>,
    /// Whether the device must be referred to.
    pub device: bool,
    /// Whether the person must be referred to.
    pub subject: bool,
    /// Whether the time of measuring must be a moment with an offset, not only a day.
    pub moment: bool,
}

impl Default for DeviceDemands {
    fn default() -> Self {
        Self { code_systems: vec![MDC.to_owned(), LOINC.to_owned()], device: true, subject: true, moment: true }
    }
}

/// Units that measurements may have, by code: any that is of the same kind as one of these.
fn units(system: &str, code: &str) -> Option<&'static [&'static str]> {
    Some(match (system, code) {
        (MDC, "150020" | "150021" | "150022" | "150023") | (LOINC, "8480-6" | "8462-4" | "8478-0") => &["mm[Hg]"],
        (MDC, "149530" | "149546" | "147842") | (LOINC, "8867-4" | "9279-1") => &["/min"],
        (MDC, "150456") | (LOINC, "2708-6" | "59408-5") => &["%"],
        (MDC, "150364") | (LOINC, "8310-5" | "8331-1") => &["Cel"],
        (MDC, "188736") | (LOINC, "29463-7" | "3141-9") => &["kg"],
        (MDC, "188740") | (LOINC, "8302-2" | "9843-4") => &["cm"],
        (MDC, "188752") | (LOINC, "39156-5") => &["kg/m2"],
        (MDC, "160184") | (LOINC, "2339-0" | "41653-7" | "15074-8" | "14743-9") => &["mg/dL", "mmol/L"],
        _ => return None,
    })
}

/// Judges one Observation of a device.
pub fn judge(observation: &Value, demands: &DeviceDemands) -> Vec<Finding> {
    let mut out = Vec::new();
    if observation.get("resourceType").and_then(Value::as_str) != Some("Observation") {
        out.push(Finding::error("device-observation", "This is no Observation").at("$").expected("Observation").clause(CLAUSE));
        return out;
    }
    let error = |rule: &str, message: &str, path: &str, expected: &str| {
        Finding::error(rule, message).at(format!("Observation.{path}")).expected(expected).clause(CLAUSE)
    };
    code(observation, "code", demands, &mut out);
    measured(observation, "", &mut out);
    for (n, component) in observation.get("component").and_then(Value::as_array).into_iter().flatten().enumerate() {
        code(component, &format!("component[{n}].code"), demands, &mut out);
        measured(component, &format!("component[{n}]."), &mut out);
    }
    let points = |key: &str| observation.get(key).is_some_and(|r| r.get("reference").is_some() || r.get("identifier").is_some());
    if demands.device && !points("device") {
        out.push(error("device-reference", "The observation does not say which device measured", "device", "a reference or identifier"));
    }
    if demands.subject && !points("subject") {
        out.push(error("device-subject", "The observation does not say whom it is about", "subject", "a reference or identifier"));
    }
    if demands.moment {
        let time = observation.get("effectiveDateTime").or(observation.get("effectiveInstant")).and_then(Value::as_str);
        let time = time.or_else(|| observation.get("effectivePeriod")?.get("start")?.as_str());
        match time {
            None => {
                out.push(error("device-time", "The observation does not say when it was measured", "effective", "date, time and offset"))
            }
            Some(text) => {
                let whole = Temporal::date_time(text).is_some_and(|t| t.precision >= Precision::Second && t.offset.is_some());
                if !whole {
                    out.push(
                        error("device-time", "The time of measuring is no moment", "effective", "date, time and offset").observed(text),
                    );
                }
            }
        }
    }
    out
}

fn codings(holder: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = holder.get("code").and_then(|c| c.get("coding")).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|c| Some((c.get("system")?.as_str()?, c.get("code")?.as_str()?)))
}

fn code(holder: &Value, path: &str, demands: &DeviceDemands, out: &mut Vec<Finding>) {
    if !demands.code_systems.is_empty() && !codings(holder).any(|(system, _)| demands.code_systems.iter().any(|d| d == system)) {
        let got: Vec<&str> = codings(holder).map(|(system, _)| system).collect();
        out.push(
            Finding::error("device-code", "What was measured has no code of a known nomenclature")
                .at(format!("Observation.{path}"))
                .expected(demands.code_systems.join(" or "))
                .observed(&got.join(", "))
                .clause(CLAUSE),
        );
    }
}

fn measured(holder: &Value, path: &str, out: &mut Vec<Finding>) {
    let Some(quantity) = holder.get("valueQuantity") else { return };
    let path = format!("Observation.{path}valueQuantity");
    let text = |key: &str| quantity.get(key).and_then(Value::as_str);
    let (system, unit) = (text("system"), text("code"));
    let (Some(UCUM), Some(unit)) = (system, unit) else {
        out.push(
            Finding::error("device-unit", "The unit of a measurement is a UCUM code")
                .at(path)
                .expected(format!("system {UCUM} and a code"))
                .observed(&format!("{} {}", system.unwrap_or("no system"), unit.unwrap_or("no code")))
                .clause(CLAUSE),
        );
        return;
    };
    if !is_ucum(unit) {
        out.push(
            Finding::error("device-unit", "The unit is not a UCUM code")
                .at(path)
                .expected("a case-sensitive UCUM code")
                .observed(unit)
                .clause("http://unitsofmeasure.org"),
        );
        return;
    }
    for (system, code) in codings(holder) {
        if let Some(wanted) = units(system, code)
            && !wanted.iter().any(|w| octofhir_ucum::is_comparable(unit, w).unwrap_or(false))
        {
            out.push(
                Finding::error("device-unit-kind", format!("{code} is not measured in this kind of unit"))
                    .at(path)
                    .expected(format!("a unit like {}", wanted.join(" or ")))
                    .observed(unit)
                    .clause(CLAUSE),
            );
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_rule_is_broken_alone() {
        let sound = json!({
            "resourceType": "Observation", "status": "final",
            "code": {"coding": [{"system": MDC, "code": "150456"}, {"system": LOINC, "code": "59408-5"}]},
            "subject": {"reference": "Patient/1"}, "device": {"reference": "Device/1"}, "effectiveDateTime": "2024-05-01T10:00:00+02:00",
            "valueQuantity": {"value": 97, "unit": "%", "system": UCUM, "code": "%"}
        });
        let demands = DeviceDemands::default();
        assert!(judge(&sound, &demands).is_empty());
        for (pointer, value, rule) in [
            ("/code/coding", json!([{"system": "http://acme.org", "code": "1"}]), "device-code"),
            ("/subject", json!({"display": "somebody"}), "device-subject"),
            ("/device", json!({}), "device-reference"),
            ("/effectiveDateTime", json!("2024-05-01"), "device-time"),
            ("/valueQuantity/code", json!("percent"), "device-unit"),
            ("/valueQuantity/system", json!("http://acme.org"), "device-unit"),
            ("/valueQuantity/code", json!("kg"), "device-unit-kind"),
        ] {
            let mut broken = sound.clone();
            *broken.pointer_mut(pointer).unwrap() = value;
            let rules: Vec<String> = judge(&broken, &demands).into_iter().map(|f| f.rule).collect();
            assert_eq!(rules, [rule]);
        }
        let lenient = DeviceDemands { device: false, ..DeviceDemands::default() };
        let mut without = sound.clone();
        without.as_object_mut().unwrap().remove("device");
        assert!(judge(&without, &lenient).is_empty());
    }
}
