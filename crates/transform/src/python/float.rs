//! How doubles are spelled: by Python's `repr`, and by orjson, which writes LiteLLM's client bodies.

use zmij::Buffer;

/// Spells a double as Python's `repr` and `str` do.
///
/// Shape   shortest digits that read back the same; an exponent below -4 or from 16 on, with at least two digits.
pub fn float_repr(value: f64) -> String {
    match repr_parts(value, &mut Buffer::new()) {
        [whole, "", "", "", ""] => whole.to_owned(),
        parts => parts.concat(),
    }
}

/// Appends what [`float_repr`] spells.
pub(super) fn write_float_repr(value: f64, out: &mut Vec<u8>) {
    for part in repr_parts(value, &mut Buffer::new()) {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Appends a finite double as orjson spells it: like Python, but fixed down to 1e-5 and without a zero in front of the exponent.
pub(super) fn write_float_orjson(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(Buffer::new().format_finite(value).as_bytes());
}

/// The spelling in pieces; the shortest digits come laid out as orjson does, and differ from Python's only where it is small or huge.
fn repr_parts(value: f64, buffer: &mut Buffer) -> [&str; 5] {
    if !value.is_finite() {
        let name = match value {
            _ if value.is_nan() => "nan",
            _ if value > 0.0 => "inf",
            _ => "-inf",
        };
        return [name, "", "", "", ""];
    }
    let spelled: &str = buffer.format_finite(value);
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return [spelled, "", "", "", ""];
    }
    match spelled.split_once('e') {
        Some((mantissa, exponent)) => {
            let (sign, digits) = exponent.split_at(1);
            [mantissa, "e", sign, if digits.len() < 2 { "0" } else { "" }, digits]
        }
        None => below_ten_thousandth(spelled),
    }
}

/// `0.0000123` as `1.23e-05`.
fn below_ten_thousandth(spelled: &str) -> [&str; 5] {
    let (sign, fixed) = spelled.split_at(usize::from(spelled.starts_with('-')));
    let (first, rest) = fixed.strip_prefix("0.0000").unwrap_or(fixed).split_at(1);
    [sign, first, if rest.is_empty() { "" } else { "." }, rest, "e-05"]
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
            (909144669504499.3, "909144669504499.2", "909144669504499.2"),
            (2f64.powi(-25), "2.9802322387695312e-08", "2.9802322387695312e-8"),
            (2f64.powi(-44), "5.684341886080802e-14", "5.684341886080802e-14"),
        ];
        for (value, python, orjson) in cases {
            assert_eq!(float_repr(value), python);
            assert_eq!(orjson_spelling(value), orjson);
        }
        assert_eq!(float_repr(f64::NAN), "nan");
        assert_eq!(float_repr(f64::NEG_INFINITY), "-inf");
    }

    fn orjson_spelling(value: f64) -> String {
        let mut out = Vec::new();
        write_float_orjson(value, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    fn is_as_the_standard_library_says(value: f64) -> bool {
        let mut written = Vec::new();
        write_float_repr(value, &mut written);
        let expected = by_the_standard_library::float_repr(value);
        float_repr(value) == expected
            && written == expected.as_bytes()
            && (!value.is_finite() || orjson_spelling(value) == by_the_standard_library::float_orjson(value))
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4096))]

        #[test]
        fn any_bits_are_spelled_as_the_standard_library_says(bits in proptest::prelude::any::<u64>()) {
            proptest::prop_assert!(is_as_the_standard_library_says(f64::from_bits(bits)));
        }

        #[test]
        fn amounts_are_spelled_as_the_standard_library_says(whole in 0_u32.., exponent in -20_i32..20, share in 0.0_f64..1.0) {
            for value in [f64::from(whole), f64::from(whole) * 10_f64.powi(exponent), share * 10_f64.powi(exponent)] {
                proptest::prop_assert!(is_as_the_standard_library_says(value), "{}", value);
                proptest::prop_assert!(is_as_the_standard_library_says(-value), "{}", -value);
            }
        }
    }

    #[test]
    fn powers_and_their_neighbours_are_spelled_as_the_standard_library_says() {
        let tens = (-325..309).map(|exponent| format!("1e{exponent}").parse().unwrap_or(0.0));
        let twos = (0..2047_u64).map(|exponent| f64::from_bits(exponent << 52));
        for value in tens.chain(twos).flat_map(|value: f64| [value.next_down(), value, value.next_up()]) {
            assert!(is_as_the_standard_library_says(value), "{value:e}");
        }
    }

    /// The same from the standard library's digits. It rounds halves up where Python and orjson go to the even digit, so only how many
    /// digits it takes is used: the nearest so long reads back the same, or else, at a power of two, is a neighbour's.
    mod by_the_standard_library {
        // Spells a double as Python's `repr` and `str` do.
        //
        // Shape   shortest digits that read back the same; an exponent below -4 or from 16 on, with at least two digits.
        pub(super) fn float_repr(value: f64) -> String {
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

        // Spells a finite double as orjson does: like Python, but fixed down to 1e-5 and without a zero in front of the exponent.
        pub(super) fn float_orjson(value: f64) -> String {
            let shortest = Shortest::of(value);
            if (-5..16).contains(&shortest.exponent) {
                return shortest.fixed();
            }
            let sign = if shortest.exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{}", shortest.mantissa(), shortest.exponent.unsigned_abs())
        }

        // The shortest decimal digits of a double and the exponent of its first digit.
        struct Shortest {
            negative: bool,
            digits: String,
            exponent: i32,
        }

        impl Shortest {
            fn of(value: f64) -> Self {
                let shortest = format!("{:e}", value.abs());
                let count = shortest.split('e').next().unwrap_or_default().replace('.', "").len();
                let nearest = format!("{:.*e}", count - 1, value.abs());
                let scientific = if nearest.parse() == Ok(value.abs()) { nearest } else { shortest };
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
    }
}
