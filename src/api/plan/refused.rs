//! Requests that an operation must refuse, each wrong in one thing.

use serde_json::{Value, json};

use super::draft::{Draft, Payload, Wish, is_disregarded, is_ignored, sendable, unknown_id};
use super::resource::{id_text, item_prefix, normalised, template_names};
use super::steps::{MAX_VALUES, Sending, Step, send, set};
use super::{Plan, Purpose, UntestedCause};
use crate::api::description::{Operation, ParameterPlace, is_safe};
use crate::api::exchange::{essence, is_json};
use crate::api::generate::{Flat, mutations, wire_mutations};

impl Plan<'_> {
    /// What the operation must refuse, each request wrong in one thing.
    pub(super) fn refused(&mut self, index: usize) -> Vec<Step> {
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
        self.odd_bodies(&operation, &base, &mut steps);
        steps.extend(self.unknown(&operation, &base));
        steps
    }

    pub(super) fn credential_probes(&self, operation: &Operation, draft: Draft, steps: &mut Vec<Step>) {
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

    pub(super) fn unknown(&self, operation: &Operation, base: &Draft) -> Option<Step> {
        let name = template_names(&operation.path).pop()?;
        let id = unknown_id(self.description, operation, &name)?;
        // A service that makes what is put where nothing is has made this one.
        if self.instances.all.iter().any(|i| i.alive && i.values.last() == Some(&id)) {
            return None;
        }
        let mut draft = base.clone();
        draft.path.last_mut()?.1 = id;
        draft.address = None;
        Some(send(draft, Purpose::UnknownId, "unknown-id", "a well-formed id of nothing"))
    }

    pub(super) fn wrong_parameters(&self, operation: &Operation, base: &Draft, steps: &mut Vec<Step>) {
        for parameter in operation.parameters.iter().filter(|p| !is_ignored(p)) {
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
            let wrong = if is_disregarded(parameter) { Vec::new() } else { wire_mutations(self.description, parameter, &start) };
            for wrong in wrong {
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

    pub(super) fn wrong_bodies(&self, operation: &Operation, base: &Draft, steps: &mut Vec<Step>) {
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
            // A choice has ways of being wrong in each of its branches.
            let branches = Flat::of(self.description, std::slice::from_ref(&schema), 0).branches.min(MAX_VALUES);
            for branch in 1..branches {
                let wish = Wish { choice: branch, serial: branch, optional: true, ..Wish::PLAIN };
                let Ok(other) = self.drafter().draft(base.operation, wish) else { continue };
                let Some(value) = other.body.value().filter(|v| Some(*v) != base.body.value()) else { continue };
                for wrong in mutations(self.description, &schema, value) {
                    let draft = with(Payload::Value { media_type: media_type.clone(), value: wrong.value });
                    let slug = format!("body-branch-{}-{}", branch + 1, wrong.keyword);
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

    /// Text that the description allows and that services stumble over: very long, empty, with marks
    /// that mean something to databases, pages and shells.
    pub(super) fn odd_bodies(&self, operation: &Operation, base: &Draft, steps: &mut Vec<Step>) {
        const LENGTH: usize = 10_000;
        const MARKS: &str = "O'Brien \"x\" <b>&amp; %s %00 \\ ;--";
        let (Payload::Value { media_type, value: Value::Object(body) }, Some(schema)) =
            (&base.body, sendable(operation).and_then(|m| m.schema.clone()))
        else {
            return;
        };
        let Ok(validator) = self.description.validator(&schema, crate::api::description::Direction::Request) else { return };
        for (what, text) in [("long text", "x".repeat(LENGTH)), ("empty text", String::new()), ("marks", MARKS.to_owned())] {
            let mut odd = body.clone();
            for name in body.iter().filter(|(_, v)| v.is_string()).map(|(n, _)| n) {
                let before = odd.insert(name.clone(), json!(text));
                if !validator.is_valid(&Value::Object(odd.clone()))
                    && let Some(before) = before
                {
                    odd.insert(name.clone(), before);
                }
            }
            if odd != *body {
                let payload = Payload::Value { media_type: media_type.clone(), value: Value::Object(odd) };
                let slug = format!("odd-{}", what.replace(' ', "-"));
                let why = format!("{what} wherever the description allows it");
                steps.push(send(Draft { body: payload, ..base.clone() }, Purpose::Odd { what }, slug, why));
            }
        }
    }

    pub(super) fn other_method(&mut self, path: &str) -> Option<Sending> {
        if !self.options.wrong {
            return None;
        }
        let of_path: Vec<usize> = (0..self.description.operations().len())
            .filter(|i| self.operation(*i).is_some_and(|o| !o.outgoing && o.path == path))
            .collect();
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
    pub(super) fn may_change(&self, path: &str, draft: &Draft) -> bool {
        let normal = normalised(path);
        let Some(item) = item_prefix(&normal) else { return true };
        let values: Vec<String> = draft.path.iter().map(|(_, v)| v.clone()).collect();
        let made = self.instances.all.iter().any(|i| i.ours && i.item == item && i.values == values);
        let offered = draft.path.iter().all(|(n, v)| self.options.known.get(n).and_then(id_text).as_ref() == Some(v));
        made || offered
    }
}
