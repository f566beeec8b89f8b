//! What a sample service answers.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde_json::Value;

use super::certificate::{FaceChanges, Tls};
use super::device::{AlarmLine, Broker, Constrained};
use super::fhir::{FhirRequest, SampleFhir};
use super::log_in::FormLogIn;
use crate::api::exchange::ApiRequest;
use crate::api::sample::{OTHER_TOKEN, SampleApi, TOKEN, description};

/// One service of a vendor: a port on loopback.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Service {
    /// `http`, `https`, `mqtt`, `mqtts`, `sip`, `sips`, `coap`; `silent` for a listener that never says a
    /// word, `says` for one that says `greeting` and no more, `closed` for a port where nobody listens, or
    /// `tls-mock` for a server that begins TLS handshakes and finishes none.
    pub(super) scheme: String,
    #[serde(default)]
    pub(super) tls: Tls,
    /// Beneath `/v1` the sample API answers where no route fits; `/openapi.yaml`, `/v1/openapi.yaml` and
    /// `/v1/openapi.json` are its description.
    #[serde(default)]
    pub(super) sample_api: bool,
    /// Secrets of another customer of the sample API, by name.
    #[serde(default)]
    pub(super) sample_strangers: Vec<String>,
    /// What is another in the description that the sample API hands out.
    #[serde(default)]
    description_edits: Vec<Edit>,
    /// The description that the sample API hands out: in YAML and in JSON.
    #[serde(skip)]
    described: Option<Arc<(String, String)>>,
    /// The sample API at work.
    #[serde(skip)]
    pub(super) sample: Option<Arc<Mutex<SampleApi>>>,
    /// Beneath `/fhir` the sample FHIR service answers where no route fits; its statement is the route
    /// `GET /fhir/metadata`.
    #[serde(default)]
    pub(super) sample_fhir: bool,
    /// The sample FHIR service at work.
    #[serde(skip)]
    pub(super) fhir: Option<Arc<Mutex<SampleFhir>>>,
    /// What a `tls-mock` agrees to beside what is recommended.
    #[serde(default)]
    pub(super) face: FaceChanges,
    /// What `mqtt` and `mqtts` do.
    #[serde(default)]
    pub(super) broker: Broker,
    /// What `sip` and `sips` do.
    #[serde(default)]
    pub(super) alarm_line: AlarmLine,
    /// What `coap` does.
    #[serde(default)]
    pub(super) device: Constrained,
    /// What `says` says; escapes as in `raw`.
    #[serde(default)]
    greeting: String,
    /// A form that is logged in with.
    #[serde(default)]
    log_in: Option<FormLogIn>,
    /// Header fields of every answer.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Answers by method and path, such as `GET /v1/items`, or path and query, such as `GET /v1/items?page=2`.
    /// HEAD is answered as GET without the body.
    #[serde(default)]
    routes: BTreeMap<String, Route>,
    /// The answer where no route fits.
    #[serde(default)]
    fallback: Route,
    /// The answer to somebody without the secret; 401 with a problem document, where nothing is said.
    #[serde(default = "refusal")]
    refusal: Route,
}

/// One piece of a text that is put in the place of another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// What stands there; it must stand there once.
    find: String,
    put: String,
}

/// One answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Route {
    /// The status; 200, where nothing is said.
    status: Option<u16>,
    headers: BTreeMap<String, String>,
    /// The name of the secret that must be shown as a bearer token; otherwise the service's `refusal` is sent.
    needs: Option<Needs>,
    /// Whether any token at all is taken for the secret.
    any_token: bool,
    /// Answers to those who accept a media type, by its name, instead of this one.
    to_those_who_accept: BTreeMap<String, Route>,
    /// Whether the question itself is sent back.
    echo: bool,
    json: Option<Value>,
    text: Option<String>,
    html: Option<String>,
    base64: Option<String>,
    generated: Option<Generated>,
    encoding: Encoding,
    /// Bytes that are sent as they are instead of an answer: `\r`, `\n`, `\t`, `\\` and `\xNN` are read.
    raw: Option<String>,
    /// What is sent after everything else, again and again.
    repeat: Option<Repeat>,
    /// Leaves out the last bytes and closes the connection.
    truncate: usize,
}

/// One secret, or several of which each will do.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Needs {
    One(String),
    OneOf(Vec<String>),
}

impl Needs {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::OneOf(names) => names,
        }
    }
}

/// Content that is too large to write down.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Generated {
    /// What is repeated.
    text: String,
    /// How often.
    times: usize,
    /// What comes after it.
    #[serde(default)]
    end: String,
}

