//! Reading a profile from its files.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Expression, FactKind, Parameter, Pillar, Profile, Requirement, RequirementText, shipped_profiles};
use crate::check::PlacedCheck;
use crate::document::{Mistake, Node, NodeKind, Position, from_node, push_token};
use crate::target::day;

/// The head of a profile: everything but its requirements.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Head {
    /// Permanent id of the profile.
    profile: String,
    /// Version, by semantic versioning.
    version: String,
    /// Title for people.
    title: String,
    /// What it is for and who answers for it.
    summary: String,
    /// Licence of the profile's texts, as an SPDX expression.
    #[serde(default)]
    licence: Option<String>,
    /// The pillars, in order.
    pillars: Vec<Pillar>,
    /// The facts that `applies` may ask for.
    #[serde(default)]
    facts: BTreeMap<String, FactKind>,
    /// Values that checks name as `$name`.
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
}

/// A further file of a profile's folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Part {
    /// Values that checks name as `$name`.
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
}

/// One file of a profile: its name for messages and its text.
pub(super) type File = (String, String);

impl Profile {
    /// The profile with this id among the shipped ones, or else at this path: a file or a folder.
    ///
    /// # Errors
    /// Every mistake that was found, each with its place.
    pub fn load(name: &str) -> Result<Self, Vec<Mistake>> {
        let shipped = shipped_profiles();
        if let Some((_, files)) = shipped.iter().find(|(id, _)| id == name) {
            return Self::parse(files.clone());
        }
        let path = Path::new(name);
        if !path.exists() {
            let ids = shipped.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
            return Err(vec![
                Mistake::new(name, "no such profile").help(format!("shipped profiles: {ids}; otherwise name a file or a folder")),
            ]);
        }
        Self::parse(files(path)?)
    }

