//! Waivers: bounded, visible, and never a pass.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Profile;
use crate::document::{Mistake, Node, from_node};
use crate::target::{Product, day};

/// One exception from one requirement for one product. The raw outcome stays; the waiver stands beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Waiver {
    /// The requirement that is waived.
    pub requirement: String,
    /// Why.
    pub reason: String,
    /// The person or body that grants it.
    pub issuer: String,
    /// The day it was granted, `YYYY-MM-DD`.
    pub issued: String,
    /// The last day on which it counts, `YYYY-MM-DD`.
    pub expires: String,
    /// The product's name; any, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The product's version; any, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// Whether a waiver counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaiverState {
    /// It counts today.
    Valid,
    /// Its last day has passed, or its first has not come: void, and shown.
    Expired,
    /// It is for another product or version: void, and shown.
    Elsewhere,
}

/// A file of waivers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct WaiverFile {
    /// The waivers.
    waivers: Vec<Waiver>,
}

impl Waiver {
    /// Whether it counts for this product at `now`.
    pub fn state(&self, product: &Product, now: OffsetDateTime) -> WaiverState {
        let other = |named: &Option<String>, is: &str| named.as_deref().is_some_and(|n| n != is);
        if other(&self.product, &product.name) || other(&self.version, &product.version) {
            return WaiverState::Elsewhere;
        }
        match (day(&self.issued), day(&self.expires)) {
            (Some(from), Some(until)) if (from..=until).contains(&now.date()) => WaiverState::Valid,
            _ => WaiverState::Expired,
        }
    }
}

/// Reads a file of waivers for a profile.
///
/// # Errors
/// Every mistake that was found; a waiver for a requirement that the profile does not have is one.
pub fn read_waivers(path: &Path, profile: &Profile) -> Result<Vec<Waiver>, Vec<Mistake>> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| vec![Mistake::new(&file, format!("the waivers cannot be read: {e}"))])?;
    let node = Node::read(&file, &text).map_err(|e| vec![Mistake::from(e)])?;
    let read: WaiverFile = from_node(&node).map_err(|e| vec![Mistake::from_node_error(&file, &e)])?;
    let mut mistakes = Vec::new();
    for (index, waiver) in read.waivers.iter().enumerate() {
        let mut wrong = |field: &str, message: String| {
            let at = node.find(&format!("/waivers/{index}/{field}")).unwrap_or(&node).position();
            mistakes.push(Mistake::at(&file, at, format!("waivers[{index}].{field}: {message}")));
        };
        if profile.requirement(&waiver.requirement).is_none() {
            wrong("requirement", format!("no requirement `{}` in {} {}", waiver.requirement, profile.id, profile.version));
        }
        for (field, value) in [("issued", &waiver.issued), ("expires", &waiver.expires)] {
            if day(value).is_none() {
                wrong(field, format!("`{value}` is not a day, expected YYYY-MM-DD"));
            }
        }
        for (field, value) in [("reason", &waiver.reason), ("issuer", &waiver.issuer)] {
            if value.trim().is_empty() {
                wrong(field, "is empty".into());
            }
        }
    }
    if mistakes.is_empty() { Ok(read.waivers) } else { Err(mistakes) }
}
