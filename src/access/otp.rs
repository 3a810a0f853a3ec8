//! Time-based one-time passwords (RFC 6238): six digits, thirty seconds, SHA-1, as every authenticator knows them.

use aws_lc_rs::hmac;

/// Seconds of a step.
const STEP_SECONDS: i64 = 30;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The step that a moment lies in.
#[must_use]
pub fn step(seconds: i64) -> i64 {
    seconds.div_euclid(STEP_SECONDS)
}

/// The password of a step.
#[must_use]
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
    let part = tag.get(offset..offset + 4).map_or(0, |part| {
        part.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))
    });
    format!("{:06}", (part & 0x7fff_ffff) % 1_000_000)
}

/// The step whose password that is: the present one, or one beside it, as clocks differ.
#[must_use]
pub fn step_of(secret: &[u8], given: &str, seconds: i64) -> Option<i64> {
    let now = step(seconds);
    [now, now - 1, now + 1]
        .into_iter()
        .find(|step| same(&code(secret, *step), given))
}

/// Compared in the same time, however much agrees.
fn same(one: &str, other: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

/// As people and authenticators write a secret (RFC 4648, base 32).
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[((held >> bits) & 31) as usize]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[((held << (5 - bits)) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // Appendix B of RFC 6238, the last six of its eight digits.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(b"12345678901234567890", step(seconds)), expected, "{seconds}");
            assert_eq!(
                step_of(b"12345678901234567890", expected, seconds + 30),
                Some(step(seconds))
            );
            assert_eq!(step_of(b"12345678901234567890", expected, seconds + 90), None);
        }
    }

    #[test]
    fn secrets_are_written_in_base_32() {
        for (bytes, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
