//! From an operation and what is known to a request that can be sent.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::PlanOptions;
use super::resource::{Instance, Instances, names_a_reference, template_names};
use crate::api::description::{Description, Direction, Media, Operation, Parameter, ParameterPlace, SchemeKind, Spot, percent_encoded};
use crate::api::exchange::{essence, is_json};
use crate::api::generate::{Flat, Maker, Variant, reads_as, serialise};

/// A request in parts, so that one part can be changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub(super) operation: usize,
    pub(super) method: String,
    /// Values of the path's templates, in order.
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
    pub(super) body: Payload,
    /// Something in it was guessed.
    pub(super) guess: bool,
    /// Every value in it is one of the description's own examples.
    pub(super) documented: bool,
    /// Another address than the operation's, for pages and locations.
    pub(super) address: Option<String>,
    pub(super) accept: Option<String>,
}

/// A body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Payload {
    None,
    /// A value in a media type.
    Value {
        media_type: String,
        value: Value,
    },
    /// Bytes under any media type or none.
    Raw {
        media_type: Option<String>,
        bytes: Vec<u8>,
    },
}

impl Payload {
    pub(super) fn value(&self) -> Option<&Value> {
        match self {
            Self::Value { value, .. } => Some(value),
            Self::None | Self::Raw { .. } => None,
        }
    }

    /// The bytes on the wire and their media type.
    pub(super) fn encode(&self) -> (Vec<u8>, Option<String>) {
        match self {
            Self::None => (Vec::new(), None),
            Self::Raw { media_type, bytes } => (bytes.clone(), media_type.clone()),
            Self::Value { media_type, value } => match essence(media_type).as_str() {
                "application/x-www-form-urlencoded" => (form(value).into_bytes(), Some(media_type.clone())),
                "multipart/form-data" => (multipart(value).into_bytes(), Some(format!("multipart/form-data; boundary={BOUNDARY}"))),
                other if is_json(other) => (value.to_string().into_bytes(), Some(media_type.clone())),
                _ => (value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes(), Some(media_type.clone())),
            },
        }
    }
}

const BOUNDARY: &str = "probity-boundary-7d1f";

fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn form(value: &Value) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => items.iter().for_each(|item| {
                out.append_pair(name, &scalar(item));
            }),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                out.append_pair(name, &scalar(other));
            }
        }
    }
    out.finish()
}

fn multipart(value: &Value) -> String {
    let mut out = String::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        out.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
            name.replace('"', "%22"),
            scalar(value)
        ));
    }
    out.push_str(&format!("--{BOUNDARY}--\r\n"));
    out
}

/// The media type of an operation's body that we can write: JSON first.
pub(super) fn sendable(operation: &Operation) -> Option<&Media> {
    let content = &operation.body.as_ref()?.content;
    let usable = |m: &&Media| m.schema.is_some();
    let named = |name: &'static str| content.iter().filter(usable).find(move |m| essence(&m.media_type) == name);
    named("application/json")
        .or_else(|| {
            content.iter().filter(usable).find(|m| is_json(&m.media_type) && essence(&m.media_type) != "application/json-patch+json")
        })
        .or_else(|| content.iter().filter(usable).find(|m| matches!(m.media_type.as_str(), "*/*" | "application/*")))
        .or_else(|| named("application/x-www-form-urlencoded"))
        .or_else(|| named("multipart/form-data"))
        .or_else(|| content.iter().filter(usable).find(|m| essence(&m.media_type).starts_with("text/")))
}

/// Makes drafts.
pub(super) struct Drafter<'a> {
    pub(super) description: &'a Description,
    pub(super) options: &'a PlanOptions,
    pub(super) instances: &'a Instances,
}

/// What a draft is to be like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) variant: Variant,
    /// Differs from one request to the next.
    pub(super) serial: usize,
    /// Which of several listed values.
    pub(super) choice: usize,
    /// Which of several things of this run, for operations on one.
    pub(super) turn: usize,
    /// Optional parameters too.
    pub(super) optional: bool,
}

impl Wish {
    /// The plainest valid request.
    pub(super) const PLAIN: Self = Self { variant: Variant::Typical, serial: 0, choice: 0, turn: 0, optional: false };
}

