//! Where a run may go: fixed when it starts, and never widened by anything a target says.
//!
//! The scope is a set of (scheme, host, port) that the target file names. Each host name is resolved
//! once, and its addresses are pinned: a name that later leads somewhere else (DNS rebinding) changes
//! nothing. An address inside somebody's own network (loopback, private, link-local and the like) is
//! refused unless the target file names it: as an address; as `localhost`; or as a name that can only
//! be a local one (`hub.local`, `hub.home.arpa`, `hub.internal`, a name without a dot). Addresses at
//! which no single device answers (multicast, broadcast, unspecified) are always refused.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::error::{ProbeError, Refusal};
use crate::verdict::Untrusted;

/// The schemes that Probity speaks, with their registered ports.
const SCHEMES: [(&str, u16); 13] = [
    ("http", 80),
    ("https", 443),
    ("mqtt", 1883),
    ("mqtts", 8883),
    ("coap", 5683),
    ("coaps", 5684),
    ("sip", 5060),
    ("sips", 5061),
    ("ws", 80),
    ("wss", 443),
    ("tcp", 0),
    ("tls", 443),
    ("udp", 0),
];

/// Scheme, host and port, as parsed: the unit of what may be asked and of what may see a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
pub struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// An origin from its parts. The scheme is one that Probity speaks; the host is a name (made lower
    /// case, in its ASCII form) or an address, an IPv6 address with or without brackets.
    pub fn new(scheme: &str, host: &str, port: u16) -> Result<Self, Refusal> {
        let scheme = scheme.to_ascii_lowercase();
        if !SCHEMES.iter().any(|(known, _)| *known == scheme) {
            return Err(Refusal::Scheme { scheme: Untrusted::new(&scheme) });
        }
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let host = match bare.parse::<Ipv6Addr>() {
            Ok(address) => address.to_string(),
            Err(_) => match Host::parse(host).map_err(|_| Refusal::Unreadable)? {
                Host::Domain(name) => name,
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            },
        };
        if host.is_empty() || port == 0 {
            return Err(Refusal::Unreadable);
        }
        Ok(Self { scheme, host, port })
    }

    /// The origin of an address such as `https://example.org/path` or `mqtts://hub.local`; without a
    /// port, the scheme's registered one.
    pub fn parse(address: &str) -> Result<Self, Refusal> {
        Self::of(&Url::parse(address).map_err(|_| Refusal::Unreadable)?)
    }

    /// The origin of a parsed address.
    pub fn of(url: &Url) -> Result<Self, Refusal> {
        let Some((_, registered)) = SCHEMES.iter().find(|(known, _)| *known == url.scheme()) else {
            return Err(Refusal::Scheme { scheme: Untrusted::new(url.scheme()) });
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let host = url.host_str().ok_or(Refusal::Unreadable)?;
        Self::new(url.scheme(), host, url.port().unwrap_or(*registered))
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }
    /// The host: a name in lower case, or an address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Whether the scheme puts TLS under its protocol.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "mqtts" | "coaps" | "sips" | "wss" | "tls")
    }
    /// Host and port as they stand in a URL: brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl TryFrom<String> for Origin {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(&text)
    }
}

/// One thing that the target file names as part of the target.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where it is.
    pub origin: Origin,
    /// The name to ask for in TLS, where it differs from the host.
    pub server_name: Option<String>,
    /// Trust anchors of the endpoint's own, in DER, beside the public ones.
    pub anchors: Vec<Vec<u8>>,
    /// Addresses the target file gives for the host: they are used instead of asking DNS, and may lie
    /// in a private network, because a person named them.
    pub addresses: Vec<IpAddr>,
    /// Whether credentials may be sent to it although nobody vouches for the other side: over plain
    /// HTTP, or with a certificate that does not verify. The target file must say so.
    pub trust_unverified: bool,
}

impl Endpoint {
    /// An endpoint of which nothing but the address is known.
    pub fn new(origin: Origin) -> Self {
        Self { origin, server_name: None, anchors: Vec::new(), addresses: Vec::new(), trust_unverified: false }
    }
}

