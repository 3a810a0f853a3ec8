//! What a password must be (NIST SP 800-63B-4): long, and not one of those that everyone tries. No other rule.

use std::collections::HashSet;

use crate::base::error::Error;

/// Fewest characters of a password.
const CHARS: usize = 15;
/// Most bytes of a password: beyond that it is no longer one.
pub(super) const BYTES: usize = 1024;

/// What common passwords are made of; longer ones repeat and join these.
const COMMON: &str = "password passwort passw0rd p@ssword p@ssw0rd pass word qwerty qwertyuiop qwertz azerty asdfghjkl zxcvbnm \
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
    let bare: Vec<char> = password
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let different: HashSet<&char> = bare.iter().collect();
    if different.len() < 5 || repeats(&bare) {
        return true;
    }
    let text: String = bare.iter().collect();
    let back: String = bare.iter().rev().collect();
    if RUNS.iter().any(|run| run.contains(&text) || run.contains(&back)) {
        return true;
    }
    // Common words, joined, with numbers anywhere between.
    let letters: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    joined(&letters) || joined(&text)
}

/// Whether it is one shorter thing over and over.
fn repeats(text: &[char]) -> bool {
    (1..=text.len() / 2).any(|length| {
        text.iter()
            .zip(text.iter().skip(length))
            .all(|(one, other)| one == other)
    })
}

/// Whether it is nothing but common words, each after the other.
fn joined(text: &str) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for start in 0..text.len() {
        if reached[start] && text.is_char_boundary(start) {
            for word in COMMON.split_whitespace().filter(|word| text[start..].starts_with(word)) {
                reached[start + word.len()] = true;
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
