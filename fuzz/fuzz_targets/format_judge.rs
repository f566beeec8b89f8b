//! Every judge of a document on any bytes: the first byte picks the format. Nothing may panic or hang.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::{Context, Format, judge, sniff};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    if let Some(format) = Format::ALL.get(usize::from(*first) % Format::ALL.len()) {
        judge(*format, "fuzz", rest, &Context::default());
    }
    if let Some(format) = sniff("fuzz", rest) {
        judge(format, "fuzz", rest, &Context::default());
    }
});
