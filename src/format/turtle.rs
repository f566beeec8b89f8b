//! RDF in Turtle: its syntax, its literals, and whether its words are ones that their vocabulary has.
//!
//! The syntax is read by a library that keeps to the W3C grammar. Shapes (SHACL) are not judged; see
//! `docs/dependencies.md` for why. What a vocabulary defines is known where somebody supplied it, as JSON
//! (JSON-LD) under the address that its words begin with: then a word that it does not have is an error,
//! because such a word means nothing to anybody. A SAREF word without its ontology at hand is a warning.

use std::collections::{BTreeMap, BTreeSet};

use oxrdf::Term;
use oxttl::TurtleParser;
use serde_json::Value;

use super::date_time;
use super::findings::Findings;
use crate::document::Position;
use crate::verdict::{Finding, Severity, Untrusted};

const XSD: &str = "http://www.w3.org/2001/XMLSchema#";
const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// Where the words of SAREF and its extensions begin, SAREF4EHAW (ETSI TS 103 410-8) among them.
const SAREF: &str = "https://saref.etsi.org/";

/// Statements beyond this are not read; a limit of ours.
const MAX_STATEMENTS: usize = 5_000_000;

/// Judges a Turtle document with the vocabularies at hand, by the address that their words begin with.
pub(super) fn judge(bytes: &[u8], vocabularies: &BTreeMap<String, Value>) -> Vec<Finding> {
    let mut findings = Findings::default();
    let known: BTreeMap<&str, BTreeSet<&str>> = vocabularies
        .iter()
        .map(|(address, vocabulary)| {
            let mut words = BTreeSet::new();
            collect(vocabulary, address, &mut words);
            (address.as_str(), words)
        })
        .collect();
    let mut told: BTreeSet<String> = BTreeSet::new();
    let mut statements = 0usize;
    for triple in TurtleParser::new().for_slice(bytes) {
        let triple = match triple {
            Ok(triple) => triple,
            Err(error) => {
                let at = error.location().start;
                let place = |number: u64| u32::try_from(number.saturating_add(1)).unwrap_or(u32::MAX);
                let finding = Finding::error("syntax", format!("the text is not Turtle: {}", Untrusted::new(error.message())));
                findings.push(
                    finding
                        .position(Some(Position { line: place(at.line), column: place(at.column) }))
                        .clause("RDF 1.1 Turtle section 6.5"),
                );
                // After a fault the parser goes on where it can; one fault may be told as several.
                if !findings.wants(Severity::Error) {
                    break;
                }
                continue;
            }
        };
        statements += 1;
        if statements > MAX_STATEMENTS {
            findings.push(Finding::open("size", format!("more than {MAX_STATEMENTS} statements, which this program does not read")));
            break;
        }
        let subject = triple.subject.to_string();
        let predicate = triple.predicate.as_str();
        word(predicate, &subject, &known, &mut told, &mut findings);
        match &triple.object {
            Term::NamedNode(object) if predicate == RDF_TYPE => word(object.as_str(), &subject, &known, &mut told, &mut findings),
            Term::Literal(literal) => {
                if let Some(why) = literal.datatype().as_str().strip_prefix(XSD).and_then(|kind| wrong(kind, literal.value())) {
                    let finding = Finding::error("literal", format!("the literal is not of its datatype: {why}"))
                        .at(format!("{subject} <{predicate}>"));
                    findings.push(
                        finding
                            .expected(format!("xsd:{}", literal.datatype().as_str().trim_start_matches(XSD)))
                            .observed(literal.value())
                            .clause("RDF 1.1 Concepts section 5"),
                    );
                }
            }
            Term::NamedNode(_) | Term::BlankNode(_) => {}
        }
    }
    if statements == 0 && findings.wants(Severity::Error) {
        findings.push(Finding::warning("empty", "the document states nothing").clause("RDF 1.1 Turtle"));
    }
    findings.finish()
}