    /// Reads a profile from the texts of its files.
    ///
    /// # Errors
    /// Every mistake that was found, each with its place.
    pub fn parse(files: Vec<File>) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut nodes = Vec::new();
        for (name, text) in &files {
            match Node::read(name, text) {
                Ok(node) => nodes.push((name.as_str(), node)),
                Err(error) => mistakes.push(Mistake::from(error)),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let heads: Vec<_> = nodes.iter().filter(|(_, node)| node.get("profile").is_some()).collect();
        let (file, node) = match heads.as_slice() {
            [one] => *one,
            [] => return Err(vec![Mistake::new(first_name(&files), "no profile here: no file begins with `profile: ID`")]),
            [_, (second, node), ..] => {
                return Err(vec![Mistake::at(*second, node.position(), "a second file with `profile:`; one folder holds one profile")]);
            }
        };
        let head: Head = from_node(&without(node, "requirements")).map_err(|e| vec![Mistake::from_node_error(file, &e)])?;
        let mut parameters = head.parameters;
        for (name, node) in nodes.iter().filter(|(name, _)| name != file) {
            match from_node::<Part>(&without(node, "requirements")) {
                Ok(part) => {
                    for (key, value) in part.parameters {
                        if parameters.insert(key.clone(), value).is_some() {
                            let at = node.find(&format!("/parameters/{key}")).unwrap_or(node).position();
                            mistakes.push(Mistake::at(*name, at, format!("parameters.{key} is declared a second time")));
                        }
                    }
                }
                Err(error) => mistakes.push(Mistake::from_node_error(name, &error)),
            }
        }
        let mut profile = Self {
            id: head.profile,
            version: head.version,
            title: head.title,
            summary: head.summary,
            licence: head.licence,
            pillars: head.pillars,
            facts: head.facts,
            parameters,
            requirements: Vec::new(),
            sha256: digest(&files),
            overlays: Vec::new(),
            provenance: BTreeMap::new(),
            equivalents: Vec::new(),
        };
        for (name, parameter) in &profile.parameters {
            if let Some(fault) = parameter.fault() {
                let (file, at) = nodes
                    .iter()
                    .find_map(|(f, n)| Some((*f, n.find(&format!("/parameters/{name}"))?.position())))
                    .unwrap_or((file, Position::START));
                mistakes.push(Mistake::at(file, at, format!("parameters.{name}: {fault}")));
            }
        }
        for name in profile.facts.keys().filter(|name| !is_identifier(name)) {
            let mut pointer = "/facts".to_owned();
            push_token(&mut pointer, name);
            let at = node.find(&pointer).unwrap_or(node).position();
            mistakes.push(
                Mistake::at(*file, at, format!("facts.{name}: `applies` cannot name this fact"))
                    .help("a fact's name is letters, digits and `_`, and does not begin with a digit"),
            );
        }
        // The head's own requirements come first, then the other files in the order of their names.
        let ordered = nodes.iter().filter(|(f, _)| f == file).chain(nodes.iter().filter(|(f, _)| f != file));
        for (file, node) in ordered {
            match node.get("requirements").map(Node::kind) {
                Some(NodeKind::Sequence(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        match profile.requirement_of(file, &format!("requirements[{index}]"), item) {
                            Ok(requirement) => profile.requirements.push(requirement),
                            Err(found) => mistakes.extend(found),
                        }
                    }
                }
                Some(NodeKind::Scalar { .. } | NodeKind::Mapping(_)) => {
                    mistakes.push(Mistake::at(*file, node.position(), "requirements: expected a list"))
                }
                None => {}
            }
        }
        // Requirements that could not be read are told already; that there are none would only confuse.
        if mistakes.is_empty() {
            mistakes.extend(profile.lint_ids(file, node));
        }
        if mistakes.is_empty() { Ok(profile) } else { Err(mistakes) }
    }

    /// Reads one requirement; `path` is its place for messages.
    pub(super) fn requirement_of(&self, file: &str, path: &str, node: &Node) -> Result<Requirement, Vec<Mistake>> {
        let text: RequirementText =
            from_node(&without(node, "checks")).map_err(|e| vec![Mistake::from_node_error(file, &e.within(path))])?;
        let mut mistakes = Vec::new();
        let mut wrong = |key: &str, message: String| {
            let at = node.get(key).unwrap_or(node).position();
            mistakes.push(Mistake::at(file, at, format!("{path}.{key}: {message}")));
        };
        if !self.pillars.iter().any(|p| p.id == text.pillar) {
            let known = self.pillars.iter().map(|p| p.id.as_str()).collect::<Vec<_>>().join(", ");
            wrong("pillar", format!("unknown pillar `{}`, expected one of {known}", text.pillar));
        }
        if !(1..=3).contains(&text.tier) {
            wrong("tier", format!("{} is no tier, expected 1, 2 or 3", text.tier));
        }
        if text.sources.is_empty() {
            wrong("sources", "no source: a requirement says where it comes from".into());
        }
        for (name, value) in [("title", &text.title), ("statement", &text.statement), ("why", &text.why), ("remedy", &text.remedy)] {
            if value.trim().is_empty() {
                wrong(name, "is empty".into());
            }
        }
        let life = &text.life;
        for date in [&life.draft, &life.in_force, &life.warned, &life.retired].into_iter().flatten() {
            if day(date).is_none() {
                wrong("life", format!("`{date}` is not a day, expected YYYY-MM-DD"));
            }
        }
        let applies = match node.get("applies").map(|n| Expression::compile(file, n, &self.facts)) {
            None => None,
            Some(Ok(expression)) => Some(expression),
            Some(Err(mistake)) => {
                mistakes.push(mistake);
                None
            }
        };
        let written = node.get("checks").cloned().unwrap_or(Node::new(NodeKind::Sequence(Vec::new()), node.position()));
        let checks = match self.checks_of(file, path, &written) {
            Ok(checks) => checks,
            Err(found) => {
                mistakes.extend(found);
                Vec::new()
            }
        };
        if mistakes.is_empty() { Ok(Requirement { text, applies, checks, written, file: file.to_owned() }) } else { Err(mistakes) }
    }

    /// Reads checks with the present values of the parameters.
    pub(super) fn checks_of(&self, file: &str, path: &str, written: &Node) -> Result<Vec<PlacedCheck>, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        written.map_scalars(&mut |node| {
            if let Some(name) = parameter_name(node)
                && !self.parameters.contains_key(name)
            {
                mistakes.push(
                    Mistake::at(file, node.position(), format!("{path}.checks: unknown parameter `${name}`"))
                        .help("parameters are declared under `parameters` in the profile"),
                );
            }
            None
        });
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let NodeKind::Sequence(items) = written.kind() else {
            return Err(vec![Mistake::at(file, written.position(), format!("{path}.checks: expected a list of checks"))]);
        };
        if items.is_empty() {
            return Err(vec![
                Mistake::at(file, written.position(), format!("{path}: no checks: a requirement that asks nothing is never passed"))
                    .help("use the kind `attestation` for what only a person can say"),
            ]);
        }
        let mut checks = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match from_node::<PlacedCheck>(&self.substitute(item)) {
                Ok(check) => checks.push(check),
                Err(error) => mistakes.push(Mistake::from_node_error(file, &error.within(&format!("{path}.checks[{index}]")))),
            }
        }
        if mistakes.is_empty() { Ok(checks) } else { Err(mistakes) }
    }

    /// The tree with each `$name` replaced by the parameter's value.
    pub(super) fn substitute(&self, node: &Node) -> Node {
        node.map_scalars(&mut |scalar| {
            let parameter = self.parameters.get(parameter_name(scalar)?)?;
            Some(Node::from_value(&parameter.value, scalar.position()))
        })
    }

    fn lint_ids(&self, file: &str, node: &Node) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for requirement in &self.requirements {
            if let Some(first) = seen.insert(&requirement.text.id, &requirement.file) {
                mistakes.push(
                    Mistake::new(&requirement.file, format!("the id `{}` is used twice, first in {first}", requirement.text.id))
                        .help("ids are permanent and never shared"),
                );
            }
        }
        if self.requirements.is_empty() {
            mistakes.push(Mistake::at(file, node.position(), "the profile has no requirements: nothing would be asked"));
        }
        let mut pillars: Vec<&str> = self.pillars.iter().map(|p| p.id.as_str()).collect();
        pillars.sort_unstable();
        if let Some([twice, _]) = pillars.windows(2).find(|w| matches!(w, [a, b] if a == b)) {
            mistakes.push(Mistake::new(file, format!("the pillar `{twice}` is declared twice")));
        }
        mistakes
    }
}

