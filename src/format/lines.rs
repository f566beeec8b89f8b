//! One document a line (NDJSON), read in flat memory.

use std::io::{self, BufRead};

/// A line longer than this is not read; a limit of ours that keeps memory flat.
const MAX_LINE: usize = 64 << 20;

/// Reads lines one by one into the same buffer.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    bytes: u64,
}

/// One line that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'b> {
    /// From 1.
    pub number: u64,
    /// Without its line break.
    pub bytes: &'b [u8],
    /// It was longer than this program reads, and what is here is its beginning.
    pub cut: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads from this stream.
    pub fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, bytes: 0 }
    }

    /// How many bytes were read so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is not blank; `None` at the end.
    ///
    /// # Errors
    /// The stream breaks off.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.buffer.clear();
            let mut cut = false;
            let mut ended = false;
            while !ended {
                let chunk = match self.input.fill_buf() {
                    Ok(chunk) => chunk,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                if chunk.is_empty() {
                    if self.buffer.is_empty() && !cut {
                        return Ok(None);
                    }
                    break;
                }
                let (part, taken) = match chunk.iter().position(|b| *b == b'\n') {
                    Some(at) => {
                        ended = true;
                        (chunk.get(..at).unwrap_or_default(), at + 1)
                    }
                    None => (chunk, chunk.len()),
                };
                let room = MAX_LINE.saturating_sub(self.buffer.len());
                cut |= part.len() > room;
                self.buffer.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
                self.bytes += taken as u64;
                self.input.consume(taken);
            }
            self.number += 1;
            if !self.buffer.iter().all(u8::is_ascii_whitespace) {
                break Ok(Some(Line { number: self.number, bytes: self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer), cut }));
            }
            if !ended {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_blank_ones_left_out() {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, &b"{\"a\":1}\r\n\n  \n[2]"[..]));
        let first = lines.next_line().unwrap().unwrap();
        assert_eq!((first.number, first.bytes, first.cut), (1, &b"{\"a\":1}"[..], false));
        let second = lines.next_line().unwrap().unwrap();
        assert_eq!((second.number, second.bytes), (4, &b"[2]"[..]));
        assert_eq!(lines.next_line().unwrap(), None);
        assert_eq!(lines.bytes(), 16);
        assert_eq!(Lines::new(&b""[..]).next_line().unwrap(), None);
        assert_eq!(Lines::new(&b"\n\n"[..]).next_line().unwrap(), None);
    }

    #[test]
    fn an_endless_line_is_cut() {
        let input = io::BufReader::new(io::Read::take(io::repeat(b'x'), (MAX_LINE + 10) as u64));
        let mut lines = Lines::new(input);
        let line = lines.next_line().unwrap().unwrap();
        assert!(line.cut && line.bytes.len() == MAX_LINE);
        assert_eq!(lines.next_line().unwrap(), None);
    }
}
