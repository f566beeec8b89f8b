//! A planned request: what is sent, why, and what is expected.

use serde::Serialize;
use serde_json::Value;

use crate::api::description::{ParameterPlace, SchemeKind, Spot};

/// What a request may do to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Nothing.
    Reads,
    /// Makes something new.
    Creates,
    /// Changes something that this run made or that the target offers.
    Changes,
    /// Takes away something that this run made.
    Deletes,
}

impl Effect {
    /// The effect in one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Creates => "creates",
            Self::Changes => "changes",
            Self::Deletes => "deletes",
        }
    }
}

/// A secret that the caller puts into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// The secret's name.
    pub secret: String,
    /// Where it goes.
    pub kind: SchemeKind,
}

/// A request before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRequest {
    /// Unique in the plan and the same in every run.
    pub id: String,
    /// The operation's name.
    pub operation: String,
    /// What it is for, with what the judge needs to know.
    pub purpose: Purpose,
    /// Why it is sent, in one sentence.
    pub why: String,
    /// What it may do.
    pub effect: Effect,
    /// The method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Header fields, without those that secrets add.
    pub headers: Vec<(String, String)>,
    /// The body; empty: none.
    pub body: Vec<u8>,
    /// Secrets that the caller adds.
    pub secrets: Vec<SecretUse>,
    /// A value in it was guessed: a refusal for want of data is no fault.
    pub guess: bool,
    /// Every value in it is one of the description's own examples, or there is none to choose.
    pub documented: bool,
}

impl PlannedRequest {
    /// What is expected, in words.
    pub fn expects(&self) -> String {
        match &self.purpose {
            Purpose::Plain
            | Purpose::Create { .. }
            | Purpose::Bounds { .. }
            | Purpose::Update
            | Purpose::Delete
            | Purpose::Cleanup
            | Purpose::Whole { .. }
            | Purpose::Link { .. } => "2xx as documented".into(),
            Purpose::ReadBack { .. } => "2xx with what was sent".into(),
            Purpose::ReadUpdate { .. } => "2xx with the change".into(),
            Purpose::ListCreated { .. } => "2xx with the new thing in the list".into(),
            Purpose::Repeat { .. } => "the same outcome as the first time".into(),
            Purpose::RepeatKey { .. } => "the answer of the first time, and nothing new".into(),
            Purpose::ReadDeleted | Purpose::UseDeleted => "404 or 410".into(),
            Purpose::DeleteAgain => "404, 410 or 204".into(),
            Purpose::ListDeleted { .. } => "2xx without the deleted thing".into(),
            Purpose::Wrong { .. } | Purpose::Missing { .. } | Purpose::NoBody | Purpose::BrokenBody => "4xx".into(),
            Purpose::Odd { .. } => "no failure".into(),
            Purpose::MediaType { sent: Some(_) } => "415".into(),
            Purpose::MediaType { sent: None } => "415, or what the body deserves".into(),
            Purpose::OtherMethod { declared } => format!("405 with Allow: {}", declared.join(", ")),
            Purpose::NoCredential | Purpose::WrongCredential => "401".into(),
            Purpose::UnknownId => "404".into(),
            Purpose::OtherAccount => "403 or 404".into(),
            Purpose::Accept { offered: true, asked } => format!("2xx as {asked}"),
            Purpose::Accept { .. } => "406, or a documented media type".into(),
            Purpose::Page { .. } => "2xx with items that no page before had".into(),
        }
    }
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// A valid request.
    Plain,
    /// A valid request that makes something.
    Create {
        /// Which of several bodies.
        variant: &'static str,
    },
    /// A valid request at an end of its constraints.
    Bounds {
        /// Which end.
        end: &'static str,
        /// The parameters or properties that stand there.
        parts: Vec<String>,
        /// One part alone, after several together were refused.
        single: bool,
    },
    /// What was made must be found.
    ReadBack {
        /// What was sent to make it.
        sent: Option<Value>,
    },
    /// What was made must be in its list.
    ListCreated {
        /// Its id.
        id: String,
    },
    /// A declared or evident link must lead somewhere.
    Link {
        /// Its name, or the path.
        name: String,
        /// The description declares it; it is not only evident from the paths.
        declared: bool,
    },
    /// A valid change.
    Update,
    /// A change must be seen.
    ReadUpdate {
        /// What was sent.
        sent: Value,
    },
    /// The same idempotent request again.
    Repeat {
        /// The status of the first time.
        first: u16,
    },
    /// The same creation again with the same Idempotency-Key.
    RepeatKey {
        /// The id of what the first request made.
        first: String,
    },
    /// A valid deletion.
    Delete,
    /// What was deleted must not be found.
    ReadDeleted,
    /// What was deleted must not be used through another operation.
    UseDeleted,
    /// What was deleted is deleted again.
    DeleteAgain,
    /// What was deleted must not be in its list.
    ListDeleted {
        /// Its id.
        id: String,
    },
    /// One thing is wrong.
    Wrong {
        /// Where: `path`, `query`, `header`, `cookie` or `body`.
        place: &'static str,
        /// The parameter's name, or the JSON Pointer in the body.
        name: String,
        /// The keyword that is broken.
        keyword: &'static str,
        /// Where the keyword is written.
        schema: Option<Spot>,
        /// What is wrong, in words.
        what: String,
        /// Accepting it is a fault for certain.
        firm: bool,
    },
    /// Unusual text that the description allows: whatever is said to it, it must not break the service.
    Odd {
        /// Which.
        what: &'static str,
    },
    /// A required parameter is left out.
    Missing {
        /// Where it belongs.
        place: &'static str,
        /// Its name.
        name: String,
    },
    /// A required body is left out.
    NoBody,
    /// The body is cut off.
    BrokenBody,
    /// A valid body under another media type, or under none.
    MediaType {
        /// The media type that is sent.
        sent: Option<String>,
    },
    /// A method that the path does not have.
    OtherMethod {
        /// The methods that it has.
        declared: Vec<String>,
    },
    /// No credential.
    NoCredential,
    /// A credential that does not exist.
    WrongCredential,
    /// The credential of another account, which must not reach what this run made.
    OtherAccount,
    /// A well-formed id of nothing.
    UnknownId,
    /// A media type is asked for.
    Accept {
        /// Which.
        asked: String,
        /// Whether the description offers it.
        offered: bool,
    },
    /// The list in one go, to hold the pages against.
    Whole {
        /// The parameter that sets the size.
        size: Option<String>,
    },
    /// One page of a list.
    Page {
        /// Ids of the pages before.
        seen: Vec<String>,
        /// The size that was asked for.
        size: Option<usize>,
        /// From 1.
        number: usize,
        /// Ids of the list in one go, where it came whole.
        whole: Option<Vec<String>>,
        /// Addresses of the pages before.
        visited: Vec<String>,
    },
    /// Takes away what this run made.
    Cleanup,
}

