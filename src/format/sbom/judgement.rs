//! The questions that are asked of every parts list, whatever its format.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::graph::Graph;
use super::{Cpe, Format, Notes, PackageUrl, Part, PartKind, PartsList, Stated, child, licence};
use crate::verdict::Finding;

/// How far the elements are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// Of the product and what it needs directly (Cyber Resilience Act, annex I part II (1)); of
    /// deeper parts what is missing is a warning.
    TopLevel,
    /// Of every part.
    All,
}

/// What a profile asks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Demand {
    /// How far the elements are demanded.
    pub depth: Depth,
    /// A list older than this is a warning.
    pub longest_age: Option<Duration>,
}

/// The product that the list should be about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Product<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Its version.
    pub version: Option<&'a str>,
}

const NTIA: &str = "NTIA minimum elements (2021)";
const CISA: &str = "CISA minimum elements (2025, draft)";
const BSI: &str = "BSI TR-03183-2";

pub(super) fn judge(list: &PartsList, product: &Product<'_>, now: OffsetDateTime, demand: &Demand, notes: &mut Notes<'_>) {
    judge_making(list, now, demand, notes);
    judge_primary(list, product, notes);
    let graph = Graph::of(list);
    judge_graph(list, &graph, notes);
    for (i, part) in list.parts.iter().enumerate() {
        let demanded = demand.depth == Depth::All || Some(i) == list.primary || graph.direct.contains(&i) || graph.direct.is_empty();
        judge_elements(part, Some(i) == list.primary, demanded, notes);
        judge_identifiers(part, notes);
    }
    judge_additions(list, notes);
}

/// What is wrong with what is said, whether or not anything is demanded.
pub(super) fn judge_form(list: &PartsList, notes: &mut Notes<'_>) {
    if let Some(text) = list.timestamp.value().filter(|text| OffsetDateTime::parse(text, &Rfc3339).is_err()) {
        notes.push(
            Finding::error("timestamp", "the moment the list was made is not a date and time")
                .at(list.timestamp_pointer.clone())
                .expected("a date and time of RFC 3339")
                .observed(text)
                .clause(NTIA),
        );
    }
    for (reference, pointer) in Graph::of(list).repeated {
        notes.push(
            Finding::error("reference-repeated", "two parts have the same reference")
                .at(pointer)
                .expected("a reference of its own for each part")
                .observed(&reference),
        );
    }
    // Those of CycloneDX are looked at wherever they stand.
    if list.format != Format::CycloneDx {
        list.parts.iter().for_each(|part| judge_hashes(part, notes));
    }
}

fn judge_making(list: &PartsList, now: OffsetDateTime, demand: &Demand, notes: &mut Notes<'_>) {
    if list.authors.is_empty() {
        let at = match list.format {
            Format::CycloneDx => "/metadata",
            Format::Spdx2 => "/creationInfo",
            Format::Spdx3 => "",
        };
        notes.push(if list.tools.is_empty() {
            Finding::error("author", "the list does not say who made it").at(at).expected("a person or an organisation").clause(NTIA)
        } else {
            Finding::warning("author-is-a-tool", "only a tool is named as the maker of the list")
                .at(at)
                .expected("a person or an organisation")
                .clause(NTIA)
        });
    }
    let pointer = &list.timestamp_pointer;
    match list.timestamp.value().map(|text| (text, OffsetDateTime::parse(text, &Rfc3339))) {
        None => notes.push(
            Finding::error("timestamp", "the list does not say when it was made")
                .at(pointer.clone())
                .expected("a date and time of RFC 3339")
                .clause(NTIA),
        ),
        // Told with the form.
        Some((_, Err(_))) => {}
        Some((text, Ok(made))) => {
            if made - now > Duration::days(1) {
                notes.push(
                    Finding::error("timestamp-future", "the list says that it was made in the future").at(pointer.clone()).observed(text),
                );
            }
            if demand.longest_age.is_some_and(|longest| now - made > longest) {
                notes.push(
                    Finding::warning("old", "the list is old")
                        .at(pointer.clone())
                        .expected(format!("made within {} days", demand.longest_age.map_or(0, |d| d.whole_days())))
                        .observed(text),
                );
            }
        }
    }
}

