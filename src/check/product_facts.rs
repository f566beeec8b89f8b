//! The product as the target file names it, and its classification codes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::claims::Nothing;
use super::{Facts, Kind, On, Probes};
use crate::probe::ProbeError;
use crate::target::Effect;
use crate::verdict::{Cause, Evidence, Finding, Grade, Place, Verdict};

/// Judges what the target file says of the product: the codes that are asked for are there and are
/// well formed, check digits included. Whether a code fits the product is for a person to judge.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProductFacts {
    /// The schemes of which at least one code must be given.
    #[serde(default)]
    codes: Vec<Scheme>,
    /// For each scheme, beginnings of which at least one code must have one, such as `33` for a division.
    #[serde(default)]
    beginnings: Vec<String>,
    /// Whether the product's purpose must be written.
    #[serde(default)]
    purpose: bool,
    /// Whether the vendor's country must be given, as ISO 3166-1 alpha-2 writes it.
    #[serde(default)]
    country: bool,
}

/// A scheme of classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scheme {
    /// Common Procurement Vocabulary, Regulation (EC) No 213/2008: eight digits, with or without the check digit.
    Cpv,
    /// ISO 9999: two, four or six digits for class, subclass and division.
    #[serde(rename = "iso-9999")]
    Iso9999,
    /// European Medical Device Nomenclature: a letter and up to six pairs of digits.
    Emdn,
    /// GS1 Global Trade Item Number: 8, 12, 13 or 14 digits with check digit.
    Gtin,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Cpv => "cpv",
            Self::Iso9999 => "iso-9999",
            Self::Emdn => "emdn",
            Self::Gtin => "gtin",
        }
    }
    /// What is wrong with a code of this scheme.
    fn fault(self, code: &str) -> Option<&'static str> {
        let digits = |text: &str| text.bytes().map(|b| b.is_ascii_digit().then(|| u32::from(b - b'0'))).collect::<Option<Vec<u32>>>();
        match self {
            Self::Cpv => {
                let (number, check) = code.split_once('-').map_or((code, None), |(n, c)| (n, Some(c)));
                match (digits(number).filter(|d| d.len() == 8), check.map(digits)) {
                    (Some(_), None) => None,
                    // The weights reproduce the check digits of the vocabulary as it is published.
                    (Some(number), Some(Some(check))) if check == [number.iter().zip([3, 7, 1].iter().cycle()).map(|(d, w)| d * w).sum::<u32>() % 10] => None,
                    (Some(_), Some(_)) => Some("its check digit is wrong"),
                    (None, _) => Some("it has not eight digits"),
                }
            }
            Self::Iso9999 => {
                let plain: String = code.chars().filter(|c| *c != ' ').collect();
                let spaced = code.split(' ').all(|pair| pair.len() == 2) || !code.contains(' ');
                (!spaced || digits(&plain).is_none_or(|d| !matches!(d.len(), 2 | 4 | 6))).then_some("it has not two, four or six digits")
            }
            Self::Emdn => {
                let rest = code.strip_prefix(|c: char| c.is_ascii_uppercase());
                rest.and_then(digits).is_none_or(|d| d.len() < 2 || d.len() % 2 == 1 || d.len() > 12).then_some("it is not a letter and pairs of digits")
            }
            Self::Gtin => match digits(code).filter(|d| matches!(d.len(), 8 | 12 | 13 | 14)) {
                None => Some("it has not 8, 12, 13 or 14 digits"),
                Some(digits) => (digits.iter().rev().zip([1, 3].iter().cycle()).map(|(d, w)| d * w).sum::<u32>() % 10 != 0).then_some("its check digit is wrong"),
            },
        }
    }
}

impl Kind for ProductFacts {
    const NAME: &'static str = "product-facts";
    const GRADE: Grade = Grade::Documented;
    const EFFECT: Effect = Effect::ReadsOnly;
    const ON: On = On::Product;
    type Observation = Nothing;

    async fn observe(&self, _: &Probes) -> Result<Nothing, ProbeError> {
        Ok(Nothing {})
    }

