//! What a kind of check asks through.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use url::Url;

use super::answer::Answer;
use crate::probe::{Door, Origin, ProbeError, Request};
use crate::target::{Endpoint, Target};
use crate::verdict::{Cause, Evidence, Place, Untrusted, Verdict};

/// The door to the network, bound to the target and the endpoint that a check asks.
#[derive(Clone)]
pub struct Probes {
    door: Arc<Door>,
    target: Arc<Target>,
    endpoint: Option<String>,
}

/// The largest document that is read from a file.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;

impl Probes {
    /// Binds the door to a target and one of its endpoints.
    pub fn new(door: Arc<Door>, target: Arc<Target>, endpoint: Option<String>) -> Self {
        Self { door, target, endpoint }
    }
    /// The target file.
    pub fn target(&self) -> &Target {
        &self.target
    }
    /// The one door to the network.
    pub fn door(&self) -> &Arc<Door> {
        &self.door
    }
    /// The endpoint that is asked, with its name.
    ///
    /// # Errors
    /// The check was placed on no endpoint, which the plan should not have done.
    pub fn endpoint(&self) -> Result<(&str, &Endpoint), ProbeError> {
        self.endpoint
            .as_deref()
            .and_then(|name| self.target.endpoints.get_key_value(name))
            .map(|(name, endpoint)| (name.as_str(), endpoint))
            .ok_or_else(|| ProbeError::bug("a check that asks an endpoint was planned without one"))
    }
    /// Scheme, host and port of the endpoint that is asked.
    ///
    /// # Errors
    /// The address cannot be asked.
    pub(super) fn origin(&self) -> Result<Origin, ProbeError> {
        let (_, endpoint) = self.endpoint()?;
        Origin::of(&endpoint.url).map_err(|refusal| ProbeError::OutOfScope { what: Untrusted::new(endpoint.url.as_str()), refusal })
    }
    /// Asks for a path at the vendor's public web site and follows redirects; none where the target file
    /// names no site.
    pub(super) async fn ask_website(&self, path: &str, purpose: &str) -> Result<WebsiteSeen, ProbeError> {
        let Some(site) = &self.target.product.vendor.website else { return Ok(WebsiteSeen::NotNamed) };
        let asked = Url::parse(site).and_then(|url| url.join(path)).map_err(|e| ProbeError::misuse(format!("{site}: {e}")))?;
        let trail = self.door.ask_and_follow(&Request::get(asked.clone(), purpose)).await?;
        let Some(last) = trail.last() else { return Err(ProbeError::bug("a chain of answers without an answer")) };
        Ok(WebsiteSeen::Answered {
            asked: asked.into(),
            answer: Box::new(Answer::from(&**last)),
            stopped: trail.stopped.map(|e| e.to_string()),
        })
    }
    /// Reads a document that the target file names: a file beside it, or an address.
    ///
    /// # Errors
    /// The address cannot be asked. A file that cannot be read is an observation.
    pub(super) async fn document(&self, name: &str) -> Result<DocumentSeen, ProbeError> {
        let Some(location) = self.target.documents.get(name) else { return Ok(DocumentSeen::NotNamed) };
        if !is_address(location) {
            return Ok(DocumentSeen::file(location, &self.target.resolve(Path::new(location))));
        }
        let request = Request::get(location, format!("read the document {name}")).max_body(MAX_DOCUMENT);
        let trail = self.door.ask_and_follow(&request).await?;
        let Some(last) = trail.last() else { return Err(ProbeError::bug("a chain of answers without an answer")) };
        Ok(DocumentSeen::Answered {
            location: location.clone(),
            answer: Box::new(Answer::from(&**last)),
            stopped: trail.stopped.map(|e| e.to_string()),
        })
    }
}

/// Whether a document is named by an address and not by a path.
pub(super) fn is_address(location: &str) -> bool {
    Url::parse(location).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// What the vendor's public web site answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WebsiteSeen {
    /// The target file names no web site.
    NotNamed,
    /// The last answer, redirects followed.
    Answered {
        /// The address that was asked first.
        asked: String,
        /// The last answer.
        answer: Box<Answer>,
        /// Why the last redirect was not followed, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<String>,
    },
}

