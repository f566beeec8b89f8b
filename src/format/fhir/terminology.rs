//! Codes that can be judged without a terminology server.
//!
//! A value set is expanded from the code systems of the packages; some systems are grammars and are
//! judged by rule (UCUM, BCP 47, media types, ISO 4217). What is neither, SNOMED CT and LOINC above
//! all, is unknown here, and unknown is neither a member nor not one.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::definitions::Definitions;

/// Deepest chain of value sets that import one another.
const MAX_IMPORTS: usize = 12;

/// Whether a code is in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Yes,
    No,
    /// The code system or value set is not at hand.
    Unknown,
}

/// A code system's concepts.
#[derive(Debug)]
pub(super) struct CodeSystem {
    /// Whether a code that is not listed does not exist.
    pub(super) complete: bool,
    ignore_case: bool,
    concepts: Vec<Concept>,
    by_code: HashMap<Box<str>, u32>,
}

#[derive(Debug, Default)]
struct Concept {
    code: Box<str>,
    display: Option<Box<str>>,
    parents: Vec<u32>,
    properties: Vec<(Box<str>, Box<str>)>,
}

impl CodeSystem {
    pub(super) fn read(json: &Map<String, Value>) -> Self {
        let mut this = Self {
            complete: json.get("content").and_then(Value::as_str) == Some("complete"),
            ignore_case: json.get("caseSensitive") == Some(&Value::Bool(false)),
            concepts: Vec::new(),
            by_code: HashMap::new(),
        };
        if let Some(concepts) = json.get("concept") {
            this.take(concepts, None);
        }
        let named: Vec<(u32, Vec<Box<str>>)> = this
            .concepts
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let above = c.properties.iter().filter(|(k, _)| matches!(&**k, "parent" | "subsumedBy" | "partOf"));
                (u32::try_from(i).unwrap_or(0), above.map(|(_, v)| v.clone()).collect())
            })
            .collect();
        for (index, above) in named {
            for code in above {
                let parent = this.by_code.get(&code).copied();
                if let (Some(parent), Some(concept)) = (parent, this.concepts.get_mut(index as usize)) {
                    concept.parents.push(parent);
                }
            }
        }
        if this.concepts.is_empty() {
            this.complete = false;
        }
        this
    }

    fn take(&mut self, concepts: &Value, parent: Option<u32>) {
        for json in concepts.as_array().into_iter().flatten() {
            let Some(code) = json.get("code").and_then(Value::as_str) else { continue };
            let index = u32::try_from(self.concepts.len()).unwrap_or(0);
            let properties = json.get("property").and_then(Value::as_array).into_iter().flatten();
            self.concepts.push(Concept {
                code: code.into(),
                display: json.get("display").and_then(Value::as_str).map(Into::into),
                parents: parent.into_iter().collect(),
                properties: properties
                    .filter_map(|p| {
                        let value = p.get(1)?;
                        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        Some((p.get(0)?.as_str()?.into(), value.into()))
                    })
                    .collect(),
            });
            let key = if self.ignore_case { code.to_ascii_lowercase() } else { code.to_owned() };
            self.by_code.entry(key.into()).or_insert(index);
            if let Some(inner) = json.get("concept") {
                self.take(inner, Some(index));
            }
        }
    }

    fn find(&self, code: &str) -> Option<u32> {
        if self.ignore_case { self.by_code.get(&*code.to_ascii_lowercase()).copied() } else { self.by_code.get(code).copied() }
    }

    /// Whether the code exists.
    pub(super) fn has(&self, code: &str) -> Member {
        match self.find(code) {
            Some(_) => Member::Yes,
            None if self.complete => Member::No,
            None => Member::Unknown,
        }
    }

    /// The name that the code system gives to a code.
    pub(super) fn display(&self, code: &str) -> Option<&str> {
        self.concepts.get(self.find(code)? as usize)?.display.as_deref()
    }

    fn below(&self, mut at: u32, root: u32) -> bool {
        for _ in 0..64 {
            if at == root {
                return true;
            }
            let Some(concept) = self.concepts.get(at as usize) else { return false };
            match concept.parents.as_slice() {
                [] => return false,
                [only] => at = *only,
                several => return several.iter().any(|p| self.below(*p, root)),
            }
        }
        false
    }

    /// Whether a concept passes a filter; `None` when the filter is not one that can be judged here.
    fn passes(&self, index: u32, filter: &Filter) -> Option<bool> {
        let concept = self.concepts.get(index as usize)?;
        let hierarchy = matches!(&*filter.property, "concept" | "code" | "parent");
        match &*filter.operator {
            "is-a" if hierarchy => Some(self.below(index, self.find(&filter.value)?)),
            "descendent-of" if hierarchy => {
                let root = self.find(&filter.value)?;
                Some(index != root && self.below(index, root))
            }
            "is-not-a" if hierarchy => Some(!self.below(index, self.find(&filter.value)?)),
            "child-of" if hierarchy => Some(concept.parents.contains(&self.find(&filter.value)?)),
            "=" if matches!(&*filter.property, "concept" | "code") => Some(concept.code == filter.value),
            "=" if &*filter.property == "parent" => Some(concept.parents.contains(&self.find(&filter.value)?)),
            "=" => Some(concept.properties.iter().any(|(k, v)| *k == filter.property && *v == filter.value)),
            "in" | "not-in" => {
                let among: Vec<&str> = filter.value.split(',').map(str::trim).collect();
                let found = match &*filter.property {
                    "concept" | "code" => among.contains(&&*concept.code),
                    property => concept.properties.iter().any(|(k, v)| &**k == property && among.contains(&&**v)),
                };
                Some(found == (&*filter.operator == "in"))
            }
            "exists" => {
                let found = concept.properties.iter().any(|(k, _)| *k == filter.property);
                Some(found == (&*filter.value == "true"))
            }
            "regex" => {
                let pattern = Regex::new(&format!("^(?:{})$", filter.value)).ok()?;
                Some(match &*filter.property {
                    "concept" | "code" => pattern.is_match(&concept.code),
                    property => concept.properties.iter().any(|(k, v)| &**k == property && pattern.is_match(v)),
                })
            }
            _ => None,
        }
    }
}

