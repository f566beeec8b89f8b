//! MQTT packets, as far as a reader of a broker's exposure needs them: version 3.1.1 (ISO/IEC 20922)
//! and 5.0 (OASIS). There is no packet here that publishes, by intent.

/// The version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum Version {
    /// 3.1.1.
    #[serde(rename = "3.1.1")]
    V3,
    /// 5.0.
    #[serde(rename = "5.0")]
    V5,
}

impl Version {
    fn level(self) -> u8 {
        match self {
            Self::V3 => 4,
            Self::V5 => 5,
        }
    }
}

/// A topic filter that a tester may subscribe to: never the whole tree, by `#` anywhere or by a plus
/// sign at its root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFilter(String);

impl TopicFilter {
    /// Takes a filter.
    ///
    /// # Errors
    /// Why it is refused, in one sentence.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() || text.len() > 1_000 || text.contains('\0') {
            return Err("a topic filter has between 1 and 1000 bytes and no zero byte");
        }
        if text.contains('#') {
            return Err("a topic filter with # would read everything that passes through the broker");
        }
        if text.starts_with('+') {
            return Err("a topic filter that begins with + would read nearly everything that passes through the broker");
        }
        if text.split('/').any(|level| level.contains('+') && level != "+") {
            return Err("a plus sign stands alone in its level of a topic filter");
        }
        Ok(Self(text.to_owned()))
    }
    /// The filter.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// CONNECT: a clean session, no will, and the name and password if there are any.
pub fn connect(version: Version, client: &str, credentials: Option<(&str, &str)>) -> Vec<u8> {
    const KEEP_ALIVE_SECONDS: u16 = 30;
    const CLEAN: u8 = 0b0000_0010;
    let mut body = Vec::new();
    text(&mut body, "MQTT");
    body.push(version.level());
    body.push(if credentials.is_some() { CLEAN | 0b1100_0000 } else { CLEAN });
    body.extend(KEEP_ALIVE_SECONDS.to_be_bytes());
    no_properties(&mut body, version);
    text(&mut body, client);
    if let Some((user, password)) = credentials {
        text(&mut body, user);
        text(&mut body, password);
    }
    packet(0x10, &body)
}

/// SUBSCRIBE to one filter at QoS 0.
pub fn subscribe(version: Version, id: u16, filter: &TopicFilter) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    no_properties(&mut body, version);
    text(&mut body, filter.as_str());
    body.push(0);
    packet(0x82, &body)
}

/// DISCONNECT, in the form that both versions know.
pub fn disconnect() -> Vec<u8> {
    packet(0xe0, &[])
}

fn no_properties(body: &mut Vec<u8>, version: Version) {
    if version == Version::V5 {
        body.push(0);
    }
}

/// A string with its length in front; what is longer than 65535 bytes is cut.
fn text(body: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes().get(..usize::from(u16::MAX)).unwrap_or(text.as_bytes());
    body.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend(bytes);
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut length = body.len();
    loop {
        let low = u8::try_from(length % 128).unwrap_or(0);
        length /= 128;
        out.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    out.extend(body);
    out
}

/// A packet from a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    /// CONNACK.
    ConnectAck {
        /// A session is kept from before.
        session_present: bool,
        /// The return code (3.1.1) or reason code (5.0); 0 accepts.
        code: u8,
    },
    /// SUBACK.
    SubscribeAck {
        /// The id of the SUBSCRIBE.
        id: u16,
        /// One code for each filter; 0x80 and above refuse.
        codes: Vec<u8>,
    },
    /// PUBLISH: a message that the broker lets the tester read.
    Publish {
        /// The topic.
        topic: String,
        /// It was kept by the broker for whoever subscribes.
        retained: bool,
        /// The payload.
        payload: Vec<u8>,
    },
    /// DISCONNECT (5.0 only).
    Disconnect {
        /// The reason code.
        code: u8,
    },
    /// Another kind of packet, by its number.
    Other(u8),
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The length has more than four bytes.
    #[error("the length of a packet has more than four bytes")]
    Length,
    /// The packet is larger than what is read.
    #[error("a packet is larger than {MAX_PACKET} bytes")]
    TooLarge,
    /// The packet ends too early, or holds text that is not UTF-8.
    #[error("a packet does not have the form of its kind")]
    Form,
}

/// The largest packet that is read, in bytes; a limit of ours.
pub const MAX_PACKET: usize = 256 * 1024;

impl Packet {
    /// Reads one packet from the start of `bytes`, and how many bytes it took. `None`: not all of it is
    /// there yet.
    ///
    /// # Errors
    /// The bytes are no packet of MQTT.
    pub fn read(bytes: &[u8], version: Version) -> Result<Option<(Self, usize)>, Malformed> {
        let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
        let (mut length, mut used) = (0_usize, 0_usize);
        loop {
            let Some(byte) = rest.get(used) else {
                return if used >= 4 { Err(Malformed::Length) } else { Ok(None) };
            };
            length |= usize::from(byte & 0x7f) << (7 * used);
            used += 1;
            if byte & 0x80 == 0 {
                break;
            }
            if used == 4 {
                return Err(Malformed::Length);
            }
        }
        if length > MAX_PACKET {
            return Err(Malformed::TooLarge);
        }
        let Some(body) = rest.get(used..used + length) else { return Ok(None) };
        let packet = Self::read_body(*first, body, version).ok_or(Malformed::Form)?;
        Ok(Some((packet, 1 + used + length)))
    }

