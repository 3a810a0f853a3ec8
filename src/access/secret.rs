//! Keys and what is made with them: everything derives from the installation's one secret.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_lc_rs::{aead, digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm as Alg, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::tree::{self, Edge};
use crate::base::error::{Code, Error};

/// How long an access token lives.
pub const ACCESS_TOKEN_SECONDS: i64 = 600;
/// How long a session may be refreshed.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
const AUDIENCE: &str = "conscience";

/// What an access token says (RFC 9068).
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Audience.
    pub aud: String,
    /// Account id.
    pub sub: String,
    /// Session id.
    pub sid: String,
    /// Token id.
    pub jti: String,
    /// Issued at, seconds.
    pub iat: i64,
    /// Expires at, seconds.
    pub exp: i64,
    /// Who it was issued to: the account.
    pub client_id: String,
}

/// The keys of one installation.
pub struct Keys {
    etag: hmac::Key,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: String,
    kid: String,
    dummy_hash: String,
    ledger: Ed25519KeyPair,
    sealing: aead::LessSafeKey,
}

impl Keys {
    /// Derives every key from the installation's secret.
    ///
    /// # Errors
    /// `internal` where the cryptographic library refuses the key.
    pub fn derive(secret: &[u8]) -> Result<Self, Error> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let seed = hmac::sign(&root, b"conscience access token signing v1");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(Error::internal)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(Error::internal)?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self {
            etag: hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"conscience etag v1").as_ref()),
            encoding: EncodingKey::from_ed_der(pkcs8.as_ref()),
            decoding: DecodingKey::from_ed_der(&public),
            kid: URL_SAFE_NO_PAD.encode(&digest::digest(&digest::SHA256, &public).as_ref()[..12]),
            public: URL_SAFE_NO_PAD.encode(public),
            sealing: aead::LessSafeKey::new(
                aead::UnboundKey::new(&aead::AES_256_GCM, hmac::sign(&root, b"conscience sealing v1").as_ref())
                    .map_err(Error::internal)?,
            ),
            ledger: Ed25519KeyPair::from_seed_unchecked(hmac::sign(&root, b"conscience ledger signing v1").as_ref())
                .map_err(Error::internal)?,
            dummy_hash: hash_password("nobody has this password", &[7; 16])?,
        })
    }

    /// A strong `ETag` of these bytes: the same in every process and after a restart.
    #[must_use]
    pub fn etag(&self, bytes: &[u8]) -> String {
        format!(
            "\"{}\"",
            URL_SAFE_NO_PAD.encode(&hmac::sign(&self.etag, bytes).as_ref()[..16])
        )
    }

    /// Signs an access token.
    ///
    /// # Errors
    /// `internal` where signing fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let mut header = Header::new(Alg::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(Error::internal)
    }

    /// Checks signature, type, key, issuer and audience; expiry against the house's own clock.
    ///
    /// # Errors
    /// `unauthorised`, or `token_expired`.
    pub fn verify(&self, token: &str, now_seconds: i64) -> Result<Claims, Error> {
        let refused = || Error::new(Code::Unauthorised, "the access token is not valid");
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused())?;
        if header.typ.as_deref() != Some("at+jwt") || header.kid.as_deref() != Some(&self.kid) {
            return Err(refused());
        }
        let mut checks = Validation::new(Alg::EdDSA);
        checks.set_audience(&[AUDIENCE]);
        checks.set_issuer(&[AUDIENCE]);
        checks.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &checks)
            .map_err(|_| refused())?
            .claims;
        if claims.exp <= now_seconds {
            return Err(Error::new(Code::TokenExpired, "the access token has expired"));
        }
        Ok(claims)
    }

    /// New claims for a session.
    #[must_use]
    pub fn claims(account: &str, session: &str, token_id: &str, now_seconds: i64) -> Claims {
        Claims {
            iss: AUDIENCE.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: account.to_owned(),
            sid: session.to_owned(),
            jti: token_id.to_owned(),
            iat: now_seconds,
            exp: now_seconds + ACCESS_TOKEN_SECONDS,
            client_id: account.to_owned(),
        }
    }

    /// The public keys, as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.public}]})
    }

    /// Seals a secret for the database (AES-256-GCM), with a fresh nonce.
    ///
    /// # Errors
    /// `internal` where the library refuses.
    pub fn seal(&self, plain: &[u8], nonce: &[u8; 12]) -> Result<String, Error> {
        let mut bytes = plain.to_vec();
        let fresh = aead::Nonce::assume_unique_for_key(*nonce);
        self.sealing
            .seal_in_place_append_tag(fresh, aead::Aad::from(b"otp"), &mut bytes)
            .map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &bytes].concat()))
    }

    /// What was sealed.
    ///
    /// # Errors
    /// `internal` where it was altered, or sealed by another installation.
    pub fn open(&self, sealed: &str) -> Result<Vec<u8>, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).map_err(Error::internal)?;
        let (nonce, rest) = bytes
            .split_at_checked(12)
            .ok_or_else(|| Error::internal("a sealed secret is cut"))?;
        let nonce = aead::Nonce::try_assume_unique_for_key(nonce).map_err(Error::internal)?;
        let mut rest = rest.to_vec();
        let plain = self
            .sealing
            .open_in_place(nonce, aead::Aad::from(b"otp"), &mut rest)
            .map_err(Error::internal)?;
        Ok(plain.to_vec())
    }

    /// The name of the ledger in its checkpoints: of this installation's key.
    #[must_use]
    pub fn origin(&self) -> String {
        let id = tree::key_id("conscience", self.ledger.public_key().as_ref());
        format!("conscience/{:08x}", u32::from_be_bytes(id))
    }

    /// The key with which outsiders verify checkpoints (C2SP `signed-note`).
    #[must_use]
    pub fn verifier(&self) -> String {
        tree::verifier(&self.origin(), self.ledger.public_key().as_ref())
    }

    /// A signed head of the tree (C2SP `tlog-checkpoint`).
    #[must_use]
    pub fn checkpoint(&self, edge: &Edge) -> String {
        let origin = self.origin();
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
