//! The life of what a run makes: changed, read again, deleted, looked for, and taken away.

use serde_json::{Value, json};

use super::draft::Wish;
use super::paging::paging;
use super::resource::{Instance, id_text, item_prefix, normalised, template_names};
use super::steps::{Sending, Step, send, set};
use super::{Plan, Purpose, UntestedCause, creates};
use crate::api::description::{Operation, ParameterPlace};
use crate::api::exchange::ApiResponse;

impl Plan<'_> {
    /// Deletes one thing of this run and looks after it.
    pub(super) fn remove(&mut self, index: usize) -> Vec<Step> {
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
            let other = ours.last().and_then(|i| self.draft_on(index, i, Wish::PLAIN)).unwrap_or_else(|| draft.clone());
            self.wrong_parameters(&operation, &other, &mut steps);
            steps.extend(self.unknown(&operation, &draft));
        }
        steps.push(send(draft, Purpose::Delete, "delete", "deletes what this run made"));
        steps
    }

    pub(super) fn clean(&mut self, index: usize, instance: &Instance) -> Option<Sending> {
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

    /// Remembers what a request made, and looks at it when making was its purpose.
    pub(super) fn made(
        &mut self,
        index: usize,
        sending: &Sending,
        operation: &Operation,
        values: &[String],
        response: &ApiResponse,
    ) -> Vec<Step> {
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
                sure: true,
                sent: sent.cloned(),
            },
            _ => return Vec::new(),
        };
        let mut more = Vec::new();
        // What is only taken in hand (202) may come later, or be a job of its own.
        if matches!(sending.purpose, Purpose::Create { .. }) && response.status != 202 {
            more.push(Step::Found(index, instance.clone(), response.header("location").map(str::to_owned)));
            more.extend(self.declared_links(index, response));
            more.extend(self.repeat_with_key(index, sending, &instance));
        }
        self.instances.add(instance);
        more
    }

    pub(super) fn after_update(&self, index: usize, sending: &Sending, status: u16) -> Vec<Step> {
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
            steps.push(send(
                draft,
                Purpose::ReadUpdate { sent: sent.clone() },
                "read-change",
                "what was just changed must be read as changed",
            ));
        }
        // Of what is no object it is only seen that it is there now.
        if matches!(operation.method.as_str(), "PUT" | "PATCH")
            && sending.draft.body.value().is_none_or(|v| !v.is_object())
            && let Some(reader) = self.reader(&item)
            && let Ok(mut draft) = self.drafter().draft(reader, Wish::PLAIN)
        {
            let names = self.operation(reader).map(|o| template_names(&o.path)).unwrap_or_default();
            draft.path = names.into_iter().zip(sending.draft.path.iter().map(|(_, v)| v.clone())).collect();
            draft.guess = false;
            steps.push(send(draft, Purpose::Plain, "read-change", "what was just written can be read"));
        }
        if operation.method == "PUT" {
            steps.push(send(
                sending.draft.clone(),
                Purpose::Repeat { first: status },
                "change-again",
                "PUT is idempotent: once more must do no more",
            ));
        }
        steps
    }

    /// The same creation with the same Idempotency-Key, where the operation has one.
    pub(super) fn repeat_with_key(&self, index: usize, sending: &Sending, instance: &Instance) -> Option<Step> {
        let operation = self.operation(index)?;
        let parameter =
            operation.parameters.iter().find(|p| p.place == ParameterPlace::Header && p.name.eq_ignore_ascii_case("idempotency-key"))?;
        if sending.purpose != (Purpose::Create { variant: "plain" }) {
            return None;
        }
        // Where the key is optional, the first request had none, and nothing can be said.
        let sent = sending.draft.headers.iter().any(|(n, _)| *n == parameter.name);
        let purpose = Purpose::RepeatKey { first: id_text(&instance.id)? };
        sent.then(|| send(sending.draft.clone(), purpose, "create-again", "the same Idempotency-Key must make nothing new"))
    }

    /// After a deletion: the thing is dead, and must stay so.
    pub(super) fn deleted(&mut self, index: usize, sending: &Sending, operation: &Operation, values: &[String]) -> Vec<Step> {
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

    pub(super) fn list_deleted(&self, index: usize, instance: &Instance) -> Option<Step> {
        let lister = self.lister(index)?;
        let operation = self.operation(lister)?;
        let mut draft = self.drafter().draft(lister, Wish::PLAIN).ok()?;
        draft.path = template_names(&operation.path).into_iter().zip(instance.values.iter().cloned()).collect();
        if let Some(size) = paging(self.description, operation).size {
            let most = self.bound(operation, &size).1.unwrap_or(100).min(1000);
            set(&mut draft.query, &size, most.to_string());
        }
        draft.guess = true;
        let purpose = Purpose::ListDeleted { id: id_text(&instance.id)? };
        Some(send(draft, purpose, "list-deleted", "what was just deleted must not be in its list"))
    }
}
