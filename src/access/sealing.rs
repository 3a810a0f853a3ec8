//! Fields that are encrypted in the database (AES-256-GCM): how a person can be reached, who a source is, what is said of
//! family, an authenticator's secret. A cell is bound to its table, row, column and key, so that one moved elsewhere
//! does not open.

use std::fmt;

use aws_lc_rs::{aead, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;

use crate::base::error::{Code, Error};

/// A cell as stored: `<key id>.<nonce, ciphertext and tag>`. It can be neither sent nor logged by accident.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Sealed(String);

impl Sealed {
    /// The text in the column, for the record's digest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    // The column may hold anything; only opening tells.
    #[allow(clippy::unnecessary_wraps)]
    fn from_stored(text: String) -> Result<Self, String> {
        Ok(Self(text))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

stored_as_text!([] Sealed);

/// Where a cell stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its table.
    pub table: &'a str,
    /// The id of its row.
    pub row: &'a str,
    /// Its column.
    pub column: &'a str,
}

impl Place<'_> {
    /// No part holds the separator: names of ours, ids and hexadecimal digits.
    fn under(&self, key: &str) -> aead::Aad<String> {
        aead::Aad::from([self.table, self.row, self.column, key].join("\n"))
    }
}

struct FieldKey {
    id: String,
    key: aead::LessSafeKey,
}

impl FieldKey {
    fn new(bytes: &[u8]) -> Result<Self, Error> {
        let hash = digest::digest(&digest::SHA256, bytes);
        let first = hash
            .as_ref()
            .first_chunk()
            .map_or(0, |first| u32::from_be_bytes(*first));
        let id = format!("{first:08x}");
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, bytes).map_err(Error::internal)?;
        Ok(Self {
            id,
            key: aead::LessSafeKey::new(key),
        })
    }
}

/// The keys of fields: the first seals, all open.
pub struct FieldKeys(Vec<FieldKey>);

impl FieldKeys {
    /// The one that is derived from the installation's secret.
    ///
    /// # Errors
    /// `internal` where the library refuses it.
    pub fn derived(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(vec![FieldKey::new(bytes)?]))
    }

    /// Those of a file before these, which still open what they sealed.
    ///
    /// # Errors
    /// `invalid`, in words that print no key.
    pub fn after(mut self, file: &str) -> Result<Self, Error> {
        let mut keys: Vec<FieldKey> = Vec::new();
        for (number, line) in (1..).zip(file.lines()).filter(|(_, line)| is_key(line)) {
            let refused = |what: &str| Error::new(Code::Invalid, format!("line {number} of the field keys {what}"));
            let bytes = STANDARD.decode(line.trim()).unwrap_or_default();
            if bytes.len() != 32 {
                return Err(refused(
                    "is not 32 bytes in base64; make one with `conscience keys new`",
                ));
            }
            let different: std::collections::HashSet<&u8> = bytes.iter().collect();
            if different.len() < 16 {
                return Err(refused("can be guessed; make one with `conscience keys new`"));
            }
            let key = FieldKey::new(&bytes)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(refused("is there twice"));
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(Error::new(Code::Invalid, "the file of the field keys holds no key"));
        }
        keys.append(&mut self.0);
        Ok(Self(keys))
    }

    /// What begins every cell that is sealed under the first key.
    #[must_use]
    pub fn current_prefix(&self) -> String {
        self.0.first().map(|key| format!("{}.", key.id)).unwrap_or_default()
    }

    /// Seals a cell under the first key, with a fresh nonce.
    ///
    /// # Errors
    /// `internal` where the library refuses.
    pub fn seal(&self, place: Place<'_>, plain: &[u8], nonce: &[u8; 12]) -> Result<Sealed, Error> {
        let first = self.0.first().ok_or_else(|| Error::internal("no field key"))?;
        let mut bytes = plain.to_vec();
        let fresh = aead::Nonce::assume_unique_for_key(*nonce);
        first
            .key
            .seal_in_place_append_tag(fresh, place.under(&first.id), &mut bytes)
            .map_err(Error::internal)?;
        let text = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &bytes].concat());
        Ok(Sealed(format!("{}.{text}", first.id)))
    }

    /// What was sealed there; nothing where it was altered, cut, or put there from another cell.
    #[must_use]
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Option<Vec<u8>> {
        let (id, text) = sealed.0.split_once('.')?;
        let key = self.0.iter().find(|key| key.id == id)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, rest) = bytes.split_at_checked(12)?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut rest = rest.to_vec();
        let plain = key.key.open_in_place(nonce, place.under(id), &mut rest).ok()?;
        Some(plain.to_vec())
    }
}

