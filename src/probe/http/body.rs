//! The body of an answer: framing (RFC 9112, section 6.3) and content coding (RFC 9110, section 8.4),
//! with every cap on the side where the bytes come out.

use std::io::Write;

use flate2::write::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::exchange::Cut;
use super::head::{FaultKind, Faults, Head};
use crate::probe::limits::RATIO_FROM_BYTES;

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    Close,
}

/// Decides where the body ends, and names what is wrong with the fields that say so.
pub(crate) fn framing(head: &Head, method: &str, faults: &mut Faults) -> Framing {
    let (lengths, transfer) = (&head.lengths, &head.transfer);
    let without_body = method == "HEAD" || matches!(head.status, 100..=199 | 204 | 304);
    if !transfer.is_empty() && (head.version == "1.0" || matches!(head.status, 100..=199 | 204)) {
        faults.add(FaultKind::EncodingNotAllowed, &transfer.join(&b", "[..]));
    }
    if !transfer.is_empty() && !lengths.is_empty() {
        faults.add(FaultKind::LengthAndEncoding, &lengths.join(&b", "[..]));
    }
    let length = announced_length(lengths, faults);
    let chunked = transfer.last().is_some_and(|last| last == b"chunked");
    let sound = chunked && transfer.len() == 1;
    if !transfer.is_empty() && !sound {
        faults.add(FaultKind::TransferEncoding, &transfer.join(&b", "[..]));
    }
    if without_body {
        Framing::None
    } else if chunked {
        Framing::Chunked
    } else if !transfer.is_empty() {
        Framing::Close
    } else {
        length.map_or(Framing::Close, Framing::Length)
    }
}

fn announced_length(lengths: &[Vec<u8>], faults: &mut Faults) -> Option<u64> {
    // `Content-Length: 5, 5` is one field with the same value twice (RFC 9110, section 8.6).
    let mut values = lengths.iter().flat_map(|value| value.split(|b| *b == b',')).map(<[u8]>::trim_ascii);
    let first = values.next()?;
    let mut repeated = false;
    for other in values {
        if other != first {
            faults.add(FaultKind::LengthsDiffer, &lengths.join(&b", "[..]));
            return None;
        }
        repeated = true;
    }
    if repeated {
        faults.add(FaultKind::LengthRepeated, first);
    }
    let digits = !first.is_empty() && first.iter().all(u8::is_ascii_digit);
    let length = digits.then(|| std::str::from_utf8(first).ok()?.parse::<u64>().ok()).flatten();
    if length.is_none() {
        faults.add(FaultKind::LengthInvalid, first);
    }
    length
}

/// Bytes that may not grow beyond a cap.
#[derive(Debug)]
struct Capped {
    bytes: Vec<u8>,
    cap: u64,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let room = usize::try_from(self.cap.saturating_sub(self.bytes.len() as u64)).unwrap_or(usize::MAX);
        let take = room.min(buf.len());
        let (now, over) = buf.split_at(take);
        // Not by doubling: what is reserved stays within the cap too.
        let spare = self.bytes.capacity() - self.bytes.len();
        if spare < now.len() {
            self.bytes.reserve_exact(now.len().max(self.bytes.len().clamp(4096, 1 << 20)).min(room));
        }
        self.bytes.extend_from_slice(now);
        if !over.is_empty() {
            self.full = true;
            return Err(std::io::Error::other("full"));
        }
        Ok(take)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

enum Coding {
    Identity(Capped),
    Gzip(Box<MultiGzDecoder<Capped>>),
    /// The first bytes of a `deflate` body, until it is clear whether the zlib format is around it.
    Undecided(Vec<u8>, Capped),
    Zlib(Box<ZlibDecoder<Capped>>),
    Raw(Box<DeflateDecoder<Capped>>),
    Refused,
}

/// Takes in the content as it comes over the wire and gives it out decoded, within the caps.
pub(crate) struct Content {
    coding: Coding,
    encoded: u64,
    cap: u64,
    ratio: u64,
    /// Why the first byte will be refused.
    refusal: Option<Cut>,
    cut: Option<Cut>,
}

/// What became of a body.
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) encoded: u64,
    pub(crate) cut: Option<Cut>,
}

impl Content {
    pub(crate) fn new(head: &Head, asked_gzip: bool, cap: u64, ratio: u32, faults: &mut Faults) -> Self {
        let sink = Capped { bytes: Vec::new(), cap, full: false };
        let codings: Vec<&[u8]> = head.coding.iter().map(Vec::as_slice).filter(|coding| *coding != b"identity").collect();
        if codings.iter().any(|coding| !(asked_gzip && matches!(*coding, b"gzip" | b"x-gzip"))) {
            faults.add(FaultKind::CodingNotAsked, &codings.join(&b", "[..]));
        }
        let (coding, refusal) = match codings.as_slice() {
            [] => (Coding::Identity(sink), None),
            [b"gzip" | b"x-gzip"] => (Coding::Gzip(Box::new(MultiGzDecoder::new(sink))), None),
            [b"deflate"] => (Coding::Undecided(Vec::new(), sink), None),
            [_] => (Coding::Refused, Some(Cut::UnknownCoding)),
            [_, _, ..] => (Coding::Refused, Some(Cut::StackedCodings)),
        };
        Self { coding, encoded: 0, cap, ratio: u64::from(ratio.max(1)), refusal, cut: None }
    }

