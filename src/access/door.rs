//! What stands behind the door: the store, the keys, the time, and who asks. It is handed out by [`super::Allowed`] alone,
//! and to the commands, which own the machine.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::Semaphore;

use crate::access::altered::Altered;
use crate::access::events::{self, Event, Events};
use crate::access::rate::{self, Limiter};
use crate::access::secret::Keys;
use crate::access::signing::Ring;
use crate::access::tree::Stream;
use crate::access::tx::{Noticed, Read, Write};
use crate::access::viewer::Viewer;
use crate::access::{accounts, clients, token};
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, ClientId};
use crate::base::time::UtcTime;
use crate::store::origin::{Clock, Ids};
use crate::store::{Conn, Db};

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
    /// The records that are not as their ledger says, as last found.
    altered: RwLock<Arc<Altered>>,
    /// When clients came in, until it is written down.
    pub(crate) used: Mutex<HashMap<ClientId, UtcTime>>,
    /// Passwords are hashed few at a time, so that a crowd of strangers cannot take the machine.
    pub(crate) hashing: Arc<Semaphore>,
    pub(super) limiter: Limiter,
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
            altered: RwLock::default(),
            used: Mutex::default(),
            hashing: Arc::new(Semaphore::new(2)),
            limiter: Limiter::new(rate::PER_MINUTE),
        }
    }

    /// The same door, where an account may ask that often in a minute.
    #[must_use]
    pub fn limited_to(self, per_minute: u32) -> Self {
        Self {
            limiter: Limiter::new(per_minute),
            ..self
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

    /// The records that are not as their ledger says, as last found.
    #[must_use]
    pub fn altered(&self) -> Arc<Altered> {
        self.altered.read().map(|altered| altered.clone()).unwrap_or_default()
    }

    /// Takes note of what any process has found or settled.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn follow_altered(&self) -> Result<(), Error> {
        let found = self.db.read(Altered::load).await?;
        if let Ok(mut altered) = self.altered.write() {
            *altered = Arc::new(found);
        }
        Ok(())
    }

    /// Takes from the database's files what its tables do not hold any more.
    ///
    /// # Errors
    /// `unavailable` where that cannot be done now.
    pub async fn scrub(&self) -> Result<(), Error> {
        self.db.scrub().await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.read(events::ping).await
    }

    /// The keys that sign access tokens, as they stand now.
    ///
    /// # Errors
    /// `unavailable` where the database cannot be read.
    pub async fn ring(&self) -> Result<Ring, Error> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        self.db.read(move |conn| Ring::load(conn, &keys, now)).await
    }

    /// Signs the heads of both streams, where they have grown since the last.
    ///
    /// # Errors
    /// `unavailable` where the database cannot be written.
    pub async fn seal(&self) -> Result<(), Error> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        self.db
            .write(move |conn| {
                for stream in Stream::ALL {
                    stream.sign(conn, &keys, now)?;
                }
                Ok(())
            })
            .await
    }

    /// The same of one stream for the command line; gives the head.
    ///
    /// # Errors
    /// What the database says.
    pub fn seal_blocking(&self, stream: Stream) -> Result<String, Error> {
        let (keys, now) = (self.keys.clone(), self.clock.now());
        self.db.write_blocking(move |conn| stream.sign(conn, &keys, now))
    }

    /// The key with which outsiders verify a stream's heads.
    #[must_use]
    pub fn verifier(&self, stream: Stream) -> String {
        self.keys.verifier(stream)
    }

    /// Who issues tokens: the address at which the API is reached.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.keys.issuer()
    }

    /// Reads for the command line, which owns the machine; all of it as of one moment.
    ///
    /// # Errors
    /// What the work or the database says.
    pub fn read_as_owner<T>(&self, work: impl FnOnce(&mut Conn) -> Result<T, Error>) -> Result<T, Error> {
        self.db.read_blocking(work)
    }

    /// Notes an event for the second stream.
    pub fn note(&self, kind: &str, account: Option<&AccountId>, subject: Option<String>) {
        self.events.note(Event {
            at: self.clock.now(),
            account_id: account.map(ToString::to_string),
            client_id: None,
            kind: kind.to_owned(),
            subject,
        });
    }

    /// The same of what someone who was let in does.
    pub fn note_of(&self, viewer: &Viewer, kind: &str, subject: Option<String>) {
        self.events.note(Event {
            at: self.clock.now(),
            account_id: Some(viewer.account_id.to_string()),
            client_id: viewer.machine.as_ref().map(|machine| machine.client_id.to_string()),
            kind: kind.to_owned(),
            subject,
        });
    }

    /// Writes the waiting events, and when clients came in.
    ///
    /// # Errors
    /// `unavailable` where the database cannot be written.
    pub async fn flush_events(&self) -> Result<(), Error> {
        let waiting = self.events.take();
        let used: Vec<(ClientId, UtcTime)> = self
            .used
            .lock()
            .map(|mut used| used.drain().collect())
            .unwrap_or_default();
        if waiting.is_empty() && used.is_empty() {
            return Ok(());
        }
        let (events, came) = (waiting.clone(), used.clone());
        let written = self.db.write(move |conn| {
            clients::keep_used(conn, &came)?;
            events::store(conn, &events)
        });
        written.await.inspect_err(|_| {
            self.events.put_back(waiting);
            if let Ok(mut later) = self.used.lock() {
                for (id, at) in used {
                    later.entry(id).or_insert(at);
                }
            }
        })
    }

    /// Reads what no viewer owns: the account that a stranger names. Only those use it who have nobody to ask for.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.db.read(work).await
    }

    /// Writes what no viewer owns: sessions, at log-in. Only those use it who have nobody to ask for.
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
        let (keys, ids, now, altered) = (self.keys.clone(), self.ids.clone(), self.clock.now(), self.altered());
        self.db.write_blocking(move |conn| {
            work(&mut Write {
                read: Read::new(conn, viewer, now, &keys, (altered, Noticed::default())),
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

    /// Who asks with that credential, from that address: a client's key, or an access token of a session or of a client.
    pub(super) async fn ask(&self, credential: &str, address: Option<IpAddr>) -> Result<Viewer, Error> {
        let refused = |detail: &str| Error::new(Code::Unauthorised, detail);
        let is_key = credential.starts_with(clients::PREFIX);
        // What a stranger makes up costs no connection.
        if is_key && clients::id_in(credential).is_none() || !is_key && token::kid(credential).is_none() {
            return Err(refused("the access token is not valid"));
        }
        let (keys, now, credential) = (self.keys.clone(), self.clock.now(), credential.to_owned());
        let asked = self.db.read(move |conn| {
            if is_key {
                let found = clients::of_key(conn, &credential, address, now)?;
                return found.map(|(_, viewer)| viewer).map_err(|known| {
                    let error = refused("the key is not valid, or not from here");
                    error.about(known.map(|id| id.to_string()))
                });
            }
            let claims = Ring::load(conn, &keys, now)?.verify(&credential, now)?;
            match (&claims.sid, &claims.scope) {
                (Some(session), None) => accounts::viewer_of(conn, session, now),
                (None, Some(scope)) => clients::of_token(conn, (&claims.sub, &claims.jti, scope), address, now),
                _ => Err(refused("the access token is not valid")),
            }
        });
        let viewer = asked.await?;
        self.altered().assert_speaks(&viewer)?;
        if let (Some(machine), Ok(mut used)) = (&viewer.machine, self.used.lock()) {
            used.insert(machine.client_id.clone(), now);
        }
        Ok(viewer)
    }
}
