//! `Set-Cookie`, RFC 6265bis: what a browser keeps, and who may read it.

use crate::verdict::Finding;

/// The attribute that says whether other sites' requests carry the cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// Only requests from the same site.
    Strict,
    /// Also when a link is followed.
    Lax,
    /// Every request.
    None,
}

/// A cookie as a browser would store it. The value is not kept: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The name; may be empty.
    pub name: String,
    /// How long the value is, in bytes.
    pub value_length: usize,
    /// Sent over encrypted connections only.
    pub secure: bool,
    /// Hidden from scripts.
    pub http_only: bool,
    /// The last `SameSite` with a known value.
    pub same_site: Option<SameSite>,
    /// The last `Domain`, without a leading dot, in lower case.
    pub domain: Option<String>,
    /// The last `Path`.
    pub path: Option<String>,
    /// It is deleted by this header: `Max-Age` of zero or less, or an expiry long ago.
    pub deleted: bool,
}

/// Reads one header value by the algorithm of section 5.6. `None`: a browser ignores the header.
pub fn read(header: &str) -> Option<Cookie> {
    if header.bytes().any(|b| (b < 0x20 && b != b'\t') || b == 0x7f) {
        return None;
    }
    let (pair, attributes) = header.split_once(';').unwrap_or((header, ""));
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let blank = [' ', '\t'];
    let (name, value) = (name.trim_matches(blank), value.trim_matches(blank));
    if (name.is_empty() && value.is_empty()) || name.len() + value.len() > 4096 {
        return None;
    }
    let mut cookie = Cookie {
        name: name.to_owned(),
        value_length: value.len(),
        secure: false,
        http_only: false,
        same_site: None,
        domain: None,
        path: None,
        deleted: false,
    };
    let (mut expired, mut max_age) = (false, None);
    for attribute in attributes.split(';') {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim_matches(blank);
        match key.trim_matches(blank).to_ascii_lowercase().as_str() {
            "secure" => cookie.secure = true,
            "httponly" => cookie.http_only = true,
            "samesite" => {
                cookie.same_site = match value.to_ascii_lowercase().as_str() {
                    "strict" => Some(SameSite::Strict),
                    "lax" => Some(SameSite::Lax),
                    "none" => Some(SameSite::None),
                    _ => None,
                }
            }
            "domain" => cookie.domain = Some(value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase()).filter(|d| !d.is_empty()),
            "path" => cookie.path = Some(value.to_owned()).filter(|p| p.starts_with('/')),
            "max-age" => {
                let digits = value.strip_prefix('-').unwrap_or(value);
                if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
                    max_age = Some(value.starts_with('-') || digits.bytes().all(|b| b == b'0'));
                }
            }
            // An epoch date is how servers delete a cookie; other dates need a clock and are not judged.
            "expires" => expired = value.contains("1970") || value.contains("-70 ") || value.contains("1969"),
            _ => {}
        }
    }
    cookie.deleted = max_age.unwrap_or(expired);
    Some(cookie)
}

/// What is known about where cookies were set.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The answer came over TLS.
    pub secure: bool,
    /// Parts of names, in lower case, by which a session's cookie is known, such as `sess` or `login`.
    pub session_names: &'a [String],
    /// Parts of names, in lower case, that are no sessions in spite of that: tokens that scripts must
    /// read, and cookies of load balancers.
    pub other_names: &'a [String],
}

/// Judges all cookies of one answer. A cookie that is being deleted is not judged.
pub fn judge(headers: &[String], setting: &Setting<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for header in headers {
        let Some(cookie) = read(header) else {
            findings.push(
                Finding::warning("cookie-ignored", "a cookie is so malformed that browsers ignore it").clause("RFC 6265bis, section 5.6"),
            );
            continue;
        };
        if !cookie.deleted {
            judge_one(&cookie, setting, &mut findings);
        }
    }
    findings
}

