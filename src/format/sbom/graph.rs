//! The graph of a parts list: who needs or contains whom.

use std::collections::{BTreeMap, BTreeSet};

use super::PartsList;

/// What the relations of a list amount to.
pub(super) struct Graph {
    /// How many relations join two things.
    pub(super) edges: usize,
    /// Whether any relation is of the product itself, even one that says that there are none.
    pub(super) primary_known: bool,
    /// Places in `parts` that no chain of relations joins to the product, whatever their direction.
    pub(super) apart: Vec<usize>,
    /// Places in `parts` that the product needs directly.
    pub(super) direct: BTreeSet<usize>,
    /// Reference and pointer of relations to things that are not in the list.
    pub(super) dangling: Vec<(String, String)>,
    /// References that several parts have, with the pointer of the second.
    pub(super) repeated: Vec<(String, String)>,
}

impl Graph {
    pub(super) fn of(list: &PartsList) -> Self {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut repeated = Vec::new();
        for (i, part) in list.parts.iter().enumerate() {
            if let Some(reference) = part.reference.as_deref()
                && places.insert(reference, i).is_some()
            {
                repeated.push((reference.to_owned(), part.pointer.clone()));
            }
        }
        let others: BTreeSet<&str> = list.other_references.iter().map(String::as_str).collect();
        // Elements of other documents may be named without being here.
        let is_known = |r: &str| places.contains_key(r) || others.contains(r) || r.starts_with("DocumentRef-") || r.starts_with("urn:cdx:");
        let mut groups = Groups::new(list.parts.len());
        let mut outside: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut edges, mut primary_known) = (0, false);
        let mut direct = BTreeSet::new();
        let mut dangling = Vec::new();
        let primary = list.primary.and_then(|p| list.parts.get(p)).and_then(|p| p.reference.as_deref());
        for relation in &list.relations {
            for reference in std::iter::once(&relation.from).chain(&relation.to) {
                if !is_known(reference) {
                    dangling.push((reference.clone(), relation.pointer.clone()));
                }
            }
            primary_known |= primary.is_some_and(|p| relation.from == p || relation.to.iter().any(|to| to == p));
            if Some(relation.from.as_str()) == primary {
                direct.extend(relation.to.iter().filter_map(|t| places.get(t.as_str()).copied()));
            }
            for to in &relation.to {
                edges += 1;
                let mut place = |r: &'_ str, groups: &mut Groups| -> Option<usize> {
                    if let Some(place) = places.get(r) {
                        return Some(*place);
                    }
                    let key = others.get(r)?;
                    Some(*outside.entry(key).or_insert_with(|| groups.add()))
                };
                if let (Some(a), Some(b)) = (place(&relation.from, &mut groups), place(to, &mut groups)) {
                    groups.join(a, b);
                }
            }
        }
        let apart = match list.primary {
            Some(primary) => {
                let home = groups.find(primary);
                (0..list.parts.len()).filter(|i| groups.find(*i) != home).collect()
            }
            None => Vec::new(),
        };
        Self { edges, primary_known, apart, direct, dangling, repeated }
    }
}

/// Disjoint sets, joined without recursion.
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }
    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }
    fn find(&mut self, mut at: usize) -> usize {
        while let Some(up) = self.0.get(at).copied().filter(|up| *up != at) {
            let above = self.0.get(up).copied().unwrap_or(up);
            if let Some(slot) = self.0.get_mut(at) {
                *slot = above;
            }
            at = above;
        }
        at
    }
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        if let Some(slot) = self.0.get_mut(a.max(b)) {
            *slot = a.min(b);
        }
    }
}
