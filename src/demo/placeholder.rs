//! Words in a vendor file that are known only when the vendor runs: addresses, days, digests.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

/// What the placeholders stand for.
///
/// `{{origin:NAME}}`, `{{port:NAME}}` and `{{host}}` of the services; `{{now}}`, `{{now+3d}}` as RFC 3339;
/// `{{day}}`, `{{day-300d}}` as a calendar day; `{{sha256:FILE}}` of a file beside the target file.
pub(super) struct Known {
    pub(super) now: OffsetDateTime,
    pub(super) host: &'static str,
    /// Scheme and port of each service.
    pub(super) services: BTreeMap<String, (String, u16)>,
    /// The bytes of each file.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Known {
    /// Fills every text in a value.
    ///
    /// # Errors
    /// A placeholder that stands for nothing, in a sentence.
    pub(super) fn fill(&self, value: &mut Value) -> Result<(), String> {
        match value {
            Value::String(text) => {
                // A port that stands alone is a number.
                let alone = text.strip_prefix("{{port:").and_then(|rest| rest.strip_suffix("}}"));
                if let Some((_, port)) = alone.and_then(|name| self.services.get(name)) {
                    *value = Value::from(*port);
                } else if text.contains("{{") {
                    *text = self.text(text)?;
                }
                Ok(())
            }
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.fill(item)),
            Value::Object(map) => map.values_mut().try_for_each(|item| self.fill(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn text(&self, text: &str) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            out.push_str(before);
            let Some((name, after)) = after.split_once("}}") else { return Err(format!("`{{{{{after}` has no end")) };
            out.push_str(&self.word(name).ok_or_else(|| format!("`{{{{{name}}}}}` stands for nothing"))?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn word(&self, name: &str) -> Option<String> {
        if let Some(service) = name.strip_prefix("origin:") {
            let (scheme, port) = self.services.get(service)?;
            return Some(format!("{scheme}://{}:{port}", self.host));
        }
        if let Some(service) = name.strip_prefix("port:") {
            return self.services.get(service).map(|(_, port)| port.to_string());
        }
        if let Some(file) = name.strip_prefix("sha256:") {
            return self.files.get(file).map(|bytes| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect());
        }
        if name == "host" {
            return Some(self.host.to_owned());
        }
        if let Some(offset) = name.strip_prefix("now") {
            return (self.now + days(offset)?).replace_nanosecond(0).ok()?.format(&Rfc3339).ok();
        }
        let offset = name.strip_prefix("day")?;
        (self.now + days(offset)?).date().format(format_description!("[year]-[month]-[day]")).ok()
    }
}

/// `+3d`, `-300d` or nothing.
fn days(offset: &str) -> Option<Duration> {
    if offset.is_empty() {
        return Some(Duration::ZERO);
    }
    offset.strip_suffix('d')?.parse::<i64>().ok().filter(|d| d.abs() < 36_525).map(Duration::days)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn placeholders_are_filled_and_unknown_ones_refused() {
        let known = Known {
            now: datetime!(2026-11-22 10:00:00.5 UTC),
            host: "localhost",
            services: BTreeMap::from([("api".into(), ("https".into(), 4433))]),
            files: BTreeMap::from([("a.txt".into(), b"a".to_vec())]),
        };
        let fill = |text: &str| known.text(text);
        assert_eq!(fill("{{origin:api}}/v1 {{host}} {{port:api}}").unwrap(), "https://localhost:4433/v1 localhost 4433");
        assert_eq!(fill("{{now+10d}}").unwrap(), "2026-12-02T10:00:00Z");
        assert_eq!(fill("{{day-22d}}").unwrap(), "2026-10-31");
        assert!(fill("{{sha256:a.txt}}").unwrap().starts_with("ca978112"));
        for wrong in ["{{origin:web}}", "{{sha256:b}}", "{{now+x}}", "{{what}}", "{{host"] {
            assert!(fill(wrong).is_err(), "{wrong}");
        }
    }
}
