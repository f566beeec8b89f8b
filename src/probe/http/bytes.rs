//! Bytes in a record, without loss: as text where they are UTF-8, else in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes of an exchange.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "Form", try_from = "Form")]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// The bytes as text, where they are UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// The two written forms.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// UTF-8 text.
    Text(String),
    /// Base64 with padding (RFC 4648, section 4).
    Base64(String),
}

impl From<Bytes> for Form {
    fn from(bytes: Bytes) -> Self {
        String::from_utf8(bytes.0).map_or_else(|error| Self::Base64(STANDARD.encode(error.as_bytes())), Self::Text)
    }
}

impl TryFrom<Form> for Bytes {
    type Error = base64::DecodeError;
    fn try_from(form: Form) -> Result<Self, Self::Error> {
        match form {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Base64(text) => STANDARD.decode(text).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_readable_and_nothing_is_lost() {
        for bytes in [&b"HTTP/1.1 200 OK\r\n"[..], "ä\u{1b}".as_bytes(), b"\xff\x00\xfe", b""] {
            let written = serde_json::to_string(&Bytes(bytes.to_vec())).unwrap();
            assert_eq!(serde_json::from_str::<Bytes>(&written).unwrap().0, bytes);
        }
        assert_eq!(serde_json::to_string(&Bytes(b"ok".to_vec())).unwrap(), r#"{"text":"ok"}"#);
        assert_eq!(serde_json::to_string(&Bytes(b"\xff".to_vec())).unwrap(), r#"{"base64":"/w=="}"#);
        assert!(serde_json::from_str::<Bytes>(r#"{"base64":"/"}"#).is_err());
    }
}
