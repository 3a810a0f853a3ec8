//! Text from outside: what a field may hold is a type.

use std::collections::HashSet;

use crate::base::countries::ASSIGNED;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

/// Longest line, in characters.
const LINE_CHARS: usize = 500;
/// Longest prose, in bytes.
pub const PROSE_BYTES: usize = 2_000_000;
/// Longest list within a record.
pub const LIST_ITEMS: usize = 200;

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
        #[serde(try_from = "String")]
        #[diesel(sql_type = diesel::sql_types::Text)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            #[allow(clippy::unnecessary_wraps)]
            fn from_stored(text: String) -> Result<Self, String> {
                Ok(Self(text))
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                Self::parse(&text)
            }
        }

        stored_as_text!([] $name);
    };
}

text_type! {
    /// A name or a short field: NFC, trimmed, 1 to 500 characters, at least one that can be seen; no control
    /// characters and no bidirectional controls, which could make one name look like another.
    Line
}
text_type! {
    /// A text of any length up to 2 MB, kept exactly as given; U+0000 alone is refused.
    Prose
}
text_type! {
    /// A country: ISO 3166-1 alpha-2.
    Country
}
text_type! {
    /// An address on the web: http or https.
    Link
}
text_type! {
    /// An address of electronic mail, in lower case.
    Email
}
text_type! {
    /// A language: a BCP 47 tag.
    Language
}

impl Line {
    /// Checks and normalises.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let line: String = text.nfc().collect::<String>().trim().to_owned();
        if line.chars().any(|c| c.is_control() || is_bidi_control(c)) {
            return Err("must not have control characters or bidirectional controls".to_owned());
        }
        if !line.chars().any(|c| !c.is_whitespace() && !is_invisible(c)) {
            return Err("must not be empty or only spaces".to_owned());
        }
        if line.chars().count() > LINE_CHARS {
            return Err(format!("must have at most {LINE_CHARS} characters"));
        }
        Ok(Self(line))
    }
}

impl Prose {
    /// Checks.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("must not have U+0000".to_owned());
        }
        if text.len() > PROSE_BYTES {
            return Err(format!("must have at most {PROSE_BYTES} bytes"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Country {
    /// Checks the form.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if ASSIGNED.split_whitespace().any(|code| code == text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an ISO 3166-1 code of two capitals, such as CN".to_owned())
        }
    }
}

impl Link {
    /// Checks the form.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let line = Line::parse(text)?;
        let place = ["https://", "http://"]
            .iter()
            .find_map(|scheme| line.0.strip_prefix(scheme))
            .filter(|place| !place.starts_with('/') && !place.is_empty());
        match place {
            Some(place) if !place.contains(char::is_whitespace) => Ok(Self(line.0)),
            _ => Err("must be an address on the web, such as https://www.nchrd.org/".to_owned()),
        }
    }
}

impl Email {
    /// Checks the form; lower case, since people write it either way.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let line = Line::parse(text)?.0.to_lowercase();
        let parts = line
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
        if parts && line.len() <= 320 && !line.chars().any(|c| c.is_whitespace() || is_invisible(c)) {
            Ok(Self(line))
        } else {
            Err("must be an address such as name@example.org".to_owned())
        }
    }
}

impl Language {
    /// Checks the form.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.split('-');
        let first = parts
            .next()
            .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase()));
        let rest =
            parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if first && rest && text.len() <= 35 {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a BCP 47 language tag, such as en or zh-Hans".to_owned())
        }
    }
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}')
        || unicode_normalization::char::is_combining_mark(c)
}

/// A list within a record, kept as JSON in one column.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Listed<T> {
    items: Vec<T>,
    json: String,
}

/// A list of short texts.
pub type Lines = Listed<Line>;

impl<T: Serialize> Listed<T> {
    /// Of those items.
    #[must_use]
    pub fn new(items: Vec<T>) -> Self {
        let json = serde_json::to_string(&items).unwrap_or_else(|_| "[]".to_owned());
        Self { items, json }
    }
}

impl<T> Listed<T> {
    /// The items.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    fn as_str(&self) -> &str {
        &self.json
    }
}

impl<T: DeserializeOwned> Listed<T> {
    fn from_stored(json: String) -> Result<Self, String> {
        let items = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        Ok(Self { items, json })
    }
}

impl<T: Serialize> Default for Listed<T> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<T: Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de> + Serialize> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items: Vec<T> = Vec::deserialize(deserializer)?;
        if items.len() > LIST_ITEMS {
            return Err(de::Error::custom(format!("must have at most {LIST_ITEMS} items")));
        }
        let mut seen = HashSet::new();
        for item in &items {
            if !seen.insert(serde_json::to_string(item).map_err(de::Error::custom)?) {
                return Err(de::Error::custom("must not hold the same twice"));
            }
        }
        Ok(Self::new(items))
    }
}

impl<T: ToSchema> utoipa::PartialSchema for Listed<T> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ArrayBuilder::new()
            .items(T::schema())
            .max_items(Some(LIST_ITEMS))
            .into()
    }
}

impl<T: ToSchema> ToSchema for Listed<T> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("ListOf{}", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        T::schemas(schemas);
    }
}

stored_as_text!([T: std::fmt::Debug + DeserializeOwned] Listed<T>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_cannot_be_seen_or_deceive_are_refused() {
        for bad in [
            "",
            "   ",
            "\u{2800}",
            "\u{200b}\u{200d}",
            "a\u{202e}b",
            "a\0b",
            "\u{301}",
            "a\nb",
        ] {
            assert!(Line::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Line::parse(" Nguye\u{302}\u{303}n ").unwrap().as_str(), "Nguyễn");
    }

    #[test]
    fn addresses_are_of_the_web_and_of_mail() {
        for bad in [
            "javascript:alert(1)",
            "www.example.org",
            "https://",
            "http:///x",
            "https://a b",
            "data:text/html,x",
        ] {
            assert!(Link::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Link::parse(" https://www.nchrd.org/?p=1 ").unwrap().as_str(),
            "https://www.nchrd.org/?p=1"
        );
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "z\u{202e}@q.org", "a\u{200b}@b"] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(
            Email::parse(" Staff@Example.org ").unwrap().as_str(),
            "staff@example.org"
        );
        assert!(Country::parse("CN").is_ok() && Country::parse("XX").is_err() && Country::parse("cn").is_err());
    }

    #[test]
    fn prose_is_kept_exactly() {
        assert_eq!(Prose::parse(" a\u{202e}\r\n ").unwrap().as_str(), " a\u{202e}\r\n ");
        assert!(Prose::parse("a\0").is_err());
    }
}
