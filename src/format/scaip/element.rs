//! The elements of a SCAIP request and answer, as the open implementations agree on them.

/// How an element's value is judged.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// Free text of at most so many characters.
    Text(usize),
    /// One of these, exactly.
    OneOf(&'static [&'static str]),
    /// Digits, left-padded with zeros to this width, of a code list that may not be complete.
    Code(usize, &'static [(&'static str, &'static str)]),
    /// Digits, at most so many.
    Digits(usize),
    /// Letters and digits, at most so many.
    Reference(usize),
    /// Two digits, a point, two digits.
    Version,
    /// Where to call: a scheme and what follows it.
    Address,
    /// The container of a position.
    Position,
}

/// One element of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) name: &'static str,
    pub(super) compulsory: bool,
    pub(super) repeatable: bool,
    /// Its value names or places a person, or is free text, and is never shown.
    pub(super) personal: bool,
    pub(super) value: Value,
}

const fn element(name: &'static str, value: Value) -> Element {
    Element { name, compulsory: false, repeatable: false, personal: false, value }
}

impl Element {
    const fn compulsory(mut self) -> Self {
        self.compulsory = true;
        self
    }
    const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
    const fn personal(mut self) -> Self {
        self.personal = true;
        self
    }
}

use super::code::{COMPONENTS, DEVICE_TYPES, LOCATIONS, STATUS};

/// The elements of a request, `mrq`.
pub(super) const REQUEST: &[Element] = &[
    element("ref", Value::Reference(16)).compulsory(),
    element("ver", Value::Version),
    element("sco", Value::OneOf(&["0", "1", "2", "3"])),
    element("cha", Value::OneOf(&["0", "1"])),
    element("mty", Value::OneOf(&["ME", "RE", "IN", "PI"])),
    element("hbo", Value::Digits(3)),
    element("cid", Value::Digits(16)).compulsory().personal(),
    element("dty", Value::Code(4, DEVICE_TYPES)).compulsory(),
    element("did", Value::Text(12)).personal(),
    element("dco", Value::Code(3, COMPONENTS)),
    element("dte", Value::Text(32)).personal(),
    element("crd", Value::Address).repeatable().personal(),
    element("stc", Value::Code(4, STATUS)),
    element("stt", Value::Text(32)).personal(),
    element("pri", Value::Digits(1)),
    element("lco", Value::Code(3, LOCATIONS)),
    element("lva", Value::Text(2)).personal(),
    element("lge", Value::Position).personal(),
    element("lte", Value::Text(32)).personal(),
    element("ico", Value::Digits(3)),
    element("ite", Value::Text(128)).personal(),
    element("ame", Value::Digits(1)),
];

/// The elements of an answer, `mrs`.
pub(super) const ANSWER: &[Element] = &[
    element("ref", Value::Reference(16)).compulsory(),
    element("snu", Value::Code(1, STATUS_NUMBERS)).compulsory(),
    element("ste", Value::Text(128)).personal(),
    element("cve", Value::Version),
    element("mre", Value::OneOf(&["0", "1", "2", "3"])),
    element("cre", Value::Code(2, CALL_REPLIES)),
    element("tnu", Value::Address).repeatable().personal(),
    element("hbi", Value::Digits(3)),
];

/// Status numbers of an answer, `snu`. 99 is one receiver's own.
pub(super) const STATUS_NUMBERS: &[(&str, &str)] = &[
    ("0", "accepted"),
    ("1", "too long"),
    ("2", "invalid format"),
    ("3", "wrong data"),
    ("4", "hold"),
    ("5", "not treated"),
    ("6", "busy"),
    ("7", "compulsory element missing"),
];

const CALL_REPLIES: &[(&str, &str)] = &[("61", "call the receiver that is set"), ("62", "call the number given")];
