//! `probity init`: a commented target file, from a look at one address.

use std::fmt::Write as _;
use std::net::IpAddr;

use url::Url;

use super::args;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::document::{Mistake, Source};
use crate::probe::{AddressClass, Door, Endpoint, Exchange, Limits, Opening, Origin, Request};
use crate::profile::{FactType, Profile};
use crate::verdict::Untrusted;

/// What is looked for, and what it would mean. Only reading, one request each.
const PLACES: &[(&str, Found)] = &[
    ("", Found::Page),
    ("/.well-known/api-catalog", Found::Catalogue),
    ("/openapi.json", Found::Description),
    ("/openapi.yaml", Found::Description),
    ("/swagger.json", Found::Description),
    ("/v3/api-docs", Found::Description),
    ("/api/openapi.json", Found::Description),
    ("metadata", Found::Fhir),
    ("/.well-known/wot", Found::Thing),
    ("services", Found::Directory),
    ("/.well-known/security.txt", Found::SecurityTxt),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Page,
    Catalogue,
    Description,
    Fhir,
    Thing,
    Directory,
    SecurityTxt,
}

/// What was seen of an address.
#[derive(Debug, Default)]
struct Look {
    trouble: Option<String>,
    found: Vec<(Found, String)>,
    certificate: Option<String>,
    addresses: Vec<IpAddr>,
}

pub(super) async fn run(args: &args::Init, terminal: Terminal) -> Result<Exit, Vec<Mistake>> {
    if !matches!(args.url.scheme(), "http" | "https" | "mqtt" | "mqtts" | "coap" | "coaps" | "sip" | "sips" | "tls" | "tcp") {
        return Err(vec![
            Mistake::new(args.url.as_str(), format!("the scheme `{}` is not spoken here", args.url.scheme()))
                .help("http, https, mqtt, mqtts, coap, coaps, sip, sips, tls or tcp"),
        ]);
    }
    if let Some(path) = args.output.as_ref().filter(|path| path.exists() && !args.force) {
        return Err(vec![Mistake::new(path.display().to_string(), "the file is there already").help("give --force to replace it")]);
    }
    terminal.info(format_args!("looking at {}: a few requests, reading only", args.url));
    let look = look(&args.url).await;
    if let Some(trouble) = &look.trouble {
        terminal.warn(format_args!("{trouble}; the file is written all the same"));
    }
    for (found, place) in &look.found {
        terminal.info(format_args!("  found {}: {place}", found.words()));
    }
    let profile = Profile::load("eu-core")?;
    let text = write(&args.url, &look, &profile);
    match &args.output {
        None => terminal.write(text.as_bytes()),
        Some(path) => {
            std::fs::write(path, text).map_err(|e| vec![Mistake::new(path.display().to_string(), format!("cannot be written: {e}"))])?;
            terminal.say(format_args!("wrote {0}; fill in what is marked TODO, then: probity preflight {0}", path.display()));
        }
    }
    Ok(Exit::Success)
}

impl Found {
    fn words(self) -> &'static str {
        match self {
            Self::Page => "a web page",
            Self::Catalogue => "an API catalogue (RFC 9727)",
            Self::Description => "an API description",
            Self::Fhir => "a FHIR capability statement",
            Self::Thing => "a Thing Description",
            Self::Directory => "a service directory",
            Self::SecurityTxt => "a security.txt",
        }
    }

    /// Whether the answer is what was looked for: a page that says 200 to everything is not.
    fn is(self, exchange: &Exchange) -> bool {
        if exchange.status() != 200 {
            return false;
        }
        let media_type = exchange.media_type().unwrap_or_default();
        let value = || Source::read("answer", exchange.body()).ok().map(|s| s.value().clone()).unwrap_or_default();
        match self {
            Self::Page => media_type == "text/html",
            Self::Catalogue => value().get("linkset").is_some(),
            Self::Description => ["openapi", "swagger", "asyncapi"].iter().any(|key| value().get(key).is_some()),
            Self::Fhir => value()["resourceType"] == "CapabilityStatement",
            Self::Thing => value().get("@context").is_some() && value().get("securityDefinitions").is_some(),
            Self::Directory => value().get("contents").is_some() && value().get("total_items").is_some(),
            Self::SecurityTxt => media_type == "text/plain" && exchange.text().is_some_and(|t| t.to_ascii_lowercase().contains("contact:")),
        }
    }
}