/// Every text of a vocabulary's document that is one of its words.
fn collect<'v>(value: &'v Value, address: &str, words: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) if text.starts_with(address) => {
            words.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, address, words)),
        Value::Object(members) => {
            for (name, value) in members {
                if name.starts_with(address) {
                    words.insert(name);
                }
                collect(value, address, words);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A word in the place of a property or a class.
fn word(iri: &str, at: &str, known: &BTreeMap<&str, BTreeSet<&str>>, told: &mut BTreeSet<String>, findings: &mut Findings) {
    match known.iter().filter(|(address, _)| iri.starts_with(**address)).max_by_key(|(address, _)| address.len()) {
        Some((address, words)) if !words.contains(iri) && told.insert(iri.to_owned()) => {
            let finding = Finding::error("word-unknown", "the vocabulary does not have this word").at(at);
            findings.push(
                finding.expected(format!("a word of {}", Untrusted::new(address))).observed(iri).clause("RDF 1.1 Concepts section 1.4"),
            );
        }
        Some(_) => {}
        None if iri.starts_with(SAREF) => {
            // The words of one ontology end with its name and a slash.
            let end = iri.get(SAREF.len()..).and_then(|rest| rest.find('/')).map_or(iri.len(), |end| SAREF.len() + end + 1);
            let ontology = iri.get(..end).unwrap_or(iri).to_owned();
            if told.insert(ontology.clone()) {
                let finding = Finding::warning("vocabulary-missing", "the ontology is not at hand, so its words were not looked up").at(at);
                findings.push(finding.expected("the ontology as JSON-LD, supplied under its address").observed(&ontology));
            }
        }
        None => {}
    }
}

/// What is wrong with a literal, as far as readers are known to stumble over it.
fn wrong(kind: &str, text: &str) -> Option<&'static str> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    match kind {
        "dateTime" | "dateTimeStamp" => match date_time::date_time(text) {
            Ok(_) => None,
            // A dateTime may be without offset; a stamp may not.
            Err(_) if kind == "dateTime" && date_time::date_time(&format!("{text}Z")).is_ok() => None,
            Err(why) => Some(why),
        },
        "date" => date_time::date(text.trim_end_matches('Z')).err(),
        "boolean" => (!matches!(text, "true" | "false" | "0" | "1")).then_some("neither true nor false"),
        "integer" | "int" | "long" | "short" => (!digits(&unsigned(text))).then_some("not a whole number"),
        "nonNegativeInteger" | "unsignedInt" | "unsignedLong" => {
            (!digits(text.strip_prefix('+').unwrap_or(text))).then_some("not a whole number from 0")
        }
        "decimal" => {
            let body = unsigned(text);
            let (whole, fraction) = body.split_once('.').unwrap_or((&body, "0"));
            let sound = (whole.is_empty() || digits(whole))
                && (fraction.is_empty() || digits(fraction))
                && !(whole.is_empty() && fraction.is_empty());
            (!sound).then_some("not a decimal number")
        }
        "double" | "float" => {
            let sound = matches!(text, "INF" | "-INF" | "NaN")
                || text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && text.parse::<f64>().is_ok();
            (!sound).then_some("not a number")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BED: &str = "@prefix s4ehaw: <https://saref.etsi.org/saref4ehaw/> .\n@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n@prefix ex: <https://vendor.example/> .\n\
        ex:bed a s4ehaw:HealthDevice ;\n  ex:since \"2026-11-22T10:00:00Z\"^^xsd:dateTime ;\n  ex:beds 4 ;\n  ex:warm true ;\n  ex:label \"Bett\"@de .\n";

    fn vocabularies() -> BTreeMap<String, Value> {
        let ontology = json!({"@graph": [{"@id": "https://saref.etsi.org/saref4ehaw/HealthDevice", "@type": "owl:Class"}]});
        BTreeMap::from([("https://saref.etsi.org/saref4ehaw/".to_owned(), ontology)])
    }

    #[test]
    fn sound_statements_are_silent_and_an_ontology_that_is_not_at_hand_is_told() {
        assert_eq!(judge(BED.as_bytes(), &vocabularies()), []);
        let told = judge(BED.as_bytes(), &BTreeMap::new());
        assert_eq!(told.iter().map(|f| (f.severity, f.rule.as_str())).collect::<Vec<_>>(), [(Severity::Warning, "vocabulary-missing")]);
    }

    #[test]
    fn each_fault_has_its_rule() {
        for (from, to, rule, line) in [
            ("ex:beds 4 ;", "ex:beds 4", "syntax", Some(7)),
            ("s4ehaw:HealthDevice", "s4ehaw:HealthDevise", "word-unknown", None),
            ("2026-11-22T10:00:00Z", "2026-11-32T10:00:00Z", "literal", None),
            ("ex:beds 4 ;", "ex:beds \"four\"^^xsd:integer ;", "literal", None),
            ("ex:warm true ;", "ex:warm \"yes\"^^xsd:boolean ;", "literal", None),
            ("\"Bett\"@de", "\"Bett\"@d_e", "syntax", Some(8)),
            ("@prefix ex: <https://vendor.example/> .\n", "", "syntax", Some(3)),
        ] {
            let found = judge(BED.replace(from, to).as_bytes(), &vocabularies());
            let first = found.iter().find(|f| f.severity == Severity::Error).unwrap();
            assert_eq!(first.rule, rule, "{from}: {found:#?}");
            if line.is_some() {
                assert_eq!(first.position.map(|p| p.line), line, "{from}: {found:#?}");
            }
        }
        assert_eq!(judge(b"", &BTreeMap::new())[0].rule, "empty");
        assert_eq!(judge(b"<urn:a> <urn:b> \xff .", &BTreeMap::new())[0].rule, "syntax");
    }
}
