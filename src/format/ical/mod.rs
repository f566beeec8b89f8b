//! iCalendar, RFC 5545: schedules of care, visits, opening times.
//!
//! Own rules on top of an own reader of lines, because the crates at hand accept events without a start
//! and calendars that are not closed. Components and properties that other standards add are let pass.
//! What a person wrote (summaries, attendees) is never shown.

mod line;
pub(super) mod recurrence;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use self::line::ContentLine;
use self::value::Zone;
use super::date_time::{Date, Time};
use super::findings::Findings;
use crate::document::Position;
use crate::verdict::{Finding, Severity};

/// Components nested deeper than this are not read; the standard knows three levels.
const MAX_DEPTH: usize = 16;

#[derive(Debug)]
struct Component {
    name: String,
    line: u32,
    path: String,
    properties: Vec<ContentLine>,
    components: Vec<Component>,
}

impl Component {
    fn all<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c ContentLine> {
        self.properties.iter().filter(move |p| p.name == name)
    }
    fn get(&self, name: &str) -> Option<&ContentLine> {
        self.properties.iter().find(|p| p.name == name)
    }
    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
    fn position(&self) -> Position {
        Position { line: self.line, column: 1 }
    }
}

/// Judges a calendar.
pub(super) fn judge(bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    let mended = std::str::from_utf8(bytes).is_err().then(|| line::mend_folds(bytes)).flatten();
    if let Some((_, number)) = &mended {
        let finding =
            Finding::warning("fold-within-character", "a line is folded within a character; readers that decode first see two broken ones");
        findings.push(
            finding
                .position(Some(Position { line: *number, column: 1 }))
                .expected("folds between characters")
                .clause("RFC 5545 section 3.1"),
        );
    }
    match std::str::from_utf8(mended.as_ref().map_or(bytes, |(bytes, _)| bytes.as_slice())) {
        Ok(text) => {
            let lines = line::read(text, &mut findings);
            let calendars = components(lines, &mut findings);
            if calendars.is_empty() {
                findings.push(
                    Finding::error("calendar", "there is no VCALENDAR in the text")
                        .position(Some(Position::START))
                        .clause("RFC 5545 section 3.4"),
                );
            }
            for calendar in &calendars {
                let method = calendar.get("METHOD").map(|method| method.value.to_ascii_uppercase());
                Judge { findings: &mut findings, zones: zones(calendar), method }.calendar(calendar);
            }
        }
        Err(error) => {
            let line = bytes.get(..error.valid_up_to()).unwrap_or_default().iter().filter(|b| **b == b'\n').count() + 1;
            let position = Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: 1 };
            findings.push(Finding::error("utf-8", "the text is not UTF-8").position(Some(position)).clause("RFC 5545 section 3.1.4"));
        }
    }
    findings.finish()
}

/// The components of the outermost level.
fn components(lines: Vec<ContentLine>, findings: &mut Findings) -> Vec<Component> {
    let mut open: Vec<Component> = Vec::new();
    let mut done = Vec::new();
    let error = |rule: &str, message: String, line: &ContentLine| {
        Finding::error(rule, message).position(Some(line.position())).clause("RFC 5545 section 3.6")
    };
    for line in lines {
        match line.name.as_str() {
            "BEGIN" => {
                let name = line.value.to_ascii_uppercase();
                if open.len() >= MAX_DEPTH {
                    findings.push(
                        Finding::open("depth", "components are nested deeper than this program reads").position(Some(line.position())),
                    );
                    return done;
                }
                let path = match open.last() {
                    Some(parent) => {
                        let before = parent.components.iter().filter(|c| c.name == name).count();
                        format!("{}/{name}[{before}]", parent.path)
                    }
                    None => name.clone(),
                };
                if open.is_empty() && name != "VCALENDAR" {
                    findings.push(error("nesting", "a component stands outside a VCALENDAR".into(), &line));
                }
                open.push(Component { name, line: line.number, path, properties: Vec::new(), components: Vec::new() });
            }
            "END" => {
                let name = line.value.to_ascii_uppercase();
                match open.pop() {
                    Some(component) if component.name == name => match open.last_mut() {
                        Some(parent) => parent.components.push(component),
                        None => done.push(component),
                    },
                    Some(component) => {
                        let message = format!("`{}` is closed where `{}` is open", crate::verdict::Untrusted::new(&name), component.name);
                        findings.push(error("nesting", message, &line));
                        // Go on as if the right one had been closed, so that one slip is told once.
                        match open.last_mut() {
                            Some(parent) => parent.components.push(component),
                            None => done.push(component),
                        }
                    }
                    None => findings.push(error("nesting", "a component is closed that was never opened".into(), &line)),
                }
            }
            _ => match open.last_mut() {
                Some(component) => component.properties.push(line),
                None => findings.push(error("nesting", "a property stands outside every component".into(), &line)),
            },
        }
    }
    while let Some(component) = open.pop() {
        let finding = Finding::error("nesting", format!("`{}` is never closed", crate::verdict::Untrusted::new(&component.name)));
        findings.push(finding.at(component.path.clone()).position(Some(component.position())).clause("RFC 5545 section 3.6"));
        match open.last_mut() {
            Some(parent) => parent.components.push(component),
            None => done.push(component),
        }
    }
    done
}