impl Drafter<'_> {
    fn operation(&self, index: usize) -> Option<&Operation> {
        self.description.operations().get(index)
    }

    /// Names that stand for things that exist: what the target offers, and what was seen or made.
    pub(super) fn known(&self) -> BTreeMap<String, Value> {
        let mut known = self.instances.known(self.description);
        for (name, value) in &self.options.known {
            known.insert(name.clone(), value.clone());
        }
        known
    }

    /// A valid request.
    ///
    /// # Errors
    /// What is missing for it.
    pub(super) fn draft(&self, index: usize, wish: Wish) -> Result<Draft, String> {
        let operation = self.operation(index).ok_or("no such operation")?;
        let known = self.known();
        let (path, mut guess) = self.path(operation, wish.turn)?;
        let mut documented = true;
        let mut draft = Draft {
            operation: index,
            method: operation.method.clone(),
            path,
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Payload::None,
            guess: false,
            documented: false,
            address: None,
            accept: None,
        };
        for parameter in operation.parameters.iter().filter(|p| p.place != ParameterPlace::Path && !is_ignored(p)) {
            let wanted = parameter.required || (wish.optional && is_plain(self.description, parameter));
            if !wanted {
                continue;
            }
            match self.parameter(parameter, wish, &known) {
                Some((pairs, guessed)) => {
                    guess |= guessed;
                    documented &= wish.variant == Variant::Typical && !parameter.examples.is_empty();
                    place(&mut draft, parameter.place, pairs);
                }
                None if parameter.required => {
                    return Err(format!("a value for the {} parameter `{}`", parameter.place.as_str(), parameter.name));
                }
                None => {}
            }
        }
        if operation.body.is_some() {
            match self.body(operation, wish, &known) {
                Ok(Some((payload, guessed, from_example))) => {
                    guess |= guessed;
                    documented &= from_example;
                    draft.body = payload;
                }
                Ok(None) => {}
                Err(error) if operation.body.as_ref().is_some_and(|b| b.required) => return Err(error),
                Err(_) => {}
            }
        }
        draft.guess = guess;
        draft.documented = documented;
        Ok(draft)
    }

    /// Values for the path, and whether they were guessed. What changes something is bound to what
    /// this run made or the target offers, never to what was only seen.
    fn path(&self, operation: &Operation, turn: usize) -> Result<(Vec<(String, String)>, bool), String> {
        let names = template_names(&operation.path);
        if names.is_empty() {
            // There is one of it, and this run did not make it.
            if matches!(operation.method.as_str(), "PUT" | "PATCH") && !self.options.allowed.contains(&operation.name) {
                return Err("consent that names this operation: it changes something that this run did not make".into());
            }
            return Ok((Vec::new(), false));
        }
        let offered: Option<Vec<String>> = names.iter().map(|n| self.options.known.get(n).and_then(super::resource::id_text)).collect();
        let writes = !operation.is_safe();
        if let Some(instance) = self.instance(&operation.path, writes, turn) {
            return Ok((names.into_iter().zip(instance.values.iter().cloned()).collect(), !instance.sure));
        }
        if let Some(values) = offered {
            return Ok((names.into_iter().zip(values).collect(), false));
        }
        if let Some(last) = names.last().filter(|_| writes) {
            return Err(format!("an id for `{last}` that this run may change: consent to create one, or a fixture of this name"));
        }
        // Reading: the description's own examples are worth a try.
        let mut guess = false;
        let mut values = Vec::new();
        let outer = self.outer(&operation.path);
        for (index, name) in names.iter().enumerate() {
            if let Some(value) = self.options.known.get(name).and_then(super::resource::id_text) {
                values.push((name.clone(), value));
                continue;
            }
            if let Some(value) = outer.as_ref().and_then(|o| o.get(index)) {
                values.push((name.clone(), value.clone()));
                continue;
            }
            let parameter = operation.parameter(ParameterPlace::Path, name);
            let Some(text) = parameter.and_then(|p| self.example(p)) else {
                return Err(format!("an id for `{name}`"));
            };
            guess = true;
            values.push((name.clone(), text));
        }
        Ok((values, guess))
    }

    fn instance(&self, path: &str, ours: bool, turn: usize) -> Option<&Instance> {
        let normalised = super::resource::normalised(path);
        let item = super::resource::item_prefix(&normalised)?;
        let all: Vec<&Instance> = self.instances.living(item).into_iter().filter(|i| i.ours || !ours).collect();
        let own = all.iter().filter(|i| i.ours).count();
        let count = if own > 0 { own } else { all.len() };
        all.get(turn % count.max(1)).copied()
    }

    /// The values of the outer templates of a path whose innermost thing is not known.
    fn outer(&self, path: &str) -> Option<Vec<String>> {
        let normalised = super::resource::normalised(path);
        let item = super::resource::item_prefix(&normalised)?;
        let outer = super::resource::item_prefix(item.strip_suffix("{}")?)?;
        self.instances.living(outer).first().map(|i| i.values.clone())
    }

    /// An example of a parameter, as text.
    fn example(&self, parameter: &Parameter) -> Option<String> {
        let written = parameter.examples.iter().filter_map(|spot| self.description.value(spot));
        let of_schema = parameter.schema.iter().flat_map(|schema| {
            Flat::of(self.description, std::slice::from_ref(schema), 0).parts.into_iter().filter_map(|part| {
                let schema = self.description.value(&part)?;
                schema.get("example").or_else(|| schema.get("examples")?.get(0)).or_else(|| schema.get("default"))
            })
        });
        written.chain(of_schema).find_map(super::resource::id_text)
    }

    /// A parameter on the wire, and whether it was guessed.
    fn parameter(&self, parameter: &Parameter, wish: Wish, known: &BTreeMap<String, Value>) -> Option<(Vec<(String, String)>, bool)> {
        if parameter.place == ParameterPlace::Header && parameter.name.eq_ignore_ascii_case("if-match") {
            // The tag itself is put in when the request is written out; this stands for any (RFC 9110, section 13.1.1).
            return Some((vec![(parameter.name.clone(), "*".into())], false));
        }
        if let Some(value) = known.get(&parameter.name) {
            return Some((serialise(parameter, value)?, false));
        }
        if wish.variant == Variant::Typical
            && let Some(example) = parameter.examples.iter().find_map(|spot| self.description.value(spot))
        {
            return Some((serialise(parameter, example)?, false));
        }
        let Some(schema) = &parameter.schema else { return Some((vec![(parameter.name.clone(), "text".into())], true)) };
        let named: BTreeMap<String, Value> = BTreeMap::new();
        let maker =
            Maker { description: self.description, known: &named, serial: wish.serial, choice: wish.choice, direction: Direction::Request };
        let value = maker.make(std::slice::from_ref(schema), wish.variant)?;
        // A list without items is written like an empty text, which is something else.
        if value.as_array().is_some_and(Vec::is_empty) {
            return None;
        }
        let guess = names_a_reference(&parameter.name) || (value.is_string() && !is_closed(self.description, schema));
        Some((serialise(parameter, &value)?, guess))
    }

    /// A body, and whether something in it was guessed.
    pub(super) fn body(
        &self,
        operation: &Operation,
        wish: Wish,
        known: &BTreeMap<String, Value>,
    ) -> Result<Option<(Payload, bool, bool)>, String> {
        let Some(media) = sendable(operation) else {
            return Err("a body in a media type that we can write".into());
        };
        let Some(schema) = &media.schema else { return Err("a schema for the body".into()) };
        let media_type = if media.media_type.contains('*') { "application/json".to_owned() } else { media.media_type.clone() };
        let maker = Maker { description: self.description, known, serial: wish.serial, choice: wish.choice, direction: Direction::Request };
        let mut value = None;
        if wish.variant == Variant::Typical && wish.serial == 0 {
            let examples = media.examples.iter().filter_map(|spot| self.description.value(spot));
            value = examples.map(|e| with_known(e, known)).find(|e| {
                let validator = self.description.validator(schema, Direction::Request);
                validator.is_ok_and(|v| v.is_valid(e))
            });
        }
        let from_example = value.is_some();
        let Some(value) = value.or_else(|| maker.make(std::slice::from_ref(schema), wish.variant)) else {
            return Err("a body that fits the schema: none could be made from it; give an example in the description".into());
        };
        // An empty text is no body at all.
        let value = if value.as_str() == Some("") {
            let longer = maker.make(std::slice::from_ref(schema), Variant::Typical).filter(|v| v.as_str() != Some(""));
            longer.ok_or("a body that is not empty: an example in the description")?
        } else {
            value
        };
        let guess = guesses(&value, known);
        Ok(Some((Payload::Value { media_type, value }, guess, from_example)))
    }
}

