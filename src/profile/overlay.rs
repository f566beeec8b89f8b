//! A region's overlay: what it may do, and the proof that it does no more.
//!
//! The law: a product that is conformant with core plus overlay is conformant with the core. So each
//! operation only adds or tightens, is checked against the core and not against another overlay, and
//! two overlays that set the same thing differently are a mistake: their order never decides.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::{File, digest, without};
use super::{Equivalent, Freedom, Level, Parameter, Profile, shipped_overlays};
use crate::document::{Mistake, Node, NodeKind, from_node};
use crate::target::day;

/// An overlay as it was read.
#[derive(Debug, Clone)]
pub struct Overlay {
    /// What it says.
    pub content: Content,
    /// The requirements it adds, as written.
    added: Vec<Node>,
    node: Node,
    file: String,
    sha256: String,
}

/// What an overlay file says, besides the requirements that it adds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Content {
    /// Permanent id of the overlay.
    pub overlay: String,
    /// Version, by semantic versioning.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// Who answers for it and on what ground.
    pub summary: String,
    /// Licence of the overlay's texts, as an SPDX expression.
    #[serde(default)]
    pub licence: Option<String>,
    /// The profile that it is laid on, pinned.
    pub base: Base,
    /// Prefix of the ids of added requirements, such as `XX-YY`.
    pub prefix: String,
    /// Parameters that are set within their range: numbers, choices among listed options, languages.
    #[serde(default)]
    pub set: Vec<Set>,
    /// SHOULD requirements that become MUST.
    #[serde(default)]
    pub raise: Vec<Raise>,
    /// Requirements that count from a lower tier on.
    #[serde(default)]
    pub bring_forward: Vec<BringForward>,
    /// Dormant requirements that are switched on.
    #[serde(default)]
    pub activate: Vec<Raise>,
    /// Parameters for added requirements; names the core does not use.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// Certificates that are accepted as equivalent, shown beside results.
    #[serde(default)]
    pub equivalents: Vec<Equivalent>,
    /// The region's answers to the three questions of the policy matrix.
    #[serde(default)]
    pub annotate: Vec<Annotation>,
}

/// The profile that an overlay is laid on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Base {
    /// The profile's id.
    pub profile: String,
    /// Its exact version.
    pub version: String,
    /// SHA-256 of its files, as `probity profile show` prints it.
    pub sha256: String,
}

/// One parameter that an overlay sets.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Set {
    /// The parameter's name.
    pub parameter: String,
    /// Its new value.
    pub value: Value,
    /// Why the region sets it.
    pub why: String,
}

/// One requirement that an overlay raises or switches on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Raise {
    /// The requirement's id.
    pub requirement: String,
    /// Why the region does so.
    pub why: String,
}

/// One requirement that counts from a lower tier on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BringForward {
    /// The requirement's id.
    pub requirement: String,
    /// The lower tier.
    pub tier: u8,
    /// Why the region does so.
    pub why: String,
}

/// A region's answers to the three questions of the policy matrix.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Annotation {
    /// The requirement's id.
    pub requirement: String,
    /// How far it is part of present policy.
    #[serde(default)]
    pub integration: Option<String>,
    /// What aligning with others would bring.
    #[serde(default)]
    pub benefit: Option<String>,
    /// What stands in the way.
    #[serde(default)]
    pub barrier: Option<String>,
}

/// An overlay that was laid on, as a report names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Applied {
    /// The overlay's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// What it changed, one sentence each.
    pub changes: Vec<String>,
}

impl Overlay {
    /// The overlay with this id among the shipped ones, or else at this path.
    ///
    /// # Errors
    /// Every mistake that was found, each with its place.
    pub fn load(name: &str) -> Result<Self, Vec<Mistake>> {
        if let Some((_, (file, text))) = shipped_overlays().into_iter().find(|(id, _)| id == name) {
            return Self::parse(&file, &text);
        }
        let text = std::fs::read_to_string(Path::new(name)).map_err(|e| {
            let ids = shipped_overlays().into_iter().map(|(id, _)| id).collect::<Vec<_>>().join(", ");
            vec![
                Mistake::new(name, format!("the overlay cannot be read: {e}"))
                    .help(format!("shipped overlays: {ids}; otherwise name a file")),
            ]
        })?;
        Self::parse(name, &text)
    }