impl WebsiteSeen {
    /// The address that was asked and the answer, or the verdict where there is nothing to judge. An
    /// answer of "not there" is given.
    pub(super) fn answer(&self, what: &str) -> Result<(&str, &Answer), Box<Verdict>> {
        Err(Box::new(match self {
            Self::NotNamed => {
                Verdict::untested(Cause::Missing, format!("the target file does not name the vendor's web site, where {what} should be"))
                    .with(
                        Evidence::expected("the vendor's web site")
                            .observed("nothing")
                            .at(Place::part_of("target file", "product.vendor.website")),
                    )
            }
            Self::Answered { answer, stopped: Some(why), .. } => {
                Verdict::cant_tell(Cause::Missing, format!("{what} leads on to where this run does not go: {why}"))
                    .with(answer.status_evidence("an answer on the same site"))
            }
            Self::Answered { asked, answer, stopped: None } => match answer.tells_nothing(&[]) {
                Some(verdict) => verdict,
                None if answer.status >= 500 => {
                    Verdict::cant_tell(Cause::Target, format!("the vendor's web site was not at work: status {}", answer.status))
                        .with(answer.status_evidence("status 200"))
                }
                None => return Ok((asked, answer)),
            },
        }))
    }
}

/// A document that the target file names, as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentSeen {
    /// The target file names no such document.
    NotNamed,
    /// The file cannot be read.
    Unreadable {
        /// Where it should be.
        location: String,
        /// What went wrong.
        why: String,
    },
    /// The file's content.
    Read {
        /// Where it is.
        location: String,
        /// The text, with U+FFFD for what is not UTF-8.
        text: String,
        /// SHA-256 of the bytes, 64 hexadecimal digits.
        sha256: String,
    },
    /// What the address answered, redirects followed.
    Answered {
        /// Where it should be.
        location: String,
        /// The last answer.
        answer: Box<Answer>,
        /// Why the last redirect was not followed, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stopped: Option<String>,
    },
}

impl DocumentSeen {
    /// The document's place and text, or the verdict where there is none to judge.
    pub(super) fn text(&self, name: &str) -> Result<(&str, &str), Box<Verdict>> {
        let expected = || Evidence::expected(format!("the document `{name}`"));
        Err(Box::new(match self {
            Self::NotNamed => Verdict::untested(Cause::Missing, format!("the target file names no document `{name}`"))
                .with(expected().observed("nothing").at(Place::part_of("target file", &format!("documents.{name}")))),
            Self::Unreadable { location, why } => {
                Verdict::cant_tell(Cause::Missing, format!("the document `{name}` cannot be read: {why}"))
                    .with(expected().observed(why).at(Place::of(location)))
            }
            Self::Read { location, text, .. } => return Ok((location, text)),
            Self::Answered { location, answer, stopped } => match (answer.status, stopped) {
                (200, _) => match (answer.unreadable(), &answer.text) {
                    (None, Some(text)) => return Ok((location, text)),
                    (Some(verdict), _) => verdict,
                    (None, None) => Verdict::cant_tell(Cause::Bug, "an answer without text was taken for one with text"),
                },
                (_, Some(why)) => {
                    Verdict::cant_tell(Cause::Missing, format!("the document `{name}` leads on to where this run does not go: {why}"))
                        .with(expected().at(answer.place()))
                }
                (_, None) => match answer.tells_nothing(&[]) {
                    Some(verdict) => verdict,
                    None => Verdict::failed(format!("the document `{name}` is not where the target file says: status {}", answer.status))
                        .with(answer.status_evidence("status 200")),
                },
            },
        }))
    }

    /// Reads a file.
    pub(super) fn file(location: &str, path: &Path) -> Self {
        use sha2::{Digest, Sha256};
        let unreadable = |why: String| Self::Unreadable { location: location.to_owned(), why };
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > MAX_DOCUMENT => return unreadable(format!("larger than {MAX_DOCUMENT} bytes")),
            Ok(_) => {}
            Err(error) => return unreadable(error.to_string()),
        }
        match std::fs::read(path) {
            Ok(bytes) => Self::Read {
                location: location.to_owned(),
                sha256: Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect(),
                text: String::from_utf8_lossy(&bytes).into_owned(),
            },
            Err(error) => unreadable(error.to_string()),
        }
    }
}
