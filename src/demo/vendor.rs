//! The vendor files.

use serde::Deserialize;
use serde_json::Value;

use super::DemoError;
use super::change::Change;
use super::fhir;
use crate::api::sample::QUIRKS;
use crate::document::Source;

include!(concat!(env!("OUT_DIR"), "/shipped_vendors.rs"));

/// A sample vendor, ready to be started.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// Its name: the file's.
    pub name: String,
    /// What is wrong with it, in one sentence; for the sound vendor, what it is.
    pub sentence: String,
    /// The ids of the requirements that it must fail, sorted; empty for the sound vendor.
    pub breaks: Vec<String>,
    /// The ids of the requirements that cannot be told because of the defect, sorted.
    pub undetermined: Vec<String>,
    /// Whether nothing is wrong with it.
    pub sound: bool,
    /// What its services do beyond what a file can say.
    pub quirks: Vec<String>,
    /// Services, files, secrets and target file.
    pub(super) tree: Value,
}

/// A defect as listings name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// Its name.
    pub name: String,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// The ids of the requirements that it breaks.
    pub breaks: Vec<String>,
    /// The ids of the requirements that cannot be told because of it.
    pub undetermined: Vec<String>,
}

/// What a vendor file of a defect says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DefectFile {
    like: String,
    defect: String,
    #[serde(default)]
    breaks: Vec<String>,
    #[serde(default)]
    undetermined: Vec<String>,
    #[serde(default)]
    change: Vec<Change>,
    #[serde(default)]
    quirks: Vec<String>,
}

impl Vendor {
    /// The vendor of this name.
    ///
    /// # Errors
    /// There is none, or its file is wrong.
    pub fn load(name: &str) -> Result<Self, DemoError> {
        let Some((_, text)) = texts().find(|(known, _)| *known == name) else {
            let known = texts().map(|(known, _)| known).collect::<Vec<_>>().join(", ");
            return Err(DemoError::Unknown { name: name.into(), known });
        };
        Self::parse(name, text)
    }

    /// A vendor with several of the defects at once, for showing what a report of them looks like.
    ///
    /// # Errors
    /// There is no such defect, or two of them change the same place in ways that do not fit.
    pub fn with_defects(name: &str, defects: &[&str]) -> Result<Self, DemoError> {
        let wrong = |message: String| DemoError::File { vendor: name.to_owned(), message };
        let mut combined: Option<Self> = None;
        for defect in defects {
            let one = Self::load(defect)?;
            match &mut combined {
                None => combined = Some(one),
                Some(vendor) => {
                    let (_, text) =
                        texts().find(|(known, _)| known == defect).ok_or_else(|| wrong(format!("no defect is called `{defect}`")))?;
                    let source = Source::yaml(*defect, text.as_bytes()).map_err(|e| wrong(e.to_string()))?;
                    let file: DefectFile = serde_json::from_value(source.value().clone()).map_err(|e| wrong(e.to_string()))?;
                    for change in &file.change {
                        change.apply(&mut vendor.tree).map_err(wrong)?;
                    }
                    vendor.quirks.extend(one.quirks);
                    vendor.breaks.extend(one.breaks);
                    vendor.undetermined.extend(one.undetermined);
                }
            }
        }
        let mut vendor = combined.ok_or_else(|| wrong("no defect is named".into()))?;
        for list in [&mut vendor.breaks, &mut vendor.undetermined] {
            list.sort();
            list.dedup();
        }
        vendor.name = name.to_owned();
        vendor.sentence = format!("The same service with {} defects at once.", defects.len());
        Ok(vendor)
    }

    /// Every vendor, in the order of the names.
    ///
    /// # Errors
    /// A vendor file is wrong.
    pub fn all() -> Result<Vec<Self>, DemoError> {
        texts().map(|(name, text)| Self::parse(name, text)).collect()
    }

    /// Reads a vendor from a text, for vendors that are not shipped.
    ///
    /// # Errors
    /// The text is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self, DemoError> {
        let wrong = |message: String| DemoError::File { vendor: name.to_owned(), message };
        let source = Source::yaml(name, text.as_bytes()).map_err(|e| wrong(e.to_string()))?;
        if let Some(duplicate) = source.duplicates().first() {
            return Err(wrong(format!("`{}` stands twice in `{}`", duplicate.key, duplicate.object)));
        }
        let mut tree = source.value().clone();
        if tree.get("like").is_none() {
            let sentence = tree
                .get("sentence")
                .and_then(Value::as_str)
                .ok_or_else(|| wrong("it has neither `like` nor `sentence`".into()))?
                .to_owned();
            if let Some(map) = tree.as_object_mut() {
                map.shift_remove("sentence");
            }
            return Ok(Self {
                name: name.into(),
                sentence,
                breaks: Vec::new(),
                undetermined: Vec::new(),
                sound: true,
                quirks: Vec::new(),
                tree,
            });
        }
        let file: DefectFile = serde_json::from_value(tree).map_err(|e| wrong(e.to_string()))?;
        let mut vendor = Self::load(&file.like)?;
        for change in &file.change {
            change.apply(&mut vendor.tree).map_err(wrong)?;
        }
        if let Some(unknown) = file.quirks.iter().find(|q| !QUIRKS.iter().chain(fhir::QUIRKS).any(|(known, _)| known == q)) {
            return Err(wrong(format!("no quirk is called `{unknown}`")));
        }
        if file.change.is_empty() && file.quirks.is_empty() {
            return Err(wrong("nothing is changed".into()));
        }
        let (mut breaks, mut undetermined) = (file.breaks, file.undetermined);
        if breaks.is_empty() && undetermined.is_empty() {
            return Err(wrong("nothing is said to come of it".into()));
        }
        breaks.sort();
        undetermined.sort();
        Ok(Self { name: name.into(), sentence: file.defect, breaks, undetermined, sound: false, quirks: file.quirks, tree: vendor.tree })
    }
}

/// Every defect that comes with the program, in the order of the names.
///
/// # Errors
/// A vendor file is wrong.
pub fn defects() -> Result<Vec<Defect>, DemoError> {
    let vendors = Vendor::all()?;
    Ok(vendors
        .into_iter()
        .filter(|v| !v.sound)
        .map(|v| Defect { name: v.name, sentence: v.sentence, breaks: v.breaks, undetermined: v.undetermined })
        .collect())
}

/// Name and text of each vendor file.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    VENDOR_FILES.iter().filter_map(|(path, text)| Some((path.rsplit('/').next()?.strip_suffix(".yaml")?, *text)))
}
