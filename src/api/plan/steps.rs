//! The steps of a plan: what follows from what, and what an answer changes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::draft::{Draft, Payload, Wish, sendable};
use super::resource::{Instance, item_prefix, list_of, listed_id, normalised, reference_names, template_names};
use super::{Plan, Purpose, UntestedCause, creates, takes_body};
use crate::api::description::Operation;
use crate::api::exchange::{ApiExchange, ApiResponse};
use crate::api::generate::Flat;

/// Values of an enumeration that are each sent.
pub(super) const MAX_VALUES: usize = 8;

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
    /// Further requests that follow from the seed.
    Fuzz(usize),
    /// The life's end of things of a kind.
    Remove(usize),
    /// Takes one thing away.
    Cleanup(usize, Instance),
    /// A request that is ready.
    Send(Box<Sending>),
}

pub(super) fn send(draft: Draft, purpose: Purpose, slug: impl Into<String>, why: impl Into<String>) -> Step {
    Step::Send(Box::new(Sending { draft, purpose, slug: slug.into(), why: why.into() }))
}

impl Plan<'_> {
    /// The steps of the whole plan, in order.
    pub(super) fn outline(&mut self) -> Vec<Step> {
        let description = self.description;
        let operations = description.operations();
        let open: Vec<usize> = self.open.iter().copied().collect();
        let of = |index: usize| operations.get(index);
        let is_get = |index: usize| of(index).is_some_and(Operation::is_safe);
        let bare = |index: usize| of(index).is_some_and(|o| !o.path.contains('{'));
        let mut steps = Vec::new();
        steps.extend(open.iter().copied().filter(|i| is_get(*i) && bare(*i)).map(Step::Plain));
        for index in self.creation_order(&open) {
            let rounds = self.rounds(index);
            steps.extend((0..rounds).map(|round| Step::Create(index, round)));
        }
        steps.extend(open.iter().copied().filter(|i| is_get(*i) && !bare(*i)).map(Step::Plain));
        let lasts = |index: &usize| of(*index).is_some_and(|o| o.method != "DELETE");
        // What is written makes more that can be read; only then is it known what a refusal means.
        steps.extend(open.iter().copied().filter(lasts).map(Step::Valid));
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        for index in open.iter().copied() {
            let Some(operation) = of(index) else { continue };
            if operation.method == "DELETE" {
                continue;
            }
            steps.push(Step::Refused(index));
            if paths.insert(&operation.path) {
                steps.push(Step::OtherMethod(operation.path.clone()));
            }
        }
        steps.extend(open.iter().copied().filter(|i| is_get(*i)).map(Step::Pages));
        if self.options.fuzz > 0 {
            steps.extend(open.iter().copied().filter(lasts).map(Step::Fuzz));
        }
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
    pub(super) fn creation_order(&self, open: &[usize]) -> Vec<usize> {
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
                                || description
                                    .operations()
                                    .get(*index)
                                    .is_some_and(|o| normalised(&o.path).starts_with(&format!("{item}/")))
                        })
                })
            });
            order.push(left.remove(free.unwrap_or(0)));
        }
        order
    }

    /// The names of properties in an operation's body.
    pub(super) fn refers_to(&self, index: usize) -> BTreeSet<String> {
        let operation = self.description.operations().get(index);
        let schema = operation.and_then(sendable).and_then(|m| m.schema.clone());
        schema.map(|s| Flat::of(self.description, &[s], 0).order.into_iter().collect()).unwrap_or_default()
    }

    /// How many variants of a body are sent: plain, smallest, largest, other scripts, and one for each
    /// value of the longest enumeration, all in one row.
    pub(super) fn rounds(&self, index: usize) -> usize {
        if !takes_body(self.description, index) {
            return 1;
        }
        let Some(schema) = self.description.operations().get(index).and_then(sendable).and_then(|m| m.schema.clone()) else { return 1 };
        let flat = Flat::of(self.description, &[schema], 0);
        let values = flat.properties.values().map(|spots| Flat::of(self.description, spots, 0).values.map_or(1, |(v, _)| v.len())).max();
        // The smallest body may leave out what has a list of values, so it does not count for them.
        values.unwrap_or(1).max(flat.branches).saturating_add(1).clamp(4, MAX_VALUES + 1)
    }

    /// What a step becomes: a request now, or steps put before all others.
    pub(super) fn take(&mut self, step: Step) -> Option<Sending> {
        let more = match step {
            // What a probe has deleted is not there to be deleted.
            Step::Send(sending) if sending.purpose == Purpose::Delete && !self.lives(&sending.draft) => return None,
            Step::Send(sending) => return Some(*sending),
            Step::Plain(index) => return self.plain(index),
            Step::Create(index, round) => return self.create(index, round),
            Step::Found(index, instance, location) => self.found(index, &instance, location),
            Step::Valid(index) => self.valid(index),
            Step::Refused(index) => self.refused(index),
            Step::OtherMethod(path) => return self.other_method(&path),
            Step::Pages(index) => self.pages(index),
            Step::Fuzz(index) => self.fuzz(index),
            Step::Remove(index) => self.remove(index),
            Step::Cleanup(index, instance) => return self.clean(index, &instance),
        };
        for step in more.into_iter().rev() {
            self.queue.push_front(step);
        }
        None
    }

    /// Whether the thing that a request is about has not been deleted.
    fn lives(&self, draft: &Draft) -> bool {
        let Some(item) = self.operation(draft.operation).map(|o| normalised(&o.path)) else { return false };
        self.instances.all.iter().any(|i| i.alive && i.item == item && i.values.iter().eq(draft.path.iter().map(|(_, v)| v)))
    }

    pub(super) fn operation(&self, index: usize) -> Option<&'_ Operation> {
        self.description.operations().get(index)
    }

    pub(super) fn named(&self, index: usize) -> String {
        self.operation(index).map_or_else(String::new, |o| o.name.clone())
    }

    pub(super) fn missing(&mut self, index: usize, what: &str, needs: &str) {
        let name = self.named(index);
        self.note(&name, what, needs, UntestedCause::Missing);
    }

    /// The operation that reads things of a kind.
    pub(super) fn reader(&self, item: &str) -> Option<usize> {
        self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.method == "GET" && normalised(&o.path) == item))
    }

    /// A draft for an operation on one thing, plain but for the path.
    pub(super) fn draft_on(&self, index: usize, instance: &Instance, wish: Wish) -> Option<Draft> {
        let mut draft = self.drafter().draft(index, wish).ok()?;
        let names = template_names(&self.operation(index)?.path);
        draft.path = names.into_iter().zip(instance.values.iter().cloned()).collect();
        draft.guess = !instance.sure;
        Some(draft)
    }

    /// The operation that lists what another one makes or deletes.
    pub(super) fn lister(&self, index: usize) -> Option<usize> {
        let path = normalised(&self.operation(index)?.path);
        let collection = path.strip_suffix("/{}").unwrap_or(&path);
        self.open.iter().copied().find(|i| self.operation(*i).is_some_and(|o| o.method == "GET" && normalised(&o.path) == collection))
    }

    /// Operations that read something about a thing: `/alarms/{}/events`.
    pub(super) fn followers(&self, instance: &Instance) -> Vec<usize> {
        let below = format!("{}/", instance.item);
        let follows = |o: &Operation| {
            let path = normalised(&o.path);
            o.method == "GET" && path.starts_with(&below) && item_prefix(&path) == Some(instance.item.as_str())
        };
        self.open.iter().copied().filter(|i| self.operation(*i).is_some_and(follows)).collect()
    }

    /// Takes in what came of a request.
    pub(super) fn absorb(&mut self, sending: &Sending, exchange: &ApiExchange) {
        let Some(response) = &exchange.response else { return };
        let index = sending.draft.operation;
        let Some(operation) = self.operation(index).cloned() else { return };
        let values: Vec<String> = sending.draft.path.iter().map(|(_, v)| v.clone()).collect();
        let with_credential = !matches!(sending.purpose, Purpose::NoCredential | Purpose::WrongCredential | Purpose::OtherAccount);
        let mut more: Vec<Step> = Vec::new();
        if response.is_success() {
            if sending.purpose.is_valid() && with_credential && sending.draft.address.is_none() {
                self.accepted.entry(index).or_insert_with(|| sending.draft.clone());
                if let Some(refused) = self.waiting.remove(&index) {
                    let parts = parts_of(&refused.draft);
                    more.extend(self.one_by_one(index, &refused, "plain", &parts));
                }
            }
            self.remember_tag(sending, response);
            more.extend(self.made(index, sending, &operation, &values, response));
            if sending.draft.method == "GET"
                && let Some(body) = response.json()
            {
                for instance in self.finder().listed(&operation, &values, &body) {
                    self.instances.add(instance);
                }
            }
            if sending.draft.method == "DELETE" {
                let after = self.deleted(index, sending, &operation, &values);
                if response.status != 202 {
                    more.extend(after);
                }
            }
        }
        if sending.purpose == Purpose::Cleanup && matches!(response.status, 404 | 410) {
            // It went with something else.
            let _ = self.deleted(index, sending, &operation, &values);
        }
        more.extend(self.follow_up(index, sending, response));
        let first = matches!(sending.purpose, Purpose::Create { variant: "plain" } | Purpose::Update | Purpose::Plain);
        if first && is_refusal(response.status) && !self.accepted.contains_key(&index) {
            self.waiting.entry(index).or_insert_with(|| sending.clone());
        }
        for step in more.into_iter().rev() {
            self.queue.push_front(step);
        }
    }

    /// What a purpose calls for next.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only some purposes are followed up")]
    pub(super) fn follow_up(&self, index: usize, sending: &Sending, response: &ApiResponse) -> Vec<Step> {
        let purpose = &sending.purpose;
        if response.is_success() {
            // What is only taken in hand shows nothing yet (RFC 9110, section 15.3.3).
            if *purpose == Purpose::Update && response.status != 202 {
                return self.after_update(index, sending, response.status);
            }
            if matches!(purpose, Purpose::Whole { .. }) {
                return self.first_page(index, sending, response).into_iter().collect();
            }
            if matches!(purpose, Purpose::Page { .. }) {
                return self.next_page(index, sending, response).into_iter().collect();
            }
        }
        if !is_refusal(response.status) {
            return Vec::new();
        }
        if let (Purpose::Bounds { end, parts, single: true }, true) = (purpose, response.status != 422 || !sending.draft.guess)
            && let ([part], true) = (parts.as_slice(), *end != "inner")
        {
            return self.inner(index, sending, part).into_iter().collect();
        }
        if let Purpose::Bounds { end, parts, single: false } = purpose {
            return self.one_by_one(index, sending, end, parts);
        }
        let end = match purpose {
            Purpose::Create { variant } => *variant,
            Purpose::Update | Purpose::Plain => "plain",
            _ => return Vec::new(),
        };
        let parts = parts_of(&sending.draft);
        self.one_by_one(index, sending, end, &parts)
    }

    /// After a refusal of one part at an end that the accepted request does not have at all: the same part
    /// at an inner value. Where that is refused too, it is not the end that is refused.
    fn inner(&self, index: usize, sending: &Sending, part: &str) -> Option<Step> {
        let base = self.accepted.get(&index)?;
        if parts_of(base).iter().any(|p| p == part) {
            return None;
        }
        let plain = self.drafter().draft(index, Wish { optional: true, ..Wish::PLAIN }).ok()?;
        let made = self.drafter().draft(index, Wish { serial: 1, optional: true, ..Wish::PLAIN }).ok()?;
        let mut draft = base.clone();
        draft.path.clone_from(&sending.draft.path);
        for source in [&made, &plain] {
            for (from, to) in
                [(&source.query, &mut draft.query), (&source.headers, &mut draft.headers), (&source.cookies, &mut draft.cookies)]
            {
                if let Some((name, value)) = from.iter().find(|(n, _)| n == part) {
                    set(to, name, value.clone());
                }
            }
            if let (Payload::Value { value: Value::Object(to), .. }, Some(Value::Object(from))) = (&mut draft.body, source.body.value())
                && let Some(value) = from.get(part)
            {
                to.insert(part.to_owned(), value.clone());
            }
        }
        draft.guess = true;
        if !parts_of(&draft).iter().any(|p| p == part) {
            return None;
        }
        let purpose = Purpose::Bounds { end: "inner", parts: vec![part.to_owned()], single: true };
        Some(send(draft, purpose, format!("inner-{part}"), format!("an inner value of `{part}`, after one at its end was refused")))
    }

    /// After a refusal of several ends together: each alone, on a request that is known to work.
    pub(super) fn one_by_one(&self, index: usize, sending: &Sending, end: &'static str, parts: &[String]) -> Vec<Step> {
        let Some(base) = self.accepted.get(&index) else { return Vec::new() };
        let mut steps = Vec::new();
        for part in parts {
            let mut draft = base.clone();
            draft.path.clone_from(&sending.draft.path);
            draft.guess = self.is_guess(index, part, sending);
            draft.documented = false;
            let copy = |from: &[(String, String)], to: &mut Vec<(String, String)>| {
                if let Some((name, value)) = from.iter().find(|(n, _)| n == part) {
                    set(to, name, value.clone());
                }
            };
            copy(&sending.draft.query, &mut draft.query);
            copy(&sending.draft.headers, &mut draft.headers);
            copy(&sending.draft.cookies, &mut draft.cookies);
            if let (Payload::Value { value: Value::Object(to), .. }, Some(Value::Object(from))) =
                (&mut draft.body, sending.draft.body.value())
                && let Some(value) = from.get(part)
            {
                to.insert(part.clone(), value.clone());
            }
            let same = draft.body == sending.draft.body && draft.query == sending.draft.query && draft.headers == sending.draft.headers;
            if draft == *base || same {
                continue;
            }
            let purpose = Purpose::Bounds { end, parts: vec![part.clone()], single: true };
            steps.push(send(
                draft,
                purpose,
                format!("{end}-{part}"),
                format!("the {end} value of `{part}` alone, after several together were refused"),
            ));
        }
        steps
    }
}

/// The names of what a request is made of, beside its path.
pub(super) fn parts_of(draft: &Draft) -> Vec<String> {
    let body = draft.body.value().and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone());
    body.chain(draft.query.iter().chain(&draft.headers).chain(&draft.cookies).map(|(name, _)| name.clone())).collect()
}

/// A refusal that is about the request itself.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && !matches!(status, 401 | 403 | 404 | 408 | 409 | 429)
}

/// Puts a pair in a list of pairs, in the place of one with the same name.
pub(super) fn set(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
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
    list_of(&body).into_iter().flatten().filter_map(|thing| listed_id(thing, &name)).collect()
}