fn judge_primary(list: &PartsList, product: &Product<'_>, notes: &mut Notes<'_>) {
    let Some(primary) = list.primary.and_then(|p| list.parts.get(p)) else {
        let expected = match list.format {
            Format::CycloneDx => "metadata.component",
            Format::Spdx2 => "a DESCRIBES relationship to a package",
            Format::Spdx3 => "a rootElement that is a package",
        };
        notes.push(Finding::error("primary-missing", "the list does not say of which product it is").expected(expected).clause(NTIA));
        return;
    };
    if let (Some(wanted), Some(name)) = (product.name, primary.name.value())
        && !same_name(wanted, name)
    {
        notes.push(
            Finding::error("primary-name", "the list is of another product")
                .at(child(&primary.pointer, "name"))
                .expected(wanted)
                .observed(name),
        );
    }
    if let (Some(wanted), Some(version)) = (product.version, primary.version.value())
        && !same_version(wanted, version)
    {
        notes.push(
            Finding::error("primary-version", "the list is of another version of the product")
                .at(primary.pointer.clone())
                .expected(wanted)
                .observed(version),
        );
    }
}

/// Names are the same when one holds all words of the other: `CareHub 2` and `carehub-2 firmware`.
fn same_name(a: &str, b: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    let words =
        |text: &str| text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect::<Vec<_>>();
    let (x, y) = (letters(a), letters(b));
    if x.is_empty() || y.is_empty() {
        return x == y;
    }
    let (p, q) = (words(a), words(b));
    x == y
        || x.contains(&y) && y.len() >= 3
        || y.contains(&x) && x.len() >= 3
        || p.iter().all(|w| q.contains(w))
        || q.iter().all(|w| p.contains(w))
}

fn same_version(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.trim().trim_start_matches(['v', 'V']).to_ascii_lowercase();
    plain(a) == plain(b)
}

fn judge_graph(list: &PartsList, graph: &Graph, notes: &mut Notes<'_>) {
    for (reference, pointer) in &graph.dangling {
        notes.push(
            Finding::error("graph-dangling", "a relation names a part that is not in the list")
                .at(pointer.clone())
                .expected("a reference of a part")
                .observed(reference),
        );
    }
    let others = list.parts.len() - usize::from(list.primary.is_some());
    // A package may be told by the files it contains.
    if others == 0 && graph.edges == 0 {
        notes.push(Finding::error("no-parts", "the list names no parts").expected("the parts of the product").clause(NTIA));
        return;
    }
    if graph.edges == 0 {
        notes.push(
            Finding::error("graph-empty", "the list does not say which part needs which").expected("relations between parts").clause(NTIA),
        );
        return;
    }
    if list.primary.is_some() && !graph.primary_known && graph.direct.is_empty() {
        notes.push(
            Finding::error("graph-without-product", "the list does not say what the product itself needs")
                .expected("relations from the product")
                .clause(NTIA),
        );
        return;
    }
    let apart: Vec<&Part> = graph.apart.iter().filter_map(|i| list.parts.get(*i)).filter(|p| p.kind == PartKind::Package).collect();
    if let Some(first) = apart.first() {
        let message = format!("{} of {} parts are joined to the product by no relation", apart.len(), list.parts.len());
        let finding = if list.known_incomplete { Finding::warning("graph-apart", message) } else { Finding::error("graph-apart", message) };
        let names: Vec<String> = apart.iter().take(5).map(|p| p.label()).collect();
        notes.push(
            finding.at(first.pointer.clone()).expected("every part reached from the product").observed(&names.join(", ")).clause(NTIA),
        );
    }
}

/// Supplier, name, version and identifier (four of the seven elements) of one part.
fn judge_elements(part: &Part, primary: bool, demanded: bool, notes: &mut Notes<'_>) {
    let mut missing = |rule: &str, what: &str, stated: &Stated| {
        let message = match stated {
            Stated::Value(_) => return,
            Stated::Empty => format!("a part's {what} is stated as unknown"),
            Stated::Missing => format!("a part has no {what}"),
        };
        let finding = if demanded { Finding::error(rule, message) } else { Finding::warning(rule, message) };
        notes.push(finding.at(part.pointer.clone()).expected(what).observed(&part.label()).clause(NTIA));
    };
    // A file is known by its hash: the elements are those of packages.
    if part.kind == PartKind::File {
        if part.name.value().is_none() || part.hashes.is_empty() {
            let message = "a file has no name or no hash to know it by";
            notes.push(Finding::warning("file", message).at(part.pointer.clone()).expected("name and hash").observed(&part.label()));
        }
        return;
    }
    missing("component-name", "name", &part.name);
    missing("component-version", "version", &part.version);
    missing("component-supplier", "supplier", &part.supplier);
    if part.purls.is_empty() && part.cpes.is_empty() && !part.other_identifier {
        // The product itself is named by the maker's own name and version; few have a package URL.
        let finding = if demanded && !primary {
            Finding::error("component-identifier", "a part has no identifier by which it can be looked up")
        } else {
            Finding::warning("component-identifier", "a part has no identifier by which it can be looked up")
        };
        notes.push(finding.at(part.pointer.clone()).expected("a package URL, CPE or SWID").observed(&part.label()).clause(NTIA));
    }
}

