//! Open Referral's Human Services Data Specification (HSDS) 3.0: what a directory of services publishes.
//!
//! A document is one object of a class, a page of them, or the answer of the API's root. Which members
//! there are and must be is from the specification's schemas. Beyond a schema: identifiers are UUIDs and
//! agree between an object and what stands within it, languages and countries have codes, schedules are
//! parts of recurrence rules that fit together, pages count right. Where the specification's own examples
//! are careless (a latitude of 100, UNTIL beside COUNT), the finding is a warning.
//!
//! How complete a directory is, is told as numbers ([`Completeness`]): what is enough is not ours to say.

mod class;
mod completeness;
pub(super) mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use self::class::{Class, Kind, Need, class};
pub use self::completeness::{Completeness, completeness};
use super::findings::Findings;
use super::ical::recurrence;
use super::json::{self, shown, wrong_type};
use super::uri::{self, Charset};
use super::{Pointer, country, date_time, is_email, is_uuid, language_tag};
use crate::verdict::{Finding, Severity};

type Object = Map<String, Value>;

const CLAUSE: &str = "HSDS 3.0, schema reference";

/// Judges a document, guessing what it is from its members and its name.
pub(super) fn judge(name: &str, bytes: &[u8]) -> Vec<Finding> {
    judge_as(None, name, bytes)
}

/// Judges a document as an object of a class (such as `service`), a page of such objects, or the API's root
/// (`root`). `None` guesses.
pub fn judge_as(kind: Option<&str>, name: &str, bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    let Some(source) = json::read(name, bytes, &mut findings) else { return findings.finish() };
    let mut judge = Judge { findings, ids: BTreeMap::new() };
    judge.document(source.value(), kind, name);
    let mut findings = judge.findings;
    findings.locate(&source);
    findings.finish()
}

/// What the value looks like: `root`, `page`, or the name of a class.
fn guess(object: &Object, name: &str) -> Option<&'static str> {
    let has = |member: &str| object.contains_key(member);
    if has("contents") {
        return Some("page");
    }
    if has("openapi_url") || (has("version") && has("profile")) {
        return Some("root");
    }
    if has("location_type") {
        return Some("location");
    }
    if has("link_type") || has("taxonomy_term_id") {
        return Some("attribute");
    }
    if has("taxonomy") || has("taxonomy_detail") || has("term_uri") || has("parent_id") {
        return Some("taxonomy_term");
    }
    let service = [
        "status",
        "service_at_locations",
        "eligibility_description",
        "cost_options",
        "assured_date",
        "application_process",
        "fees_description",
    ];
    if service.iter().any(|member| has(member)) {
        return Some("service");
    }
    if !has("name") && (has("location") || has("service") || has("location_id")) {
        return Some("service_at_location");
    }
    let organization =
        ["website", "organization_identifiers", "locations", "programs", "year_incorporated", "legal_status", "parent_organization_id"];
    if organization.iter().any(|member| has(member)) {
        return Some("organization");
    }
    // The file's or the address' name is the last hint; longer names first, as one holds another.
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    ["service_at_location", "taxonomy_term", "taxonomy", "organization", "location", "service"]
        .into_iter()
        .find(|class| file.contains(class))
}

/// Whether a JSON value is likely an HSDS document; asked when a format is guessed.
pub(super) fn looks_like(value: &Value) -> bool {
    let Value::Object(object) = value else { return false };
    match guess(object, "") {
        Some("page") => object.contains_key("total_items") && object.contains_key("page_number"),
        Some("root") => object.contains_key("openapi_url") && object.contains_key("version"),
        Some("service") => {
            object.get("status").and_then(Value::as_str).is_some_and(|s| class::STATUS.contains(&s)) && object.contains_key("name")
        }
        Some("location") => object.contains_key("id"),
        _ => false,
    }
}

struct Judge<'v> {
    findings: Findings,
    /// Each identifier with the class and place it was first seen at.
    ids: BTreeMap<&'v str, (&'static str, String)>,
}