/// A value set: how it is composed, and its members once somebody asked.
#[derive(Debug)]
pub(super) struct ValueSet {
    include: Vec<Include>,
    exclude: Vec<Include>,
    listed: Vec<(Box<str>, Box<str>)>,
    composed: bool,
    expanded: OnceLock<Expansion>,
}

#[derive(Debug)]
struct Include {
    system: Option<Box<str>>,
    concepts: Option<Vec<Box<str>>>,
    filters: Vec<Filter>,
    sets: Vec<Box<str>>,
}

#[derive(Debug)]
struct Filter {
    property: Box<str>,
    operator: Box<str>,
    value: Box<str>,
}

/// What is known of a value set's members.
#[derive(Debug, Default, Clone)]
pub(super) struct Expansion {
    /// Of each code, the systems it is a member with.
    codes: HashMap<Box<str>, Vec<Box<str>>>,
    /// Systems that are a grammar and belong to it whole.
    whole: HashSet<Box<str>>,
    /// Systems whose members could not be told; the empty name stands for any system.
    unknown: HashSet<Box<str>>,
}

impl Expansion {
    fn put(&mut self, system: &str, code: &str) {
        let systems = self.codes.entry(code.into()).or_default();
        if !systems.iter().any(|s| &**s == system) {
            systems.push(system.into());
        }
    }

    /// Whether the code, of this system or of any, is a member.
    pub(super) fn has(&self, system: Option<&str>, code: &str) -> Member {
        let same = |s: &str| system.is_none_or(|wanted| wanted == s);
        if self.codes.get(code).is_some_and(|systems| systems.iter().any(|s| same(s))) {
            return Member::Yes;
        }
        let mut unknown = false;
        for whole in self.whole.iter().filter(|s| same(s)) {
            match by_grammar(whole, code) {
                Some(true) => return Member::Yes,
                Some(false) => {}
                None => unknown = true,
            }
        }
        if unknown || self.unknown.iter().any(|s| s.is_empty() || same(s)) { Member::Unknown } else { Member::No }
    }

    /// Whether one of its members has this system, as far as is known.
    pub(super) fn has_system(&self, system: &str) -> bool {
        self.whole.contains(system) || self.unknown.contains(system) || self.codes.values().any(|s| s.iter().any(|s| &**s == system))
    }

    /// A few members, to show what was expected.
    pub(super) fn sample(&self) -> String {
        if self.codes.is_empty() {
            return "a code of the value set".to_owned();
        }
        let mut codes: Vec<&str> = self.codes.keys().map(|c| &**c).collect();
        codes.sort_unstable();
        let shown = codes.iter().take(12).copied().collect::<Vec<_>>().join(", ");
        if codes.len() > 12 { format!("one of {shown}, … ({} codes)", codes.len()) } else { format!("one of {shown}") }
    }
}

impl ValueSet {
    pub(super) fn read(json: &Map<String, Value>) -> Self {
        let compose = json.get("compose");
        let list = |key: &str| -> Vec<Include> {
            compose.and_then(|c| c.get(key)).and_then(Value::as_array).into_iter().flatten().map(Include::read).collect()
        };
        let mut listed = Vec::new();
        if compose.is_none() {
            let contains = json.get("expansion").and_then(|e| e.get("contains")).unwrap_or(&Value::Null);
            take_listed(contains, &mut listed);
        }
        Self { include: list("include"), exclude: list("exclude"), listed, composed: compose.is_some(), expanded: OnceLock::new() }
    }

