//! Bounded fuzzing: a number of further requests that follow from a seed.
//!
//! Off unless it is asked for. Nothing here is chance: the seed stands in the options, and so in the
//! record of the run, and the same seed gives the same requests. Each request is either valid in a way
//! that the plan did not choose, or wrong in one known thing.

use super::draft::{Draft, Payload, Wish, sendable};
use super::steps::{Step, send};
use super::{Plan, Purpose};
use crate::api::exchange::is_json;
use crate::api::generate::{Variant, mutations};

/// Numbers that follow from a seed (SplitMix64; Steele, Lea and Flood 2014).
#[derive(Debug)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

impl Plan<'_> {
    /// Further requests to an operation of which one was accepted.
    pub(super) fn fuzz(&mut self, index: usize) -> Vec<Step> {
        let Some(operation) = self.operation(index).cloned() else { return Vec::new() };
        let Some(base) = self.accepted.get(&index).cloned() else { return Vec::new() };
        let mut numbers = Numbers(self.options.seed ^ (index as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let schema = sendable(&operation).filter(|m| is_json(&m.media_type)).and_then(|m| m.schema.clone());
        let mut steps = Vec::new();
        for _ in 0..self.options.fuzz {
            let variants = [Variant::Typical, Variant::Smallest, Variant::Largest, Variant::Script];
            let variant = variants.get(numbers.below(variants.len())).copied().unwrap_or(Variant::Typical);
            let wish =
                Wish { variant, serial: 100 + numbers.below(10_000), choice: numbers.below(64), turn: 0, optional: numbers.below(2) == 0 };
            let Ok(mut draft) = self.drafter().draft(index, wish) else { continue };
            draft.path.clone_from(&base.path);
            let wrong = numbers.below(2) == 0;
            let broken = match (&draft.body, &schema, wrong && self.options.wrong) {
                (Payload::Value { media_type, value }, Some(schema), true) => {
                    let mut all = mutations(self.description, schema, value);
                    if all.is_empty() { None } else { Some((media_type.clone(), all.swap_remove(numbers.below(all.len())))) }
                }
                _ => None,
            };
            steps.push(match broken {
                Some((media_type, mutation)) => {
                    let body = Payload::Value { media_type, value: mutation.value };
                    let purpose = Purpose::Wrong {
                        place: "body",
                        name: mutation.at,
                        keyword: mutation.keyword,
                        schema: mutation.schema,
                        what: mutation.what.clone(),
                        firm: mutation.firm,
                    };
                    send(Draft { body, ..draft }, purpose, "fuzz", mutation.what)
                }
                None => {
                    send(draft, Purpose::Odd { what: "values that follow from the seed" }, "fuzz", "valid values that follow from the seed")
                }
            });
        }
        steps
    }
}
