//! Licence expressions by the grammar of SPDX (annex D of 2.3): the form only, not the list of names.

/// Whether a text is an expression. Operators may be in either case, as SPDX 3.0 allows.
pub(super) fn is_expression(text: &str) -> bool {
    /// Longer texts are somebody's whole licence.
    const MAX_LENGTH: usize = 5_000;
    if text.len() > MAX_LENGTH {
        return false;
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut depth = 0_usize;
    let mut wants_operand = true;
    let mut after_with = false;
    let mut any = false;
    for word in spaced.split_ascii_whitespace() {
        let upper = word.to_ascii_uppercase();
        match (word, upper.as_str()) {
            ("(", _) if wants_operand && !after_with => depth += 1,
            (")", _) if !wants_operand && depth > 0 => depth -= 1,
            (_, "AND" | "OR") if !wants_operand => wants_operand = true,
            (_, "WITH") if !wants_operand => {
                wants_operand = true;
                after_with = true;
            }
            (_, "AND" | "OR" | "WITH") | ("(" | ")", _) => return false,
            (name, _) if wants_operand && is_name(name) => {
                wants_operand = false;
                after_with = false;
                any = true;
            }
            _ => return false,
        }
    }
    any && depth == 0 && !wants_operand
}

fn is_name(word: &str) -> bool {
    let word = word.strip_suffix('+').unwrap_or(word);
    let word = match word.split_once(':') {
        Some((document, reference)) if document.starts_with("DocumentRef-") => reference,
        Some(_) => return false,
        None => word,
    };
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::is_expression;

    #[test]
    fn the_form_of_expressions() {
        for text in [
            "MIT",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            "(MIT OR Apache-2.0) AND BSD-3-Clause",
            "GPL-2.0+",
            "LicenseRef-own",
            "DocumentRef-x:LicenseRef-y or MIT",
        ] {
            assert!(is_expression(text), "{text}");
        }
        for text in ["", "MIT Apache-2.0", "MIT OR", "(MIT", "MIT)", "WITH x", "MIT / Apache", "The MIT License", "MIT,BSD", "()"] {
            assert!(!is_expression(text), "{text}");
        }
    }
}
