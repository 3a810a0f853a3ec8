//! The ledger, and the second stream, as Merkle trees (RFC 6962): what outsiders can verify without our code.
//!
//! A leaf is one entry in a fixed text form; the payload stands in it by a salted digest alone, so that a person's data
//! can be erased and the tree stays valid. Of the tree only its right edge is kept: enough to append, and to tell the
//! root.

use aws_lc_rs::digest::{self, Context};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What is kept as a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What was changed.
    Ledger,
    /// What was read, refused, logged in.
    Events,
}

impl Stream {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ledger, Self::Events];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Events => "events",
        }
    }
}

/// A SHA-256.
pub type Hash = [u8; 32];

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// The hash of a leaf.
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    sha256(&[&[0], entry])
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The right edge of a tree: the roots of its perfect subtrees, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    size: u64,
    roots: Vec<Hash>,
}

impl Edge {
    /// How many leaves the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// One leaf more.
    pub fn append(&mut self, leaf: Hash) {
        let mut root = leaf;
        // As many perfect subtrees join as the old size ends in ones.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                root = node(&left, &root);
            }
        }
        self.roots.push(root);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else {
            return sha256(&[]);
        };
        roots.fold(*last, |right, left| node(left, &right))
    }
}

/// A checkpoint (C2SP `tlog-checkpoint`) without its signature.
#[must_use]
pub fn checkpoint(origin: &str, edge: &Edge) -> String {
    format!("{origin}\n{}\n{}\n", edge.size(), STANDARD.encode(edge.root()))
}

/// A key's id in signed notes: of its name, its algorithm and the key.
#[must_use]
pub fn key_id(name: &str, public: &[u8]) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n\x01", public]);
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A signed note (C2SP `signed-note`) of that text.
#[must_use]
pub fn signed(text: &str, name: &str, public: &[u8], signature: &[u8]) -> String {
    let id = key_id(name, public);
    let line = STANDARD.encode([&id, signature].concat());
    format!("{text}\n\u{2014} {name} {line}\n")
}

/// The key as outsiders keep it: `name+id+key`.
#[must_use]
pub fn verifier(name: &str, public: &[u8]) -> String {
    let id = u32::from_be_bytes(key_id(name, public));
    format!("{name}+{id:08x}+{}", STANDARD.encode([&[1], public].concat()))
}

/// What a checkpoint says: its origin, size and root; nothing where it is not one of that key.
#[must_use]
pub fn opened(note: &str, verifier: &str) -> Option<(u64, Hash)> {
    // The key itself may hold a plus; the name does not.
    let mut parts = verifier.splitn(3, '+');
    let (name, _) = (parts.next()?, parts.next()?);
    let public = STANDARD.decode(parts.next()?).ok()?;
    let public = public.strip_prefix(&[1])?;
    let (text, lines) = note.rsplit_once("\n\n")?;
    let text = format!("{text}\n");
    let own = format!("\u{2014} {name} ");
    let signature = lines
        .lines()
        .find_map(|line| STANDARD.decode(line.strip_prefix(&own)?).ok())?;
    let signature = signature.strip_prefix(key_id(name, public).as_slice())?;
    let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, public);
    key.verify(text.as_bytes(), signature).ok()?;
    let mut said = text.lines();
    if said.next()? != name {
        return None;
    }
    let size = said.next()?.parse().ok()?;
    let root = STANDARD.decode(said.next()?).ok()?;
    Some((size, root.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

    fn hex(hash: &[u8]) -> String {
        use std::fmt::Write;
        hash.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    /// The vectors of the reference implementation of RFC 6962.
    #[test]
    fn roots_are_those_of_the_standard() {
        let leaves: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[
                0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
            ],
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut edge = Edge::default();
        assert_eq!(
            hex(&edge.root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        for (entry, root) in leaves.iter().zip(roots) {
            edge.append(leaf(entry));
            assert_eq!(hex(&edge.root()), root, "{}", edge.size());
        }
    }

    #[test]
    fn a_checkpoint_opens_with_its_key_alone() {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = pair.public_key().as_ref();
        let mut edge = Edge::default();
        edge.append(leaf(b"entry"));
        let text = checkpoint("example.org/conscience", &edge);
        let note = signed(
            &text,
            "example.org/conscience",
            public,
            pair.sign(text.as_bytes()).as_ref(),
        );
        let key = verifier("example.org/conscience", public);
        assert_eq!(opened(&note, &key), Some((1, edge.root())));
        assert_eq!(opened(&note.replace("\n1\n", "\n2\n"), &key), None);
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        assert_eq!(
            opened(&note, &verifier("example.org/conscience", other.public_key().as_ref())),
            None
        );
        assert_eq!(opened(&note, &verifier("example.com/other", public)), None);
    }
}
