//! `security.txt`, RFC 9116: where finders of weaknesses learn whom to write to.
//!
//! The reader never gives up: each broken rule is a finding of its own, and what could be read is
//! read. One thing is told apart first: an answer that is no such file at all, usually the page that
//! a single-page application sends for every address, is one finding and not fifty.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::document::Position;
use crate::verdict::Finding;

/// The most lines that are read; a limit of ours, far above any published file.
const MAX_LINES: usize = 10_000;
/// The most findings that are kept of one file.
const MAX_FINDINGS: usize = 200;

/// What the judge knows about how the file was found.
#[derive(Debug, Clone, Copy)]
pub struct Retrieval<'a> {
    /// The address that was asked for first.
    pub asked: &'a str,
    /// The address that answered, after redirects.
    pub answered: &'a str,
    /// The `Content-Type` header, if any.
    pub content_type: Option<&'a str>,
}

/// One field of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as it was written.
    pub name: String,
    /// The value without surrounding blanks.
    pub value: String,
    /// The line it stands on, from 1.
    pub line: u32,
}

/// A file that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SecurityTxt {
    /// All fields in the order of the file.
    pub fields: Vec<Field>,
    /// Inside an OpenPGP cleartext signature (RFC 9116, section 2.3). The signature itself is not verified.
    pub signed: bool,
    /// `Expires`, when there is exactly one and it is a date.
    pub expires: Option<OffsetDateTime>,
}

impl SecurityTxt {
    /// The values of a field, by its name in any case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
    }
    /// Where the disclosure policy is published.
    pub fn policy(&self) -> Option<&str> {
        self.values("Policy").next()
    }
}

/// Reads and judges a file: `now` decides about `Expires`; a validity of more than `longest_validity`
/// is a warning (RFC 9116, section 2.5.5, recommends less than a year).
pub fn judge(body: &[u8], retrieval: &Retrieval<'_>, now: OffsetDateTime, longest_validity: Duration) -> (SecurityTxt, Vec<Finding>) {
    if let Some(finding) = not_the_file(body, retrieval.content_type) {
        return (SecurityTxt::default(), vec![finding]);
    }
    let mut findings = Vec::new();
    judge_retrieval(retrieval, &mut findings);
    let (file, broken) = read(body);
    findings.extend(broken);
    judge_contact(&file, &mut findings);
    judge_expires(&file, now, longest_validity, &mut findings);
    judge_addresses(&file, &mut findings);
    judge_canonical(&file, retrieval, &mut findings);
    judge_languages(&file, &mut findings);
    judge_names(&file, &mut findings);
    if !file.signed {
        findings.push(
            Finding::warning("unsigned", "the file has no digital signature")
                .expected("an OpenPGP cleartext signature")
                .clause("RFC 9116, section 2.3"),
        );
    }
    findings.truncate(MAX_FINDINGS);
    (file, findings)
}

