//! What a password must be (NIST SP 800-63B-4): long, and not one of those that everyone tries. No other rule.

use std::collections::HashSet;

use crate::base::error::Error;

/// Fewest characters of a password.
const CHARS: usize = 15;
/// Most bytes of a password: beyond that it is no longer one.
pub(super) const BYTES: usize = 1024;

/// What common passwords are made of; longer ones repeat and join these.
const COMMON: &str = "password passwort pass word qwerty qwertyuiop qwertz azerty asdfghjkl zxcvbnm \
    letmein welcome admin administrator root login master superman batman dragon monkey football baseball sunshine princess \
    iloveyou love trustno1 whatever freedom liberty secret changeme change me default guest user test demo example hello \
    abc abcd abcdef abcdefghijklmnopqrstuvwxyz winter spring summer autumn monday friday january december correct horse \
    battery staple conscience prisoner prison china beijing human rights amnesty justice mima woaini aini wode nihao zhongguo";

/// Runs of keys and letters, forwards; backwards they are as common.
const RUNS: [&str; 6] = [
    "01234567890123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

/// Refuses a password that is too short, out of all measure, or among those that everyone tries.
///
/// # Errors
/// `invalid` at `pointer`.
pub fn require_good(pointer: &str, password: &str) -> Result<(), Error> {
    if password.chars().count() < CHARS {
        return Err(Error::invalid(pointer, format!("must have {CHARS} characters or more")));
    }
    if password.len() > BYTES {
        return Err(Error::invalid(pointer, format!("must have at most {BYTES} bytes")));
    }
    if is_common(password) {
        return Err(Error::invalid(pointer, "is among the passwords that everyone tries"));
    }
    Ok(())
}

fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let whole: Vec<char> = lower.chars().collect();
    let different: HashSet<&char> = whole.iter().collect();
    if different.len() < 5 || repeats(&whole) {
        return true;
    }
    let plain: Vec<char> = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    if plain.is_empty() {
        return false;
    }
    let text: String = plain.iter().collect();
    let back: String = plain.iter().rev().collect();
    let run = RUNS.iter().any(|run| run.contains(&text) || run.contains(&back));
    let signs: Vec<char> = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || meant(*c).is_some())
        .collect();
    run || repeats(&plain) || joined(&signs)
}

/// The letter that a sign or a number stands for.
fn meant(c: char) -> Option<char> {
    match c {
        '0' => Some('o'),
        '1' | '!' => Some('i'),
        '3' => Some('e'),
        '4' | '@' => Some('a'),
        '5' | '$' => Some('s'),
        '7' => Some('t'),
        _ => None,
    }
}

/// Whether it is one shorter thing over and over.
fn repeats(text: &[char]) -> bool {
    (1..=text.len() / 2).any(|length| {
        text.iter()
            .zip(text.iter().skip(length))
            .all(|(one, other)| one == other)
    })
}

/// Whether it is nothing but common words, with numbers and signs anywhere between.
fn joined(text: &[char]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for start in 0..text.len() {
        if !reached[start] {
            continue;
        }
        if !text[start].is_alphabetic() {
            reached[start + 1] = true;
        }
        for word in COMMON.split_whitespace() {
            let length = word.chars().count();
            let fits = text.get(start..start + length).is_some_and(|part| {
                part.iter()
                    .zip(word.chars())
                    .all(|(c, letter)| *c == letter || meant(*c) == Some(letter))
            });
            if fits {
                reached[start + length] = true;
            }
        }
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_a_measure() {
        for bad in [
            "fourteen chars",
            &"x".repeat(1025),
            "aaaaaaaaaaaaaaaa",
            "passwordpassword",
            "Password12345678",
            "P@ssw0rd P@ssw0rd",
            "123456789012345",
            "543210987654321",
            "qwertyuiopasdfg",
            "correct horse battery staple",
            "abcabcabcabcabcabc",
            "Welcome Admin 2010!!",
            "iloveyouiloveyou1",
            "Passw0rd1234567",
            "p@$$w0rd p@$$w0rd 1",
        ] {
            assert!(require_good("/new", bad).is_err(), "{bad}");
        }
        for good in [
            "quiet harbour lantern seven",
            "十五个字的口令要有十五个字那么长",
            "kVn7-xI0V-niQq-83vE",
        ] {
            assert!(require_good("/new", good).is_ok(), "{good}");
        }
    }
}