/// Bytes without end.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Repeat {
    text: String,
    /// The pause before each, in milliseconds.
    #[serde(default)]
    pub(super) pause_ms: u64,
}

/// How a body travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Encoding {
    #[default]
    Plain,
    Chunked,
    /// Compressed where that is welcome.
    GzipIfAsked,
    /// Compressed, welcome or not.
    Gzip,
    /// Compressed twice.
    GzipTwice,
}

/// A question, as far as answers depend on it.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Path and query as they were sent.
    pub(super) target: &'a str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) bearer: Option<&'a str>,
    /// The question as it came.
    pub(super) head: &'a str,
    /// Whether a compressed answer is welcome.
    pub(super) gzip: bool,
}

/// What is sent.
pub(super) struct Answered {
    pub(super) bytes: Vec<u8>,
    pub(super) repeat: Option<(Vec<u8>, u64)>,
    pub(super) closes: bool,
}

impl Service {
    /// What is said to whoever connects.
    pub(super) fn greeting(&self) -> Vec<u8> {
        unescape(&self.greeting)
    }
    /// The answer to a question.
    pub(super) fn answer(&self, asked: &Asked<'_>, secrets: &BTreeMap<String, String>) -> Answered {
        if let Some(log_in) = self.log_in.as_ref().filter(|l| asked.method == "POST" && asked.path == l.path) {
            let (status, fields, page) = log_in.answer(&asked.body, secrets);
            let headers = fields.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            return Route { status: Some(status), headers, html: Some(page.to_owned()), ..Route::default() }.answer(&self.headers, asked);
        }
        let method = if asked.method == "HEAD" { "GET" } else { asked.method };
        let known = self.routes.contains_key(&format!("{method} {}", asked.path));
        if let Some(answered) = self.sample.as_ref().filter(|_| !known).and_then(|sample| self.ask_sample(sample, asked, secrets)) {
            return answered;
        }
        if let Some(answered) = self.fhir.as_ref().and_then(|sample| self.ask_fhir(sample, asked, secrets, known)) {
            return answered;
        }
        let route = self.routes.get(&format!("{method} {}", asked.target)).or_else(|| self.routes.get(&format!("{method} {}", asked.path)));
        let route = route.unwrap_or(&self.fallback);
        let accepts = |kind: &str| asked.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("accept") && value.trim() == kind);
        let route = route.to_those_who_accept.iter().find(|(kind, _)| accepts(kind)).map_or(route, |(_, route)| route);
        let shown = |name: &String| asked.bearer.is_some() && asked.bearer == secrets.get(name).map(String::as_str);
        let allowed =
            route.needs.as_ref().is_none_or(|needs| needs.names().iter().any(shown) || (route.any_token && asked.bearer.is_some()));
        if allowed { route } else { &self.refusal }.answer(&self.headers, asked)
    }
}

impl Service {
    /// Puts the sample API behind this service, if it is to have it.
    ///
    /// # Errors
    /// An edit does not find what it is to replace, or finds it twice.
    pub(super) fn begin(&mut self, quirks: &[String]) -> Result<(), String> {
        if self.sample_fhir {
            self.fhir = Some(Arc::new(Mutex::new(SampleFhir::new(quirks.iter().map(String::as_str)))));
        }
        if !self.sample_api {
            return if self.description_edits.is_empty() { Ok(()) } else { Err("description-edits: there is no sample API here".into()) };
        }
        let mut text = description().to_owned();
        for edit in &self.description_edits {
            match text.matches(&edit.find).count() {
                1 => text = text.replacen(&edit.find, &edit.put, 1),
                found => return Err(format!("description-edits: `{}` stands {found} times in the description", edit.find)),
            }
        }
        let json = crate::document::Source::yaml("openapi.yaml", text.as_bytes()).map_err(|e| e.to_string())?.value().to_string();
        self.described = Some(Arc::new((text, json)));
        self.sample = Some(Arc::new(Mutex::new(SampleApi::new(quirks.iter().map(String::as_str)))));
        Ok(())
    }