    /// Reads an overlay's text.
    ///
    /// # Errors
    /// Every mistake that was found, each with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Mistake>> {
        let node = Node::read(file, text).map_err(|e| vec![Mistake::from(e)])?;
        let content: Content = from_node(&without(&node, "add")).map_err(|e| {
            let mistake = Mistake::from_node_error(file, &e);
            vec![mistake.help(
                "an overlay may set, raise, bring-forward, activate, add, annotate and name equivalents; it can remove or soften nothing",
            )]
        })?;
        let added = match node.get("add").map(Node::kind) {
            None => Vec::new(),
            Some(NodeKind::Sequence(items)) => items.clone(),
            Some(NodeKind::Scalar { .. } | NodeKind::Mapping(_)) => {
                return Err(vec![Mistake::at(file, node.position(), "add: expected a list of requirements")]);
            }
        };
        let files: [File; 1] = [(file.to_owned(), text.to_owned())];
        Ok(Self { content, added, node, file: file.to_owned(), sha256: digest(&files) })
    }

    fn mistake(&self, pointer: &str, message: String) -> Mistake {
        Mistake::at(&self.file, self.node.find(pointer).unwrap_or(&self.node).position(), message)
    }
}

impl Profile {
    /// The profile with these overlays laid on. Their order does not matter.
    ///
    /// # Errors
    /// Every operation that the core does not allow, and every pair of overlays that disagree.
    pub fn with_overlays(&self, overlays: &[Overlay]) -> Result<Self, Vec<Mistake>> {
        let mut overlays: Vec<&Overlay> = overlays.iter().collect();
        overlays.sort_by(|a, b| a.content.overlay.cmp(&b.content.overlay));
        let mut layers = Layers { core: self, profile: self.clone(), said: BTreeMap::new(), mistakes: Vec::new() };
        for overlay in &overlays {
            layers.lay(overlay);
        }
        let Layers { mut profile, mut mistakes, .. } = layers;
        for index in 0..profile.requirements.len() {
            let Some((file, written, id)) = profile.requirements.get(index).map(|r| (r.file.clone(), r.written.clone(), r.text.id.clone()))
            else {
                continue;
            };
            match profile.checks_of(&file, &id, &written) {
                Ok(checks) => {
                    if let Some(requirement) = profile.requirements.get_mut(index) {
                        requirement.checks = checks;
                    }
                }
                Err(found) => mistakes.extend(found),
            }
        }
        if mistakes.is_empty() { Ok(profile) } else { Err(mistakes) }
    }
}

struct Layers<'a> {
    core: &'a Profile,
    profile: Profile,
    /// What was set so far, by whom: name, value, overlay.
    said: BTreeMap<String, (Value, String)>,
    mistakes: Vec<Mistake>,
}

