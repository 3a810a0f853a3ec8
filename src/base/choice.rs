//! Closed lists: a stable slug and a label for each value, and the years in which it was in use.

use serde::Serialize;
use utoipa::ToSchema;

/// A value of a closed list.
pub trait Choice: Copy + Sized + 'static {
    /// The list's name.
    const NAME: &'static str;
    /// Every value, in the list's order.
    const ALL: &'static [Self];
    /// Stable, in JSON and in the database.
    fn slug(self) -> &'static str;
    /// For people.
    fn label(self) -> &'static str;
    /// First and last year in which it was in use, where it has them.
    fn valid_years(self) -> (Option<i32>, Option<i32>);

    /// The value of that slug.
    fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.slug() == slug)
    }

    /// Whether it was in use in that year.
    fn valid_in(self, year: i32) -> bool {
        let (from, to) = self.valid_years();
        from.is_none_or(|first| first <= year) && to.is_none_or(|last| year <= last)
    }

    /// The list, for readers.
    fn vocabulary() -> Vocabulary {
        let values = Self::ALL.iter().map(|value| {
            let (valid_from, valid_to) = value.valid_years();
            Term {
                value: value.slug(),
                label: value.label(),
                valid_from,
                valid_to,
            }
        });
        Vocabulary {
            name: Self::NAME,
            values: values.collect(),
        }
    }
}

/// A closed list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Vocabulary {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<Term>,
}

/// A value of a closed list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Term {
    /// Stable.
    pub value: &'static str,
    /// For people.
    pub label: &'static str,
    /// First year in use, where it has one.
    pub valid_from: Option<i32>,
    /// Last year in use, where it has one.
    pub valid_to: Option<i32>,
}

/// Makes a closed list: `choice! { /// What it says. pub enum Name("name") { Value("slug", "Label" [2013, ]), } }`
/// where `[from, to]`, either may be left out, are the years in which the value was in use.
macro_rules! choice {
    ($(#[$doc:meta])* pub enum $name:ident($list:literal) { $($value:ident($slug:literal, $label:literal $([$($from:literal)?, $($to:literal)?])?),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::expression::AsExpression,
            diesel::deserialize::FromSqlRow, utoipa::ToSchema)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name {
            $(#[doc = $label] #[schema(rename = $slug)] $value,)*
        }

        impl $crate::base::choice::Choice for $name {
            const NAME: &'static str = $list;
            const ALL: &'static [Self] = &[$(Self::$value),*];
            fn slug(self) -> &'static str {
                match self { $(Self::$value => $slug),* }
            }
            fn label(self) -> &'static str {
                match self { $(Self::$value => $label),* }
            }
            fn valid_years(self) -> (Option<i32>, Option<i32>) {
                match self { $(Self::$value => choice!(@years $($($from)?, $($to)?)?)),* }
            }
        }

        impl $name {
            fn as_str(&self) -> &'static str {
                $crate::base::choice::Choice::slug(*self)
            }
            fn from_stored(text: String) -> Result<Self, String> {
                <Self as $crate::base::choice::Choice>::from_slug(&text).ok_or_else(|| format!("{text} is not in the list {}", $list))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                <Self as $crate::base::choice::Choice>::from_slug(&text).ok_or_else(|| {
                    serde::de::Error::custom(concat!("must be one of: ", $($slug, ", ",)* "see /v1/vocabularies"))
                })
            }
        }

        stored_as_text!([] $name);
    };
    (@years) => { (None, None) };
    (@years , $to:literal) => { (None, Some($to)) };
    (@years $from:literal ,) => { (Some($from), None) };
    (@years $from:literal , $to:literal) => { (Some($from), Some($to)) };
}
