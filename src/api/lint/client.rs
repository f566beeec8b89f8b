//! Whether a strict reader, of the kind that client generators are made of, can load a description.
//!
//! This is a question of its own, told apart from validity: a valid description can be refused by
//! such a reader, and an invalid one be taken.

use serde::Deserialize;

use crate::api::description::Edition;
use crate::document::{Source, Syntax};

/// What a strict reader said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientReader {
    /// It loaded the description.
    Reads {
        /// The reader, a published package.
        reader: &'static str,
    },
    /// It refused it.
    Refuses {
        /// The reader, a published package.
        reader: &'static str,
        /// What it said.
        why: String,
    },
    /// There is no such reader for this edition.
    NoReader,
}

/// Has the strict reader of a description's edition load it: `openapiv3` for 3.0, `oas3` for 3.1.
pub fn reads_as_client(source: &Source) -> ClientReader {
    match Edition::of(source.value()) {
        Some(Edition::OpenApi30) => told("openapiv3", load::<openapiv3::OpenAPI>(source)),
        Some(Edition::OpenApi31) => told("oas3", load::<oas3::OpenApiV3Spec>(source)),
        Some(Edition::Swagger20 | Edition::OpenApi32 | Edition::AsyncApi2 | Edition::AsyncApi3) | None => ClientReader::NoReader,
    }
}

fn load<T: for<'de> Deserialize<'de>>(source: &Source) -> Result<(), String> {
    match source.syntax() {
        Syntax::Json => serde_json::from_str::<T>(source.text()).map(drop).map_err(|e| e.to_string()),
        Syntax::Yaml => T::deserialize(source.value()).map(drop).map_err(|e| e.to_string()),
    }
}

fn told(reader: &'static str, result: Result<(), String>) -> ClientReader {
    match result {
        Ok(()) => ClientReader::Reads { reader },
        Err(why) => ClientReader::Refuses { reader, why },
    }
}