impl Layers<'_> {
    fn lay(&mut self, overlay: &Overlay) {
        let content = &overlay.content;
        let base = &content.base;
        let core = self.core;
        if self.profile.overlays.iter().any(|o| o.id == content.overlay) {
            self.mistakes.push(overlay.mistake("/overlay", format!("the overlay `{}` is laid on twice", content.overlay)));
            return;
        }
        if base.profile != core.id || base.version != core.version || base.sha256 != core.sha256 {
            let message = format!(
                "base: this overlay is for {} {} with SHA-256 {}, and the profile at hand is {} {} with SHA-256 {}",
                base.profile, base.version, base.sha256, core.id, core.version, core.sha256
            );
            self.mistakes
                .push(overlay.mistake("/base", message).help("read `probity profile diff` between the two versions, then pin the new one"));
            return;
        }
        let layer = format!("{} {}", content.overlay, content.version);
        let mut changes = Vec::new();
        for (index, set) in content.set.iter().enumerate() {
            let pointer = format!("/set/{index}/value");
            let name = format!("parameters.{}", set.parameter);
            match core.parameters.get(&set.parameter) {
                None => self
                    .mistakes
                    .push(overlay.mistake(&format!("/set/{index}/parameter"), format!("unknown parameter `{}`", set.parameter))),
                Some(parameter) => match parameter.refusal(&set.value) {
                    Some(why) => self.mistakes.push(overlay.mistake(&pointer, format!("{name} cannot be set to {}: {why}", set.value))),
                    None => {
                        if self.say(overlay, &pointer, &name, set.value.clone(), &layer)
                            && let Some(effective) = self.profile.parameters.get_mut(&set.parameter)
                        {
                            changes.push(format!("{name} is {} instead of {}: {}", set.value, parameter.value, set.why));
                            effective.value = set.value.clone();
                        }
                    }
                },
            }
        }
        for (index, raise) in content.raise.iter().enumerate() {
            let pointer = format!("/raise/{index}/requirement");
            if self.free(overlay, &pointer, &raise.requirement, Freedom::Tighten)
                && self.say(overlay, &pointer, &format!("{}.level", raise.requirement), "MUST".into(), &layer)
            {
                self.change(&raise.requirement, |r| r.text.level = Level::Must);
                changes.push(format!("{} is MUST instead of SHOULD: {}", raise.requirement, raise.why));
            }
        }
        for (index, forward) in content.bring_forward.iter().enumerate() {
            let pointer = format!("/bring-forward/{index}");
            if !self.free(overlay, &format!("{pointer}/requirement"), &forward.requirement, Freedom::Tighten) {
                continue;
            }
            let tier = core.requirement(&forward.requirement).map_or(1, |r| r.text.tier);
            if forward.tier == 0 || forward.tier >= tier {
                let message = format!("{} counts from tier {tier} on; {} is not a lower tier", forward.requirement, forward.tier);
                self.mistakes.push(overlay.mistake(&format!("{pointer}/tier"), message));
            } else if self.say(overlay, &format!("{pointer}/tier"), &format!("{}.tier", forward.requirement), forward.tier.into(), &layer) {
                self.change(&forward.requirement, |r| r.text.tier = forward.tier);
                changes.push(format!("{} counts from tier {} instead of {tier}: {}", forward.requirement, forward.tier, forward.why));
            }
        }
        for (index, activate) in content.activate.iter().enumerate() {
            let pointer = format!("/activate/{index}/requirement");
            if self.free(overlay, &pointer, &activate.requirement, Freedom::Activate)
                && self.say(overlay, &pointer, &format!("{}.dormant", activate.requirement), false.into(), &layer)
            {
                self.change(&activate.requirement, |r| r.text.dormant = false);
                changes.push(format!("{} is switched on: {}", activate.requirement, activate.why));
            }
        }
        self.add(overlay, &layer, &mut changes);
        for (index, equivalent) in content.equivalents.iter().enumerate() {
            for id in &equivalent.requirements {
                if core.requirement(id).is_none() {
                    self.mistakes
                        .push(overlay.mistake(&format!("/equivalents/{index}/requirements"), format!("no requirement `{id}` in the core")));
                }
            }
            if day(&equivalent.expires).is_none() {
                self.mistakes.push(overlay.mistake(
                    &format!("/equivalents/{index}/expires"),
                    format!("`{}` is not a day, expected YYYY-MM-DD", equivalent.expires),
                ));
            }
            changes.push(format!(
                "{} by {} is shown beside {}",
                equivalent.certificate,
                equivalent.issuer,
                equivalent.requirements.join(", ")
            ));
            self.profile.equivalents.push(equivalent.clone());
        }
        for (index, annotation) in content.annotate.iter().enumerate() {
            if core.requirement(&annotation.requirement).is_none() {
                self.mistakes.push(overlay.mistake(
                    &format!("/annotate/{index}/requirement"),
                    format!("no requirement `{}` in the core", annotation.requirement),
                ));
            }
        }
        self.profile.overlays.push(Applied {
            id: content.overlay.clone(),
            version: content.version.clone(),
            title: content.title.clone(),
            sha256: overlay.sha256.clone(),
            changes,
        });
    }

    fn add(&mut self, overlay: &Overlay, layer: &str, changes: &mut Vec<String>) {
        let content = &overlay.content;
        for (name, parameter) in &content.parameters {
            let pointer = format!("/parameters/{name}");
            if self.core.parameters.contains_key(name) {
                self.mistakes.push(overlay.mistake(&pointer, format!("parameters.{name} is the core's; use `set`")));
            } else if let Some(fault) = parameter.fault() {
                self.mistakes.push(overlay.mistake(&pointer, format!("parameters.{name}: {fault}")));
            } else if self.say(overlay, &pointer, &format!("parameters.{name}"), parameter.value.clone(), layer) {
                self.profile.parameters.insert(name.clone(), parameter.clone());
            }
        }
        for (index, node) in overlay.added.iter().enumerate() {
            let path = format!("add[{index}]");
            match self.profile.requirement_of(&overlay.file, &path, node) {
                Err(found) => self.mistakes.extend(found),
                Ok(requirement) => {
                    let id = requirement.text.id.clone();
                    let prefix = format!("{}-", content.prefix);
                    let pointer = format!("/add/{index}/id");
                    let shared = self.core.requirements.iter().any(|r| r.text.id.starts_with(&prefix));
                    if content.prefix.is_empty() || shared || !id.starts_with(&prefix) {
                        self.mistakes.push(overlay.mistake(
                            &pointer,
                            format!("the id `{id}` must begin with the region's own prefix `{prefix}`, which the core may not use"),
                        ));
                    } else if requirement.text.legal_basis.as_deref().is_none_or(|basis| basis.trim().is_empty()) {
                        self.mistakes.push(
                            overlay
                                .mistake(&format!("/add/{index}"), format!("{id}: an added requirement names its legal basis"))
                                .help("add `legal-basis: …`"),
                        );
                    } else if self.profile.requirement(&id).is_some() {
                        self.mistakes.push(overlay.mistake(&pointer, format!("the id `{id}` is used already")));
                    } else {
                        changes.push(format!("{id} is added: {}", requirement.text.title));
                        self.profile.provenance.insert(id, layer.to_owned());
                        self.profile.requirements.push(requirement);
                    }
                }
            }
        }
    }

    /// Whether the core leaves this to a region.
    fn free(&mut self, overlay: &Overlay, pointer: &str, id: &str, freedom: Freedom) -> bool {
        let word = match freedom {
            Freedom::Tighten => "tighten",
            Freedom::Activate => "activate",
        };
        match self.core.requirement(id) {
            None => {
                self.mistakes.push(overlay.mistake(pointer, format!("no requirement `{id}` in the core")));
                false
            }
            Some(requirement) if !requirement.text.freedom.contains(&freedom) => {
                self.mistakes.push(
                    overlay.mistake(pointer, format!("{id}: the core does not leave this to a region (no `{word}` under its `freedom`)")),
                );
                false
            }
            Some(_) => true,
        }
    }

    /// Notes what an overlay sets; false when another overlay set it differently.
    fn say(&mut self, overlay: &Overlay, pointer: &str, name: &str, value: Value, layer: &str) -> bool {
        match self.said.get(name) {
            Some((other, by)) if *other != value => {
                let message = format!("{name}: this overlay says {value} and {by} says {other}");
                self.mistakes
                    .push(overlay.mistake(pointer, message).help("the order of overlays never decides; make one of the two agree"));
                false
            }
            Some(_) | None => {
                self.said.insert(name.to_owned(), (value, layer.to_owned()));
                self.profile.provenance.insert(name.to_owned(), layer.to_owned());
                true
            }
        }
    }

    fn change(&mut self, id: &str, apply: impl Fn(&mut super::Requirement)) {
        self.profile.requirements.iter_mut().filter(|r| r.text.id == id).for_each(apply);
    }
}
