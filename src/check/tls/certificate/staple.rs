//! What a stapled OCSP response says (RFC 6960). Its signature is not checked: a server that staples
//! "revoked" about itself is believed, and nobody is accepted because of a staple.

use time::{Date, Month, OffsetDateTime, Time};

/// The longest response that is read.
const MAX_RESPONSE: usize = 64 * 1024;
/// Most answers of one response that are looked at.
const MAX_ANSWERS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CertificateStatus {
    Good,
    Revoked,
    Unknown,
}

/// The answer about one certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Staple {
    pub status: CertificateStatus,
    pub next_update: Option<OffsetDateTime>,
}

impl Staple {
    /// The answer about the certificate with this serial number.
    pub(super) fn read(der: &[u8], serial: &[u8]) -> Result<Self, String> {
        if der.len() > MAX_RESPONSE {
            return Err(format!("{} bytes; at most {MAX_RESPONSE} are read", der.len()));
        }
        let broken = || "not an OCSP response".to_owned();
        let mut response = Item::whole(der).filter(|i| i.tag == 0x30).ok_or_else(broken)?;
        let status = response.next().filter(|i| i.tag == 0x0a).ok_or_else(broken)?;
        if status.value != [0] {
            return Err("the responder could not answer".into());
        }
        let mut bytes =
            response.next().filter(|i| i.tag == 0xa0).and_then(|mut i| i.next()).filter(|i| i.tag == 0x30).ok_or_else(broken)?;
        bytes.next().ok_or_else(broken)?;
        let basic = bytes.next().filter(|i| i.tag == 4).ok_or_else(broken)?;
        let mut data = Item::whole(basic.value).and_then(|mut b| b.next()).filter(|i| i.tag == 0x30).ok_or_else(broken)?;
        // Version, responder, time of production, then the answers: the first SEQUENCE in it.
        let mut answers = loop {
            match data.next() {
                Some(item) if item.tag == 0x30 => break item,
                Some(_) => {}
                None => return Err(broken()),
            }
        };
        for _ in 0..MAX_ANSWERS {
            let Some(mut answer) = answers.next() else { break };
            let mut id = answer.next().filter(|i| i.tag == 0x30).ok_or_else(broken)?;
            let named = std::iter::from_fn(|| id.next()).last().filter(|i| i.tag == 2).ok_or_else(broken)?;
            let status = match answer.next().ok_or_else(broken)?.tag {
                0x80 => CertificateStatus::Good,
                0xa1 => CertificateStatus::Revoked,
                0x82 => CertificateStatus::Unknown,
                _ => return Err(broken()),
            };
            if without_zeros(named.value) != without_zeros(serial) {
                continue;
            }
            answer.next();
            let next_update = answer.next().filter(|i| i.tag == 0xa0).and_then(|mut i| i.next()).and_then(|i| generalized_time(i.value));
            return Ok(Self { status, next_update });
        }
        Err("it is about another certificate".into())
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// `YYYYMMDDHHMMSSZ`, the only form that RFC 5280 allows.
fn generalized_time(text: &[u8]) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z').filter(|t| t.len() == 14 && t.is_ascii())?;
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let small = |from: usize, to: usize| number(from, to).and_then(|n| u8::try_from(n).ok());
    let date = Date::from_calendar_date(i32::from(number(0, 4)?), Month::try_from(small(4, 6)?).ok()?, small(6, 8)?).ok()?;
    Some(date.with_time(Time::from_hms(small(8, 10)?, small(10, 12)?, small(12, 14)?).ok()?).assume_utc())
}

/// One element of DER, whose content is read on with `next`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub tag: u8,
    pub value: &'a [u8],
}

impl<'a> Item<'a> {
    /// The element that these bytes are.
    pub(super) fn whole(bytes: &'a [u8]) -> Option<Self> {
        let (item, rest) = take(bytes)?;
        rest.is_empty().then_some(item)
    }

    /// Takes the next element out of this one's content.
    pub(super) fn next(&mut self) -> Option<Item<'a>> {
        let (item, rest) = take(self.value)?;
        self.value = rest;
        Some(item)
    }
}

fn take(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first & 0x80 == 0 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(d, _)| (1..=4).contains(&d.len()))?;
        (digits.iter().fold(0_usize, |n, b| n << 8 | usize::from(*b)), rest)
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((Item { tag, value }, rest))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let mut out = vec![tag];
        if value.len() < 128 {
            out.push(u8::try_from(value.len()).unwrap());
        } else {
            out.push(0x82);
            out.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        }
        out.extend(value);
        out
    }

    /// A response about one certificate; the signature is filler.
    pub(in super::super) fn response(serial: &[u8], status: &[u8], next_update: &str) -> Vec<u8> {
        let id =
            element(0x30, &[&element(0x30, &[&[6, 1, 0x2a]]), &element(4, &[&[1; 20]]), &element(4, &[&[2; 20]]), &element(2, &[serial])]);
        let this = element(0x18, &[b"20260101000000Z"]);
        let next = element(0xa0, &[&element(0x18, &[next_update.as_bytes()])]);
        let single = element(0x30, &[&id, status, &this, &next]);
        let responder = element(0xa2, &[&element(4, &[&[3; 20]])]);
        let data = element(0x30, &[&responder, &element(0x18, &[b"20260101000000Z"]), &element(0x30, &[&single])]);
        let basic = element(0x30, &[&data, &element(0x30, &[&[6, 1, 0x2a]]), &element(3, &[&[0, 1, 2]])]);
        let bytes = element(0x30, &[&element(6, &[&[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]]), &element(4, &[&basic])]);
        element(0x30, &[&[0x0a, 1, 0], &element(0xa0, &[&bytes])])
    }

    pub(in super::super) const GOOD: &[u8] = &[0x80, 0];

    pub(in super::super) fn revoked() -> Vec<u8> {
        element(0xa1, &[&element(0x18, &[b"20260101000000Z"])])
    }

    #[test]
    fn the_answer_about_the_right_certificate_is_found() {
        let good = Staple::read(&response(&[0, 0xab], GOOD, "20270101000000Z"), &[0xab]).unwrap();
        assert_eq!(good.status, CertificateStatus::Good);
        assert_eq!(good.next_update.unwrap().year(), 2027);
        let revoked = Staple::read(&response(&[7], &revoked(), "20270101000000Z"), &[7]).unwrap();
        assert_eq!(revoked.status, CertificateStatus::Revoked);
        assert!(Staple::read(&response(&[7], GOOD, "20270101000000Z"), &[8]).is_err());
    }

    #[test]
    fn broken_bytes_are_an_error() {
        let whole = response(&[7], GOOD, "20270101000000Z");
        for end in 0..whole.len() {
            assert!(Staple::read(&whole[..end], &[7]).is_err());
        }
        assert!(Staple::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[7]).is_err());
    }
}
