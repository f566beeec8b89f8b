//! What is sent to a service, and why.
//!
//! A plan is a machine without chance or clock: given the same description, options and answers it
//! says the same requests, byte for byte. It never sends anything. The caller asks for the next
//! request, sends it, and hands the exchange back; judging later runs the same machine over the
//! recorded exchanges.
//!
//! What it may do:
//! * Without consent to write it only reads; without consent to send what must be refused, it sends
//!   only what the description allows.
//! * With consent, what is changed or deleted was made by this run, or is offered by the target.
//! * Operations that smell of power are refused, consent or not, unless each is named ([`smells_of_power`]).
//! * What was made is taken away at the end, and at once after [`Plan::abandon`].
//!
//! The order: look at what can be read, make one thing of every kind and variant, read each, then
//! probe each operation from both sides of every constraint, page through lists, and delete. What
//! cannot be tested is said with what to provide ([`Plan::untested`]).

mod draft;
mod fuzz;
mod guard;
mod life;
mod paging;
mod refused;
mod rehearsal;
mod request;
mod resource;
mod steps;
mod valid;
mod walk;

pub use guard::smells_of_power;
pub(crate) use paging::{Next, link_relation, may_be_second, next as next_page, paging as paging_of};
pub use rehearsal::rehearse;
pub use request::{Effect, PlannedRequest, Purpose, SecretUse, Untested, UntestedCause};
pub(crate) use resource::{id_in, id_text, list_of};
pub(crate) use steps::ids_of;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::description::{Description, is_safe};
use super::exchange::ApiExchange;
use draft::{Draft, Drafter, address, sendable, wrong_credential};
use resource::{Finder, Instances, item_prefix, normalised};
use steps::{Sending, Step};

/// What a plan may do, and with what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanOptions {
    /// The base address of the service.
    pub base: String,
    /// The name of the secret for each security scheme that there is one for.
    pub credentials: BTreeMap<String, String>,
    /// The name of the secret of another account, which must not reach what this run makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_account: Option<String>,
    /// Consent to create, change and delete.
    pub writes: bool,
    /// Consent to send what must be refused: wrong values, wrong credentials, methods that are not there.
    pub wrong: bool,
    /// Operations that smell of power and are allowed all the same, by name.
    pub allowed: BTreeSet<String>,
    /// Operations that are left alone, by name.
    pub skipped: BTreeSet<String>,
    /// Values that exist, by the names of parameters or properties: what the target offers.
    pub known: BTreeMap<String, Value>,
    /// Further requests to each operation that follow from the seed; none by default.
    #[serde(skip_serializing_if = "is_zero")]
    pub fuzz: usize,
    /// What they follow from.
    pub seed: u64,
    /// The most requests that are sent; 0 stands for 30 for each operation.
    pub max_requests: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The requests that are planned when a caller does not say how many, for each operation.
const REQUESTS_PER_OPERATION: usize = 30;

/// A plan in progress.
#[derive(Debug)]
pub struct Plan<'a> {
    description: &'a Description,
    options: &'a PlanOptions,
    queue: VecDeque<Step>,
    pending: Option<Sending>,
    instances: Instances,
    /// Operations of which a valid request was accepted, with that request.
    accepted: BTreeMap<usize, Draft>,
    /// Operations that can be tested at all.
    open: BTreeSet<usize>,
    ids: BTreeMap<String, usize>,
    sent: usize,
    limit: usize,
    untested: BTreeSet<Untested>,
    cleaning: bool,
    /// Entity tags by path (RFC 9110, section 8.8.3), the latest that was seen.
    tags: BTreeMap<String, String>,
    /// Readers that another account was sent to.
    strangers: BTreeSet<usize>,
    /// Valid requests that were refused before any of their operation was accepted.
    waiting: BTreeMap<usize, Sending>,
}

impl<'a> Plan<'a> {
    /// A plan for a description. Nothing is sent before [`Plan::next`] is asked.
    pub fn new(description: &'a Description, options: &'a PlanOptions) -> Self {
        let operations = description.operations();
        let offered = operations.iter().filter(|o| !o.outgoing).count();
        let limit = if options.max_requests == 0 { (REQUESTS_PER_OPERATION + options.fuzz) * offered.max(1) } else { options.max_requests };
        let mut plan = Self {
            description,
            options,
            queue: VecDeque::new(),
            pending: None,
            instances: Instances::default(),
            accepted: BTreeMap::new(),
            open: BTreeSet::new(),
            ids: BTreeMap::new(),
            sent: 0,
            limit,
            untested: BTreeSet::new(),
            cleaning: false,
            tags: BTreeMap::new(),
            strangers: BTreeSet::new(),
            waiting: BTreeMap::new(),
        };
        plan.open = plan.admitted();
        plan.queue = plan.outline().into();
        plan
    }

