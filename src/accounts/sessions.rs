//! Log in, refresh, log out.

use std::sync::Arc;

use actix_web::{HttpResponse, delete, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::accounts::{self as rows, AccountRow, Refreshed, SessionRow};
use crate::access::allowed::Stranger;
use crate::access::secret::{self, SESSION_SECONDS};
use crate::access::signing::RestsOn;
use crate::access::throttle::Attempt;
use crate::access::token::ACCESS_TOKEN_SECONDS;
use crate::access::{Allowed, Door, Viewer, may, otp};
use crate::accounts::Tried;
use crate::base::error::{Code, Error};
use crate::base::id::SessionId;
use crate::web::{Json, Reply, reply};

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The account's address.
    pub email: String,
    /// Its password.
    #[schema(format = Password)]
    pub password: String,
    /// The authenticator's six digits, or a recovery code; where the account uses a second factor.
    pub otp: Option<String>,
}

/// A refresh token, to be used up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshIn {
    /// The token of the last log-in or refresh.
    pub refresh_token: String,
}

/// That whoever asks is still the account's owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthenticationIn {
    /// The account's password.
    #[schema(format = Password)]
    pub password: String,
    /// The authenticator's six digits, or a recovery code; where the account uses a second factor.
    pub otp: Option<String>,
}

/// What a session speaks with.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"access_token": "<JSON Web Token>", "token_type": "Bearer", "expires_in": 600, "refresh_token": "<opaque>"}))]
pub struct TokensOut {
    /// For the `Authorization` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// How many seconds the access token lives.
    pub expires_in: i64,
    /// For one refresh; a token used twice ends the session.
    pub refresh_token: String,
}

fn refused() -> Error {
    Error::new(Code::InvalidCredentials, Code::InvalidCredentials.title())
}

async fn tokens(door: &Door, account: &str, session: &SessionId, refresh_token: String) -> Result<TokensOut, Error> {
    let rests_on = RestsOn::Session(session.to_string());
    let id = door.ids.uuid().to_string();
    Ok(TokensOut {
        access_token: door.ring().await?.token(account, rests_on, &id, door.now())?,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        refresh_token,
    })
}

/// Opens the session, unless the account was shut, or got another password or a second factor meanwhile.
async fn open(door: &Arc<Door>, account: AccountRow) -> Result<TokensOut, Error> {
    let refresh_token = secret::text_of(&door.ids.bytes::<32>());
    let (kept, now) = (secret::hash_token(&refresh_token), door.now());
    let session = SessionRow {
        id: SessionId::from_uuid(door.ids.uuid()),
        account_id: account.id.clone(),
        created_at: now,
        expires_at: now.plus_seconds(SESSION_SECONDS),
        ended_at: None,
        shown_at: now,
    };
    let id = session.id.clone();
    let known = account.clone();
    door.unguarded(move |conn| {
        let current = rows::find(conn, &known.id)?;
        let other = current.password_hash != known.password_hash || current.otp_active != known.otp_active;
        if current.disabled_at.is_some() || other {
            return Err(refused());
        }
        rows::open_session(conn, &session, &kept)
    })
    .await?;
    door.note("logged_in", Some(&account.id), Some(id.to_string()));
    tokens(door, account.id.as_str(), &id, refresh_token).await
}

/// Whether that is the authenticator's password of a step not used before, or a recovery code, which is used up.
async fn second_factor_fits(door: &Arc<Door>, account: &AccountRow, given: String) -> Result<bool, Error> {
    let step = otp::step_of(&account.opened_otp(&door.keys.fields)?, &given, door.now().seconds());
    let id = account.id.clone();
    door.unguarded(move |conn| match step {
        Some(step) => rows::use_step(conn, &id, step),
        None => rows::use_recovery_code(conn, &id, &secret::hash_token(&given)),
    })
    .await
}

/// Refuses whoever does not show that the account is theirs: by its password, and the second factor where it uses one.
async fn prove(
    door: &Arc<Door>,
    account: Option<&AccountRow>,
    password: String,
    otp: Option<String>,
) -> Result<(), Error> {
    let fits = super::fits(door, password, account.map(|row| row.password_hash.clone())).await?;
    let Some(owned) = account.filter(|row| fits && row.disabled_at.is_none()) else {
        door.note("log_in_refused", account.map(|row| &row.id), None);
        return Err(refused());
    };
    if !owned.otp_active {
        return Ok(());
    }
    let Some(otp) = otp else {
        // A password that somebody has guessed shows here first.
        door.note("second_factor_asked", Some(&owned.id), None);
        return Err(Error::new(
            Code::SecondFactorRequired,
            "send the authenticator's six digits, or a recovery code, as `otp` beside the password",
        ));
    };
    let tried = Tried::begin(door, Attempt::of_second_factor(&door.keys, &owned.id)).await?;
    if second_factor_fits(door, owned, otp).await? {
        return tried.succeed().await;
    }
    door.note("second_factor_refused", Some(&owned.id), None);
    Err(refused())
}

/// Log in
///
/// Opens a session: an access token of ten minutes and a refresh token for one use. An unknown address, a wrong
/// password and a shut account are answered alike. Where the account uses a second factor, a log-in without it
/// answers `second_factor_required`. After several failures it answers 429 for a while, longer each time; not
/// where the account's owner has logged in from before.
#[utoipa::path(tag = "sessions", extensions(("x-permission" = json!("Stranger"))),
    request_body(content = LogIn, example = json!({"email": "staff@example.org", "password": "a long pass phrase"})),
    responses((status = 201, description = "Logged in", body = TokensOut,
        example = json!({"access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln", "token_type": "Bearer", "expires_in": 600, "refresh_token": "3q2-7wWwkYx0uV2Yb1nN8cQk5h0mYd4Zr6sT9uV1wXy"}))))]
