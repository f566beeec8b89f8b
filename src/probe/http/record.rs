//! From an answer as it came to the answer as it is recorded: without secrets.
//!
//! Secrets are taken out of the raw bytes first, and everything that is recorded is read from what
//! remains. So no field, fault or excerpt can hold a piece of one.

use sha2::{Digest as _, Sha256};
use url::Url;

use super::bytes::Bytes;
use super::client::Answer;
use super::exchange::{Redirect, Response};
use super::head::{Head, parse, parse_trailers};
use crate::probe::scope::{Origin, Scope};
use crate::verdict::{REDACTED, Redactor, Untrusted};

/// Fields of a request whose values are never recorded.
const SECRET_FIELDS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];

/// Fields of a request as they are recorded; `more` names further fields that carry secrets.
pub(crate) fn request_fields(fields: &[(String, String)], more: Option<&str>, redactor: &Redactor) -> Vec<(String, String)> {
    let is_secret = |name: &str| SECRET_FIELDS.iter().copied().chain(more).any(|secret| name.eq_ignore_ascii_case(secret));
    let record = |(name, value): &(String, String)| {
        let value = match value.split_once(' ') {
            // The scheme of an Authorization is worth knowing.
            Some((scheme, _)) if is_secret(name) && name.to_ascii_lowercase().ends_with("authorization") => format!("{scheme} {REDACTED}"),
            _ if is_secret(name) => REDACTED.to_owned(),
            _ => redactor.text(value),
        };
        (redactor.text(name), redactor.text(&value))
    };
    fields.iter().map(record).collect()
}

/// An answer as it is recorded.
pub(crate) fn response(answer: Answer, most_fields: usize, redactor: &Redactor) -> Response {
    let head_bytes = mask_cookies(&redactor.bytes(&answer.head_bytes));
    let Head { reason, fields, faults, .. } = parse(&head_bytes, most_fields).unwrap_or_else(|| {
        // A secret that is part of the status line: it is gone, and the fields still count.
        let after = head_bytes.iter().position(|b| *b == b'\n').and_then(|lf| head_bytes.get(lf + 1..)).unwrap_or_default();
        let (fields, faults) = parse_trailers(after, most_fields);
        Head { fields, faults, ..Head::default() }
    });
    let (trailers, trailer_faults) = parse_trailers(&mask_cookies(&redactor.bytes(&answer.trailers)), most_fields);
    let mut all = faults;
    all.append(trailer_faults);
    all.append(answer.faults);
    // Joining folded lines may have put together what was apart.
    let clean = |fields: Vec<(String, String)>| fields.into_iter().map(|(n, v)| (redactor.text(&n), redactor.text(&v))).collect();
    let body_sha256 = hex(&Sha256::digest(&answer.body));
    let decoded_length = answer.body.len() as u64;
    let found = redactor.finds(&answer.body);
    let body = if found { redactor.bytes(&answer.body) } else { answer.body };
    Response {
        redacted: found || redactor.finds(&answer.head_bytes) || redactor.finds(&answer.trailers),
        head: Bytes(head_bytes),
        version: answer.version,
        status: answer.status,
        reason: redactor.text(&reason),
        headers: clean(fields),
        trailers: clean(trailers),
        interim: answer.interim,
        malformed: all.list,
        malformed_more: all.unlisted,
        body: Bytes(body),
        body_sha256,
        encoded_length: answer.encoded,
        decoded_length,
        cut: answer.cut,
    }
}

/// Where a recorded answer points to.
pub(crate) fn redirect(response: &Response, asked: &Url, scope: &Scope) -> Option<Redirect> {
    let location = location(response)?;
    let Ok(url) = asked.join(location) else {
        let refused = Some(crate::probe::Refusal::Unreadable);
        return Some(Redirect { url: Untrusted::new(location), refused, leaves_origin: true, downgrades: false });
    };
    let refused = if matches!(url.scheme(), "http" | "https") {
        scope.admits(&url).err()
    } else {
        Some(crate::probe::Refusal::Scheme { scheme: Untrusted::new(url.scheme()) })
    };
    Some(Redirect {
        refused,
        leaves_origin: Origin::of(&url).ok() != Origin::of(asked).ok(),
        downgrades: asked.scheme() == "https" && url.scheme() == "http",
        url: Untrusted::new(url.as_str()),
    })
}

/// The first `Location` of a redirecting answer (RFC 9110, section 15.4).
pub(crate) fn location(response: &Response) -> Option<&str> {
    if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("location")).map(|(_, value)| value.as_str())
}

/// Takes the values of cookies out of a head: they may open somebody's session.
fn mask_cookies(head: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(head.len());
    let mut in_cookie = false;
    for line in head.split_inclusive(|b| *b == b'\n') {
        let folded = matches!(line.first(), Some(b' ' | b'\t'));
        let colon = line.iter().position(|b| *b == b':');
        if !folded {
            let name = colon.and_then(|colon| line.get(..colon)).unwrap_or_default().trim_ascii();
            in_cookie = name.eq_ignore_ascii_case(b"set-cookie") || name.eq_ignore_ascii_case(b"set-cookie2");
        }
        if !in_cookie {
            out.extend_from_slice(line);
            continue;
        }
        let from = if folded { 0 } else { colon.map_or(0, |colon| colon + 1) };
        let end = line.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |last| last + 1);
        let text = line.get(from..end).unwrap_or_default();
        let pair = text.split(|b| *b == b';').next().unwrap_or_default();
        let value = pair.iter().position(|b| *b == b'=').map_or(0, |equals| equals + 1);
        out.extend_from_slice(line.get(..from + value).unwrap_or_default());
        if pair.get(value..).is_some_and(|value| !value.trim_ascii().is_empty()) {
            out.extend_from_slice(REDACTED.as_bytes());
        }
        // A folded line may continue the value or the attributes; nobody can tell, so nothing of it stays.
        if !folded {
            out.extend_from_slice(line.get(from + pair.len()..end).unwrap_or_default());
        }
        out.extend_from_slice(line.get(end..).unwrap_or_default());
    }
    out
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_values_go_and_their_attributes_stay() {
        let head = b"HTTP/1.1 200 OK\r\nSet-Cookie: __Host-sid=abc=def; Path=/; Secure; HttpOnly\r\nset-cookie:gone=; Max-Age=0\r\nSet-Cookie: odd\r\n  more\r\nA: b\r\n\r\n";
        assert_eq!(
            String::from_utf8(mask_cookies(head)).unwrap(),
            "HTTP/1.1 200 OK\r\nSet-Cookie: __Host-sid=[redacted]; Path=/; Secure; HttpOnly\r\nset-cookie:gone=; Max-Age=0\r\nSet-Cookie:[redacted]\r\n[redacted]\r\nA: b\r\n\r\n"
        );
    }
}
