//! What an error says, and what it must not say.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{Bench, Told, called, shown};
use crate::api::description::Operation;
use crate::api::exchange::{ApiResponse, is_json};
use crate::api::plan::{PlannedRequest, Purpose};
use crate::verdict::Severity;

/// The longest part of a body that is searched.
const MAX_SEARCHED: usize = 200_000;

pub(super) fn judge(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    if response.status < 400 {
        return;
    }
    let body = response.body.get(..MAX_SEARCHED).unwrap_or(&response.body);
    let text = String::from_utf8_lossy(body).into_owned();
    let headers: String = response.headers.iter().map(|(n, v)| format!("{n}: {v}\n")).collect();
    structure(bench, request, response, operation);
    if let Some((kind, part)) = internals(&text, &bench.options.base, &request.url) {
        let told = Told::new(request, "an error that keeps the inside to itself", part);
        bench.tell("error-internals", kind, format!("errors show {kind}"), told);
    }
    person(bench, request, response, &text, &headers, operation);
}

fn structure(bench: &mut Bench<'_>, request: &PlannedRequest, response: &ApiResponse, operation: Option<&Operation>) {
    if request.method == "HEAD" {
        return;
    }
    let described = operation.filter(|_| !matches!(request.purpose, Purpose::OtherMethod { .. })).and_then(|o| o.response(response.status));
    let promised = described.is_some_and(|r| r.content.iter().any(|m| is_json(&m.media_type) || m.media_type.contains("xml")));
    let weight = if promised { Severity::Error } else { Severity::Warning };
    if response.body.is_empty() {
        // An empty body where one is described is told as such.
        return;
    }
    let media_type = response.media_type().unwrap_or_default();
    let value = response.json();
    let xml = media_type.ends_with("xml");
    if !value.as_ref().is_some_and(|v| v.is_object() || v.is_array()) && !xml {
        let kind = if String::from_utf8_lossy(&response.body).trim_start().starts_with('<') { "a page for people" } else { "plain text" };
        let told = Told::new(request, "a structured error (problem details, or an OperationOutcome)", shown(response)).weighing(weight);
        bench.tell("error-structured", format!("{kind} {weight:?}"), format!("errors are {kind}"), told);
        return;
    }
    let Some(Value::Object(problem)) = value.filter(|_| media_type == "application/problem+json") else { return };
    let text = |key: &str| problem.get(key).is_none_or(Value::is_string);
    if !["type", "title", "detail", "instance"].into_iter().all(text) {
        let told = Told::new(request, "`type`, `title`, `detail` and `instance` that are text", shown(response));
        bench.tell("error-structured", "problem", "problem details have members of the wrong type", told);
    }
    if let Some(status) = problem.get("status")
        && status.as_u64() != Some(u64::from(response.status))
    {
        let told =
            Told::new(request, format!("`status` {}", response.status), format!("`status` {status} in an answer {}", response.status));
        bench.tell("problem-status", "", "problem details tell another status than the answer has", told);
    }
}

