//! SCAIP messages: the XML that social alarms send (`mrq`) and get back (`mrs`), SS 91100 and
//! CLC/TS 50134-9.
//!
//! The standard is sold and was not used. What is compulsory, which elements and values there are, comes
//! from open implementations that agree with each other; where only a length or a pattern is broken, or
//! real devices are known to differ (blanks around a value, codes without their zeros), that is a
//! warning with what a receiver has to repair. A code that no open list has is an open question.
//!
//! A message names a person by number, address and place. Those values, and free text, are never shown:
//! a finding tells their length and form.

mod code;
mod element;

use std::collections::BTreeMap;

use roxmltree::Node;

use self::element::{ANSWER, Element, REQUEST, Value};
use super::date_time;
use super::findings::Findings;
use super::xml;
use crate::verdict::{Finding, Severity};

/// A MESSAGE over UDP should not be larger than this (RFC 3428 section 8), in bytes.
const UDP_SIZE: usize = 1300;

const CLAUSE: &str = "SCAIP (SS 91100, CLC/TS 50134-9), message elements";

/// Which of the two a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `mrq`: an alarm, a reset, an information or a heartbeat.
    Request,
    /// `mrs`: the receiver's answer.
    Answer,
}

/// A message as it was read: its values after trimming, by element. Codes keep the digits they came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Request or answer.
    pub kind: Kind,
    values: BTreeMap<String, Vec<String>>,
}

impl Message {
    /// The first value of an element.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|values| values.first()).map(String::as_str)
    }
    /// Every value of an element that may repeat.
    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }
    /// A code with its zeros: `2` becomes `0002` for `dty`. `None` when it is absent or not a number.
    pub fn code(&self, name: &str) -> Option<String> {
        let elements = match self.kind {
            Kind::Request => REQUEST,
            Kind::Answer => ANSWER,
        };
        let value = self.get(name)?;
        elements.iter().find(|e| e.name == name).and_then(|e| match e.value {
            Value::Code(width, _) => padded(value, width),
            Value::Text(_)
            | Value::OneOf(_)
            | Value::Digits(_)
            | Value::Reference(_)
            | Value::Version
            | Value::Address
            | Value::Position => None,
        })
    }
    /// What a code means, in our words; `None` when no open list has it.
    pub fn meaning(&self, name: &str) -> Option<&'static str> {
        let code = self.code(name)?;
        let list = match name {
            "dty" => code::DEVICE_TYPES,
            "dco" => code::COMPONENTS,
            "stc" => code::STATUS,
            "lco" => code::LOCATIONS,
            "snu" => element::STATUS_NUMBERS,
            _ => return None,
        };
        meaning(list, &code)
    }
}

/// Judges one message.
pub(super) fn judge(bytes: &[u8]) -> Vec<Finding> {
    read(bytes).1
}

/// Reads one message and judges it. There is a message as long as the root element is one of the two.
pub fn read(bytes: &[u8]) -> (Option<Message>, Vec<Finding>) {
    let mut findings = Findings::default();
    let message = xml::text(bytes, &mut findings).and_then(|text| {
        let document = xml::document(text, &mut findings)?;
        if text.len() > UDP_SIZE {
            findings.push(
                Finding::warning("message-size", "the message is larger than a MESSAGE over UDP should be")
                    .expected(format!("at most {UDP_SIZE} bytes, or TCP or TLS"))
                    .observed(&format!("{} bytes", text.len()))
                    .clause("RFC 3428 section 8"),
            );
        }
        message(document.root_element(), &mut findings)
    });
    (message, findings.finish())
}

/// Judges an answer against the request it is for: the reference is the only key between the two.
pub fn judge_answer(request: &Message, answer: &Message) -> Vec<Finding> {
    let (asked, echoed) = (request.get("ref").unwrap_or_default(), answer.get("ref").unwrap_or_default());
    if answer.kind != Kind::Answer || asked != echoed {
        return vec![
            Finding::error("ref-echo", "the answer does not carry the reference of the request")
                .at("/mrs/ref")
                .expected(asked)
                .observed(echoed)
                .clause(CLAUSE),
        ];
    }
    let mut findings = Vec::new();
    let mut warn = |rule: &str, at: &str, message: &str| findings.push(Finding::warning(rule, message).at(at).clause(CLAUSE));
    let offers_voice = answer.get("mre").is_some_and(|mre| mre != "0");
    if offers_voice && request.get("mty") == Some("PI") {
        warn("call-after-heartbeat", "/mrs/mre", "a voice call is offered in answer to a heartbeat");
    }
    let addresses = request.all("crd");
    if offers_voice && !addresses.is_empty() && addresses.iter().all(|address| address.starts_with("no-voice:")) {
        warn("call-without-voice", "/mrs/mre", "a voice call is offered to a device that says it has no voice");
    }
    // Without `hbo` the rhythm is fixed.
    let is_fixed = request.get("hbo").is_none_or(|hbo| hbo.bytes().all(|b| b == b'0'));
    if answer.get("hbi").is_some() && is_fixed {
        warn("heartbeat-fixed", "/mrs/hbi", "another rhythm of heartbeats is asked of a device that did not say it can change it");
    }
    findings
}

