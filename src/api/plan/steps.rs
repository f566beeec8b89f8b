//! The steps of a plan: what follows from what, and what an answer changes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::draft::{Draft, Payload, Wish, sendable, unknown_id};
use super::paging::{Mover, Next, next, paging};
use super::resource::{Instance, id_in, id_text, item_prefix, list_of, normalised, reference_names, template_names};
use super::{Plan, Purpose, UntestedCause, creates, takes_body};
use crate::api::description::{LinkTarget, Operation, ParameterPlace, is_safe};
use crate::api::exchange::{ApiExchange, ApiResponse, essence, is_json};
use crate::api::generate::{Flat, Variant, mutations, wire_mutations};

/// Values of an enumeration that are each sent.
const MAX_VALUES: usize = 8;
/// Pages that are walked.
const MAX_PAGES: usize = 12;

/// One request about to be sent.
#[derive(Debug, Clone)]
pub(super) struct Sending {
    pub(super) draft: Draft,
    pub(super) purpose: Purpose,
    /// What it is called in its id.
    pub(super) slug: String,
    pub(super) why: String,
}

/// A step that becomes at most one request, or further steps.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A plain valid request, unless one was accepted already.
    Plain(usize),
    /// Something new, in the n-th variant.
    Create(usize, usize),
    /// What was made must be found.
    Found(usize, Instance, Option<String>),
    /// What valid requests there are beyond the plain one.
    Valid(usize),
    /// What must be refused.
    Refused(usize),
    /// A method that the path does not have.
    OtherMethod(String),
    /// A list to its end.
    Pages(usize),
    /// The life's end of things of a kind.
    Remove(usize),
    /// Takes one thing away.
    Cleanup(usize, Instance),
    /// A request that is ready.
    Send(Box<Sending>),
}

fn send(draft: Draft, purpose: Purpose, slug: impl Into<String>, why: impl Into<String>) -> Step {
    Step::Send(Box::new(Sending { draft, purpose, slug: slug.into(), why: why.into() }))
}

