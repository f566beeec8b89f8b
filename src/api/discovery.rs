//! Finding the description of an API when only its address is known.
//!
//! Asked in this order, without any credential: the address that the target states, the API catalog
//! (RFC 9727), the links that the base address gives (RFC 8631), and the paths at which frameworks
//! usually put descriptions. A machine without chance, like the plan: the caller sends what it asks
//! for. An answer of 200 is not enough: pages for people are not descriptions, whatever they load.

use std::collections::{BTreeSet, VecDeque};
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;
use serde_json::Value;

use super::description::Edition;
use super::exchange::{ApiExchange, ApiResponse};
use super::plan::link_relation;
use crate::document::Source;
use crate::verdict::Finding;

/// Where catalogs are (RFC 9727, section 3).
const WELL_KNOWN_CATALOG: &str = "/.well-known/api-catalog";
/// The most requests of one search.
const MAX_REQUESTS: usize = 64;
/// The most addresses that one answer adds.
const MAX_ADDED: usize = 5;

/// Paths at which frameworks and gateways put descriptions, the most usual first.
const PATHS: [&str; 24] = [
    "openapi.json",
    "openapi.yaml",
    "openapi",
    "swagger.json",
    "v3/api-docs",
    "v2/api-docs",
    "api-docs",
    "swagger/v1/swagger.json",
    "api/openapi.json",
    "api/openapi.yaml",
    "api/swagger.json",
    "swagger-json",
    "swagger.yaml",
    "api/docs",
    "api/spec.yaml",
    "api/schema/",
    "docs/openapi.json",
    "q/openapi",
    "api-json",
    "api/v1/openapi.json",
    "apispec_1.json",
    "openapi.yml",
    "asyncapi.json",
    "asyncapi.yaml",
];

/// How an address came to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The target states it.
    Stated,
    /// The API catalog names it (RFC 9727).
    Catalog,
    /// A link of relation `service-desc` leads to it (RFC 8631).
    ServiceDesc,
    /// A page for people loads it.
    Page,
    /// It is usual.
    Usual,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundKind {
    /// An OpenAPI, Swagger or AsyncAPI description.
    Description,
    /// A FHIR CapabilityStatement.
    FhirCapability,
    /// A W3C Thing Description.
    Thing,
    /// The root of an Open Referral (HSDS) service.
    Hsds,
}

/// A description that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Where.
    pub url: String,
    /// How.
    pub via: Via,
    /// What it is.
    pub kind: FoundKind,
    /// Its edition, where it is an API description.
    pub edition: Option<Edition>,
    /// The document.
    pub source: Source,
    /// What is wrong with how it is served.
    pub findings: Vec<Finding>,
}

/// A request of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Unique in the search and the same in every run.
    pub id: String,
    /// The address; to be asked with GET and without credentials.
    pub url: String,
    /// How it came to be asked.
    pub via: Via,
    /// The Accept header field.
    pub accept: &'static str,
}

/// Media types of descriptions, for Accept.
const ACCEPT: &str = "application/vnd.oai.openapi+json, application/openapi+json, application/json, application/vnd.oai.openapi;q=0.9, application/yaml;q=0.9, */*;q=0.5";

/// A search in progress.
#[derive(Debug)]
pub struct Discovery {
    base: String,
    queue: VecDeque<(String, Via)>,
    asked: BTreeSet<String>,
    pending: Option<Search>,
    found: Vec<Found>,
    passed_over: Vec<(String, String)>,
    catalog: Option<bool>,
    findings: Vec<Finding>,
}