/// A web page, a JSON answer or nothing where the file should be.
fn not_the_file(body: &[u8], content_type: Option<&str>) -> Option<Finding> {
    let not = |what: &str| {
        Some(
            Finding::error("not-security-txt", format!("the answer is {what}, not a security.txt file"))
                .expected("a text file with Contact and Expires")
                .observed(&String::from_utf8_lossy(body.get(..200).unwrap_or(body)))
                .clause("RFC 9116, section 3"),
        )
    };
    let start = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    if start.is_empty() {
        return not("empty");
    }
    let begins = |with: &str| start.get(..with.len()).is_some_and(|s| s.eq_ignore_ascii_case(with.as_bytes()));
    if begins("<!doctype") || begins("<html") || begins("<?xml") || begins("<!--") || begins("<head") {
        return not("a web page");
    }
    let media_type = content_type.map(essence);
    match media_type.as_deref() {
        Some("text/html" | "application/xhtml+xml") if start.starts_with(b"<") => not("a web page"),
        Some(kind) if kind.ends_with("json") && start.starts_with(b"{") => not("JSON"),
        _ => None,
    }
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn judge_retrieval(retrieval: &Retrieval<'_>, findings: &mut Vec<Finding>) {
    const CLAUSE: &str = "RFC 9116, section 3";
    match retrieval.content_type {
        None => findings
            .push(Finding::error("content-type", "the answer has no Content-Type").expected("text/plain; charset=utf-8").clause(CLAUSE)),
        Some(value) => {
            if essence(value) != "text/plain" {
                findings.push(
                    Finding::error("content-type", "the file is not sent as plain text")
                        .expected("text/plain; charset=utf-8")
                        .observed(value)
                        .clause(CLAUSE),
                );
            } else {
                let charset = value.split(';').skip(1).find_map(|p| {
                    let (name, value) = p.split_once('=')?;
                    name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_ascii_lowercase())
                });
                match charset.as_deref() {
                    Some("utf-8" | "utf8") => {}
                    Some(other) => findings.push(
                        Finding::error("charset", "the file is not sent as UTF-8").expected("charset=utf-8").observed(other).clause(CLAUSE),
                    ),
                    None => findings
                        .push(Finding::warning("charset", "the Content-Type names no charset").expected("charset=utf-8").clause(CLAUSE)),
                }
            }
        }
    }
    let Ok(url) = Url::parse(retrieval.answered) else { return };
    if url.scheme() != "https" {
        findings.push(
            Finding::error("not-https", "the file is served without encryption")
                .expected("https")
                .observed(retrieval.answered)
                .clause(CLAUSE),
        );
    }
    if url.path() == "/security.txt" {
        findings.push(
            Finding::warning("legacy-location", "the file stands at the top level of the host")
                .expected("/.well-known/security.txt")
                .observed(retrieval.answered)
                .clause(CLAUSE),
        );
    }
}

/// Reads the lines, the signature envelope and the fields. Total on arbitrary bytes.
pub fn read(body: &[u8]) -> (SecurityTxt, Vec<Finding>) {
    let mut file = SecurityTxt::default();
    let mut findings = Vec::new();
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            findings.push(
                Finding::error("byte-order-mark", "the file begins with a byte order mark")
                    .clause("RFC 9116, section 4; RFC 5198, section 2"),
            );
            rest
        }
        None => body,
    };
    let text = match std::str::from_utf8(body) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(error) => {
            let line = body.get(..error.valid_up_to()).unwrap_or_default().iter().filter(|b| **b == b'\n').count() + 1;
            findings.push(at_line(Finding::error("not-utf-8", "the file is not UTF-8").clause("RFC 9116, section 3"), number(line)));
            String::from_utf8_lossy(body)
        }
    };
    let lines: Vec<(u32, &str)> = text
        .split('\n')
        .enumerate()
        .take(MAX_LINES)
        .map(|(i, line)| (number(i + 1), line.strip_suffix('\r').unwrap_or(line).trim_end_matches([' ', '\t'])))
        .collect();
    if !text.ends_with('\n') {
        findings.push(
            at_line(Finding::error("line-end", "the last line has no end of line"), number(lines.len()))
                .expected("every line ends in LF or CRLF")
                .clause("RFC 9116, section 2.2"),
        );
    }
    let lines = open_envelope(&lines, &mut file, &mut findings);
    for (line, text) in lines {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match read_field(text) {
            Ok((name, value)) => file.fields.push(Field { name: name.to_owned(), value: value.to_owned(), line }),
            Err((rule, message)) => findings
                .push(at_line(Finding::error(rule, message), line).expected("Name: value").observed(text).clause("RFC 9116, section 4")),
        }
        if findings.len() >= MAX_FINDINGS {
            break;
        }
    }
    let expires: Vec<&str> = file.values("Expires").collect();
    let date = match expires.as_slice() {
        [value] => OffsetDateTime::parse(value, &Rfc3339).ok(),
        _ => None,
    };
    file.expires = date;
    (file, findings)
}

