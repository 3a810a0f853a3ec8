//! A house to test: a server on a database of its own, and the people who use it.
#![allow(clippy::disallowed_methods)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use actix_web::{HttpServer, rt};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use chrono::{DateTime, Utc};
use conscience::access::rate::MOST_PER_MINUTE;
use conscience::access::secret::Keys;
use conscience::access::{Door, events, otp, signing};
use conscience::app::{State, app};
use conscience::base::text::Line;
use conscience::base::words::Role;
use conscience::cli::{NewAccount, add_account, enrol, load_sample};
use conscience::store::origin::{Clock, Ids};
use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use serde_json::json;

pub use crate::actor::{Actor, Answer};

pub const PASSWORD: &str = "quiet harbour lantern seven";

/// The installation's secret.
const SECRET: &[u8] = b"a secret of the tests, 32 bytes long";

/// The secret of the administrator's authenticator.
pub const OTP_SECRET: &[u8] = b"12345678901234567890";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// Runs a test on both databases.
#[macro_export]
macro_rules! on_both {
    ($($(#[$doc:meta])* fn $name:ident($house:ident: &House) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;
            fn run($house: &House) $body
            #[test]
            fn sqlite() { run(&House::new($crate::support::Kind::Sqlite)); }
            #[test]
            fn postgres() { run(&House::new($crate::support::Kind::Postgres)); }
        }
    )*};
}

/// The same of functions that take the kind of database, and make of it what they need.
macro_rules! on_each {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() { super::$name($crate::support::Kind::Sqlite); }
            #[test]
            fn postgres() { super::$name($crate::support::Kind::Postgres); }
        }
    )*};
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database of its own.
pub fn database(kind: Kind) -> DatabaseUrl {
    DatabaseUrl::parse(&database_url(kind), false).unwrap()
}

/// The address of a database of its own.
pub fn database_url(kind: Kind) -> String {
    let number = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("conscience_test_{}_{number}", std::process::id());
    match kind {
        Kind::Sqlite => {
            let path = std::env::temp_dir().join(format!("{name}.sqlite"));
            format!("sqlite://{}", path.display())
        }
        Kind::Postgres => {
            let server = std::env::var("CONSCIENCE_TEST_POSTGRES").expect("scripts/test sets CONSCIENCE_TEST_POSTGRES");
            conscience::store::create_postgres_database(&server, &name).unwrap();
            let (place, parameters) = server.split_once('?').unwrap_or((&server, ""));
            let base = place.rsplit_once('/').unwrap().0;
            format!("{base}/{name}?{parameters}")
        }
    }
}

/// A place to listen, and its address.
fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

/// Who issues tokens is told by bytes: where time is given, so is that.
fn door(url: &DatabaseUrl, clock: Clock, seed: u64, address: &str) -> Door {
    let options = Options {
        readers: 4,
        wait_ms: 5000,
        queue: 1024,
    };
    let db = Db::open(url, options).unwrap();
    db.migrate().unwrap();
    let mut keys = Keys::derive(SECRET).unwrap();
    if matches!(clock, Clock::System) {
        keys = keys.issued_at(address);
    }
    // A test that asks often is about something else, and a refusal would hide it.
    Door::new(db, keys, clock, Ids::seeded(seed)).limited_to(MOST_PER_MINUTE)
}

/// The whole PostgreSQL database once more; whoever is still connected to it is sent away.
pub fn copy_postgres(from: &DatabaseUrl, to: &str) {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, PgConnection};
    let DatabaseUrl::Postgres(from) = from else {
        panic!("not on a server")
    };
    let name = |url: &str| {
        let place = url.split('?').next().unwrap();
        place.rsplit('/').next().unwrap().to_owned()
    };
    let (from, to) = (name(from), name(to));
    let server = std::env::var("CONSCIENCE_TEST_POSTGRES").unwrap();
    let mut conn = PgConnection::establish(&server).unwrap();
    let mut said = Ok(());
    for _ in 0..50 {
        let away = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{from}'");
        conn.batch_execute(&away).unwrap();
        said = conn.batch_execute(&format!("DROP DATABASE IF EXISTS {to}; "));
        said = said.and_then(|()| conn.batch_execute(&format!("CREATE DATABASE {to} TEMPLATE {from}")));
        if said.is_ok() {
            break;
        }
    }
    said.unwrap();
}