impl Discovery {
    /// A search for the API at `base`; `stated` is the address that the target names.
    pub fn new(base: &str, stated: Option<&str>) -> Self {
        let mut queue = VecDeque::new();
        if let Some(stated) = stated {
            queue.push_back((join(base, stated), Via::Stated));
        }
        queue.push_back((join(base, WELL_KNOWN_CATALOG), Via::Catalog));
        queue.push_back((base.to_owned(), Via::ServiceDesc));
        let folder = format!("{}/", base.trim_end_matches('/'));
        for path in PATHS {
            queue.push_back((join(&folder, path), Via::Usual));
        }
        for path in PATHS {
            queue.push_back((join(base, &format!("/{path}")), Via::Usual));
        }
        queue.push_back((join(&folder, "metadata"), Via::Usual));
        queue.push_back((join(base, "/.well-known/wot"), Via::Usual));
        Self {
            base: base.to_owned(),
            queue,
            asked: BTreeSet::new(),
            pending: None,
            found: Vec::new(),
            passed_over: Vec::new(),
            catalog: None,
            findings: Vec::new(),
        }
    }

    /// The next request, given what came of the one before.
    pub fn next(&mut self, last: Option<&ApiExchange>) -> Option<Search> {
        if let (Some(search), Some(exchange)) = (self.pending.take(), last) {
            self.absorb(&search, exchange);
        }
        while let Some((url, via)) = self.queue.pop_front() {
            // One description is enough; the catalog is asked all the same, because it is asked for itself.
            let enough = self.found.iter().any(|f| f.kind == FoundKind::Description);
            if (enough && !url.ends_with(WELL_KNOWN_CATALOG)) || self.asked.len() >= MAX_REQUESTS || !self.asked.insert(url.clone()) {
                continue;
            }
            let search = Search { id: format!("discovery/{}", self.asked.len()), url, via, accept: ACCEPT };
            self.pending = Some(search.clone());
            return Some(search);
        }
        None
    }

    /// What was found, API descriptions first.
    pub fn found(&self) -> Vec<&Found> {
        let (first, then): (Vec<&Found>, Vec<&Found>) = self.found.iter().partition(|f| f.kind == FoundKind::Description);
        first.into_iter().chain(then).collect()
    }

    /// Addresses that had no description, with what they had instead: another document, or a log-in.
    pub fn passed_over(&self) -> &[(String, String)] {
        &self.passed_over
    }

    /// Whether there is an API catalog that leads somewhere; `None`: it was not asked.
    pub fn has_catalog(&self) -> Option<bool> {
        self.catalog
    }

    /// What is wrong with how the catalog is served.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    fn absorb(&mut self, search: &Search, exchange: &ApiExchange) {
        let Some(response) = &exchange.response else { return };
        let links = (search.via == Via::Catalog).then(|| catalog(response, &search.url)).flatten().filter(|_| response.is_success());
        if search.url.ends_with(WELL_KNOWN_CATALOG) {
            self.catalog = Some(links.as_ref().is_some_and(|links| !links.is_empty()));
        }
        if !response.is_success() {
            // What is behind a log-in, and what the target itself names, is worth telling.
            if matches!(response.status, 401 | 403) {
                self.passed_over.push((search.url.clone(), format!("status {}: a log-in", response.status)));
            } else if search.via == Via::Stated {
                self.passed_over.push((search.url.clone(), format!("status {}", response.status)));
            }
            return;
        }
        let mut next: Vec<(String, Via)> = Vec::new();
        for link in response.header_all("link") {
            for (relation, via) in [("service-desc", Via::ServiceDesc), ("api-catalog", Via::Catalog)] {
                next.extend(link_relation(link, relation).map(|a| (join(&search.url, &a), via)));
            }
        }
        if let Some(links) = links {
            self.findings.extend(catalog_served(response, &search.url));
            next.extend(links.into_iter().map(|a| (a, Via::Catalog)));
        } else {
            match recognise(search, response) {
                Ok(found) => {
                    // The root of a directory of services names its description.
                    if let (FoundKind::Hsds, Some(address)) = (found.kind, found.source.value().get("openapi_url").and_then(Value::as_str))
                    {
                        next.push((join(&search.url, address), Via::ServiceDesc));
                    }
                    self.found.push(found);
                }
                Err(what) => {
                    next.extend(from_page(response, &search.url).into_iter().map(|a| (a, Via::Page)));
                    if search.url != self.base {
                        self.passed_over.push((search.url.clone(), what));
                    }
                }
            }
        }
        for one in next.into_iter().take(MAX_ADDED).rev() {
            self.queue.push_front(one);
        }
    }
}

