//! JSON in the database, a type in the program.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::de::{self, DeserializeOwned};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::error::Error;

/// A part of a record as stored: JSON of a shape that its type has checked.
#[derive(Clone, Debug, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Kept<T> {
    value: T,
    json: String,
}

impl<T> Kept<T> {
    /// What it says.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.value
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.json
    }
}

impl<T: Serialize> Kept<T> {
    /// Of that.
    ///
    /// # Errors
    /// `internal` where it cannot be written as JSON.
    pub fn new(value: T) -> Result<Self, Error> {
        let json = serde_json::to_string(&value).map_err(Error::internal)?;
        Ok(Self { value, json })
    }
}

impl<T: DeserializeOwned> Kept<T> {
    fn from_stored(json: String) -> Result<Self, String> {
        let value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        Ok(Self { value, json })
    }
}

impl<T: Serialize> Serialize for Kept<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: DeserializeOwned + Serialize> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        Self::new(value).map_err(de::Error::custom)
    }
}

stored_as_text!([T: std::fmt::Debug + DeserializeOwned] Kept<T>);