/// Traces of the inside, by kind.
static TRACES: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let kinds = [
        (
            "a stack trace",
            r#"(?m)Traceback \(most recent call last\)|^\s*File "[^"\n]+", line [0-9]+|^\s*at [\w$.<>/ ]+\([^()\n]*:[0-9]+(?::[0-9]+)?\)|\n\s*at [^\n(]+:[0-9]+:[0-9]+|\\n\s+at [\w$.<>]+ ?\(|panicked at |goroutine [0-9]+ \[|Exception in thread "|Caused by: [\w.]+(?:Exception|Error)|\bin /[\w/.-]+\.php(?: on line |:)[0-9]+|[\w/]+\.(?:py|rb|java|php|go|rs|cs|js|ts):[0-9]+(?::[0-9]+)?(?:\b|:)|stack backtrace:|at System\.[A-Z]\w+|"(?:stack|stackTrace|stacktrace|trace)"\s*:\s*(?:"[^"]*\bat |\[)"#,
        ),
        (
            "SQL",
            r#"\b(?:SELECT\s+[\w*"`.,\s()]{1,200}\sFROM\s|INSERT\s+INTO\s+[\w"`.]+|UPDATE\s+[\w"`.]+\s+SET\s|DELETE\s+FROM\s+[\w"`.]+)|(?i)SQLSTATE\[?|\bORA-[0-9]{5}\b|\bsyntax error at or near\b|\bSQLITE_[A-Z]+|\bnear "[^"]*": syntax error|\bUNIQUE constraint failed\b|\bviolates (?:unique|foreign key|not-null|check) constraint\b|PDOException|psycopg2?\.|sqlalchemy\.|java\.sql\.|com\.mysql\.|org\.postgresql\.|You have an error in your SQL syntax"#,
        ),
        (
            "the name of an internal class",
            r"\b(?:java|javax|org|com|net|io)\.[a-z]\w*(?:\.[a-z]\w*)+\.[A-Z]\w*(?:Exception|Error)\b|\b(?:NullPointerException|IllegalArgumentException|NullReferenceException|AttributeError|KeyError|TypeError|ValueError|IndexError|UnboundLocalError|ZeroDivisionError|NoMethodError)\b: ",
        ),
        (
            "an internal address",
            r"\b(?:10(?:\.[0-9]{1,3}){3}|192\.168(?:\.[0-9]{1,3}){2}|172\.(?:1[6-9]|2[0-9]|3[01])(?:\.[0-9]{1,3}){2})\b|\b(?:localhost|127\.0\.0\.1):[0-9]{2,5}\b|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:internal|intranet|corp|svc\.cluster\.local)\b",
        ),
        (
            "a path of the file system",
            r#"(?:^|[\s"'(])(?:/(?:home|root|usr/(?:lib|local|src)|var/(?:www|lib|log)|opt|srv|etc)/[\w./-]+|[A-Z]:\\(?:\\)?[\w\\. -]+\.\w+)"#,
        ),
    ];
    kinds.into_iter().filter_map(|(kind, pattern)| Some((kind, Regex::new(pattern).ok()?))).collect()
});

/// The first trace of the inside in a text.
fn internals(text: &str, base: &str, asked: &str) -> Option<(&'static str, String)> {
    let host = url::Url::parse(base).ok().and_then(|u| {
        let host = u.host_str()?.to_owned();
        Some(u.port().map_or(host.clone(), |port| format!("{host}:{port}")))
    });
    for (kind, pattern) in TRACES.iter() {
        for found in pattern.find_iter(text).take(20) {
            // The service's own address is no secret.
            if *kind == "an internal address" && host.as_deref().is_some_and(|h| h.contains(found.as_str()) || found.as_str().contains(h)) {
                continue;
            }
            // Nor is a path of the API that looks like one of a file system.
            let bare = found.as_str().trim_start_matches(|c: char| c.is_whitespace() || "\"'(".contains(c));
            if *kind == "a path of the file system" && (asked.contains(bare) || base.contains(bare)) {
                continue;
            }
            return Some((kind, found.as_str().chars().take(160).collect()));
        }
    }
    None
}

/// Names of properties whose values belong to a person.
fn is_personal(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    const PARTS: [&str; 22] = [
        "firstname",
        "lastname",
        "surname",
        "familyname",
        "givenname",
        "fullname",
        "residentname",
        "patientname",
        "personname",
        "contactname",
        "birth",
        "phone",
        "mobile",
        "email",
        "street",
        "address",
        "socialsecurity",
        "nationalid",
        "ssn",
        "insurancenumber",
        "password",
        "diagnosis",
    ];
    PARTS.iter().any(|part| plain.contains(part)) || matches!(plain.as_str(), "name" | "family" | "given" | "dob" | "bsn" | "pesel")
}

/// Whether a name may be that of a thing as well.
fn is_plain_name(name: &str) -> bool {
    matches!(name.to_ascii_lowercase().as_str(), "name" | "family" | "given" | "address")
}

