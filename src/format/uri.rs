//! URIs and IRIs by the grammar of RFC 3986 and RFC 3987, and the variables of a URI Template
//! (RFC 6570). Own code, because the URL Standard's parser repairs what this program must report.

/// Which characters are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// RFC 3986: ASCII.
    Uri,
    /// RFC 3987: letters of all scripts as well.
    Iri,
}

/// Whether the text is a URI or IRI with a scheme.
///
/// # Errors
/// Says what breaks the grammar.
pub fn absolute(text: &str, charset: Charset) -> Result<(), String> {
    match scheme(text) {
        Some((scheme, rest)) => check_rest(scheme, rest, charset),
        None if text.is_empty() => Err("it is empty".into()),
        None => Err("it has no scheme".into()),
    }
}

/// Whether the text is a URI reference: with a scheme, or relative to something.
///
/// # Errors
/// As [`absolute`].
pub fn reference(text: &str, charset: Charset) -> Result<(), String> {
    match scheme(text) {
        Some((scheme, rest)) => check_rest(scheme, rest, charset),
        None => {
            let path = text.split(['?', '#']).next().unwrap_or_default();
            if path.split('/').next().unwrap_or_default().contains(':') {
                return Err("a colon in the first segment without a scheme before it".into());
            }
            check_rest("", text, charset)
        }
    }
}

/// The scheme and what follows its colon. `None` when the text does not begin with a scheme.
pub fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut bytes = scheme.bytes();
    let sound = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    sound.then_some((scheme, rest))
}

fn check_rest(scheme: &str, rest: &str, charset: Charset) -> Result<(), String> {
    let (rest, fragment) = rest.split_once('#').map_or((rest, None), |(rest, fragment)| (rest, Some(fragment)));
    let (hierarchy, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    if let Some(fragment) = fragment {
        characters(fragment, b":@/?", charset, "fragment")?;
    }
    if let Some(query) = query {
        characters(query, b":@/?", charset, "query")?;
    }
    let path = match hierarchy.strip_prefix("//") {
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            let (authority, path) = after.split_at(end);
            check_authority(scheme, authority, charset)?;
            path
        }
        None => hierarchy,
    };
    characters(path, b":@/", charset, "path")
}

fn check_authority(scheme: &str, authority: &str, charset: Charset) -> Result<(), String> {
    let host_port = match authority.rsplit_once('@') {
        Some((user, host_port)) => {
            characters(user, b":", charset, "user part")?;
            host_port
        }
        None => authority,
    };
    let port = if let Some(literal) = host_port.strip_prefix('[') {
        let (address, after) = literal.split_once(']').ok_or("the bracket of the address is not closed")?;
        let address = address.split("%25").next().unwrap_or(address);
        if address.parse::<std::net::Ipv6Addr>().is_err() && !address.starts_with(['v', 'V']) {
            return Err("what stands in brackets is not an IPv6 address".into());
        }
        after.strip_prefix(':').or(after.is_empty().then_some("")).ok_or("something follows the bracket of the address")?
    } else {
        let (host, port) = host_port.rsplit_once(':').unwrap_or((host_port, ""));
        characters(host, b"", charset, "host")?;
        if host.is_empty()
            && ["http", "https", "ws", "wss", "coap", "coaps", "mqtt", "mqtts"].iter().any(|s| scheme.eq_ignore_ascii_case(s))
        {
            return Err("the host is missing".into());
        }
        port
    };
    if !port.is_empty() && !port.parse::<u32>().is_ok_and(|port| port <= 65_535 && !host_port.ends_with('+')) {
        return Err("the port is not a number up to 65535".into());
    }
    Ok(())
}

/// Unreserved characters, percent-encoded bytes, sub-delimiters and those of `extra`.
fn characters(text: &str, extra: &[u8], charset: Charset, part: &str) -> Result<(), String> {
    for (at, c) in text.char_indices() {
        let sound = match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => true,
            '!' | '$' | '&' | '\'' | '(' | ')' | '*' | '+' | ',' | ';' | '=' => true,
            '%' => {
                let pair = text.get(at + 1..at + 3).is_some_and(|pair| pair.bytes().all(|b| b.is_ascii_hexdigit()));
                if !pair {
                    return Err(format!("a percent sign without two hexadecimal digits in the {part}"));
                }
                true
            }
            _ if c.is_ascii() => u8::try_from(c).is_ok_and(|b| extra.contains(&b)),
            _ => charset == Charset::Iri && is_ucs(c, part == "query"),
        };
        if !sound {
            return Err(format!("the character {} in the {part}", c.escape_default()));
        }
    }
    Ok(())
}

