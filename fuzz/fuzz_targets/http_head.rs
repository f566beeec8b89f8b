//! The head of an answer and the chunks of a body, from bytes that a stranger chose.

#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::probe::{Chunked, find_end, parse_head};

/// Decodes a chunked body that arrives in pieces of this size.
fn decode(bytes: &[u8], size: usize) -> (Vec<u8>, bool, bool) {
    let (mut chunked, mut data) = (Chunked::default(), Vec::new());
    for piece in bytes.chunks(size) {
        if chunked.feed(piece, &mut data).is_err() {
            return (data, false, true);
        }
        if chunked.is_done() {
            break;
        }
    }
    (data, chunked.is_done(), false)
}

fuzz_target!(|bytes: &[u8]| {
    let end = find_end(bytes, 0);
    if let Some(end) = end {
        assert!(end <= bytes.len());
        // The end does not depend on how the bytes arrived.
        let half = end / 2;
        assert_eq!(find_end(&bytes[..half], 0).or_else(|| find_end(bytes, half)), Some(end));
    }
    if let Some(head) = parse_head(&bytes[..end.unwrap_or(bytes.len())], 100) {
        assert!(head.fields.len() <= 100 && head.faults().len() <= 50);
    }
    let whole = decode(bytes, bytes.len().max(1));
    assert!(whole.0.len() <= bytes.len());
    assert_eq!(decode(bytes, 1), whole);
});
