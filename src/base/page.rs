//! Pages of a list: a limit, an opaque cursor, a stable order.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::base::error::Error;

/// How many items at most: 1 to 200, 50 unless said; outside that refused, never clamped.
#[derive(Clone, Copy, Debug)]
pub struct Limit(u32);

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl Limit {
    /// One more than asked, to see whether there is a next page.
    #[must_use]
    pub fn with_one_more(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// As a length.
    #[must_use]
    pub fn as_len(self) -> usize {
        self.0 as usize
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<u32>() {
            Ok(number) if (1..=200).contains(&number) => Ok(Self(number)),
            _ => Err(de::Error::custom("must be a whole number from 1 to 200")),
        }
    }
}

/// Where a page ended. Opaque to clients.
#[derive(Clone, Debug)]
pub struct Cursor(String);

impl Cursor {
    /// What it says.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let inside = URL_SAFE_NO_PAD
            .decode(&text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match inside {
            Some(inside) if inside.len() <= 200 && !inside.contains('\0') => Ok(Self(inside)),
            _ => Err(de::Error::custom("is not a cursor of this list")),
        }
    }
}

/// Which page of a list that is asked for nothing else.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl Paging {
    /// The page of a short list that was read as a whole, put in the order of its keys.
    pub fn cut<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
        rows.sort_by_cached_key(&key);
        let after = self.cursor.as_ref().map(Cursor::as_str);
        let rest = rows
            .into_iter()
            .filter(|row| after.is_none_or(|after| key(row).as_str() > after))
            .take(self.limit.as_len() + 1);
        Page::of(rest.collect(), self.limit, &key)
    }
}

/// One page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The cursor of the next page; null on the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// Of the rows found, which may be one more than asked; `key` is what the cursor remembers of the last one shown.
    pub fn of(mut rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > limit.as_len();
        rows.truncate(limit.as_len());
        let next = if more {
            rows.last().map(|last| URL_SAFE_NO_PAD.encode(key(last)))
        } else {
            None
        };
        Self { items: rows, next }
    }

    /// The same page of other things.
    ///
    /// # Errors
    /// The first that `change` returns.
    pub fn try_map<U>(self, change: impl FnMut(T) -> Result<U, Error>) -> Result<Page<U>, Error> {
        Ok(Page {
            items: self.items.into_iter().map(change).collect::<Result<_, _>>()?,
            next: self.next,
        })
    }
}

impl Page<Value> {
    /// As a body.
    #[must_use]
    pub fn into_value(self) -> Value {
        serde_json::json!({"items": self.items, "next": self.next})
    }
}
