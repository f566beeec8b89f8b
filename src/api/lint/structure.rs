//! Whether a document has the structure its specification gives it.
//!
//! The objects of each edition are tables ([`Shape`]), written from the specifications' text; one walk
//! holds a document against them and names every deviation with its place.

use serde_json::{Map, Value};

use super::Desk;
use crate::api::description::{Edition, Spot};

/// Editions in which a field exists.
#[derive(Clone, Copy)]
pub(super) struct Since(u8);

/// Every edition that the table serves.
pub(super) const ALWAYS: Since = Since(0b111);
/// OpenAPI 3.0 only.
pub(super) const ONLY_30: Since = Since(0b001);
/// OpenAPI 3.0 and 3.1.
pub(super) const UNTIL_31: Since = Since(0b011);
/// OpenAPI 3.1 and later.
pub(super) const FROM_31: Since = Since(0b110);
/// OpenAPI 3.2.
pub(super) const FROM_32: Since = Since(0b100);

impl Since {
    fn holds(self, edition: Edition) -> bool {
        let bit = match edition {
            Edition::OpenApi30 => 0b001,
            Edition::OpenApi31 => 0b010,
            Edition::OpenApi32 => 0b100,
            Edition::Swagger20 | Edition::AsyncApi2 | Edition::AsyncApi3 => 0b111,
        };
        self.0 & bit != 0
    }
}

/// What a field's value is.
pub(super) enum Kind {
    /// Anything.
    Any,
    /// A string.
    Text,
    /// A string that is a URI or a relative reference.
    Uri,
    /// A string that is an e-mail address.
    Email,
    /// `true` or `false`.
    Flag,
    /// A whole number, not negative.
    Count,
    /// A number.
    Number,
    /// One of these strings.
    Word(&'static [&'static str]),
    /// An object of this shape.
    Object(&'static Shape),
    /// An object of this shape, or a Reference Object.
    OrReference(&'static Shape),
    /// Any names, each with a value of this kind.
    Map(&'static Kind),
    /// Component names (`^[a-zA-Z0-9._-]+$`), each with a value of this kind.
    Named(&'static Kind),
    /// A list.
    List(&'static Kind),
    /// A Schema Object.
    Schema,
}

/// A field of an object.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: Option<Since>,
    pub(super) since: Since,
}

/// A field that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: None, since: ALWAYS }
}
/// A field that must be there.
pub(super) const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: Some(ALWAYS), since: ALWAYS }
}
/// A field of some editions.
pub(super) const fn since(since: Since, name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: None, since }
}
/// A field that some editions require and all know.
pub(super) const fn required_in(editions: Since, name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: Some(editions), since: ALWAYS }
}

/// Which names an object may have beyond its fields.
pub(super) enum Names {
    /// None but extensions (`x-…`).
    Extensions,
    /// Names for which the function holds, with values of the kind; extensions too.
    Patterned(fn(&str) -> bool, Kind),
}

/// An object of a specification.
pub(super) struct Shape {
    /// As the specification names it.
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) names: Names,
    /// Rules between fields.
    pub(super) between: Option<Between>,
}

/// Tells, for an object, the field and what is wrong with it.
type Between = fn(&Map<String, Value>, &mut dyn FnMut(&str, String), Edition);

/// Holds a document against the shape of its root.
pub(super) fn judge(desk: &mut Desk<'_>, shape: &'static Shape) {
    let description = desk.description;
    let mut walk = Walk { edition: description.edition() };
    walk.object(desk, shape, description.root(), &mut Spot::root(""));
}

struct Walk {
    edition: Edition,
}

impl Walk {
    fn object(&mut self, desk: &mut Desk<'_>, shape: &'static Shape, value: &Value, at: &mut Spot) {
        let Some(object) = value.as_object() else {
            self.wrong(desk, at, shape, &format!("must be an object ({})", shape.name), value);
            return;
        };
        for field in shape.fields {
            if field.required.is_some_and(|editions| editions.holds(self.edition)) && !object.contains_key(field.name) {
                desk.at(at, format!("`{}` is missing in this {}", field.name, shape.name)).expected = format!("`{}`", field.name);
                self.clause(desk, shape);
            }
        }
        for (key, sub) in object {
            let field = shape.fields.iter().find(|f| f.name == key && f.since.holds(self.edition));
            let length = at.pointer.len();
            crate::document::push_token(&mut at.pointer, key);
            match (field, &shape.names) {
                (Some(field), _) => self.value(desk, shape, &field.kind, sub, at),
                (None, Names::Extensions | Names::Patterned(..)) if key.starts_with("x-") => {}
                (None, Names::Patterned(fits, kind)) if fits(key) => self.value(desk, shape, kind, sub, at),
                (None, _) => {
                    let elsewhere = shape.fields.iter().any(|f| f.name == key);
                    let why = if elsewhere { format!(" in {}", self.edition.name()) } else { String::new() };
                    desk.at(at, format!("{} has no field of this name{why}", shape.name)).observed =
                        Some(crate::verdict::Untrusted::new(key));
                    self.clause(desk, shape);
                }
            }
            at.pointer.truncate(length);
        }
        if let Some(between) = shape.between {
            let mut told: Vec<(String, String)> = Vec::new();
            between(object, &mut |key, message| told.push((key.to_owned(), message)), self.edition);
            for (key, message) in told {
                let spot = if key.is_empty() { at.clone() } else { at.child(&key) };
                desk.at(&spot, message);
                self.clause(desk, shape);
            }
        }
    }

