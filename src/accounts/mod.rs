//! Accounts and sessions over HTTP: log in, refresh, log out; one's own account; accounts of others, for
//! administrators. The rows live in [`crate::access::accounts`], because the door reads them.
//!
//! A password is hashed or checked outside of every write, few at a time, and takes as long where there is no
//! account. Who changes their password ends their other sessions; who is shut or gets another role loses all.
mod manage;
mod own;
mod passwords;
mod second_factor;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use actix_web::{rt, web};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::throttle::{self, Attempt};
use crate::access::{Door, secret};
use crate::base::error::Error;
use crate::base::time::UtcTime;

pub use manage::{AccountIn, AccountOut, AccountPatch};
pub use own::{PasswordIn, SessionOut};
pub use passwords::require_good as require_good_password;
pub use sessions::{LogIn, ReauthenticationIn, RefreshIn, TokensOut};

/// How long a caller waits for a turn at hashing.
const HASHING_WAIT: Duration = Duration::from_secs(5);

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(sessions::create_session)
        .service(sessions::refresh_session)
        .service(sessions::reauthenticate_session)
        .service(sessions::end_session)
        .service(own::find_me)
        .service(own::change_own_password)
        .service(second_factor::begin_second_factor)
        .service(second_factor::confirm_second_factor)
        .service(second_factor::remove_second_factor)
        .service(own::list_own_sessions)
        .service(own::end_own_session)
        .service(manage::list_accounts)
        .service(manage::create_account)
        .service(manage::find_account)
        .service(manage::update_account);
}

/// An attempt that was let through, and counts as a failure until it has succeeded.
struct Tried<'a> {
    door: &'a Door,
    attempt: Attempt,
    at: UtcTime,
}

impl<'a> Tried<'a> {
    async fn begin(door: &'a Door, attempt: Attempt) -> Result<Self, Error> {
        let (asked, at) = (attempt.clone(), door.now());
        door.unguarded(move |conn| throttle::begin(conn, &asked, at)).await?;
        Ok(Self { door, attempt, at })
    }

    async fn succeed(self) -> Result<(), Error> {
        let Self { door, attempt, at } = self;
        door.unguarded(move |conn| throttle::succeed(conn, &attempt, at)).await
    }

    async fn take_back(self) -> Result<(), Error> {
        let Self { door, attempt, at } = self;
        door.unguarded(move |conn| throttle::take_back(conn, &attempt, at))
            .await
    }
}

/// Does slow work with a password on a thread of its own, when its turn comes.
async fn in_turn<T: Send + 'static>(
    door: &Arc<Door>,
    work: impl FnOnce(&Door) -> T + Send + 'static,
) -> Result<T, Error> {
    let turn = rt::time::timeout(HASHING_WAIT, door.hashing.clone().acquire_owned()).await;
    let turn = turn.map_err(|_| Error::unavailable())?.map_err(Error::internal)?;
    let inside = door.clone();
    // The turn goes with the work: a caller who hangs up does not let another in before it is done.
    web::block(move || {
        let done = work(&inside);
        drop(turn);
        done
    })
    .await
    .map_err(Error::internal)
}

/// Whether that is the password; takes as long where there is no hash.
async fn fits(door: &Arc<Door>, password: String, hash: Option<String>) -> Result<bool, Error> {
    in_turn(door, move |door| {
        password.len() <= passwords::BYTES && door.keys.password_fits(&password, hash.as_deref())
    })
    .await
}

/// The hash to store for a new password.
async fn hash(door: &Arc<Door>, password: String) -> Result<String, Error> {
    in_turn(door, move |door| secret::hash_password(&password, &door.ids.bytes())).await?
}
