//! The craft of names: folding, and finding names in a text. Pure: knows text and scores, nothing of HTTP or SQL.
//!
//! A text is cut into [`token`]s; the names on record stand in an [`Index`] of their tokens, so that a text is read
//! once, however many names there are. A later issue raises the quality (transliteration, dictionaries).
mod index;
mod scan;
mod search;
mod token;

pub use index::Index;
pub use scan::{Mention, TooMany};

/// A person whom a name may mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<K> {
    /// Whoever bears it.
    pub key: K,
    /// The recorded form that hit.
    pub matched: String,
    /// From 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
}

/// The text in the form in which words are compared: without capitals, marks, joiners and runs of spaces; each Han
/// character a word of its own.
#[must_use]
pub fn fold(text: &str) -> String {
    let words: Vec<String> = token::tokens(text).into_iter().map(|token| token.key).collect();
    words.join(" ")
}