/// Takes the fields out of an OpenPGP cleartext signature (RFC 9580, section 7), if there is one.
fn open_envelope<'a>(lines: &[(u32, &'a str)], file: &mut SecurityTxt, findings: &mut Vec<Finding>) -> Vec<(u32, &'a str)> {
    const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
    const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
    const END: &str = "-----END PGP SIGNATURE-----";
    let mut broken = |message: &str, line: u32| {
        findings.push(at_line(Finding::error("signature-envelope", message), line).clause("RFC 9116, section 2.3; RFC 9580, section 7"));
    };
    let find = |mark: &str| lines.iter().position(|(_, text)| *text == mark);
    let Some(begin) = find(BEGIN) else {
        if let Some(at) = find(SIGNATURE).or_else(|| find(END)) {
            broken("a signature without the line that begins the signed message", lines.get(at).map_or(1, |l| l.0));
        }
        return lines.iter().filter(|(_, text)| !text.starts_with("-----")).copied().collect();
    };
    if let Some((line, _)) = lines.iter().take(begin).find(|(_, text)| !text.is_empty()) {
        broken("text stands before the signed message", *line);
    }
    // Armour headers (`Hash: SHA512`) up to the first empty line belong to the envelope.
    let Some(start) = lines.iter().skip(begin + 1).position(|(_, text)| text.is_empty()).map(|n| begin + 2 + n) else {
        broken("no empty line ends the headers of the signed message", lines.get(begin).map_or(1, |l| l.0));
        return Vec::new();
    };
    let Some(signature) = find(SIGNATURE).filter(|s| *s >= start) else {
        broken("the signed message has no signature", lines.get(begin).map_or(1, |l| l.0));
        return lines.iter().skip(start).copied().collect();
    };
    match find(END).filter(|e| *e > signature) {
        None => broken("the signature has no end", lines.get(signature).map_or(1, |l| l.0)),
        Some(end) => {
            file.signed = true;
            if let Some((line, _)) = lines.iter().skip(end + 1).find(|(_, text)| !text.is_empty()) {
                broken("text stands after the signature and is not covered by it", *line);
            }
        }
    }
    let mut inside = Vec::new();
    for (line, text) in lines.iter().take(signature).skip(start) {
        match text.strip_prefix("- ") {
            Some(rest) => inside.push((*line, rest)),
            None if text.starts_with('-') => broken("a line of the signed message begins with a dash that is not escaped", *line),
            None => inside.push((*line, *text)),
        }
    }
    inside
}

/// `field-name ":" SP value`; the name is of printable ASCII without colon (RFC 5322, section 3.6.8).
fn read_field(line: &str) -> Result<(&str, &str), (&'static str, &'static str)> {
    let Some((name, value)) = line.split_once(':') else { return Err(("line", "a line is neither a field nor a comment")) };
    if name.is_empty() {
        return Err(("field-name", "a field has no name"));
    }
    if name.ends_with([' ', '\t']) {
        return Err(("blank-before-colon", "a blank stands before the colon of a field"));
    }
    if !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(("field-name", "a field's name holds other than printable ASCII characters"));
    }
    let trimmed = value.trim_matches([' ', '\t']);
    if trimmed.is_empty() {
        return Err(("field-value", "a field has no value"));
    }
    if !value.starts_with(' ') {
        return Err(("blank-after-colon", "no blank stands between the colon and the value of a field"));
    }
    Ok((name, trimmed))
}