fn zones(calendar: &Component) -> BTreeSet<String> {
    calendar.components.iter().filter(|c| c.name == "VTIMEZONE").filter_map(|c| c.get("TZID")).map(|p| p.value.clone()).collect()
}

/// What the default value of a property is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Texts,
    DateTime,
    UtcDateTime,
    Dates,
    Duration,
    Trigger,
    Integer(i64, i64),
    Uri,
    Attachment,
    Offset,
    Geo,
    Recurrence,
    Periods,
    Any,
}

/// The properties of RFC 5545, sections 3.7 and 3.8, and of RFC 7986.
fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "CALSCALE" | "METHOD" | "PRODID" | "VERSION" | "CLASS" | "COMMENT" | "DESCRIPTION" | "LOCATION" | "STATUS" | "SUMMARY"
        | "TRANSP" | "TZID" | "TZNAME" | "CONTACT" | "RELATED-TO" | "UID" | "ACTION" | "REQUEST-STATUS" | "NAME" | "COLOR" => Kind::Text,
        "CATEGORIES" | "RESOURCES" => Kind::Texts,
        "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID" => Kind::DateTime,
        "DTSTAMP" | "CREATED" | "LAST-MODIFIED" | "COMPLETED" | "ACKNOWLEDGED" => Kind::UtcDateTime,
        "EXDATE" | "RDATE" => Kind::Dates,
        "DURATION" | "REFRESH-INTERVAL" => Kind::Duration,
        "TRIGGER" => Kind::Trigger,
        "PERCENT-COMPLETE" => Kind::Integer(0, 100),
        "PRIORITY" => Kind::Integer(0, 9),
        "REPEAT" | "SEQUENCE" => Kind::Integer(0, i64::MAX),
        "URL" | "TZURL" | "SOURCE" | "CONFERENCE" | "ATTENDEE" | "ORGANIZER" => Kind::Uri,
        "ATTACH" | "IMAGE" => Kind::Attachment,
        "TZOFFSETFROM" | "TZOFFSETTO" => Kind::Offset,
        "GEO" => Kind::Geo,
        "RRULE" | "EXRULE" => Kind::Recurrence,
        "FREEBUSY" => Kind::Periods,
        // RFC 7529, 7953, 9073, 9074 and 9253: known, and not judged.
        "BUSYTYPE" | "CALENDAR-ADDRESS" | "LOCATION-TYPE" | "PARTICIPANT-TYPE" | "RESOURCE-TYPE" | "STRUCTURED-DATA"
        | "STYLED-DESCRIPTION" | "PROXIMITY" | "CONCEPT" | "LINK" | "REFID" | "TZUNTIL" | "TZID-ALIAS-OF" => Kind::Any,
        _ => return None,
    })
}

/// A start or end: the day, the time if it has one.
type Moment = (Date, Option<Time>);

struct Judge<'f> {
    findings: &'f mut Findings,
    zones: BTreeSet<String>,
    /// The method, in capitals.
    method: Option<String>,
}

