//! CoAP messages (RFC 7252, section 3) and link format (RFC 6690), as far as reading needs them.

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Wants an acknowledgement.
    Confirmable,
    /// Wants none.
    NonConfirmable,
    /// Acknowledges.
    Acknowledgement,
    /// Could not be handled.
    Reset,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The kind.
    pub kind: Kind,
    /// The code: class in the upper three bits, detail in the lower five.
    pub code: u8,
    /// The message id.
    pub id: u16,
    /// The token.
    pub token: Vec<u8>,
    /// Options in their order: number and value.
    pub options: Vec<(u16, Vec<u8>)>,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Fewer than four bytes, or it ends too early.
    #[error("a message ends too early")]
    Short,
    /// Another version than 1.
    #[error("a message is not of version 1")]
    Version,
    /// A token of more than eight bytes.
    #[error("a token is longer than eight bytes")]
    Token,
    /// The reserved number 15 in an option, or an option number above 65535.
    #[error("an option does not have the form of one")]
    Option,
    /// A payload marker without a payload.
    #[error("a payload is announced and does not come")]
    Payload,
}

/// GET.
pub const GET: u8 = 0x01;
/// The option `Uri-Path`.
pub const URI_PATH: u16 = 11;
/// The option `Content-Format`.
pub const CONTENT_FORMAT: u16 = 12;
/// The option `Block2` (RFC 7959).
pub const BLOCK2: u16 = 23;
/// The most options that are read of a message; a limit of ours.
const MAX_OPTIONS: usize = 100;

impl Message {
    /// A GET that wants no acknowledgement.
    pub fn get(path: &str, id: u16, token: &[u8]) -> Self {
        let options = path.split('/').filter(|s| !s.is_empty()).map(|s| (URI_PATH, s.as_bytes().to_vec())).collect();
        let token = token.get(..8).unwrap_or(token).to_vec();
        Self { kind: Kind::NonConfirmable, code: GET, id, token, options, payload: Vec::new() }
    }

    /// The code as people write it: `2.05`.
    pub fn dotted_code(&self) -> String {
        format!("{}.{:02}", self.code >> 5, self.code & 0x1f)
    }

    /// The bytes of the message. Options are put in the order of their numbers.
    pub fn write(&self) -> Vec<u8> {
        let kind = match self.kind {
            Kind::Confirmable => 0,
            Kind::NonConfirmable => 1,
            Kind::Acknowledgement => 2,
            Kind::Reset => 3,
        };
        let token = self.token.get(..8).unwrap_or(&self.token);
        let mut out = vec![0x40 | (kind << 4) | u8::try_from(token.len()).unwrap_or(0), self.code];
        out.extend(self.id.to_be_bytes());
        out.extend(token);
        let mut options: Vec<&(u16, Vec<u8>)> = self.options.iter().collect();
        options.sort_by_key(|(number, _)| *number);
        let mut before = 0;
        for (number, value) in options {
            let (delta, delta_more) = nibble(number - before);
            let (length, length_more) = nibble(u16::try_from(value.len()).unwrap_or(u16::MAX));
            out.push((delta << 4) | length);
            out.extend(delta_more);
            out.extend(length_more);
            out.extend(value.iter().take(usize::from(u16::MAX)));
            before = *number;
        }
        if !self.payload.is_empty() {
            out.push(0xff);
            out.extend(&self.payload);
        }
        out
    }

    /// Reads one datagram. Total on arbitrary bytes.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn read(datagram: &[u8]) -> Result<Self, Malformed> {
        let (head, rest) = datagram.split_first_chunk::<4>().ok_or(Malformed::Short)?;
        let [first, code, high, low] = *head;
        if first >> 6 != 1 {
            return Err(Malformed::Version);
        }
        let kind = match (first >> 4) & 3 {
            0 => Kind::Confirmable,
            1 => Kind::NonConfirmable,
            2 => Kind::Acknowledgement,
            _ => Kind::Reset,
        };
        let length = usize::from(first & 0x0f);
        if length > 8 {
            return Err(Malformed::Token);
        }
        let (token, mut rest) = rest.split_at_checked(length).ok_or(Malformed::Short)?;
        let mut options = Vec::new();
        let mut number = 0_u16;
        let payload = loop {
            let Some((byte, after)) = rest.split_first() else { break Vec::new() };
            if *byte == 0xff {
                if after.is_empty() {
                    return Err(Malformed::Payload);
                }
                break after.to_vec();
            }
            let (delta, after) = extended(byte >> 4, after)?;
            let (length, after) = extended(byte & 0x0f, after)?;
            number = number.checked_add(delta).ok_or(Malformed::Option)?;
            let (value, after) = after.split_at_checked(usize::from(length)).ok_or(Malformed::Short)?;
            if options.len() >= MAX_OPTIONS {
                return Err(Malformed::Option);
            }
            options.push((number, value.to_vec()));
            rest = after;
        };
        Ok(Self { kind, code, id: u16::from_be_bytes([high, low]), token: token.to_vec(), options, payload })
    }

    /// The values of an option.
    pub fn option(&self, number: u16) -> impl Iterator<Item = &[u8]> {
        self.options.iter().filter(move |(n, _)| *n == number).map(|(_, v)| v.as_slice())
    }
}

