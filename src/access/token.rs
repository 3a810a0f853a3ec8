//! Access tokens as JSON Web Tokens (RFC 9068): what one says, and one key that signs and checks them.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::error::Error;

/// How long an access token lives.
pub const ACCESS_TOKEN_SECONDS: i64 = 600;
/// How far clocks may differ.
pub const SLACK_SECONDS: i64 = 60;
const TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Issuer: this installation's address.
    pub iss: String,
    /// Audience: the same.
    pub aud: String,
    /// Whom it speaks for: an account, or a client.
    pub sub: String,
    /// Who it was issued to: the same.
    pub client_id: String,
    /// Token id.
    pub jti: String,
    /// Issued at, seconds.
    pub iat: i64,
    /// Expires at, seconds.
    pub exp: i64,
    /// The session, of a person's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What a client may do, of a client's token: scopes with spaces between.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// One signing key, ready to sign and to check.
pub struct Signer {
    kid: String,
    public: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    /// The key of that seed.
    ///
    /// # Errors
    /// `internal` where the cryptographic library refuses it.
    pub fn of(seed: &[u8]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(Error::internal)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(Error::internal)?;
        let public = pair.public_key().as_ref();
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public);
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]),
            encoding: EncodingKey::from_ed_der(pkcs8.as_ref()),
            decoding: DecodingKey::from_ed_der(public),
            public: URL_SAFE_NO_PAD.encode(public),
        })
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key (RFC 8037).
    #[must_use]
    pub fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": self.public})
    }

    /// A signed token that says so.
    ///
    /// # Errors
    /// `internal` where signing fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(Error::internal)
    }

    /// What the token says, where this key signed it, as such a token, for that issuer; whether it has expired is asked
    /// elsewhere.
    #[must_use]
    pub fn verify(&self, token: &str, issuer: &str) -> Option<Claims> {
        let mut checks = Validation::new(Algorithm::EdDSA);
        checks.set_audience(&[issuer]);
        checks.set_issuer(&[issuer]);
        checks.validate_exp = false;
        let said = jsonwebtoken::decode::<Claims>(token, &self.decoding, &checks).ok()?;
        (said.header.typ.as_deref() == Some(TYPE)).then_some(said.claims)
    }
}

/// The id of the key that a token names.
#[must_use]
pub fn kid(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).ok()?.kid
}