fn judge_contact(file: &SecurityTxt, findings: &mut Vec<Finding>) {
    const CLAUSE: &str = "RFC 9116, section 2.5.3";
    let mut any = false;
    for field in named(file, "Contact") {
        any = true;
        let expected = "an address that begins with https:, mailto: or tel:";
        let finding = |f: Finding| at_line(f, field.line).expected(expected).observed(&field.value).clause(CLAUSE);
        match scheme(&field.value) {
            None if field.value.contains('@') => {
                findings.push(finding(Finding::error("contact-not-uri", "a contact is an e-mail address without mailto:")))
            }
            None => findings
                .push(finding(Finding::error("contact-not-uri", "a contact is not an address of the web, of mail or of a telephone"))),
            Some(s) if s == "https" => {
                if !is_web_address(&field.value) {
                    findings.push(finding(Finding::error("contact-not-uri", "a contact is not a valid web address")));
                }
            }
            Some(s) if s == "http" => {
                findings.push(finding(Finding::error("contact-not-https", "a contact is a web address without encryption")))
            }
            Some(s) if s == "mailto" => {
                let address = field.value.get(7..).unwrap_or_default().split('?').next().unwrap_or_default();
                let valid =
                    address.rsplit_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.len() > 2 && !domain.contains(' '));
                if !valid || address.contains(' ') {
                    findings.push(finding(Finding::error("contact-not-uri", "a contact's mail address is not valid")));
                }
            }
            Some(s) if s == "tel" => {
                let digits = field.value.get(4..).unwrap_or_default();
                if !digits.contains(|c: char| c.is_ascii_digit()) || digits.contains(' ') {
                    findings.push(finding(Finding::error("contact-not-uri", "a contact's telephone number is not valid")));
                }
            }
            Some(_) => findings.push(finding(Finding::warning("contact-scheme", "a contact is of a kind that few finders can use"))),
        }
    }
    if !any {
        findings.push(Finding::error("contact-missing", "the file names no contact").expected("at least one Contact field").clause(CLAUSE));
    }
}

fn judge_expires(file: &SecurityTxt, now: OffsetDateTime, longest: Duration, findings: &mut Vec<Finding>) {
    const CLAUSE: &str = "RFC 9116, section 2.5.5";
    let fields: Vec<&Field> = named(file, "Expires").collect();
    let [field] = fields.as_slice() else {
        findings.push(match fields.get(1) {
            None => Finding::error("expires-missing", "the file does not say when it expires")
                .expected("exactly one Expires field")
                .clause(CLAUSE),
            Some(second) => at_line(Finding::error("expires-repeated", "the file names several dates of expiry"), second.line)
                .expected("exactly one Expires field")
                .observed(&second.value)
                .clause(CLAUSE),
        });
        return;
    };
    let finding = |f: Finding| at_line(f, field.line).observed(&field.value).clause(CLAUSE);
    match file.expires {
        None => findings.push(
            finding(Finding::error("expires-date", "the date of expiry is not a date and time of RFC 3339"))
                .expected("such as 2027-01-31T00:00:00Z"),
        ),
        Some(expires) if expires <= now => {
            findings.push(finding(Finding::error("expired", "the file has expired")).expected("a date in the future"))
        }
        Some(expires) if expires - now > longest => findings.push(
            finding(Finding::warning("expires-far", "the file is valid for longer than is advised"))
                .expected(format!("at most {} days", longest.whole_days())),
        ),
        Some(_) => {}
    }
}

/// Fields whose value is an address; one of the web must be encrypted (sections 2.5.1 to 2.5.7, and
/// the registered CSAF field).
fn judge_addresses(file: &SecurityTxt, findings: &mut Vec<Finding>) {
    const FIELDS: [(&str, &str); 6] = [
        ("Acknowledgments", "RFC 9116, section 2.5.1"),
        ("Canonical", "RFC 9116, section 2.5.2"),
        ("Encryption", "RFC 9116, section 2.5.4"),
        ("Hiring", "RFC 9116, section 2.5.6"),
        ("Policy", "RFC 9116, section 2.5.7"),
        ("CSAF", "CSAF 2.0, section 7.1.8"),
    ];
    for (name, clause) in FIELDS {
        for field in named(file, name) {
            let finding =
                |f: Finding| at_line(f, field.line).expected("a web address that begins with https:").observed(&field.value).clause(clause);
            match scheme(&field.value).as_deref() {
                Some("https") if is_web_address(&field.value) => {}
                Some("http") => {
                    findings.push(finding(Finding::error("not-https-address", format!("{name} is a web address without encryption"))))
                }
                // A key may be named by its fingerprint or found in DNS.
                Some("openpgp4fpr" | "dns") if name == "Encryption" => {}
                Some(_) | None if name == "Encryption" && field.value.starts_with("-----") => {
                    findings.push(finding(Finding::error("key-in-file", "the key itself stands in the file")));
                }
                Some("https") | None => findings.push(finding(Finding::error("not-an-address", format!("{name} is not a valid address")))),
                Some(_) => findings.push(finding(Finding::warning("address-scheme", format!("{name} is not an address of the web")))),
            }
        }
    }
}