/// Section 3.1: 13 and 14 stand for one and two more bytes.
fn nibble(number: u16) -> (u8, Vec<u8>) {
    match number {
        0..=12 => (u8::try_from(number).unwrap_or(0), Vec::new()),
        13..=268 => (13, vec![u8::try_from(number - 13).unwrap_or(0)]),
        _ => (14, (number - 269).to_be_bytes().to_vec()),
    }
}

fn extended(nibble: u8, rest: &[u8]) -> Result<(u16, &[u8]), Malformed> {
    match nibble {
        0..=12 => Ok((u16::from(nibble), rest)),
        13 => {
            let (byte, rest) = rest.split_first().ok_or(Malformed::Short)?;
            Ok((u16::from(*byte) + 13, rest))
        }
        14 => {
            let (bytes, rest) = rest.split_first_chunk::<2>().ok_or(Malformed::Short)?;
            Ok((u16::from_be_bytes(*bytes).checked_add(269).ok_or(Malformed::Option)?, rest))
        }
        _ => Err(Malformed::Option),
    }
}

/// The targets of a link-format text: what stands between `<` and `>`, outside quoted values.
pub fn links(text: &str) -> Vec<String> {
    /// The most links that are read.
    const MAX_LINKS: usize = 1_000;
    let (mut found, mut quoted, mut escaped, mut start) = (Vec::new(), false, false, None);
    for (i, c) in text.char_indices() {
        match (c, start) {
            _ if escaped => escaped = false,
            ('\\', None) if quoted => escaped = true,
            ('"', None) => quoted = !quoted,
            ('<', None) if !quoted => start = Some(i + 1),
            ('>', Some(from)) => {
                found.extend(text.get(from..i).map(str::to_owned));
                start = None;
                if found.len() >= MAX_LINKS {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_discovery_question_has_the_bytes_of_the_standard() {
        let message = Message::get("/.well-known/core", 0x1234, &[0xab]);
        let bytes = message.write();
        let expected = [&[0x51, 0x01, 0x12, 0x34, 0xab, 0xbb][..], b".well-known", &[0x04], b"core"].concat();
        assert_eq!(bytes, expected);
        assert_eq!(Message::read(&bytes), Ok(message));
    }

    #[test]
    fn options_of_every_size_come_back() {
        let options = vec![(1, vec![0; 3]), (12, vec![40]), (300, vec![1; 20]), (2000, vec![2; 300])];
        let message = Message { kind: Kind::Acknowledgement, code: 0x45, id: 1, token: vec![1; 8], options, payload: b"x".to_vec() };
        assert_eq!(Message::read(&message.write()), Ok(message.clone()));
        assert_eq!(message.dotted_code(), "2.05");
        assert_eq!(message.option(CONTENT_FORMAT).collect::<Vec<_>>(), [[40]]);
    }

    #[test]
    fn broken_datagrams_say_why() {
        assert_eq!(Message::read(&[0x50, 1]), Err(Malformed::Short));
        assert_eq!(Message::read(&[0x90, 1, 0, 0]), Err(Malformed::Version));
        assert_eq!(Message::read(&[0x5f, 1, 0, 0]), Err(Malformed::Token));
        assert_eq!(Message::read(&[0x51, 1, 0, 0]), Err(Malformed::Short));
        assert_eq!(Message::read(&[0x50, 1, 0, 0, 0xf0]), Err(Malformed::Option));
        assert_eq!(Message::read(&[0x50, 1, 0, 0, 0xff]), Err(Malformed::Payload));
        assert_eq!(Message::read(&[0x50, 1, 0, 0, 0xe0, 0xff, 0xff]), Err(Malformed::Option));
        assert_eq!(Message::read(&[0x70, 0, 0, 1]).map(|m| m.kind), Ok(Kind::Reset));
    }

    #[test]
    fn links_are_read_outside_quotes() {
        assert_eq!(links("</time>;obs;title=\"a, <b>\",</>;rt=x,</a,b>"), ["/time", "/", "/a,b"]);
        assert_eq!(links("<unclosed"), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_datagram_is_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            if let Ok(message) = Message::read(&bytes) {
                proptest::prop_assert_eq!(Message::read(&message.write()), Ok(message));
            }
        }
        #[test]
        fn any_text_has_links(text in ".{0,80}") {
            let _ = links(&text);
        }
    }
}