fn message(root: Node<'_, '_>, findings: &mut Findings) -> Option<Message> {
    let (kind, elements) = match root.tag_name().name() {
        "mrq" => (Kind::Request, REQUEST),
        "mrs" => (Kind::Answer, ANSWER),
        other => {
            let hint = match other {
                "scaip" => "the root element is the one some receivers use in both directions",
                "MRQ" | "MRS" | "Mrq" | "Mrs" => "the root element is written with capitals",
                _ => "the root element is none of SCAIP's",
            };
            findings.push(
                Finding::error("root", hint)
                    .at(format!("/{other}"))
                    .position(Some(xml::position(root)))
                    .expected("mrq or mrs")
                    .observed(other)
                    .clause(CLAUSE),
            );
            return None;
        }
    };
    let name = root.tag_name().name();
    if root.tag_name().namespace().is_some() {
        findings.push(about(root, Severity::Warning, "namespace", "the message has a namespace; SCAIP has none"));
    }
    if let Some(attribute) = root.descendants().find(|node| node.attributes().len() > 0) {
        findings.push(about(attribute, Severity::Warning, "attribute", "an element has an attribute; SCAIP has none"));
    }
    stray_text(root, findings);
    let mut message = Message { kind, values: BTreeMap::new() };
    for child in root.children().filter(Node::is_element) {
        let tag = child.tag_name().name();
        let Some(element) = elements.iter().find(|e| e.name == tag) else {
            if kind == Kind::Request && tag == "mreq" {
                findings.push(about(child, Severity::Warning, "extension", "`mreq` is a later addition that not every receiver knows"));
            } else {
                let other = if kind == Kind::Request { ANSWER } else { REQUEST };
                let what = if other.iter().any(|e| e.name == tag) {
                    "it belongs to the other kind of message"
                } else {
                    "SCAIP has no such element"
                };
                findings.push(
                    Finding::error("element", format!("an element that a message does not have: {what}"))
                        .at(format!("/{name}/{tag}"))
                        .position(Some(xml::position(child)))
                        .expected("an element of the standard")
                        .observed(tag)
                        .clause(CLAUSE),
                );
            }
            continue;
        };
        let seen = message.values.entry(tag.to_owned()).or_default();
        if !seen.is_empty() && !element.repeatable {
            findings.push(about(child, Severity::Error, "repeated", &format!("`{tag}` stands more than once")));
            continue;
        }
        let raw = if matches!(element.value, Value::Position) {
            position(child, findings);
            String::new()
        } else {
            if child.children().any(|inner| inner.is_element()) {
                findings.push(about(child, Severity::Error, "nested", &format!("`{tag}` holds elements; it must hold a value")));
            }
            child.text().unwrap_or_default().to_owned()
        };
        let value = raw.trim();
        if value != raw && !matches!(element.value, Value::Text(_)) {
            findings.push(about(
                child,
                Severity::Warning,
                "blanks",
                &format!("blanks stand around the value of `{tag}`; a receiver has to remove them"),
            ));
        }
        seen.push(value.to_owned());
        judge_value(element, value, child, findings);
    }
    for element in elements.iter().filter(|e| e.compulsory) {
        match message.get(element.name) {
            None => findings.push(
                Finding::error("compulsory", format!("`{}` is missing; the message must have it", element.name))
                    .at(format!("/{name}"))
                    .position(Some(xml::position(root)))
                    .expected(format!("an element `{}`", element.name))
                    .clause(CLAUSE),
            ),
            Some("") => findings.push(
                Finding::error("compulsory", format!("`{}` is empty; the message must have a value there", element.name))
                    .at(format!("/{name}/{}", element.name))
                    .position(Some(xml::position(root)))
                    .expected("a value")
                    .clause(CLAUSE),
            ),
            Some(_) => {}
        }
    }
    match kind {
        Kind::Answer => answer_rules(&message, root, findings),
        Kind::Request => request_rules(&message, root, findings),
    }
    Some(message)
}