/// The name in a scalar that is wholly `$name`.
pub(super) fn parameter_name(node: &Node) -> Option<&str> {
    let name = node.as_text()?.strip_prefix('$')?;
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fits.then_some(name)
}

/// A mapping without one of its keys.
pub(super) fn without(node: &Node, key: &str) -> Node {
    match node.kind() {
        NodeKind::Mapping(entries) => {
            let rest = entries.iter().filter(|(k, _)| k.as_text() != Some(key)).cloned().collect();
            Node::new(NodeKind::Mapping(rest), node.position())
        }
        NodeKind::Scalar { .. } | NodeKind::Sequence(_) => node.clone(),
    }
}

/// The YAML files of a profile, in the order of their names.
fn files(path: &Path) -> Result<Vec<File>, Vec<Mistake>> {
    let read = |path: &Path| {
        let name = path.display().to_string();
        std::fs::read_to_string(path).map(|text| (name.clone(), text)).map_err(|e| vec![Mistake::new(name, format!("cannot be read: {e}"))])
    };
    if path.is_file() {
        return Ok(vec![read(path)?]);
    }
    let folder = std::fs::read_dir(path).map_err(|e| vec![Mistake::new(path.display().to_string(), format!("cannot be read: {e}"))])?;
    let mut paths: Vec<_> =
        folder.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml")).collect();
    paths.sort();
    if paths.is_empty() {
        return Err(vec![Mistake::new(path.display().to_string(), "the folder holds no .yaml file")]);
    }
    paths.iter().map(|p| read(p)).collect()
}

/// SHA-256 over the files in the order of their base names: each name, a zero byte, the length, the text.
pub(super) fn digest(files: &[File]) -> String {
    let mut sorted: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.rsplit(['/', '\\']).next().unwrap_or(name), text.as_str())).collect();
    sorted.sort_unstable();
    let mut hash = Sha256::new();
    for (name, text) in sorted {
        // Line ends are not content: a checkout on another system gives the same digest.
        let text = text.replace("\r\n", "\n");
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

fn first_name(files: &[File]) -> &str {
    files.first().map_or("profile", |(name, _)| name.as_str())
}

/// Whether CEL can name it: the grammar of CEL, `IDENT`.
fn is_identifier(name: &str) -> bool {
    name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
