//! Content lines: unfolding, and a line's name, parameters and value (RFC 5545, section 3.1).

use crate::document::Position;
use crate::format::findings::Findings;
use crate::verdict::Finding;

/// One content line after unfolding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContentLine {
    /// Where it begins.
    pub(super) number: u32,
    /// In capitals.
    pub(super) name: String,
    /// Names in capitals, values without their quotes.
    pub(super) parameters: Vec<(String, Vec<String>)>,
    pub(super) value: String,
}

impl ContentLine {
    /// The first value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).and_then(|(_, values)| values.first()).map(String::as_str)
    }
    pub(super) fn position(&self) -> Position {
        Position { line: self.number, column: 1 }
    }
}

/// Moves folds that stand within a character of several octets behind it, and gives the line of the first.
/// Folding is by octets (section 3.1), so that a simple writer may cut a character in two. `None` where
/// that does not make the text UTF-8.
pub(super) fn mend_folds(bytes: &[u8]) -> Option<(Vec<u8>, u32)> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut line, mut first) = (0, 1u32, None);
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let fold = [b"\r\n ".as_slice(), b"\r\n\t", b"\n ", b"\n\t"].into_iter().find(|fold| rest.starts_with(fold));
        match fold {
            Some(fold) => {
                let after = rest.get(fold.len()..).unwrap_or_default();
                let tail = after.iter().take(3).take_while(|b| (0x80..0xC0).contains(*b)).count();
                if tail > 0 {
                    first.get_or_insert(line);
                }
                out.extend(after.iter().take(tail));
                out.extend(fold);
                at += fold.len() + tail;
                line = line.saturating_add(1);
            }
            None => {
                line = line.saturating_add(u32::from(*byte == b'\n'));
                out.push(*byte);
                at += 1;
            }
        }
    }
    std::str::from_utf8(&out).is_ok().then_some(())?;
    Some((out, first?))
}

/// Reads all content lines and tells what is wrong with their form.
pub(super) fn read(text: &str, findings: &mut Findings) -> Vec<ContentLine> {
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => {
            let finding = Finding::warning("byte-order-mark", "the text begins with a byte order mark");
            findings.push(finding.position(Some(Position::START)).clause("RFC 5545 section 3.1.4"));
            rest
        }
        None => text,
    };
    let mut bare = None;
    let mut long = None;
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut number = 0u32;
    for physical in text.split_inclusive('\n') {
        number = number.saturating_add(1);
        let content = physical.strip_suffix('\n').unwrap_or(physical);
        let content = match content.strip_suffix('\r') {
            Some(content) if physical.ends_with('\n') => content,
            Some(_) | None => {
                bare.get_or_insert(number);
                content
            }
        };
        if content.len() > 75 {
            long.get_or_insert((number, content.len()));
        }
        match (content.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((_, line))) => line.push_str(more),
            (Some(_), None) => findings.push(at(Finding::error("folding", "the first line is a continuation"), number, "3.1")),
            (None, _) => lines.push((number, content.to_owned())),
        }
    }
    if let Some(number) = bare {
        findings.push(at(
            Finding::error("line-break", "a line does not end with CR LF").expected("CR LF at the end of every line"),
            number,
            "3.1",
        ));
    }
    if let Some((number, length)) = long {
        let finding = Finding::warning("line-length", "a line is longer than 75 octets and is not folded");
        findings.push(at(finding.expected("at most 75 octets").observed(&format!("{length} octets")), number, "3.1"));
    }
    let mut read = Vec::with_capacity(lines.len());
    for (number, line) in lines {
        if line.is_empty() {
            findings.push(at(Finding::warning("empty-line", "an empty line"), number, "3.1"));
            continue;
        }
        if line.chars().any(|c| c.is_control() && c != '\t') {
            findings.push(at(Finding::error("control-character", "a line holds a control character"), number, "3.1"));
        }
        match split(&line) {
            Ok((name, parameters, value)) => read.push(ContentLine { number, name, parameters, value }),
            Err(why) => findings.push(at(Finding::error("content-line", format!("it is not a content line: {why}")), number, "3.1")),
        }
    }
    read
}