fn about(node: Node<'_, '_>, severity: Severity, rule: &str, message: &str) -> Finding {
    Finding::new(rule, severity, message).at(path(node)).position(Some(xml::position(node))).clause(CLAUSE)
}

fn path(node: Node<'_, '_>) -> String {
    let mut names: Vec<&str> = node.ancestors().filter(Node::is_element).map(|n| n.tag_name().name()).collect();
    names.reverse();
    names.iter().fold(String::new(), |mut path, name| {
        path.push('/');
        path.push_str(name);
        path
    })
}

/// Text beside the elements of a container.
fn stray_text(node: Node<'_, '_>, findings: &mut Findings) {
    if let Some(text) = node.children().find(|child| child.is_text() && child.text().is_some_and(|t| !t.trim().is_empty())) {
        let finding = Finding::warning("text", "text stands between the elements").at(path(node)).position(Some(xml::position(text)));
        findings.push(finding.clause(CLAUSE));
    }
}

fn judge_value(element: &Element, value: &str, node: Node<'_, '_>, findings: &mut Findings) {
    // An empty compulsory element is told once, as such; another empty one counts as absent.
    if value.is_empty() {
        return;
    }
    let name = element.name;
    let mut tell = |severity, rule: &str, message: String, expected: String| {
        let shown = if element.personal { masked(value) } else { value.to_owned() };
        findings.push(about(node, severity, rule, &message).expected(expected).observed(&shown));
    };
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    match element.value {
        Value::Text(most) => {
            if value.chars().count() > most {
                tell(
                    Severity::Warning,
                    "length",
                    format!("`{name}` is longer than open implementations take"),
                    format!("at most {most} characters"),
                );
            }
        }
        Value::OneOf(values) => {
            if !values.contains(&value) {
                tell(Severity::Error, "value", format!("`{name}` has a value that there is not"), format!("one of {}", values.join(", ")));
            }
        }
        Value::Code(width, list) => match padded(value, width) {
            None => tell(Severity::Error, "code", format!("`{name}` is not a code: it must be digits"), format!("{width} digits")),
            Some(code) => {
                if meaning(list, &code).is_none() {
                    let message = format!("no open list has this code for `{name}`; the standard's own list would have to be asked");
                    tell(Severity::Open, "code-unknown", message, "a code of the standard".into());
                } else if code != value {
                    let message = format!("the code in `{name}` is not written with {width} digits; a receiver has to repair it");
                    tell(Severity::Warning, "padding", message, code);
                }
            }
        },
        Value::Digits(most) => {
            if !digits || value.len() > most {
                tell(
                    Severity::Warning,
                    "pattern",
                    format!("`{name}` is not what open implementations take"),
                    format!("one to {most} digits"),
                );
            }
        }
        Value::Reference(most) => {
            if value.len() > most || !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
                let message = format!("`{name}` is not what open implementations take");
                tell(Severity::Warning, "pattern", message, format!("one to {most} letters and digits"));
            }
        }
        Value::Version => {
            let sound = value.len() == 5 && value.bytes().enumerate().all(|(i, b)| if i == 2 { b == b'.' } else { b.is_ascii_digit() });
            if !sound {
                tell(Severity::Warning, "pattern", format!("`{name}` is not a version"), "two digits, a point, two digits".into());
            }
        }
        Value::Address => {
            let known = ["no-voice", "gsm", "sip", "sips", "sip-pp", "tel"];
            match value.split_once(':') {
                Some((scheme, rest)) if known.contains(&scheme) => {
                    if rest.trim_start_matches('+').is_empty() && matches!(scheme, "gsm" | "tel") {
                        tell(
                            Severity::Warning,
                            "address-bare",
                            format!("`{name}` names a way to call but no number"),
                            "a number behind the scheme".into(),
                        );
                    }
                }
                _ => tell(
                    Severity::Warning,
                    "address",
                    format!("`{name}` does not begin with a known way to call"),
                    format!("one of {}", known.join(", ")),
                ),
            }
        }
        Value::Position => {}
    }
}

