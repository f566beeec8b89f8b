//! A sample FHIR service: a few types of resources about one test person, with reading, searching,
//! paging, versions, conditional reads, errors and bulk export. Its statement of what it can do is the
//! vendor file's, so that a vendor may claim one thing and do another.
//!
//! Each quirk is one seeded fault; the list of them is [`QUIRKS`]. A function from question to answer: no
//! network, no clock. Every person in it is made up.

mod definitions;
mod resources;

pub(super) use definitions::definitions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use resources::{CHANGED, CHANGED_HTTP, resources};

/// The group of test persons, and the person in it.
const GROUP: &str = "Group/g-test";

/// The seeded faults: name, and what is wrong.
pub(super) const QUIRKS: &[(&str, &str)] = &[
    ("fhir-device-is-gone", "reading a Device fails with 501 although it is claimed"),
    ("fhir-another-id", "reading an Observation gives another one"),
    ("fhir-code-ignored", "a search of Observations by code ignores the code"),
    ("fhir-neighbours-too", "a search for a person's resources gives those of others too"),
    ("fhir-pages-in-a-circle", "the last page leads back to the first"),
    ("fhir-page-lost", "the last page is never given"),
    ("fhir-page-twice", "each page repeats the last resource of the one before"),
    ("fhir-count-ignored", "every page holds three resources more than asked for"),
    ("fhir-unknown-id-breaks", "reading a person who does not exist fails with 500"),
    ("fhir-errors-of-its-own", "errors are JSON of a structure of its own"),
    ("fhir-never-strict", "a parameter that does not exist is ignored although strictness is asked for"),
    ("fhir-any-format", "a format that is not spoken is answered with JSON"),
    ("fhir-tag-is-not-the-version", "the ETag is not the version"),
    ("fhir-always-whole", "conditional reads always give the whole resource"),
    ("fhir-history-without-now", "the history lacks the current version"),
    ("fhir-open-search", "searches need no credential"),
    ("fhir-open-read", "reading a resource needs no credential"),
    ("fhir-manifest-without-moment", "the manifest of an export does not tell the moment"),
    ("fhir-lines-of-another-type", "an exported file holds another type"),
    ("fhir-export-stays", "a deleted export is still there"),
    ("fhir-weight-in-seconds", "a weight is given in seconds"),
    ("fhir-device-unknown", "a measurement does not say which device measured"),
    ("fhir-person-without-name", "the test person has no name, which the service's own profile demands"),
];

/// What is asked.
pub(super) struct FhirRequest<'a> {
    pub(super) method: &'a str,
    /// Below `/fhir/`.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// Header fields.
    pub(super) headers: &'a [(String, String)],
    /// Whether the credential is shown.
    pub(super) known: bool,
}

impl FhirRequest<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    fn base(&self) -> String {
        format!("https://{}/fhir", self.header("host").unwrap_or("localhost"))
    }
    fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_bytes()).map(|(n, v)| (n.into_owned(), v.into_owned())).collect()
    }
}