/// A server, its accounts, its address.
pub struct House {
    pub address: String,
    pub door: Arc<Door>,
    url: DatabaseUrl,
    stop: Mutex<Option<mpsc::Sender<()>>>,
    /// Whether the database outlives the house.
    keep: bool,
    clock: Clock,
    admin: Mutex<Option<Actor>>,
}

impl House {
    pub fn new(kind: Kind) -> Self {
        Self::at(kind, Clock::System, false)
    }

    /// With the sample, as of the founding statement's day.
    pub fn with_sample(kind: Kind) -> Self {
        let day: DateTime<Utc> = "2010-05-10T08:00:00Z".parse().unwrap();
        Self::at(kind, Clock::Fixed(day), true)
    }

    /// A server on a database that is there and stays there.
    pub fn on(url: DatabaseUrl, clock: Clock, seed: u64) -> Self {
        let (listener, address) = listening();
        let door = door(&url, clock, seed, &address);
        Self::serving(url, door, clock, (listener, address), true)
    }

    /// Where an account may ask so often in a minute, by a clock that stands still.
    pub fn limited(kind: Kind, per_minute: u32) -> Self {
        let day: DateTime<Utc> = "2010-05-10T08:00:00Z".parse().unwrap();
        Self::furnished(kind, Clock::Fixed(day), false, |door| door.limited_to(per_minute))
    }

    fn at(kind: Kind, clock: Clock, sample: bool) -> Self {
        Self::furnished(kind, clock, sample, |door| door)
    }

    fn furnished(kind: Kind, clock: Clock, sample: bool, fitted: impl FnOnce(Door) -> Door) -> Self {
        let url = database(kind);
        let (listener, address) = listening();
        let door = fitted(door(&url, clock, 7, &address));
        if sample {
            assert!(load_sample(&door).unwrap());
        }
        for (email, role, organisation) in [
            ("admin@example.org", Role::Admin, "House"),
            ("staff@example.org", Role::Staff, "House"),
            ("partner@example.org", Role::Partner, "Partner One"),
            ("stranger@example.org", Role::Partner, "Partner Two"),
            ("dashboard@example.org", Role::Dashboard, "House"),
        ] {
            let account = NewAccount {
                email: email.to_owned(),
                name: Line::parse(email).unwrap(),
                role,
                organisation: Line::parse(organisation).unwrap(),
                password: PASSWORD.to_owned(),
            };
            add_account(&door, account).unwrap();
        }
        enrol(&door, "admin@example.org", OTP_SECRET).unwrap();
        Self::serving(url, door, clock, (listener, address), false)
    }

    fn serving(
        url: DatabaseUrl,
        door: Door,
        clock: Clock,
        (listener, address): (TcpListener, String),
        keep: bool,
    ) -> Self {
        let state = State::new(door);
        let door = state.door.clone();
        let (stop, stopped) = mpsc::channel::<()>();
        let serving = state;
        std::thread::spawn(move || {
            rt::System::new().block_on(async move {
                let server = HttpServer::new(move || app(&serving))
                    .workers(1)
                    .disable_signals()
                    .listen(listener)
                    .unwrap()
                    .run();
                let handle = server.handle();
                std::thread::spawn(move || {
                    let _ = stopped.recv();
                    rt::System::new().block_on(handle.stop(false));
                });
                let _ = server.await;
            });
        });
        Self {
            address,
            door,
            url,
            stop: Mutex::new(Some(stop)),
            keep,
            clock,
            admin: Mutex::new(None),
        }
    }

    /// What the server has noted and not yet written is written.
    pub fn flush(&self) {
        rt::System::new().block_on(self.door.flush_events()).unwrap();
    }