/// `ucschar` of RFC 3987, and `iprivate` where it is a query.
fn is_ucs(c: char, query: bool) -> bool {
    match c {
        '\u{a0}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{ffef}' => true,
        '\u{10000}'..='\u{effff}' => u32::from(c) & 0xffff < 0xfffe && !('\u{e0000}'..='\u{e0fff}').contains(&c),
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => query,
        _ => false,
    }
}

/// A URI Template taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The text with every expression taken out.
    pub literal: String,
    /// The variables' names, in order.
    pub variables: Vec<String>,
}

/// Takes a URI Template apart (RFC 6570, section 2).
///
/// # Errors
/// A brace without its partner, an empty expression, or a character that no variable's name has.
pub fn template(text: &str) -> Result<Template, String> {
    let mut literal = String::with_capacity(text.len());
    let mut variables = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        let Some(inner) = from.strip_prefix('{') else { return Err("a closing brace without an opening one".into()) };
        let Some((expression, after)) = inner.split_once('}') else { return Err("an opening brace without a closing one".into()) };
        let list = expression.strip_prefix(['+', '#', '.', '/', ';', '?', '&', '=', ',', '!', '@', '|']).unwrap_or(expression);
        for variable in list.split(',') {
            let name = variable.strip_suffix('*').unwrap_or(variable);
            let name = name.split_once(':').map_or(name, |(name, _)| name);
            let sound = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '%' | '-'));
            if !sound {
                return Err(format!("`{}` is not a variable's name", variable.escape_default()));
            }
            variables.push(name.to_owned());
        }
        rest = after;
    }
    literal.push_str(rest);
    Ok(Template { literal, variables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_uris() {
        for text in [
            "https://example.org/a?b=c#d",
            "urn:uuid:4a5f2e1c-0000-4000-8000-000000000000",
            "urn:ngsi-ld:Bed:1",
            "http://[2001:db8::1]:8080/",
            "mailto:a@example.org",
            "tel:+48-600",
            "coap://[fe80::1%25eth0]/x",
            "file:///etc/hosts",
            "http://a/%20",
        ] {
            assert!(absolute(text, Charset::Uri).is_ok(), "{text}: {:?}", absolute(text, Charset::Uri));
        }
        for text in [
            "",
            "example.org/a",
            "/a",
            "1http://a",
            "http://a b",
            "http://a/%2",
            "http://a/<b>",
            "http://[::1/",
            "http://a:99999/",
            "http:///a",
            "http://é/",
            "a\u{0}:b",
            "http://a/{x}",
        ] {
            assert!(absolute(text, Charset::Uri).is_err(), "{text}");
        }
        assert!(absolute("http://é/ü", Charset::Iri).is_ok());
        assert!(absolute("http://a/\u{202e}", Charset::Iri).is_ok(), "RFC 3987 has no rule against it in section 2.2");
    }

    #[test]
    fn references() {
        for text in ["", "a/b", "./a:b", "?q", "#f", "//host/p", "../x", "a%20b"] {
            assert!(reference(text, Charset::Uri).is_ok(), "{text}: {:?}", reference(text, Charset::Uri));
        }
        for text in ["a b", "1:b", "a\\b", "%zz", "a{b}"] {
            assert!(reference(text, Charset::Uri).is_err(), "{text}");
        }
    }

    #[test]
    fn templates() {
        let read = template("http://a/{id}/x{?lat,long*}{&p:3}").unwrap();
        assert_eq!(read.literal, "http://a//x");
        assert_eq!(read.variables, ["id", "lat", "long", "p"]);
        for text in ["{", "}", "{}", "{a b}", "{a{b}}", "{?a,}"] {
            assert!(template(text).is_err(), "{text}");
        }
    }
}
