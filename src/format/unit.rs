//! Units of measure: UCUM codes, and the common codes of UN/CEFACT Recommendation 20.

/// Whether the text is a valid UCUM expression, case sensitive (UCUM, section 2.1).
///
/// # Errors
/// Says what is wrong with it, with a hint where one is known.
pub fn ucum(code: &str) -> Result<(), String> {
    if code.is_empty() {
        return Err("an empty unit".into());
    }
    octofhir_ucum::validate(code).map_err(|error| error.to_string())
}

/// Whether the text has the form of a UN/CEFACT common code: two or three capital letters or digits.
/// The list itself is not part of this program.
pub fn is_common_code_form(code: &str) -> bool {
    (2..=3).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ucum_is_told_from_what_people_write() {
        for code in ["mm[Hg]", "/min", "{beats}/min", "Cel", "kg", "mmol/L", "%", "1", "kg/m2", "10*3/uL", "[lb_av]"] {
            assert!(ucum(code).is_ok(), "{code}: {:?}", ucum(code));
        }
        for code in ["mmHg", "beats/min", "lbs", "degC", "", "kg//m2", "°C"] {
            assert!(ucum(code).is_err(), "{code}");
        }
        assert!(is_common_code_form("CEL") && is_common_code_form("P1") && is_common_code_form("4N"));
        assert!(!is_common_code_form("cel") && !is_common_code_form("Celsius") && !is_common_code_form("C"));
    }
}