    /// The events of that kind, what each was about.
    pub fn events(&self, kind: &str) -> Vec<(Option<String>, Option<String>)> {
        let all = self
            .door
            .read_as_owner(|conn| events::after(conn, 0, i64::MAX))
            .unwrap();
        all.into_iter()
            .filter(|event| event.kind == kind)
            .map(|event| (event.account_id, event.subject))
            .collect()
    }

    /// The next signing key, from so many seconds on; its id.
    pub fn rotate_signing_key(&self, after: i64) -> String {
        let me = conscience::cli::owner();
        self.door
            .write_as_owner(me, move |tx| signing::rotate(tx, after))
            .unwrap()
    }

    pub fn remove_signing_key(&self, id: &str) {
        let (me, id) = (conscience::cli::owner(), id.to_owned());
        self.door
            .write_as_owner(me, move |tx| signing::remove(tx, &id))
            .unwrap();
    }

    /// Someone who holds that token.
    pub fn with_token(&self, token: &str) -> Actor {
        Actor {
            address: self.address.clone(),
            token: Some(token.to_owned()),
        }
    }

    /// The house is left; its database stays.
    pub fn leave(mut self) {
        self.keep = true;
    }

    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    pub fn anon(&self) -> Actor {
        Actor {
            address: self.address.clone(),
            token: None,
        }
    }

    /// The administrator's one-time password, now.
    pub fn otp(&self) -> String {
        otp::code(OTP_SECRET, otp::step(self.clock.now().seconds()))
    }

    /// Someone who has logged in. The administrator does so once, since a one-time password is used once.
    pub fn actor(&self, name: &str) -> Actor {
        if name != "admin" {
            return self.logged_in(name, None);
        }
        let mut known = self.admin.lock().unwrap();
        known
            .get_or_insert_with(|| self.logged_in(name, Some(self.otp())))
            .clone()
    }

    fn logged_in(&self, name: &str, otp: Option<String>) -> Actor {
        let mut body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
        if let Some(otp) = otp {
            body["otp"] = json!(otp);
        }
        let answer = self.anon().post("/v1/sessions", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        Actor {
            address: self.address.clone(),
            token: Some(answer.body["access_token"].as_str().unwrap().to_owned()),
        }
    }

    pub fn admin(&self) -> Actor {
        self.actor("admin")
    }

    pub fn staff(&self) -> Actor {
        self.actor("staff")
    }

    pub fn partner(&self) -> Actor {
        self.actor("partner")
    }

    pub fn dashboard(&self) -> Actor {
        self.actor("dashboard")
    }

    /// Staff of the house who are on no team.
    pub fn staff_of_nobody(&self) -> Actor {
        let organisation = self.staff().get("/v1/me").expect(200).body["organisation_id"].clone();
        let account = json!({"email": "colleague@example.org", "name": "Colleague", "role": "staff",
            "organisation_id": organisation, "password": PASSWORD});
        self.admin().post("/v1/accounts", &account);
        self.actor("colleague")
    }

    /// Staff of the organisation that a partner belongs to: what they record is the partner's own.
    pub fn staff_of(&self, partner: &str) -> Actor {
        let organisation = self.actor(partner).get("/v1/me").expect(200).body["organisation_id"].clone();
        let account = json!({"email": format!("staff-of-{partner}@example.org"), "name": "Staff", "role": "staff",
            "organisation_id": organisation, "password": PASSWORD});
        self.admin().post("/v1/accounts", &account).expect(201);
        self.actor(&format!("staff-of-{partner}"))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(self.stop.lock().unwrap().take());
        if let DatabaseUrl::Sqlite(path) = &self.url
            && !self.keep
        {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{path}{end}"));
            }
        }
    }
}

/// The key that signs a house's tokens at first, for whoever forges with it.
pub fn signer() -> Ed25519KeyPair {
    let root = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let seed = hmac::sign(&root, b"conscience access token signing v1");
    Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).unwrap()
}
