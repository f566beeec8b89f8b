use proptest::prelude::*;

use super::judge;
use crate::verdict::Severity;

const VISIT: &str = "BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//care//EN
BEGIN:VTIMEZONE
TZID:Europe/Warsaw
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.org
DTSTAMP:20261101T080000Z
DTSTART;TZID=Europe/Warsaw:20261123T080000
DTEND;TZID=Europe/Warsaw:20261123T090000
SUMMARY:Visit\\, morning
RRULE:FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20271231T000000Z
STATUS:CONFIRMED
GEO:52.2;21.0
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT15M
DESCRIPTION:Soon
END:VALARM
END:VEVENT
BEGIN:VTODO
UID:2@example.org
DTSTAMP:20261101T080000Z
DTSTART;VALUE=DATE:20261122
DUE;VALUE=DATE:20261123
PRIORITY:1
END:VTODO
END:VCALENDAR
";

fn judged(text: &str) -> Vec<crate::verdict::Finding> {
    judge(text.replace('\n', "\r\n").as_bytes())
}

#[test]
fn a_sound_calendar_is_silent() {
    assert_eq!(judged(VISIT), []);
    assert_eq!(judge(VISIT.as_bytes()).iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["line-break"]);
    let received = VISIT
        .replace("VERSION:2.0", "VERSION:2.0\nMETHOD:REQUEST")
        .replace("DTSTART;TZID=Europe/Warsaw:20261123T080000\nDTEND;TZID=Europe/Warsaw:20261123T090000\n", "");
    let rules: Vec<(Severity, String)> = judged(&received).into_iter().map(|f| (f.severity, f.rule)).collect();
    // No start, organizer or attendee, and a task beside: RFC 5546 wants otherwise, RFC 5545 does not.
    assert_eq!(rules, vec![(Severity::Warning, "method".to_owned()); 4], "with METHOD an event needs no start");
}

