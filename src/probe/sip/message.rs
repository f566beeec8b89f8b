//! SIP messages (RFC 3261): requests to write, answers to read. The reader is tolerant, because what is
//! wrong with an answer is evidence and no reason to stop.

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS.
    Tls,
}

/// What identifies one request and its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// `Call-ID`.
    pub call_id: String,
    /// The branch of the top `Via`; begins with `z9hG4bK`.
    pub branch: String,
    /// The tag of `From`.
    pub tag: String,
}

/// A request that changes nothing: `OPTIONS`, or a `REGISTER` without a contact, which only asks which
/// contacts are known (section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// What can you do?
    Options,
    /// Which contacts does this user have?
    RegisterQuery,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Options => "OPTIONS",
            Self::RegisterQuery => "REGISTER",
        }
    }
}

/// Writes a request to `domain`, about `user` there. `local` is the address that answers come to.
pub fn request(
    method: Method,
    transport: Transport,
    domain: &str,
    user: Option<&str>,
    local: &str,
    dialog: &Dialog,
    agent: &str,
) -> Vec<u8> {
    let scheme = if transport == Transport::Tls { "sips" } else { "sip" };
    let via = match transport {
        Transport::Udp => "UDP",
        Transport::Tcp => "TCP",
        Transport::Tls => "TLS",
    };
    let clean = |text: &str| text.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ';' | ',' | '"')).collect::<String>();
    let (domain, local) = (clean(domain), clean(local));
    let aor = match user {
        Some(user) => format!("{scheme}:{}@{domain}", clean(user)),
        None => format!("{scheme}:{domain}"),
    };
    let from = match (method, user) {
        // A registration is asked about by the user it is of.
        (Method::RegisterQuery, Some(_)) => aor.clone(),
        (Method::RegisterQuery, None) | (Method::Options, _) => "sip:probe@anonymous.invalid".to_owned(),
    };
    let uri = if method == Method::RegisterQuery { format!("{scheme}:{domain}") } else { aor.clone() };
    let name = method.as_str();
    let Dialog { call_id, branch, tag } = dialog;
    let contact = if method == Method::Options { format!("Contact: <{scheme}:probe@{local}>\r\n") } else { String::new() };
    format!(
        "{name} {uri} SIP/2.0\r\nVia: SIP/2.0/{via} {local};branch={branch};rport\r\nMax-Forwards: 70\r\nFrom: <{from}>;tag={tag}\r\nTo: <{aor}>\r\nCall-ID: {call_id}\r\nCSeq: 1 {name}\r\n{contact}Accept: application/sdp\r\nUser-Agent: {}\r\nContent-Length: 0\r\n\r\n",
        agent.chars().filter(|c| matches!(c, ' '..='~')).collect::<String>()
    )
    .into_bytes()
}

/// The head of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Header fields, names in lower case and written out, in their order.
    pub headers: Vec<(String, String)>,
    /// Lines that are no header fields.
    pub odd_lines: usize,
    /// Where the body begins, in bytes; nothing when the head is not complete.
    pub body_at: Option<usize>,
}

/// The most header lines that are read of an answer; a limit of ours.
const MAX_LINES: usize = 200;

impl Response {
    /// Reads an answer. `None`: the bytes do not begin as an answer of SIP does. Total on arbitrary bytes.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'))?;
        let rest = bytes.get(start..)?;
        let (end, gap) = match (find(rest, b"\r\n\r\n"), find(rest, b"\n\n")) {
            (Some(a), Some(b)) if b < a => (Some(b), 2),
            (Some(a), _) => (Some(a), 4),
            (None, Some(b)) => (Some(b), 2),
            (None, None) => (None, 0),
        };
        let head = String::from_utf8_lossy(rest.get(..end.unwrap_or(rest.len()))?).into_owned();
        let mut lines = head.split('\n').map(|l| l.trim_end_matches('\r'));
        let status_line = lines.next()?;
        let mut words = status_line.splitn(3, ' ');
        if !words.next()?.eq_ignore_ascii_case("SIP/2.0") {
            return None;
        }
        let status: u16 = words.next()?.trim().parse().ok().filter(|s| (100..700).contains(s))?;
        let reason = words.next().unwrap_or_default().to_owned();
        let mut headers: Vec<(String, String)> = Vec::new();
        let mut odd_lines = 0;
        for line in lines.take(MAX_LINES) {
            if line.starts_with([' ', '\t']) {
                match headers.last_mut() {
                    Some((_, value)) => {
                        value.push(' ');
                        value.push_str(line.trim());
                    }
                    None => odd_lines += 1,
                }
                continue;
            }
            match line.split_once(':') {
                Some((name, value)) if !name.trim().is_empty() && !name.trim().contains(' ') => {
                    headers.push((written_out(&name.trim().to_ascii_lowercase()), value.trim().to_owned()));
                }
                _ if line.is_empty() => {}
                _ => odd_lines += 1,
            }
        }
        Some(Self { status, reason, headers, odd_lines, body_at: end.map(|e| start + e + gap) })
    }

    /// The values of a header field, by its written-out name in lower case.
    pub fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }
    /// How long the body is, as the head says.
    pub fn content_length(&self) -> Option<usize> {
        self.header("content-length").next()?.parse().ok()
    }
    /// Whether it answers this request: same `Call-ID` and same method.
    pub fn answers(&self, dialog: &Dialog, method: Method) -> bool {
        self.header("call-id").any(|id| id == dialog.call_id)
            && self.header("cseq").any(|c| c.split_ascii_whitespace().nth(1).is_some_and(|m| m.eq_ignore_ascii_case(method.as_str())))
    }
    /// Whether the top `Via` carries the branch of the request, as section 8.2.6.2 demands.
    pub fn has_branch(&self, dialog: &Dialog) -> bool {
        self.header("via")
            .next()
            .is_some_and(|via| via.split([';', ',']).any(|p| p.trim().strip_prefix("branch=") == Some(dialog.branch.as_str())))
    }
    /// Challenges to authenticate, of the server or of a proxy on the way.
    pub fn challenges(&self) -> Vec<Challenge> {
        self.header("www-authenticate").chain(self.header("proxy-authenticate")).filter_map(Challenge::read).collect()
    }
}