fn judge_identifiers(part: &Part, notes: &mut Notes<'_>) {
    for text in &part.purls {
        match PackageUrl::read(text) {
            Err(message) => notes.push(
                Finding::error("purl", message)
                    .at(part.pointer.clone())
                    .expected("pkg:type/namespace/name@version")
                    .observed(text)
                    .clause("ECMA-427"),
            ),
            Ok(url) => {
                if let (Some(of_url), Some(of_part)) = (&url.version, part.version.value())
                    && !same_version(of_url, of_part)
                    && !of_url.ends_with(of_part)
                    && !of_part.ends_with(of_url.as_str())
                {
                    notes.push(
                        Finding::warning("purl-version", "a part's package URL names another version than the part")
                            .at(part.pointer.clone())
                            .expected(of_part)
                            .observed(text),
                    );
                }
            }
        }
    }
    for text in &part.cpes {
        if let Err(message) = Cpe::read(text) {
            notes.push(
                Finding::error("cpe", message)
                    .at(part.pointer.clone())
                    .expected("cpe:2.3:part:vendor:product:version:…")
                    .observed(text)
                    .clause("NIST IR 7695"),
            );
        }
    }
}

fn judge_hashes(part: &Part, notes: &mut Notes<'_>) {
    for (algorithm, value) in &part.hashes {
        let length = match algorithm.as_str() {
            "md5" | "md2" | "md4" => 32,
            "sha1" => 40,
            "sha224" | "sha3224" => 56,
            "sha256" | "sha3256" | "blake2b256" | "blake3" => 64,
            "sha384" | "sha3384" | "blake2b384" => 96,
            "sha512" | "sha3512" | "blake2b512" => 128,
            _ => continue,
        };
        if value.len() != length || !value.bytes().all(|b| b.is_ascii_hexdigit()) {
            notes.push(
                Finding::error("hash", "a part's hash is not of the length of its algorithm")
                    .at(part.pointer.clone())
                    .expected(format!("{length} hexadecimal digits for {algorithm}"))
                    .observed(value),
            );
        }
    }
}

/// What CISA (2025) and BSI TR-03183-2 ask beyond the seven elements: one warning each.
fn judge_additions(list: &PartsList, notes: &mut Notes<'_>) {
    let packages: Vec<&Part> = list.parts.iter().collect();
    let mut tell = |rule: &str, what: &str, clause: &str, lacking: &dyn Fn(&Part) -> bool| {
        let without: Vec<&&Part> = packages.iter().filter(|p| lacking(p)).collect();
        if let Some(first) = without.first() {
            notes.push(
                Finding::warning(rule, format!("{} of {} parts have no {what}", without.len(), packages.len()))
                    .at(first.pointer.clone())
                    .expected(what)
                    .observed(&first.label())
                    .clause(clause),
            );
        }
    };
    tell("component-hash", "hash", CISA, &|p| p.hashes.is_empty());
    tell("component-hash-sha512", "SHA-512 hash", BSI, &|p| !p.hashes.is_empty() && !p.hashes.iter().any(|(a, _)| a == "sha512"));
    tell("component-licence", "known licence", CISA, &|p| p.licences.is_empty());
    tell("licence-expression", "licence in the form of an SPDX expression", BSI, &|p| {
        p.licences.iter().any(|l| !licence::is_expression(l))
    });
    if list.tools.is_empty() {
        notes.push(Finding::warning("tool", "the list does not say which tool made it").expected("a tool's name").clause(CISA));
    }
    if list.context.value().is_none() {
        notes.push(
            Finding::warning("generation-context", "the list does not say in which phase it was made")
                .expected("before, during or after the build")
                .clause(CISA),
        );
    }
}
