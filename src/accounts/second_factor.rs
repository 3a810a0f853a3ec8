//! The second factor: one's own authenticator, required of administrators, offered to all.

use actix_web::{delete, post, put};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::accounts::{self as rows, AccountRow};
use crate::access::{Allowed, may, otp, secret};
use crate::accounts::sessions::{ReauthenticationIn, prove_owner};
use crate::base::error::{Code, Error};
use crate::web::{Json, Reply, reply};

/// How many recovery codes are made.
const RECOVERY_CODES: usize = 10;

/// A secret for an authenticator; shown once.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentOut {
    /// Base 32.
    pub secret: String,
    /// For a QR code.
    pub uri: String,
}

/// A password of the authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OtpIn {
    /// Six digits.
    pub otp: String,
}

/// Recovery codes; shown once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryOut {
    /// Each is for one log-in, in the place of `otp`.
    pub recovery_codes: Vec<String>,
}

/// Begin to use a second factor
///
/// With the account's password again: makes a secret for an authenticator. Nothing is asked for at log-in until it is
/// confirmed.
#[utoipa::path(tag = "me", extensions(("x-permission" = json!("UseOwnAccount"))),
    request_body(content = ReauthenticationIn, example = json!({"password": "a long pass phrase"})),
    responses((status = 201, description = "The secret", body = EnrolmentOut, example = json!({"secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "uri": "otpauth://totp/Conscience:staff@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Conscience"}))))]
#[post("/me/second-factor")]
pub async fn begin_second_factor(allowed: Allowed<may::UseOwnAccount>, body: Json<ReauthenticationIn>) -> Reply {
    prove_owner(&allowed, body.0).await?;
    let bytes: [u8; 20] = allowed.door().ids.bytes();
    let id = &allowed.viewer().account_id;
    let sealed = rows::sealed_otp(&allowed.door().keys.fields, id, &bytes, &allowed.door().ids.bytes())?;
    let made = allowed
        .write(move |tx| {
            let id = tx.viewer().account_id;
            let before = rows::find(tx.conn(), &id)?;
            if before.otp_active {
                return Err(Error::new(Code::Conflict, "a second factor is in use: remove it first"));
            }
            let after = AccountRow {
                otp_secret: Some(sealed),
                ..before.clone()
            };
            let after = tx.save(&before, after)?;
            let secret = otp::base32(&bytes);
            let uri = format!(
                "otpauth://totp/Conscience:{}?secret={secret}&issuer=Conscience",
                after.email
            );
            tx.tag(json!(EnrolmentOut { secret, uri }))
        })
        .await?;
    Ok(reply::created_in_list(&made))
}

/// Confirm the second factor
///
/// With a password of the authenticator; from then on every log-in asks for one, and the account's other sessions, which
/// began without, are ended. Answers with recovery codes.
#[utoipa::path(tag = "me", extensions(("x-permission" = json!("UseOwnAccount"))),
    request_body(content = OtpIn, example = json!({"otp": "287082"})),
    responses((status = 200, description = "In use", body = RecoveryOut, example = json!({"recovery_codes": ["k3v9-xw2p-7mqd-0hze-4tbn-s8ra"]}))))]
#[put("/me/second-factor")]
pub async fn confirm_second_factor(allowed: Allowed<may::UseOwnAccount>, body: Json<OtpIn>) -> Reply {
    let keys = allowed.door().keys.clone();
    let codes: Vec<String> = (0..RECOVERY_CODES)
        .map(|_| recovery_code(&allowed.door().ids.bytes()))
        .collect();
    let done = allowed
        .write(move |tx| {
            let (id, session, now) = (tx.viewer().account_id, tx.viewer().session_id, tx.now());
            let before = rows::find(tx.conn(), &id)?;
            if before.otp_active || before.otp_secret.is_none() {
                return Err(Error::new(Code::Conflict, "begin with POST /v1/me/second-factor"));
            }
            let secret = before.opened_otp(&keys.fields)?;
            let step = otp::step_of(&secret, &body.0.otp, now.seconds())
                .ok_or_else(|| Error::invalid("/otp", "is not what the authenticator shows now"))?;
            let after = AccountRow {
                otp_active: true,
                ..before.clone()
            };
            let after = tx.save(&before, after)?;
            rows::use_step(tx.conn(), &after.id, step)?;
            rows::end_sessions(tx.conn(), &after.id, session.as_ref(), now)?;
            let kept: Vec<String> = codes.iter().map(|code| secret::hash_token(code)).collect();
            rows::replace_recovery_codes(tx.conn(), &after.id, &kept)?;
            tx.tag(json!(RecoveryOut { recovery_codes: codes }))
        })
        .await?;
    Ok(reply::changed(&done))
}

/// Remove the second factor
///
/// With the account's password again, and a password of the authenticator or a recovery code. An administrator can do nothing
/// until there is another.
#[utoipa::path(tag = "me", extensions(("x-permission" = json!("UseOwnAccount")), ("x-unconditional" = json!(true))),
    request_body(content = ReauthenticationIn, example = json!({"password": "a long pass phrase", "otp": "287082"})),
    responses((status = 204, description = "Removed")))]
#[delete("/me/second-factor")]
pub async fn remove_second_factor(allowed: Allowed<may::UseOwnAccount>, body: Json<ReauthenticationIn>) -> Reply {
    let known = prove_owner(&allowed, body.0).await?;
    allowed
        .write(move |tx| {
            let before = rows::find(tx.conn(), &known.id)?;
            let after = AccountRow {
                otp_active: false,
                otp_secret: None,
                ..before.clone()
            };
            tx.save(&before, after)?;
            rows::replace_recovery_codes(tx.conn(), &known.id, &[])
        })
        .await?;
    Ok(reply::nothing())
}

/// 24 characters that nobody mistakes for another (Crockford's base 32), in groups: 120 bits, which need no slow hash.
fn recovery_code(bytes: &[u8; 24]) -> String {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let letters: Vec<char> = bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}