/// What kind of network an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AddressClass {
    /// The public Internet.
    Public,
    /// This machine (127.0.0.0/8, ::1).
    Loopback,
    /// The same link (169.254.0.0/16, fe80::/10); the metadata services of clouds live here.
    LinkLocal,
    /// A network of somebody's own (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// Set aside for documentation, benchmarks or protocols (RFC 5737, RFC 3849, RFC 2544, RFC 6890).
    Reserved,
    /// Many devices at once, none, or any: multicast, broadcast, 0.0.0.0/8, ::.
    NoSingleDevice,
}

impl std::fmt::Display for AddressClass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Private => "private",
            Self::Reserved => "reserved",
            Self::NoSingleDevice => "multicast, broadcast or unspecified",
        })
    }
}

impl AddressClass {
    /// The class of an address. An IPv6 address that carries an IPv4 address (mapped, compatible,
    /// NAT64, 6to4) has the class of the latter.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            (0, ..) | (224..=239, ..) => Self::NoSingleDevice,
            _ if address.is_broadcast() => Self::NoSingleDevice,
            (127, ..) => Self::Loopback,
            (169, 254, _) => Self::LinkLocal,
            (10, ..) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Self::Private,
            (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113) | (198, 18 | 19, _) | (192, 88, 99) | (240..=255, ..) => Self::Reserved,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let [a, b, c, d, e, f, g, h] = address.segments();
        let carried = |high: u16, low: u16| {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        match (a, b, c, d, e, f) {
            (0, 0, 0, 0, 0, 0) if g == 0 && h == 0 => Self::NoSingleDevice,
            (0, 0, 0, 0, 0, 0) if g == 0 && h == 1 => Self::Loopback,
            (0, 0, 0, 0, 0, 0 | 0xffff) | (0, 0, 0, 0, 0xffff, 0) | (0x64, 0xff9b, 0, 0, 0, 0) => carried(g, h),
            (0x64, 0xff9b, 1, ..) => Self::Private,
            (0x2002, ..) => carried(b, c),
            (0xff00..=0xffff, ..) => Self::NoSingleDevice,
            (0xfe80..=0xfebf, ..) => Self::LinkLocal,
            (0xfc00..=0xfdff | 0xfec0..=0xfeff, ..) => Self::Private,
            (0x2001, 0xdb8 | 0..=0x1ff, ..) | (0x3fff, 0..=0xfff, ..) | (0x100, 0, 0, 0, ..) => Self::Reserved,
            _ => Self::Public,
        }
    }
}

/// What a host's name was found to mean when the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pin {
    /// The addresses that are used, in the order of the resolver.
    pub addresses: Vec<IpAddr>,
    /// The addresses that the name also leads to and that are not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<IpAddr>,
    /// Why there is no address to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ProbeError>,
}

/// Where this run may go.
#[derive(Debug, Clone)]
pub struct Scope {
    endpoints: BTreeMap<Origin, Endpoint>,
    pins: BTreeMap<String, Pin>,
}

impl Scope {
    /// Fixes the scope: resolves each host once with `lookup` and pins what it leads to. A host that
    /// leads nowhere is an error of its own endpoints only.
    pub async fn fix<F, Fut>(endpoints: Vec<Endpoint>, lookup: F) -> Self
    where
        F: Fn(String) -> Fut,
        Fut: Future<Output = Result<Vec<IpAddr>, ProbeError>>,
    {
        let mut pins = BTreeMap::new();
        for endpoint in &endpoints {
            let host = endpoint.origin.host();
            if pins.contains_key(host) {
                continue;
            }
            let named: Vec<IpAddr> =
                endpoints.iter().filter(|e| e.origin.host() == host).flat_map(|e| e.addresses.iter().copied()).collect();
            let pin = match host.parse::<IpAddr>() {
                Ok(address) => pin(host, vec![address], true),
                Err(_) if !named.is_empty() => pin(host, named, true),
                Err(_) => match lookup(host.to_owned()).await {
                    Ok(found) => pin(host, found, false),
                    Err(error) => Pin { addresses: Vec::new(), refused: Vec::new(), error: Some(error) },
                },
            };
            pins.insert(host.to_owned(), pin);
        }
        let endpoints = endpoints.into_iter().rev().map(|e| (e.origin.clone(), e)).collect();
        Self { endpoints, pins }
    }

    /// The endpoint that is named by this origin, or why nothing may be asked there.
    pub fn endpoint(&self, origin: &Origin) -> Result<&Endpoint, Refusal> {
        self.endpoints.get(origin).ok_or(Refusal::NotNamed)
    }

