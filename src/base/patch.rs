//! What a PATCH says of a field: nothing, null, or a value.

use serde::{Deserialize, Deserializer};

use crate::base::error::Error;

/// Absent, null and a value are three things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// The field stays as it is.
    #[default]
    Absent,
    /// The field is cleared.
    Null,
    /// The field gets a value.
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

impl<T> Patch<T> {
    /// For a field that must have a value.
    ///
    /// # Errors
    /// `invalid` at `pointer` for null.
    pub fn apply(self, pointer: &str, field: &mut T) -> Result<(), Error> {
        match self {
            Self::Absent => {}
            Self::Null => return Err(Error::invalid(pointer, "cannot be null")),
            Self::Value(value) => *field = value,
        }
        Ok(())
    }

    /// For a field that may have none.
    pub fn apply_option(self, field: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *field = None,
            Self::Value(value) => *field = Some(value),
        }
    }
}
