//! The small strict readers on any text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::uri::{self, Charset};
use probity::format::{date_time, language_tag, unit};

fuzz_target!(|text: &str| {
    let _ = date_time::date_time(text);
    let _ = date_time::date(text);
    let _ = date_time::time(text);
    let _ = language_tag::well_formed(text);
    let _ = unit::ucum(text);
    let _ = uri::absolute(text, Charset::Uri);
    let _ = uri::reference(text, Charset::Iri);
    let _ = uri::template(text);
});
