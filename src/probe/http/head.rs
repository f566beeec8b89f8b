//! The head of an HTTP/1 answer, read as it is: what is wrong with it is told, not hidden and not
//! stumbled over.
//!
//! RFC 9112 lets a client be lenient in many places and demands that it refuses in others. This
//! reader does neither: it goes on as far as there is sense, and names each departure from the
//! grammar. The judges decide what it means. Pure functions over bytes; the network is elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::Untrusted;

/// The most faults of one answer that are recorded one by one.
const MOST_FAULTS: usize = 50;

/// How an answer departs from the grammar or the framing rules of HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// Empty lines before the status line (RFC 9112, section 2.2 allows them before requests only).
    LeadingEmptyLine,
    /// The status line is not `HTTP/1.x SP 3DIGIT SP [reason]` (RFC 9112, section 4).
    StatusLine,
    /// The version is not 1.0 or 1.1 (RFC 9112, section 2.3).
    Version,
    /// A line ends with LF alone (RFC 9112, section 2.2).
    BareLf,
    /// A CR stands elsewhere than before LF (RFC 9112, section 2.2).
    BareCr,
    /// A field continues on a second line (RFC 9112, section 5.2).
    LineFolding,
    /// A line without a colon (RFC 9112, section 5).
    NoColon,
    /// A field without a name (RFC 9112, section 5).
    NoName,
    /// White space between a field's name and the colon (RFC 9112, section 5.1).
    SpaceBeforeColon,
    /// A field name with a character that is none of a token's (RFC 9110, section 5.1).
    NameCharacter,
    /// A field value with a control character (RFC 9110, section 5.5).
    ValueCharacter,
    /// A field value with bytes outside ASCII (RFC 9110, section 5.5: to be treated as opaque).
    ValueNotAscii,
    /// More header fields than are recorded.
    TooManyFields,
    /// The head did not end within the limit.
    HeadTooLarge,
    /// The connection ended before the head did.
    HeadCutOff,
    /// `Content-Length` more than once, always the same (RFC 9110, section 8.6).
    LengthRepeated,
    /// `Content-Length` more than once, with different values (RFC 9112, section 6.3).
    LengthsDiffer,
    /// `Content-Length` is no number, or too large a one (RFC 9110, section 8.6).
    LengthInvalid,
    /// Both `Content-Length` and `Transfer-Encoding` (RFC 9112, section 6.1).
    LengthAndEncoding,
    /// A transfer coding that is unknown, or `chunked` not last or not once (RFC 9112, section 6.1).
    TransferEncoding,
    /// `Transfer-Encoding` in an HTTP/1.0 answer, or with status 1xx or 204 (RFC 9112, section 6.1).
    EncodingNotAllowed,
    /// The body is shorter than announced, or ends without the last chunk (RFC 9112, section 8).
    BodyShort,
    /// Bytes follow the end of the answer.
    BytesAfterEnd,
    /// A body where none may be: after HEAD, 1xx, 204 or 304 (RFC 9110, section 6.4.1).
    BodyNotAllowed,
    /// A chunk size that is no hexadecimal number or too large (RFC 9112, section 7.1).
    ChunkSize,
    /// A chunk that does not end with CRLF (RFC 9112, section 7.1).
    ChunkEnd,
    /// Chunk extensions beyond all measure (RFC 9112, section 7.1.1).
    ChunkExtensions,
    /// Trailers beyond all measure, or not in the form of fields (RFC 9112, section 7.1.2).
    Trailers,
    /// A content coding that was not asked for (RFC 9110, section 12.5.3).
    CodingNotAsked,
    /// The content is not encoded as `Content-Encoding` says (RFC 9110, section 8.4.1).
    CodingBroken,
    /// `deflate` without the zlib format around it (RFC 9110, section 8.4.1.2).
    DeflateWithoutZlib,
    /// The connection closed without the TLS end (RFC 9112, section 9.8).
    NoTlsEnd,
    /// More than one `Location` (RFC 9110, section 10.2.2).
    SeveralLocations,
    /// More interim answers than are read.
    TooManyInterim,
    /// A protocol switch that nobody asked for (RFC 9110, section 15.2.2).
    Switching,
}

