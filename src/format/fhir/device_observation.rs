//! Observations of personal health devices: what they measured, in which unit, with what, and when.
//!
//! HL7 Personal Health Device guide and IEEE 11073-10101 (numbers of the nomenclature are facts);
//! units by UCUM. The resource itself is the validator's matter.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::coded::UCUM;
use super::temporal::{Precision, Temporal};
use super::terminology::is_ucum;
use super::validator::pointer_of;
use crate::document::Source;
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
///
/// MDC numbers are partition times 65536 plus the number within it: partition 2 for what is measured
/// (IEEE 11073-10101, annex A), 129 for fitness and 130 for living independently (IEEE 11073-10441 and
/// -10471). Kinds of units are those of the devices' standards: -10407 blood pressure, -10404 oximeter,
/// -10408 thermometer, -10415 scale, -10417 glucose meter. Of LOINC it is the property of the term: `MCnc`
/// is mass per volume, `SCnc` substance per volume, `NRat` number per time (loinc.org, part PROPERTY).
fn units(system: &str, code: &str) -> Option<&'static [&'static str]> {
    Some(match (system, code) {
        (MDC, "150016" | "150017" | "150018" | "150019" | "150020" | "150021" | "150022" | "150023")
        | (LOINC, "8480-6" | "8462-4" | "8478-0") => &["mm[Hg]"],
        (MDC, "149530" | "149546" | "147842") | (LOINC, "8867-4" | "40443-4" | "9279-1") => &["/min"],
        (MDC, "150456" | "188748") | (LOINC, "2708-6" | "59408-5" | "20564-1" | "41982-0") => &["%"],
        (MDC, "150364") | (LOINC, "8310-5" | "8331-1" | "8332-9" | "8333-7") => &["Cel"],
        (MDC, "188736") | (LOINC, "29463-7" | "3141-9") => &["kg"],
        (MDC, "188740") | (LOINC, "8302-2" | "8308-9" | "9843-4") => &["cm"],
        (MDC, "188752") | (LOINC, "39156-5") => &["kg/m2"],
        // Whole blood or plasma, from capillary, vein or artery; control solution; between the cells.
        (MDC, "160184" | "160188" | "160192" | "160196" | "160200" | "160204" | "160208" | "160212") => &["mg/dL", "mmol/L"],
        (LOINC, "2339-0" | "2345-7" | "41653-7") => &["mg/dL"],
        (LOINC, "15074-8" | "14743-9") => &["mmol/L"],
        // Distance and energy of an activity, steps, and how long sleep lasted.
        (MDC, "8454247") => &["m"],
        (MDC, "8454263") | (LOINC, "41981-2") => &["kcal"],
        (LOINC, "55423-8") => &["1"],
        (LOINC, "41950-7") => &["/d", "1"],
        (LOINC, "93832-4") => &["h"],
        _ => return None,
    })
}

/// Whether a code is one of what living independently is watched by: falls, calls for help, motion,
/// enuresis and the like. Such an event is told by a code, not by a quantity.
fn is_event(system: &str, code: &str) -> bool {
    const PARTITION: u32 = 130 << 16;
    system == MDC && code.parse::<u32>().is_ok_and(|n| (PARTITION + 1..=PARTITION + 14).contains(&n))
}

/// Whether an Observation says itself that a personal device measured it: it has a code of the IEEE
/// nomenclature, or refers to a device, or names a profile of the PHD guide.
pub fn is_of_device(observation: &Value) -> bool {
    let profiles = observation.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten();
    observation.get("resourceType").and_then(Value::as_str) == Some("Observation")
        && (observation.get("device").is_some()
            || codings(observation).any(|(system, _)| system == MDC)
            || profiles.filter_map(Value::as_str).any(|p| p.starts_with("http://hl7.org/fhir/uv/phd/")))
}

