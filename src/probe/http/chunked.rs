//! The chunked transfer coding (RFC 9112, section 7.1), decoded as bytes arrive.
//!
//! Strict where leniency would let two readers of the same bytes disagree (sizes, line ends), and
//! bounded everywhere: sizes to 64 bits, lines to [`MOST_LINE`] bytes, all extensions and trailers
//! together to [`MOST_LINE`] times four.

use super::head::FaultKind;

/// The longest line of a chunk size with its extensions, or of a trailer, in bytes.
const MOST_LINE: usize = 4096;
/// The most bytes of extensions and trailers in one body.
const MOST_OVERHEAD: usize = 4 * MOST_LINE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Done,
    Broken,
}

/// A decoder of one chunked body.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    line: Vec<u8>,
    overhead: usize,
    trailers: Vec<u8>,
}

impl Default for Chunked {
    fn default() -> Self {
        Self { state: State::Size, line: Vec::new(), overhead: 0, trailers: Vec::new() }
    }
}

impl Chunked {
    /// Decodes some bytes into `data` and returns how many of them belong to this body. An error ends
    /// the body: where chunks are broken nobody knows what follows.
    pub fn feed(&mut self, bytes: &[u8], data: &mut Vec<u8>) -> Result<usize, FaultKind> {
        let mut rest = bytes;
        loop {
            match self.state {
                State::Done => return Ok(bytes.len() - rest.len()),
                State::Broken => return Err(FaultKind::ChunkSize),
                State::Data(left) => {
                    if rest.is_empty() {
                        return Ok(bytes.len());
                    }
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let (now, later) = rest.split_at(take);
                    data.extend_from_slice(now);
                    rest = later;
                    let left = left - take as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data(left) };
                }
                State::Size | State::DataEnd | State::Trailers => {
                    let Some(lf) = rest.iter().position(|b| *b == b'\n') else {
                        self.line.extend_from_slice(rest);
                        return if self.line.len() > MOST_LINE { Err(self.broken(self.too_long())) } else { Ok(bytes.len()) };
                    };
                    let (now, later) = rest.split_at(lf + 1);
                    self.line.extend_from_slice(now);
                    rest = later;
                    if self.line.len() > MOST_LINE {
                        return Err(self.broken(self.too_long()));
                    }
                    let line = std::mem::take(&mut self.line);
                    self.line_read(&line)?;
                }
            }
        }
    }

    /// Whether the last chunk and the trailers have been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The trailer lines as they came.
    pub fn trailers(&self) -> &[u8] {
        &self.trailers
    }

    fn line_read(&mut self, line: &[u8]) -> Result<(), FaultKind> {
        let Some(text) = line.strip_suffix(b"\r\n") else {
            let fault = if self.state == State::DataEnd { FaultKind::ChunkEnd } else { FaultKind::BareLf };
            return Err(self.broken(fault));
        };
        match self.state {
            State::Size => {
                let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                let (size, extension) = text.split_at(digits);
                let extension = extension.trim_ascii_start();
                if size.is_empty() || size.len() > 16 || !(extension.is_empty() || extension.starts_with(b";")) {
                    return Err(self.broken(FaultKind::ChunkSize));
                }
                self.overhead += extension.len();
                if self.overhead > MOST_OVERHEAD {
                    return Err(self.broken(FaultKind::ChunkExtensions));
                }
                let size = size.iter().fold(0u64, |sum, digit| (sum << 4) | u64::from(hex(*digit)));
                self.state = if size == 0 { State::Trailers } else { State::Data(size) };
            }
            State::DataEnd => {
                if !text.is_empty() {
                    return Err(self.broken(FaultKind::ChunkEnd));
                }
                self.state = State::Size;
            }
            State::Trailers => {
                if text.is_empty() {
                    self.state = State::Done;
                } else {
                    self.overhead += line.len();
                    if self.overhead > MOST_OVERHEAD {
                        return Err(self.broken(FaultKind::Trailers));
                    }
                    self.trailers.extend_from_slice(line);
                }
            }
            State::Data(_) | State::Done | State::Broken => {}
        }
        Ok(())
    }

    fn too_long(&self) -> FaultKind {
        match self.state {
            State::Trailers => FaultKind::Trailers,
            State::DataEnd => FaultKind::ChunkEnd,
            State::Size if self.line.contains(&b';') => FaultKind::ChunkExtensions,
            State::Size | State::Data(_) | State::Done | State::Broken => FaultKind::ChunkSize,
        }
    }

    fn broken(&mut self, fault: FaultKind) -> FaultKind {
        self.state = State::Broken;
        self.line = Vec::new();
        fault
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8]) -> (Result<usize, FaultKind>, Vec<u8>, Chunked) {
        let (mut chunked, mut data) = (Chunked::default(), Vec::new());
        (chunked.feed(bytes, &mut data), data, chunked)
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        let bytes = b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX-Sum: 1\r\n\r\nextra";
        for size in 1..bytes.len() {
            let (mut chunked, mut data, mut used) = (Chunked::default(), Vec::new(), 0);
            for part in bytes.chunks(size) {
                used += chunked.feed(part, &mut data).unwrap();
                if chunked.is_done() {
                    break;
                }
            }
            assert_eq!((data.as_slice(), used, chunked.trailers()), (&b"hello world"[..], bytes.len() - 5, &b"X-Sum: 1\r\n"[..]));
        }
    }

    #[test]
    fn broken_chunks_are_named() {
        for (bytes, fault) in [
            (&b"xyz\r\n"[..], FaultKind::ChunkSize),
            (b"-5\r\nhello\r\n", FaultKind::ChunkSize),
            (b"0x5\r\nhello\r\n", FaultKind::ChunkSize),
            (b"5 5\r\nhello\r\n", FaultKind::ChunkSize),
            (b"\r\n", FaultKind::ChunkSize),
            (b"fffffffffffffffff\r\n", FaultKind::ChunkSize),
            (b"5\r\nhelloX\r\n0\r\n\r\n", FaultKind::ChunkEnd),
            (b"5\r\nhello\n0\r\n\r\n", FaultKind::ChunkEnd),
            (b"5\nhello\r\n", FaultKind::BareLf),
        ] {
            assert_eq!(decode(bytes).0, Err(fault), "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn the_largest_size_is_no_overflow() {
        let (result, data, chunked) = decode(b"ffffffffffffffff\r\nabc");
        assert_eq!((result.unwrap(), data.as_slice(), chunked.is_done()), (21, &b"abc"[..], false));
    }

    #[test]
    fn floods_are_bounded() {
        let mut flood = b"5;".to_vec();
        flood.extend(std::iter::repeat_n(b'a', 1_000_000));
        assert_eq!(decode(&flood).0, Err(FaultKind::ChunkExtensions));
        let many = b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n".repeat(10_000);
        assert_eq!(decode(&many).0, Err(FaultKind::ChunkExtensions));
        let mut trailers = b"0\r\n".to_vec();
        trailers.extend(b"a: b\r\n".repeat(100_000));
        assert_eq!(decode(&trailers).0, Err(FaultKind::Trailers));
        assert_eq!(decode(&[b'1'; 100_000]).0, Err(FaultKind::ChunkSize));
    }
}
