//! Tokens: a word of letters, or one Han character, with where it stands in the text exactly as given.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What stands between a token and the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Nothing.
    None,
    /// Spaces, at most one line break among them, or a middle dot.
    Space,
    /// A hyphen.
    Hyphen,
    /// A comma and spaces.
    Comma,
    /// Anything else: no name goes over it.
    Barrier,
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The folded form.
    pub key: String,
    /// The lower-case form with its marks, for telling differently marked names apart.
    pub marked: String,
    /// Where it starts, in code points.
    pub start: usize,
    /// Where it ends, exclusive, in code points.
    pub end: usize,
    /// What stands before it.
    pub gap: Gap,
    /// Whether it is a Han character.
    pub han: bool,
    /// Whether it starts with a capital, or its script has none.
    pub capital: bool,
}

/// Han characters, each of which is a token.
#[must_use]
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}' | '〇')
}

/// What stands inside a word without belonging to it: soft hyphen, joiners, direction marks, tatweel.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{640}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2bc}' | '\u{ff07}')
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

fn is_word(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_han(c)
}

/// Small letters by the book, but Georgian is written without capitals.
fn is_georgian(c: char) -> bool {
    matches!(c, '\u{10d0}'..='\u{10ff}')
}

/// Longest word that is kept, in characters; the rest of a longer one is no name.
const WORD_CHARS: usize = 64;

/// Cuts a text.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token> {
    let mut reader = Reader {
        chars: text.chars().collect(),
        at: 0,
        tokens: Vec::new(),
        gap: Gap::Barrier,
    };
    while reader.at < reader.chars.len() {
        reader.step();
    }
    reader.tokens
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    gap: Gap,
}

impl Reader {
    fn step(&mut self) {
        let c = self.chars[self.at];
        if is_han(c) {
            self.push(self.at, self.at + 1, &[c]);
            self.at += 1;
        } else if is_word(c) {
            self.word();
        } else if is_invisible(c) {
            self.at += 1;
        } else {
            self.between();
        }
    }

    fn word(&mut self) {
        let start = self.at;
        let mut end = start;
        let mut letters = Vec::new();
        while let Some(&c) = self.chars.get(self.at) {
            if is_word(c) {
                if letters.len() < WORD_CHARS {
                    letters.push(c);
                }
                self.at += 1;
                end = self.at;
            } else if is_invisible(c) {
                self.at += 1;
            } else if is_apostrophe(c) {
                if self.possessive() || !self.chars.get(self.at + 1).copied().is_some_and(is_word) {
                    break;
                }
                self.at += 1;
            } else {
                break;
            }
        }
        self.push(start, end, &letters);
        if self.chars.get(self.at).copied().is_some_and(is_apostrophe) && self.possessive() {
            // No name goes over a possessive.
            self.at += 2;
            self.gap = Gap::Barrier;
        } else if self.chars.get(self.at) == Some(&'.') && end - start == 1 {
            // An initial.
            self.at += 1;
            self.gap = Gap::Space;
        }
    }

    /// At an apostrophe: whether `s` and no more follows.
    fn possessive(&self) -> bool {
        matches!(self.chars.get(self.at + 1), Some('s' | 'S'))
            && !self.chars.get(self.at + 2).copied().is_some_and(is_word)
    }

    fn between(&mut self) {
        let mut gap = self.gap;
        let mut breaks = 0;
        while let Some(&c) = self.chars.get(self.at) {
            if is_word(c) || is_han(c) {
                break;
            }
            self.at += 1;
            if c == '\n' {
                breaks += 1;
            }
            gap = match (gap, c) {
                (gap, c) if is_invisible(c) => gap,
                _ if breaks > 1 => Gap::Barrier,
                (Gap::None, c) if is_hyphen(c) => Gap::Hyphen,
                (Gap::None, c) if c.is_whitespace() || c == '·' || c == '・' || c == '‧' => Gap::Space,
                (Gap::None | Gap::Space, ',' | '，') => Gap::Comma,
                (gap @ (Gap::Space | Gap::Hyphen | Gap::Comma), c) if c.is_whitespace() => gap,
                _ => Gap::Barrier,
            };
        }
        self.gap = gap;
    }

    fn push(&mut self, start: usize, end: usize, letters: &[char]) {
        let lower: String = letters
            .iter()
            .collect::<String>()
            .nfkc()
            .flat_map(char::to_lowercase)
            .collect();
        let marked: String = lower.nfc().filter(|c| *c != '\u{307}').collect();
        let key = plain_key(&marked);
        let capital = letters.first().is_some_and(|c| !c.is_lowercase() || is_georgian(*c));
        if key.is_empty() {
            return;
        }
        let han = letters.len() == 1 && is_han(letters[0]);
        self.tokens.push(Token {
            key,
            marked,
            start,
            end,
            gap: self.gap,
            han,
            capital,
        });
        self.gap = Gap::None;
    }
}

/// The marked form of a word without its marks.
#[must_use]
pub fn plain_key(marked: &str) -> String {
    marked
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(plain)
        .collect()
}

/// Letters that no decomposition takes apart.
fn plain(c: char) -> impl Iterator<Item = char> {
    let text = match c {
        'đ' | 'ð' => "d",
        'ł' => "l",
        'ø' => "o",
        'ı' => "i",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ə' => "e",
        'أ' | 'إ' | 'آ' | 'ٱ' => "ا",
        'ى' | 'ی' => "ي",
        'ک' => "ك",
        'ة' => "ه",
        _ => "",
    };
    let kept = text.is_empty().then_some(c);
    kept.into_iter().chain(text.chars())
}
