//! Dates as sources give them: EDTF (ISO 8601-2) levels 0 and 1, kept as given, with the earliest and the latest day.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::{Deserialize, Serialize};

/// A date that may be partial, uncertain, a span or open: `2008-06`, `1968?`, `2008-21` (spring), `2009-12-XX`,
/// `2008-12/2009-06`, `../2010`. An open end reaches to year 1 or 9999.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String", into = "String")]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Edtf {
    text: String,
    earliest: NaiveDate,
    latest: NaiveDate,
}

const REFUSED: &str = "must be a date such as 2008-12-08, 2008-06, 1968?, 2009-12-XX or 2008-12/2009-06 (EDTF level 1)";

impl Edtf {
    /// Reads a date.
    ///
    /// # Errors
    /// In words, for what is no date: `2008-13`, `2010-02-30`, an end before its start.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (earliest, latest) = match text.split_once('/') {
            None => single(text)?,
            Some((from, to)) => {
                let start = if open(from) { None } else { Some(single(from)?) };
                let end = if open(to) { None } else { Some(single(to)?) };
                if start.is_none() && end.is_none() {
                    return Err(REFUSED.to_owned());
                }
                (
                    start.map_or(first_day(), |days| days.0),
                    end.map_or(last_day(), |days| days.1),
                )
            }
        };
        if latest < earliest {
            return Err("must not end before it starts".to_owned());
        }
        Ok(Self {
            text: text.to_owned(),
            earliest,
            latest,
        })
    }

    /// That day.
    #[must_use]
    pub fn of_day(day: NaiveDate) -> Self {
        Self {
            text: day.format("%Y-%m-%d").to_string(),
            earliest: day,
            latest: day,
        }
    }

    /// As given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first day that it may mean.
    #[must_use]
    pub fn earliest(&self) -> NaiveDate {
        self.earliest
    }

    /// The last day that it may mean.
    #[must_use]
    pub fn latest(&self) -> NaiveDate {
        self.latest
    }

    /// Whether it has surely come by that day.
    #[must_use]
    pub fn certain_by(&self, day: NaiveDate) -> bool {
        self.latest <= day
    }

    #[allow(clippy::needless_pass_by_value)]
    fn from_stored(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl TryFrom<String> for Edtf {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Edtf> for String {
    fn from(date: Edtf) -> Self {
        date.text
    }
}

impl fmt::Display for Edtf {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Reads one whole day, `2010-05-10`, of the years 1 to 9999.
///
/// # Errors
/// In words.
pub fn whole_day(text: &str) -> Result<NaiveDate, String> {
    match Edtf::parse(text) {
        Ok(date) if date.text.len() == 10 && date.earliest == date.latest => Ok(date.earliest),
        _ => Err("must be a whole day, such as 2010-05-10".to_owned()),
    }
}

/// The same, for a field that may be absent.
///
/// # Errors
/// In words.
pub fn optional_day<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    Option::<String>::deserialize(deserializer)?
        .map(|text| whole_day(&text).map_err(serde::de::Error::custom))
        .transpose()
}

stored_as_text!([] Edtf);
text_schema!(
    Edtf,
    Some("edtf"),
    "A date that may be partial or uncertain, EDTF level 1, such as 2008-06 or 1968?"
);

fn open(side: &str) -> bool {
    side.is_empty() || side == ".."
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(NaiveDate::MIN)
}

/// The day up to which an open end reaches.
#[must_use]
pub fn last_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX)
}

/// Earliest and latest day of one date, without `/`.
fn single(text: &str) -> Result<(NaiveDate, NaiveDate), String> {
    let refused = || REFUSED.to_owned();
    if !text.is_ascii() {
        return Err(refused());
    }
    let bare = text.strip_suffix(['?', '~', '%']).unwrap_or(text);
    let parts: Vec<&str> = bare.split('-').collect();
    let (years, month, day) = match parts.as_slice() {
        [year] => (*year, None, None),
        [year, month] => (*year, Some(*month), None),
        [year, month, day] => (*year, Some(*month), Some(*day)),
        _ => return Err(refused()),
    };
    let (first_year, last_year) = year_range(years).ok_or_else(refused)?;
    match (month, day) {
        (None, _) | (Some("XX"), None | Some("XX")) => Ok((date(first_year, 1, 1)?, date(last_year, 12, 31)?)),
        (Some(season @ ("21" | "22" | "23" | "24")), None) if first_year == last_year => {
            season_days(first_year, season)
        }
        (Some(month), day) if first_year == last_year => {
            let month = number(month)
                .filter(|month| (1..=12).contains(month))
                .ok_or_else(refused)?;
            match day {
                None | Some("XX") => Ok((date(first_year, month, 1)?, month_end(first_year, month)?)),
                Some(day) => {
                    let day = date(first_year, month, number(day).ok_or_else(refused)?)?;
                    Ok((day, day))
                }
            }
        }
        _ => Err(refused()),
    }
}

