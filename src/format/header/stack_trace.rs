//! What an answer lets out about the inside of a service: stack traces, statements of a database,
//! addresses of an inner network.
//!
//! Each pattern needs the *form* of a trace, not a word of it: a page that explains errors, or an
//! address that is a version number, stays silent. Answers of success may quote a trace on purpose
//! (documentation, a tracker), so there a hit is a warning.

use std::sync::LazyLock;

use regex::Regex;

use crate::verdict::{Finding, Severity};

/// How much of a body is looked at, in bytes.
const MAX_BODY: usize = 256 * 1024;

struct Pattern {
    rule: &'static str,
    stack: &'static str,
    regex: Regex,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let trace: [(&str, &str); 14] = [
        (
            "Python",
            r#"Traceback \(most recent call last\):(?:\\n|<br ?/?>|\s)+(?:&nbsp;|\s)*File (?:\\?"|&quot;|&#34;)[^\n]{1,300}?,? line \d+"#,
        ),
        ("Python", r"(?i)you(?:&#x27;|&#39;|'|’)re seeing this error because you have\s*(?:<code>)?DEBUG = True"),
        ("Python", r"(?i)<title>[^<]{0,200}// Werkzeug Debugger</title>"),
        (
            "Java",
            r"(?:\bat|\\tat|\tat) [A-Za-z_$][\w$]*(?:\.[\w$<>]+){2,}\((?:[\w$]+\.(?:java|kt|scala|groovy):\d+|Native Method|Unknown Source)\)",
        ),
        (".NET", r"(?m)^\s*at [\w.<>`\[\],+]+\([^)\n]{0,300}\) in [^\n]{1,300}:line \d+"),
        (".NET", r"(?i)<title>[^<]{0,300}</title>[\s\S]{0,8000}<b>\s*Stack Trace:\s*</b>"),
        (".NET", r"\bat (?:System|Microsoft)\.[A-Z][\w.]+\.[\w`<>]+\([^)\n]{0,300}\)\s*(?:\r?\n|\\r\\n|\\n)\s*at "),
        (
            "Node.js",
            r#"\bat (?:[\w.$<>\[\] ]{1,120} \()?(?:file://|node:|/|[A-Z]:\\+)[^\s()]{1,300}?(?:\.[cm]?[jt]sx?|internal/[\w/]+):\d+:\d+\)?(?:\s|"|\\n|<br ?/?>|&nbsp;|$)"#,
        ),
        (
            "PHP",
            r"(?i)(?:<b>)?(?:Fatal error|Parse error|Warning|Notice|Uncaught \w*(?:Exception|Error))(?:</b>)?:[^\n]{1,500} in (?:<b>)?(?:/|[A-Z]:\\)[^\n<]{1,300}\.php(?:</b>)?(?:\(\d+\)|:\d+| on line (?:<b>)?\d+)",
        ),
        ("PHP", r"(?:\n|\\n|<br ?/?>)#0 (?:/|[A-Z]:\\)[^\n]{1,300}\.php\(\d+\): "),
        ("Ruby", r"(?:^|[\s\x22>])(?:/[\w.@-]+){2,}\.rb:\d+:in [`'][^'\n]{1,120}'"),
        ("Go", r"goroutine \d+ \[running\]:\s*(?:\n|\\n)"),
        ("Rust", r"thread '[^'\n]{1,80}' (?:\(\d+\) )?panicked at [^\n]{1,300}:\d+:\d+"),
        ("Perl", r" at (?:/[\w.-]+){2,}\.p[lm] line \d+\.(?:\s|$|<)"),
    ];
    let sql: [(&str, &str); 9] = [
        ("MySQL", r"You have an error in your SQL syntax; check the manual"),
        ("Oracle", r"\bORA-\d{5}: "),
        ("SQLSTATE", r"SQLSTATE\[[0-9A-Z]{5}\]"),
        ("PostgreSQL", r"(?:PG::\w+Error|org\.postgresql\.util\.PSQLException|psycopg2?\.errors?\.\w+)"),
        ("PostgreSQL", r#"(?i)ERROR:\s+(?:syntax error at or near \\?"|(?:relation|column) \\?"[^"\n]{1,100}\\?" does not exist)"#),
        (
            "SQL Server",
            r"(?i)Unclosed quotation mark after the character string|System\.Data\.SqlClient\.SqlException|Microsoft OLE DB Provider for SQL Server",
        ),
        ("SQLite", r"(?:sqlite3\.(?:Operational|Integrity|Database)Error|SQLITE_ERROR: |SQLiteException)"),
        ("SQLAlchemy", r"\[SQL: (?:SELECT|INSERT|UPDATE|DELETE|WITH) "),
        ("Hibernate", r"org\.hibernate\.(?:exception|query)\.\w+Exception"),
    ];
    let pattern =
        |rule: &'static str| move |(stack, text): (&'static str, &str)| Regex::new(text).ok().map(|regex| Pattern { rule, stack, regex });
    trace.into_iter().filter_map(pattern("stack-trace")).chain(sql.into_iter().filter_map(pattern("database-error"))).collect()
});