    /// Takes some bytes in; false when no more are wanted.
    pub(crate) fn feed(&mut self, bytes: &[u8], faults: &mut Faults) -> bool {
        if !bytes.is_empty() {
            self.cut = self.cut.or(self.refusal);
        }
        if self.cut.is_some() {
            return false;
        }
        // In small steps, so that no step can blow up by more than the ratio of deflate itself.
        for step in bytes.chunks(4096) {
            self.encoded += step.len() as u64;
            // Compressed content that never comes to anything is bounded as well.
            if self.encoded > self.cap.saturating_add(RATIO_FROM_BYTES) {
                self.cut = Some(Cut::BodyLimit);
                return false;
            }
            if let Coding::Undecided(first, _) = &mut self.coding {
                first.extend_from_slice(step);
                if first.len() < 2 {
                    continue;
                }
                self.decide(faults);
            } else {
                self.write(step, faults);
            }
            if self.cut.is_none() && self.is_bomb() {
                self.cut = Some(Cut::Ratio);
            }
            if self.cut.is_some() {
                return false;
            }
        }
        true
    }

    fn decide(&mut self, faults: &mut Faults) {
        match std::mem::replace(&mut self.coding, Coding::Refused) {
            Coding::Undecided(first, sink) => {
                // RFC 1950, section 2.2: method 8, and the first two bytes a multiple of 31.
                let zlib = match first.as_slice() {
                    [cmf, flg, ..] => cmf & 0x0f == 8 && (u16::from(*cmf) * 256 + u16::from(*flg)) % 31 == 0,
                    _ => true,
                };
                self.coding = if zlib {
                    Coding::Zlib(Box::new(ZlibDecoder::new(sink)))
                } else {
                    faults.add(FaultKind::DeflateWithoutZlib, &[]);
                    Coding::Raw(Box::new(DeflateDecoder::new(sink)))
                };
                self.write(&first, faults);
            }
            decided @ (Coding::Identity(_) | Coding::Gzip(_) | Coding::Zlib(_) | Coding::Raw(_) | Coding::Refused) => self.coding = decided,
        }
    }

    fn write(&mut self, bytes: &[u8], faults: &mut Faults) {
        let written = match &mut self.coding {
            Coding::Identity(sink) => sink.write_all(bytes),
            Coding::Gzip(decoder) => decoder.write_all(bytes),
            Coding::Zlib(decoder) => decoder.write_all(bytes),
            Coding::Raw(decoder) => decoder.write_all(bytes),
            Coding::Undecided(..) | Coding::Refused => Ok(()),
        };
        if written.is_err() {
            self.spoil(faults);
        }
    }

    fn spoil(&mut self, faults: &mut Faults) {
        if self.sink().is_some_and(|sink| sink.full) {
            self.cut = Some(if self.is_bomb() { Cut::Ratio } else { Cut::BodyLimit });
        } else {
            faults.add(FaultKind::CodingBroken, &[]);
            self.cut = Some(Cut::BrokenCoding);
        }
    }

    fn sink(&self) -> Option<&Capped> {
        match &self.coding {
            Coding::Identity(sink) | Coding::Undecided(_, sink) => Some(sink),
            Coding::Gzip(decoder) => Some(decoder.get_ref()),
            Coding::Zlib(decoder) => Some(decoder.get_ref()),
            Coding::Raw(decoder) => Some(decoder.get_ref()),
            Coding::Refused => None,
        }
    }

    fn is_bomb(&self) -> bool {
        let decoded = self.sink().map_or(0, |sink| sink.bytes.len() as u64);
        decoded > RATIO_FROM_BYTES && decoded > self.encoded.saturating_mul(self.ratio)
    }

    /// Ends the body. `whole` says whether the framing says that it ended.
    pub(crate) fn finish(mut self, whole: bool, faults: &mut Faults) -> Decoded {
        if matches!(self.coding, Coding::Undecided(..)) && self.encoded > 0 {
            self.decide(faults);
        }
        if whole && self.cut.is_none() && self.encoded > 0 {
            let ended = match &mut self.coding {
                Coding::Gzip(decoder) => decoder.try_finish(),
                Coding::Zlib(decoder) => decoder.try_finish(),
                Coding::Raw(decoder) => decoder.try_finish(),
                Coding::Identity(_) | Coding::Undecided(..) | Coding::Refused => Ok(()),
            };
            if ended.is_err() {
                self.spoil(faults);
            }
        }
        let (encoded, cut) = (self.encoded, self.cut);
        let sink = match &mut self.coding {
            Coding::Identity(sink) | Coding::Undecided(_, sink) => Some(sink),
            Coding::Gzip(decoder) => Some(decoder.get_mut()),
            Coding::Zlib(decoder) => Some(decoder.get_mut()),
            Coding::Raw(decoder) => Some(decoder.get_mut()),
            Coding::Refused => None,
        };
        // Taken, not moved out: a decoder that is dropped writes what it still holds into its sink,
        // which must then be full.
        let bytes = sink.map_or_else(Vec::new, |sink| {
            sink.cap = 0;
            std::mem::take(&mut sink.bytes)
        });
        Decoded { bytes, encoded, cut }
    }
}