impl Judge<'_> {
    fn tell(
        &mut self,
        severity: Severity,
        rule: &str,
        component: &Component,
        property: Option<&ContentLine>,
        message: impl Into<String>,
        section: &str,
    ) {
        let (path, position) = match property {
            Some(property) => (format!("{}/{}", component.path, property.name), property.position()),
            None => (component.path.clone(), component.position()),
        };
        self.findings
            .push(Finding::new(rule, severity, message).at(path).position(Some(position)).clause(format!("RFC 5545 section {section}")));
    }

    fn calendar(&mut self, calendar: &Component) {
        let section = "3.6";
        let single = ["CALSCALE", "METHOD", "UID", "LAST-MODIFIED", "URL", "REFRESH-INTERVAL", "SOURCE", "COLOR"];
        self.once(calendar, &["PRODID", "VERSION"], &single, section);
        self.scheduling(calendar);
        for property in &calendar.properties {
            self.property(calendar, property);
        }
        if let Some(version) = calendar.get("VERSION")
            && version.value != "2.0"
            && !version.value.ends_with(";2.0")
        {
            self.tell(Severity::Error, "version", calendar, Some(version), "the version of RFC 5545 is 2.0", "3.7.4");
        }
        if let Some(scale) = calendar.get("CALSCALE")
            && !scale.value.eq_ignore_ascii_case("GREGORIAN")
        {
            self.tell(Severity::Error, "calendar-scale", calendar, Some(scale), "the only calendar scale is GREGORIAN", "3.7.1");
        }
        if calendar.components.is_empty() {
            self.tell(Severity::Error, "calendar-empty", calendar, None, "the calendar holds no component", section);
        }
        let mut uids: BTreeMap<(&str, &str, &str), u32> = BTreeMap::new();
        for component in &calendar.components {
            self.component(component, "VCALENDAR");
            if let Some(uid) = component.get("UID") {
                let recurrence = component.get("RECURRENCE-ID").map_or("", |p| p.value.as_str());
                let sequence = component.get("SEQUENCE").map_or("", |p| p.value.as_str());
                if let Some(first) = uids.insert((&uid.value, recurrence, sequence), component.line) {
                    let message = format!("the component that begins at line {first} has the same UID");
                    self.tell(Severity::Warning, "uid-twice", component, Some(uid), message, "3.8.4.7");
                }
            }
        }
    }

    /// What RFC 5546 asks of a calendar that says by METHOD what is to be done with it. Feeds say PUBLISH
    /// without the rest, and everybody reads them, so that this is told as a warning.
    fn scheduling(&mut self, calendar: &Component) {
        let Some(method) = self.method.clone() else { return };
        let clause = "RFC 5546 section 3.2";
        let known = ["PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER"];
        let mut warn = |component: &Component, message: String| {
            let finding = Finding::warning("method", message).at(component.path.clone()).position(Some(component.position()));
            self.findings.push(finding.clause(clause));
        };
        if !known.contains(&method.as_str()) {
            warn(calendar, format!("no method is called `{}`", crate::verdict::Untrusted::new(&method)));
            return;
        }
        let mut kinds: Vec<&str> =
            calendar.components.iter().map(|c| c.name.as_str()).filter(|name| *name != "VTIMEZONE" && !name.starts_with("X-")).collect();
        kinds.dedup();
        if kinds.len() > 1 {
            warn(calendar, "with a method, all components are of one kind".into());
        }
        for event in calendar.components.iter().filter(|c| c.name == "VEVENT") {
            let needed: &[&str] = match method.as_str() {
                "PUBLISH" => &["DTSTART", "ORGANIZER", "SUMMARY"],
                "REQUEST" => &["DTSTART", "ORGANIZER", "ATTENDEE", "SUMMARY"],
                "ADD" => &["DTSTART", "ORGANIZER", "SEQUENCE", "SUMMARY"],
                "CANCEL" => &["ORGANIZER", "SEQUENCE"],
                "COUNTER" => &["DTSTART", "ORGANIZER", "ATTENDEE", "SUMMARY"],
                _ => &["ORGANIZER", "ATTENDEE"],
            };
            for name in needed.iter().filter(|name| !event.has(name)) {
                warn(event, format!("an event of the method {method} has a property {name}"));
            }
            if method == "PUBLISH" && event.has("ATTENDEE") {
                warn(event, "an event that is published has no ATTENDEE".into());
            }
            if method == "REPLY" && event.all("ATTENDEE").nth(1).is_some() {
                warn(event, "a reply is of one ATTENDEE".into());
            }
        }
    }

    /// `needed` must stand exactly once, `single` at most once.
    fn once(&mut self, component: &Component, needed: &[&str], single: &[&str], section: &str) {
        for name in needed {
            if !component.has(name) {
                let finding = Finding::error("required", format!("`{name}` is missing; a {} must have it", component.name))
                    .at(component.path.clone())
                    .position(Some(component.position()))
                    .expected(format!("a property {name}"));
                self.findings.push(finding.clause(format!("RFC 5545 section {section}")));
            }
        }
        for name in needed.iter().chain(single) {
            if let Some(second) = component.all(name).nth(1) {
                self.tell(Severity::Error, "multiplicity", component, Some(second), format!("`{name}` may stand only once"), section);
            }
        }
    }

    fn component(&mut self, component: &Component, parent: &str) {
        let place: Option<&[&str]> = match component.name.as_str() {
            "VEVENT" | "VTODO" | "VJOURNAL" | "VFREEBUSY" | "VTIMEZONE" => Some(&["VCALENDAR"]),
            "VALARM" => Some(&["VEVENT", "VTODO"]),
            "STANDARD" | "DAYLIGHT" => Some(&["VTIMEZONE"]),
            "VCALENDAR" => Some(&[]),
            // Another standard's component, or somebody's own: nothing is known of it.
            _ => None,
        };
        let Some(place) = place else { return };
        if !place.contains(&parent) {
            let message = format!("a {} must not stand in a {}", component.name, crate::verdict::Untrusted::new(parent));
            self.tell(Severity::Error, "nesting", component, None, message, "3.6");
            return;
        }
        for property in &component.properties {
            self.property(component, property);
        }
        match component.name.as_str() {
            "VEVENT" => self.event(component),
            "VTODO" => self.task(component),
            "VJOURNAL" => {
                let single =
                    ["CLASS", "CREATED", "DTSTART", "LAST-MODIFIED", "ORGANIZER", "RECURRENCE-ID", "SEQUENCE", "STATUS", "SUMMARY", "URL"];
                self.once(component, &["DTSTAMP", "UID"], &single, "3.6.3");
                self.status(component, &["DRAFT", "FINAL", "CANCELLED"]);
                self.recurring(component);
            }
            "VFREEBUSY" => {
                self.once(component, &["DTSTAMP", "UID"], &["CONTACT", "DTSTART", "DTEND", "ORGANIZER", "URL"], "3.6.4");
                self.ends(component, "DTEND", "3.6.4");
                for property in component.properties.iter().filter(|p| matches!(p.name.as_str(), "DTSTART" | "DTEND" | "FREEBUSY")) {
                    let utc = property.value.split(',').all(|one| one.split('/').all(|part| part.ends_with('Z') || part.starts_with('P')));
                    if !utc {
                        self.tell(Severity::Error, "free-busy-utc", component, Some(property), "free and busy times are in UTC", "3.8.2.6");
                    }
                }
            }
            "VTIMEZONE" => {
                self.once(component, &["TZID"], &["LAST-MODIFIED", "TZURL"], "3.6.5");
                if !component.components.iter().any(|c| c.name == "STANDARD" || c.name == "DAYLIGHT") {
                    self.tell(Severity::Error, "zone-empty", component, None, "the time zone holds neither STANDARD nor DAYLIGHT", "3.6.5");
                }
            }
            "STANDARD" | "DAYLIGHT" => {
                self.once(component, &["DTSTART", "TZOFFSETFROM", "TZOFFSETTO"], &[], "3.6.5");
                if let Some(start) = component.get("DTSTART")
                    && (start.value.ends_with('Z') || start.parameter("TZID").is_some())
                {
                    self.tell(Severity::Error, "zone-start", component, Some(start), "the start of a zone's rule is local time", "3.6.5");
                }
                for property in component.all("RRULE") {
                    if recurrence::read(&property.value).0.until.is_some_and(|until| !until.ends_with('Z')) {
                        let message = "UNTIL of a zone's rule must be a date-time in UTC";
                        self.tell(Severity::Error, "until-type", component, Some(property), message, "3.3.10");
                    }
                }
            }
            "VALARM" => self.alarm(component),
            _ => {}
        }
        for inner in &component.components {
            self.component(inner, &component.name);
        }
    }

    fn event(&mut self, event: &Component) {
        let section = "3.6.1";
        let single = [
            "DTSTART",
            "CLASS",
            "CREATED",
            "DESCRIPTION",
            "GEO",
            "LAST-MODIFIED",
            "LOCATION",
            "ORGANIZER",
            "PRIORITY",
            "SEQUENCE",
            "STATUS",
            "SUMMARY",
            "TRANSP",
            "URL",
            "RECURRENCE-ID",
            "DTEND",
            "DURATION",
        ];
        self.once(event, &["DTSTAMP", "UID"], &single, section);
        if self.method.is_none() && !event.has("DTSTART") {
            let finding = Finding::error("required", "`DTSTART` is missing; a VEVENT of a calendar without METHOD must have it");
            let finding = finding.at(event.path.clone()).position(Some(event.position())).expected("a property DTSTART");
            self.findings.push(finding.clause("RFC 5545 section 3.6.1"));
        }
        self.status(event, &["TENTATIVE", "CONFIRMED", "CANCELLED"]);
        if let Some(transparency) = event.get("TRANSP")
            && !["OPAQUE", "TRANSPARENT"].contains(&transparency.value.to_ascii_uppercase().as_str())
        {
            self.tell(Severity::Error, "value", event, Some(transparency), "TRANSP is OPAQUE or TRANSPARENT", "3.8.2.7");
        }
        self.ends(event, "DTEND", section);
        self.recurring(event);
    }

    fn task(&mut self, task: &Component) {
        let section = "3.6.2";
        let single = [
            "CLASS",
            "COMPLETED",
            "CREATED",
            "DESCRIPTION",
            "DTSTART",
            "GEO",
            "LAST-MODIFIED",
            "LOCATION",
            "ORGANIZER",
            "PERCENT-COMPLETE",
            "PRIORITY",
            "RECURRENCE-ID",
            "SEQUENCE",
            "STATUS",
            "SUMMARY",
            "URL",
            "DUE",
            "DURATION",
        ];
        self.once(task, &["DTSTAMP", "UID"], &single, section);
        self.status(task, &["NEEDS-ACTION", "COMPLETED", "IN-PROCESS", "CANCELLED"]);
        if let Some(duration) = task.get("DURATION")
            && !task.has("DTSTART")
        {
            self.tell(Severity::Error, "duration-without-start", task, Some(duration), "a duration needs a DTSTART", section);
        }
        self.ends(task, "DUE", section);
        self.recurring(task);
    }

    fn alarm(&mut self, alarm: &Component) {
        let section = "3.6.6";
        self.once(alarm, &["ACTION", "TRIGGER"], &["DURATION", "REPEAT"], section);
        if alarm.has("DURATION") != alarm.has("REPEAT") {
            let property = alarm.get("DURATION").or_else(|| alarm.get("REPEAT"));
            self.tell(Severity::Error, "alarm-repeat", alarm, property, "DURATION and REPEAT stand together or not at all", section);
        }
        let action = alarm.get("ACTION").map(|a| a.value.to_ascii_uppercase()).unwrap_or_default();
        match action.as_str() {
            "DISPLAY" => self.once(alarm, &["DESCRIPTION"], &[], section),
            "EMAIL" => {
                self.once(alarm, &["DESCRIPTION", "SUMMARY"], &[], section);
                if !alarm.has("ATTENDEE") {
                    self.tell(Severity::Error, "required", alarm, None, "`ATTENDEE` is missing; an alarm by mail must have one", section);
                }
            }
            "AUDIO" => self.once(alarm, &[], &["ATTACH"], section),
            _ => {}
        }
    }

    fn status(&mut self, component: &Component, values: &[&str]) {
        if let Some(status) = component.get("STATUS")
            && !values.contains(&status.value.to_ascii_uppercase().as_str())
        {
            let finding = Finding::error("value", format!("STATUS has a value that a {} does not have", component.name));
            let finding = finding.at(format!("{}/STATUS", component.path)).position(Some(status.position()));
            self.findings.push(
                finding.expected(format!("one of {}", values.join(", "))).observed(&status.value).clause("RFC 5545 section 3.8.1.11"),
            );
        }
    }

    /// The end of a component against its start.
    fn ends(&mut self, component: &Component, end: &str, section: &str) {
        if let (Some(end), Some(_)) = (component.get(end), component.get("DURATION")) {
            let message = format!("`{}` and DURATION must not stand together", end.name);
            self.tell(Severity::Error, "end-and-duration", component, Some(end), message, section);
        }
        let Some(start) = component.get("DTSTART") else { return };
        if let Some(duration) = component.get("DURATION")
            && is_date(start)
            && value::duration(&duration.value) == Ok(false)
        {
            self.tell(
                Severity::Error,
                "duration-of-days",
                component,
                Some(duration),
                "the start is a date, so the duration is in days or weeks",
                "3.6.1",
            );
        }
        if let Some(duration) = component.get("DURATION")
            && duration.value.starts_with('-')
        {
            self.tell(Severity::Error, "duration-negative", component, Some(duration), "the duration is negative", "3.8.2.5");
        }
        let Some(end) = component.get(end) else { return };
        let typed =
            |p: &ContentLine| p.parameter("VALUE").is_none_or(|v| v.eq_ignore_ascii_case("DATE") || v.eq_ignore_ascii_case("DATE-TIME"));
        if !typed(start) || !typed(end) {
            return;
        }
        if is_date(start) != is_date(end) {
            let message = format!("DTSTART and `{}` are not of the same kind, date or date-time", end.name);
            self.tell(Severity::Error, "end-type", component, Some(end), message, "3.8.2.2");
            return;
        }
        let zone = |p: &ContentLine| (p.value.ends_with('Z'), p.parameter("TZID").map(str::to_owned));
        // Moments of two zones cannot be ordered without the zones' rules.
        if zone(start) == zone(end)
            && let (Some(from), Some(to)) = (moment(start), moment(end))
            && to <= from
        {
            self.tell(
                Severity::Error,
                "end-before-start",
                component,
                Some(end),
                format!("`{}` is not later than DTSTART", end.name),
                "3.8.2.2",
            );
        }
    }

    fn recurring(&mut self, component: &Component) {
        if let Some(second) = component.all("RRULE").nth(1) {
            self.tell(
                Severity::Warning,
                "rrule-twice",
                component,
                Some(second),
                "more than one RRULE; readers differ on what it means",
                "3.8.5.3",
            );
        }
        let start = component.get("DTSTART");
        for property in component.all("RRULE") {
            let (rule, _) = recurrence::read(&property.value);
            if let (Some(name), Some(start)) = (rule.by_time, start)
                && is_date(start)
            {
                let message = format!("{name} chooses a time of the day, and DTSTART is a date");
                self.tell(Severity::Error, "rrule-time-of-date", component, Some(property), message, "3.3.10");
            }
            if let (Some(days), Some((day, _))) = (rule.by_day, start.and_then(moment))
                && rule.frequency.is_some_and(|frequency| frequency.eq_ignore_ascii_case("WEEKLY"))
                && !days.split(',').any(|one| one.eq_ignore_ascii_case(week_day(day)))
            {
                let message = "DTSTART is not one of the days of its own rule; readers differ on whether it counts";
                self.tell(Severity::Warning, "start-outside-rule", component, Some(property), message, "3.8.5.3");
            }
            let (Some(until), Some(start)) = (rule.until, start) else { continue };
            let until_is_date = !until.contains('T');
            let fault = if until_is_date != is_date(start) {
                Some("UNTIL must be a date if DTSTART is one, and a date-time otherwise")
            } else if !until_is_date && (start.value.ends_with('Z') || start.parameter("TZID").is_some()) && !until.ends_with('Z') {
                Some("UNTIL must be in UTC, because DTSTART is in a time zone")
            } else if !until_is_date && !start.value.ends_with('Z') && start.parameter("TZID").is_none() && until.ends_with('Z') {
                Some("UNTIL must be local time, because DTSTART is")
            } else {
                None
            };
            if let Some(fault) = fault {
                self.tell(Severity::Error, "until-type", component, Some(property), fault, "3.3.10");
            }
        }
        for name in ["EXDATE", "RDATE"] {
            let other = |property: &&ContentLine| {
                property.parameter("VALUE").is_none_or(|v| !v.eq_ignore_ascii_case("PERIOD"))
                    && start.is_some_and(|start| is_date(property) != is_date(start))
            };
            if let Some(property) = component.all(name).find(other) {
                let message = format!("{name} and DTSTART are not of the same kind, date or date-time, so no occurrence is meant");
                self.tell(Severity::Warning, "exception-type", component, Some(property), message, "3.8.5.1");
            }
        }
        if let (Some(id), Some(start)) = (component.get("RECURRENCE-ID"), start)
            && is_date(id) != is_date(start)
        {
            self.tell(Severity::Error, "recurrence-id-type", component, Some(id), "RECURRENCE-ID is not of the kind of DTSTART", "3.8.4.4");
        }
        if component.has("RRULE") && start.is_none() && component.name != "VEVENT" {
            let rule = component.get("RRULE");
            self.tell(Severity::Error, "rrule-without-start", component, rule, "a recurring component needs a DTSTART", "3.8.5.3");
        }
    }

    fn property(&mut self, component: &Component, property: &ContentLine) {
        let Some(default) = kind(&property.name) else {
            if !property.name.starts_with("X-") {
                self.tell(
                    Severity::Warning,
                    "property-unknown",
                    component,
                    Some(property),
                    "no property of RFC 5545 has this name",
                    "3.8.8.1",
                );
            }
            return;
        };
        let stated = property.parameter("VALUE").map(str::to_ascii_uppercase);
        if stated.is_none() && matches!(property.name.as_str(), "REFRESH-INTERVAL" | "SOURCE" | "IMAGE" | "CONFERENCE") {
            let message = format!("`{}` must say of which type its value is (VALUE)", property.name);
            self.tell(Severity::Warning, "value-type", component, Some(property), message, "3.2.20, RFC 7986 section 5");
        }
        let kind = match (default, stated.as_deref()) {
            (_, None) => default,
            (Kind::DateTime | Kind::Dates, Some("DATE" | "DATE-TIME")) => default,
            (Kind::Dates, Some("PERIOD")) if property.name == "RDATE" => Kind::Periods,
            (Kind::Trigger, Some("DURATION")) => Kind::Duration,
            (Kind::Trigger, Some("DATE-TIME")) => Kind::UtcDateTime,
            (Kind::Attachment, Some("URI" | "BINARY")) => default,
            (Kind::Text | Kind::Texts, Some("TEXT")) => default,
            (Kind::Text, Some("URI" | "UID")) => Kind::Any,
            (Kind::Duration, Some("DURATION")) | (Kind::Integer(..), Some("INTEGER")) | (Kind::Offset, Some("UTC-OFFSET")) => default,
            (Kind::Uri, Some("URI" | "CAL-ADDRESS")) | (Kind::UtcDateTime, Some("DATE-TIME")) => default,
            (Kind::Recurrence, Some("RECUR")) | (Kind::Periods, Some("PERIOD")) | (Kind::Geo, Some("FLOAT")) => default,
            (_, Some(other)) if other.starts_with("X-") => Kind::Any,
            (_, Some(_)) => {
                self.tell(
                    Severity::Error,
                    "value-type",
                    component,
                    Some(property),
                    "the property does not have values of the type VALUE names",
                    "3.2.20",
                );
                return;
            }
        };
        self.zone(component, property, kind);
        if kind == Kind::Recurrence {
            for fault in recurrence::read(&property.value).1 {
                self.tell(Severity::Error, "recurrence", component, Some(property), fault.message, "3.3.10");
            }
            return;
        }
        if let Err(why) = self.value(property, kind) {
            let message = format!("the value of `{}` is not sound: {why}", property.name);
            self.tell(Severity::Error, "value", component, Some(property), message, "3.3");
        } else if kind == Kind::Text && property.name != "REQUEST-STATUS" && unescaped(&property.value) {
            self.tell(
                Severity::Warning,
                "text-escape",
                component,
                Some(property),
                "a comma or semicolon in the text has no backslash before it",
                "3.3.11",
            );
        }
    }

    fn value(&self, property: &ContentLine, kind: Kind) -> Result<(), &'static str> {
        let text = property.value.as_str();
        let is_date = property.parameter("VALUE").is_some_and(|v| v.eq_ignore_ascii_case("DATE"));
        match kind {
            Kind::Text | Kind::Texts => value::text(text),
            Kind::DateTime if is_date => value::date(text).map(|_| ()),
            Kind::DateTime => value::date_time(text).map(|_| ()),
            Kind::UtcDateTime => match value::date_time(text)? {
                (_, _, Zone::Utc) => Ok(()),
                (_, _, Zone::Floating) => Err("it must be in UTC, with Z at its end"),
            },
            Kind::Dates => {
                text.split(',').try_for_each(|one| if is_date { value::date(one).map(|_| ()) } else { value::date_time(one).map(|_| ()) })
            }
            Kind::Duration | Kind::Trigger => value::duration(text).map(|_| ()),
            Kind::Integer(least, most) => value::integer(text, least, most),
            Kind::Uri => value::uri(text),
            Kind::Attachment => match property.parameter("VALUE") {
                Some(v) if v.eq_ignore_ascii_case("BINARY") => {
                    if property.parameter("ENCODING").is_some_and(|e| e.eq_ignore_ascii_case("BASE64")) {
                        value::binary(text)
                    } else {
                        Err("a binary value needs ENCODING=BASE64")
                    }
                }
                _ => value::uri(text),
            },
            Kind::Offset => value::utc_offset(text),
            Kind::Geo => value::geo(text),
            Kind::Periods => text.split(',').try_for_each(value::period),
            Kind::Recurrence | Kind::Any => Ok(()),
        }
    }

    fn zone(&mut self, component: &Component, property: &ContentLine, kind: Kind) {
        let Some(zone) = property.parameter("TZID") else { return };
        if kind == Kind::UtcDateTime || property.value.ends_with('Z') {
            self.tell(Severity::Error, "zone-and-utc", component, Some(property), "a moment in UTC has no TZID", "3.2.19");
        } else if is_date(property) {
            self.tell(Severity::Error, "zone-and-date", component, Some(property), "a date has no TZID", "3.2.19");
        } else if !zone.starts_with('/') && !self.zones.contains(zone) {
            let finding = Finding::error("zone-undefined", "the calendar holds no VTIMEZONE with this TZID");
            let finding = finding.at(format!("{}/{}", component.path, property.name)).position(Some(property.position()));
            self.findings.push(finding.expected("a VTIMEZONE with the same TZID").observed(zone).clause("RFC 5545 section 3.2.19"));
        }
    }
}

/// The day of the week, as rules name it.
fn week_day(day: Date) -> &'static str {
    // The first of January 1970 was a Thursday.
    let index = usize::try_from(day.days().rem_euclid(7)).unwrap_or_default();
    ["TH", "FR", "SA", "SU", "MO", "TU", "WE"].get(index).copied().unwrap_or_default()
}

fn is_date(property: &ContentLine) -> bool {
    property.parameter("VALUE").is_some_and(|v| v.eq_ignore_ascii_case("DATE"))
}

fn moment(property: &ContentLine) -> Option<Moment> {
    if is_date(property) {
        return value::date(&property.value).ok().map(|day| (day, None));
    }
    value::date_time(&property.value).ok().map(|(day, time, _)| (day, Some(time)))
}

/// A comma or semicolon without a backslash.
fn unescaped(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let found = !escaped && matches!(c, ',' | ';');
        escaped = c == '\\' && !escaped;
        found
    })
}

#[cfg(test)]
mod tests;