fn join(base: &str, address: &str) -> String {
    url::Url::parse(base).and_then(|b| b.join(address)).map_or_else(|_| address.to_owned(), |u| u.to_string())
}

/// What an answer is, or what it is instead.
fn recognise(search: &Search, response: &ApiResponse) -> Result<Found, String> {
    let text = String::from_utf8_lossy(response.body.get(..512).unwrap_or(&response.body)).into_owned();
    let start = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head") {
        return Err("a page for people".into());
    }
    if start.is_empty() {
        return Err("nothing".into());
    }
    let source = Source::read(search.url.clone(), &response.body).map_err(|error| format!("a document that cannot be read: {error}"))?;
    let value = source.value();
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let edition =
        Edition::of(value).filter(|_| value.get("info").is_some() || value.get("paths").is_some() || value.get("channels").is_some());
    let kind = if edition.is_some() {
        FoundKind::Description
    } else if text("resourceType") == Some("CapabilityStatement") {
        FoundKind::FhirCapability
    } else if value.get("@context").is_some_and(|c| c.to_string().contains("w3.org") && c.to_string().contains("/td"))
        || value.get("securityDefinitions").is_some() && value.get("title").is_some() && value.get("security").is_some()
    {
        FoundKind::Thing
    } else if text("version").is_some() && value.get("profile").is_some() && value.get("openapi_url").is_some() {
        FoundKind::Hsds
    } else {
        return Err("a document of another kind".into());
    };
    let mut findings = Vec::new();
    let media_type = response.media_type().unwrap_or_default();
    let suits = media_type.contains("json") || media_type.contains("yaml") || media_type.starts_with("application/vnd.oai");
    if !suits {
        let what = if media_type.is_empty() { "no media type".to_owned() } else { media_type };
        findings.push(
            Finding::warning("description-media-type", "the description is not served under a media type of its own")
                .observed(&what)
                .expected("application/json, application/yaml, or application/vnd.oai.openapi")
                .clause("RFC 9512; OpenAPI Media Types"),
        );
    }
    Ok(Found { url: search.url.clone(), via: search.via, kind, edition, source, findings })
}

/// The addresses that an API catalog names (RFC 9727, section 4), descriptions first. `None`: it is none.
fn catalog(response: &ApiResponse, url: &str) -> Option<Vec<String>> {
    const RELATIONS: [&str; 3] = ["service-desc", "item", "api-catalog"];
    let Some(body) = response.json() else {
        // The other form of a linkset is that of the header field Link (RFC 9264, section 4.1).
        let text = String::from_utf8_lossy(&response.body).replace(['\r', '\n'], " ");
        let plain = response.media_type().is_some_and(|m| m == "application/linkset");
        return plain.then(|| RELATIONS.iter().filter_map(|r| link_relation(&text, r)).map(|a| join(url, &a)).collect());
    };
    let contexts = body.get("linkset")?.as_array()?;
    let mut found = Vec::new();
    for relation in RELATIONS {
        for link in contexts.iter().filter_map(|c| c.get(relation)?.as_array()).flatten() {
            found.extend(link.get("href").and_then(Value::as_str).map(|href| join(url, href)));
        }
    }
    Some(found)
}

/// What is wrong with how a catalog is served.
fn catalog_served(response: &ApiResponse, url: &str) -> Option<Finding> {
    let media_type = response.media_type().unwrap_or_default();
    (!media_type.starts_with("application/linkset")).then(|| {
        let what = if media_type.is_empty() { "no media type".to_owned() } else { media_type };
        Finding::warning("catalog-media-type", "the API catalog is not served as a linkset")
            .observed(&what)
            .expected("application/linkset+json")
            .clause("RFC 9727, section 4; RFC 9264, section 4.2")
            .at(url)
    })
}

