//! Moments, UTC, cut to microseconds: what both databases keep.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;

/// A moment, UTC; in JSON as RFC 3339 with `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Timestamp)]
#[schema(value_type = String, format = DateTime)]
pub struct UtcTime(NaiveDateTime);

impl UtcTime {
    /// That moment, cut to microseconds.
    #[must_use]
    pub fn from_utc(moment: DateTime<Utc>) -> Self {
        Self(moment.naive_utc().trunc_subsecs(6))
    }

    /// Its day.
    #[must_use]
    pub fn day(self) -> NaiveDate {
        self.0.date()
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.and_utc().timestamp()
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn microseconds(self) -> i64 {
        self.0.and_utc().timestamp_micros()
    }

    /// The next moment that can be told from it.
    #[must_use]
    pub fn plus_a_moment(self) -> Self {
        Self(self.0.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(self.0))
    }

    /// So much later.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        let later = TimeDelta::try_seconds(seconds).and_then(|delta| self.0.checked_add_signed(delta));
        Self(later.unwrap_or(NaiveDateTime::MAX))
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.and_utc().format("%Y-%m-%dT%H:%M:%S%.fZ"))
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| de::Error::custom("must be a moment such as 2010-05-10T08:00:00Z"))?;
        Ok(Self::from_utc(moment.with_timezone(&Utc)))
    }
}

impl<DB: Backend> ToSql<Timestamp, DB> for UtcTime
where
    NaiveDateTime: ToSql<Timestamp, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<Timestamp, DB> for UtcTime
where
    NaiveDateTime: FromSql<Timestamp, DB>,
{
    fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
        NaiveDateTime::from_sql(bytes).map(Self)
    }
}