fn judge_canonical(file: &SecurityTxt, retrieval: &Retrieval<'_>, findings: &mut Vec<Finding>) {
    const CLAUSE: &str = "RFC 9116, section 2.5.2";
    let canonical: Vec<&Field> = named(file, "Canonical").collect();
    let Some(first) = canonical.first() else {
        if file.signed {
            findings.push(
                Finding::warning("canonical-missing", "a signed file does not say at which address it belongs")
                    .expected("a Canonical field")
                    .clause(CLAUSE),
            );
        }
        return;
    };
    let found: Vec<Url> = [retrieval.asked, retrieval.answered].iter().filter_map(|a| Url::parse(a).ok()).collect();
    if found.is_empty() || canonical.iter().any(|f| Url::parse(&f.value).is_ok_and(|url| found.contains(&url))) {
        return;
    }
    findings.push(
        at_line(Finding::error("canonical-mismatch", "the file names other addresses as its own than the one it was found at"), first.line)
            .expected(format!("a Canonical field with {}", retrieval.asked))
            .observed(&first.value)
            .clause(CLAUSE),
    );
}

fn judge_languages(file: &SecurityTxt, findings: &mut Vec<Finding>) {
    const CLAUSE: &str = "RFC 9116, section 2.5.8";
    let mut fields = named(file, "Preferred-Languages");
    let Some(field) = fields.next() else { return };
    if let Some(second) = fields.next() {
        findings.push(
            at_line(Finding::error("languages-repeated", "Preferred-Languages stands more than once"), second.line)
                .expected("at most one field")
                .clause(CLAUSE),
        );
    }
    for tag in field.value.split(',').map(|tag| tag.trim_matches([' ', '\t'])) {
        if oxilangtag::LanguageTag::parse(tag).is_err() {
            findings.push(
                at_line(Finding::error("language-tag", "a preferred language is not a language tag"), field.line)
                    .expected("tags of BCP 47 between commas, such as pl, en")
                    .observed(tag)
                    .clause(CLAUSE),
            );
        }
    }
}

/// Unknown fields are allowed (section 2.4); one that is a slip of the pen of a known field is told.
fn judge_names(file: &SecurityTxt, findings: &mut Vec<Finding>) {
    const KNOWN: [&str; 9] =
        ["acknowledgments", "canonical", "contact", "csaf", "encryption", "expires", "hiring", "policy", "preferred-languages"];
    for field in &file.fields {
        let name = field.name.to_ascii_lowercase();
        if KNOWN.contains(&name.as_str()) {
            continue;
        }
        if let Some(meant) = KNOWN.iter().find(|known| known.len() > 6 && within_two_letters(&name, known)) {
            findings.push(
                at_line(Finding::warning("field-misspelt", "a field's name is nearly, but not, a known one"), field.line)
                    .expected(format!("{meant}, if that was meant"))
                    .observed(&field.name)
                    .clause("RFC 9116, section 2.4"),
            );
        }
    }
}

/// Whether two short words differ by at most two inserted, deleted or replaced letters.
fn within_two_letters(a: &str, b: &str) -> bool {
    if a.len().abs_diff(b.len()) > 2 {
        return false;
    }
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut next = vec![i + 1];
        for ((y, diagonal), up) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(x != *y)).min(up + 1).min(left + 1));
        }
        row = next;
    }
    row.last().is_some_and(|distance| *distance <= 2)
}

fn named<'a>(file: &'a SecurityTxt, name: &'a str) -> impl Iterator<Item = &'a Field> {
    file.fields.iter().filter(move |f| f.name.eq_ignore_ascii_case(name))
}

/// The scheme of an absolute URI (RFC 3986, section 3.1), in lower case.
fn scheme(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && !rest.is_empty();
    valid.then(|| scheme.to_ascii_lowercase())
}