/// Collects the texts of an answer that belong to persons.
pub(super) fn personal_texts(value: &Value, name: &str, found: &mut BTreeSet<String>) {
    /// More would make the search slow and prove no more.
    const MAX: usize = 300;
    if found.len() >= MAX {
        return;
    }
    match value {
        Value::String(text) => {
            // Short words stand in errors by chance.
            let long = text.chars().count() >= 6
                && (text.contains(' ') || text.chars().filter(char::is_ascii_digit).count() > 4 || text.contains('@'));
            if is_personal(name) && long {
                found.insert(text.clone());
            }
        }
        Value::Object(map) => {
            // The name of a thing is nobody's; that of a person stands beside more that is theirs.
            let person = is_personal(name) || map.keys().any(|key| is_personal(key) && !is_plain_name(key));
            let concerns = |key: &str| is_personal(key) && (person || !is_plain_name(key));
            map.iter()
                .filter(|(key, value)| !value.is_string() || concerns(key) || is_personal(name))
                .for_each(|(key, sub)| personal_texts(sub, if is_personal(name) && !is_personal(key) { name } else { key }, found))
        }
        Value::Array(items) => items.iter().for_each(|item| personal_texts(item, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn person(
    bench: &mut Bench<'_>,
    request: &PlannedRequest,
    response: &ApiResponse,
    text: &str,
    headers: &str,
    operation: Option<&Operation>,
) {
    let sent = format!("{} {}", request.url, String::from_utf8_lossy(&request.body));
    // Text within JSON is escaped; what it says is compared.
    let said = response.json().map_or_else(|| text.to_owned(), |v| all_texts(&v));
    let stored = bench.shown.iter().find(|t| said.contains(t.as_str()) && !sent.contains(t.as_str()));
    let named = bench.person.iter().find(|t| said.contains(t.as_str()) || headers.contains(t.as_str()));
    let Some(found) = named.or(stored) else { return };
    let masked: String = found.chars().take(1).chain("…".chars()).collect();
    let told = Told::new(
        request,
        "an error without personal data",
        format!("{}: text of a person ({masked}, {} characters)", response.status, found.chars().count()),
    );
    let cause = format!("{}: the error {} shows personal data", called(operation, request), response.status);
    bench.tell("error-personal-data", format!("{} {}", request.operation, response.status), cause, told);
}

fn all_texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Object(map) => map.iter().map(|(k, v)| format!("{k}\n{}", all_texts(v))).collect(),
        Value::Array(items) => items.iter().map(all_texts).collect(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => format!("{value}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inside_is_recognised_and_plain_words_are_not() {
        let kind = |text: &str| internals(text, "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/home/7").map(|(kind, _)| kind);
        assert_eq!(kind("Traceback (most recent call last):\n  File \"/x.py\", line 3, in f"), Some("a stack trace"));
        assert_eq!(kind(r#"{"detail":"Error\n    at Object.<anonymous> (/srv/app/index.js:10:5)"}"#), Some("a stack trace"));
        assert_eq!(kind("java.lang.NullPointerException\n\tat org.x.Y.z(Y.java:12)"), Some("a stack trace"));
        assert_eq!(kind("thread 'main' panicked at src/main.rs:3:5"), Some("a stack trace"));
        assert_eq!(kind("duplicate key value violates unique constraint \"a_key\""), Some("SQL"));
        assert_eq!(kind("SELECT id, name FROM residents WHERE id = 7"), Some("SQL"));
        assert_eq!(kind("could not connect to 10.0.3.17"), Some("an internal address"));
        assert_eq!(kind("could not connect to db.internal"), Some("an internal address"));
        assert_eq!(kind("cannot read /var/lib/telecare/residents.db"), Some("a path of the file system"));
        for plain in [
            r#"{"type":"about:blank","title":"Not Found","status":404,"instance":"http://127.0.0.1:8080/v1/residents/7"}"#,
            "Please select a resident from the list",
            "name must be at most 40 characters; update your request at once",
            "the value at /residents/0/name is too long",
            "Version 10.2.0 of the API",
            "unsupported media type: text/plain",
            r#"{"instance":"/home/7","detail":"there is none"}"#,
        ] {
            assert_eq!(kind(plain), None, "{plain}");
        }
    }
}
