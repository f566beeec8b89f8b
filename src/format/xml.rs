//! XML that is well-formed, in UTF-8 and without a document type.
//!
//! A document type is refused altogether: it is what entity bombs and reads of foreign files are made
//! with, and none of the formats of care needs one.

use super::findings::Findings;
use crate::document::Position;
use crate::verdict::Finding;

/// More elements than this are not read from one document; a limit of ours.
const MAX_NODES: u32 = 5_000_000;

/// Elements nested deeper than this are not read; a limit of ours, far above any format of care.
const MAX_DEPTH: usize = 500;

/// Judges XML as such.
pub(super) fn judge(bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Findings::default();
    if let Some(text) = text(bytes, &mut findings) {
        document(text, &mut findings);
    }
    findings.finish()
}

/// The text of the document, if it is UTF-8.
pub(super) fn text<'t>(bytes: &'t [u8], findings: &mut Findings) -> Option<&'t str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            if let Some(encoding) =
                declared_encoding(text).filter(|e| !e.eq_ignore_ascii_case("utf-8") && !e.eq_ignore_ascii_case("us-ascii"))
            {
                findings.push(
                    Finding::error("encoding", "the XML declaration names another encoding than the text has")
                        .position(Some(Position::START))
                        .expected("UTF-8")
                        .observed(encoding)
                        .clause("XML 1.0 section 4.3.3"),
                );
            }
            Some(text.strip_prefix('\u{feff}').unwrap_or(text))
        }
        Err(error) => {
            let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
            findings.push(
                Finding::error("utf-8", "the text is not UTF-8")
                    .position(Some(Position {
                        line: u32::try_from(line).unwrap_or(u32::MAX),
                        column: u32::try_from(column).unwrap_or(u32::MAX),
                    }))
                    .expected("UTF-8")
                    .clause("RFC 3629"),
            );
            None
        }
    }
}

fn declared_encoding(text: &str) -> Option<&str> {
    let declaration = text.trim_start_matches('\u{feff}').strip_prefix("<?xml")?.split_once("?>")?.0;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

/// The document, if it is well-formed.
pub(super) fn document<'t>(text: &'t str, findings: &mut Findings) -> Option<roxmltree::Document<'t>> {
    if let Some(position) = too_deep(text) {
        findings.push(
            Finding::open("depth", format!("elements are nested deeper than {MAX_DEPTH}; a limit of this program"))
                .position(Some(position)),
        );
        return None;
    }
    let options = roxmltree::ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..roxmltree::ParsingOptions::default() };
    match roxmltree::Document::parse_with_options(text, options) {
        Ok(document) => Some(document),
        Err(roxmltree::Error::DtdDetected) => {
            let at = text.find("<!DOCTYPE").map(|at| place(text, at));
            findings.push(
                Finding::error("doctype", "the document has a document type, which is refused")
                    .position(at)
                    .expected("no <!DOCTYPE …>")
                    .clause("RFC 3470 section 4.12"),
            );
            None
        }
        Err(roxmltree::Error::NodesLimitReached | roxmltree::Error::AttributesLimitReached | roxmltree::Error::NamespacesLimitReached) => {
            findings.push(Finding::open("size", "the document has more parts than this program reads"));
            None
        }
        Err(error) => {
            let at = error.pos();
            let message = error.to_string();
            // The library's sentence ends with the place, which the finding has already.
            let message = message.split(" at ").next().unwrap_or(&message).to_owned();
            findings.push(
                Finding::error("syntax", format!("the text is not well-formed XML: {}", crate::verdict::Untrusted::new(&message)))
                    .position(Some(Position { line: at.row, column: at.col }))
                    .clause("XML 1.0 section 2.1"),
            );
            None
        }
    }
}

/// Where a node starts.
pub(super) fn position(node: roxmltree::Node<'_, '_>) -> Position {
    let at = node.document().text_pos_at(node.range().start);
    Position { line: at.row, column: at.col }
}

fn place(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Position { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(u32::MAX) }
}

/// Where the nesting passes the limit, counted roughly: opening tags less closing ones. The parser
/// recurses, so this is asked before it runs.
fn too_deep(text: &str) -> Option<Position> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'<')) {
        let start = at + found;
        let rest = text.get(start..)?;
        let end = |mark: &str| rest.find(mark).map_or(text.len(), |end| start + end + mark.len());
        at = match bytes.get(start + 1) {
            Some(b'/') => {
                depth = depth.saturating_sub(1);
                start + 2
            }
            Some(b'!') if rest.starts_with("<!--") => end("-->"),
            Some(b'!') if rest.starts_with("<![CDATA[") => end("]]>"),
            Some(b'?') => end("?>"),
            Some(b'!') | None => start + 2,
            Some(_) => {
                let close = end_of_tag(bytes, start);
                if bytes.get(close.saturating_sub(1)) != Some(&b'/') {
                    depth += 1;
                }
                if depth > MAX_DEPTH {
                    return Some(place(text, start));
                }
                close
            }
        };
    }
    None
}

/// The offset of the `>` that ends a tag, past quoted attribute values.
fn end_of_tag(bytes: &[u8], start: usize) -> usize {
    let mut quote = None;
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match (quote, byte) {
            (None, b'>') => return at,
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), close) if open == *close => quote = None,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(bytes: &[u8]) -> Vec<String> {
        judge(bytes).into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn each_fault_has_its_rule() {
        assert_eq!(rules(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a b='>'><c/><![CDATA[</x>]]><!-- <y> --></a>"), Vec::<String>::new());
        assert_eq!(rules(b"<a><b></a>"), ["syntax"]);
        assert_eq!(rules(b""), ["syntax"]);
        assert_eq!(rules(b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"), ["doctype"]);
        assert_eq!(rules(b"<a>\xff</a>"), ["utf-8"]);
        assert_eq!(rules(b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a/>"), ["encoding"]);
        assert_eq!(judge(b"<a>\n<b></a>")[0].position.unwrap().line, 2);
    }

    #[test]
    fn deep_nesting_is_a_limit_not_a_crash() {
        let deep = "<a>".repeat(1_000_000);
        assert_eq!(rules(deep.as_bytes()), ["depth"]);
    }
}
