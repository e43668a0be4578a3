//! How doubles are spelled: by Python's `repr`, and by orjson, which writes LiteLLM's client bodies.

/// Spells a double as Python's `repr` and `str` do.
///
/// Shape   shortest digits that read back the same; an exponent below -4 or from 16 on, with at least two digits.
pub fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let shortest = Shortest::of(value);
    if (-4..16).contains(&shortest.exponent) {
        return shortest.fixed();
    }
    let sign = if shortest.exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", shortest.mantissa(), shortest.exponent.unsigned_abs())
}

/// Spells a finite double as orjson does: like Python, but fixed down to 1e-5 and without a zero in front of the exponent.
pub(super) fn float_orjson(value: f64) -> String {
    let shortest = Shortest::of(value);
    if (-5..16).contains(&shortest.exponent) {
        return shortest.fixed();
    }
    let sign = if shortest.exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{}", shortest.mantissa(), shortest.exponent.unsigned_abs())
}

/// The shortest decimal digits of a double and the exponent of its first digit.
struct Shortest {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Shortest {
    fn of(value: f64) -> Self {
        let scientific = format!("{:e}", value.abs());
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        Self {
            negative: value.is_sign_negative(),
            digits: mantissa.replace('.', ""),
            exponent: exponent.parse().unwrap_or(0),
        }
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    fn fixed(&self) -> String {
        let digits = &self.digits;
        if self.exponent < 0 {
            let zeros = "0".repeat(self.exponent.unsigned_abs() as usize - 1);
            return format!("{}0.{zeros}{digits}", self.sign());
        }
        let whole = self.exponent as usize + 1;
        if digits.len() <= whole {
            return format!("{}{digits}{}.0", self.sign(), "0".repeat(whole - digits.len()));
        }
        format!("{}{}.{}", self.sign(), &digits[..whole], &digits[whole..])
    }

    fn mantissa(&self) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{}{first}{point}{rest}", self.sign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_doubles_as_python_and_orjson_do() {
        let cases = [
            (0.0, "0.0", "0.0"),
            (-0.0, "-0.0", "-0.0"),
            (1.0, "1.0", "1.0"),
            (0.001, "0.001", "0.001"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (0.000012, "1.2e-05", "0.000012"),
            (0.000001, "1e-06", "1e-6"),
            (5.25e-5, "5.25e-05", "0.0000525"),
            (1e15, "1000000000000000.0", "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0", "9999999999999998.0"),
            (1e16, "1e+16", "1e+16"),
            (-1.5e16, "-1.5e+16", "-1.5e+16"),
            (1e22, "1e+22", "1e+22"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (5e-324, "5e-324", "5e-324"),
            (0.9099999999999999, "0.9099999999999999", "0.9099999999999999"),
            (123456789.123, "123456789.123", "123456789.123"),
        ];
        for (value, python, orjson) in cases {
            assert_eq!(float_repr(value), python);
            assert_eq!(float_orjson(value), orjson);
        }
        assert_eq!(float_repr(f64::NAN), "nan");
        assert_eq!(float_repr(f64::NEG_INFINITY), "-inf");
    }
}