/// Judges a document: an Observation, or the Observations of a Bundle. What does not say that a device
/// measured it need not name a device nor the moment.
pub fn judge_source(source: &Source) -> Vec<Finding> {
    let value = source.value();
    let mut findings = if value.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
        let entries = value.get("entry").and_then(Value::as_array).into_iter().flatten().enumerate();
        let resources = entries.filter_map(|(n, entry)| Some((n, entry.get("resource")?)));
        let observations = resources.filter(|(_, r)| r.get("resourceType").and_then(Value::as_str) == Some("Observation"));
        let within = |n: usize, f: Finding| {
            let below = f.path.strip_prefix("Observation").unwrap_or_default();
            Finding { path: format!("Bundle.entry[{n}].resource{below}"), ..f }
        };
        observations.flat_map(|(n, o)| judge_alone(o).into_iter().map(move |f| within(n, f))).collect()
    } else {
        judge_alone(value)
    };
    let pointers: Vec<String> = findings.iter().map(|f| pointer_of(&f.path)).collect();
    for (finding, position) in findings.iter_mut().zip(source.positions(pointers.iter().map(String::as_str))) {
        finding.position = position;
    }
    findings
}

fn judge_alone(observation: &Value) -> Vec<Finding> {
    let of_device = is_of_device(observation);
    judge(observation, &DeviceDemands { device: of_device, subject: of_device, moment: of_device, ..DeviceDemands::default() })
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
    let events = codings(holder).filter(|(system, code)| is_event(system, code)).count();
    let Some(quantity) = holder.get("valueQuantity") else {
        let told = ["valueCodeableConcept", "valueBoolean", "valueInteger", "dataAbsentReason", "component"];
        if events > 0 && !told.iter().any(|key| holder.get(*key).is_some()) {
            out.push(
                Finding::error("device-event", "The event is named, and what happened is not told")
                    .at(format!("Observation.{path}value[x]"))
                    .expected("a coded value, or a dataAbsentReason")
                    .clause("IEEE 11073-10471"),
            );
        }
        return;
    };
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
        // Glucose by mass is not told by substance, and a step is a number.
        for (code, unit, fits) in [
            ("2339-0", "mg/dL", true),
            ("2339-0", "g/L", true),
            ("2339-0", "mmol/L", false),
            ("15074-8", "mmol/L", true),
            ("15074-8", "mg/dL", false),
            ("55423-8", "{steps}", true),
            ("55423-8", "km", false),
            ("41950-7", "/d", true),
            ("41950-7", "1/(24.h)", true),
            ("8867-4", "/s", true),
            ("8867-4", "kg", false),
            ("8310-5", "[degF]", true),
            ("29463-7", "[lb_av]", true),
            ("93832-4", "min", true),
            ("41981-2", "kJ", true),
        ] {
            let mut measured = sound_with(&sound, code, unit);
            assert_eq!(judge(&measured, &demands).is_empty(), fits, "{code} {unit}");
            measured.as_object_mut().unwrap().remove("device");
            measured["effectiveDateTime"] = json!("2024-05-01");
            assert_eq!(judge_alone(&measured).is_empty(), fits, "{code} {unit} by nobody's device");
        }
        let lenient = DeviceDemands { device: false, ..DeviceDemands::default() };
        let mut without = sound.clone();
        without.as_object_mut().unwrap().remove("device");
        assert!(judge(&without, &lenient).is_empty());
    }

    fn sound_with(sound: &Value, code: &str, unit: &str) -> Value {
        let mut measured = sound.clone();
        measured["code"]["coding"] = json!([{"system": LOINC, "code": code}]);
        measured["valueQuantity"]["code"] = json!(unit);
        measured
    }

    #[test]
    fn falls_are_events_and_tell_what_happened() {
        let mut fall = json!({
            "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": MDC, "code": "8519681"}]},
            "subject": {"reference": "Patient/1"}, "device": {"reference": "Device/1"}, "effectiveDateTime": "2024-05-01T10:00:00Z",
            "valueCodeableConcept": {"text": "fall detected"}
        });
        assert!(judge_alone(&fall).is_empty());
        fall.as_object_mut().unwrap().remove("valueCodeableConcept");
        assert_eq!(judge_alone(&fall)[0].rule, "device-event");
    }
}