/// One departure from HTTP/1.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpFault {
    /// What it is.
    pub kind: FaultKind,
    /// What stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Untrusted>,
}

/// A list of faults that cannot grow without end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(crate) list: Vec<HttpFault>,
    pub(crate) unlisted: u32,
}

impl Faults {
    pub(crate) fn add(&mut self, kind: FaultKind, seen: &[u8]) {
        if self.list.len() < MOST_FAULTS {
            let seen = (!seen.is_empty()).then(|| Untrusted::from_bytes(seen));
            self.list.push(HttpFault { kind, seen });
        } else {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }
    pub(crate) fn append(&mut self, other: Self) {
        for fault in other.list {
            if self.list.len() < MOST_FAULTS {
                self.list.push(fault);
            } else {
                self.unlisted = self.unlisted.saturating_add(1);
            }
        }
        self.unlisted = self.unlisted.saturating_add(other.unlisted);
    }
}

/// The head of an answer, as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// The version as written after `HTTP/`.
    pub version: String,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Fields in their order, as far as they are recorded: name as written, value without the white
    /// space around it. Bytes that are not UTF-8 stand as U+FFFD.
    pub fields: Vec<(String, String)>,
    /// How many fields there are in all.
    pub field_count: u32,
    pub(crate) faults: Faults,
    /// The values that decide the framing, from all fields, recorded or not.
    pub(crate) lengths: Vec<Vec<u8>>,
    pub(crate) transfer: Vec<Vec<u8>>,
    pub(crate) coding: Vec<Vec<u8>>,
    pub(crate) locations: u32,
    pub(crate) closes: bool,
}

impl Head {
    /// The faults that were found, as far as they are listed.
    pub fn faults(&self) -> &[HttpFault] {
        &self.faults.list
    }
}

/// Where the head ends: the number of bytes up to and including the first empty line after the first
/// line that is not empty. `from` is where an earlier search over fewer bytes left off.
pub fn find_end(bytes: &[u8], from: usize) -> Option<usize> {
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'))?;
    // An empty line may begin up to three bytes before what is new.
    let mut at = from.saturating_sub(3).max(start);
    while let Some(offset) = bytes.get(at..)?.iter().position(|b| *b == b'\n') {
        let lf = at + offset;
        match bytes.get(lf + 1..)? {
            [b'\n', ..] => return Some(lf + 2),
            [b'\r', b'\n', ..] => return Some(lf + 3),
            _ => at = lf + 1,
        }
    }
    None
}

/// Reads a head. `None` where the first line does not begin as that of an HTTP/1 answer.
pub fn parse(bytes: &[u8], most_fields: usize) -> Option<Head> {
    let mut head = Head::default();
    let mut rest = bytes;
    while let Some(after) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
        rest = after;
    }
    if rest.len() < bytes.len() {
        head.faults.add(FaultKind::LeadingEmptyLine, &[]);
    }
    let first = next_line(&mut rest, &mut head.faults);
    status_line(first, &mut head)?;
    fields(rest, &mut head, most_fields);
    if head.field_count as usize > most_fields {
        head.faults.add(FaultKind::TooManyFields, head.field_count.to_string().as_bytes());
    }
    if head.locations > 1 {
        head.faults.add(FaultKind::SeveralLocations, &[]);
    }
    Some(head)
}

/// Reads trailer fields, which have the form of header fields (RFC 9112, section 7.1.2).
pub(crate) fn parse_trailers(bytes: &[u8], most_fields: usize) -> (Vec<(String, String)>, Faults) {
    let mut head = Head::default();
    fields(bytes, &mut head, most_fields);
    (head.fields, head.faults)
}

