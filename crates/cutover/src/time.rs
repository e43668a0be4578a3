//! Time as the policy needs it: seconds since 1970, calendar days, and spans written `24h`.
//!
//! The host owns the clock and passes these in; nothing here asks what time it is.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point in time: whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The point `span` later; saturates at the end of the range.
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.seconds()))
    }

    /// How long ago `earlier` was; zero when the clock stepped back.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The minute this falls into, counted from 1970.
    pub fn minute(self) -> u64 {
        self.0 / 60
    }

    /// The hour this falls into, counted from 1970.
    pub fn hour(self) -> u64 {
        self.0 / 3600
    }

    /// The calendar day in UTC.
    pub fn date(self) -> Date {
        Date::from_days(self.0 / 86_400)
    }
}

/// A length of time in whole seconds, written `90s`, `5m`, `24h` or `2d` (sums such as `1h30m` too).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^([0-9]+[smhd])+$"))]
pub struct Span(u64);

impl Span {
    /// A span of so many seconds.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// A span of so many hours.
    pub const fn from_hours(hours: u64) -> Self {
        Self(hours * 3600)
    }

    /// The length in seconds.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// What is left of `self` after `elapsed`, never below zero.
    pub fn minus(self, elapsed: Self) -> Self {
        Self(self.0.saturating_sub(elapsed.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return formatter.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, seconds) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            // 24h stays 24h: a day is only written where it is a whole number of days above one.
            if unit == "d" && (!rest.is_multiple_of(86_400) || rest == 86_400) {
                continue;
            }
            if rest >= seconds {
                write!(formatter, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

/// Why a span or a date could not be read. The operator wrote it, so the text says how to write it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form number and unit.
    #[error("`{0}` is not a duration; write a number and a unit such as 90s, 5m, 24h or 2d")]
    Span(String),
    /// Not a calendar day.
    #[error("`{0}` is not a date; write year, month and day such as 2027-01-31")]
    Date(String),
}

impl FromStr for Span {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Span(text.to_owned());
        let mut total: u64 = 0;
        let mut number: Option<u64> = None;
        for character in text.chars() {
            if let Some(digit) = character.to_digit(10) {
                let value = number.unwrap_or(0).checked_mul(10).and_then(|value| value.checked_add(u64::from(digit)));
                number = Some(value.ok_or_else(wrong)?);
                continue;
            }
            let unit = match character {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                _ => return Err(wrong()),
            };
            let seconds = number.take().and_then(|value: u64| value.checked_mul(unit)).ok_or_else(wrong)?;
            total = total.checked_add(seconds).ok_or_else(wrong)?;
        }
        if text.is_empty() || number.is_some() { Err(wrong()) } else { Ok(Self(total)) }
    }
}

impl TryFrom<String> for Span {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

/// A calendar day (Gregorian, UTC), written `2027-01-31`. Orders by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "date"))]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day so many days after 1970-01-01 (years beyond 9999 stay at 9999-12-31).
    pub fn from_days(days: u64) -> Self {
        // Days to civil date, after Howard Hinnant's public-domain algorithm: eras of 400 years
        // that begin on 1 March, so the leap day is the last of its year.
        let shifted = days.min(2_932_896) + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self { year: year as u16, month: month as u8, day: day as u8 }
    }

    fn days_in_month(year: u16, month: u8) -> u8 {
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::Date(text.to_owned());
        let bytes = text.as_bytes();
        let shaped = bytes.len() == 10
            && bytes
                .iter()
                .enumerate()
                .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
        if !shaped {
            return Err(wrong());
        }
        let year = text[..4].parse().map_err(|_| wrong())?;
        let month = text[5..7].parse().map_err(|_| wrong())?;
        let day = text[8..].parse().map_err(|_| wrong())?;
        let real = year >= 1970 && (1..=12).contains(&month) && day >= 1 && day <= Self::days_in_month(year, month);
        if real { Ok(Self { year, month, day }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Date {
    type Error = TimeError;

    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_write() {
        for (text, seconds, written) in [
            ("90s", 90, "1m30s"),
            ("5m", 300, "5m"),
            ("24h", 86_400, "24h"),
            ("2d", 172_800, "2d"),
            ("1h30m", 5400, "1h30m"),
            ("0s", 0, "0s"),
            ("36h", 129_600, "36h"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.seconds(), span.to_string().as_str()), (seconds, written), "{text}");
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        for wrong in ["", "24", "h", "1.5h", "24 h", "1w", "-1h", "99999999999999999999s", "999999999999999999d"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn dates_follow_the_calendar() {
        for (days, written) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_780, "2026-11-23"),
            (u64::MAX, "9999-12-31"),
        ] {
            assert_eq!(Date::from_days(days).to_string(), written);
            assert_eq!(written.parse::<Date>().unwrap(), Date::from_days(days));
        }
        for wrong in [
            "2027-02-29",
            "2027-13-01",
            "2027-1-1",
            "27-01-01",
            "2027/01/01",
            "2027-00-10",
            "1969-12-31",
            "2027-01-0\u{e9}",
        ] {
            assert!(wrong.parse::<Date>().is_err(), "{wrong}");
        }
        assert!("2027-01-31".parse::<Date>().unwrap() < "2027-02-01".parse::<Date>().unwrap());
    }
}
