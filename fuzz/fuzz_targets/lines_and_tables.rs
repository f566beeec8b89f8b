//! Streams: one document a line, tables with a schema, data packages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use probity::format::csv::package::judge_package;
use probity::format::csv::{Dialect, TableSchema, judge_stream};
use probity::format::{Context, judge_lines};

fuzz_target!(|data: &[u8]| {
    let _ = judge_lines("fuzz.ndjson", data, None, &Context::default(), &mut |_| {});
    let (schema, table) = data.split_at(data.len() / 2);
    if let Ok(schema) = serde_json_value(schema)
        && let Ok((schema, _)) = TableSchema::read(&schema)
    {
        let _ = judge_stream(table, Some(&schema), &Dialect::default(), &[], &mut |_| {});
    }
    let table = table.to_vec();
    let mut open = |_: &str| Some(Box::new(std::io::Cursor::new(table.clone())) as Box<dyn std::io::Read>);
    let _ = judge_package(schema, &mut open, &mut |_| {});
});

fn serde_json_value(bytes: &[u8]) -> Result<serde_json::Value, serde_json::Error> {
    serde_json::from_slice(bytes)
}