fn judge_one(cookie: &Cookie, setting: &Setting<'_>, findings: &mut Vec<Finding>) {
    let finding = |f: Finding, expected: &str, clause: &str| {
        f.at(format!("cookie {}", cookie.name)).expected(expected).observed(&cookie.name).clause(clause.to_owned())
    };
    let lower = cookie.name.to_ascii_lowercase();
    let named = |list: &[String]| list.iter().any(|part| !part.is_empty() && lower.contains(part.as_str()));
    let session = named(setting.session_names) && !named(setting.other_names);
    if lower.starts_with("__secure-") && (!cookie.secure || !setting.secure) {
        findings.push(finding(
            Finding::error("cookie-prefix", "a cookie whose name promises encryption is not marked so, and is refused"),
            "Secure, set over TLS",
            "RFC 6265bis, section 4.1.3.1",
        ));
        return;
    }
    if lower.starts_with("__host-") && (!cookie.secure || !setting.secure || cookie.domain.is_some() || cookie.path.as_deref() != Some("/"))
    {
        findings.push(finding(
            Finding::error("cookie-prefix", "a cookie whose name promises to stay on its host is not marked so, and is refused"),
            "Secure, Path=/, no Domain, set over TLS",
            "RFC 6265bis, section 4.1.3.2",
        ));
        return;
    }
    if !cookie.secure {
        let message = "a cookie may be sent without encryption";
        if cookie.same_site == Some(SameSite::None) {
            findings.push(finding(
                Finding::error("cookie-none-without-secure", "a cookie for other sites is not marked Secure, and is refused"),
                "SameSite=None; Secure",
                "RFC 6265bis, section 5.7",
            ));
        } else if session {
            findings.push(finding(
                Finding::error("session-cookie-not-secure", format!("a session's {message}", message = message.trim_start_matches("a "))),
                "Secure",
                "RFC 6265bis, section 4.1.2.5",
            ));
        } else {
            findings.push(finding(Finding::warning("cookie-not-secure", message), "Secure", "RFC 6265bis, section 4.1.2.5"));
        }
    }
    if session && !cookie.http_only {
        findings.push(finding(
            Finding::error("session-cookie-not-http-only", "scripts may read a session's cookie"),
            "HttpOnly",
            "RFC 6265bis, section 4.1.2.6",
        ));
    }
    match cookie.same_site {
        Some(SameSite::Strict | SameSite::Lax) => {}
        Some(SameSite::None) if session => {
            findings.push(finding(
                Finding::warning("session-cookie-cross-site", "a session's cookie is sent with the requests of other sites"),
                "SameSite=Lax or Strict",
                "RFC 6265bis, section 4.1.2.7",
            ));
        }
        Some(SameSite::None) => {}
        None => findings.push(finding(
            Finding::warning("cookie-no-same-site", "whether other sites' requests carry a cookie is left to the browser"),
            "SameSite=Lax or Strict",
            "RFC 6265bis, section 4.1.2.7",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;

    fn judged(header: &str, over_tls: bool) -> Vec<(String, Severity)> {
        let own = |list: &[&str]| list.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let (session, other) = (own(&["sess", "login", "sid"]), own(&["csrf", "xsrf", "affinity"]));
        let setting = Setting { secure: over_tls, session_names: &session, other_names: &other };
        judge(&[header.to_owned()], &setting).into_iter().map(|f| (f.rule, f.severity)).collect()
    }
    fn errors(header: &str) -> Vec<String> {
        judged(header, true).into_iter().filter(|(_, s)| *s == Severity::Error).map(|(r, _)| r).collect()
    }

    #[test]
    fn sound_cookies_are_silent() {
        for header in [
            "__Host-session=abc; Secure; HttpOnly; Path=/; SameSite=Lax",
            "__Secure-login=abc; domain=example.org; SECURE; httponly; samesite=STRICT",
            "sid=abc; path=/; HttpOnly; Secure; SameSite=none; SameSite=Strict",
            "XSRF-TOKEN-session=abc; Secure; SameSite=Lax",
            "sess-affinity=1; Secure; SameSite=None",
            "session=; Max-Age=0",
            "session=deleted; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "language=pl; Secure; SameSite=Lax",
        ] {
            assert_eq!(judged(header, true), [], "{header}");
        }
    }

    #[test]
    fn each_weakness_has_its_rule() {
        assert_eq!(errors("JSESSIONID=abc; HttpOnly; SameSite=Lax"), ["session-cookie-not-secure"]);
        assert_eq!(errors("JSESSIONID=abc; Secure; SameSite=Lax"), ["session-cookie-not-http-only"]);
        assert_eq!(errors("lang=pl; SameSite=None"), ["cookie-none-without-secure"]);
        assert_eq!(errors("__Host-a=1; Secure; Path=/app; SameSite=Lax"), ["cookie-prefix"]);
        assert_eq!(errors("__Host-a=1; Secure; Path=/; Domain=example.org"), ["cookie-prefix"]);
        assert_eq!(errors("__host-a=1; Path=/"), ["cookie-prefix"]);
        assert_eq!(errors("__Secure-a=1"), ["cookie-prefix"]);
        assert_eq!(judged("__Secure-a=1; Secure; SameSite=Lax", false), [("cookie-prefix".to_owned(), Severity::Error)]);
        assert_eq!(judged("sid=1; Secure; HttpOnly", true), [("cookie-no-same-site".to_owned(), Severity::Warning)]);
        assert_eq!(judged("sid=1; Secure; HttpOnly; SameSite=None", true), [("session-cookie-cross-site".to_owned(), Severity::Warning)]);
        assert_eq!(judged("lang=pl; SameSite=Lax", true), [("cookie-not-secure".to_owned(), Severity::Warning)]);
        assert_eq!(judged("=; Secure", true), [("cookie-ignored".to_owned(), Severity::Warning)]);
    }

    #[test]
    fn values_may_hold_what_they_like() {
        let cookie = read("a=b=c,d e; Path=relative; Domain=.Example.ORG; Max-Age=x; Secure=no").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.value_length, cookie.secure), ("a", 7, true));
        assert_eq!((cookie.path, cookie.domain.as_deref(), cookie.deleted), (None, Some("example.org"), false));
    }

    #[test]
    fn a_secret_value_is_in_no_finding() {
        let setting = Setting { secure: true, session_names: &["sid".to_owned()], other_names: &[] };
        let findings = judge(&["sid=s3cretvalue; Path=/".to_owned()], &setting);
        assert!(!findings.is_empty() && !serde_json::to_string(&findings).unwrap().contains("s3cretvalue"));
    }
}