    fn judge(&self, _: &Nothing, facts: &Facts<'_>) -> Verdict {
        let product = &facts.target.product;
        let untested = |what: String, part: &str| {
            Verdict::untested(Cause::Missing, format!("the target file does not give {what}")).with(Evidence::expected(what).observed("nothing").at(Place::part_of("target file", part)))
        };
        if self.purpose && product.purpose.as_deref().is_none_or(|p| p.trim().is_empty()) {
            return untested("what the product is for".into(), "product.purpose");
        }
        let mut findings = Vec::new();
        if self.country {
            match product.vendor.country.as_deref() {
                None => return untested("the vendor's country".into(), "product.vendor.country"),
                Some(country) if country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) => {}
                Some(country) => findings.push(Finding::error("country", "the vendor's country is not written in two capital letters").at("product.vendor.country").expected("ISO 3166-1 alpha-2").observed(country)),
            }
        }
        for scheme in &self.codes {
            let name = scheme.name();
            let codes = product.codes.get(name).map(Vec::as_slice).unwrap_or_default();
            if codes.is_empty() {
                return untested(format!("a code of the scheme `{name}`"), &format!("product.codes.{name}"));
            }
            for code in codes {
                if let Some(fault) = scheme.fault(code) {
                    findings.push(Finding::error(name, format!("the {name} code is not well formed: {fault}")).at(format!("product.codes.{name}")).expected("a well-formed code").observed(code));
                }
            }
            if !self.beginnings.is_empty() && !codes.iter().any(|code| self.beginnings.iter().any(|b| code.starts_with(b.as_str()))) {
                findings.push(
                    Finding::error("beginning", format!("no {name} code is of a kind that this profile is about"))
                        .at(format!("product.codes.{name}"))
                        .expected(format!("a code that begins with {}", self.beginnings.join(" or ")))
                        .observed(&codes.join(", ")),
                );
            }
        }
        Verdict::from_findings(&findings, "the product's own facts")
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::answer::tests::kind;
    use super::*;
    use crate::target::Target;
    use crate::verdict::Outcome;

    #[test]
    fn codes_are_well_formed_or_not() {
        // CPV codes as published; GTIN examples of the GS1 General Specifications' check digit rule.
        for code in ["33196200-2", "33196200", "85000000-9", "32000000-3", "03111100-3", "72000000-5"] {
            assert_eq!(Scheme::Cpv.fault(code), None, "{code}");
        }
        for code in ["33196200-3", "3319620-2", "33196200-", "331962OO-2"] {
            assert!(Scheme::Cpv.fault(code).is_some(), "{code}");
        }
        for (scheme, good, bad) in [
            (Scheme::Iso9999, "22 29 06", "22 2 906"),
            (Scheme::Iso9999, "222906", "2229061"),
            (Scheme::Emdn, "Y2129", "Y212"),
            (Scheme::Gtin, "4006381333931", "4006381333932"),
            (Scheme::Gtin, "96385074", "9638507"),
        ] {
            assert_eq!(scheme.fault(good), None, "{good}");
            assert!(scheme.fault(bad).is_some(), "{bad}");
        }
    }

    fn judge(check: &str, product: &str) -> Outcome {
        let check: ProductFacts = kind(check);
        let target = Target::parse("t.yaml", &format!("target: 1\nproduct: {{name: a, version: 1, vendor: {{name: v, country: AT}}, {product}}}\n")).unwrap();
        check.judge(&Nothing {}, &Facts { now: datetime!(2026-11-22 12:00 UTC), target: &target, endpoint: None }).outcome
    }

    #[test]
    fn what_is_asked_is_given_and_fits() {
        let check = "{codes: [cpv], beginnings: ['33', '85'], purpose: true, country: true}";
        assert_eq!(judge(check, "purpose: x, codes: {cpv: [33196200-2]}"), Outcome::Passed);
        assert_eq!(judge(check, "purpose: x, codes: {cpv: [72000000-5]}"), Outcome::Failed);
        assert_eq!(judge(check, "purpose: x, codes: {cpv: [33196200-1]}"), Outcome::Failed);
        assert_eq!(judge(check, "codes: {cpv: [33196200-2]}"), Outcome::Untested);
        assert_eq!(judge(check, "purpose: x"), Outcome::Untested);
    }
}