    fn value(&mut self, desk: &mut Desk<'_>, shape: &'static Shape, kind: &'static Kind, value: &Value, at: &mut Spot) {
        match kind {
            Kind::Any => {}
            Kind::Text => self.demand(desk, at, shape, value.is_string(), "must be text", value),
            Kind::Uri => {
                let fits = value.as_str().is_some_and(is_uri_reference);
                self.demand(desk, at, shape, fits, "must be a URI or a relative reference", value);
            }
            Kind::Email => {
                let fits =
                    value.as_str().is_some_and(|t| t.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty()));
                self.demand(desk, at, shape, fits, "must be an e-mail address", value);
            }
            Kind::Flag => self.demand(desk, at, shape, value.is_boolean(), "must be `true` or `false`", value),
            Kind::Count => self.demand(desk, at, shape, value.is_u64(), "must be a whole number, not negative", value),
            Kind::Number => self.demand(desk, at, shape, value.is_number(), "must be a number", value),
            Kind::Word(words) => {
                let fits = value.as_str().is_some_and(|t| words.contains(&t));
                self.demand(desk, at, shape, fits, &format!("must be one of {}", words.join(", ")), value);
            }
            Kind::Object(shape) => self.object(desk, shape, value, at),
            Kind::OrReference(inner) => match value.get("$ref") {
                Some(reference) => self.demand(desk, &at.child("$ref"), shape, reference.is_string(), "must be text", reference),
                None => self.object(desk, inner, value, at),
            },
            Kind::Map(inner) | Kind::Named(inner) => {
                let Some(map) = value.as_object() else {
                    self.wrong(desk, at, shape, "must be an object that maps names to values", value);
                    return;
                };
                let named = matches!(kind, Kind::Named(_));
                for (key, sub) in map {
                    let length = at.pointer.len();
                    crate::document::push_token(&mut at.pointer, key);
                    if named && !is_component_name(key) {
                        desk.at(at, "the name of a component has only letters, digits, `.`, `-` and `_`").observed =
                            Some(crate::verdict::Untrusted::new(key));
                        self.clause(desk, shape);
                    }
                    self.value(desk, shape, inner, sub, at);
                    at.pointer.truncate(length);
                }
            }
            Kind::List(inner) => match value.as_array() {
                Some(items) => self.items(desk, shape, inner, items, at),
                None => self.wrong(desk, at, shape, "must be a list", value),
            },
            // Schemas have a rule of their own, which visits each of them.
            Kind::Schema => {
                let fits = value.is_object() || (value.is_boolean() && self.edition.is_json_schema());
                self.demand(desk, at, shape, fits, "must be a Schema Object", value);
            }
        }
    }
    fn items(&mut self, desk: &mut Desk<'_>, shape: &'static Shape, kind: &'static Kind, items: &[Value], at: &mut Spot) {
        for (index, sub) in items.iter().enumerate() {
            let length = at.pointer.len();
            crate::document::push_token(&mut at.pointer, &index.to_string());
            self.value(desk, shape, kind, sub, at);
            at.pointer.truncate(length);
        }
    }

    fn demand(&self, desk: &mut Desk<'_>, at: &Spot, shape: &'static Shape, fits: bool, message: &str, value: &Value) {
        if !fits {
            self.wrong(desk, at, shape, message, value);
        }
    }

    fn wrong(&self, desk: &mut Desk<'_>, at: &Spot, shape: &'static Shape, message: &str, value: &Value) {
        let shown = match value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        };
        desk.at(at, message).observed = Some(crate::verdict::Untrusted::new(&shown));
        self.clause(desk, shape);
    }

    fn clause(&self, desk: &mut Desk<'_>, shape: &'static Shape) {
        if let Some(finding) = desk.last() {
            finding.clause = format!("{}, {}", self.edition.name(), shape.name);
        }
    }
}

/// Names that Components may have.
fn is_component_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// A URI or relative reference (RFC 3986, section 4.1): no blanks, controls or brackets that only IRIs have.
pub(super) fn is_uri_reference(text: &str) -> bool {
    // Templates stand in server addresses; `{` and `}` are allowed for them.
    !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\' | '^' | '`' | '|'))
}