fn is_key(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// A line for the file of field keys.
#[must_use]
pub fn key_line(bytes: &[u8; 32]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        table: "sources",
        row: "1",
        column: "identity",
    };

    fn bytes(from: u8) -> [u8; 32] {
        std::array::from_fn(|place| from.wrapping_add(u8::try_from(place).unwrap()))
    }

    fn keys(from: &[u8]) -> FieldKeys {
        let lines: Vec<String> = from.iter().map(|from| key_line(&bytes(*from))).collect();
        let file = format!("# ours\n\n{}\n", lines.join("\n"));
        FieldKeys::derived(&bytes(200)).unwrap().after(&file).unwrap()
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let sealed = keys(&[1]).seal(PLACE, b"a guard", &[7; 12]).unwrap();
        assert!(sealed.as_str().starts_with(&keys(&[1, 2]).current_prefix()));
        assert_eq!(keys(&[2, 1]).open(PLACE, &sealed).unwrap(), b"a guard");
        assert!(!sealed.as_str().starts_with(&keys(&[2, 1]).current_prefix()));
        assert_eq!(keys(&[2]).open(PLACE, &sealed), None);
        let derived = FieldKeys::derived(&bytes(200)).unwrap();
        let before = derived.seal(PLACE, b"a guard", &[7; 12]).unwrap();
        assert_eq!(keys(&[2]).open(PLACE, &before).unwrap(), b"a guard");
        assert_eq!(format!("{sealed:?}"), "***");
    }

    #[test]
    fn a_cell_that_was_moved_changed_or_cut_does_not_open() {
        let keys = keys(&[1, 2]);
        let sealed = keys.seal(PLACE, b"a guard", &[7; 12]).unwrap();
        for other in [
            Place {
                table: "relations",
                ..PLACE
            },
            Place { row: "2", ..PLACE },
            Place {
                column: "notes",
                ..PLACE
            },
        ] {
            assert_eq!(keys.open(other, &sealed), None, "{other:?}");
        }
        let text = sealed.as_str();
        for cut in 0..text.len() {
            assert_eq!(keys.open(PLACE, &Sealed(text[..cut].to_owned())), None);
        }
        let whole = URL_SAFE_NO_PAD.decode(&text[9..]).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let cell = format!("{}{}", &text[..9], URL_SAFE_NO_PAD.encode(flipped));
            assert_eq!(keys.open(PLACE, &Sealed(cell)), None);
        }
        let renamed = format!("{}.{}", &keys.0[1].id, &text[9..]);
        assert_eq!(keys.open(PLACE, &Sealed(renamed)), None);
    }

    #[test]
    fn weak_lines_are_refused_and_none_is_printed() {
        let good = key_line(&bytes(1));
        for (file, told) in [
            (String::new(), "holds no key"),
            ("# nothing".to_owned(), "holds no key"),
            ("c2hvcnQ=".to_owned(), "line 1 of the field keys is not 32 bytes"),
            (format!("{good}\n not base64!"), "line 2 of the field keys is not"),
            (
                format!("#\n{}", key_line(&[9; 32])),
                "line 2 of the field keys can be guessed",
            ),
            (format!("{good}\n{good}"), "line 2 of the field keys is there twice"),
        ] {
            let refused = FieldKeys::derived(&bytes(200)).unwrap().after(&file).err().unwrap();
            assert!(refused.detail.contains(told), "{}", refused.detail);
            assert!(!refused.detail.contains(&good));
        }
    }
}
