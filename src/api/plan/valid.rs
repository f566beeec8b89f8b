//! Valid requests: plain ones, ones that make something, and ones at the ends of their constraints.

use serde_json::Value;

use super::draft::{Draft, Payload, Wish};
use super::paging::paging;
use super::resource::{Instance, id_text, template_names};
use super::steps::{MAX_VALUES, Sending, Step, send, set};
use super::{Plan, Purpose, creates};
use crate::api::description::{LinkTarget, Operation, Parameter, ParameterPlace, ResponseKey};
use crate::api::exchange::{ApiResponse, essence};
use crate::api::generate::{Flat, Variant};

impl Plan<'_> {
    pub(super) fn plain(&mut self, index: usize) -> Option<Sending> {
        if self.accepted.contains_key(&index) {
            return None;
        }
        match self.drafter().draft(index, Wish::PLAIN) {
            Ok(draft) => {
                Some(Sending { draft, purpose: Purpose::Plain, slug: "plain".into(), why: "a valid request with what is required".into() })
            }
            Err(needs) => {
                self.missing(index, "the operation", &needs);
                None
            }
        }
    }

    pub(super) fn create(&mut self, index: usize, round: usize) -> Option<Sending> {
        let variants =
            [(Variant::Typical, "plain"), (Variant::Smallest, "smallest"), (Variant::Largest, "largest"), (Variant::Script, "script")];
        let (variant, name) = variants.get(round).copied().unwrap_or((Variant::Typical, "choice"));
        // The smallest body leaves out what is optional: its turn of the listed values comes again.
        let wish = Wish { variant, serial: round, choice: round.saturating_sub(1), turn: 0, optional: round != 1 };
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

    /// Reads what was just made, and follows what leads on from it.
    pub(super) fn found(&mut self, index: usize, instance: &Instance, location: Option<String>) -> Vec<Step> {
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
                steps.push(send(draft.clone(), purpose, "read-back", "what was just made must be found as it was sent"));
                draft.address = None;
                steps.extend(self.other_account(reader, &draft));
            }
        } else if let Some(step) = self.list_created(index, instance) {
            steps.push(step);
        }
        for follower in self.followers(instance) {
            if let Some(draft) = self.draft_on(follower, instance, Wish::PLAIN) {
                let path = self.operation(follower).map_or_else(String::new, |o| o.path.clone());
                steps.push(send(draft, Purpose::Link { name: path, declared: false }, "follow", "leads on from what was just made"));
            }
        }
        steps
    }

    /// Another account must not read what this run made; once for each kind of thing.
    fn other_account(&mut self, reader: usize, draft: &Draft) -> Option<Step> {
        self.options.other_account.as_ref()?;
        let needs = self.operation(reader)?.needs_credential();
        (needs && self.strangers.insert(reader))
            .then(|| send(draft.clone(), Purpose::OtherAccount, "other-account", "what this run made must not be open to another account"))
    }

    /// Where things of a kind cannot be read alone, the list must have what was made.
    pub(super) fn list_created(&self, index: usize, instance: &Instance) -> Option<Step> {
        // A name in the place of an id shows neither that it is there nor that it is not.
        let lister = self.lister(index).filter(|_| instance.sure)?;
        // A list that goes on is walked later; its first page proves nothing.
        if paging(self.description, self.operation(lister)?).mover.is_some() {
            return None;
        }
        let mut draft = self.drafter().draft(lister, Wish::PLAIN).ok()?;
        let outer = instance.values.len().saturating_sub(1);
        let names = template_names(&self.operation(lister)?.path);
        draft.path = names.into_iter().zip(instance.values.iter().take(outer).cloned()).collect();
        let purpose = Purpose::ListCreated { id: id_text(&instance.id)? };
        Some(send(draft, purpose, "list-created", "what was just made must be in its list"))
    }

    /// Requests for the links that an answer's description declares.
    pub(super) fn declared_links(&self, index: usize, response: &ApiResponse) -> Vec<Step> {
        let Some(operation) = self.operation(index) else { return Vec::new() };
        let mut steps = Vec::new();
        for link in operation.response(response.status).into_iter().flat_map(|r| &r.links) {
            let target = match &link.target {
                LinkTarget::Id(id) => {
                    self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.operation_id.as_deref() == Some(id)))
                }
                LinkTarget::Reference(reference) => self
                    .description
                    .resolve(0, reference)
                    .ok()
                    .and_then(|(spot, _)| self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.spot == spot))),
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
                let purpose = Purpose::Link { name: link.name.clone(), declared: true };
                steps.push(send(draft, purpose, format!("link-{}", link.name), "the description links from what was just made to here"));
            }
        }
        steps
    }

    /// A draft whose path the link's parameters fill.
    pub(super) fn link_draft(&self, target: usize, operation: &Operation) -> Option<Draft> {
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
            documented: false,
            address: None,
            accept: None,
        })
    }

    /// Valid requests beyond the plain one: both ends of every constraint, every listed value.
    pub(super) fn valid(&mut self, index: usize) -> Vec<Step> {
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
        steps.extend(self.odd_query(index, &base));
        steps.extend(self.accept_probes(index, &base));
        steps
    }

    /// Asks for each media type that is offered, where there are several, and for one that nobody offers.
    fn accept_probes(&self, index: usize, base: &Draft) -> Vec<Step> {
        let Some(operation) = self.operation(index) else { return Vec::new() };
        if operation.responses.iter().all(|r| r.content.is_empty()) {
            return Vec::new();
        }
        let ask = |asked: &str, offered: bool, slug: String, why: String| {
            let draft = Draft { accept: Some(asked.to_owned()), ..base.clone() };
            send(draft, Purpose::Accept { asked: asked.to_owned(), offered }, slug, why)
        };
        let success = operation.responses.iter().find(|r| matches!(r.key, ResponseKey::Code(200..=299) | ResponseKey::Range(2)));
        let offers: Vec<String> =
            success.iter().flat_map(|r| &r.content).map(|m| essence(&m.media_type)).filter(|m| !m.contains('*')).collect();
        let mut steps = Vec::new();
        if offers.len() > 1 {
            for offer in offers.iter().take(MAX_VALUES) {
                let slug = format!("accept-{}", offer.rsplit('/').next().unwrap_or_default());
                steps.push(ask(offer, true, slug, format!("asks for {offer}, one of several that are offered")));
            }
        }
        let none = "application/x-probity-none";
        steps.push(ask(none, false, "accept-none".into(), "asks for a media type that is not offered".into()));
        steps
    }

    /// Text that free text parameters allow and services stumble over.
    fn odd_query(&self, index: usize, base: &Draft) -> Option<Step> {
        const ODD: &str = "Zażółć O'Brien \"x\" <b>&amp; %s ;--";
        let operation = self.operation(index)?;
        let free = |p: &&Parameter| {
            p.place == ParameterPlace::Query
                && p.schema.as_ref().is_some_and(|schema| {
                    let flat = Flat::of(self.description, std::slice::from_ref(schema), 0);
                    flat.main_type() == "string" && flat.values.is_none() && flat.format.is_none() && flat.patterns.is_empty()
                })
        };
        let names: Vec<&str> = operation.parameters.iter().filter(free).map(|p| p.name.as_str()).collect();
        if names.is_empty() || !self.options.wrong {
            return None;
        }
        let mut draft = base.clone();
        draft.address = None;
        for name in names {
            set(&mut draft.query, name, ODD.to_owned());
        }
        Some(send(draft, Purpose::Odd { what: "text" }, "query-odd", "free text in the query, with marks and letters beyond ASCII"))
    }

    /// Changes of one thing: plain, seen, again, and at both ends.
    pub(super) fn changes(&mut self, index: usize) -> Vec<Step> {
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
            for (round, variant, end) in
                [(1, Variant::Smallest, "smallest"), (2, Variant::Largest, "largest"), (3, Variant::Script, "script")]
            {
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
}