/// An example with the ids of things that exist here.
fn with_known(example: &Value, known: &BTreeMap<String, Value>) -> Value {
    match example {
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(name, value)| match known.get(name) {
                    Some(known) if known.is_string() == value.is_string() && !value.is_object() && !value.is_array() => {
                        (name.clone(), known.clone())
                    }
                    _ => (name.clone(), with_known(value, known)),
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(|item| with_known(item, known)).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => example.clone(),
    }
}

/// Whether a body refers to something by an id that nobody gave us.
fn guesses(value: &Value, known: &BTreeMap<String, Value>) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(name, value)| match value {
            Value::Object(_) | Value::Array(_) => guesses(value, known),
            Value::String(_) | Value::Number(_) => names_a_reference(name) && known.get(name) != Some(value),
            Value::Null | Value::Bool(_) => false,
        }),
        Value::Array(items) => items.iter().any(|item| guesses(item, known)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn place(draft: &mut Draft, place: ParameterPlace, pairs: Vec<(String, String)>) {
    match place {
        ParameterPlace::Query | ParameterPlace::QueryString => draft.query.extend(pairs),
        ParameterPlace::Header => draft.headers.extend(pairs),
        ParameterPlace::Cookie => draft.cookies.extend(pairs),
        ParameterPlace::Path => {}
    }
}

/// Whether a schema says all that a value must be, so that any value of it can be expected to work.
pub(super) fn is_closed(description: &Description, schema: &Spot) -> bool {
    let flat = Flat::of(description, std::slice::from_ref(schema), 0);
    flat.values.is_some() || flat.format.is_some() || !flat.patterns.is_empty() || flat.main_type() != "string" || flat.max_length.is_some()
}

/// Whether a parameter is one that descriptions cannot set (OpenAPI 3, Parameter Object: name).
pub(super) fn is_ignored(parameter: &Parameter) -> bool {
    parameter.place == ParameterPlace::Header
        && ["accept", "content-type", "authorization"].iter().any(|name| parameter.name.eq_ignore_ascii_case(name))
}

/// Whether a header field is one whose wrong values HTTP lets a service pass over, or that only serves to
/// follow a request through systems.
pub(super) fn is_disregarded(parameter: &Parameter) -> bool {
    let lower = parameter.name.to_ascii_lowercase();
    let standard = [
        "accept-language",
        "accept-encoding",
        "cache-control",
        "range",
        "prefer",
        "user-agent",
        "pragma",
        "expect",
        "forwarded",
        "via",
        "origin",
        "referer",
        "traceparent",
        "tracestate",
    ];
    let traced = ["request-id", "correlation-id", "trace-id", "session-id", "requestid", "correlationid"];
    parameter.place == ParameterPlace::Header
        && (lower.starts_with("if-") || standard.contains(&lower.as_str()) || traced.iter().any(|end| lower.ends_with(end)))
}

/// Whether the values that a property of this name takes are fewer than a schema without a list, pattern
/// or format can say: a refusal of one shows nothing.
pub(super) fn names_a_code(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    const PARTS: [&str; 34] = [
        "language",
        "locale",
        "country",
        "currency",
        "timezone",
        "phone",
        "mobile",
        "email",
        "iban",
        "bic",
        "vat",
        "postcode",
        "postal",
        "zip",
        "mime",
        "mediatype",
        "contenttype",
        "url",
        "uri",
        "href",
        "path",
        "version",
        "colour",
        "color",
        "unit",
        "region",
        "role",
        "scope",
        "permission",
        "serial",
        "token",
        "cron",
        "expression",
        "password",
    ];
    PARTS.iter().any(|part| plain.contains(part))
        || matches!(plain.as_str(), "code" | "lang" | "type" | "kind" | "category" | "fax" | "tel")
}

/// Whether a value with a list or a pattern is still the id of something else.
pub(super) fn names_a_reference_of(name: &str, flat: &Flat) -> bool {
    flat.values.is_none() && names_a_reference(name)
}

/// Whether a name stands for one end of a span, whose other end may forbid a value.
pub(super) fn names_an_end(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "start", "end", "from", "until", "begin", "since", "min", "max", "lower", "upper", "open", "clos", "first", "last", "before",
        "after", "expir", "valid", "due", "low", "high",
    ]
    .iter()
    .any(|part| lower.starts_with(part) || lower.ends_with(part) || lower.contains(&format!("_{part}")))
        || name.ends_with("To")
        || lower == "to"
}

