//! Whether the time of a refused log-in tells anything of the account: unknown, wrong password, shut, and one with a second
//! factor; over HTTP, in turns, in an order drawn anew for each round.
//!
//! `cargo bench --bench log_in` prints for each its median, the ratio to that of an unknown account, and how probable a
//! difference like that between the two is by chance (Welch's t of the means, Kolmogorov-Smirnov of the distributions). An
//! unknown account stands there twice, for what chance does; a password too long to be hashed, for what a difference
//! looks like.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::net::TcpListener;
use std::time::Instant;

use actix_web::{HttpServer, rt};
use conscience::access::Door;
use conscience::access::rate::MOST_PER_MINUTE;
use conscience::access::secret::Keys;
use conscience::app::{State, app};
use conscience::base::text::Line;
use conscience::base::words::Role;
use conscience::cli::{NewAccount, add_account, enrol};
use conscience::schema::{accounts, log_in_failures};
use conscience::store::origin::{Clock, Ids};
use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use diesel::prelude::*;
use serde_json::json;

const ROUNDS: usize = 1000;
const WARMING: usize = 50;
const PASSWORD: &str = "quiet harbour lantern seven";
const OTHER: &str = "another harbour lantern six";

/// A name for the table, the account and the password that is tried.
const KINDS: [(&str, &str, &str); 5] = [
    ("unknown account", "nobody@example.org", OTHER),
    ("unknown account again", "nowhere@example.org", OTHER),
    ("wrong password", "staff@example.org", OTHER),
    ("shut account, right password", "shut@example.org", PASSWORD),
    ("second factor, wrong password", "admin@example.org", OTHER),
];

/// A register with the accounts; gives its address and a way into its database.
fn served(path: &std::path::Path) -> (String, Db) {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display()), false).unwrap();
    let db = Db::open(&url, Options::default()).unwrap();
    db.migrate().unwrap();
    let keys = Keys::derive(b"a secret of the bench, 32 bytes long").unwrap();
    let door = Door::new(db.clone(), keys, Clock::System, Ids::Random).limited_to(MOST_PER_MINUTE);
    for (email, role) in [
        ("staff@example.org", Role::Staff),
        ("shut@example.org", Role::Staff),
        ("admin@example.org", Role::Admin),
    ] {
        let account = NewAccount {
            email: email.to_owned(),
            name: Line::parse("Name").unwrap(),
            role,
            organisation: Line::parse("House").unwrap(),
            password: PASSWORD.to_owned(),
        };
        add_account(&door, account).unwrap();
    }
    enrol(&door, "admin@example.org", b"12345678901234567890").unwrap();
    let now = door.now();
    db.write_blocking(move |conn| {
        let shut = diesel::update(accounts::table.filter(accounts::email.eq("shut@example.org")));
        Ok(shut.set(accounts::disabled_at.eq(Some(now))).execute(conn)?)
    })
    .unwrap();
    let state = State::new(door);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1/sessions", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let server = HttpServer::new(move || app(&state)).workers(1).disable_signals();
        rt::System::new()
            .block_on(server.listen(listener).unwrap().run())
            .unwrap();
    });
    (address, db)
}

/// One refused log-in, in microseconds. What earlier ones left for the throttle is forgotten first.
fn refused(agent: &ureq::Agent, address: &str, db: &Db, email: &str, password: &str) -> f64 {
    db.write_blocking(|conn| Ok(diesel::delete(log_in_failures::table).execute(conn)?))
        .unwrap();
    let body = json!({"email": email, "password": password}).to_string();
    let begun = Instant::now();
    let mut answer = agent
        .post(address)
        .header("content-type", "application/json")
        .send(&body)
        .unwrap();
    let told = answer.body_mut().read_to_string().unwrap();
    let took = begun.elapsed().as_secs_f64() * 1e6;
    assert!(told.contains("invalid_credentials"), "{told}");
    took
}

fn sorted(times: &[f64]) -> Vec<f64> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times
}

fn median(times: &[f64]) -> f64 {
    sorted(times)[times.len() / 2]
}

/// Mean, and its squared error.
fn mean(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let spread = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, spread / count)
}

/// Welch's t, and the probability of one as large by chance; with so many attempts t is normal.
fn welch(one: &[f64], other: &[f64]) -> (f64, f64) {
    let ((first, first_error), (second, second_error)) = (mean(one), mean(other));
    let t = (first - second) / (first_error + second_error).sqrt();
    // Abramowitz and Stegun 7.1.26.
    let x = t.abs() / std::f64::consts::SQRT_2;
    let k = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [
        1.061_405_429,
        -1.453_152_027,
        1.421_413_741,
        -0.284_496_736,
        0.254_829_592,
    ];
    let sum = terms.iter().fold(0.0, |sum, term| (sum + term) * k);
    (t, sum * (-x * x).exp())
}

/// The largest distance of the two distributions, and the probability of one as large by chance.
fn kolmogorov_smirnov(one: &[f64], other: &[f64]) -> (f64, f64) {
    let (one, other) = (sorted(one), sorted(other));
    let share = |times: &[f64], most: f64| times.partition_point(|time| *time <= most) as f64 / times.len() as f64;
    let all = one.iter().chain(&other);
    let distance = all
        .map(|time| (share(&one, *time) - share(&other, *time)).abs())
        .fold(0.0, f64::max);
    let count = (one.len() * other.len()) as f64 / (one.len() + other.len()) as f64;
    let scaled = (count.sqrt() + 0.12 + 0.11 / count.sqrt()) * distance;
    let terms = (1..100).map(|k| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * scaled * scaled).exp()
    });
    (distance, terms.sum::<f64>().clamp(0.0, 1.0))
}

fn main() {
    let place = std::env::temp_dir().join(format!("conscience-log-in-{}.sqlite", std::process::id()));
    let (address, db) = served(&place);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let long = "x".repeat(2000);
    let mut kinds = KINDS.to_vec();
    kinds.push(("a password too long to hash", "staff@example.org", &long));
    let mut times = vec![Vec::new(); kinds.len()];
    let draw = Ids::seeded(1);
    for round in 0..WARMING + ROUNDS {
        let mut order: Vec<usize> = (0..kinds.len()).collect();
        order.sort_by_key(|_| draw.uuid());
        for kind in order {
            let (_, email, password) = kinds[kind];
            let took = refused(&agent, &address, &db, email, password);
            if round >= WARMING {
                times[kind].push(took);
            }
        }
    }
    println!("{ROUNDS} attempts each");
    println!(
        "{:<32} {:>9} {:>7} {:>8} {:>7} {:>7} {:>7}",
        "", "median", "ratio", "Welch t", "p", "KS", "p"
    );
    for ((name, _, _), sample) in kinds.iter().zip(&times) {
        let (t, by_mean) = welch(sample, &times[0]);
        let (distance, by_shape) = kolmogorov_smirnov(sample, &times[0]);
        println!(
            "{name:<32} {:>6.0} us {:>7.4} {t:>8.2} {by_mean:>7.3} {distance:>7.3} {by_shape:>7.3}",
            median(sample),
            median(sample) / median(&times[0]),
        );
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", place.display()));
    }
}