/// `lge`: `geo`, `tim`, `gga`.
fn position(node: Node<'_, '_>, findings: &mut Findings) {
    stray_text(node, findings);
    let mut seen: Vec<&str> = Vec::new();
    for child in node.children().filter(Node::is_element) {
        let tag = child.tag_name().name();
        let value = child.text().unwrap_or_default().trim();
        if seen.contains(&tag) {
            findings.push(about(child, Severity::Error, "repeated", &format!("`{tag}` stands more than once")));
        }
        seen.push(tag);
        match tag {
            "geo" => {
                let parts: Option<Vec<f64>> = value.split(',').map(|part| part.trim().parse().ok()).collect();
                match parts.as_deref() {
                    Some([latitude, longitude]) if latitude.abs() <= 90.0 && longitude.abs() <= 180.0 => {}
                    Some([_, _]) => {
                        let finding = about(child, Severity::Error, "position", "`geo` is no place on earth");
                        findings.push(finding.expected("latitude -90 to 90, longitude -180 to 180").observed("[position]"));
                    }
                    _ => findings.push(
                        about(child, Severity::Warning, "pattern", "`geo` is not two numbers with a comma between them")
                            .observed("[position]"),
                    ),
                }
            }
            "tim" => {
                // 2026-11-22T07:00:00+00: RFC 3339 but for the minutes of the offset.
                if date_time::date_time(value).is_err() && date_time::date_time(&format!("{value}:00")).is_err() {
                    findings.push(about(child, Severity::Warning, "pattern", "`tim` is not a date and time with offset").observed(value));
                }
            }
            "gga" => {
                if !gga_checksum(value) {
                    findings.push(
                        about(child, Severity::Warning, "pattern", "`gga` is not a GGA sentence with a matching checksum")
                            .observed("[position]"),
                    );
                }
            }
            _ => findings
                .push(about(child, Severity::Error, "element", "a position has no such element").expected("geo, tim, gga").observed(tag)),
        }
    }
}

/// NMEA 0183: the exclusive or of everything between `$` and `*`.
fn gga_checksum(sentence: &str) -> bool {
    let Some((body, sum)) = sentence.trim_start_matches('$').split_once('*') else {
        return sentence.contains("GGA");
    };
    let computed = body.bytes().fold(0u8, |sum, byte| sum ^ byte);
    body.contains("GGA") && u8::from_str_radix(sum.trim(), 16).is_ok_and(|stated| stated == computed)
}

fn request_rules(message: &Message, root: Node<'_, '_>, findings: &mut Findings) {
    let mut ways: Vec<&str> = message.all("crd").iter().filter_map(|address| address.split_once(':')).map(|(way, _)| way).collect();
    ways.sort_unstable();
    if ways.windows(2).any(|pair| pair.first() == pair.last()) {
        findings.push(about(
            root,
            Severity::Warning,
            "address-twice",
            "`crd` gives two numbers for one way to call; a receiver cannot tell which to take",
        ));
    }
    if ways.len() > 1 && ways.contains(&"no-voice") {
        findings.push(about(
            root,
            Severity::Warning,
            "address-contradiction",
            "`crd` says that there is no voice and gives a number for it",
        ));
    }
    if message.get("lva").is_some_and(|value| !value.is_empty()) && message.get("lco").is_none() {
        findings.push(about(root, Severity::Warning, "location-value-alone", "`lva` adds to `lco`, which is not there"));
    }
}

fn answer_rules(message: &Message, root: Node<'_, '_>, findings: &mut Findings) {
    let has_number = !message.all("tnu").is_empty();
    let wants_number = message.get("cre") == Some("62");
    if wants_number && !has_number {
        findings.push(
            about(root, Severity::Error, "number-missing", "the device shall call a number, but no `tnu` gives one")
                .expected("an element `tnu`"),
        );
    }
    if has_number && !wants_number {
        findings.push(about(root, Severity::Warning, "number-unused", "`tnu` gives a number, but `cre` does not say to call it"));
    }
    let refused = message.code("snu").is_some_and(|snu| snu != "0");
    if refused && message.get("mre").is_some_and(|mre| mre != "0") {
        findings.push(about(root, Severity::Warning, "call-after-refusal", "the message is refused, yet a voice call is offered"));
    }
}

/// The code with zeros in front up to its width; `None` when it is not digits.
fn padded(value: &str, width: usize) -> Option<String> {
    if value.is_empty() || !value.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Zeros in front of a code that is wide enough already are dropped: `0` and `00` are the same number.
    let number = value.trim_start_matches('0');
    Some(format!("{number:0>width$}"))
}

fn meaning(list: &[(&'static str, &'static str)], code: &str) -> Option<&'static str> {
    list.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

/// What may be told of a value that names a person: its scheme and its length.
fn masked(value: &str) -> String {
    let (scheme, rest) = match value.split_once(':') {
        Some((scheme, rest)) if ["no-voice", "gsm", "sip", "sips", "sip-pp", "tel"].contains(&scheme) => (format!("{scheme}:"), rest),
        _ => (String::new(), value),
    };
    format!("{scheme}[{} characters]", rest.chars().count())
}

#[cfg(test)]
mod tests;