/// Private addresses of RFC 1918. Three numbers of four may be a version, so an address of 10/8 must
/// stand where addresses stand: behind `//` or `@`, before a port, or behind a word that says so.
static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(?:(//|@|\b(?:host|address|server|upstream|connect(?:ed|ing)? to|ip)["']?[ :=]+["']?/?))?\b((?:192\.168|172\.(?:1[6-9]|2\d|3[01])|10\.\d{1,3})\.\d{1,3}\.\d{1,3})\b(:\d{2,5}\b)?"#,
    )
    .ok()
});
static INNER_NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:svc\.cluster\.local|compute\.internal)\b").ok());

/// Judges one answer: its status, its text, and the host that was asked, whose own address is no secret.
pub fn judge(status: u16, body: &str, host: &str) -> Vec<Finding> {
    let severity = if status >= 400 { Severity::Error } else { Severity::Warning };
    let mut body = body;
    if body.len() > MAX_BODY {
        let cut = (0..=MAX_BODY).rev().find(|i| body.is_char_boundary(*i)).unwrap_or(0);
        body = body.get(..cut).unwrap_or_default();
    }
    let mut findings: Vec<Finding> = Vec::new();
    for pattern in PATTERNS.iter() {
        if findings.iter().any(|f| f.rule == pattern.rule) {
            continue;
        }
        if let Some(hit) = pattern.regex.find(body) {
            let message = match pattern.rule {
                "stack-trace" => format!("the answer shows a stack trace of {}", pattern.stack),
                _ => format!("the answer shows an error of its database ({})", pattern.stack),
            };
            findings.push(
                Finding::new(pattern.rule, severity, message)
                    .expected("an error without the inside of the service")
                    .observed(&shorten(hit.as_str())),
            );
        }
    }
    if let Some(found) = inner_address(body, host) {
        findings.push(
            Finding::new("inner-address", severity, "the answer shows an address of an inner network")
                .expected("no addresses of an inner network")
                .observed(&found),
        );
    }
    findings
}

fn inner_address(body: &str, host: &str) -> Option<String> {
    let host = host.trim_matches(['[', ']']);
    if let Some(regex) = ADDRESS.as_ref() {
        for hit in regex.captures_iter(body) {
            let Some(address) = hit.get(2) else { continue };
            if address.as_str() == host || address.as_str().parse::<std::net::Ipv4Addr>().is_err() {
                continue;
            }
            // `1.10.0.0.1` and `v10.0.19041.1` are versions; `10.0.0.1.example` is a name.
            let before = body.get(..address.start()).and_then(|b| b.chars().next_back());
            let after = body.get(address.end()..).map(|b| b.chars().take(2).collect::<String>()).unwrap_or_default();
            if before.is_some_and(|c| c == '.' || c == '-' || c.is_alphanumeric())
                || after.starts_with('-')
                || (after.starts_with('.') && after.len() == 2 && !after.ends_with([' ', '\n', '<', '"']))
            {
                continue;
            }
            let marked = hit.get(1).is_some() || hit.get(3).is_some();
            if marked || !address.as_str().starts_with("10.") {
                return Some(hit.get(0).map_or_else(String::new, |m| m.as_str().to_owned()));
            }
        }
    }
    INNER_NAME.as_ref()?.find(body).map(|m| m.as_str().to_owned()).filter(|name| !name.eq_ignore_ascii_case(host))
}

