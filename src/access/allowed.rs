//! The door. [`knock`] settles who asks before anything of the request is read; [`Allowed`] settles what they may do,
//! and is the only thing that hands out the store.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use diesel::prelude::*;
use tokio::sync::Semaphore;

use crate::access::accounts;
use crate::access::events::{self, EventRow, Events};
use crate::access::permission::{Permission, UseOwnAccount};
use crate::access::secret::Keys;
use crate::access::tx::{Read, Write};
use crate::access::viewer::Viewer;
use crate::access::{ledger, tree};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, SessionId};
use crate::base::time::UtcTime;
use crate::base::words::Role;
use crate::schema::checkpoints;
use crate::store::origin::{Clock, Ids};
use crate::store::{Conn, Db};
use crate::web::inputs;
use crate::web::reply::RequestId;

/// What stands behind the door.
pub struct Door {
    /// The database.
    pub(crate) db: Db,
    /// The installation's keys.
    pub(crate) keys: Arc<Keys>,
    /// The time.
    pub(crate) clock: Clock,
    /// Randomness.
    pub(crate) ids: Arc<Ids>,
    /// The second stream.
    pub(crate) events: Arc<Events>,
    /// Passwords are hashed few at a time, so that a crowd of strangers cannot take the machine.
    pub(crate) hashing: Arc<Semaphore>,
}

impl Door {
    /// A door to that database.
    #[must_use]
    pub fn new(db: Db, keys: Keys, clock: Clock, ids: Ids) -> Self {
        Self {
            db,
            keys: Arc::new(keys),
            clock,
            ids: Arc::new(ids),
            events: Arc::new(Events::default()),
            hashing: Arc::new(Semaphore::new(2)),
        }
    }

    /// The time by the house's clock.
    #[must_use]
    pub fn now(&self) -> UtcTime {
        self.clock.now()
    }

    /// Fresh salt.
    #[must_use]
    pub fn salt(&self) -> [u8; 16] {
        self.ids.bytes()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.read(events::ping).await
    }

    /// The public keys, as a JSON Web Key Set.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        self.keys.jwks()
    }

    /// Signs the head of the ledger's tree, where it has grown since the last; keeps it and gives it.
    ///
    /// # Errors
    /// `unavailable` where the database cannot be written.
    pub async fn seal(&self) -> Result<(), Error> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        self.db.write(move |conn| checkpoint(conn, &keys, now).map(drop)).await
    }

    /// The same for the command line; gives the head.
    ///
    /// # Errors
    /// What the database says.
    pub fn seal_blocking(&self) -> Result<String, Error> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        self.db.write_blocking(move |conn| checkpoint(conn, &keys, now))
    }

    /// The key with which outsiders verify the ledger's heads.
    #[must_use]
    pub fn verifier(&self) -> String {
        self.keys.verifier()
    }

    /// Reads for the command line, which owns the machine.
    ///
    /// # Errors
    /// What the work or the database says.
    pub fn read_as_owner<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db.write_blocking(work)
    }

    /// Notes an event for the second stream.
    pub fn note(&self, kind: &str, account: Option<&AccountId>, subject: Option<String>) {
        self.events.note(EventRow {
            id: self.ids.uuid().to_string(),
            at: self.clock.now(),
            account_id: account.map(ToString::to_string),
            kind: kind.to_owned(),
            subject,
        });
    }

    /// Writes the waiting events.
    ///
    /// # Errors
    /// `unavailable` where the database cannot be written.
    pub async fn flush_events(&self) -> Result<(), Error> {
        let waiting = self.events.take();
        if waiting.is_empty() {
            return Ok(());
        }
        self.db.write(move |conn| events::store(conn, &waiting)).await
    }

    /// Reads what no viewer owns: the account that a stranger names. Only the accounts room uses it.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db.read(work).await
    }

    /// Writes what no viewer owns: sessions, at log-in. Only the accounts room uses it.
    pub(crate) async fn unguarded<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db.write(work).await
    }

    /// A write by the command line, which owns the machine: as that viewer, entered without an actor.
    ///
    /// # Errors
    /// What the work or the database says.
    pub fn write_as_owner<T: Send + 'static>(
        &self,
        viewer: Viewer,
        work: impl FnOnce(&mut Write<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (keys, ids, now) = (self.keys.clone(), self.ids.clone(), self.clock.now());
        self.db.write_blocking(move |conn| {
            work(&mut Write {
                read: Read {
                    conn,
                    viewer,
                    now,
                    keys: &keys,
                },
                ids: &ids,
                by_command_line: true,
            })
        })
    }

    /// Whether that is the account's password; for the command line.
    ///
    /// # Errors
    /// `unavailable`.
    pub fn password_fits(&self, email: &str, password: &str) -> Result<bool, Error> {
        let email = email.to_owned();
        let row = self
            .db
            .write_blocking(move |conn| accounts::find_by_email(conn, &email))?;
        Ok(self
            .keys
            .password_fits(password, row.as_ref().map(|row| row.password_hash.as_str())))
    }

    async fn ask(&self, token: &str) -> Result<Viewer, Error> {
        let now = self.clock.now();
        let claims = self.keys.verify(token, now.seconds())?;
        let session = SessionId::parse(&claims.sid)
            .map_err(|_| Error::new(Code::Unauthorised, "the access token is not valid"))?;
        self.db.read(move |conn| accounts::viewer(conn, &session, now)).await
    }
}