fn is_web_address(value: &str) -> bool {
    !value.contains(|c: char| c.is_whitespace() || c.is_control())
        && value.get(..8).is_some_and(|s| s.eq_ignore_ascii_case("https://"))
        && Url::parse(value).is_ok_and(|url| url.has_host())
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

fn at_line(finding: Finding, line: u32) -> Finding {
    finding.at(format!("line {line}")).position(Some(Position { line, column: 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::Severity;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-22 09:00 UTC);
    const YEAR: Duration = Duration::days(366);
    const HERE: Retrieval<'_> = Retrieval {
        asked: "https://example.org/.well-known/security.txt",
        answered: "https://example.org/.well-known/security.txt",
        content_type: Some("text/plain; charset=utf-8"),
    };
    const SOUND: &str = "# Our contacts\r\nContact: mailto:security@example.org\r\ncontact: https://example.org/report\r\nExpires: 2027-06-30T22:00:00.000Z\r\n\r\nPreferred-Languages: pl, en-GB\r\nPolicy: https://example.org/policy\r\nCanonical: https://example.org/.well-known/security.txt\r\nX-Own: anything goes\r\n";

    fn rules_in(text: &str, retrieval: &Retrieval<'_>, severity: Severity) -> Vec<String> {
        let (_, findings) = judge(text.as_bytes(), retrieval, NOW, YEAR);
        findings.into_iter().filter(|f| f.severity == severity).map(|f| f.rule).collect()
    }
    fn errors(text: &str) -> Vec<String> {
        rules_in(text, &HERE, Severity::Error)
    }

    #[test]
    fn a_sound_file_has_no_error_and_warns_of_the_missing_signature_only() {
        assert_eq!(errors(SOUND), Vec::<String>::new());
        assert_eq!(rules_in(SOUND, &HERE, Severity::Warning), ["unsigned"]);
        let (file, _) = judge(SOUND.as_bytes(), &HERE, NOW, YEAR);
        assert_eq!(file.policy(), Some("https://example.org/policy"));
        assert_eq!(file.values("CONTACT").count(), 2);
        assert_eq!(errors(&SOUND.replace("\r\n", "\n")), Vec::<String>::new(), "LF alone is allowed");
    }

    #[test]
    fn each_defect_is_told_by_its_own_rule() {
        let cases: &[(&str, &str, &str)] = &[
            ("mailto:security@example.org", "security@example.org", "contact-not-uri"),
            ("mailto:security@example.org", "mailto:security", "contact-not-uri"),
            ("https://example.org/report", "http://example.org/report", "contact-not-https"),
            ("2027-06-30T22:00:00.000Z", "2026-06-30T22:00:00.000Z", "expired"),
            ("2027-06-30T22:00:00.000Z", "Wed, 30 Jun 2027 22:00:00 +0000", "expires-date"),
            ("2027-06-30T22:00:00.000Z", "2027-06-30", "expires-date"),
            ("2027-06-30T22:00:00.000Z", "2027-13-30T22:00:00Z", "expires-date"),
            ("X-Own: anything goes", "Expires: 2027-01-01T00:00:00Z", "expires-repeated"),
            ("X-Own: anything goes", "Preferred-Languages: de", "languages-repeated"),
            ("pl, en-GB", "Polish (PL)", "language-tag"),
            ("pl, en-GB", "pl,", "language-tag"),
            ("https://example.org/policy", "http://example.org/policy", "not-https-address"),
            ("https://example.org/policy", "see our site", "not-an-address"),
            ("Canonical: https://example.org/", "Canonical: https://example.com/", "canonical-mismatch"),
            ("X-Own: anything goes", "anything goes", "line"),
            ("X-Own: anything goes", "X-Own : anything", "blank-before-colon"),
            ("X-Own: anything goes", "X-Own:anything", "blank-after-colon"),
            ("X-Own: anything goes", "X-Own:", "field-value"),
            ("X-Own: anything goes", ": anything", "field-name"),
            ("X-Own: anything goes", "Żółw: anything", "field-name"),
        ];
        for (from, to, rule) in cases {
            let broken = SOUND.replace(from, to);
            assert_ne!(broken, SOUND, "{from}");
            assert_eq!(errors(&broken), [*rule], "{to}");
        }
        assert_eq!(errors(SOUND.trim_end()), ["line-end"]);
        assert_eq!(errors(&format!("\u{feff}{SOUND}")), ["byte-order-mark"]);
        let without =
            |name: &str| SOUND.lines().filter(|l| !l.to_lowercase().starts_with(name)).map(|l| format!("{l}\n")).collect::<String>();
        assert_eq!(errors(&without("contact")), ["contact-missing"]);
        assert_eq!(errors(&without("expires")), ["expires-missing"]);
    }

    #[test]
    fn a_long_validity_and_a_misspelt_field_are_warnings() {
        assert_eq!(rules_in(&SOUND.replace("2027", "2029"), &HERE, Severity::Warning), ["expires-far", "unsigned"]);
        assert_eq!(rules_in(&SOUND.replace("X-Own: ", "Acknowledgements: "), &HERE, Severity::Warning), ["field-misspelt", "unsigned"]);
        assert_eq!(
            rules_in(&SOUND.replace("mailto:security@example.org", "xmpp:security@example.org"), &HERE, Severity::Warning),
            ["contact-scheme", "unsigned"]
        );
    }

    #[test]
    fn how_the_file_is_served_counts() {
        let with = |content_type, answered| rules_in(SOUND, &Retrieval { content_type, answered, ..HERE }, Severity::Error);
        assert_eq!(with(Some("text/html; charset=utf-8"), HERE.answered), ["content-type"]);
        assert_eq!(with(None, HERE.answered), ["content-type"]);
        assert_eq!(with(Some("text/plain; charset=iso-8859-1"), HERE.answered), ["charset"]);
        assert_eq!(with(Some("Text/Plain;Charset=\"UTF-8\""), HERE.answered), Vec::<String>::new());
        assert_eq!(with(HERE.content_type, "http://example.org/.well-known/security.txt"), ["not-https"]);
        let legacy = Retrieval { answered: "https://example.org/security.txt", ..HERE };
        assert_eq!(rules_in(SOUND, &legacy, Severity::Warning), ["legacy-location", "unsigned"]);
        assert_eq!(rules_in(SOUND, &legacy, Severity::Error), Vec::<String>::new(), "the address that was asked for is canonical");
    }

    #[test]
    fn a_web_page_in_its_place_is_one_finding() {
        let page = "<!DOCTYPE html>\n<html><body>Contact: us</body></html>";
        assert_eq!(errors(page), ["not-security-txt"]);
        assert_eq!(errors("\n"), ["not-security-txt"]);
        let json = Retrieval { content_type: Some("application/json"), ..HERE };
        assert_eq!(rules_in("{\"error\": 404}", &json, Severity::Error), ["not-security-txt"]);
    }

    fn signed(body: &str) -> String {
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{body}-----BEGIN PGP SIGNATURE-----\n\niHUEARYKAB0WIQ==\n=abcd\n-----END PGP SIGNATURE-----\n"
        )
    }

    #[test]
    fn the_signature_envelope_is_opened() {
        let body = SOUND
            .replace("\r\n", "\n")
            .replace("# Our contacts", "- - dashes are escaped\n# Our contacts")
            .replace("- - dashes are escaped\n", "- # -- escaped\n");
        assert_eq!(errors(&signed(&body)), Vec::<String>::new());
        assert_eq!(rules_in(&signed(&body), &HERE, Severity::Warning), Vec::<String>::new());
        for broken in [
            signed(&body).replace("-----END PGP SIGNATURE-----\n", ""),
            signed(&body).replace("-----BEGIN PGP SIGNED MESSAGE-----\n", "# x\n-----BEGIN PGP SIGNED MESSAGE-----\n"),
            signed(&body) + "Contact: mailto:other@example.org\n",
            signed(&format!("{body}--- three dashes\n")),
        ] {
            assert_eq!(errors(&broken), ["signature-envelope"], "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300), tail in "[-A-Za-z: \r\n#]{0,200}") {
            let mut body = bytes;
            body.extend_from_slice(tail.as_bytes());
            let _ = judge(&body, &HERE, NOW, YEAR);
        }
    }
}