#[post("/sessions")]
pub async fn create_session(stranger: Stranger, body: Json<LogIn>) -> Reply {
    let Stranger { door, address } = stranger;
    let LogIn { email, password, otp } = body.0;
    let tried = Tried::begin(&door, Attempt::to_log_in(&door.keys, &email, address)).await?;
    let found = if email.contains('\0') {
        None
    } else {
        door.look(move |conn| rows::find_by_email(conn, &email)).await?
    };
    if let Err(error) = prove(&door, found.as_ref(), password, otp).await {
        if error.code == Code::SecondFactorRequired {
            tried.take_back().await?;
        }
        return Err(error);
    }
    let account = found.ok_or_else(refused)?;
    let opened = open(&door, account).await?;
    tried.succeed().await?;
    Ok(HttpResponse::Created().json(opened))
}

/// Refresh a session
///
/// Uses the refresh token up and answers with the next, and a new access token. A token used twice ends its session.
#[utoipa::path(tag = "sessions", extensions(("x-permission" = json!("Stranger"))),
    request_body(content = RefreshIn, example = json!({"refresh_token": "3q2-7wWwkYx0uV2Yb1nN8cQk5h0mYd4Zr6sT9uV1wXy"})),
    responses((status = 200, description = "The next tokens", body = TokensOut)))]
#[post("/sessions/refresh")]
pub async fn refresh_session(stranger: Stranger, body: Json<RefreshIn>) -> Reply {
    let door = stranger.door;
    let next = secret::text_of(&door.ids.bytes::<32>());
    let (used, kept, now) = (
        secret::hash_token(&body.0.refresh_token),
        secret::hash_token(&next),
        door.now(),
    );
    let asked = used.clone();
    // What a stranger makes up costs a read, not a write.
    let known = door.look(move |conn| rows::is_known_token(conn, &asked)).await?;
    let outcome = if known {
        door.unguarded(move |conn| rows::rotate(conn, &used, &kept, now))
            .await?
    } else {
        Refreshed::Refused
    };
    match outcome {
        Refreshed::Renewed(Viewer {
            account_id,
            session_id: Some(session),
            ..
        }) => Ok(HttpResponse::Ok().json(tokens(&door, account_id.as_str(), &session, next).await?)),
        Refreshed::Reused(account) => {
            door.note("refresh_reused", Some(&account), None);
            Err(Error::new(Code::Unauthorised, "the refresh token is not valid"))
        }
        Refreshed::Renewed(_) | Refreshed::Refused => {
            Err(Error::new(Code::Unauthorised, "the refresh token is not valid"))
        }
    }
}

/// Give the password again
///
/// Some acts ask for it anew: opening and changing accounts, issuing keys, joining a team, overriding consent. It holds for
/// fifteen minutes, and so does a log-in. Needs the second factor too where the account uses one.
#[utoipa::path(tag = "sessions", extensions(("x-permission" = json!("UseOwnAccount"))),
    request_body(content = ReauthenticationIn, example = json!({"password": "a long pass phrase", "otp": "287082"})),
    responses((status = 204, description = "It holds for fifteen minutes")))]
#[post("/sessions/current/reauthentication")]
pub async fn reauthenticate_session(allowed: Allowed<may::UseOwnAccount>, body: Json<ReauthenticationIn>) -> Reply {
    let session = allowed.viewer().session_id.clone().ok_or_else(Error::forbidden)?;
    let account = prove_owner(&allowed, body.0).await?;
    let (door, now) = (allowed.door(), allowed.door().now());
    door.unguarded(move |conn| rows::show_in_session(conn, &session, now))
        .await?;
    door.note("reauthenticated", Some(&account.id), None);
    Ok(reply::nothing())
}

/// Refuses whoever does not show again that the account they speak for is theirs. Whoever holds a stolen token guesses no
/// faster than at log-in.
pub(super) async fn prove_owner(
    allowed: &Allowed<may::UseOwnAccount>,
    given: ReauthenticationIn,
) -> Result<AccountRow, Error> {
    let (door, id) = (allowed.door(), allowed.viewer().account_id.clone());
    let tried = Tried::begin(door, Attempt::of_owner(&door.keys, &id)).await?;
    let account = allowed.read(move |tx| rows::find(tx.conn(), &id)).await?;
    prove(door, Some(&account), given.password, given.otp).await?;
    tried.succeed().await?;
    Ok(account)
}

/// Log out
///
/// Ends the session that the access token speaks for, at once.
#[utoipa::path(tag = "sessions", extensions(("x-permission" = json!("UseOwnAccount")), ("x-unconditional" = json!(true))),
    responses((status = 204, description = "Logged out")))]
#[delete("/sessions/current")]
pub async fn end_session(allowed: Allowed<may::UseOwnAccount>) -> Reply {
    let viewer = allowed.viewer().clone();
    if let Some(session) = viewer.session_id {
        let ended = session.clone();
        allowed
            .write(move |tx| {
                let now = tx.now();
                rows::end_session(tx.conn(), &session, now)
            })
            .await?;
        allowed
            .door()
            .note("logged_out", Some(&viewer.account_id), Some(ended.to_string()));
    }
    Ok(reply::nothing())
}
