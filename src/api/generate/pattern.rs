//! Text that matches a regular expression, made from the expression itself.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The longest text that is made.
const MAX_CHARS: usize = 4096;

/// Text that matches `pattern`, at least `least` characters long where the pattern leaves room for
/// it. `serial` varies what the pattern leaves open. The caller checks the result.
pub(crate) fn matching(pattern: &str, least: usize, serial: usize) -> Option<String> {
    let hir = regex_syntax::ParserBuilder::new().utf8(true).nest_limit(64).build().parse(pattern).ok()?;
    let anchored = pattern.starts_with('^') && pattern.ends_with('$');
    // The first repetition that has room takes what is missing.
    for stretch in 0..4 {
        let mut out = String::new();
        let mut maker = Maker { serial, stretch, seen: 0, missing: 0 };
        maker.write(&hir, &mut out)?;
        let length = out.chars().count();
        if length < least {
            maker = Maker { serial, stretch, seen: 0, missing: least - length };
            out.clear();
            maker.write(&hir, &mut out)?;
        }
        if out.chars().count() >= least {
            return Some(out);
        }
        if !anchored {
            while out.chars().count() < least && out.len() < MAX_CHARS {
                out.push('a');
            }
            return Some(out);
        }
    }
    None
}

struct Maker {
    serial: usize,
    /// Which of the repetitions with room is made longer.
    stretch: usize,
    seen: usize,
    missing: usize,
}

impl Maker {
    fn write(&mut self, hir: &Hir, out: &mut String) -> Option<()> {
        if out.len() > MAX_CHARS {
            return None;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(class) => out.push(self.pick(class, out.chars().count())?),
            HirKind::Repetition(repetition) => {
                let mut count = repetition.min as usize;
                let room = repetition.max.map_or(MAX_CHARS, |max| max as usize).saturating_sub(count);
                if room > 0 {
                    if self.seen == self.stretch {
                        count += room.min(self.missing);
                    }
                    self.seen += 1;
                }
                for _ in 0..count {
                    self.write(&repetition.sub, out)?;
                }
            }
            HirKind::Capture(capture) => self.write(&capture.sub, out)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.write(part, out))?,
            HirKind::Alternation(branches) => self.write(branches.get(self.serial % branches.len().max(1))?, out)?,
        }
        Some(())
    }

    fn pick(&self, class: &Class, at: usize) -> Option<char> {
        let Class::Unicode(class) = class else { return None };
        // Letters and digits before signs; signs before what is not ASCII.
        let mut plain: Vec<char> = Vec::new();
        let mut signs: Vec<char> = Vec::new();
        for range in class.ranges() {
            for code in (range.start() as u32).max(0x20)..=(range.end() as u32).min(0x7e) {
                let c = char::from_u32(code)?;
                if c.is_ascii_alphanumeric() { plain.push(c) } else { signs.push(c) }
            }
        }
        let from = if plain.is_empty() { &signs } else { &plain };
        if from.is_empty() {
            return class.ranges().first().map(|range| range.start());
        }
        from.get((at + self.serial * 7) % from.len()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_people_write_are_matched() {
        for (pattern, least) in [
            (r"^[A-Z]{2}-\d{4,8}$", 0),
            (r"^[A-Z]{2}-\d{4,8}$", 10),
            (r"^(fall|smoke|door)$", 0),
            (r"^\+[1-9][0-9]{6,14}$", 0),
            (r"^[a-z0-9]+(-[a-z0-9]+)*$", 5),
            (r"\S", 3),
            (r"^.{3,}$", 0),
            (r"^[^\s@]+@[^\s@]+\.[a-z]{2,}$", 0),
        ] {
            for serial in 0..5 {
                let text = matching(pattern, least, serial).unwrap();
                assert!(regex::Regex::new(pattern).unwrap().is_match(&text), "{pattern} {text}");
                assert!(text.chars().count() >= least, "{pattern} {text}");
            }
        }
        assert_ne!(matching("^[0-9]{6}$", 0, 0), matching("^[0-9]{6}$", 0, 1));
        assert_eq!(matching("(", 0, 0), None);
        let _ = matching("^((a{1000}){1000}){1000}$", 0, 0);
    }
}