/// What is answered.
#[derive(Debug)]
pub(super) struct FhirResponse {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The service with its exports.
#[derive(Debug)]
pub(super) struct SampleFhir {
    quirks: BTreeSet<String>,
    resources: BTreeMap<String, Value>,
    /// Each export: how often its status was asked for, or nothing once it was deleted.
    exports: Vec<Option<u32>>,
}

fn fhir(status: u16, value: &Value) -> FhirResponse {
    let headers = vec![("Content-Type".to_owned(), "application/fhir+json; charset=utf-8".to_owned())];
    FhirResponse { status, headers, body: value.to_string().into_bytes() }
}

fn bare(status: u16, headers: &[(&str, &str)]) -> FhirResponse {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    FhirResponse { status, headers, body: Vec::new() }
}

impl SampleFhir {
    pub(super) fn new<'a>(quirks: impl IntoIterator<Item = &'a str>) -> Self {
        let quirks: BTreeSet<String> = quirks.into_iter().map(str::to_owned).collect();
        let resources = resources(&quirks);
        Self { quirks, resources, exports: Vec::new() }
    }
    fn has(&self, quirk: &str) -> bool {
        self.quirks.contains(quirk)
    }
    fn error(&self, status: u16, code: &str, words: &str) -> FhirResponse {
        if self.has("fhir-errors-of-its-own") {
            let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
            return FhirResponse { status, headers, body: json!({ "error": words }).to_string().into_bytes() };
        }
        fhir(status, &json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "diagnostics": words}]}))
    }

    /// The refusal of a format that is not spoken; nothing where JSON will do.
    pub(super) fn not_acceptable(&self, request: &FhirRequest<'_>) -> Option<FhirResponse> {
        let accept = request.header("accept").unwrap_or("*/*").to_ascii_lowercase();
        let format = request.parameters().into_iter().find(|(n, _)| n == "_format").map(|(_, v)| v);
        let json = |text: &str| text.contains("json") || text.contains("*/*") || text.contains("application/*");
        let fine = self.has("fhir-any-format") || format.as_deref().map_or_else(|| json(&accept), json) || accept.contains("ndjson");
        (!fine).then(|| self.error(406, "not-supported", "only application/fhir+json is spoken"))
    }

    /// The answer; nothing for methods that the service does not know.
    pub(super) fn respond(&mut self, request: &FhirRequest<'_>) -> Option<FhirResponse> {
        let steps: Vec<&str> = request.path.split('/').collect();
        let kinds = ["Patient", "Observation", "Device", "ServiceRequest", "CareTeam", "Group", "bulk"];
        if !matches!(request.method, "GET" | "HEAD" | "DELETE") {
            return None;
        }
        let first = steps.first().copied().unwrap_or_default();
        if !kinds.contains(&first) {
            return Some(self.error(404, "not-supported", "there is no such type of resource here"));
        }
        let open = match steps.len() {
            1 => self.has("fhir-open-search"),
            2 => self.has("fhir-open-read"),
            _ => false,
        };
        if !request.known && !open {
            let mut refused = self.error(401, "login", "a credential is needed");
            refused.headers.push(("WWW-Authenticate".into(), "Bearer realm=\"sample\"".into()));
            return Some(refused);
        }
        if let Some(refused) = self.not_acceptable(request) {
            return Some(refused);
        }
        Some(match (request.method, steps.as_slice()) {
            (_, ["bulk", job]) => self.job(request, job),
            (_, ["bulk", job, file]) => self.file(job, file),
            ("DELETE", _) => self.error(405, "not-supported", "nothing is deleted here"),
            (_, ["Group", id, "$export"]) => self.export(request, id),
            (_, [of]) => self.search(request, of),
            (_, [of, id]) => self.read(request, of, id),
            (_, [of, id, "_history"]) => self.history(request, of, id),
            (_, [of, id, "_history", version]) => match self.resources.get(&format!("{of}/{id}")) {
                Some(found) if found.pointer("/meta/versionId").and_then(Value::as_str) == Some(version) => fhir(200, found),
                Some(_) | None => self.error(404, "not-found", "there is no such version"),
            },
            _ => self.error(404, "not-found", "there is nothing here"),
        })
    }

    fn read(&self, request: &FhirRequest<'_>, of: &str, id: &str) -> FhirResponse {
        if of == "Device" && self.has("fhir-device-is-gone") {
            return self.error(501, "not-supported", "this is not built yet");
        }
        let Some(mut found) = self.resources.get(&format!("{of}/{id}")) else {
            let status = if self.has("fhir-unknown-id-breaks") && of == "Patient" { 500 } else { 404 };
            return self.error(status, "not-found", "there is no such resource");
        };
        if of == "Observation" && self.has("fhir-another-id") {
            found = self.resources.get("Observation/o-9").unwrap_or(found);
        }
        let version = found.pointer("/meta/versionId").and_then(Value::as_str).unwrap_or("1");
        let tag = if self.has("fhir-tag-is-not-the-version") { "W/\"x9\"".to_owned() } else { format!("W/\"{version}\"") };
        let unchanged = request.header("if-none-match") == Some(&tag) || request.header("if-modified-since") == Some(CHANGED_HTTP);
        if unchanged && !self.has("fhir-always-whole") {
            return bare(304, &[("ETag", &tag)]);
        }
        let mut response = fhir(200, found);
        response.headers.extend([("ETag".to_owned(), tag), ("Last-Modified".to_owned(), CHANGED_HTTP.to_owned())]);
        response
    }

    fn history(&self, request: &FhirRequest<'_>, of: &str, id: &str) -> FhirResponse {
        let reference = format!("{of}/{id}");
        let Some(found) = self.resources.get(&reference) else { return self.error(404, "not-found", "there is no such resource") };
        let entry = json!({"fullUrl": format!("{}/{reference}", request.base()), "resource": found,
            "request": {"method": "PUT", "url": reference}, "response": {"status": "200", "lastModified": CHANGED}});
        let entries = if self.has("fhir-history-without-now") { Vec::new() } else { vec![entry] };
        let link = json!([{"relation": "self", "url": format!("{}/{reference}/_history", request.base())}]);
        fhir(200, &json!({"resourceType": "Bundle", "type": "history", "total": entries.len(), "link": link, "entry": entries}))
    }

    fn search(&self, request: &FhirRequest<'_>, of: &str) -> FhirResponse {
        let parameters = request.parameters();
        let strict = request.header("prefer").is_some_and(|p| p.contains("handling=strict")) && !self.has("fhir-never-strict");
        let (mut count, mut offset) = (50usize, 0usize);
        let mut used = Vec::new();
        let mut found: Vec<&Value> = self.resources.values().filter(|r| r["resourceType"] == of).collect();
        for (name, value) in &parameters {
            match name.as_str() {
                "_count" => count = value.parse().unwrap_or(count),
                "_offset" => offset = value.parse().unwrap_or(0),
                "_total" | "_format" => {}
                "code" if self.has("fhir-code-ignored") => {}
                name if resources::is_parameter(of, name) => {
                    if matches!(name, "date" | "birthdate" | "authored") && !resources::is_date(value) {
                        return self.error(400, "invalid", "that is no date");
                    }
                    let too = self.has("fhir-neighbours-too") && name == "patient" && value != "probity-nobody";
                    found.retain(|r| resources::has(r, name, value) || (too && of == "Observation"));
                }
                _ if strict => return self.error(400, "invalid", "there is no such parameter"),
                _ => continue,
            }
            if name != "_offset" {
                used.push(format!("{name}={}", url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>()));
            }
        }
        let total = found.len();
        let page = if self.has("fhir-count-ignored") { count + 3 } else { count };
        let from = if self.has("fhir-page-twice") { offset.saturating_sub(1) } else { offset };
        let entries: Vec<Value> = found
            .iter()
            .skip(from)
            .take(page)
            .map(|r| {
                let full = format!("{}/{of}/{}", request.base(), r["id"].as_str().unwrap_or_default());
                json!({"fullUrl": full, "resource": r, "search": {"mode": "match"}})
            })
            .collect();
        let address = |offset: Option<usize>| {
            let mut query = used.clone();
            query.extend(offset.map(|o| format!("_offset={o}")));
            format!("{}/{of}?{}", request.base(), query.join("&"))
        };
        let mut links = vec![json!({"relation": "self", "url": address((offset > 0).then_some(offset))})];
        let next = offset + count.max(1);
        let last = next >= total || (self.has("fhir-page-lost") && next + count >= total);
        if !last {
            links.push(json!({"relation": "next", "url": address(Some(next))}));
        } else if self.has("fhir-pages-in-a-circle") && offset > 0 {
            links.push(json!({"relation": "next", "url": address(Some(count))}));
        }
        fhir(200, &json!({"resourceType": "Bundle", "type": "searchset", "total": total, "link": links, "entry": entries}))
    }

    fn export(&mut self, request: &FhirRequest<'_>, id: &str) -> FhirResponse {
        if GROUP.strip_prefix("Group/") != Some(id) {
            return self.error(404, "not-found", "there is no such group");
        }
        if !request.header("prefer").is_some_and(|p| p.contains("respond-async")) {
            return self.error(400, "invalid", "an export is only done with `Prefer: respond-async`");
        }
        self.exports.push(Some(0));
        bare(202, &[("Content-Location", &format!("{}/bulk/{}", request.base(), self.exports.len()))])
    }

    fn job(&mut self, request: &FhirRequest<'_>, job: &str) -> FhirResponse {
        let stays = self.has("fhir-export-stays");
        let index = job.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
        let gone = self.error(404, "not-found", "there is no such export");
        let Some(slot) = index.and_then(|i| self.exports.get_mut(i)) else { return gone };
        let Some(polls) = slot.as_mut() else { return gone };
        if request.method == "DELETE" {
            if !stays {
                *slot = None;
            }
            return bare(202, &[]);
        }
        *polls += 1;
        if *polls == 1 {
            return bare(202, &[("Retry-After", "0"), ("X-Progress", "half of it")]);
        }
        let output: Vec<Value> = ["Patient", "Observation"]
            .iter()
            .map(|of| json!({"type": of, "url": format!("{}/bulk/{job}/{of}.ndjson", request.base()), "count": self.exported(of).len()}))
            .collect();
        let mut manifest = json!({"transactionTime": CHANGED, "request": format!("{}/{GROUP}/$export", request.base()),
            "requiresAccessToken": true, "output": output, "error": []});
        if self.has("fhir-manifest-without-moment")
            && let Some(map) = manifest.as_object_mut()
        {
            map.shift_remove("transactionTime");
        }
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        FhirResponse { status: 200, headers, body: manifest.to_string().into_bytes() }
    }

    fn exported(&self, of: &str) -> Vec<&Value> {
        self.resources.values().filter(|r| r["resourceType"] == of && resources::is_of_the_person(r)).collect()
    }

    fn file(&self, job: &str, file: &str) -> FhirResponse {
        let there = job.parse::<usize>().ok().and_then(|n| self.exports.get(n.checked_sub(1)?)).is_some_and(Option::is_some);
        let of = file.trim_end_matches(".ndjson");
        if !there {
            return self.error(404, "not-found", "there is no such export");
        }
        let of = if self.has("fhir-lines-of-another-type") && of == "Observation" { "Device" } else { of };
        let lines: String = self.exported(of).iter().map(|r| format!("{r}\n")).collect();
        let headers = vec![("Content-Type".to_owned(), "application/fhir+ndjson".to_owned())];
        FhirResponse { status: 200, headers, body: lines.into_bytes() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(service: &mut SampleFhir, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let headers: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let response = service.respond(&FhirRequest { method, path, query, headers: &headers, known: true }).unwrap();
        (response.status, serde_json::from_slice(&response.body).unwrap_or_default())
    }

    #[test]
    fn the_sound_service_reads_searches_and_pages() {
        let mut service = SampleFhir::new([]);
        assert_eq!(ask(&mut service, "GET", "Patient/r-1001", &[]).1["id"], "r-1001");
        assert_eq!(ask(&mut service, "GET", "Patient/r-9999", &[]).0, 404);
        assert_eq!(ask(&mut service, "GET", "Nothing/1", &[]).0, 404);
        assert_eq!(ask(&mut service, "GET", "Patient/r-1001", &[("If-None-Match", "W/\"1\"")]).0, 304);
        assert_eq!(ask(&mut service, "GET", "Patient/r-1001", &[("Accept", "text/turtle")]).0, 406);
        let all = ask(&mut service, "GET", "Observation?patient=r-1001", &[]).1;
        assert_eq!(all["total"], 6);
        let mut path = "Observation?patient=r-1001&_count=4".to_owned();
        let mut seen = 0;
        for _ in 0..3 {
            let page = ask(&mut service, "GET", &path, &[]).1;
            seen += page["entry"].as_array().unwrap().len();
            match page["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next") {
                Some(next) => path = next["url"].as_str().unwrap().split("/fhir/").nth(1).unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, 6);
        let strict = [("Prefer", "handling=strict")];
        assert_eq!(ask(&mut service, "GET", "Observation?patient=r-1001&nothing=1", &strict).0, 400);
        assert_eq!(ask(&mut service, "GET", "Observation?patient=r-1001&nothing=1", &[]).0, 200);
        assert_eq!(ask(&mut service, "GET", "Observation?patient=r-1001&date=soon", &strict).0, 400);
        assert_eq!(ask(&mut service, "GET", "Observation?patient=r-1001&code=nothing", &[]).1["total"], 0);
    }

    #[test]
    fn an_export_is_made_and_deleted() {
        let mut service = SampleFhir::new([]);
        assert_eq!(ask(&mut service, "GET", "Group/g-test/$export", &[("Prefer", "respond-async")]).0, 202);
        assert_eq!(ask(&mut service, "GET", "bulk/1", &[]).0, 202);
        assert_eq!(ask(&mut service, "GET", "bulk/1", &[]).1["output"].as_array().unwrap().len(), 2);
        assert_eq!(ask(&mut service, "GET", "bulk/1/Patient.ndjson", &[]).0, 200);
        assert_eq!(ask(&mut service, "DELETE", "bulk/1", &[]).0, 202);
        assert_eq!(ask(&mut service, "GET", "bulk/1", &[]).0, 404);
        assert_eq!(ask(&mut service, "GET", "bulk/1/Patient.ndjson", &[]).0, 404);
    }
}