    /// What the sample API answers, where the question is one for it.
    fn ask_sample(&self, sample: &Mutex<SampleApi>, asked: &Asked<'_>, secrets: &BTreeMap<String, String>) -> Option<Answered> {
        let first = asked.path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next());
        let document =
            self.described.as_deref().filter(|_| matches!(asked.method, "GET" | "HEAD")).and_then(|(yaml, json)| match asked.path {
                "/openapi.yaml" | "/v1/openapi.yaml" => Some(("application/yaml", yaml)),
                "/v1/openapi.json" => Some(("application/json", json)),
                _ => None,
            });
        let (status, headers, body) = if let Some((media_type, text)) = document {
            // Pages of other makers show the description, too.
            let headers = [("Content-Type", media_type), ("Access-Control-Allow-Origin", "*")].map(|(n, v)| (n.to_owned(), v.to_owned()));
            (200, headers.to_vec(), text.as_bytes().to_vec())
        } else if first.is_some_and(|word| matches!(word, "status" | "residents" | "alarms")) {
            // The API knows a token of its own; whoever shows this vendor's secret is known to it.
            let known = asked
                .bearer
                .and_then(|bearer| secrets.iter().find(|(_, secret)| *secret == bearer))
                .map(|(name, _)| if self.sample_strangers.contains(name) { OTHER_TOKEN } else { TOKEN });
            let shown = |(name, value): &(String, String)| {
                let own = name.eq_ignore_ascii_case("authorization");
                (name.clone(), known.filter(|_| own).map_or_else(|| value.clone(), |token| format!("Bearer {token}")))
            };
            let request = ApiRequest {
                method: asked.method.to_owned(),
                url: asked.target.to_owned(),
                headers: asked.headers.iter().map(shown).collect(),
                body: asked.body.clone(),
            };
            let response = sample.lock().unwrap_or_else(PoisonError::into_inner).respond(&request);
            (response.status, response.headers, response.body)
        } else {
            return None;
        };
        Some(self.whole(status, &headers, &body, asked))
    }

    /// What the sample FHIR service answers, where the question is one for it. Of a path that has a route
    /// only the format is its matter.
    fn ask_fhir(
        &self,
        sample: &Mutex<SampleFhir>,
        asked: &Asked<'_>,
        secrets: &BTreeMap<String, String>,
        routed: bool,
    ) -> Option<Answered> {
        let path = asked.path.strip_prefix("/fhir/")?;
        let query = asked.target.split_once('?').map_or("", |(_, query)| query);
        let known = asked.bearer.is_some() && asked.bearer == secrets.get("PROBITY_DEMO_FHIR").map(String::as_str);
        let request = FhirRequest { method: asked.method, path, query, headers: &asked.headers, known };
        let mut sample = sample.lock().unwrap_or_else(PoisonError::into_inner);
        let response = match routed {
            true if path == "metadata" => sample.not_acceptable(&request)?,
            true => return None,
            false => sample.respond(&request)?,
        };
        Some(self.whole(response.status, &response.headers, &response.body, asked))
    }

    /// An answer with the service's own header fields.
    fn whole(&self, status: u16, headers: &[(String, String)], body: &[u8], asked: &Asked<'_>) -> Answered {
        let mut bytes = format!("HTTP/1.1 {status} {}\r\n", phrase(status)).into_bytes();
        let own: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        let common = self.headers.iter().filter(|(name, _)| !own.contains(&name.to_ascii_lowercase()));
        for (name, value) in headers.iter().map(|(n, v)| (n, v)).chain(common) {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        if !matches!(status, 204 | 304) && !own.iter().any(|name| name == "content-length") {
            bytes.extend(format!("Content-Length: {}\r\n", body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        if asked.method != "HEAD" {
            bytes.extend(body);
        }
        Answered { bytes, repeat: None, closes: false }
    }
}

/// The answer to somebody without the secret.
fn refusal() -> Route {
    Route {
        status: Some(401),
        headers: BTreeMap::from([
            ("Content-Type".into(), "application/problem+json".into()),
            ("WWW-Authenticate".into(), "Bearer realm=\"sample\"".into()),
        ]),
        json: Some(serde_json::json!({"type": "about:blank", "title": "Unauthorized", "status": 401})),
        ..Route::default()
    }
}

impl Route {
    fn answer(&self, common: &BTreeMap<String, String>, asked: &Asked<'_>) -> Answered {
        let repeat = self.repeat.as_ref().map(|r| (unescape(&r.text), r.pause_ms));
        if let Some(raw) = &self.raw {
            return Answered { bytes: unescape(raw), repeat, closes: true };
        }
        let status = self.status.unwrap_or(200);
        let (kind, mut body) = if self.echo { (Some("message/http"), asked.head.as_bytes().to_vec()) } else { self.content() };
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: &str| {
            fields.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
            fields.push((name.to_owned(), value.to_owned()));
        };
        if let Some(kind) = kind {
            put("Content-Type", kind);
        }
        match self.encoding {
            Encoding::Plain | Encoding::Chunked => {}
            Encoding::GzipIfAsked if !asked.gzip => {}
            Encoding::GzipIfAsked => {
                body = gzip(&body);
                put("Content-Encoding", "gzip");
                put("Vary", "Accept-Encoding");
            }
            Encoding::Gzip => {
                body = gzip(&body);
                put("Content-Encoding", "gzip");
            }
            Encoding::GzipTwice => {
                body = gzip(&gzip(&body));
                put("Content-Encoding", "gzip, gzip");
            }
        }
        let chunked = self.encoding == Encoding::Chunked || self.repeat.is_some();
        if self.repeat.is_some() {
            // The end of the connection is the end of the body.
        } else if chunked {
            put("Transfer-Encoding", "chunked");
        } else if status != 204 && status != 304 {
            put("Content-Length", &body.len().to_string());
        }
        common.iter().chain(&self.headers).for_each(|(name, value)| put(name, value));
        let mut bytes = format!("HTTP/1.1 {status} {}\r\n", phrase(status)).into_bytes();
        for (name, value) in fields {
            bytes.extend(unescape(&format!("{name}: {value}")));
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"\r\n");
        if asked.method != "HEAD" {
            if chunked && self.repeat.is_none() {
                for piece in body.chunks(64) {
                    bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
                    bytes.extend(piece);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            } else {
                bytes.extend(body);
            }
        }
        bytes.truncate(bytes.len().saturating_sub(self.truncate));
        Answered { bytes, repeat, closes: self.truncate > 0 || self.repeat.is_some() }
    }

    fn content(&self) -> (Option<&'static str>, Vec<u8>) {
        if let Some(value) = &self.json {
            return (Some("application/json"), value.to_string().into_bytes());
        }
        if let Some(html) = &self.html {
            return (Some("text/html; charset=utf-8"), html.clone().into_bytes());
        }
        if let Some(text) = &self.text {
            return (Some("text/plain; charset=utf-8"), text.clone().into_bytes());
        }
        if let Some(generated) = &self.generated {
            let mut text = generated.text.repeat(generated.times);
            text.push_str(&generated.end);
            return (Some("application/json"), text.into_bytes());
        }
        let bytes = self.base64.as_deref().and_then(|t| base64::engine::general_purpose::STANDARD.decode(t).ok());
        (bytes.is_some().then_some("application/octet-stream"), bytes.unwrap_or_default())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Reads `\r`, `\n`, `\t`, `\\` and `\xNN`; everything else stands for itself.
fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'r') => out.push(b'\r'),
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'x') => {
                let digits: String = [rest.next(), rest.next()].into_iter().flatten().map(char::from).collect();
                out.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        308 => "Permanent Redirect",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        409 => "Conflict",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(yaml: &str) -> Service {
        serde_json::from_value(crate::document::Source::yaml("s", yaml.as_bytes()).unwrap().value().clone()).unwrap()
    }
    fn ask(service: &Service, method: &str, path: &str, bearer: Option<&str>) -> String {
        let secrets = BTreeMap::from([("TOKEN".to_owned(), "t0".to_owned())]);
        String::from_utf8_lossy(
            &service
                .answer(
                    &Asked { method, path, target: path, headers: Vec::new(), body: Vec::new(), bearer, head: "", gzip: false },
                    &secrets,
                )
                .bytes,
        )
        .into_owned()
    }

    #[test]
    fn answers_are_what_the_file_says() {
        let service = service(
            "scheme: http\nheaders: {X-A: b}\nroutes:\n  GET /a: {json: {x: 1}}\n  GET /b: {needs: TOKEN, text: hi}\n  GET /c: {encoding: chunked, text: hi}\n  GET /d: {raw: 'HTTP/9\\x00\\r\\n'}\n  GET /e: {text: hello, truncate: 2}\nfallback: {status: 404, headers: {Content-Type: application/problem+json}, json: {}}\n",
        );
        assert_eq!(
            ask(&service, "GET", "/a", None),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\nX-A: b\r\n\r\n{\"x\":1}"
        );
        assert!(ask(&service, "HEAD", "/a", None).ends_with("\r\n\r\n"));
        assert!(ask(&service, "GET", "/b", None).starts_with("HTTP/1.1 401 "));
        assert!(ask(&service, "GET", "/b", Some("t1")).starts_with("HTTP/1.1 401 "));
        assert!(ask(&service, "GET", "/b", Some("t0")).ends_with("hi"));
        assert!(ask(&service, "GET", "/c", None).ends_with("2\r\nhi\r\n0\r\n\r\n"));
        assert_eq!(ask(&service, "GET", "/d", None), "HTTP/9\0\r\n");
        assert!(ask(&service, "GET", "/e", None).ends_with("hel"));
        assert!(ask(&service, "GET", "/z", None).contains("application/problem+json"));
    }
}