impl Plan<'_> {
    /// The steps of the whole plan, in order.
    pub(super) fn outline(&mut self) -> Vec<Step> {
        let description = self.description;
        let operations = description.operations();
        let open: Vec<usize> = self.open.iter().copied().collect();
        let of = |index: usize| operations.get(index);
        let is_get = |index: usize| of(index).is_some_and(|o| o.method == "GET");
        let bare = |index: usize| of(index).is_some_and(|o| !o.path.contains('{'));
        let mut steps = Vec::new();
        steps.extend(open.iter().copied().filter(|i| is_get(*i) && bare(*i)).map(Step::Plain));
        for index in self.creation_order(&open) {
            let rounds = self.rounds(index);
            steps.extend((0..rounds).map(|round| Step::Create(index, round)));
        }
        steps.extend(open.iter().copied().filter(|i| is_get(*i) && !bare(*i)).map(Step::Plain));
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        for index in open.iter().copied() {
            let Some(operation) = of(index) else { continue };
            if operation.method == "DELETE" {
                continue;
            }
            steps.push(Step::Valid(index));
            steps.push(Step::Refused(index));
            if paths.insert(&operation.path) {
                steps.push(Step::OtherMethod(operation.path.clone()));
            }
        }
        steps.extend(open.iter().copied().filter(|i| is_get(*i)).map(Step::Pages));
        let mut removals: Vec<usize> = open.iter().copied().filter(|i| of(*i).is_some_and(|o| o.method == "DELETE")).collect();
        removals.sort_by_key(|i| std::cmp::Reverse(of(*i).map_or(0, |o| o.path.matches('{').count())));
        // What others refer to is deleted after them.
        let order = self.creation_order(&open);
        let rank = |index: &usize| {
            let item = of(*index).map(|o| normalised(&o.path)).unwrap_or_default();
            order.iter().position(|c| of(*c).is_some_and(|o| format!("{}/{{}}", normalised(&o.path)) == item)).unwrap_or(0)
        };
        removals.sort_by_key(|i| std::cmp::Reverse(rank(i)));
        steps.extend(removals.into_iter().map(Step::Remove));
        steps
    }

    /// Operations that make things: those whose things others refer to come first.
    fn creation_order(&self, open: &[usize]) -> Vec<usize> {
        let description = self.description;
        let mut left: Vec<usize> = open.iter().copied().filter(|i| creates(description, *i)).collect();
        left.sort_by_key(|i| description.operations().get(*i).map_or(0, |o| o.path.matches('{').count()));
        let mut order = Vec::new();
        while !left.is_empty() {
            let free = left.iter().position(|index| {
                let needs = self.refers_to(*index);
                !left.iter().any(|other| {
                    other != index
                        && description.operations().get(*other).is_some_and(|o| {
                            let item = format!("{}/{{}}", normalised(&o.path));
                            reference_names(description, &item).iter().any(|name| needs.contains(name))
                                || description.operations().get(*index).is_some_and(|o| normalised(&o.path).starts_with(&format!("{item}/")))
                        })
                })
            });
            order.push(left.remove(free.unwrap_or(0)));
        }
        order
    }

    /// The names of properties in an operation's body.
    fn refers_to(&self, index: usize) -> BTreeSet<String> {
        let operation = self.description.operations().get(index);
        let schema = operation.and_then(sendable).and_then(|m| m.schema.clone());
        schema.map(|s| Flat::of(self.description, &[s], 0).order.into_iter().collect()).unwrap_or_default()
    }

    /// How many variants of a body are sent: plain, smallest, largest, other scripts, and one for each
    /// value of the longest enumeration, all in one row.
    fn rounds(&self, index: usize) -> usize {
        if !takes_body(self.description, index) {
            return 1;
        }
        let Some(schema) = self.description.operations().get(index).and_then(sendable).and_then(|m| m.schema.clone()) else { return 1 };
        let flat = Flat::of(self.description, &[schema], 0);
        let values = flat.properties.values().map(|spots| Flat::of(self.description, spots, 0).values.map_or(1, |(v, _)| v.len())).max();
        values.unwrap_or(1).max(flat.branches).clamp(4, MAX_VALUES)
    }

    /// What a step becomes: a request now, or steps put before all others.
    pub(super) fn take(&mut self, step: Step) -> Option<Sending> {
        let more = match step {
            Step::Send(sending) => return Some(*sending),
            Step::Plain(index) => return self.plain(index),
            Step::Create(index, round) => return self.create(index, round),
            Step::Found(index, instance, location) => self.found(index, &instance, location),
            Step::Valid(index) => self.valid(index),
            Step::Refused(index) => self.refused(index),
            Step::OtherMethod(path) => return self.other_method(&path),
            Step::Pages(index) => self.pages(index),
            Step::Remove(index) => self.remove(index),
            Step::Cleanup(index, instance) => return self.clean(index, &instance),
        };
        for step in more.into_iter().rev() {
            self.queue.push_front(step);
        }
        None
    }

    fn operation(&self, index: usize) -> Option<&'_ Operation> {
        self.description.operations().get(index)
    }

    fn named(&self, index: usize) -> String {
        self.operation(index).map_or_else(String::new, |o| o.name.clone())
    }

    fn missing(&mut self, index: usize, what: &str, needs: &str) {
        let name = self.named(index);
        self.note(&name, what, needs, UntestedCause::Missing);
    }

    fn plain(&mut self, index: usize) -> Option<Sending> {
        if self.accepted.contains_key(&index) {
            return None;
        }
        match self.drafter().draft(index, Wish::PLAIN) {
            Ok(draft) => Some(Sending { draft, purpose: Purpose::Plain, slug: "plain".into(), why: "a valid request with what is required".into() }),
            Err(needs) => {
                self.missing(index, "the operation", &needs);
                None
            }
        }
    }

    fn create(&mut self, index: usize, round: usize) -> Option<Sending> {
        let variants = [
            (Variant::Typical, "plain"),
            (Variant::Smallest, "smallest"),
            (Variant::Largest, "largest"),
            (Variant::Script, "script"),
        ];
        let (variant, name) = variants.get(round).copied().unwrap_or((Variant::Typical, "choice"));
        let wish = Wish { variant, serial: round, choice: round, turn: 0, optional: round != 1 };
        match self.drafter().draft(index, wish) {
            Ok(draft) => {
                let why = match name {
                    "plain" => "makes something with a valid body".to_owned(),
                    "smallest" => "makes something with the least that is allowed".into(),
                    "largest" => "makes something with the most that is allowed".into(),
                    "script" => "makes something with text in other scripts".into(),
                    _ => format!("makes something with value {} of each list of values", round + 1),
                };
                let slug = if round < variants.len() { format!("create-{name}") } else { format!("create-{name}-{}", round + 1) };
                Some(Sending { draft, purpose: Purpose::Create { variant: name }, slug, why })
            }
            Err(needs) => {
                self.missing(index, "the operation", &needs);
                None
            }
        }
    }

    /// The operation that reads things of a kind.
    fn reader(&self, item: &str) -> Option<usize> {
        self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.method == "GET" && normalised(&o.path) == item))
    }

    /// A draft for an operation on one thing, plain but for the path.
    fn draft_on(&self, index: usize, instance: &Instance, wish: Wish) -> Option<Draft> {
        let mut draft = self.drafter().draft(index, wish).ok()?;
        let names = template_names(&self.operation(index)?.path);
        draft.path = names.into_iter().zip(instance.values.iter().cloned()).collect();
        draft.guess = false;
        Some(draft)
    }

    /// Reads what was just made, and follows what leads on from it.
    fn found(&mut self, index: usize, instance: &Instance, location: Option<String>) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(reader) = self.reader(&instance.item) {
            if let Some(mut draft) = self.draft_on(reader, instance, Wish::PLAIN) {
                if let Some(location) = &location
                    && let Ok(base) = url::Url::parse(&format!("{}/", self.options.base.trim_end_matches('/')))
                    && let Ok(address) = base.join(location)
                    && address.origin() == base.origin()
                {
                    draft.address = Some(address.to_string());
                }
                let purpose = Purpose::ReadBack { sent: instance.sent.clone() };
                steps.push(send(draft, purpose, "read-back", "what was just made must be found as it was sent"));
            }
        } else if let Some(step) = self.list_created(index, instance) {
            steps.push(step);
        }
        for follower in self.followers(instance) {
            if let Some(draft) = self.draft_on(follower, instance, Wish::PLAIN) {
                let path = self.operation(follower).map_or_else(String::new, |o| o.path.clone());
                steps.push(send(draft, Purpose::Link { name: path }, "follow", "leads on from what was just made"));
            }
        }
        steps
    }

    /// Where things of a kind cannot be read alone, the list must have what was made.
    fn list_created(&self, index: usize, instance: &Instance) -> Option<Step> {
        let lister = self.lister(index)?;
        // A list that goes on is walked later; its first page proves nothing.
        if paging(self.operation(lister)?, |_| None).mover.is_some() {
            return None;
        }
        let mut draft = self.drafter().draft(lister, Wish::PLAIN).ok()?;
        let outer = instance.values.len().saturating_sub(1);
        let names = template_names(&self.operation(lister)?.path);
        draft.path = names.into_iter().zip(instance.values.iter().take(outer).cloned()).collect();
        let purpose = Purpose::ListCreated { id: id_text(&instance.id)? };
        Some(send(draft, purpose, "list-created", "what was just made must be in its list"))
    }

    /// The operation that lists what another one makes or deletes.
    fn lister(&self, index: usize) -> Option<usize> {
        let path = normalised(&self.operation(index)?.path);
        let collection = path.strip_suffix("/{}").unwrap_or(&path);
        self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.method == "GET" && normalised(&o.path) == collection))
    }

    /// Operations that read something about a thing: `/alarms/{}/events`.
    fn followers(&self, instance: &Instance) -> Vec<usize> {
        let below = format!("{}/", instance.item);
        let follows = |o: &Operation| {
            let path = normalised(&o.path);
            o.method == "GET" && path.starts_with(&below) && item_prefix(&path) == Some(instance.item.as_str())
        };
        self.open.iter().copied().filter(|i| self.operation(*i).is_some_and(follows)).collect()
    }

    /// Requests for the links that an answer's description declares.
    fn declared_links(&self, index: usize, response: &ApiResponse) -> Vec<Step> {
        let Some(operation) = self.operation(index) else { return Vec::new() };
        let mut steps = Vec::new();
        for link in operation.response(response.status).into_iter().flat_map(|r| &r.links) {
            let target = match &link.target {
                LinkTarget::Id(id) => self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.operation_id.as_deref() == Some(id))),
                LinkTarget::Reference(reference) => self.description.resolve(0, reference).ok().and_then(|(spot, _)| {
                    self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.spot == spot))
                }),
            };
            let Some((target, operation)) = target.and_then(|t| Some((t, self.operation(t)?))) else { continue };
            // What changes something is walked by its own steps.
            if !operation.is_safe() {
                continue;
            }
            let Some(mut draft) = self.link_draft(target, operation) else { continue };
            let mut whole = true;
            for (name, expression) in &link.parameters {
                let Some(value) = super::resource::evaluate(expression, response).as_ref().and_then(id_text) else {
                    whole = false;
                    continue;
                };
                let plain = name.split_once('.').map_or(name.as_str(), |(place, rest)| {
                    if matches!(place, "path" | "query" | "header" | "cookie") { rest } else { name.as_str() }
                });
                if let Some(slot) = draft.path.iter_mut().find(|(n, _)| n == plain) {
                    slot.1 = value;
                } else if operation.parameter(ParameterPlace::Query, plain).is_some() {
                    set(&mut draft.query, plain, value);
                }
            }
            if whole && draft.path.iter().all(|(_, v)| !v.is_empty()) {
                draft.guess = false;
                let purpose = Purpose::Link { name: link.name.clone() };
                steps.push(send(draft, purpose, format!("link-{}", link.name), "the description links from what was just made to here"));
            }
        }
        steps
    }

    /// A draft whose path the link's parameters fill.
    fn link_draft(&self, target: usize, operation: &Operation) -> Option<Draft> {
        if let Ok(draft) = self.drafter().draft(target, Wish::PLAIN) {
            return Some(draft);
        }
        let names = template_names(&operation.path);
        Some(Draft {
            operation: target,
            method: operation.method.clone(),
            path: names.into_iter().map(|n| (n, String::new())).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            body: Payload::None,
            guess: false,
            address: None,
            accept: None,
        })
    }

    /// Valid requests beyond the plain one: both ends of every constraint, every listed value.
    fn valid(&mut self, index: usize) -> Vec<Step> {
        let Some(operation) = self.operation(index) else { return Vec::new() };
        if creates(self.description, index) {
            return Vec::new();
        }
        if !operation.is_safe() {
            return self.changes(index);
        }
        let Some(base) = self.accepted.get(&index).cloned() else { return Vec::new() };
        let mut steps = Vec::new();
        let mut sent: Vec<Draft> = vec![base.clone()];
        let lists = operation.parameters.iter().filter(|p| p.place != ParameterPlace::Path).filter_map(|p| p.schema.clone());
        let values = lists.map(|s| Flat::of(self.description, &[s], 0).values.map_or(1, |(v, _)| v.len())).max().unwrap_or(1);
        for round in 0..values.clamp(2, MAX_VALUES) {
            let (variant, end) = match round {
                0 => (Variant::Smallest, "smallest"),
                1 => (Variant::Largest, "largest"),
                _ => (Variant::Typical, "choice"),
            };
            let wish = Wish { variant, serial: round, choice: round, turn: 0, optional: true };
            let Ok(mut draft) = self.drafter().draft(index, wish) else { continue };
            draft.path.clone_from(&base.path);
            if sent.contains(&draft) {
                continue;
            }
            sent.push(draft.clone());
            let parts: Vec<String> = draft.query.iter().chain(&draft.headers).chain(&draft.cookies).map(|(n, _)| n.clone()).collect();
            let purpose = Purpose::Bounds { end, parts, single: false };
            let slug = if round < 2 { format!("parameters-{end}") } else { format!("parameters-{end}-{}", round + 1) };
            steps.push(send(draft, purpose, slug, format!("valid parameters, each at its {end} value")));
        }
        steps.extend(self.accept_probe(index, &base));
        steps
    }

    /// Asks for a media type that nobody offers.
    fn accept_probe(&self, index: usize, base: &Draft) -> Option<Step> {
        let described = self.operation(index)?.responses.iter().any(|r| !r.content.is_empty());
        if !described {
            return None;
        }
        let mut draft = base.clone();
        draft.accept = Some("application/x-probity-none".into());
        let purpose = Purpose::Accept { asked: "application/x-probity-none".into(), offered: false };
        Some(send(draft, purpose, "accept-none", "asks for a media type that is not offered"))
    }

    /// Changes of one thing: plain, seen, again, and at both ends.
    fn changes(&mut self, index: usize) -> Vec<Step> {
        let Some(operation) = self.operation(index) else { return Vec::new() };
        let action = operation.method == "POST";
        let body = operation.body.is_some();
        let mut steps = Vec::new();
        let wish = |variant, round| Wish { variant, serial: round, choice: round, turn: if action { round } else { 0 }, optional: true };
        // A change differs from what was made before, or it would prove nothing.
        match self.drafter().draft(index, wish(Variant::Typical, usize::from(!action))) {
            Ok(draft) => steps.push(send(draft, Purpose::Update, "change", "a valid change of what this run may change")),
            Err(needs) => {
                self.missing(index, "the operation", &needs);
                return steps;
            }
        }
        if body {
            for (round, variant, end) in [(1, Variant::Smallest, "smallest"), (2, Variant::Largest, "largest"), (3, Variant::Script, "script")] {
                let Ok(mut draft) = self.drafter().draft(index, wish(variant, round)) else { continue };
                // The state that the first change led to may forbid another.
                draft.guess |= action;
                let parts = draft.body.value().and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
                let purpose = Purpose::Bounds { end, parts, single: false };
                steps.push(send(draft, purpose, format!("change-{end}"), format!("a valid change, each part at its {end} value")));
            }
        }
        steps
    }

    /// What the operation must refuse, each request wrong in one thing.
    fn refused(&mut self, index: usize) -> Vec<Step> {
        let Some(operation) = self.operation(index).cloned() else { return Vec::new() };
        let mut steps = Vec::new();
        let base = self.accepted.get(&index).cloned();
        if operation.needs_credential()
            && let Some(draft) = base.clone().or_else(|| self.drafter().draft(index, Wish::PLAIN).ok().filter(|_| operation.is_safe()))
        {
            self.credential_probes(&operation, draft, &mut steps);
        }
        if !self.options.wrong {
            let needs = "consent to send what must be refused";
            self.note(&operation.name, "what the operation must refuse", needs, UntestedCause::Consent);
            steps.extend(base.filter(|_| operation.is_safe()).and_then(|base| self.unknown(&operation, &base)));
            return steps;
        }
        let Some(base) = base else {
            let needs = "a valid request that the service accepts; without one a refusal proves nothing";
            self.note(&operation.name, "what the operation must refuse", needs, UntestedCause::Target);
            return steps;
        };
        self.wrong_parameters(&operation, &base, &mut steps);
        self.wrong_bodies(&operation, &base, &mut steps);
        steps.extend(self.unknown(&operation, &base));
        steps
    }

    fn credential_probes(&self, operation: &Operation, draft: Draft, steps: &mut Vec<Step>) {
        use crate::api::description::SchemeKind::{MutualTls, Other};
        // Asking without a credential is what anybody may do; changing something without one is not.
        if !self.options.wrong && !operation.is_safe() {
            return;
        }
        steps.push(send(draft.clone(), Purpose::NoCredential, "no-credential", "the same request without a credential"));
        let sendable = operation.security.iter().find(|s| !s.is_empty()).is_some_and(|set| {
            set.iter().all(|one| self.description.schemes().get(&one.name).is_some_and(|s| !matches!(s.kind, MutualTls | Other(_))))
        });
        if sendable && self.options.wrong {
            steps.push(send(draft, Purpose::WrongCredential, "wrong-credential", "the same request with a credential that nobody has"));
        }
    }

    fn unknown(&self, operation: &Operation, base: &Draft) -> Option<Step> {
        let name = template_names(&operation.path).pop()?;
        let id = unknown_id(self.description, operation, &name)?;
        let mut draft = base.clone();
        draft.path.last_mut()?.1 = id;
        draft.address = None;
        Some(send(draft, Purpose::UnknownId, "unknown-id", "a well-formed id of nothing"))
    }

    fn wrong_parameters(&self, operation: &Operation, base: &Draft, steps: &mut Vec<Step>) {
        for parameter in &operation.parameters {
            let place = super::request::place_name(parameter.place);
            let list = |draft: &Draft| match parameter.place {
                ParameterPlace::Path => draft.path.clone(),
                ParameterPlace::Query | ParameterPlace::QueryString => draft.query.clone(),
                ParameterPlace::Header => draft.headers.clone(),
                ParameterPlace::Cookie => draft.cookies.clone(),
            };
            let put = |draft: &mut Draft, pairs: Vec<(String, String)>| match parameter.place {
                ParameterPlace::Path => draft.path = pairs,
                ParameterPlace::Query | ParameterPlace::QueryString => draft.query = pairs,
                ParameterPlace::Header => draft.headers = pairs,
                ParameterPlace::Cookie => draft.cookies = pairs,
            };
            let pairs = list(base);
            let present = pairs.iter().find(|(n, _)| *n == parameter.name).map(|(_, v)| v.clone());
            let start = present.clone().unwrap_or_else(|| "fixture".into());
            for wrong in wire_mutations(self.description, parameter, &start) {
                let mut changed = pairs.clone();
                set(&mut changed, &parameter.name, wrong.text.clone());
                let mut draft = base.clone();
                draft.address = None;
                put(&mut draft, changed);
                let purpose = Purpose::Wrong {
                    place,
                    name: parameter.name.clone(),
                    keyword: wrong.keyword,
                    schema: wrong.schema,
                    what: wrong.what.clone(),
                    firm: wrong.firm,
                };
                steps.push(send(draft, purpose, format!("{place}-{}-{}", parameter.name, wrong.keyword), wrong.what));
            }
            if parameter.required && parameter.place != ParameterPlace::Path && present.is_some() {
                let mut draft = base.clone();
                draft.address = None;
                put(&mut draft, pairs.into_iter().filter(|(n, _)| *n != parameter.name).collect());
                let purpose = Purpose::Missing { place, name: parameter.name.clone() };
                let why = format!("the required {place} parameter `{}` is left out", parameter.name);
                steps.push(send(draft, purpose, format!("{place}-{}-missing", parameter.name), why));
            }
        }
    }

    fn wrong_bodies(&self, operation: &Operation, base: &Draft, steps: &mut Vec<Step>) {
        let (Some(body), Payload::Value { media_type, value }) = (&operation.body, &base.body) else { return };
        let with = |payload: Payload| Draft { body: payload, ..base.clone() };
        if is_json(media_type)
            && let Some(schema) = sendable(operation).and_then(|m| m.schema.clone())
        {
            for wrong in mutations(self.description, &schema, value) {
                let draft = with(Payload::Value { media_type: media_type.clone(), value: wrong.value });
                let name = if wrong.at.is_empty() { "body".to_owned() } else { wrong.at.trim_start_matches('/').replace('/', ".") };
                let slug = format!("body-{name}-{}", wrong.keyword);
                let purpose = Purpose::Wrong {
                    place: "body",
                    name: wrong.at,
                    keyword: wrong.keyword,
                    schema: wrong.schema,
                    what: wrong.what.clone(),
                    firm: wrong.firm,
                };
                steps.push(send(draft, purpose, slug, wrong.what));
            }
            let text = value.to_string();
            let half: String = text.chars().take(text.chars().count().saturating_sub(1).max(1)).collect();
            let broken = Payload::Raw { media_type: Some(media_type.clone()), bytes: half.into_bytes() };
            steps.push(send(with(broken), Purpose::BrokenBody, "body-broken", "the body is cut off before its end"));
        }
        if body.required {
            steps.push(send(with(Payload::None), Purpose::NoBody, "body-missing", "the required body is left out"));
        }
        let (bytes, _) = base.body.encode();
        let accepts = |name: &str| {
            body.content.iter().any(|m| {
                let declared = essence(&m.media_type);
                declared == name || declared == "*/*" || name.split_once('/').is_some_and(|(kind, _)| declared == format!("{kind}/*"))
            })
        };
        if let Some(other) = ["text/plain", "application/x-probity-none"].into_iter().find(|name| !accepts(name)) {
            let payload = Payload::Raw { media_type: Some(other.to_owned()), bytes: bytes.clone() };
            let purpose = Purpose::MediaType { sent: Some(other.to_owned()) };
            steps.push(send(with(payload), purpose, "media-type-wrong", format!("a valid body under the media type {other}")));
        }
        let payload = Payload::Raw { media_type: None, bytes };
        steps.push(send(with(payload), Purpose::MediaType { sent: None }, "media-type-none", "a valid body under no media type"));
    }

    fn other_method(&mut self, path: &str) -> Option<Sending> {
        if !self.options.wrong {
            return None;
        }
        let of_path: Vec<usize> =
            (0..self.description.operations().len()).filter(|i| self.operation(*i).is_some_and(|o| !o.outgoing && o.path == path)).collect();
        let mut declared: Vec<String> = of_path.iter().filter_map(|i| self.operation(*i)).map(|o| o.method.clone()).collect();
        declared.sort();
        declared.dedup();
        let first = *of_path.iter().find(|i| self.open.contains(i))?;
        let candidates: &[&str] = match (self.options.writes, path.ends_with('}')) {
            (false, _) => &["PROPFIND"],
            (true, true) => &["PATCH", "PUT", "POST", "DELETE"],
            // Never DELETE on a collection: where it works, it works on everything.
            (true, false) => &["PATCH", "PUT", "POST"],
        };
        let method = candidates.iter().find(|m| !declared.iter().any(|d| d == *m))?;
        let base = of_path.iter().find_map(|i| self.accepted.get(i)).cloned().or_else(|| self.drafter().draft(first, Wish::PLAIN).ok())?;
        // Only what this run may change is asked with a method that could change it.
        if !is_safe(method) && !base.path.is_empty() && !self.may_change(path, &base) {
            return None;
        }
        let draft = Draft { method: (*method).to_owned(), body: Payload::None, query: Vec::new(), address: None, ..base };
        let why = format!("{method} is not among the methods of the path");
        Some(Sending { draft, purpose: Purpose::OtherMethod { declared }, slug: format!("method-{method}"), why })
    }

    /// Whether a path leads to something that this run made or that the target offers.
    fn may_change(&self, path: &str, draft: &Draft) -> bool {
        let normal = normalised(path);
        let Some(item) = item_prefix(&normal) else { return true };
        let values: Vec<String> = draft.path.iter().map(|(_, v)| v.clone()).collect();
        let made = self.instances.all.iter().any(|i| i.ours && i.item == item && i.values == values);
        let offered = draft.path.iter().all(|(n, v)| self.options.known.get(n).and_then(id_text).as_ref() == Some(v));
        made || offered
    }

    /// The list in one go, to begin with.
    fn pages(&mut self, index: usize) -> Vec<Step> {
        let Some(base) = self.accepted.get(&index).cloned() else { return Vec::new() };
        let Some(operation) = self.operation(index) else { return Vec::new() };
        let how = paging(operation, |_| None);
        if how.mover.is_none() && how.size.is_none() {
            return Vec::new();
        }
        let mut draft = base;
        if let Some(size) = &how.size {
            let most = self.bound(operation, size).1.unwrap_or(100).min(1000);
            set(&mut draft.query, size, most.to_string());
        }
        draft.accept = None;
        vec![send(draft, Purpose::Whole { size: how.size }, "list-whole", "the list in as large a page as is allowed, to hold its pages against")]
    }

    /// The bounds of a number parameter.
    fn bound(&self, operation: &Operation, name: &str) -> (Option<u64>, Option<u64>) {
        let Some(schema) = operation.parameter(ParameterPlace::Query, name).and_then(|p| p.schema.clone()) else { return (None, None) };
        let flat = Flat::of(self.description, &[schema], 0);
        let whole = |n: f64| if n >= 0.0 { Some(n as u64) } else { None };
        (flat.minimum.and_then(|(n, _)| whole(n)), flat.maximum.and_then(|(n, _)| whole(n)))
    }

    /// The default of a number parameter, else its minimum.
    fn default_of(&self, operation: &Operation, name: &str) -> Option<i64> {
        let schema = operation.parameter(ParameterPlace::Query, name)?.schema.as_ref()?;
        let written = self.description.value(schema)?;
        let least = || self.bound(operation, name).0.and_then(|n| i64::try_from(n).ok());
        written.get("default").and_then(Value::as_i64).or_else(least)
    }

    /// The first page, after the list in one go.
    fn first_page(&self, index: usize, sending: &Sending, response: &ApiResponse) -> Option<Step> {
        let operation = self.operation(index)?;
        let how = paging(operation, |name| self.default_of(operation, name));
        let ids = ids_of(operation, response);
        let least = how.size.as_ref().and_then(|n| self.bound(operation, n).0).unwrap_or(1).max(1);
        let size = usize::try_from(least.max(2)).ok()?;
        // A list of one page has nothing to walk.
        if ids.len() <= size {
            return None;
        }
        let asked_whole = how.size.as_ref().and_then(|name| sending.draft.query.iter().find(|(n, _)| n == name)?.1.parse().ok());
        let complete = next(&how, asked_whole, response) == Next::End;
        let mut draft = sending.draft.clone();
        let asked = how.size.as_ref().map(|name| {
            set(&mut draft.query, name, size.to_string());
            size
        });
        if let Some(Mover::Page(name, first)) = &how.mover {
            set(&mut draft.query, name, first.to_string());
        }
        let purpose = Purpose::Page { seen: Vec::new(), size: asked, number: 1, whole: complete.then_some(ids), visited: Vec::new() };
        Some(send(draft, purpose, "page-1", "the first page of the list"))
    }

    /// The page after one.
    fn next_page(&self, index: usize, sending: &Sending, response: &ApiResponse) -> Option<Step> {
        let Purpose::Page { seen, size, number, whole, visited } = &sending.purpose else { return None };
        let operation = self.operation(index)?;
        let how = paging(operation, |name| self.default_of(operation, name));
        let mut draft = sending.draft.clone();
        let here = super::address(self.description, self.options, &draft);
        match next(&how, *size, response) {
            Next::End => return None,
            Next::Address(address) => {
                let base = url::Url::parse(&here).ok()?;
                let joined = base.join(&address).ok()?;
                // A page elsewhere is not followed; the judge tells it.
                if joined.origin() != base.origin() {
                    return None;
                }
                draft.address = Some(joined.to_string());
            }
            Next::Cursor(token) => {
                if let Some(Mover::Cursor(name)) = &how.mover {
                    set(&mut draft.query, name, token);
                }
            }
            Next::Count => match &how.mover {
                Some(Mover::Page(name, first)) => set(&mut draft.query, name, (first + i64::try_from(*number).ok()?).to_string()),
                Some(Mover::Offset(name)) => set(&mut draft.query, name, (size.unwrap_or(0) * number).to_string()),
                Some(Mover::Cursor(_)) | None => return None,
            },
        }
        // A page that is larger than was asked for says nothing about where the next one begins.
        if size.is_some_and(|size| response.json().as_ref().and_then(list_of).is_some_and(|items| items.len() > size)) {
            return None;
        }
        let mut visited = visited.clone();
        visited.push(here);
        let mut seen = seen.clone();
        let fresh = ids_of(operation, response);
        let repeats = !fresh.is_empty() && fresh.iter().all(|id| seen.contains(id));
        seen.extend(fresh);
        // A page that leads back, or that only repeats, was told; walking on would not end.
        if *number >= MAX_PAGES || repeats || visited.contains(&super::address(self.description, self.options, &draft)) {
            return None;
        }
        let purpose = Purpose::Page { seen, size: *size, number: number + 1, whole: whole.clone(), visited };
        Some(send(draft, purpose, format!("page-{}", number + 1), "the next page of the list"))
    }

    /// Deletes one thing of this run and looks after it.
    fn remove(&mut self, index: usize) -> Vec<Step> {
        let Some(operation) = self.operation(index).cloned() else { return Vec::new() };
        let normal = normalised(&operation.path);
        if item_prefix(&normal) != Some(normal.as_str()) {
            self.missing(index, "the operation", "deleting something that is no thing of its own is not tried");
            return Vec::new();
        }
        let ours: Vec<Instance> = self.instances.all.iter().filter(|i| i.ours && i.alive && i.item == normal).cloned().collect();
        let Some(first) = ours.first() else {
            self.missing(index, "the operation", "an operation that creates what can be deleted");
            return Vec::new();
        };
        let Some(draft) = self.draft_on(index, first, Wish::PLAIN) else {
            self.missing(index, "the operation", "values for what the deletion requires");
            return Vec::new();
        };
        let mut steps = Vec::new();
        if operation.needs_credential() {
            // On another thing than the one that is deleted next, so that the two cannot be confused.
            let other = ours.last().and_then(|i| self.draft_on(index, i, Wish::PLAIN)).unwrap_or_else(|| draft.clone());
            self.credential_probes(&operation, other, &mut steps);
        }
        if self.options.wrong {
            self.wrong_parameters(&operation, &draft, &mut steps);
            steps.extend(self.unknown(&operation, &draft));
        }
        steps.push(send(draft, Purpose::Delete, "delete", "deletes what this run made"));
        steps
    }

    fn clean(&mut self, index: usize, instance: &Instance) -> Option<Sending> {
        let alive = self.instances.all.iter().any(|i| i.item == instance.item && i.values == instance.values && i.alive);
        if !alive {
            return None;
        }
        let draft = self.draft_on(index, instance, Wish::PLAIN)?;
        Some(Sending { draft, purpose: Purpose::Cleanup, slug: "cleanup".into(), why: "takes away what this run made".into() })
    }

    /// What takes away all that this run made: the last made first.
    pub(super) fn cleanup(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for instance in self.instances.all.iter().rev().filter(|i| i.ours && i.alive) {
            let removes = |i: &usize| self.operation(*i).is_some_and(|o| o.method == "DELETE" && normalised(&o.path) == instance.item);
            if let Some(index) = self.open.iter().copied().find(removes) {
                steps.push(Step::Cleanup(index, instance.clone()));
            }
        }
        steps
    }

    /// Takes in what came of a request.
    pub(super) fn absorb(&mut self, sending: &Sending, exchange: &ApiExchange) {
        let Some(response) = &exchange.response else { return };
        let index = sending.draft.operation;
        let Some(operation) = self.operation(index).cloned() else { return };
        let values: Vec<String> = sending.draft.path.iter().map(|(_, v)| v.clone()).collect();
        let with_credential = !matches!(sending.purpose, Purpose::NoCredential | Purpose::WrongCredential);
        let mut more: Vec<Step> = Vec::new();
        if response.is_success() {
            if sending.purpose.is_valid() && with_credential && sending.draft.address.is_none() {
                self.accepted.entry(index).or_insert_with(|| sending.draft.clone());
            }
            more.extend(self.made(index, sending, &operation, &values, response));
            if sending.draft.method == "GET"
                && let Some(body) = response.json()
            {
                for instance in self.finder().listed(&operation, &values, &body) {
                    self.instances.add(instance);
                }
            }
            if sending.draft.method == "DELETE" {
                more.extend(self.deleted(index, sending, &operation, &values));
            }
        }
        if sending.purpose == Purpose::Cleanup && matches!(response.status, 404 | 410) {
            // It went with something else.
            let _ = self.deleted(index, sending, &operation, &values);
        }
        more.extend(self.follow_up(index, sending, response));
        for step in more.into_iter().rev() {
            self.queue.push_front(step);
        }
    }

    /// Remembers what a request made, and looks at it when making was its purpose.
    fn made(&mut self, index: usize, sending: &Sending, operation: &Operation, values: &[String], response: &ApiResponse) -> Vec<Step> {
        let sent = sending.draft.body.value();
        let repeated = matches!(sending.purpose, Purpose::OtherMethod { .. });
        let instance = match sending.draft.method.as_str() {
            "POST" if !repeated && creates(self.description, index) => match self.finder().created(operation, values, response, sent) {
                Some(instance) => instance,
                None => {
                    let what = "reading back and taking away what it made";
                    let needs = "an id in the answer: in its body, in Location, or through a link";
                    self.note(&operation.name, what, needs, UntestedCause::Target);
                    return Vec::new();
                }
            },
            "PUT" if response.status == 201 && !values.is_empty() => Instance {
                item: normalised(&operation.path),
                id: values.last().map_or(Value::Null, |v| json!(v)),
                values: values.to_vec(),
                ours: true,
                alive: true,
                sent: sent.cloned(),
            },
            _ => return Vec::new(),
        };
        let mut more = Vec::new();
        if matches!(sending.purpose, Purpose::Create { .. }) {
            more.push(Step::Found(index, instance.clone(), response.header("location").map(str::to_owned)));
            more.extend(self.declared_links(index, response));
            more.extend(self.repeat_with_key(index, sending, &instance));
        }
        self.instances.add(instance);
        more
    }

    /// What a purpose calls for next.
    fn follow_up(&mut self, index: usize, sending: &Sending, response: &ApiResponse) -> Vec<Step> {
        match &sending.purpose {
            Purpose::Update if response.is_success() => self.after_update(index, sending, response.status),
            Purpose::Whole { .. } if response.is_success() => self.first_page(index, sending, response).into_iter().collect(),
            Purpose::Page { .. } if response.is_success() => self.next_page(index, sending, response).into_iter().collect(),
            Purpose::Bounds { end, parts, single: false } if is_refusal(response.status) => self.one_by_one(index, sending, end, parts),
            Purpose::Create { variant } if is_refusal(response.status) && *variant != "plain" => {
                let parts: Vec<String> = sending.draft.body.value().and_then(Value::as_object).map(|m| m.keys().cloned().collect()).unwrap_or_default();
                self.one_by_one(index, sending, variant, &parts)
            }
            _ => Vec::new(),
        }
    }

    /// After a refusal of several ends together: each alone, on a request that is known to work.
    fn one_by_one(&self, index: usize, sending: &Sending, end: &'static str, parts: &[String]) -> Vec<Step> {
        let Some(base) = self.accepted.get(&index) else { return Vec::new() };
        let mut steps = Vec::new();
        for part in parts {
            let mut draft = base.clone();
            draft.path.clone_from(&sending.draft.path);
            draft.guess = sending.draft.guess;
            let copy = |from: &[(String, String)], to: &mut Vec<(String, String)>| {
                if let Some((name, value)) = from.iter().find(|(n, _)| n == part) {
                    set(to, name, value.clone());
                }
            };
            copy(&sending.draft.query, &mut draft.query);
            copy(&sending.draft.headers, &mut draft.headers);
            copy(&sending.draft.cookies, &mut draft.cookies);
            if let (Payload::Value { value: Value::Object(to), .. }, Some(Value::Object(from))) = (&mut draft.body, sending.draft.body.value())
                && let Some(value) = from.get(part)
            {
                to.insert(part.clone(), value.clone());
            }
            if draft == *base {
                continue;
            }
            let purpose = Purpose::Bounds { end, parts: vec![part.clone()], single: true };
            steps.push(send(draft, purpose, format!("{end}-{part}"), format!("the {end} value of `{part}` alone, after several together were refused")));
        }
        steps
    }

    fn after_update(&self, index: usize, sending: &Sending, status: u16) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some(operation) = self.operation(index) else { return steps };
        let item = normalised(&operation.path);
        if matches!(operation.method.as_str(), "PUT" | "PATCH")
            && let Some(sent) = sending.draft.body.value().filter(|v| v.is_object())
            && let Some(reader) = self.reader(&item)
            && let Ok(mut draft) = self.drafter().draft(reader, Wish::PLAIN)
        {
            let names = self.operation(reader).map(|o| template_names(&o.path)).unwrap_or_default();
            draft.path = names.into_iter().zip(sending.draft.path.iter().map(|(_, v)| v.clone())).collect();
            draft.guess = false;
            steps.push(send(draft, Purpose::ReadUpdate { sent: sent.clone() }, "read-change", "what was just changed must be read as changed"));
        }
        if operation.method == "PUT" {
            steps.push(send(sending.draft.clone(), Purpose::Repeat { first: status }, "change-again", "PUT is idempotent: once more must do no more"));
        }
        steps
    }

    /// The same creation with the same Idempotency-Key, where the operation has one.
    fn repeat_with_key(&self, index: usize, sending: &Sending, instance: &Instance) -> Option<Step> {
        let operation = self.operation(index)?;
        let parameter = operation.parameters.iter().find(|p| p.place == ParameterPlace::Header && p.name.eq_ignore_ascii_case("idempotency-key"))?;
        if sending.purpose != (Purpose::Create { variant: "plain" }) {
            return None;
        }
        // Where the key is optional, the first request had none, and nothing can be said.
        let sent = sending.draft.headers.iter().any(|(n, _)| *n == parameter.name);
        let purpose = Purpose::RepeatKey { first: id_text(&instance.id)? };
        sent.then(|| send(sending.draft.clone(), purpose, "create-again", "the same Idempotency-Key must make nothing new"))
    }

    /// After a deletion: the thing is dead, and must stay so.
    fn deleted(&mut self, index: usize, sending: &Sending, operation: &Operation, values: &[String]) -> Vec<Step> {
        let item = normalised(&operation.path);
        let mut found = None;
        for instance in &mut self.instances.all {
            if instance.item == item && instance.values == values {
                instance.alive = false;
                found = Some(instance.clone());
            }
        }
        // What hangs on it goes with it.
        let below = format!("{item}/");
        for instance in &mut self.instances.all {
            if instance.item.starts_with(&below) && instance.values.starts_with(values) {
                instance.alive = false;
            }
        }
        let (Purpose::Delete, Some(instance)) = (&sending.purpose, found) else { return Vec::new() };
        let mut steps = Vec::new();
        if let Some(draft) = self.reader(&item).and_then(|reader| self.draft_on(reader, &instance, Wish::PLAIN)) {
            steps.push(send(draft, Purpose::ReadDeleted, "read-deleted", "what was just deleted must not be found"));
        }
        for follower in self.followers(&instance) {
            if let Some(draft) = self.draft_on(follower, &instance, Wish::PLAIN) {
                steps.push(send(draft, Purpose::UseDeleted, "use-deleted", "what was just deleted must not be used"));
            }
        }
        for changer in self.open.iter().copied() {
            // PUT may make a thing anew, which is no use of the dead one.
            let changes = |o: &Operation| {
                let path = normalised(&o.path);
                item_prefix(&path) == Some(item.as_str()) && matches!(o.method.as_str(), "PATCH" | "POST")
            };
            if self.operation(changer).is_some_and(changes)
                && let Some(mut draft) = self.accepted.get(&changer).cloned()
            {
                let names = self.operation(changer).map(|o| template_names(&o.path)).unwrap_or_default();
                draft.path = names.into_iter().zip(instance.values.iter().cloned()).collect();
                steps.push(send(draft, Purpose::UseDeleted, "use-deleted", "what was just deleted must not be changed"));
            }
        }
        steps.push(send(sending.draft.clone(), Purpose::DeleteAgain, "delete-again", "deletes what is already deleted"));
        steps.extend(self.list_deleted(index, &instance));
        steps
    }

    fn list_deleted(&self, index: usize, instance: &Instance) -> Option<Step> {
        let lister = self.lister(index)?;
        let operation = self.operation(lister)?;
        let mut draft = self.drafter().draft(lister, Wish::PLAIN).ok()?;
        draft.path = template_names(&operation.path).into_iter().zip(instance.values.iter().cloned()).collect();
        if let Some(size) = paging(operation, |_| None).size {
            let most = self.bound(operation, &size).1.unwrap_or(100).min(1000);
            set(&mut draft.query, &size, most.to_string());
        }
        draft.guess = false;
        let purpose = Purpose::ListDeleted { id: id_text(&instance.id)? };
        Some(send(draft, purpose, "list-deleted", "what was just deleted must not be in its list"))
    }
}

/// A refusal that is about the request itself.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 404 | 408 | 409 | 429)
}

/// Puts a pair in a list of pairs, in the place of one with the same name.
fn set(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    match pairs.iter_mut().find(|(n, _)| n == name) {
        Some(slot) => slot.1 = value,
        None => pairs.push((name.to_owned(), value)),
    }
}

/// The ids in an answer to a listing.
pub(crate) fn ids_of(operation: &Operation, response: &ApiResponse) -> Vec<String> {
    let body = response.json().unwrap_or(Value::Null);
    let kind = operation.path.rsplit('/').next().unwrap_or_default();
    let name = format!("{}id", kind.strip_suffix('s').unwrap_or(kind));
    list_of(&body).into_iter().flatten().filter_map(|thing| id_in(thing, &name).and_then(id_text)).collect()
}