    /// Whether this address may be asked: its scheme, host and port are in the scope.
    pub fn admits(&self, url: &Url) -> Result<&Endpoint, Refusal> {
        self.endpoint(&Origin::of(url)?)
    }

    /// The pinned addresses of a host in the scope.
    pub(crate) fn addresses(&self, host: &str) -> Result<&[IpAddr], ProbeError> {
        let pin = self.pins.get(host).ok_or_else(|| ProbeError::bug("a host in the scope was never resolved"))?;
        match &pin.error {
            Some(error) => Err(error.clone()),
            None => Ok(&pin.addresses),
        }
    }

    /// Every host with what it was found to mean.
    pub fn pins(&self) -> &BTreeMap<String, Pin> {
        &self.pins
    }
    /// Every endpoint, in the order of their origins.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }
}

/// Decides which of a host's addresses may be used.
fn pin(host: &str, found: Vec<IpAddr>, named_as_address: bool) -> Pin {
    let mut pin = Pin { addresses: Vec::new(), refused: Vec::new(), error: None };
    for address in found {
        let admitted = match AddressClass::of(address) {
            AddressClass::Public => true,
            AddressClass::NoSingleDevice => false,
            AddressClass::Loopback => named_as_address || is_localhost(host),
            AddressClass::LinkLocal | AddressClass::Private => named_as_address || is_local_name(host),
            AddressClass::Reserved => named_as_address,
        };
        let list = if admitted { &mut pin.addresses } else { &mut pin.refused };
        if !list.contains(&address) {
            list.push(address);
        }
    }
    if pin.addresses.is_empty() {
        pin.error = Some(match pin.refused.first() {
            Some(address) => ProbeError::OutOfScope {
                what: Untrusted::new(host),
                refusal: Refusal::Address { address: *address, class: AddressClass::of(*address) },
            },
            None => ProbeError::NameUnknown { host: host.to_owned(), detail: Untrusted::new("no address") },
        });
    }
    pin
}