/// The short names of section 7.3.3.
fn written_out(name: &str) -> String {
    match name {
        "i" => "call-id",
        "m" => "contact",
        "e" => "content-encoding",
        "l" => "content-length",
        "c" => "content-type",
        "f" => "from",
        "s" => "subject",
        "k" => "supported",
        "t" => "to",
        "v" => "via",
        other => other,
    }
    .to_owned()
}

/// A digest challenge (RFC 8760, RFC 7616).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme in lower case: `digest`.
    pub scheme: String,
    /// The realm.
    pub realm: String,
    /// The nonce.
    pub nonce: String,
    /// The algorithm; MD5 where none is named.
    pub algorithm: String,
    /// The quality of protection that is offered.
    pub qop: Option<String>,
}

impl Challenge {
    /// Reads the value of a challenge header.
    pub fn read(value: &str) -> Option<Self> {
        let (scheme, parameters) = value.trim().split_once([' ', '\t'])?;
        let mut challenge =
            Self { scheme: scheme.to_ascii_lowercase(), realm: String::new(), nonce: String::new(), algorithm: "MD5".into(), qop: None };
        for parameter in split_outside_quotes(parameters) {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value).replace("\\\"", "\"");
            match name.trim().to_ascii_lowercase().as_str() {
                "realm" => challenge.realm = value,
                "nonce" => challenge.nonce = value,
                "algorithm" => challenge.algorithm = value,
                "qop" => challenge.qop = Some(value),
                _ => {}
            }
        }
        Some(challenge)
    }
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(text.get(start..i).unwrap_or_default());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog() -> Dialog {
        Dialog { call_id: "abc@probe".into(), branch: "z9hG4bKabc".into(), tag: "t1".into() }
    }

    #[test]
    fn requests_carry_what_section_8_1_1_demands() {
        let text =
            String::from_utf8(request(Method::Options, Transport::Tls, "arc.example.org", None, "10.0.0.1:5061", &dialog(), "Probity/1"))
                .unwrap();
        for field in [
            "OPTIONS sips:arc.example.org SIP/2.0\r\n",
            "Via: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bKabc;rport\r\n",
            "Max-Forwards: 70\r\n",
            "To: <sips:arc.example.org>\r\n",
            ";tag=t1\r\n",
            "Call-ID: abc@probe\r\n",
            "CSeq: 1 OPTIONS\r\n",
            "Content-Length: 0\r\n\r\n",
        ] {
            assert!(text.contains(field), "{field} in {text}");
        }
        let register =
            String::from_utf8(request(Method::RegisterQuery, Transport::Udp, "arc\r\nX: y", Some("u1"), "h", &dialog(), "a")).unwrap();
        assert!(
            register.starts_with("REGISTER sip:arcX:y SIP/2.0\r\n")
                && !register.contains("Contact:")
                && register.contains("To: <sip:u1@arcX:y>")
        );
    }

    #[test]
    fn answers_are_read_tolerantly() {
        let bytes = b"\r\nSIP/2.0 401 Unauthorized\r\nv: SIP/2.0/UDP h;branch=z9hG4bKabc;received=1.2.3.4\r\nCall-ID:abc@probe\r\nCSeq: 1  REGISTER\r\nWWW-Authenticate: Digest realm=\"a, b\",\r\n nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\nodd line\r\nl: 3\r\n\r\nabc";
        let response = Response::read(bytes).unwrap();
        assert_eq!((response.status, response.odd_lines, response.content_length()), (401, 1, Some(3)));
        assert_eq!(bytes.get(response.body_at.unwrap()..), Some(&b"abc"[..]));
        assert!(
            response.answers(&dialog(), Method::RegisterQuery)
                && !response.answers(&dialog(), Method::Options)
                && response.has_branch(&dialog())
        );
        let challenge = &response.challenges()[0];
        assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str(), challenge.algorithm.as_str()), ("a, b", "n1", "SHA-256"));
        let bare = Response::read(b"SIP/2.0 407\nProxy-Authenticate: Digest realm=x,nonce=y\n\n").unwrap();
        assert_eq!((bare.status, bare.challenges()[0].algorithm.as_str()), (407, "MD5"));
        assert_eq!(Response::read(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None);
        assert_eq!(Response::read(b"SIP/2.0 42 Odd\r\n\r\n"), None);
        assert_eq!(Response::read(b"SIP/2.0 200 OK\r\nVia: x").unwrap().body_at, None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(tail in proptest::collection::vec(proptest::num::u8::ANY, 0..120)) {
            let _ = Response::read(&tail);
            if let Some(response) = Response::read(&[b"SIP/2.0 401 x\r\nWWW-Authenticate: ", tail.as_slice()].concat()) {
                let _ = response.challenges();
            }
        }
    }
}
