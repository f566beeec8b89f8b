//! Decimal numbers with their digits: what FHIRPath counts with. Binary fractions would make
//! `0.1 + 0.2 = 0.3` false.

use std::cmp::Ordering;

/// Most digits after the point that are kept; FHIRPath asks for eight at least.
const MAX_SCALE: u32 = 15;

/// A number `digits / 10^scale`.
#[derive(Debug, Clone, Copy)]
pub(in crate::format::fhir) struct Decimal {
    digits: i128,
    scale: u32,
}

fn power(scale: u32) -> Option<i128> {
    10i128.checked_pow(scale)
}

impl Decimal {
    pub(super) fn int(n: i64) -> Self {
        Self { digits: i128::from(n), scale: 0 }
    }

    /// Reads `-12.340`, also with an exponent as JSON writes it.
    pub(in crate::format::fhir) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((m, e)) => (m, e.strip_prefix('+').unwrap_or(e).parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let negative = whole.starts_with('-');
        let whole = whole.strip_prefix(['-', '+']).unwrap_or(whole);
        if whole.is_empty() || whole.len() + fraction.len() > 36 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let mut scale = i32::try_from(fraction.len()).ok()? - exponent;
        if scale < 0 {
            digits = digits.checked_mul(power(scale.unsigned_abs())?)?;
            scale = 0;
        }
        if negative {
            digits = -digits;
        }
        let scale = u32::try_from(scale).ok()?;
        if scale > 36 { None } else { Some(Self { digits, scale }) }
    }

    /// Digits after the point, as written.
    pub(super) fn scale(self) -> u32 {
        self.scale
    }

    /// The number as a fraction of two, for functions that have no exact answer.
    pub(super) fn float(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }
    pub(super) fn from_float(n: f64) -> Option<Self> {
        if !n.is_finite() {
            return None;
        }
        Self::parse(&format!("{n:.15}")).map(Self::trim)
    }

    fn align(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let a = self.digits.checked_mul(power(scale - self.scale)?)?;
        let b = other.digits.checked_mul(power(scale - other.scale)?)?;
        Some((a, b, scale))
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.align(other)?;
        Some(Self { digits: a.checked_add(b)?, scale })
    }
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negate())
    }
    pub(super) fn times(self, other: Self) -> Option<Self> {
        Some(Self { digits: self.digits.checked_mul(other.digits)?, scale: self.scale + other.scale }.trim())
    }
    pub(super) fn over(self, other: Self) -> Option<Self> {
        if other.digits == 0 {
            return None;
        }
        let (a, b, _) = self.align(other)?;
        let mut scale = MAX_SCALE;
        loop {
            if let Some(scaled) = power(scale).and_then(|p| a.checked_mul(p)) {
                return Some(Self { digits: scaled / b, scale }.trim());
            }
            scale = scale.checked_sub(1)?;
        }
    }
    pub(super) fn remainder(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.align(other)?;
        Some(Self { digits: a.checked_rem(b)?, scale })
    }
    /// How often `other` fits in whole.
    pub(super) fn quotient(self, other: Self) -> Option<i64> {
        let (a, b, _) = self.align(other)?;
        i64::try_from(a.checked_div(b)?).ok()
    }
    pub(super) fn negate(self) -> Self {
        Self { digits: -self.digits, ..self }
    }
    pub(super) fn is_negative(self) -> bool {
        self.digits < 0
    }
    /// Without zeros at the end of the fraction.
    pub(super) fn trim(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            self.digits /= 10;
            self.scale -= 1;
        }
        self
    }
    pub(super) fn truncate(self) -> Option<i64> {
        i64::try_from(self.digits / power(self.scale)?).ok()
    }
    pub(super) fn floor(self) -> Option<i64> {
        i64::try_from(self.digits.div_euclid(power(self.scale)?)).ok()
    }
    pub(super) fn ceiling(self) -> Option<i64> {
        self.negate().floor().map(|n| -n)
    }
    /// Half away from zero.
    pub(super) fn round(self, places: u32) -> Option<Self> {
        if self.scale <= places {
            return Some(self);
        }
        let unit = power(self.scale - places)?;
        let half = unit / 2;
        let digits = if self.digits < 0 { self.digits - half } else { self.digits + half } / unit;
        Some(Self { digits, scale: places })
    }
    /// The least and greatest number that is written like this at a higher precision.
    pub(super) fn boundary(self, places: u32, high: bool) -> Option<Self> {
        if places > 28 {
            return None;
        }
        let half = Self { digits: 5, scale: self.scale + 1 };
        let exact = if high { self.plus(half)? } else { self.minus(half)? };
        if places >= exact.scale {
            return Some(Self { digits: exact.digits.checked_mul(power(places - exact.scale)?)?, scale: places });
        }
        let unit = power(exact.scale - places)?;
        let digits = if high { -(-exact.digits).div_euclid(unit) } else { exact.digits.div_euclid(unit) };
        Some(Self { digits, scale: places })
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.align(*other) {
            Some((a, b, _)) => Some(a.cmp(&b)),
            None => self.float().partial_cmp(&other.float()),
        }
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.digits.unsigned_abs().to_string();
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn decimals_count_like_people() {
        assert_eq!(d("0.1").plus(d("0.2")).unwrap(), d("0.3"));
        assert_eq!(d("1").over(d("3")).unwrap().to_string(), "0.333333333333333");
        assert_eq!(d("-1.5").round(0).unwrap().to_string(), "-2");
        assert_eq!(d("-1.5").floor(), Some(-2));
        assert_eq!(d("1.5e2").to_string(), "150");
        assert_eq!(d("1e-3").to_string(), "0.001");
        assert!(d("1.10") == d("1.1") && d("2") > d("1.999"));
        assert_eq!(d("1").over(d("0")), None);
    }
}
