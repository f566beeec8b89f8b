//! Records of a CSV text (RFC 4180), read one by one in flat memory.
//!
//! Own code, because the crate for CSV repairs what must be reported here: a quote within a bare field,
//! text behind a closing quote, a quote that is never closed.

use std::io::{self, Read};

/// A record longer than this is not read; a limit of ours that keeps memory flat.
const MAX_RECORD: usize = 16 << 20;

/// How a CSV text is written. The default is that of RFC 4180.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Between two fields.
    pub delimiter: u8,
    /// Around a field that holds delimiters or line breaks.
    pub quote: Option<u8>,
    /// Whether the first record names the fields.
    pub header: bool,
    /// A line that begins with this is left out.
    pub comment: Option<u8>,
    /// Lines before the header that are left out.
    pub skip_rows: usize,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { delimiter: b',', quote: Some(b'"'), header: true, comment: None, skip_rows: 0 }
    }
}

/// Something wrong with how a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    QuoteInField,
    AfterQuote,
    Unclosed,
    BareReturn,
    LineFeed,
    TooLong,
}

/// One record: its fields' bytes, where it begins, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    pub(super) line: u64,
    pub(super) faults: Vec<(Fault, u64)>,
}

impl Record {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
    pub(super) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }
    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.bytes.get(start..end)
    }
    /// An empty line.
    pub(super) fn is_blank(&self) -> bool {
        self.ends.len() <= 1 && self.bytes.is_empty()
    }
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.faults.clear();
    }
    fn close_field(&mut self) {
        self.ends.push(self.bytes.len());
    }
    fn fault(&mut self, fault: Fault, line: u64) {
        if !self.faults.iter().any(|(seen, _)| *seen == fault) {
            self.faults.push((fault, line));
        }
    }
}

