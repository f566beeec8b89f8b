//! Whether a certificate is for the name that clients use (RFC 9525).

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};

/// Most names that are shown; a certificate of a large host may have hundreds.
const MAX_SHOWN: usize = 8;

/// What clients call the server.
pub(super) enum Identity {
    Dns(String),
    Address(IpAddr),
}

/// Whether the names fit.
pub(super) enum NameMatch {
    Yes,
    /// They do not; these are the names.
    No(String),
    /// An address was asked for, and there are names of hosts only.
    AddressOnly(String),
    /// There are no names outside the subject.
    NoNames,
}

impl Identity {
    pub(super) fn of(server_name: &str) -> Self {
        let bare = server_name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::Dns(server_name.trim_end_matches('.').to_ascii_lowercase()),
        }
    }

    pub(super) fn matches(&self, certificate: &X509Certificate<'_>) -> NameMatch {
        let names: Vec<&GeneralName<'_>> = certificate
            .extensions()
            .iter()
            .filter_map(|e| {
                if let ParsedExtension::SubjectAlternativeName(san) = e.parsed_extension() { Some(&san.general_names) } else { None }
            })
            .flatten()
            .collect();
        let dns = || names.iter().filter_map(|n| if let GeneralName::DNSName(name) = n { Some(*name) } else { None });
        let addresses = || names.iter().filter_map(|n| if let GeneralName::IPAddress(bytes) = n { address(bytes) } else { None });
        let fits = match self {
            Self::Dns(wanted) => dns().any(|pattern| fits(pattern, wanted)),
            Self::Address(wanted) => addresses().any(|a| a == *wanted),
        };
        if fits {
            return NameMatch::Yes;
        }
        let all: Vec<String> = dns().map(ToOwned::to_owned).chain(addresses().map(|a| a.to_string())).collect();
        if all.is_empty() {
            return NameMatch::NoNames;
        }
        let mut shown = format!("it is for {}", all.iter().take(MAX_SHOWN).cloned().collect::<Vec<_>>().join(", "));
        if all.len() > MAX_SHOWN {
            shown.push_str(&format!(" and {} more", all.len() - MAX_SHOWN));
        }
        match self {
            Self::Address(_) if addresses().next().is_none() => NameMatch::AddressOnly(shown),
            Self::Address(_) | Self::Dns(_) => NameMatch::No(shown),
        }
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A wildcard stands for the whole left-most label, and for one label only (RFC 9525, section 6.3).
fn fits(pattern: &str, wanted: &str) -> bool {
    let pattern = pattern.trim_end_matches('.').to_ascii_lowercase();
    match pattern.strip_prefix("*.") {
        Some(parent) => wanted.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent && parent.contains('.')),
        None => !pattern.is_empty() && pattern == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_one_whole_label() {
        assert!(fits("*.example.org", "hub.example.org"));
        assert!(fits("HUB.example.org.", "hub.example.org"));
        for (pattern, name) in [
            ("*.example.org", "a.hub.example.org"),
            ("*.example.org", "example.org"),
            ("h*.example.org", "hub.example.org"),
            ("*.org", "example.org"),
            ("*", "example"),
            ("", ""),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn an_address_is_told_from_a_name() {
        assert!(matches!(Identity::of("192.0.2.1"), Identity::Address(_)));
        assert!(matches!(Identity::of("[2001:db8::1]"), Identity::Address(_)));
        assert!(matches!(Identity::of("192.0.2.1.example"), Identity::Dns(_)));
    }
}
