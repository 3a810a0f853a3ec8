//! Keys and what is made with them: everything derives from the installation's one secret.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::sealing::FieldKeys;
use crate::access::token::Signer;
use crate::access::tree::{self, Edge, Stream};
use crate::base::error::Error;

/// How long a session may be refreshed.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// How long a refresh token waits: a session that is not used for longer has ended.
pub const IDLE_SECONDS: i64 = 7 * 24 * 3600;

/// The keys of one installation.
pub struct Keys {
    root: hmac::Key,
    etag: hmac::Key,
    issuer: String,
    signers: Mutex<HashMap<i64, Arc<Signer>>>,
    dummy_hash: String,
    ledger: Ed25519KeyPair,
    /// Of the fields that are encrypted.
    pub fields: FieldKeys,
}

impl Keys {
    /// Derives every key from the installation's secret.
    ///
    /// # Errors
    /// `internal` where the cryptographic library refuses the key.
    pub fn derive(secret: &[u8]) -> Result<Self, Error> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        Ok(Self {
            etag: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"conscience etag v1").as_ref()),
            issuer: "http://127.0.0.1:8080".to_owned(),
            signers: Mutex::default(),
            fields: FieldKeys::derived(hmac::sign(&root, b"conscience sealing v1").as_ref())?,
            ledger: Ed25519KeyPair::from_seed_unchecked(hmac::sign(&root, b"conscience ledger signing v1").as_ref())
                .map_err(Error::internal)?,
            dummy_hash: hash_password("nobody has this password", &[7; 16])?,
            root,
        })
    }

    /// With the field keys of a file before the derived one.
    ///
    /// # Errors
    /// `invalid`, in words that print no key.
    pub fn with_field_keys(self, file: &str) -> Result<Self, Error> {
        let fields = self.fields.after(file)?;
        Ok(Self { fields, ..self })
    }

    /// A strong `ETag` of these bytes: the same in every process and after a restart.
    #[must_use]
    pub fn etag(&self, bytes: &[u8]) -> String {
        format!(
            "\"{}\"",
            URL_SAFE_NO_PAD.encode(&hmac::sign(&self.etag, bytes).as_ref()[..16])
        )
    }

    /// A digest that nobody makes without these keys: of a text that could be guessed.
    #[must_use]
    pub fn digest(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(
            &self.root,
            format!("conscience digest v1\n{text}").as_bytes(),
        ))
    }

    /// The same keys at that address, which names the issuer in every token.
    #[must_use]
    pub fn issued_at(self, address: &str) -> Self {
        let issuer = address.trim_end_matches('/').to_owned();
        Self { issuer, ..self }
    }

    /// Who issues tokens: the address at which the API is reached.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The signing key of a generation, from 1.
    ///
    /// # Errors
    /// `internal` where the cryptographic library refuses it.
    pub fn signer(&self, generation: i64) -> Result<Arc<Signer>, Error> {
        let mut known = self.signers.lock().map_err(Error::internal)?;
        if let Some(signer) = known.get(&generation) {
            return Ok(signer.clone());
        }
        let label = format!("conscience access token signing v{generation}");
        let signer = Arc::new(Signer::of(hmac::sign(&self.root, label.as_bytes()).as_ref())?);
        known.insert(generation, signer.clone());
        Ok(signer)
    }

    /// The name of a stream in its checkpoints: of this installation's key.
    #[must_use]
    pub fn origin(&self, stream: Stream) -> String {
        let id = tree::key_id("conscience", self.ledger.public_key().as_ref());
        let ledger = format!("conscience/{:08x}", u32::from_be_bytes(id));
        match stream {
            Stream::Ledger => ledger,
            Stream::Events => ledger + "/events",
        }
    }

    /// The key with which outsiders verify a stream's checkpoints (C2SP `signed-note`).
    #[must_use]
    pub fn verifier(&self, stream: Stream) -> String {
        tree::verifier(&self.origin(stream), self.ledger.public_key().as_ref())
    }

    /// A signed head of a tree (C2SP `tlog-checkpoint`).
    #[must_use]
    pub fn checkpoint(&self, stream: Stream, edge: &Edge) -> String {
        let origin = self.origin(stream);
        let text = tree::checkpoint(&origin, edge);
        let signature = self.ledger.sign(text.as_bytes());
        tree::signed(&text, &origin, self.ledger.public_key().as_ref(), signature.as_ref())
    }

    /// Whether the password is the account's; takes as long where there is no account.
    #[must_use]
    pub fn password_fits(&self, password: &str, hash: Option<&str>) -> bool {
        let fits = PasswordHash::new(hash.unwrap_or(&self.dummy_hash))
            .is_ok_and(|parsed| Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok());
        fits && hash.is_some()
    }
}

/// Argon2id with OWASP's floor of 19 MiB and two passes.
///
/// # Errors
/// `internal` where the library refuses its parameters.
pub fn hash_password(password: &str, salt: &[u8; 16]) -> Result<String, Error> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(Error::internal)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Ok(hasher
        .hash_password_with_salt(password.as_bytes(), salt)
        .map_err(Error::internal)?
        .to_string())
}

/// The stored form of a random token: its SHA-256.
#[must_use]
pub fn hash_token(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

/// The digest of a record, salted, so that it tells nothing of a short value.
#[must_use]
pub fn salted_digest(salt: &str, content: &str) -> String {
    let mut hashed = digest::Context::new(&digest::SHA256);
    hashed.update(salt.as_bytes());
    hashed.update(&[0]);
    hashed.update(content.as_bytes());
    URL_SAFE_NO_PAD.encode(hashed.finish())
}

/// Random bytes as text.
#[must_use]
pub fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