    /// All media types: a set that is a grammar.
    pub(super) fn media_types() -> Self {
        let all = Include { system: Some("urn:ietf:bcp:13".into()), concepts: None, filters: Vec::new(), sets: Vec::new() };
        Self { include: vec![all], exclude: Vec::new(), listed: Vec::new(), composed: true, expanded: OnceLock::new() }
    }

    /// The members, expanded once.
    pub(super) fn expansion(&self, definitions: &Definitions) -> &Expansion {
        self.expanded.get_or_init(|| self.expand(definitions, 0))
    }

    fn expand(&self, definitions: &Definitions, depth: usize) -> Expansion {
        if let Some(done) = self.expanded.get() {
            return done.clone();
        }
        let mut out = Expansion::default();
        if depth > MAX_IMPORTS {
            out.unknown.insert("".into());
            return out;
        }
        for (system, code) in &self.listed {
            out.put(system, code);
        }
        if !self.composed && self.listed.is_empty() {
            out.unknown.insert("".into());
        }
        for include in &self.include {
            let part = include.expand(definitions, depth);
            for (code, systems) in &part.codes {
                for system in systems {
                    out.put(system, code);
                }
            }
            out.whole.extend(part.whole);
            out.unknown.extend(part.unknown);
        }
        for exclude in &self.exclude {
            let part = exclude.expand(definitions, depth);
            for (code, systems) in &part.codes {
                if let Some(kept) = out.codes.get_mut(code) {
                    kept.retain(|s| !systems.contains(s));
                    if kept.is_empty() {
                        out.codes.remove(code);
                    }
                }
            }
            // Something unknown is taken away: what is left of its system is unknown as well.
            for system in part.unknown.into_iter().chain(part.whole) {
                out.codes.retain(|_, systems| {
                    systems.retain(|s| *s != system);
                    !systems.is_empty()
                });
                out.whole.remove(&system);
                out.unknown.insert(system);
            }
            // A grammar with codes taken out of it is no longer whole.
            let taken: HashSet<Box<str>> = part.codes.into_values().flatten().filter(|s| out.whole.contains(s)).collect();
            for system in taken {
                out.whole.remove(&system);
                out.unknown.insert(system);
            }
        }
        out
    }
}

fn take_listed(contains: &Value, out: &mut Vec<(Box<str>, Box<str>)>) {
    for item in contains.as_array().into_iter().flatten() {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        if let Some(code) = text("code").filter(|_| item.get("abstract") != Some(&Value::Bool(true))) {
            out.push((text("system").unwrap_or_default().into(), code.into()));
        }
        if let Some(inner) = item.get("contains") {
            take_listed(inner, out);
        }
    }
}

impl Include {
    fn read(json: &Value) -> Self {
        let concepts = json.get("concept").and_then(Value::as_array);
        let filters = json.get("filter").and_then(Value::as_array).into_iter().flatten();
        let sets = json.get("valueSet").and_then(Value::as_array).into_iter().flatten();
        let text = |json: &Value, key: &str| -> Option<Box<str>> { Some(json.get(key)?.as_str()?.into()) };
        Self {
            system: text(json, "system"),
            concepts: concepts.map(|list| list.iter().filter_map(|c| text(c, "code")).collect()),
            filters: filters
                .filter_map(|f| Some(Filter { property: text(f, "property")?, operator: text(f, "op")?, value: text(f, "value")? }))
                .collect(),
            sets: sets.filter_map(Value::as_str).map(Into::into).collect(),
        }
    }

    fn expand(&self, definitions: &Definitions, depth: usize) -> Expansion {
        let mut out = Expansion::default();
        if let Some(system) = &self.system {
            match (&self.concepts, definitions.code_system(system)) {
                (Some(concepts), _) => concepts.iter().for_each(|code| out.put(system, code)),
                (None, _) if is_grammar(system) && self.filters.is_empty() => {
                    out.whole.insert(system.clone());
                }
                (None, Some(known)) if !known.concepts.is_empty() && !is_grammar(system) => {
                    let mut sure = known.complete;
                    for (index, concept) in known.concepts.iter().enumerate() {
                        let index = u32::try_from(index).unwrap_or(0);
                        let passes =
                            self.filters.iter().map(|f| known.passes(index, f)).try_fold(true, |all, one| one.map(|one| all && one));
                        match passes {
                            Some(true) => out.put(system, &concept.code),
                            Some(false) => {}
                            None => sure = false,
                        }
                    }
                    if !sure {
                        out.unknown.insert(system.clone());
                    }
                }
                (None, _) => {
                    out.unknown.insert(system.clone());
                }
            }
        }
        // Several value sets, and a system beside them, mean what they have in common.
        for (n, url) in self.sets.iter().enumerate() {
            let set = match definitions.value_set(url) {
                Some((set, _)) => set.expand(definitions, depth + 1),
                None => {
                    let mut unknown = Expansion::default();
                    unknown.unknown.insert("".into());
                    unknown
                }
            };
            out = if n == 0 && self.system.is_none() { set } else { in_common(&out, &set) };
        }
        out
    }
}

