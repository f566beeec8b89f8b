//! Lists, walked to their end.

use super::paging::{Mover, Next, may_be_second, next, paging};
use super::resource::list_of;
use super::steps::{Sending, Step, ids_of, send, set};
use super::{Plan, Purpose};
use crate::api::description::{Operation, ParameterPlace};
use crate::api::exchange::ApiResponse;
use crate::api::generate::Flat;

/// Pages that are walked.
const MAX_PAGES: usize = 12;

impl Plan<'_> {
    /// The list in one go, to begin with.
    pub(super) fn pages(&mut self, index: usize) -> Vec<Step> {
        let Some(base) = self.accepted.get(&index).cloned() else { return Vec::new() };
        let Some(operation) = self.operation(index) else { return Vec::new() };
        let how = paging(self.description, operation);
        if how.mover.is_none() && how.size.is_none() {
            return Vec::new();
        }
        let mut draft = base;
        if let Some(size) = &how.size {
            let most = self.bound(operation, size).1.unwrap_or(100).min(1000);
            set(&mut draft.query, size, most.to_string());
            // A service may have an upper end that its description does not tell.
            draft.guess |= self.bound(operation, size).1.is_none();
        }
        draft.accept = None;
        vec![send(
            draft,
            Purpose::Whole { size: how.size },
            "list-whole",
            "the list in as large a page as is allowed, to hold its pages against",
        )]
    }

    /// The bounds of a number parameter.
    pub(super) fn bound(&self, operation: &Operation, name: &str) -> (Option<u64>, Option<u64>) {
        let Some(schema) = operation.parameter(ParameterPlace::Query, name).and_then(|p| p.schema.clone()) else { return (None, None) };
        let flat = Flat::of(self.description, &[schema], 0);
        let whole = |n: f64| if n >= 0.0 { Some(n as u64) } else { None };
        (flat.minimum.and_then(|(n, _)| whole(n)), flat.maximum.and_then(|(n, _)| whole(n)))
    }

    /// The first page, after the list in one go.
    pub(super) fn first_page(&self, index: usize, sending: &Sending, response: &ApiResponse) -> Option<Step> {
        let operation = self.operation(index)?;
        let how = paging(self.description, operation);
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
        if let Some(Mover::Page(name, first, _)) = &how.mover {
            set(&mut draft.query, name, first.to_string());
        }
        draft.guess = false;
        let purpose = Purpose::Page { seen: Vec::new(), size: asked, number: 1, whole: complete.then_some(ids), visited: Vec::new() };
        Some(send(draft, purpose, "page-1", "the first page of the list"))
    }

    /// The page after one.
    pub(super) fn next_page(&self, index: usize, sending: &Sending, response: &ApiResponse) -> Option<Step> {
        let Purpose::Page { seen, size, number, whole, visited } = &sending.purpose else { return None };
        let operation = self.operation(index)?;
        let how = paging(self.description, operation);
        if *number == 1 && may_be_second(&how, &ids_of(operation, response), whole.as_deref()) {
            return None;
        }
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
                Some(Mover::Page(name, first, _)) => set(&mut draft.query, name, (first + i64::try_from(*number).ok()?).to_string()),
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
}