fn at(finding: Finding, line: u32, section: &str) -> Finding {
    finding.position(Some(Position { line, column: 1 })).clause(format!("RFC 5545 section {section}"))
}

type Split = (String, Vec<(String, Vec<String>)>, String);

fn split(line: &str) -> Result<Split, &'static str> {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let end = line.find([';', ':']).ok_or("no colon")?;
    let (name, mut rest) = line.split_at_checked(end).ok_or("no colon")?;
    if !is_name(name) {
        return Err("its name is not made of letters, digits and hyphens");
    }
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let (parameter, mut values_at) = after.split_once('=').ok_or("a parameter without a value")?;
        if !is_name(parameter) {
            return Err("a parameter's name is not made of letters, digits and hyphens");
        }
        let mut values = Vec::new();
        loop {
            let (value, after) = match values_at.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or("a quotation mark is not closed")?,
                None => {
                    let end = values_at.find([',', ';', ':']).ok_or("no colon")?;
                    let (value, after) = values_at.split_at_checked(end).ok_or("no colon")?;
                    if value.contains('"') {
                        return Err("a quotation mark within a parameter's value");
                    }
                    (value, after)
                }
            };
            values.push(value.to_owned());
            match after.strip_prefix(',') {
                Some(next) => values_at = next,
                None => {
                    rest = after;
                    break;
                }
            }
        }
        parameters.push((parameter.to_ascii_uppercase(), values));
    }
    let value = rest.strip_prefix(':').ok_or("no colon behind the parameters")?;
    Ok((name.to_ascii_uppercase(), parameters, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        read(text, &mut findings);
        findings.finish().into_iter().map(|f| f.rule).collect()
    }

    #[test]
    fn folds_within_a_character_are_moved() {
        let folded = "A:1\r\nSUMMARY:Gr\u{fc}\u{df}e \u{4f60}\r\n".as_bytes();
        let at = folded.iter().position(|b| *b == 0xBC).unwrap();
        let cut = [&folded[..at], b"\r\n ", &folded[at..]].concat();
        assert!(std::str::from_utf8(&cut).is_err());
        let (mended, line) = mend_folds(&cut).unwrap();
        assert_eq!((std::str::from_utf8(&mended).unwrap().replace("\r\n ", ""), line), (String::from_utf8(folded.to_vec()).unwrap(), 2));
        assert_eq!(mend_folds(b"A:\xfc\r\n"), None);
        assert_eq!(mend_folds(b"A:\xfc\r\n \x41\r\n"), None);
    }

    #[test]
    fn lines_are_unfolded_and_taken_apart() {
        let mut findings = Findings::default();
        let lines = read("ATTENDEE;ROLE=CHAIR;CN=\"a, b;c:d\":mailto:x@\r\n example.org\r\nsummary:a:b\r\n", &mut findings);
        assert_eq!(findings.finish(), []);
        assert_eq!(lines[0].parameter("CN"), Some("a, b;c:d"));
        assert_eq!(lines[0].value, "mailto:x@example.org");
        assert_eq!((lines[1].name.as_str(), lines[1].value.as_str(), lines[1].number), ("SUMMARY", "a:b", 3));
    }

    #[test]
    fn each_fault_has_its_rule() {
        assert_eq!(rules("A:b\n"), ["line-break"]);
        assert_eq!(rules("A:b"), ["line-break"]);
        assert_eq!(rules(&format!("A:{}\r\n", "x".repeat(74))), ["line-length"]);
        assert_eq!(rules(" A:b\r\n"), ["folding"]);
        assert_eq!(rules("A:b\r\n\r\n"), ["empty-line"]);
        assert_eq!(rules("A:b\u{7}\r\n"), ["control-character"]);
        assert_eq!(rules("no colon\r\n"), ["content-line"]);
        assert_eq!(rules("A;B:c\r\n"), ["content-line"]);
        assert_eq!(rules("A;B=\"c:d\r\n"), ["content-line"]);
        assert_eq!(rules("A B:c\r\n"), ["content-line"]);
        assert_eq!(rules("\u{feff}A:b\r\n"), ["byte-order-mark"]);
    }
}