/// Whether an optional parameter can be sent without knowing more than its schema.
fn is_plain(description: &Description, parameter: &Parameter) -> bool {
    let plain: String = parameter.name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let known_syntax = [
        "sort",
        "order",
        "orderby",
        "sortby",
        "fields",
        "filter",
        "include",
        "expand",
        "select",
        "embed",
        "query",
        "search",
        "q",
        "cursor",
        "after",
        "before",
        "pagetoken",
        "continuationtoken",
        "startingafter",
        "endingbefore",
        "page",
        "offset",
        "skip",
        "startindex",
        "pagenumber",
    ];
    let enumerated = parameter.schema.as_ref().is_some_and(|s| Flat::of(description, std::slice::from_ref(s), 0).values.is_some());
    let reserved = parameter.place == ParameterPlace::Header
        && (plain.starts_with("if")
            || matches!(plain.as_str(), "accept" | "contenttype" | "authorization" | "idempotencykey" | "range" | "host"));
    if reserved || names_a_reference(&parameter.name) || parameter.deprecated {
        return false;
    }
    let closed = parameter.schema.as_ref().is_some_and(|s| is_closed(description, s));
    enumerated || (closed && !known_syntax.contains(&plain.as_str()))
}

/// The whole address of a draft.
pub(super) fn address(description: &Description, options: &PlanOptions, draft: &Draft) -> String {
    if let Some(address) = &draft.address {
        return address.clone();
    }
    let operation = description.operations().get(draft.operation);
    let mut path = operation.map_or_else(String::new, |o| o.path.clone());
    for (name, value) in &draft.path {
        let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let parameter = operation.and_then(|o| o.parameter(ParameterPlace::Path, name));
        let styled =
            parameter.and_then(|p| serialise(p, &json!(value))).and_then(|mut pairs| pairs.pop()).map_or_else(|| value.clone(), |(_, v)| v);
        // The marks that a style puts before the value are part of its syntax.
        let marks = styled.len() - styled.trim_start_matches(['.', ';']).len();
        let (mark, rest) = if styled == *value { ("", styled.as_str()) } else { styled.split_at(marks) };
        path = path.replace(&format!("{{{name}}}"), &format!("{mark}{}", percent_encoded(rest, keep)));
    }
    let mut url = format!("{}{path}", options.base.trim_end_matches('/'));
    let mut separator = if url.contains('?') { '&' } else { '?' };
    for (name, value) in &draft.query {
        let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~,:/@".contains(&b);
        let keep_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~$[]".contains(&b);
        url.push(separator);
        url.push_str(&percent_encoded(name, keep_name));
        url.push('=');
        url.push_str(&percent_encoded(value, keep));
        separator = '&';
    }
    url
}