#[test]
fn each_fault_has_its_own_rule() {
    let (error, warning) = (Severity::Error, Severity::Warning);
    for (from, to, severity, rule) in [
        ("PRODID:-//example//care//EN\n", "", error, "required"),
        ("VERSION:2.0", "VERSION:3.0", error, "version"),
        ("VERSION:2.0\n", "VERSION:2.0\nVERSION:2.0\n", error, "multiplicity"),
        ("UID:1@example.org\n", "", error, "required"),
        ("UID:1@example.org\n", "UID:2@example.org\n", warning, "uid-twice"),
        ("DTSTAMP:20261101T080000Z\nDTSTART;TZID", "DTSTART;TZID", error, "required"),
        ("DTSTAMP:20261101T080000Z\nDTSTART;TZID", "DTSTAMP:20261101T080000\nDTSTART;TZID", error, "value"),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DTEND;TZID=Europe/Warsaw:20261123T080000\n", error, "end-before-start"),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DTEND;VALUE=DATE:20261122\n", error, "end-type"),
        (
            "DTEND;TZID=Europe/Warsaw:20261123T090000\n",
            "DTEND;TZID=Europe/Warsaw:20261123T090000\nDURATION:PT1H\n",
            error,
            "end-and-duration",
        ),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DURATION:P1Y\n", error, "value"),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DURATION:-PT1H\n", error, "duration-negative"),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DTEND;TZID=Europe/Berlin:20261123T090000\n", error, "zone-undefined"),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DTEND;TZID=Europe/Warsaw:20261132T090000\n", error, "value"),
        ("DTEND;TZID=Europe/Warsaw:20261123T090000\n", "DTEND;TZID=Europe/Warsaw:20261123T090000Z\n", error, "zone-and-utc"),
        ("SUMMARY:Visit\\, morning", "SUMMARY:Visit, morning", warning, "text-escape"),
        ("SUMMARY:Visit\\, morning", "SUMMARY:Visit\\q", error, "value"),
        ("SUMMARY:Visit\\, morning", "SUMMARY:Visit\nSUMMARY:Visit", error, "multiplicity"),
        ("UNTIL=20271231T000000Z", "UNTIL=20271231", error, "until-type"),
        ("UNTIL=20271231T000000Z", "UNTIL=20271231T000000", error, "until-type"),
        ("BYDAY=MO,TH", "BYDAY=MO,XX", error, "recurrence"),
        ("BYDAY=MO,TH", "BYDAY=TU,TH", warning, "start-outside-rule"),
        ("BYDAY=MO,TH", "BYDAY=MO,TH;BYMONTH=13", error, "recurrence"),
        ("DTSTART;VALUE=DATE:20261122\n", "DTSTART;VALUE=DATE:20261122\nRRULE:FREQ=DAILY;BYHOUR=9\n", error, "rrule-time-of-date"),
        ("STATUS:CONFIRMED", "EXDATE;VALUE=DATE:20261126", warning, "exception-type"),
        ("BYDAY=-1SU\n", "BYDAY=-1SU;UNTIL=20301231T000000\n", error, "until-type"),
        ("VERSION:2.0\n", "VERSION:2.0\nREFRESH-INTERVAL:PT1H\n", warning, "value-type"),
        ("VERSION:2.0\n", "VERSION:2.0\nCOLOR:red\nCOLOR:blue\n", error, "multiplicity"),
        (
            "END:VTODO\n",
            "END:VTODO\nBEGIN:VFREEBUSY\nUID:3@example.org\nDTSTAMP:20261101T080000Z\nFREEBUSY:20261123T080000/PT1H\nEND:VFREEBUSY\n",
            error,
            "free-busy-utc",
        ),
        ("STATUS:CONFIRMED", "STATUS:DONE", error, "value"),
        ("STATUS:CONFIRMED", "TRANSP:MAYBE", error, "value"),
        ("STATUS:CONFIRMED", "STATE:CONFIRMED", warning, "property-unknown"),
        ("STATUS:CONFIRMED", "X-STATE:CONFIRMED", error, ""),
        ("GEO:52.2;21.0", "GEO:92.2;21.0", error, "value"),
        ("TRIGGER:-PT15M\n", "", error, "required"),
        ("TRIGGER:-PT15M\n", "TRIGGER:-PT15M\nREPEAT:3\n", error, "alarm-repeat"),
        ("DESCRIPTION:Soon\n", "", error, "required"),
        ("END:VALARM\n", "", error, "nesting"),
        ("END:VCALENDAR\n", "", error, "nesting"),
        ("BEGIN:VALARM", "BEGIN:VTODO", error, "nesting"),
        ("PRIORITY:1", "PRIORITY:11", error, "value"),
        ("DUE;VALUE=DATE:20261123", "DUE;VALUE=DATE:20261122", error, "end-before-start"),
        ("DUE;VALUE=DATE:20261123", "DURATION:PT1H", error, "duration-of-days"),
        ("DUE;VALUE=DATE:20261123", "DUE;VALUE=TEXT:20261123", error, "value-type"),
        ("TZOFFSETTO:+0100\n", "", error, "required"),
        ("TZOFFSETTO:+0100\n", "TZOFFSETTO:0100\n", error, "value"),
        ("DTSTART:19701025T030000", "DTSTART:19701025T030000Z", error, "zone-start"),
    ] {
        assert!(VISIT.contains(from), "{from}");
        let findings = judged(&VISIT.replacen(from, to, 1));
        if rule.is_empty() {
            assert_eq!(findings, [], "{to}");
            continue;
        }
        let mut of: Vec<&str> = findings.iter().filter(|f| f.severity == severity).map(|f| f.rule.as_str()).collect();
        of.dedup();
        // A component that is not closed swallows what follows: those are later consequences.
        assert_eq!(of.first(), Some(&rule), "{from} -> {to}: {findings:#?}");
        if rule != "nesting" && rule != "zone-start" {
            assert_eq!(of.len(), 1, "{from} -> {to}: {findings:#?}");
        }
        assert!(findings.iter().all(|f| f.position.is_some()), "{findings:#?}");
    }
}

#[test]
fn an_empty_text_is_no_calendar() {
    assert_eq!(judge(b"").iter().map(|f| f.rule.as_str()).collect::<Vec<_>>(), ["calendar"]);
    assert_eq!(judge(b"\xff")[0].rule, "utf-8");
}

proptest! {
    #[test]
    fn a_value_that_is_none_is_named_at_its_line(pick in 0usize..10_000) {
        let typed = ["DTSTART", "DTEND", "DTSTAMP", "RRULE", "GEO", "PRIORITY", "TRIGGER", "TZOFFSETTO", "TZOFFSETFROM", "DUE", "STATUS", "VERSION"];
        let lines: Vec<&str> = VISIT.lines().collect();
        let places: Vec<usize> = (0..lines.len()).filter(|i| typed.iter().any(|name| lines[*i].starts_with(name))).collect();
        let at = places[pick % places.len()];
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        changed[at] = format!("{}:?", lines[at].split(':').next().unwrap());
        let findings = judged(&(changed.join("\n") + "\n"));
        let line = u32::try_from(at + 1).unwrap();
        let named = findings.iter().any(|f| f.severity == Severity::Error && f.position.is_some_and(|p| p.line == line));
        prop_assert!(named, "{}: {findings:#?}", changed[at]);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[A-Z:;=,\\r\\n \"0-9TZ/-]{0,300}") {
        judge(text.as_bytes());
        judge(format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:{text}\r\nDTSTART:{text}\r\nDURATION:{text}\r\n").as_bytes());
    }
}
