//! One request and what came back, as the judges of an API need it.

use serde::{Deserialize, Serialize};

/// A request that was sent and its answer. The caller makes it from what the network layer recorded,
/// after redaction: no judge ever needs a secret.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiExchange {
    /// The id of the planned request that it belongs to.
    pub id: String,
    /// What was sent.
    pub request: ApiRequest,
    /// What came back; absent when nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ApiResponse>,
    /// Why there is no answer, or only part of one: no connection, a time limit, too many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// A request as it left.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiRequest {
    /// The method, in the spelling that was sent.
    pub method: String,
    /// The whole address with its query.
    pub url: String,
    /// Header fields in the order of sending.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body; empty when there was none.
    #[serde(default, with = "bytes")]
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ApiResponse {
    /// The status code.
    pub status: u16,
    /// Header fields in the order of arrival; a name can occur more than once.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body after content decoding.
    #[serde(default, with = "bytes")]
    pub body: Vec<u8>,
}

impl ApiRequest {
    /// The first value of a header field; names compare without case (RFC 9110, section 5.1).
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }
}

impl ApiResponse {
    /// The first value of a header field; names compare without case (RFC 9110, section 5.1).
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// All values of a header field.
    pub fn header_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The media type without parameters, in lower case (RFC 9110, section 8.3.1).
    pub fn media_type(&self) -> Option<String> {
        self.header("content-type").map(essence)
    }

    /// The body as JSON, when it is JSON that can be read within our limits of depth.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether the status is of the class 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the status is of the class 4xx.
    pub fn is_client_error(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// Whether the status is of the class 5xx.
    pub fn is_server_error(&self) -> bool {
        (500..600).contains(&self.status)
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON or one of its relatives (`application/fhir+json`).
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

/// Bodies are written as text where they are text, so that a recorded exchange can be read by a person.
mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Body {
        Text(String),
        Base64(String),
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Body::Text(text.to_owned()),
            Err(_) => Body::Base64(STANDARD.encode(bytes)),
        }
        .serialize(s)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        match Body::deserialize(d)? {
            Body::Text(text) => Ok(text.into_bytes()),
            Body::Base64(text) => STANDARD.decode(text).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_survives_being_written_and_read() {
        let exchange = ApiExchange {
            id: "x".into(),
            request: ApiRequest { method: "GET".into(), url: "http://h/".into(), headers: vec![], body: b"{\"a\":1}".to_vec() },
            response: Some(ApiResponse {
                status: 200,
                headers: vec![("Content-Type".into(), "Application/JSON; charset=utf-8".into())],
                body: vec![0xff, 0x00],
            }),
            trouble: None,
        };
        let text = serde_json::to_string(&exchange).unwrap();
        assert_eq!(serde_json::from_str::<ApiExchange>(&text).unwrap(), exchange);
        assert_eq!(exchange.response.unwrap().media_type().as_deref(), Some("application/json"));
        assert!(is_json("application/fhir+json; fhirVersion=4.0") && !is_json("text/html"));
    }
}