/// What an object's members must agree with: the object that it stands in, by class and identifier.
type Around<'v, 'a> = Option<(&'static str, &'v str, Option<&'a Parent<'v, 'a>>)>;

struct Parent<'v, 'a> {
    around: Around<'v, 'a>,
}

impl<'v> Judge<'v> {
    fn tell(&mut self, severity: Severity, rule: &str, at: &Pointer<'_>, message: impl Into<String>) {
        self.findings.push(Finding::new(rule, severity, message).at(at.to_string()).clause(CLAUSE));
    }

    fn document(&mut self, value: &'v Value, kind: Option<&str>, name: &str) {
        let root = Pointer::ROOT;
        let Value::Object(object) = value else {
            let what = if value.is_array() { "a list without the page around it" } else { "the document" };
            self.findings.push(wrong_type("type", what, "an object", value, &root, CLAUSE));
            return;
        };
        match kind.or_else(|| guess(object, name)) {
            Some("root") => self.root(object),
            Some("page") => self.page(object, None, name),
            Some(_) if object.contains_key("contents") => self.page(object, kind, name),
            Some(name) => match class(name) {
                Some(class) => self.object(object, class, &root, &None),
                None => self.tell(Severity::Open, "class", &root, "the specification has no such class"),
            },
            None => self.findings.push(
                Finding::error("class", "it cannot be seen which class of the specification this object is of")
                    .at("")
                    .expected("the members of an organization, a service, a location, a service at a location, or a page")
                    .observed(&format!("members: {}", object.keys().take(12).cloned().collect::<Vec<_>>().join(", ")))
                    .clause(CLAUSE),
            ),
        }
    }

    /// The answer to `GET /`.
    fn root(&mut self, object: &'v Object) {
        let root = Pointer::ROOT;
        let clause = "HSDS 3.0, API reference, GET /";
        for name in ["version", "profile", "openapi_url"] {
            let at = root.name(name);
            match object.get(name) {
                None => self.findings.push(
                    Finding::error("required", format!("`{name}` is missing; the root of the API must have it"))
                        .at("")
                        .expected(format!("a member `{name}`"))
                        .clause(clause),
                ),
                Some(Value::String(text)) if name == "version" => {
                    if !(text == "3" || text.starts_with("3.")) {
                        self.findings.push(
                            Finding::error("version", "the version is not 3")
                                .at(at.to_string())
                                .expected("3.0, or another 3.x")
                                .observed(text)
                                .clause(clause),
                        );
                    }
                }
                Some(Value::String(text)) => self.uri(text, name, &at),
                Some(other) => self.findings.push(wrong_type("type", &format!("`{name}`"), "a string", other, &at, clause)),
            }
        }
    }

    fn page(&mut self, page: &'v Object, kind: Option<&str>, name: &str) {
        let root = Pointer::ROOT;
        let clause = "HSDS 3.0, API reference, Page";
        let number = |judge: &mut Self, name: &str| match page.get(name) {
            Some(value) if value.is_u64() => value.as_u64(),
            Some(value) => {
                judge.findings.push(wrong_type("type", &format!("`{name}`"), "a whole number", value, &root.name(name), clause));
                None
            }
            None => {
                let finding = Finding::error("required", format!("`{name}` is missing; a page must have it")).at("");
                judge.findings.push(finding.expected(format!("a member `{name}`")).clause(clause));
                None
            }
        };
        let (total_items, total_pages, page_number) =
            (number(self, "total_items"), number(self, "total_pages"), number(self, "page_number"));
        let contents = match page.get("contents") {
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.findings.push(wrong_type("type", "`contents`", "an array", other, &root.name("contents"), clause));
                return;
            }
            None => return,
        };
        let flags = [
            ("empty", Some(contents.is_empty())),
            ("first_page", page_number.map(|n| n <= 1)),
            ("last_page", page_number.zip(total_pages).map(|(n, of)| n >= of)),
        ];
        for (name, truth) in flags {
            match (page.get(name), truth) {
                (Some(Value::Bool(stated)), Some(truth)) if *stated != truth => {
                    let finding = Finding::error("page-flag", format!("`{name}` says {stated}, which the page's own numbers deny"));
                    self.findings.push(
                        finding.at(root.name(name).to_string()).expected(truth.to_string()).observed(&stated.to_string()).clause(clause),
                    );
                }
                (Some(Value::Bool(_)), _) => {}
                (Some(other), _) => {
                    self.findings.push(wrong_type("type", &format!("`{name}`"), "true or false", other, &root.name(name), clause))
                }
                (None, _) => {
                    let finding = Finding::warning("page-header", format!("`{name}` is missing from the page's header")).at("");
                    self.findings.push(finding.clause(clause));
                }
            }
        }
        if let Some(size) = page.get("size")
            && !size.is_u64()
        {
            self.findings.push(wrong_type("type", "`size`", "a whole number", size, &root.name("size"), clause));
        }
        if let (Some(items), Some(pages), Some(number)) = (total_items, total_pages, page_number) {
            let held = contents.len() as u64;
            let beyond_last = pages > 0 && number > pages && held > 0;
            if held > items || (items > 0 && pages == 0) || (items == 0 && pages > 1) || beyond_last {
                let finding = Finding::error("page-count", "the page's numbers do not agree with each other or with what it holds");
                let seen = format!("total_items {items}, total_pages {pages}, page_number {number}, {held} held");
                self.findings.push(finding.at("/total_items").expected("numbers that agree").observed(&seen).clause(clause));
            }
        }
        let at = root.name("contents");
        let mut seen = BTreeSet::new();
        for (i, item) in contents.iter().enumerate() {
            let at = at.index(i);
            let Value::Object(object) = item else {
                self.findings.push(wrong_type("type", "an entry of the page", "an object", item, &at, clause));
                continue;
            };
            if let Some(id) = object.get("id").and_then(Value::as_str)
                && !seen.insert(id)
            {
                self.tell(Severity::Error, "id-twice", &at.name("id"), "the same object stands on the page twice");
            }
            match kind.or_else(|| guess(object, name)).and_then(class) {
                Some(class) => self.object(object, class, &at, &None),
                None => self.tell(Severity::Error, "class", &at, "it cannot be seen which class of the specification this object is of"),
            }
        }
    }

    fn object(&mut self, object: &'v Object, class: &'static Class, at: &Pointer<'_>, around: &Around<'v, '_>) {
        for (name, kind, need) in class.members {
            match object.get(*name) {
                None if *need == Need::Must => self.findings.push(
                    Finding::error("required", format!("`{name}` is missing; every {} must have it", class.name))
                        .at(at.to_string())
                        .expected(format!("a member `{name}`"))
                        .clause(CLAUSE),
                ),
                None => {}
                Some(value) => self.member(value, name, *kind, *need, &at.name(name), class, around, object),
            }
        }
        match class.name {
            "schedule" => self.schedule(object, at),
            "service" => self.service(object, at),
            "location" => {
                let is_virtual = object.get("location_type").and_then(Value::as_str) == Some("virtual");
                if is_virtual && !object.contains_key("url") {
                    self.tell(Severity::Warning, "virtual-without-url", at, "a virtual location without the address it is found at");
                }
            }
            "cost_option" => self.ordered(object, "valid_from", "valid_to", at),
            _ => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call, and each of them is needed")]
    fn member(
        &mut self,
        value: &'v Value,
        name: &str,
        kind: Kind,
        need: Need,
        at: &Pointer<'_>,
        class: &'static Class,
        around: &Around<'v, '_>,
        owner: &'v Object,
    ) {
        let own = owner.get("id").and_then(Value::as_str).unwrap_or_default();
        match kind {
            Kind::Many(inner) => match value {
                Value::Array(items) => {
                    let parent = Parent { around: *around };
                    for (i, item) in items.iter().enumerate() {
                        self.within(item, inner, &at.index(i), &Some((class.name, own, Some(&parent))));
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                    self.findings.push(wrong_type("type", &format!("`{name}`"), "an array", value, at, CLAUSE))
                }
            },
            Kind::One(inner) => {
                let parent = Parent { around: *around };
                self.within(value, inner, at, &Some((class.name, own, Some(&parent))));
                let stated = owner.get(&format!("{inner}_id")).and_then(Value::as_str);
                let found = value.get("id").and_then(Value::as_str);
                if let (Some(stated), Some(found)) = (stated, found)
                    && stated != found
                {
                    let finding = Finding::error("reference", format!("`{inner}_id` names another {inner} than the one that stands here"));
                    self.findings.push(finding.at(at.name("id").to_string()).expected(stated).observed(found).clause(CLAUSE));
                }
            }
            Kind::Number | Kind::Latitude | Kind::Longitude => match value.as_f64() {
                None => self.findings.push(wrong_type("type", &format!("`{name}`"), "a number", value, at, CLAUSE)),
                Some(number) => {
                    let most = match kind {
                        Kind::Latitude => 90.0,
                        Kind::Longitude => 180.0,
                        Kind::Id
                        | Kind::Ref(_)
                        | Kind::Text
                        | Kind::Number
                        | Kind::Date
                        | Kind::Time
                        | Kind::DateTime
                        | Kind::Uri
                        | Kind::Email
                        | Kind::Phone
                        | Kind::Language
                        | Kind::Country
                        | Kind::Currency
                        | Kind::OneOf(_)
                        | Kind::Recurrence(_)
                        | Kind::Many(_)
                        | Kind::One(_) => f64::INFINITY,
                    };
                    if number.abs() > most {
                        let finding = Finding::warning("coordinate", format!("`{name}` is no place on earth")).at(at.to_string());
                        self.findings.push(finding.expected(format!("-{most} to {most}")).observed(&number.to_string()).clause(CLAUSE));
                    }
                }
            },
            Kind::Id
            | Kind::Ref(_)
            | Kind::Text
            | Kind::Date
            | Kind::Time
            | Kind::DateTime
            | Kind::Uri
            | Kind::Email
            | Kind::Phone
            | Kind::Language
            | Kind::Country
            | Kind::Currency
            | Kind::OneOf(_)
            | Kind::Recurrence(_) => match value.as_str() {
                None => self.findings.push(wrong_type("type", &format!("`{name}`"), "a string", value, at, CLAUSE)),
                Some("") if need == Need::Must => {
                    self.tell(Severity::Error, "empty", at, format!("`{name}` is empty; it must have a value"))
                }
                Some(text) => self.text(text, name, kind, at, class, around),
            },
        }
    }

    fn within(&mut self, value: &'v Value, class_name: &str, at: &Pointer<'_>, around: &Around<'v, '_>) {
        let Some(class) = class(class_name) else { return };
        match value {
            Value::Object(object) => self.object(object, class, at, around),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                self.findings.push(wrong_type("type", &format!("a {class_name}"), "an object", value, at, CLAUSE))
            }
        }
    }

    fn text(&mut self, text: &'v str, name: &str, kind: Kind, at: &Pointer<'_>, class: &'static Class, around: &Around<'v, '_>) {
        let mut wrong = |severity: Severity, rule: &str, message: String, expected: &str| {
            self.findings.push(Finding::new(rule, severity, message).at(at.to_string()).expected(expected).observed(text).clause(CLAUSE));
        };
        match kind {
            Kind::Id | Kind::Ref(_) if !is_uuid(text) => {
                wrong(
                    Severity::Error,
                    "uuid",
                    format!("`{name}` is not a UUID"),
                    "a UUID of RFC 9562, such as ac148810-d857-441c-9679-408f346de14b",
                );
            }
            Kind::Id => match self.ids.get(text) {
                Some((other, first)) if *other != class.name => {
                    let message = format!("the {other} at {} has the same identifier", crate::verdict::Untrusted::new(first));
                    wrong(Severity::Warning, "id-shared", message, "an identifier of its own");
                }
                Some(_) => {}
                None => {
                    self.ids.insert(text, (class.name, at.to_string()));
                }
            },
            Kind::Ref(target) => {
                if let Some(holder) = holder(around, target)
                    && holder != text
                {
                    wrong(
                        Severity::Error,
                        "reference",
                        format!("`{name}` names another {target} than the one that this stands in"),
                        holder,
                    );
                }
            }
            Kind::Date => {
                if date_time::date(text).is_err() && date_time::date_time(text).is_err() {
                    wrong(Severity::Error, "date", format!("`{name}` is not a date"), "a date written YYYY-MM-DD");
                }
            }
            Kind::DateTime => {
                if let Err(why) = date_time::date_time(text) {
                    wrong(
                        Severity::Error,
                        "date-time",
                        format!("`{name}` is not a date and time with offset: {why}"),
                        "a date-time of RFC 3339",
                    );
                }
            }
            Kind::Time => match time_of_day(text) {
                None => wrong(Severity::Error, "time", format!("`{name}` is not a time of day"), "HH:MM, with Z or an offset"),
                Some(false) => wrong(
                    Severity::Warning,
                    "time-zone",
                    format!("`{name}` does not say in which time zone it is"),
                    "HH:MM with Z or an offset",
                ),
                Some(true) => {}
            },
            Kind::Uri => self.uri(text, name, at),
            Kind::Email => {
                if !is_email(text) {
                    wrong(Severity::Error, "email", format!("`{name}` is not an e-mail address"), "an address of RFC 5321");
                }
            }
            Kind::Phone => {
                if !text.chars().all(|c| c.is_ascii_digit() || " +-()./xXte#".contains(c))
                    || text.chars().filter(char::is_ascii_digit).count() < 3
                {
                    let finding = Finding::warning("phone", format!("`{name}` does not look like a telephone number")).at(at.to_string());
                    self.findings.push(finding.clause(CLAUSE));
                }
            }
            Kind::Language => match language_tag::well_formed(text) {
                Err(why) => {
                    wrong(Severity::Error, "language-tag", format!("`{name}` is not a language: {why}"), "a code of ISO 639 (BCP 47)")
                }
                Ok(()) if !language_tag::is_known(text) => {
                    wrong(Severity::Warning, "language-unknown", format!("no language is registered as `{name}`"), "a code of ISO 639");
                }
                Ok(()) => {}
            },
            Kind::Country if country::is_alpha_2(text) => {}
            Kind::Country if country::is_alpha_2(&text.to_ascii_uppercase()) || country::is_user_assigned(text) => {
                wrong(
                    Severity::Warning,
                    "country-form",
                    format!("`{name}` is not an assigned code in capitals"),
                    "a code of ISO 3166-1 alpha-2",
                );
            }
            Kind::Country => wrong(Severity::Error, "country", format!("`{name}` is not a country's code"), "a code of ISO 3166-1 alpha-2"),
            Kind::Currency => {
                if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
                    wrong(Severity::Error, "currency", format!("`{name}` is not a currency's code"), "three letters (ISO 4217)");
                }
            }
            Kind::OneOf(values) => {
                if !values.contains(&text) {
                    wrong(
                        Severity::Error,
                        "value",
                        format!("`{name}` has a value that there is not"),
                        &format!("one of {}", values.join(", ")),
                    );
                }
            }
            Kind::Recurrence(part) => {
                let rule = format!("FREQ=MONTHLY;{part}={text}");
                if let Some(fault) = recurrence::read(&rule).1.into_iter().find(|fault| !fault.combination) {
                    wrong(
                        Severity::Error,
                        "recurrence",
                        format!("`{name}` is not part of a recurrence rule: {}", fault.message),
                        "RFC 5545 section 3.3.10",
                    );
                }
            }
            Kind::Text | Kind::Number | Kind::Latitude | Kind::Longitude | Kind::Many(_) | Kind::One(_) => {}
        }
    }

    fn uri(&mut self, text: &str, name: &str, at: &Pointer<'_>) {
        if let Err(why) = uri::absolute(text, Charset::Iri) {
            let finding = Finding::error("uri", format!("`{name}` is not a URI: {why}")).at(at.to_string());
            self.findings.push(finding.expected("a URI with a scheme (RFC 3986)").observed(text).clause(CLAUSE));
        }
    }

    fn ordered(&mut self, object: &'v Object, from: &str, to: &str, at: &Pointer<'_>) {
        let date = |name: &str| object.get(name).and_then(Value::as_str).and_then(|text| date_time::date(text).ok());
        if let (Some(first), Some(last)) = (date(from), date(to))
            && last < first
        {
            self.tell(Severity::Error, "date-order", &at.name(to), format!("`{to}` is before `{from}`"));
        }
    }

    fn service(&mut self, service: &'v Object, at: &Pointer<'_>) {
        let number = |name: &str| service.get(name).and_then(Value::as_f64);
        if let (Some(least), Some(most)) = (number("minimum_age"), number("maximum_age"))
            && least > most
        {
            let finding = Finding::error("age-order", "nobody is old enough and young enough for this service")
                .at(at.name("minimum_age").to_string());
            self.findings.push(finding.expected("minimum_age up to maximum_age").observed(&format!("{least} to {most}")).clause(CLAUSE));
        }
        for name in ["minimum_age", "maximum_age"] {
            if number(name).is_some_and(|age| age < 0.0) {
                self.tell(Severity::Error, "age-order", &at.name(name), "an age below 0");
            }
        }
    }

    /// A schedule's parts as the recurrence rule that they are.
    fn schedule(&mut self, schedule: &'v Object, at: &Pointer<'_>) {
        self.ordered(schedule, "valid_from", "valid_to", at);
        let text = |name: &str| schedule.get(name).map(shown);
        let freq = text("freq");
        let parts = ["byday", "byweekno", "bymonthday", "byyearday"];
        if freq.is_none() && parts.iter().any(|part| schedule.contains_key(*part)) {
            self.tell(Severity::Warning, "schedule-without-freq", at, "days are given, but not how often they come (`freq`)");
        }
        let Some(freq) = freq else { return };
        let mut rule = format!("FREQ={freq}");
        for (name, part) in
            [("count", "COUNT"), ("byday", "BYDAY"), ("byweekno", "BYWEEKNO"), ("bymonthday", "BYMONTHDAY"), ("byyearday", "BYYEARDAY")]
        {
            if let Some(value) = text(name).filter(|value| !value.is_empty()) {
                rule.push_str(&format!(";{part}={value}"));
            }
        }
        if schedule.contains_key("until") {
            rule.push_str(";UNTIL=20000101");
        }
        for fault in recurrence::read(&rule).1.into_iter().filter(|fault| fault.combination) {
            self.tell(
                Severity::Warning,
                "schedule-combination",
                at,
                format!("as a recurrence rule the schedule's parts clash: {}", fault.message),
            );
        }
        for name in ["count", "interval"] {
            if let Some(number) = schedule.get(name).and_then(Value::as_f64)
                && (number < 1.0 || number.fract() != 0.0)
            {
                self.tell(Severity::Error, "recurrence", &at.name(name), format!("`{name}` must be a whole number above 0"));
            }
        }
        if let Some(hours) = schedule.get("timezone").and_then(Value::as_f64)
            && !(-12.0..=14.0).contains(&hours)
        {
            self.tell(Severity::Warning, "time-zone", &at.name("timezone"), "no time zone is that far from UTC");
        }
    }
}

/// The identifier of the nearest object of that class around this one.
fn holder<'v>(around: &Around<'v, '_>, class: &str) -> Option<&'v str> {
    let mut here = *around;
    while let Some((name, id, parent)) = here {
        if name == class {
            return Some(id).filter(|id| is_uuid(id));
        }
        // A location's services are not the location's own parts: only the object right around counts for
        // what refers across.
        here = parent.and_then(|parent| parent.around);
        if name == "organization" || name == "location" || name == "service" {
            return None;
        }
    }
    None
}

/// `HH:MM` or `HH:MM:SS`, with `Z` or an offset; gives whether there is one.
fn time_of_day(text: &str) -> Option<bool> {
    let (clock, zone) = match text.find(['Z', '+', '-']) {
        Some(at) => text.split_at_checked(at)?,
        None => (text, ""),
    };
    let full = if clock.len() == 5 { format!("{clock}:00") } else { clock.to_owned() };
    date_time::time(&full).ok()?;
    if zone.is_empty() {
        return Some(false);
    }
    date_time::date_time(&format!("2000-01-01T{full}{zone}")).ok().map(|_| true)
}

#[cfg(test)]
mod tests;