    /// The next request, given what came of the one before. `None`: the plan is at its end.
    pub fn next(&mut self, last: Option<&ApiExchange>) -> Option<PlannedRequest> {
        if let (Some(sending), Some(exchange)) = (self.pending.take(), last) {
            self.absorb(&sending, exchange);
        }
        while let Some(step) = self.queue.pop_front() {
            if self.sent >= self.limit && !self.cleaning {
                self.note("", "what was still planned", &format!("a limit above {} requests", self.limit), UntestedCause::Limit);
                self.abandon();
                continue;
            }
            let Some(sending) = self.take(step) else { continue };
            let request = self.request(&sending);
            self.sent += 1;
            self.pending = Some(sending);
            return Some(request);
        }
        if !self.cleaning {
            self.abandon();
            if !self.queue.is_empty() {
                return self.next(None);
            }
        }
        None
    }

    /// Stops testing: what is planned from here on only takes away what this run made.
    pub fn abandon(&mut self) {
        self.cleaning = true;
        self.queue = self.cleanup().into();
    }

    /// What was not tested, and what to provide.
    pub fn untested(&self) -> impl Iterator<Item = &Untested> {
        self.untested.iter()
    }

    /// How many requests were planned so far.
    pub fn sent(&self) -> usize {
        self.sent
    }

    /// What this run made and could not take away: the paths.
    pub fn left_behind(&self) -> Vec<String> {
        self.instances.all.iter().filter(|i| i.ours && i.alive).map(|i| fill(&i.item, &i.values)).collect()
    }

    fn note(&mut self, operation: &str, what: &str, needs: &str, cause: UntestedCause) {
        self.untested.insert(Untested { operation: operation.to_owned(), what: what.to_owned(), needs: needs.to_owned(), cause });
    }