/// Names for this machine (RFC 6761, section 6.3).
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Names that no public DNS can give (RFC 6762, RFC 8375, and `internal`, which ICANN has set aside),
/// and names without a dot: whoever writes one means a local device.
fn is_local_name(host: &str) -> bool {
    !host.contains('.') && !is_localhost(host) || [".local", ".home.arpa", ".internal"].iter().any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn class(address: &str) -> AddressClass {
        AddressClass::of(address.parse().unwrap())
    }

    #[test]
    fn addresses_are_classed_by_what_they_reach() {
        use AddressClass::{LinkLocal, Loopback, NoSingleDevice, Private, Public, Reserved};
        for (address, expected) in [
            ("1.1.1.1", Public),
            ("127.8.9.1", Loopback),
            ("::1", Loopback),
            ("::ffff:127.0.0.1", Loopback),
            ("::127.0.0.1", Loopback),
            ("64:ff9b::7f00:1", Loopback),
            ("2002:7f00:1::", Loopback),
            ("169.254.169.254", LinkLocal),
            ("::ffff:169.254.169.254", LinkLocal),
            ("fe80::1", LinkLocal),
            ("febf::1", LinkLocal),
            ("10.0.0.1", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("172.32.0.1", Public),
            ("192.168.1.7", Private),
            ("100.64.0.1", Private),
            ("100.128.0.1", Public),
            ("fd00::1", Private),
            ("fec0::1", Private),
            ("192.0.2.1", Reserved),
            ("198.18.0.1", Reserved),
            ("2001:db8::1", Reserved),
            ("2001:4860:4860::8888", Public),
            ("2606:4700::1111", Public),
            ("240.0.0.1", Reserved),
            ("0.0.0.0", NoSingleDevice),
            ("0.1.2.3", NoSingleDevice),
            ("::", NoSingleDevice),
            ("224.0.0.1", NoSingleDevice),
            ("255.255.255.255", NoSingleDevice),
            ("ff02::1", NoSingleDevice),
        ] {
            assert_eq!(class(address), expected, "{address}");
        }
    }

    #[test]
    fn origins_are_compared_as_parsed() {
        let same = Origin::parse("https://Example.ORG/x?y").unwrap();
        assert_eq!(same, Origin::new("HTTPS", "example.org", 443).unwrap());
        assert_ne!(same, Origin::parse("https://example.org.evil.test/").unwrap());
        assert_ne!(same, Origin::parse("http://example.org:443/").unwrap());
        assert_eq!(Origin::parse("http://2130706433/").unwrap().host(), "127.0.0.1");
        assert_eq!(Origin::parse("mqtts://HUB.local").unwrap().to_string(), "mqtts://hub.local:8883");
        assert_eq!(Origin::parse("coap://[::1]").unwrap().to_string(), "coap://[::1]:5683");
        assert_eq!(Origin::new("tcp", "[fe80::1]", 7).unwrap(), Origin::new("tcp", "fe80::1", 7).unwrap());
        assert!(matches!(Origin::parse("file:///etc/passwd"), Err(Refusal::Scheme { .. })));
        assert!(matches!(Origin::parse("data:text/plain,x"), Err(Refusal::Scheme { .. })));
        assert_eq!(Origin::parse("https://user:pw@example.org/"), Err(Refusal::UserInfo));
    }

    async fn fixed(host: &str, leads_to: &[&str], named: &[&str]) -> Pin {
        let mut endpoint = Endpoint::new(Origin::new("https", host, 443).unwrap());
        endpoint.addresses = named.iter().map(|a| a.parse().unwrap()).collect();
        let found: Vec<IpAddr> = leads_to.iter().map(|a| a.parse().unwrap()).collect();
        let scope = Scope::fix(vec![endpoint], |_| std::future::ready(Ok(found.clone()))).await;
        scope.pins().values().next().unwrap().clone()
    }

    #[tokio::test]
    async fn an_inner_address_is_used_only_where_the_target_file_names_it() {
        let refused = |pin: &Pin| matches!(pin.error, Some(ProbeError::OutOfScope { .. }));
        assert!(refused(&fixed("vendor.example", &["127.0.0.1"], &[]).await));
        assert!(refused(&fixed("vendor.example", &["169.254.169.254"], &[]).await));
        assert!(refused(&fixed("vendor.example", &["10.0.0.1", "fd00::1"], &[]).await));
        assert!(refused(&fixed("vendor.example", &["::ffff:10.0.0.1"], &[]).await));
        assert!(refused(&fixed("hub.local", &["127.0.0.1"], &[]).await));
        assert!(refused(&fixed("hub.local", &["224.0.0.251"], &[]).await));
        assert!(refused(&fixed("0.0.0.0", &[], &[]).await));
        assert!(refused(&fixed("[ff02::1]", &[], &[]).await));
        for (host, found, named) in [
            ("localhost", vec!["127.0.0.1"], vec![]),
            ("hub.local", vec!["192.168.1.7"], vec![]),
            ("hub", vec!["10.1.1.1"], vec![]),
            ("192.168.1.7", vec![], vec![]),
            ("127.0.0.1", vec![], vec![]),
            ("vendor.example", vec!["1.1.1.1"], vec!["192.168.1.7"]),
            ("vendor.example", vec!["1.1.1.1"], vec![]),
        ] {
            let pin = fixed(host, &found, &named).await;
            assert_eq!((pin.error, pin.addresses.len()), (None, 1), "{host}");
        }
        let mixed = fixed("vendor.example", &["1.1.1.1", "127.0.0.1", "2606:4700::1111"], &[]).await;
        assert_eq!((mixed.addresses.len(), mixed.refused.len()), (2, 1));
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_for_all_its_endpoints() {
        let asked = AtomicUsize::new(0);
        let endpoints = ["https://vendor.example", "http://vendor.example", "mqtts://vendor.example"]
            .map(|address| Endpoint::new(Origin::parse(address).unwrap()));
        let scope = Scope::fix(endpoints.to_vec(), |_| {
            asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok(vec!["1.1.1.1".parse().unwrap(), "1.0.0.1".parse().unwrap()]))
        })
        .await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert_eq!(scope.addresses("vendor.example").unwrap().len(), 2);
        assert!(scope.admits(&Url::parse("http://vendor.example/a").unwrap()).is_ok());
        assert!(matches!(scope.admits(&Url::parse("http://vendor.example:8080/a").unwrap()), Err(Refusal::NotNamed)));
        assert!(matches!(scope.admits(&Url::parse("https://vendor.example./a").unwrap()), Err(Refusal::NotNamed)));
    }
}
