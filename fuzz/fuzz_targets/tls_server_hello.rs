//! The answer of a TLS, SSL 2.0 or DTLS server, whole and in pieces: no panic, and the same result.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::probe::tls::{AnswerReader, DatagramReader, Progress};

fuzz_target!(|bytes: &[u8]| {
    let mut whole = AnswerReader::new();
    let one = whole.feed(bytes);
    let mut pieces = AnswerReader::new();
    let mut last = Progress::More;
    for piece in bytes.chunks(3) {
        last = pieces.feed(piece);
    }
    if bytes.len() < 200_000 {
        assert_eq!(one, last);
        assert_eq!(whole.answer(), pieces.answer());
    }
    let mut datagrams = DatagramReader::new();
    for datagram in bytes.chunks(97) {
        let _ = datagrams.feed(datagram);
    }
    let _ = DatagramReader::new().feed(bytes);
});