/// The descriptions that a page for people loads or links to.
fn from_page(response: &ApiResponse, url: &str) -> Vec<String> {
    static LOADED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        let patterns = [
            r#"(?i)<link\b[^>]*\brel\s*=\s*["']?[^"'>]*service-desc[^>]*\bhref\s*=\s*["']([^"']{1,300})["']"#,
            r#"(?i)<link\b[^>]*\bhref\s*=\s*["']([^"']{1,300})["'][^>]*\brel\s*=\s*["']?[^"'>]*service-desc"#,
            r#"(?i)(?:\burl|spec-url|specUrl|data-url|apiDescriptionUrl|"url")["']?\s*[:=]\s*["']([^"'\s<>]{1,300})["']"#,
        ];
        patterns.into_iter().filter_map(|p| Regex::new(p).ok()).collect()
    });
    let text = String::from_utf8_lossy(response.body.get(..200_000).unwrap_or(&response.body)).into_owned();
    let mut found: Vec<String> = Vec::new();
    for pattern in LOADED.iter() {
        for captures in pattern.captures_iter(&text).take(MAX_ADDED) {
            if let Some(address) = captures.get(1) {
                let joined = join(url, address.as_str());
                if !found.contains(&joined) {
                    found.push(joined);
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(
        base: &str,
        stated: Option<&str>,
        serve: impl Fn(&str) -> Option<(u16, Vec<(&'static str, &'static str)>, &'static str)>,
    ) -> (Discovery, Vec<String>) {
        let mut discovery = Discovery::new(base, stated);
        let mut asked = Vec::new();
        let mut last = None;
        while let Some(search) = discovery.next(last.as_ref()) {
            asked.push(search.url.clone());
            let path = search.url.split("://").nth(1).unwrap().split_once('/').map_or(String::from("/"), |(_, p)| format!("/{p}"));
            let (status, headers, body) = serve(&path).unwrap_or((404, vec![], ""));
            let headers = headers.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            let response = ApiResponse { status, headers, body: body.as_bytes().to_vec() };
            last = Some(ApiExchange { id: search.id, response: Some(response), ..ApiExchange::default() });
        }
        (discovery, asked)
    }

    const DOCUMENT: &str = r#"{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{}}"#;

    #[test]
    fn a_shell_for_people_is_no_description_but_tells_where_it_is() {
        let shell = "<!DOCTYPE html><html><script>SwaggerUIBundle({ url: '../spec/api.yaml' })</script></html>";
        let (discovery, asked) = search("http://h/api/v1", None, |path| match path {
            "/api/v1/openapi.json" | "/" => Some((200, vec![("Content-Type", "text/html")], shell)),
            "/api/spec/api.yaml" => {
                Some((200, vec![("Content-Type", "text/plain")], "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\n"))
            }
            _ => None,
        });
        let found = discovery.found();
        assert_eq!((found.len(), found[0].via, found[0].url.as_str()), (1, Via::Page, "http://h/api/spec/api.yaml"));
        assert_eq!(found[0].findings[0].rule, "description-media-type");
        assert_eq!(discovery.passed_over()[0].1, "a page for people");
        assert_eq!(discovery.has_catalog(), Some(false));
        assert!(asked.len() < 10, "{asked:?}");
    }

    #[test]
    fn catalog_and_link_lead_there() {
        let (discovery, asked) = search("http://h/v1", None, |path| match path {
            "/.well-known/api-catalog" => {
                Some((200, vec![], r#"{"linkset":[{"anchor":"http://h/v1","service-desc":[{"href":"/desc","type":"application/json"}]}]}"#))
            }
            "/desc" => Some((200, vec![("Content-Type", "application/json")], DOCUMENT)),
            _ => None,
        });
        assert_eq!((discovery.found()[0].via, discovery.has_catalog(), asked.len()), (Via::Catalog, Some(true), 2));
        let (discovery, asked) = search("http://h/v1", None, |path| match path {
            "/v1" => Some((200, vec![("Link", "</d.json>; rel=\"service-desc\"")], "{}")),
            "/d.json" => Some((200, vec![("Content-Type", "application/json")], DOCUMENT)),
            _ => None,
        });
        assert_eq!((discovery.found()[0].via, asked.len()), (Via::ServiceDesc, 3));
    }

    #[test]
    fn other_ways_lead_there_and_a_login_is_told() {
        // A catalog in the form of a header field, and one that a header field leads to.
        let (discovery, _) = search("http://h/v1", None, |path| match path {
            "/.well-known/api-catalog" => Some((
                200,
                vec![("Content-Type", "application/linkset")],
                "<http://h/v1>; rel=\"item\",\r\n <d.json>; rel=\"service-desc\"",
            )),
            "/.well-known/d.json" => Some((200, vec![("Content-Type", "application/json")], DOCUMENT)),
            _ => None,
        });
        assert_eq!((discovery.found()[0].via, discovery.has_catalog(), discovery.findings().len()), (Via::Catalog, Some(true), 0));
        let (discovery, _) = search("http://h/v1", None, |path| match path {
            "/v1" => Some((200, vec![("Link", "</apis>; rel=\"api-catalog\"")], "{}")),
            "/apis" => Some((200, vec![("Content-Type", "application/json")], r#"{"linkset":[{"item":[{"href":"/v2/"}]}]}"#)),
            "/v2/" => Some((200, vec![("Content-Type", "text/html")], "<html><link rel=service-desc href='d.json'></html>")),
            "/v2/d.json" => Some((200, vec![("Content-Type", "application/json")], DOCUMENT)),
            _ => None,
        });
        assert_eq!((discovery.found()[0].url.as_str(), discovery.has_catalog()), ("http://h/v2/d.json", Some(false)));
        assert_eq!(discovery.findings()[0].rule, "catalog-media-type");
        // The root of a directory of services names its description.
        let (discovery, _) = search("http://h", None, |path| match path {
            "/" => Some((200, vec![], r#"{"version":"3.0","profile":"https://p.test/","openapi_url":"/hsds.json"}"#)),
            "/hsds.json" => Some((200, vec![("Content-Type", "application/json")], DOCUMENT)),
            _ => None,
        });
        assert_eq!((discovery.found()[0].url.as_str(), discovery.found().len()), ("http://h/hsds.json", 2));
        let (discovery, _) = search("http://h", Some("http://h/gone.json"), |path| (path == "/openapi.json").then_some((401, vec![], "")));
        assert_eq!(
            discovery.passed_over(),
            [("http://h/gone.json".to_owned(), "status 404".to_owned()), ("http://h/openapi.json".into(), "status 401: a log-in".into())]
        );
        // A catalog that leads nowhere is none.
        let (discovery, _) = search("http://h", None, |path| path.ends_with("catalog").then_some((200, vec![], r#"{"linkset":[]}"#)));
        assert_eq!(discovery.has_catalog(), Some(false));
    }

    #[test]
    fn the_stated_address_comes_first_and_the_search_ends() {
        let (discovery, asked) =
            search("http://h/v1", Some("/my/api.json"), |path| (path == "/my/api.json").then_some((200, vec![], DOCUMENT)));
        assert_eq!((discovery.found()[0].via, asked.len()), (Via::Stated, 2));
        let (discovery, asked) = search("http://h/fhir", None, |path| {
            (path == "/fhir/metadata").then_some((200, vec![], r#"{"resourceType":"CapabilityStatement"}"#))
        });
        assert_eq!(discovery.found().len(), usize::from(asked.contains(&"http://h/fhir/metadata".to_owned())));
        let (discovery, asked) =
            search("http://h", None, |_| Some((200, vec![("Content-Type", "text/html")], "<html>url: 'a' url: 'b' url: 'c'</html>")));
        assert!(discovery.found().is_empty() && asked.len() <= MAX_REQUESTS);
    }
}
