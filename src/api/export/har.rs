//! HTTP Archive 1.2, as browsers and proxies write it: the exchanges of a run for a person to look at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::exchange::{ApiExchange, ApiRequest, ApiResponse};

/// What an archive says of a time that was not measured.
const UNMEASURED: i64 = -1;

/// The exchanges as an HTTP Archive. `started` is the moment of the run (RFC 3339): the exchanges
/// themselves carry none, so that judging them cannot depend on it.
pub fn har(exchanges: &[ApiExchange], started: &str) -> Value {
    let entries: Vec<Value> = exchanges.iter().map(|exchange| entry(exchange, started)).collect();
    json!({ "log": {
        "version": "1.2",
        "creator": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        "entries": entries,
    } })
}

fn entry(exchange: &ApiExchange, started: &str) -> Value {
    let mut entry = json!({
        "startedDateTime": started,
        "time": 0,
        "request": request(&exchange.request),
        "response": exchange.response.as_ref().map_or_else(|| unanswered(exchange), response),
        "cache": {},
        "timings": { "send": 0, "wait": 0, "receive": 0 },
        "comment": exchange.id,
    });
    if let (Some(trouble), Some(map)) = (&exchange.trouble, entry.as_object_mut()) {
        map.insert("_error".into(), json!(trouble));
    }
    entry
}

fn pairs(list: &[(String, String)]) -> Vec<Value> {
    list.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

fn request(request: &ApiRequest) -> Value {
    let query: Vec<(String, String)> = url::Url::parse(&request.url).map(|u| u.query_pairs().into_owned().collect()).unwrap_or_default();
    let mut value = json!({
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&request.headers),
        "queryString": pairs(&query),
        "headersSize": UNMEASURED,
        "bodySize": request.body.len(),
    });
    if !request.body.is_empty()
        && let Some(map) = value.as_object_mut()
    {
        let media_type = request.header("content-type").unwrap_or_default();
        map.insert("postData".into(), json!({ "mimeType": media_type, "text": String::from_utf8_lossy(&request.body) }));
    }
    value
}

fn response(response: &ApiResponse) -> Value {
    let media_type = response.header("content-type").unwrap_or("application/octet-stream");
    let content = match std::str::from_utf8(&response.body) {
        Ok(text) => json!({ "size": response.body.len(), "mimeType": media_type, "text": text }),
        Err(_) => {
            json!({ "size": response.body.len(), "mimeType": media_type, "text": STANDARD.encode(&response.body), "encoding": "base64" })
        }
    };
    json!({
        "status": response.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(&response.headers),
        "content": content,
        "redirectURL": response.header("location").unwrap_or_default(),
        "headersSize": UNMEASURED,
        "bodySize": response.body.len(),
    })
}

/// What the format asks for where nothing came back.
fn unanswered(_: &ApiExchange) -> Value {
    json!({
        "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
        "content": { "size": 0, "mimeType": "" }, "redirectURL": "", "headersSize": UNMEASURED, "bodySize": UNMEASURED,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_what_readers_need() {
        let exchanges = [
            ApiExchange {
                id: "op/plain".into(),
                request: ApiRequest {
                    method: "POST".into(),
                    url: "http://h/a?x=1%202".into(),
                    headers: vec![("Content-Type".into(), "application/json".into())],
                    body: b"{}".to_vec(),
                },
                response: Some(ApiResponse { status: 201, headers: vec![("Location".into(), "/a/1".into())], body: vec![0xff] }),
                trouble: None,
            },
            ApiExchange { id: "op/none".into(), trouble: Some("no answer in time".into()), ..ApiExchange::default() },
        ];
        let archive = har(&exchanges, "2026-11-22T12:00:00Z");
        let entries = archive["log"]["entries"].as_array().unwrap();
        assert_eq!(entries[0]["request"]["queryString"][0]["value"], "1 2");
        assert_eq!(entries[0]["request"]["postData"]["text"], "{}");
        assert_eq!(entries[0]["response"]["content"]["encoding"], "base64");
        assert_eq!(entries[0]["response"]["redirectURL"], "/a/1");
        assert_eq!((entries[1]["response"]["status"].as_u64(), entries[1]["_error"].as_str()), (Some(0), Some("no answer in time")));
        for (path, kind) in [("/log/version", "string"), ("/log/creator/name", "string"), ("/log/entries/0/timings/wait", "number")] {
            let value = archive.pointer(path).unwrap();
            assert_eq!(value.is_string(), kind == "string");
        }
    }
}
