//! Banners: exact versions of software in header values (and in other greetings of services).
//!
//! A version that is shown helps whoever looks for known weaknesses; whether the software *has* one
//! cannot be told from a banner, because distributions repair old versions: nothing is ever inferred.

use std::sync::LazyLock;

use regex::Regex;

use crate::verdict::{Finding, Severity};

/// The header fields that name the software behind an answer.
pub const FIELDS: [&str; 9] = [
    "server",
    "x-powered-by",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-runtime-version",
    "x-drupal-version",
    "x-jenkins",
    "x-php-version",
];

/// `name/1.2`, `name 1.2.3`, `name(1.2.3)`, `name-1.2.3`: a product and a version of two numbers at least.
static PRODUCT_VERSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b[a-z][a-z0-9_.+-]*?(?:[/_-]v?| ?\(v?| v?|[/ ]version[ :]?)(\d+(?:\.\d+){1,4}[a-z0-9.~+-]*)").ok());
/// A version alone, for fields that hold nothing else.
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*v?\d+(?:\.\d+){1,4}\S*\s*$").ok());

/// The exact version that a banner shows, if any: at least a first and a second number.
pub fn exact_version(banner: &str) -> Option<&str> {
    PRODUCT_VERSION.as_ref()?.captures(banner)?.get(1).map(|m| m.as_str())
}

/// Judges header fields, names in any case. `severity` is what a shown version weighs.
pub fn judge(headers: &[(String, String)], severity: Severity) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        if !FIELDS.contains(&lower.as_str()) {
            continue;
        }
        let alone = VERSION.as_ref().is_some_and(|v| v.is_match(value)) && lower != "server";
        if alone || exact_version(value).is_some() {
            findings.push(
                Finding::new("version-shown", severity, format!("the {lower} header shows the exact version of the software"))
                    .at(lower)
                    .expected("the name of the software at most")
                    .observed(value),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_versions_are_seen() {
        for banner in [
            "nginx/1.18.0",
            "Apache/2.4.57 (Debian)",
            "Apache (Debian) PHP/8.1.2-1ubuntu2.14",
            "Jetty(9.4.43.v20210629)",
            "Microsoft-IIS/10.0",
            "Kestrel v7.0.1",
            "OpenSSH_8.4p1",
            "lighttpd/1.4.59",
        ] {
            assert!(exact_version(banner).is_some(), "{banner}");
        }
    }

    #[test]
    fn names_and_main_versions_are_not() {
        for banner in [
            "nginx",
            "cloudflare",
            "AmazonS3",
            "GitHub.com",
            "Apache",
            "h2o",
            "Express",
            "gunicorn",
            "Drupal 10 (https://www.drupal.org)",
            "openresty",
            "ESF",
            "hub-1",
            "Server X2",
        ] {
            assert_eq!(exact_version(banner), None, "{banner}");
        }
        let headers = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert!(judge(&headers("Via", "1.1 varnish"), Severity::Warning).is_empty());
        assert!(judge(&headers("X-Request-Id", "a/1.2.3"), Severity::Warning).is_empty());
        assert_eq!(judge(&headers("X-AspNet-Version", "4.0.30319"), Severity::Error)[0].rule, "version-shown");
        assert_eq!(judge(&headers("Server", "nginx/1.18.0"), Severity::Warning)[0].severity, Severity::Warning);
    }
}
