//! A house to test: a server on a database of its own, and the people who use it.
#![allow(clippy::disallowed_methods)]

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, mpsc};

use actix_web::{HttpServer, rt};
use chrono::{DateTime, Utc};
use conscience::access::Door;
use conscience::access::otp;
use conscience::access::secret::Keys;
use conscience::app::{State, app};
use conscience::base::text::Line;
use conscience::base::words::Role;
use conscience::cli::{NewAccount, add_account, enrol, load_sample};
use conscience::store::origin::{Clock, Ids};
use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use serde_json::{Value, json};

pub const PASSWORD: &str = "quiet harbour lantern seven";

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
    ($(fn $name:ident($house:ident: &House) $body:block)*) => {$(
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

fn door(url: &DatabaseUrl, clock: Clock, seed: u64) -> Door {
    let options = Options {
        readers: 4,
        wait_ms: 5000,
        queue: 1024,
    };
    let db = Db::open(url, options).unwrap();
    db.migrate().unwrap();
    let keys = Keys::derive(b"a secret of the tests, 32 bytes long").unwrap();
    Door::new(db, keys, clock, Ids::seeded(seed))
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
        let door = door(&url, clock, seed);
        Self::serving(url, door, clock, true)
    }

    fn at(kind: Kind, clock: Clock, sample: bool) -> Self {
        let url = database(kind);
        let door = door(&url, clock, 7);
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
        Self::serving(url, door, clock, false)
    }

    fn serving(url: DatabaseUrl, door: Door, clock: Clock, keep: bool) -> Self {
        let state = State::new(door);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
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
            url,
            stop: Mutex::new(Some(stop)),
            keep,
            clock,
            admin: Mutex::new(None),
        }
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

/// Connections are kept and used again, as real clients do.
static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .into()
});

/// Someone who calls the API.
#[derive(Clone)]
pub struct Actor {
    pub address: String,
    pub token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Arc<ureq::http::HeaderMap>,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn etag(&self) -> String {
        self.header("etag").to_owned()
    }

    pub fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {}", self.text))
            .to_owned()
    }

    /// The code, after checking the shape that every error has.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        self.body["code"].as_str().unwrap().to_owned()
    }

    pub fn pointer(&self) -> &str {
        self.body["errors"][0]["pointer"].as_str().unwrap_or("")
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Actor {
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// Nothing where the server has gone.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        let headers = [("content-type", "application/json")];
        self.try_send("POST", path, &headers, Some(body.to_string().as_bytes()))
            .ok()
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Some(bytes) => AGENT.run(request.body(bytes).unwrap()),
            None => AGENT.run(request.body(()).unwrap()),
        };
        let mut response = sent?;
        let text = response.body_mut().with_config().limit(50_000_000).read_to_string()?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: Arc::new(response.headers().clone()),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.raw("POST", path, body.to_string().as_bytes())
    }

    /// Records something; its id. A person who is shared outside has consented to it; see `make_silent`.
    #[track_caller]
    pub fn make(&self, path: &str, body: &Value) -> String {
        let id = self.make_silent(path, body);
        if path == "/v1/individuals" && (body["sharing"] == "public" || body["sharing"] == "partners") {
            self.consented(&id);
        }
        id
    }

    /// Records something; its id. Nothing is said of consent.
    #[track_caller]
    pub fn make_silent(&self, path: &str, body: &Value) -> String {
        self.post(path, body).expect(201).id()
    }

    /// Records that a person consents to everything.
    #[track_caller]
    pub fn consented(&self, id: &str) {
        let scopes = [
            "partner_sharing",
            "raising_in_confidence",
            "raising_in_public",
            "name",
            "photo",
            "health",
            "un_submission",
        ];
        let consent = json!({"state": "given", "given_by": "self", "given_on": "2009", "scopes": scopes});
        self.post(&format!("/v1/individuals/{id}/consents"), &consent)
            .expect(201);
    }

    /// The caller's account.
    pub fn account(&self) -> String {
        self.get("/v1/me").expect(200).id()
    }

    pub fn raw(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.raw("PUT", path, body.to_string().as_bytes())
    }

    pub fn patch(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send(
            "PATCH",
            path,
            &[("content-type", "application/json"), ("if-match", etag)],
            Some(body.to_string().as_bytes()),
        )
    }

    pub fn delete(&self, path: &str, etag: &str) -> Answer {
        self.send("DELETE", path, &[("if-match", etag)], None)
    }
}