fn checkpoint(conn: &mut Conn, keys: &Keys, now: UtcTime) -> Result<String, Error> {
    let edge = ledger::edge(conn)?;
    let size = i64::try_from(edge.size()).map_err(Error::internal)?;
    let known: Option<String> = checkpoints::table
        .find(size)
        .select(checkpoints::note)
        .first(conn)
        .optional()?;
    if ledger::last_position(conn)? != size {
        return Err(Error::internal(
            "the tree is not that of the entries: nothing is signed",
        ));
    }
    if let Some(note) = known {
        // What stands there may have been put there.
        let own = tree::opened(&note, &keys.verifier()) == Some((edge.size(), edge.root()));
        return if own {
            Ok(note)
        } else {
            Err(Error::internal("a head of this size is not ours"))
        };
    }
    let note = keys.checkpoint(&edge);
    diesel::insert_into(checkpoints::table)
        .values((
            checkpoints::size.eq(size),
            checkpoints::note.eq(note.clone()),
            checkpoints::signed_at.eq(now),
        ))
        .execute(conn)?;
    Ok(note)
}

type Asker = Result<Viewer, Error>;

/// Middleware: gives the request its id and settles who asks.
///
/// # Errors
/// None of its own.
pub async fn knock(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if let Some(door) = request.app_data::<Arc<Door>>().cloned() {
        request.extensions_mut().insert(RequestId(door.ids.uuid().to_string()));
        let token = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let asker: Asker = match token.as_deref().map(|value| value.split_at_checked(7)) {
            Some(Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer ") => door.ask(token.trim()).await,
            Some(_) => Err(Error::new(
                Code::Unauthorised,
                "the Authorization header must be `Bearer <access token>`",
            )),
            None => Err(Error::new(Code::Unauthorised, "an access token is needed")),
        };
        request.extensions_mut().insert(asker);
    }
    next.call(request).await
}

/// Who is let in, for what: the only way to the store.
pub struct Allowed<P> {
    door: Arc<Door>,
    viewer: Viewer,
    request: HttpRequest,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::enter(request))
    }
}

impl<P: Permission> Allowed<P> {
    fn enter(request: &HttpRequest) -> Result<Self, Error> {
        let door = request
            .app_data::<Arc<Door>>()
            .cloned()
            .ok_or_else(|| Error::internal("no door"))?;
        let viewer = request
            .extensions()
            .get::<Asker>()
            .cloned()
            .unwrap_or_else(|| Err(Error::internal("nobody knocked")))?;
        if !P::ROLES.contains(&viewer.role) {
            door.note("forbidden", Some(&viewer.account_id), Some(P::NAME.to_owned()));
            return Err(Error::forbidden());
        }
        if viewer.role == Role::Admin && !viewer.enrolled && P::NAME != UseOwnAccount::NAME {
            return Err(Error::new(
                Code::Forbidden,
                "an administrator needs a second factor: begin with POST /v1/me/second-factor, then log in again",
            ));
        }
        inputs::no_unknown_query(request)?;
        Ok(Self {
            door,
            viewer,
            request: request.clone(),
            permission: PhantomData,
        })
    }

    /// Who asks.
    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The request, for its conditional headers.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The door itself, for the accounts room.
    #[must_use]
    pub fn door(&self) -> &Arc<Door> {
        &self.door
    }

    /// Something that a room keeps in memory beside the database.
    ///
    /// # Errors
    /// `internal` where the roof has not put it there.
    pub fn part<T: 'static>(&self) -> Result<Arc<T>, Error> {
        self.request
            .app_data::<Arc<T>>()
            .cloned()
            .ok_or_else(|| Error::internal("a part is missing"))
    }

    /// Reads, as this viewer.
    ///
    /// # Errors
    /// What the work says, or `unavailable`.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (viewer, keys, now) = (self.viewer.clone(), self.door.keys.clone(), self.door.clock.now());
        self.door
            .db
            .read(move |conn| {
                work(&mut Read {
                    conn,
                    viewer,
                    now,
                    keys: &keys,
                })
            })
            .await
    }

    /// Writes, as this viewer: all of it, in the ledger, or nothing.
    ///
    /// # Errors
    /// What the work says, or `unavailable`.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (viewer, keys, ids, now) = (
            self.viewer.clone(),
            self.door.keys.clone(),
            self.door.ids.clone(),
            self.door.clock.now(),
        );
        self.door
            .db
            .write(move |conn| {
                work(&mut Write {
                    read: Read {
                        conn,
                        viewer,
                        now,
                        keys: &keys,
                    },
                    ids: &ids,
                    by_command_line: false,
                })
            })
            .await
    }
}

/// The door for whoever has no token yet: log in and refresh.
pub struct Stranger {
    /// The door.
    pub door: Arc<Door>,
    /// Where they come from: the other end of the connection.
    pub address: String,
}

impl FromRequest for Stranger {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let address = request
            .peer_addr()
            .map_or_else(String::new, |peer| peer.ip().to_string());
        std::future::ready(
            request
                .app_data::<Arc<Door>>()
                .cloned()
                .map(|door| Self { door, address })
                .ok_or_else(|| Error::internal("no door")),
        )
    }
}