fn fields(mut rest: &[u8], head: &mut Head, most_fields: usize) {
    // The field that the next line may continue: its name and value as bytes.
    let mut open: Option<(Vec<u8>, Vec<u8>)> = None;
    while !rest.is_empty() {
        let line = next_line(&mut rest, &mut head.faults);
        if line.is_empty() {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t')) {
            head.faults.add(FaultKind::LineFolding, line);
            if let Some((_, value)) = &mut open {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            continue;
        }
        close_field(head, open.take(), most_fields);
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            head.faults.add(FaultKind::NoColon, line);
            continue;
        };
        let (name, value) = (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        let trimmed = name.trim_ascii_end();
        if trimmed.is_empty() {
            head.faults.add(FaultKind::NoName, line);
            continue;
        }
        if trimmed.len() < name.len() {
            head.faults.add(FaultKind::SpaceBeforeColon, line);
        }
        if !trimmed.iter().all(|b| is_token_byte(*b)) {
            head.faults.add(FaultKind::NameCharacter, trimmed);
        }
        open = Some((trimmed.to_vec(), trim_blanks(value).to_vec()));
    }
    close_field(head, open, most_fields);
}

/// Takes the next line off the rest, without its end.
fn next_line<'a>(rest: &mut &'a [u8], faults: &mut Faults) -> &'a [u8] {
    let whole = *rest;
    let (line, after) = match whole.iter().position(|b| *b == b'\n') {
        Some(lf) => (whole.get(..lf).unwrap_or_default(), whole.get(lf + 1..).unwrap_or_default()),
        None => (whole, &[][..]),
    };
    let ended = line.len() < whole.len();
    *rest = after;
    let text = match line.strip_suffix(b"\r") {
        Some(text) => text,
        None => {
            if ended {
                faults.add(FaultKind::BareLf, line);
            }
            line
        }
    };
    if text.contains(&b'\r') {
        faults.add(FaultKind::BareCr, text);
    }
    text
}

fn status_line(line: &[u8], head: &mut Head) -> Option<()> {
    let after = line.strip_prefix(b"HTTP/")?;
    let mut parts = after.splitn(3, |b| *b == b' ');
    let version = parts.next()?;
    let status = parts.next()?;
    let reason = parts.next();
    if !version.iter().all(|b| b.is_ascii_digit() || *b == b'.') || version.is_empty() || version.len() > 8 {
        return None;
    }
    if status.len() != 3 || !status.iter().all(u8::is_ascii_digit) {
        return None;
    }
    head.version = String::from_utf8_lossy(version).into_owned();
    head.status = status.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    head.reason = String::from_utf8_lossy(reason.unwrap_or_default()).into_owned();
    if !matches!(version, b"1.0" | b"1.1") {
        head.faults.add(FaultKind::Version, line);
    }
    let sound = reason.is_some_and(|r| r.iter().all(|b| matches!(b, b'\t' | 0x20..=0x7e | 0x80..)));
    if !sound || !(100..=599).contains(&head.status) {
        head.faults.add(FaultKind::StatusLine, line);
    }
    Some(())
}

fn close_field(head: &mut Head, field: Option<(Vec<u8>, Vec<u8>)>, most_fields: usize) {
    let Some((name, value)) = field else { return };
    if value.iter().any(|b| b.is_ascii_control() && *b != b'\t') {
        head.faults.add(FaultKind::ValueCharacter, &value);
    }
    if !value.is_ascii() {
        head.faults.add(FaultKind::ValueNotAscii, &value);
    }
    head.field_count = head.field_count.saturating_add(1);
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if is("content-length") {
        // Enough to see that they differ.
        if head.lengths.len() < 4 || head.lengths.iter().all(|seen| *seen == value) && head.lengths.len() < 64 {
            head.lengths.push(value.clone());
        }
    } else if is("transfer-encoding") {
        push_items(&mut head.transfer, &value);
    } else if is("content-encoding") {
        push_items(&mut head.coding, &value);
    } else if is("connection") {
        head.closes |= value.split(|b| *b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(b"close"));
    } else if is("location") {
        head.locations = head.locations.saturating_add(1);
    }
    if head.fields.len() < most_fields {
        head.fields.push((String::from_utf8_lossy(&name).into_owned(), String::from_utf8_lossy(&value).into_owned()));
    }
}

/// Adds the items of a comma-separated list, in lower case; beyond eight nobody needs to know more.
fn push_items(list: &mut Vec<Vec<u8>>, value: &[u8]) {
    for item in value.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty()) {
        if list.len() < 8 {
            list.push(item.to_ascii_lowercase());
        }
    }
}

/// Characters of a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