/// A well-formed id of nothing.
pub(super) fn unknown_id(description: &Description, operation: &Operation, name: &str) -> Option<String> {
    let Some(schema) = operation.parameter(ParameterPlace::Path, name).and_then(|p| p.schema.clone()) else {
        return Some("probity-unknown".into());
    };
    let fits = |text: &String| reads_as(description, &schema, text, Direction::Request) == Some(true);
    let fixed = ["probity-unknown", "987654321", "00000000-0000-4000-8000-00000000dead"].map(str::to_owned);
    let known = BTreeMap::new();
    fixed.into_iter().find(fits).or_else(|| {
        let maker = Maker { description, known: &known, serial: 97, choice: 0, direction: Direction::Request };
        maker.make(std::slice::from_ref(&schema), Variant::Largest).as_ref().and_then(super::resource::id_text)
    })
}

/// A credential of a scheme that nobody has.
pub(super) fn wrong_credential(kind: &SchemeKind, draft: &mut Draft) {
    const WRONG: &str = "probity-wrong-credential";
    match kind {
        SchemeKind::HeaderKey(name) => draft.headers.push((name.clone(), WRONG.into())),
        SchemeKind::QueryKey(name) => draft.query.push((name.clone(), WRONG.into())),
        SchemeKind::CookieKey(name) => draft.cookies.push((name.clone(), WRONG.into())),
        // "probity:wrong-credential" in base64.
        SchemeKind::Basic => draft.headers.push(("Authorization".into(), "Basic cHJvYml0eTp3cm9uZy1jcmVkZW50aWFs".into())),
        SchemeKind::Bearer => draft.headers.push(("Authorization".into(), format!("Bearer {WRONG}"))),
        SchemeKind::Http(scheme) => draft.headers.push(("Authorization".into(), format!("{scheme} {WRONG}"))),
        SchemeKind::MutualTls | SchemeKind::Other(_) => {}
    }
}