/// Reads records out of a stream.
pub(super) struct Records<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    line: u64,
    /// Bytes taken from the stream so far.
    pub(super) bytes: u64,
    delimiter: u8,
    quote: Option<u8>,
    comment: Option<u8>,
    stopped: bool,
    /// The text begins with a byte order mark.
    pub(super) byte_order_mark: bool,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, dialect: &Dialect) -> Self {
        Self {
            input,
            buffer: vec![0; 64 << 10],
            at: 0,
            filled: 0,
            line: 1,
            bytes: 0,
            delimiter: dialect.delimiter,
            quote: dialect.quote,
            comment: dialect.comment,
            stopped: false,
            byte_order_mark: false,
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.filled {
            loop {
                match self.input.read(&mut self.buffer) {
                    Ok(read) => {
                        self.filled = read;
                        break;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.at = 0;
            let first = self.bytes == 0;
            self.bytes += self.filled as u64;
            if first && self.buffer.get(..self.filled).is_some_and(|bytes| bytes.starts_with(b"\xef\xbb\xbf")) {
                self.byte_order_mark = true;
                self.at = 3;
                if self.at == self.filled {
                    return self.peek();
                }
            }
        }
        Ok(if self.filled == 0 { None } else { self.buffer.get(self.at).copied() })
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.at += 1;
        }
        Ok(byte)
    }

    /// Reads the next record into `record`; false at the end of the text.
    pub(super) fn read(&mut self, record: &mut Record) -> io::Result<bool> {
        record.clear();
        while self.comment.is_some() && self.peek()? == self.comment {
            while !matches!(self.next()?, None | Some(b'\n')) {}
            self.line += 1;
        }
        record.line = self.line;
        if self.stopped || self.peek()?.is_none() {
            return Ok(false);
        }
        loop {
            if record.bytes.len() > MAX_RECORD {
                record.fault(Fault::TooLong, self.line);
                record.close_field();
                self.stopped = true;
                return Ok(true);
            }
            // At the beginning of a field.
            if self.quote.is_some() && self.peek()? == self.quote {
                self.at += 1;
                self.quoted(record)?;
            }
            match self.bare(record)? {
                End::Field => record.close_field(),
                End::Record => {
                    record.close_field();
                    return Ok(true);
                }
                End::Limit => {}
            }
        }
    }

    /// From behind an opening quote to behind its closing one.
    fn quoted(&mut self, record: &mut Record) -> io::Result<()> {
        let opened = self.line;
        loop {
            let Some(byte) = self.next()? else {
                record.fault(Fault::Unclosed, opened);
                return Ok(());
            };
            if Some(byte) == self.quote {
                if self.peek()? != self.quote {
                    if !matches!(self.peek()?, None | Some(b'\r' | b'\n')) && self.peek()? != Some(self.delimiter) {
                        record.fault(Fault::AfterQuote, self.line);
                    }
                    return Ok(());
                }
                self.at += 1;
            } else if byte == b'\n' {
                self.line += 1;
            }
            record.bytes.push(byte);
            if record.bytes.len() > MAX_RECORD {
                return Ok(());
            }
        }
    }

    /// The bare part of a field, to behind the delimiter or line break that ends it.
    fn bare(&mut self, record: &mut Record) -> io::Result<End> {
        loop {
            let Some(byte) = self.next()? else { return Ok(End::Record) };
            if byte == self.delimiter {
                return Ok(End::Field);
            }
            match byte {
                b'\n' => {
                    record.fault(Fault::LineFeed, self.line);
                    self.line += 1;
                    return Ok(End::Record);
                }
                b'\r' if self.peek()? == Some(b'\n') => {
                    self.at += 1;
                    self.line += 1;
                    return Ok(End::Record);
                }
                b'\r' => {
                    record.fault(Fault::BareReturn, self.line);
                    record.bytes.push(byte);
                }
                _ => {
                    if Some(byte) == self.quote {
                        record.fault(Fault::QuoteInField, self.line);
                    }
                    record.bytes.push(byte);
                }
            }
            if record.bytes.len() > MAX_RECORD {
                return Ok(End::Limit);
            }
        }
    }
}

enum End {
    Field,
    Record,
    Limit,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Vec<String>, Vec<Fault>)> {
        let mut records = Records::new(text.as_bytes(), &Dialect::default());
        let mut record = Record::default();
        let mut out = Vec::new();
        while records.read(&mut record).unwrap() {
            let fields = record.fields().map(|f| String::from_utf8_lossy(f).into_owned()).collect();
            out.push((fields, record.faults.iter().map(|(fault, _)| *fault).collect()));
        }
        out
    }

    #[test]
    fn records_by_rfc_4180() {
        assert_eq!(
            all("a,b\r\n\"c,\r\n\"\"d\"\"\",\r\n"),
            [(vec!["a".into(), "b".into()], vec![]), (vec!["c,\r\n\"d\"".into(), String::new()], vec![]),]
        );
        assert_eq!(all(""), []);
        assert_eq!(all("a"), [(vec!["a".into()], vec![])]);
        assert_eq!(all("a\n")[0].1, [Fault::LineFeed]);
        assert_eq!(all("a\"b\r\n")[0].1, [Fault::QuoteInField]);
        assert_eq!(all("\"a\"b\r\n")[0].1, [Fault::AfterQuote]);
        assert_eq!(all("\"a\r\n")[0].1, [Fault::Unclosed]);
        assert_eq!(all("a\rb\r\n")[0].1, [Fault::BareReturn]);
        assert_eq!(all("\u{feff}a\r\n")[0].0, ["a"]);
    }

    #[test]
    fn an_endless_record_stops_at_the_limit() {
        let mut records = Records::new(io::repeat(b'x'), &Dialect::default());
        let mut record = Record::default();
        assert!(records.read(&mut record).unwrap());
        assert_eq!(record.faults, [(Fault::TooLong, 1)]);
        assert!(!records.read(&mut record).unwrap());
    }
}
