//! `Content-Security-Policy`, W3C CSP level 3: which scripts, frames and forms a page may use.
//!
//! Judged as browsers do it: of a directive that stands twice the first counts; of several policies
//! all are enforced, so something is allowed only if each allows it; `'unsafe-inline'` beside a nonce,
//! a hash or `'strict-dynamic'` is ignored; beside `'strict-dynamic'` hosts and schemes are.

use crate::verdict::Finding;

use super::{Judged, Surface};

/// One policy: its directives in order, names in lower case, the first of each name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    directives: Vec<(String, Vec<String>)>,
    repeated: Vec<String>,
}

impl Policy {
    /// Reads one serialised policy (section 2.2.1).
    pub fn read(text: &str) -> Self {
        let mut policy = Self::default();
        for directive in text.split(';') {
            let mut words = directive.split_ascii_whitespace();
            let Some(name) = words.next() else { continue };
            let name = name.to_ascii_lowercase();
            if policy.get(&name).is_some() {
                policy.repeated.push(name);
            } else {
                policy.directives.push((name, words.map(str::to_owned).collect()));
            }
        }
        policy
    }

    /// The values of a directive.
    pub fn get(&self, name: &str) -> Option<&[String]> {
        self.directives.iter().find(|(n, _)| n == name).map(|(_, values)| values.as_slice())
    }

    /// The list that governs scripts: `script-src`, else `default-src`. `None` allows everything.
    fn scripts(&self) -> Option<&[String]> {
        // `script-src-elem` is narrower and leaves event handlers to `script-src`.
        self.get("script-src").or_else(|| self.get("default-src"))
    }
    fn has_scripts(&self, keyword: &str) -> bool {
        self.scripts().is_some_and(|list| list.iter().any(|s| s.eq_ignore_ascii_case(keyword)))
    }

    /// Whether scripts written into the page run.
    fn allows_inline_scripts(&self) -> bool {
        let Some(list) = self.scripts() else { return true };
        self.has_scripts("'unsafe-inline'") && !list.iter().any(|s| is_nonce_or_hash(s) || s.eq_ignore_ascii_case("'strict-dynamic'"))
    }

    /// Whether scripts from any host run.
    fn allows_any_script(&self) -> bool {
        let Some(list) = self.scripts() else { return true };
        !self.has_scripts("'strict-dynamic'") && list.iter().any(|s| is_broad(s))
    }

    fn allows_eval(&self) -> bool {
        self.scripts().is_none() || self.has_scripts("'unsafe-eval'")
    }
}

fn is_nonce_or_hash(source: &str) -> bool {
    let lower = source.to_ascii_lowercase();
    ["'nonce-", "'sha256-", "'sha384-", "'sha512-"]
        .iter()
        .any(|p| lower.strip_prefix(p).is_some_and(|rest| rest.len() > 1 && rest.ends_with('\'')))
}

/// A source that matches any host, or text that is its own script.
fn is_broad(source: &str) -> bool {
    matches!(source.to_ascii_lowercase().as_str(), "*" | "http:" | "https:" | "data:" | "ws:" | "wss:" | "http://*" | "https://*" | "*.*")
}

/// All policies of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    enforced: Vec<Policy>,
    report_only: usize,
}

impl Policies {
    /// Reads the values of `Content-Security-Policy` and its report-only form, each of which may hold
    /// several policies between commas, and the policies of `<meta>` elements, in which
    /// `frame-ancestors`, `sandbox` and `report-uri` are ignored.
    pub fn read(header: &[String], report_only: &[String], meta: &[String]) -> Self {
        let split = |values: &[String]| {
            values.iter().flat_map(|v| v.split(',')).map(Policy::read).filter(|p| !p.directives.is_empty()).collect::<Vec<_>>()
        };
        let mut enforced = split(header);
        for mut policy in split(meta) {
            policy.directives.retain(|(name, _)| !matches!(name.as_str(), "frame-ancestors" | "sandbox" | "report-uri"));
            if !policy.directives.is_empty() {
                enforced.push(policy);
            }
        }
        Self { enforced, report_only: split(report_only).len() }
    }

    /// The values of a directive, once for each enforced policy that has it.
    pub fn enforced_values(&self, name: &str) -> Vec<Vec<String>> {
        self.enforced.iter().filter_map(|p| p.get(name)).map(<[String]>::to_vec).collect()
    }
}

/// What is asked of a policy.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    /// Directives that must be there.
    pub required: &'a [String],
    /// Directives whose absence is a warning.
    pub advised: &'a [String],
    /// `'unsafe-eval'` for scripts fails; else it is a warning.
    pub forbid_eval: bool,
}