    fn read_body(first: u8, body: &[u8], version: Version) -> Option<Self> {
        match first >> 4 {
            2 => Some(Self::ConnectAck { session_present: body.first()? & 1 == 1, code: *body.get(1)? }),
            9 => {
                let (id, rest) = body.split_first_chunk::<2>()?;
                Some(Self::SubscribeAck { id: u16::from_be_bytes(*id), codes: skip_properties(rest, version)?.to_vec() })
            }
            3 => {
                let (length, rest) = body.split_first_chunk::<2>()?;
                let (topic, mut rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                if first & 0b0110 != 0 {
                    rest = rest.get(2..)?;
                }
                let payload = skip_properties(rest, version)?.to_vec();
                Some(Self::Publish { topic: String::from_utf8(topic.to_vec()).ok()?, retained: first & 1 == 1, payload })
            }
            14 => Some(Self::Disconnect { code: body.first().copied().unwrap_or(0) }),
            other => Some(Self::Other(other)),
        }
    }
}

/// What stands behind the properties of version 5.
fn skip_properties(bytes: &[u8], version: Version) -> Option<&[u8]> {
    if version == Version::V3 {
        return Some(bytes);
    }
    let mut length = 0_usize;
    for (i, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return bytes.get(i + 1 + length..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_the_bytes_of_the_standard() {
        assert_eq!(connect(Version::V3, "c", None), [0x10, 13, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 30, 0, 1, b'c']);
        assert_eq!(connect(Version::V5, "c", None), [0x10, 14, 0, 4, b'M', b'Q', b'T', b'T', 5, 2, 0, 30, 0, 0, 1, b'c']);
        assert_eq!(connect(Version::V3, "c", Some(("u", "p"))).get(9), Some(&0b1100_0010));
        let filter = TopicFilter::new("a/b").unwrap();
        assert_eq!(subscribe(Version::V3, 7, &filter), [0x82, 8, 0, 7, 0, 3, b'a', b'/', b'b', 0]);
        assert_eq!(subscribe(Version::V5, 7, &filter), [0x82, 9, 0, 7, 0, 0, 3, b'a', b'/', b'b', 0]);
        assert_eq!(disconnect(), [0xe0, 0]);
        assert_eq!(packet(0x10, &[0; 200]).get(..3), Some(&[0x10, 0xc8, 0x01][..]));
    }

    #[test]
    fn nobody_subscribes_to_everything() {
        for refused in ["#", "a/#", "$SYS/#", "+", "+/alarm", "a/b+", "", "a\0b"] {
            assert!(TopicFilter::new(refused).is_err(), "{refused}");
        }
        for allowed in ["$SYS/broker/version", "care/+/alarm", "a/+"] {
            assert!(TopicFilter::new(allowed).is_ok(), "{allowed}");
        }
    }

    #[test]
    fn answers_are_read_whole_or_not_yet() {
        let all: &[(&[u8], Version, Packet)] = &[
            (&[0x20, 2, 0, 5], Version::V3, Packet::ConnectAck { session_present: false, code: 5 }),
            (&[0x20, 3, 1, 0x87, 0], Version::V5, Packet::ConnectAck { session_present: true, code: 0x87 }),
            (&[0x90, 3, 0, 7, 0x80], Version::V3, Packet::SubscribeAck { id: 7, codes: vec![0x80] }),
            (&[0x90, 4, 0, 7, 0, 0x87], Version::V5, Packet::SubscribeAck { id: 7, codes: vec![0x87] }),
            (&[0x31, 5, 0, 1, b't', 9, 9], Version::V3, Packet::Publish { topic: "t".into(), retained: true, payload: vec![9, 9] }),
            (&[0x32, 6, 0, 1, b't', 0, 1, 9], Version::V3, Packet::Publish { topic: "t".into(), retained: false, payload: vec![9] }),
            (&[0x30, 6, 0, 1, b't', 1, 1, 9], Version::V5, Packet::Publish { topic: "t".into(), retained: false, payload: vec![9] }),
            (&[0xe0, 1, 0x8b], Version::V5, Packet::Disconnect { code: 0x8b }),
            (&[0xd0, 0], Version::V3, Packet::Other(13)),
        ];
        for (bytes, version, packet) in all {
            assert_eq!(Packet::read(bytes, *version), Ok(Some((packet.clone(), bytes.len()))));
            for cut in 0..bytes.len() {
                assert_eq!(Packet::read(&bytes[..cut], *version), Ok(None), "{packet:?} cut at {cut}");
            }
        }
        assert_eq!(Packet::read(&[0x20, 0xff, 0xff, 0xff, 0xff], Version::V3), Err(Malformed::Length));
        assert_eq!(Packet::read(&[0x20, 0xff, 0xff, 0xff, 0x7f], Version::V3), Err(Malformed::TooLarge));
        assert_eq!(Packet::read(&[0x20, 1, 0], Version::V3), Err(Malformed::Form));
        assert_eq!(Packet::read(b"HTTP/1.1 400 Bad Request\r\n\r\n", Version::V3), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            for version in [Version::V3, Version::V5] {
                if let Ok(Some((_, used))) = Packet::read(&bytes, version) {
                    proptest::prop_assert!(used <= bytes.len());
                }
            }
        }
    }
}