async fn look(url: &Url) -> Look {
    let mut look = Look::default();
    let Ok(origin) = Origin::of(url) else {
        look.trouble = Some(format!("{url} cannot be asked"));
        return look;
    };
    if origin.host().parse::<IpAddr>().is_err()
        && let Ok(found) = tokio::net::lookup_host((origin.host(), origin.port())).await
    {
        // The person typed this name, so an address in a private network is named by them.
        look.addresses = found.map(|a| a.ip()).filter(|ip| AddressClass::of(*ip) != AddressClass::Public).collect();
        look.addresses.dedup();
    }
    let endpoint = Endpoint { addresses: look.addresses.clone(), ..Endpoint::new(origin.clone()) };
    let mut opening = Opening::new(vec![endpoint]);
    opening.limits = Limits { exchange_ms: 5_000, run_ms: 60_000, connections: 40, ..Limits::default() };
    let door = match Door::open(opening).await {
        Ok(door) => door,
        Err(error) => {
            look.trouble = Some(error.to_string());
            return look;
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        if !matches!(url.scheme(), "coap" | "coaps" | "sip")
            && let Err(error) = door.tcp(&origin, "init").await.map(drop)
        {
            look.trouble = Some(error.to_string());
        }
        return look;
    }
    for (place, found) in PLACES {
        let Ok(address) = url.join(place) else { continue };
        match door.ask(&Request::get(address.as_str(), "init").header("Accept", "application/json, */*;q=0.5").keep_alive()).await {
            Ok(exchange) => {
                if let Some(tls) = exchange.connection.tls.as_ref().filter(|tls| !tls.is_vouched_for()) {
                    look.certificate = tls.detail.as_ref().map(ToString::to_string);
                }
                if found.is(&exchange) {
                    look.found.push((*found, address.path().to_owned()));
                }
            }
            Err(error) if look.found.is_empty() && place.is_empty() => {
                look.trouble = Some(error.to_string());
                return look;
            }
            Err(_) => {}
        }
    }
    look
}

fn write(url: &Url, look: &Look, profile: &Profile) -> String {
    let has = |found: Found| look.found.iter().any(|(f, _)| *f == found);
    let mut roles: Vec<&str> = Vec::new();
    match url.scheme() {
        "http" | "https" => {
            if has(Found::Description) || has(Found::Catalogue) || has(Found::Fhir) || !has(Found::Page) {
                roles.push("api");
            }
            for (found, role) in [(Found::Fhir, "fhir"), (Found::Directory, "directory"), (Found::Thing, "hub"), (Found::Page, "web")] {
                if has(found) {
                    roles.push(role);
                }
            }
        }
        "mqtt" | "mqtts" => roles.push("broker"),
        "sip" | "sips" => roles.push("alarm"),
        _ => roles.push("device"),
    }
    let name = roles.first().copied().unwrap_or("device");
    let mut text = String::new();
    let mut line = |s: &str| {
        let _ = writeln!(text, "{s}");
    };
    line("# Target file of Probity: what is assessed. It holds no secret.");
    line("# Fill in what is marked TODO, then run: probity preflight THIS-FILE");
    line("target: 1");
    line("product:");
    line("  name: TODO            # as on the label");
    line("  version: TODO         # the exact version; a report holds for this version only");
    line("  vendor:");
    line("    name: TODO");
    line("    # website: https://vendor.example/   # where security.txt and policies are looked for");
    line("endpoints:");
    line(&format!("  {name}:"));
    line(&format!("    url: {url}"));
    line(&format!("    serves: [{}]   # what it is: api, web, fhir, directory, hub, broker, context-broker, alarm, …", roles.join(", ")));
    if !look.addresses.is_empty() {
        let list = look.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        line(&format!("    addresses: [\"{}\"]   # a private network is only asked where it is named here", list.replace(", ", "\", \"")));
    }
    match &look.certificate {
        Some(why) => {
            line(&format!("    # Its certificate did not verify: {}", Untrusted::new(why)));
            line("    # trust-anchors: ca.pem     # TODO if a private authority issued it");
        }
        None if url.scheme() == "https" => line("    # trust-anchors: ca.pem     # only if a private authority issued its certificate"),
        None => {}
    }
    line("facts:                   # they decide which requirements apply");
    for (name, fact) in &profile.facts {
        line(&format!("  # {}", fact.ask));
        let value = match fact.kind {
            FactType::Flag => "TODO      # true or false".to_owned(),
            FactType::Number => "TODO      # a number".to_owned(),
            FactType::Choice => format!("TODO      # {}", fact.choices.join(" | ")),
            FactType::List => format!("[]        # some of: {}", fact.choices.join(", ")),
        };
        line(&format!("  # {name}: {value}"));
    }
    line("claims:                  # open specifications that the product speaks");
    let claims: Vec<String> = look
        .found
        .iter()
        .filter_map(|(found, _)| match found {
            Found::Description | Found::Catalogue => Some("  - {specification: openapi, role: server}"),
            Found::Fhir => Some("  - {specification: hl7-fhir, role: server}"),
            Found::Thing => Some("  - {specification: wot-td, role: publisher}"),
            Found::Directory => Some("  - {specification: hsds, role: publisher}"),
            Found::Page | Found::SecurityTxt => None,
        })
        .map(str::to_owned)
        .collect();
    if claims.is_empty() {
        line("  []");
    }
    let mut claims = claims;
    claims.dedup();
    for claim in &claims {
        line(claim);
    }
    line("documents:               # by the name that the profile asks for: a path beside this file, or a URL");
    let description = look.found.iter().find(|(found, _)| *found == Found::Description).and_then(|(_, place)| url.join(place).ok());
    match description {
        Some(address) => line(&format!("  api-description: {address}")),
        None => line("  {}"),
    }
    line("# credentials:           # never the secret itself");
    line(&format!("#   reader: {{endpoint: {name}, scheme: bearer, env: MY_READ_TOKEN}}"));
    if has(Found::Fhir) {
        line(&format!("#   fhir-reader: {{endpoint: {name}, scheme: bearer, env: MY_FHIR_TOKEN}}   # may read the test person below"));
        line("fixtures:                # test data: ids of made-up persons, never of real ones");
        line("  # fhir-person: Patient/TODO          # the only person whose resources are read and searched");
        line("  # fhir-resources: [Device/TODO]      # further resources of that person, where no search finds them");
        line("  # fhir-measurements: [Observation/TODO]   # measurements of devices, where they do not say so themselves");
        line("  # fhir-group: Group/TODO             # a group of test persons for the bulk export, which needs consent to writes");
        line("packages:                # definitions that resources are judged by: `probity package add FILE.tgz`");
        line("  # - {id: hl7.fhir.r4.core, version: 4.0.1}");
    }
    line("# attestations:          # what only a person can say, by the subject that the profile asks for");
    line("#   risk-analysis: {statement: …, person: …, role: …, date: 2026-01-31, expires: 2027-01-31}");
    line("# consent:               # only for checks that do more than read, and never in production");
    line("#   owner: …");
    line("#   contact: …");
    line("#   window: {from: 2026-01-31T09:00:00+01:00, until: 2026-01-31T17:00:00+01:00}");
    line("#   environment: lab");
    line("#   mode: standard         # or lab: what each opens is told by `probity explain consent`");
    text
}