    fn drafter(&self) -> Drafter<'_> {
        Drafter { description: self.description, options: self.options, instances: &self.instances }
    }

    /// Whether a refusal of one part of a request shows nothing: nobody gave us its value, and its schema
    /// does not say all that it must be.
    fn is_guess(&self, index: usize, part: &str, sending: &Sending) -> bool {
        let Some(operation) = self.description.operations().get(index) else { return true };
        let parameter = operation.parameters.iter().find(|p| p.name == part).and_then(|p| p.schema.clone());
        let spots = match parameter {
            Some(spot) => vec![spot],
            None => {
                let schema = sendable(operation).and_then(|m| m.schema.clone());
                let flat = schema.map(|s| super::generate::Flat::of(self.description, &[s], 0));
                flat.and_then(|flat| flat.properties.get(part).cloned()).unwrap_or_default()
            }
        };
        let Some(spot) = spots.first() else { return sending.draft.guess };
        let flat = super::generate::Flat::of(self.description, &spots, 0);
        let told = flat.values.is_some() || !flat.patterns.is_empty() || flat.main_type() == "boolean";
        if told {
            return draft::names_a_reference_of(part, &flat);
        }
        !draft::is_closed(self.description, spot)
            || resource::names_a_reference(part)
            || draft::names_a_code(part)
            || draft::names_an_end(part)
            || matches!(flat.main_type(), "object" | "array")
    }

    fn finder(&self) -> Finder<'_> {
        Finder { description: self.description, base: self.options.base.trim_end_matches('/') }
    }

    /// Operations that may be tested; of the others it is noted why not.
    fn admitted(&mut self) -> BTreeSet<usize> {
        let mut open = BTreeSet::new();
        let description = self.description;
        for (index, operation) in description.operations().iter().enumerate() {
            if operation.outgoing {
                continue;
            }
            if self.options.skipped.contains(&operation.name) {
                self.note(&operation.name, "the operation", "the target leaves it out", UntestedCause::Consent);
                continue;
            }
            if let Some(word) = smells_of_power(operation)
                && !self.options.allowed.contains(&operation.name)
            {
                let needs = format!("it smells of power (`{word}`): consent that names this operation");
                self.note(&operation.name, "the operation", &needs, UntestedCause::Consent);
                continue;
            }
            if !operation.is_safe() && !self.options.writes {
                self.note(&operation.name, "the operation", "consent to write", UntestedCause::Consent);
                continue;
            }
            if matches!(operation.method.as_str(), "TRACE" | "CONNECT") {
                self.note(&operation.name, "the operation", "TRACE and CONNECT are not sent", UntestedCause::Description);
                continue;
            }
            if operation.needs_credential() && self.secrets(index).is_none() {
                let names: BTreeSet<&str> = operation.security.iter().flatten().map(|s| s.name.as_str()).collect();
                let names: Vec<&str> = names.into_iter().collect();
                let needs = format!("a credential for {}", names.join(" or "));
                self.note(&operation.name, "the operation with a credential", &needs, UntestedCause::Missing);
            }
            open.insert(index);
        }
        open
    }

    /// The secrets of the first alternative for which all are there. `None`: there is no such
    /// alternative; empty: none is needed.
    fn secrets(&self, index: usize) -> Option<Vec<SecretUse>> {
        let operation = self.description.operations().get(index)?;
        let mut sets: Vec<_> = operation.security.iter().collect();
        if sets.is_empty() {
            return Some(Vec::new());
        }
        // Where it also works without, it is still asked with, if we can.
        sets.sort_by_key(|set| set.is_empty());
        sets.into_iter().find_map(|set| {
            set.iter()
                .map(|one| {
                    let secret = self.options.credentials.get(&one.name)?.clone();
                    Some(SecretUse { secret, kind: self.description.schemes().get(&one.name)?.kind.clone() })
                })
                .collect()
        })
    }

    /// Writes a sending out as a request.
    fn request(&mut self, sending: &Sending) -> PlannedRequest {
        let mut draft = sending.draft.clone();
        let operation = self.description.operations().get(draft.operation);
        let name = operation.map_or_else(String::new, |o| o.name.clone());
        let mut secrets = Vec::new();
        if sending.purpose == Purpose::WrongCredential {
            let set = operation.and_then(|o| o.security.iter().find(|set| !set.is_empty()).cloned()).unwrap_or_default();
            for one in set {
                if let Some(scheme) = self.description.schemes().get(&one.name) {
                    wrong_credential(&scheme.kind, &mut draft);
                }
            }
        } else if sending.purpose != Purpose::NoCredential {
            secrets = self.secrets(draft.operation).unwrap_or_default();
            if let (Purpose::OtherAccount, Some(other)) = (&sending.purpose, &self.options.other_account) {
                secrets.iter_mut().for_each(|secret| secret.secret.clone_from(other));
            }
        }
        // The tag of what is there now, which an earlier step could not know.
        let path = path_of(&address(self.description, self.options, &draft));
        if let Some((_, value)) = draft.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("if-match")) {
            *value = self.tags.get(&path).cloned().unwrap_or_else(|| "*".to_owned());
        }
        let mut headers = vec![("Accept".to_owned(), draft.accept.clone().unwrap_or_else(|| self.accept(draft.operation)))];
        let (body, media_type) = draft.body.encode();
        if let Some(media_type) = media_type {
            headers.push(("Content-Type".into(), media_type));
        }
        headers.extend(draft.headers.iter().cloned());
        if !draft.cookies.is_empty() {
            let cookies: Vec<String> = draft.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            headers.push(("Cookie".into(), cookies.join("; ")));
        }
        let slug = format!("{name}/{}", sending.slug);
        let count = self.ids.entry(slug.clone()).or_default();
        *count += 1;
        let id = if *count == 1 { slug } else { format!("{slug}-{count}") };
        let effect = match draft.method.as_str() {
            method if is_safe(method) => Effect::Reads,
            "POST" => Effect::Creates,
            "DELETE" => Effect::Deletes,
            _ => Effect::Changes,
        };
        PlannedRequest {
            id,
            operation: name,
            purpose: sending.purpose.clone(),
            why: sending.why.clone(),
            effect,
            method: draft.method.clone(),
            url: address(self.description, self.options, &draft),
            headers,
            body,
            secrets,
            guess: draft.guess,
            documented: draft.documented,
        }
    }

    /// Remembers the entity tag of what a request was about.
    fn remember_tag(&mut self, sending: &Sending, response: &super::exchange::ApiResponse) {
        let Some(tag) = response.header("etag").filter(|tag| !tag.is_empty()) else { return };
        let mut path = path_of(&address(self.description, self.options, &sending.draft));
        if sending.draft.method == "POST" {
            let base = self.finder();
            let Some((item, values)) = response.header("location").and_then(|l| base.by_address(l)) else { return };
            path = path_of(&format!("{}{}", self.options.base.trim_end_matches('/'), fill(&item, &values)));
        }
        self.tags.insert(path, tag.to_owned());
    }

    /// The media types that an operation documents, as an Accept header field.
    fn accept(&self, index: usize) -> String {
        let mut types: Vec<&str> = Vec::new();
        let operation = self.description.operations().get(index);
        for media in operation.into_iter().flat_map(|o| &o.responses).flat_map(|r| &r.content) {
            if !types.contains(&media.media_type.as_str()) {
                types.push(&media.media_type);
            }
        }
        if types.is_empty() { "*/*".into() } else { types.join(", ") }
    }
}

/// The path of an address, as it is sent.
fn path_of(address: &str) -> String {
    url::Url::parse(address).map_or_else(|_| address.to_owned(), |url| url.path().to_owned())
}

/// A normalised path with its values.
fn fill(item: &str, values: &[String]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    for (index, part) in item.split("{}").enumerate() {
        if index > 0 {
            out.push_str(values.next().map_or("", String::as_str));
        }
        out.push_str(part);
    }
    out
}

/// Whether an operation makes a new thing in a collection.
fn creates(description: &Description, index: usize) -> bool {
    let Some(operation) = description.operations().get(index) else { return false };
    if operation.method != "POST" || operation.outgoing {
        return false;
    }
    let own = normalised(&operation.path);
    let item = format!("{own}/{{}}");
    let has_item = description.operations().iter().any(|o| {
        let path = normalised(&o.path);
        item_prefix(&path).is_some_and(|prefix| prefix == item)
    });
    let says_created = operation.responses.iter().any(|r| r.key == super::description::ResponseKey::Code(201));
    has_item || says_created
}

/// Whether a body can be sent to an operation.
fn takes_body(description: &Description, index: usize) -> bool {
    description.operations().get(index).is_some_and(|o| sendable(o).is_some())
}

#[cfg(test)]
mod tests;