impl Purpose {
    /// Whether the request is one that the service should accept.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Plain
            | Self::Create { .. }
            | Self::Bounds { .. }
            | Self::ReadBack { .. }
            | Self::ListCreated { .. }
            | Self::Link { .. }
            | Self::Update
            | Self::ReadUpdate { .. }
            | Self::Repeat { .. }
            | Self::RepeatKey { .. }
            | Self::Delete
            | Self::ListDeleted { .. }
            | Self::Whole { .. }
            | Self::Page { .. }
            | Self::Cleanup => true,
            Self::ReadDeleted
            | Self::UseDeleted
            | Self::DeleteAgain
            | Self::Wrong { .. }
            | Self::Missing { .. }
            | Self::NoBody
            | Self::BrokenBody
            | Self::Odd { .. }
            | Self::MediaType { .. }
            | Self::OtherMethod { .. }
            | Self::NoCredential
            | Self::WrongCredential
            | Self::OtherAccount
            | Self::UnknownId
            | Self::Accept { .. } => false,
        }
    }
}

/// Where a parameter stands, as findings name it.
pub(crate) fn place_name(place: ParameterPlace) -> &'static str {
    place.as_str()
}

/// Something that was not tested, and what it would need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Untested {
    /// The operation's name.
    pub operation: String,
    /// What was not tested.
    pub what: String,
    /// What to provide.
    pub needs: String,
    /// Whose doing it is.
    pub cause: UntestedCause,
}

/// Why something was not tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UntestedCause {
    /// The target file does not allow it.
    Consent,
    /// A credential, an id or data is missing.
    Missing,
    /// A limit of this run.
    Limit,
    /// The service did not answer as a valid request deserves, so that nothing follows from a refusal.
    Target,
    /// The description cannot be read there, or asks for something we cannot send.
    Description,
}