/// `1968`, `196X`, `19XX`: the years that it may mean.
fn year_range(text: &str) -> Option<(i32, i32)> {
    if text.len() != 4 {
        return None;
    }
    let known = text.trim_end_matches('X');
    if known.is_empty() || !known.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let low: i32 = text.replace('X', "0").parse().ok()?;
    let high: i32 = text.replace('X', "9").parse().ok()?;
    (low >= 1).then_some((low, high))
}

fn number(text: &str) -> Option<u32> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn date(year: i32, month: u32, day: u32) -> Result<NaiveDate, String> {
    NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| format!("{year:04}-{month:02}-{day:02} is not a day"))
}

fn month_end(year: i32, month: u32) -> Result<NaiveDate, String> {
    let next = if month == 12 {
        date(year + 1, 1, 1)?
    } else {
        date(year, month + 1, 1)?
    };
    next.pred_opt().ok_or_else(|| REFUSED.to_owned())
}

/// Northern seasons by whole months; winter is that of the year's end.
fn season_days(year: i32, season: &str) -> Result<(NaiveDate, NaiveDate), String> {
    match season {
        "21" => Ok((date(year, 3, 1)?, month_end(year, 5)?)),
        "22" => Ok((date(year, 6, 1)?, month_end(year, 8)?)),
        "23" => Ok((date(year, 9, 1)?, month_end(year, 11)?)),
        _ => Ok((date(year, 12, 1)?, month_end(year + 1, 2)?.min(last_day()))),
    }
}

/// The day that lies so many calendar years, months and days after.
#[must_use]
pub fn plus_term(day: NaiveDate, years: i32, months: i32, days: i32) -> NaiveDate {
    let all = years.saturating_mul(12).saturating_add(months);
    let moved = if all >= 0 {
        day.checked_add_months(chrono::Months::new(all.unsigned_abs()))
    } else {
        day.checked_sub_months(chrono::Months::new(all.unsigned_abs()))
    };
    moved
        .and_then(|day| day.checked_add_signed(chrono::TimeDelta::days(i64::from(days))))
        .filter(|day| (1..=9999).contains(&day.year()))
        .unwrap_or_else(if all < 0 || days < 0 { first_day } else { last_day })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(text: &str) -> (String, String) {
        let date = Edtf::parse(text).unwrap();
        (date.earliest().to_string(), date.latest().to_string())
    }

    #[test]
    fn what_sources_print_is_read() {
        for (text, from, to) in [
            ("2008-12-08", "2008-12-08", "2008-12-08"),
            ("2008-06", "2008-06-01", "2008-06-30"),
            ("1968?", "1968-01-01", "1968-12-31"),
            ("2006-03-11~", "2006-03-11", "2006-03-11"),
            ("2008-21", "2008-03-01", "2008-05-31"),
            ("2009-12-XX", "2009-12-01", "2009-12-31"),
            ("196X", "1960-01-01", "1969-12-31"),
            ("1XXX", "1000-01-01", "1999-12-31"),
            ("2008-12/2009-06", "2008-12-01", "2009-06-30"),
            ("../2010", "0001-01-01", "2010-12-31"),
            ("2004-02-29", "2004-02-29", "2004-02-29"),
        ] {
            assert_eq!(span(text), (from.to_owned(), to.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2008-13",
            "2010-02-30",
            "2009-06/2008-12",
            "/",
            "../..",
            "2008-1",
            "20080101",
            "2008-12-08T00:00",
            "０００１",
            "0000",
            "2008-25",
        ] {
            assert!(Edtf::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,20}") {
            if let Ok(date) = Edtf::parse(&text) {
                prop_assert!(date.earliest() <= date.latest());
                prop_assert_eq!(date.as_str(), text);
            }
        }

        #[test]
        fn a_day_is_itself(days in 1i32..3_000_000) {
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let date = Edtf::parse(&day.format("%Y-%m-%d").to_string()).unwrap();
            prop_assert_eq!((date.earliest(), date.latest()), (day, day));
        }
    }
}