fn trim_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(bytes: &[u8]) -> Vec<FaultKind> {
        parse(bytes, 100).unwrap().faults().iter().map(|f| f.kind).collect()
    }

    #[test]
    fn a_sound_head_has_no_fault() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nX-Empty:\r\nServer: \t a b \t\r\n\r\nbody";
        let end = find_end(bytes, 0).unwrap();
        assert_eq!(&bytes[end..], b"body");
        let head = parse(&bytes[..end], 100).unwrap();
        assert_eq!((head.status, head.reason.as_str(), head.version.as_str()), (200, "OK", "1.1"));
        assert_eq!(head.fields[2], ("Server".to_owned(), "a b".to_owned()));
        assert_eq!(head.fields[1].1, "");
        assert!(head.faults().is_empty());
        assert!(parse(b"HTTP/1.1 204 \r\n\r\n", 9).unwrap().faults().is_empty());
    }

    #[test]
    fn each_departure_is_named_and_only_it() {
        use FaultKind::{
            BareCr, BareLf, LeadingEmptyLine, LineFolding, NameCharacter, NoColon, NoName, SpaceBeforeColon, StatusLine, ValueCharacter,
            ValueNotAscii, Version,
        };
        for (bytes, expected) in [
            (&b"\r\nHTTP/1.1 200 OK\r\n\r\n"[..], LeadingEmptyLine),
            (b"HTTP/1.1 200\r\n\r\n", StatusLine),
            (b"HTTP/1.1 999 What\r\n\r\n", StatusLine),
            (b"HTTP/2.0 200 OK\r\n\r\n", Version),
            (b"HTTP/1.1 200 OK\nA: b\r\n\r\n", BareLf),
            (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", LineFolding),
            (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", NoColon),
            (b"HTTP/1.1 200 OK\r\n: value\r\n\r\n", NoName),
            (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", SpaceBeforeColon),
            (b"HTTP/1.1 200 OK\r\nA(b): c\r\n\r\n", NameCharacter),
            (b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n", ValueCharacter),
            (b"HTTP/1.1 200 OK\r\nA: \x1b[2J\r\n\r\n", ValueCharacter),
            (b"HTTP/1.1 200 OK\r\nA: \xe2\x80\xae\r\n\r\n", ValueNotAscii),
        ] {
            assert_eq!(faults_of(bytes), [expected], "{}", String::from_utf8_lossy(bytes));
        }
        assert!(faults_of(b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n").contains(&BareCr));
    }

    #[test]
    fn folded_lines_are_joined_and_shown() {
        let head = parse(b"HTTP/1.1 200 OK\r\nA: b\r\n\t c \r\nD: e\r\n\r\n", 9).unwrap();
        assert_eq!(head.fields, [("A".to_owned(), "b c".to_owned()), ("D".to_owned(), "e".to_owned())]);
    }

    #[test]
    fn what_is_no_http_is_not_read() {
        for bytes in [
            &b"\x15\x03\x01\x00\x02\x02\x46"[..],
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"",
            b"ICY 200 OK\r\n\r\n",
        ] {
            assert!(parse(bytes, 9).is_none());
        }
    }

    #[test]
    fn the_end_is_found_however_the_bytes_arrive() {
        let bytes = b"\r\n\r\nHTTP/1.1 200 OK\r\nA: b\n\r\nrest";
        let whole = find_end(bytes, 0).unwrap();
        assert_eq!(&bytes[whole..], b"rest");
        for split in 0..bytes.len() {
            let early = find_end(&bytes[..split], 0);
            let found = early.or_else(|| find_end(bytes, split));
            assert_eq!(found, Some(whole), "{split}");
        }
    }

    #[test]
    fn many_fields_are_counted_and_few_are_kept() {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        for _ in 0..100_000 {
            bytes.extend_from_slice(b"a:b\r\n");
        }
        bytes.extend_from_slice(b"Content-Length: 3\r\n\r\n");
        let head = parse(&bytes, 100).unwrap();
        assert_eq!((head.fields.len(), head.field_count, head.lengths.len()), (100, 100_001, 1));
        assert_eq!(head.faults().last().unwrap().kind, FaultKind::TooManyFields);
    }

    #[test]
    fn faults_without_end_are_counted() {
        let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
        bytes.extend(std::iter::repeat_n(&b"x\r\n"[..], 1000).flatten());
        let head = parse(&bytes, 100).unwrap();
        assert_eq!((head.faults.list.len(), head.faults.unlisted), (50, 950));
    }
}