fn in_common(a: &Expansion, b: &Expansion) -> Expansion {
    let mut out = Expansion::default();
    for (one, other) in [(a, b), (b, a)] {
        for (code, systems) in &one.codes {
            for system in systems {
                match other.has(Some(system), code) {
                    Member::Yes => out.put(system, code),
                    Member::No => {}
                    Member::Unknown => {
                        out.unknown.insert(system.clone());
                    }
                }
            }
        }
        out.unknown.extend(
            one.unknown.iter().filter(|s| other.unknown.contains(*s) || other.unknown.contains("") || other.has_system(s)).cloned(),
        );
        out.whole.extend(one.whole.iter().filter(|s| other.whole.contains(*s)).cloned());
    }
    out
}

/// Code systems that are a grammar, or a short list that this engine carries.
pub(super) fn is_grammar(system: &str) -> bool {
    matches!(system, "http://unitsofmeasure.org" | "urn:ietf:bcp:47" | "urn:ietf:bcp:13" | "urn:iso:std:iso:4217" | "urn:ietf:rfc:3986")
}

/// Whether a code belongs to a system that is a grammar; `None` when the system is not one.
pub(super) fn by_grammar(system: &str, code: &str) -> Option<bool> {
    match system {
        "http://unitsofmeasure.org" => Some(is_ucum(code)),
        "urn:ietf:bcp:47" => Some(oxilangtag::LanguageTag::parse(code).is_ok()),
        "urn:ietf:bcp:13" => Some(is_media_type(code)),
        "urn:iso:std:iso:4217" => Some(CURRENCIES.binary_search(&code).is_ok()),
        "urn:ietf:rfc:3986" => Some(!code.is_empty() && !code.bytes().any(|b| b.is_ascii_whitespace())),
        _ => None,
    }
}

/// Whether a unit is written in UCUM's case-sensitive form.
pub(super) fn is_ucum(code: &str) -> bool {
    code.len() <= 256 && octofhir_ucum::validate(code).is_ok()
}

/// RFC 6838 section 4.2, with parameters; RFC 9110 section 5.6.6 for their form.
fn is_media_type(code: &str) -> bool {
    let name = |s: &str| {
        (1..=127).contains(&s.len())
            && s.starts_with(|c: char| c.is_ascii_alphanumeric())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    // The short names that FHIR gives its own formats (http.html#mime-type).
    if matches!(code, "xml" | "json" | "ttl") {
        return true;
    }
    let mut parts = code.split(';');
    let whole = parts.next().and_then(|kind| kind.trim_end().split_once('/')).is_some_and(|(a, b)| name(a) && (name(b) || b == "*"));
    whole && parts.all(|p| p.trim().split_once('=').is_some_and(|(k, v)| !k.is_empty() && !v.is_empty()))
}

/// ISO 4217 alphabetic codes, in order: those in force and those of FHIR R4's list since withdrawn.
static CURRENCIES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BHD", "BIF", "BMD", "BND", "BOB",
    "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CLF", "CLP", "CNY", "COP", "COU", "CRC", "CUC",
    "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF",
    "GTQ", "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR",
    "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP",
    "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK", "PHP",
    "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SLL", "SOS", "SRD",
    "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI",
    "UYU", "UYW", "UZS", "VED", "VEF", "VES", "VND", "VUV", "WST", "XAF", "XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XCD", "XCG", "XDR",
    "XOF", "XPD", "XPF", "XPT", "XSU", "XTS", "XUA", "XXX", "YER", "ZAR", "ZMW", "ZWL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grammars_know_their_codes() {
        assert!(CURRENCIES.is_sorted());
        for (system, code, good) in [
            ("http://unitsofmeasure.org", "mm[Hg]", true),
            ("http://unitsofmeasure.org", "mmHg", false),
            ("http://unitsofmeasure.org", "/min", true),
            ("urn:ietf:bcp:47", "de-AT", true),
            ("urn:ietf:bcp:47", "german language", false),
            ("urn:ietf:bcp:13", "text/plain; charset=utf-8", true),
            ("urn:ietf:bcp:13", "text", false),
            ("urn:iso:std:iso:4217", "EUR", true),
            ("urn:iso:std:iso:4217", "Euro", false),
        ] {
            assert_eq!(by_grammar(system, code), Some(good), "{code}");
        }
        assert_eq!(by_grammar("http://snomed.info/sct", "1"), None);
    }
}