fn shorten(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(body: &str) -> Vec<String> {
        judge(500, body, "care.example.org").into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn traces_of_common_stacks_are_seen() {
        for body in [
            "Traceback (most recent call last):\n  File \"/srv/app/views.py\", line 12, in get\n    x()\nKeyError: 'id'",
            "{\"detail\":\"Traceback (most recent call last):\\n  File \\\"/srv/app.py\\\", line 3, in f\\n\"}",
            "java.lang.NullPointerException\n\tat org.care.alarm.Store.read(Store.java:41)\n\tat org.care.Main.main(Main.java:7)",
            "{\"trace\":\"java.lang.X\\n\\tat org.care.alarm.Store.read(Store.java:41)\\n\"}",
            "System.Exception: no\n   at Care.Alarm.Store.Read(Int32 id) in C:\\src\\Store.cs:line 41\n",
            "   at System.Data.Common.DbCommand.Execute(String sql)\r\n   at Care.Store.Read()\r\n",
            "TypeError: x is not a function\n    at Store.read (/srv/app/store.js:10:5)\n    at /srv/app/index.js:3:1\n",
            "<pre>Error: no<br> &nbsp; &nbsp;at Layer.handle (/srv/node_modules/express/lib/router/layer.js:95:5)<br></pre>",
            "<b>Fatal error</b>:  Uncaught Error: no in <b>/var/www/html/index.php</b> on line <b>12</b><br />",
            "PHP Warning: Undefined variable in /var/www/a.php:3",
            "NoMethodError\n/srv/app/models/alarm.rb:12:in `read'\n",
            "panic: x\n\ngoroutine 1 [running]:\nmain.main()",
            "thread 'main' panicked at src/main.rs:3:5:\nno",
        ] {
            assert_eq!(rules(body), ["stack-trace"], "{body}");
        }
    }

    #[test]
    fn errors_of_databases_are_seen() {
        for body in [
            "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version",
            "ORA-00933: SQL command not properly ended",
            "SQLSTATE[42S02]: Base table or view not found",
            "ERROR:  relation \"alarms\" does not exist",
            "sqlite3.OperationalError: no such table: alarms",
        ] {
            assert_eq!(rules(body), ["database-error"], "{body}");
        }
    }

    #[test]
    fn inner_addresses_are_seen() {
        for body in [
            "connect ECONNREFUSED 10.0.3.7:5432",
            "upstream: 172.18.0.3",
            "http://192.168.4.4/api",
            "host: 10.1.2.3",
            "alarm.default.svc.cluster.local:8080",
        ] {
            assert_eq!(rules(body), ["inner-address"], "{body}");
        }
    }

    #[test]
    fn look_alikes_stay_silent() {
        for body in [
            "<p>A Python traceback begins with <code>Traceback (most recent call last):</code>.</p>",
            "{\"error\":\"not found\",\"at\":\"2026-11-22T09:00:00Z\"}",
            "Meet us at care.example.org (Main Street:12)",
            "Windows 10.0.19041.1, browser 10.2.3.4, build 1.10.0.0.1, firmware 10.4.2.11",
            "Not at home.at all (see page 3:14)",
            "Syntax error in your request",
            "Warning: the battery is low in /living room/ on line 2",
            "The ORA-clinic answers in 5 days",
            "8.8.8.8 and 172.32.0.1 and 192.169.1.1 are public",
            "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"exception\",\"diagnostics\":\"HAPI-0389: Failed to call access method\"}]}",
            "the goroutine 1 is running: yes",
            "/static/js/main.3f2a.js:1 loaded",
        ] {
            assert_eq!(rules(body), Vec::<String>::new(), "{body}");
        }
        assert!(judge(500, "see http://192.168.1.20/help", "192.168.1.20").is_empty(), "the address that was asked is no secret");
    }

    #[test]
    fn on_success_a_trace_may_be_a_quotation() {
        let body = "<pre>Traceback (most recent call last):\n  File \"example.py\", line 1</pre>";
        assert_eq!(judge(200, body, "h")[0].severity, Severity::Warning);
    }
}