/// Judges the policies of one answer.
pub fn judge(policies: &Policies, surface: Surface, demand: &Demand<'_>) -> Judged {
    if surface == Surface::Api {
        return Judged::Inapplicable("an answer for machines runs no scripts");
    }
    let weight = surface.weight();
    let mut findings = Vec::new();
    if policies.enforced.is_empty() {
        let seen = if policies.report_only > 0 {
            "the policy only reports and is not enforced"
        } else {
            "there is no policy for scripts, frames and forms"
        };
        let header = if policies.report_only > 0 { "Content-Security-Policy-Report-Only alone" } else { "no such header" };
        findings.push(Finding::new("csp-missing", weight, seen).expected("Content-Security-Policy").observed(header));
    } else {
        let all = |allows: fn(&Policy) -> bool| policies.enforced.iter().all(allows);
        let shown: Vec<String> = policies.enforced.iter().filter_map(Policy::scripts).map(|list| list.join(" ")).collect();
        let shown = shown.join(" | ");
        if policies.enforced.iter().all(|p| p.scripts().is_none()) {
            findings
                .push(Finding::new("csp-scripts-open", weight, "the policy does not govern scripts").expected("script-src or default-src"));
        } else {
            if all(Policy::allows_inline_scripts) {
                findings.push(
                    Finding::new("csp-unsafe-inline", weight, "scripts that somebody writes into the page are run")
                        .expected("nonces or hashes in place of 'unsafe-inline'")
                        .observed(&shown),
                );
            }
            if all(Policy::allows_any_script) {
                findings.push(
                    Finding::new("csp-any-host", weight, "scripts from any host are run")
                        .expected("named hosts, nonces or hashes")
                        .observed(&shown),
                );
            }
            if all(Policy::allows_eval) {
                let finding = if demand.forbid_eval {
                    Finding::new("csp-unsafe-eval", weight, "text may be run as a script")
                } else {
                    Finding::warning("csp-unsafe-eval", "text may be run as a script")
                };
                findings.push(finding.expected("no 'unsafe-eval'").observed(&shown));
            }
        }
        let has = |name: &str| policies.enforced.iter().any(|p| p.get(name).is_some());
        for name in demand.required.iter().filter(|n| !has(n)) {
            findings.push(Finding::new("csp-directive-missing", weight, format!("the policy has no {name}")).expected(name.clone()));
        }
        for name in demand.advised.iter().filter(|n| !has(n)) {
            findings.push(Finding::warning("csp-directive-missing", format!("the policy has no {name}")).expected(name.clone()));
        }
        for name in policies.enforced.iter().flat_map(|p| &p.repeated) {
            findings.push(Finding::warning("csp-directive-repeated", "a directive stands twice; only the first one counts").observed(name));
        }
    }
    Judged::Findings(findings.into_iter().map(|f| f.clause("W3C CSP level 3")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;

    const SOUND: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    fn judged(header: &[&str], meta: &[&str]) -> Vec<(String, Severity)> {
        let own = |list: &[&str]| list.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>();
        let advised = own(&["default-src", "base-uri", "form-action", "frame-ancestors"]);
        let demand = Demand { required: &[], advised: &advised, forbid_eval: false };
        judge(&Policies::read(&own(header), &[], &own(meta)), Surface::WebPage, &demand)
            .findings()
            .iter()
            .map(|f| (f.rule.clone(), f.severity))
            .collect()
    }
    fn error(header: &[&str]) -> String {
        match judged(header, &[]).as_slice() {
            [(rule, Severity::Error)] => rule.clone(),
            other => panic!("{header:?}: {other:?}"),
        }
    }

    #[test]
    fn what_browsers_ignore_is_not_held_against_a_policy() {
        for scripts in [
            "'self'",
            "'unsafe-inline' 'nonce-r4nd0m' https:",
            "'unsafe-inline' 'strict-dynamic' 'nonce-abc' https: http:",
            "'unsafe-inline' 'sha256-AbC='",
            "https://cdn.example.org",
        ] {
            let policy = format!("{SOUND}; script-src {scripts}");
            let errors: Vec<_> = judged(&[&policy], &[]).into_iter().filter(|(r, _)| r != "csp-any-host").collect();
            assert_eq!(errors, [], "{scripts}");
        }
        assert_eq!(judged(&[&format!("{SOUND}; script-src 'strict-dynamic' 'nonce-abc' https:")], &[]), []);
        assert_eq!(judged(&["script-src 'unsafe-inline' *", SOUND], &[]), [], "the stricter of two policies decides");
        assert_eq!(judged(&[&format!("script-src 'unsafe-inline', {SOUND}")], &[]), []);
        assert_eq!(
            judged(&[&format!("{SOUND}; style-src 'self' 'unsafe-inline'; img-src data: https:")], &[]),
            [],
            "styles and pictures are not scripts"
        );
    }

    #[test]
    fn each_weakness_has_its_rule() {
        assert_eq!(error(&[]), "csp-missing");
        assert_eq!(error(&[&format!("{SOUND}; script-src 'self' 'unsafe-inline'")]), "csp-unsafe-inline");
        assert_eq!(error(&[&format!("{SOUND}; script-src 'self' 'UNSAFE-INLINE' 'nonce-'")]), "csp-unsafe-inline");
        assert_eq!(error(&[&format!("{SOUND}; script-src https:")]), "csp-any-host");
        assert_eq!(error(&[&format!("{SOUND}; script-src data:")]), "csp-any-host");
        assert_eq!(
            judged(&[&format!("{SOUND}; script-src 'self' 'unsafe-eval'")], &[]),
            [("csp-unsafe-eval".to_owned(), Severity::Warning)]
        );
        assert_eq!(judged(&["default-src 'self'"], &[]).len(), 3);
        let open: Vec<String> =
            judged(&["img-src 'self'"], &[]).into_iter().filter(|(_, s)| *s == Severity::Error).map(|(r, _)| r).collect();
        assert_eq!(open, ["csp-scripts-open"]);
        assert_eq!(judged(&[&format!("{SOUND}; default-src *")], &[]), [("csp-directive-repeated".to_owned(), Severity::Warning)]);
    }

    #[test]
    fn a_meta_element_counts_but_cannot_forbid_frames() {
        assert_eq!(judged(&[], &[SOUND]), [("csp-directive-missing".to_owned(), Severity::Warning)]);
    }

    #[test]
    fn a_report_only_policy_protects_nobody() {
        let policies = Policies::read(&[], &[SOUND.to_owned()], &[]);
        let demand = Demand { required: &[], advised: &[], forbid_eval: true };
        let judged = judge(&policies, Surface::WebPage, &demand);
        assert_eq!(judged.findings()[0].rule, "csp-missing");
        assert!(matches!(judge(&policies, Surface::Api, &demand), Judged::Inapplicable(_)));
    }
}
