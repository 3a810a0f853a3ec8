//! What a key costs: a random uuid as the key, against an internal integer with the uuid beside it (ADR 2).
//!
//! `scripts/with-postgres cargo bench --bench keys` measures both in one run, on both databases, in turns.
#![allow(
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs
)]

use std::time::Instant;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

const CASES: usize = 20_000;
const FACTS: usize = 5;
const IN_ONE_COMMIT: usize = 50;
const ROUNDS: usize = 7;

const FILLING: &str = r#"{"status":"serving_sentence","form":null,"stage":null,"release_type":null,"until":null,"facility":"No. 1 Prison","place":"Beijing","authority":null,"certainty":"confirmed","announced_on":null}"#;

#[derive(Clone, Copy, PartialEq)]
enum Keys {
    Uuid,
    Integer,
}

#[derive(diesel::QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A database, spoken to in text so that both forms of the tables are asked the same way.
trait Speaks {
    fn run(&mut self, sql: &str);
    fn number(&mut self, sql: &str) -> i64;
}

macro_rules! speaks {
    ($($connection:ty),*) => {$(
        impl Speaks for $connection {
            fn run(&mut self, sql: &str) {
                self.batch_execute(sql).unwrap();
            }
            fn number(&mut self, sql: &str) -> i64 {
                diesel::sql_query(sql).get_result::<Number>(self).unwrap().number
            }
        }
    )*};
}

speaks!(SqliteConnection, PgConnection);

fn tables(keys: Keys) -> String {
    let (key, reference, beside) = match keys {
        Keys::Uuid => (
            "id TEXT NOT NULL PRIMARY KEY",
            "case_id TEXT NOT NULL REFERENCES cases (id)",
            "",
        ),
        Keys::Integer => (
            "key INTEGER NOT NULL PRIMARY KEY",
            "case_key INTEGER NOT NULL REFERENCES cases (key)",
            "id TEXT NOT NULL UNIQUE, ",
        ),
    };
    let column = if keys == Keys::Uuid { "case_id" } else { "case_key" };
    format!(
        "CREATE TABLE cases ({key}, {beside}country TEXT NOT NULL, summary TEXT NOT NULL);
         CREATE INDEX cases_country ON cases (country, id);
         CREATE TABLE facts ({key}, {beside}{reference}, kind TEXT NOT NULL, earliest DATE NOT NULL, particulars TEXT NOT NULL);
         CREATE INDEX facts_case ON facts ({column}, kind);"
    )
}

/// The same rows for both forms: the ids of all cases, and what to insert, by commit.
fn rows(keys: Keys, ids: &[String]) -> Vec<String> {
    let mut fact = 0_usize;
    ids.chunks(IN_ONE_COMMIT)
        .enumerate()
        .map(|(chunk, ids)| {
            let mut sql = String::from("BEGIN;");
            for (place, id) in ids.iter().enumerate() {
                let number = chunk * IN_ONE_COMMIT + place + 1;
                let key = if keys == Keys::Integer {
                    format!("{number}, ")
                } else {
                    String::new()
                };
                let country = ["CN", "VN", "IR", "BY", "EG"][number % 5];
                sql += &format!("INSERT INTO cases VALUES ({key}'{id}', '{country}', '{FILLING}');");
                for kind in 0..FACTS {
                    fact += 1;
                    let own = uuid::Uuid::new_v4();
                    let (key, case) = match keys {
                        Keys::Uuid => (String::new(), format!("'{id}'")),
                        Keys::Integer => (format!("{fact}, "), number.to_string()),
                    };
                    sql += &format!(
                        "INSERT INTO facts VALUES ({key}'{own}', {case}, 'k{kind}', '2010-05-10', '{FILLING}');"
                    );
                }
            }
            sql + "COMMIT;"
        })
        .collect()
}

/// One case with its facts, by its public id.
fn find(keys: Keys, id: &str) -> String {
    match keys {
        Keys::Uuid => format!(
            "SELECT count(*) AS number FROM (SELECT facts.id, facts.particulars FROM cases JOIN facts ON facts.case_id = cases.id WHERE cases.id = '{id}' ORDER BY facts.earliest, facts.id) AS found"
        ),
        Keys::Integer => format!(
            "SELECT count(*) AS number FROM (SELECT facts.id, facts.particulars FROM cases JOIN facts ON facts.case_key = cases.key WHERE cases.id = '{id}' ORDER BY facts.earliest, facts.id) AS found"
        ),
    }
}

/// A page of fifty with their facts, after a public id.
fn page(keys: Keys, after: &str) -> String {
    let (key, reference) = if keys == Keys::Uuid {
        ("id", "case_id")
    } else {
        ("key", "case_key")
    };
    format!(
        "SELECT count(*) AS number FROM (SELECT facts.id, facts.particulars FROM facts WHERE facts.{reference} IN (SELECT {key} FROM cases WHERE country = 'CN' AND id > '{after}' ORDER BY id LIMIT 50) ORDER BY facts.earliest, facts.id) AS found"
    )
}

/// Every case with its facts, as the list of priorities of another day reads them.
fn all(keys: Keys) -> String {
    let on = if keys == Keys::Uuid {
        "facts.case_id = cases.id"
    } else {
        "facts.case_key = cases.key"
    };
    format!("SELECT sum(length(facts.particulars)) AS number FROM cases JOIN facts ON {on} WHERE cases.country = 'CN'")
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(name: &str, size: &str, pair: &mut [(Keys, Box<dyn Speaks>); 2]) {
    let ids: Vec<String> = (0..CASES).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    let asked: Vec<&String> = ids.iter().step_by(CASES / 2_000).collect();
    let mut told: Vec<(&str, [f64; 2])> = Vec::new();
    let inserted = [0, 1].map(|which| {
        let (keys, place) = &mut pair[which];
        place.run(&tables(*keys));
        let rows = rows(*keys, &ids);
        let taken = timed(|| rows.iter().for_each(|sql| place.run(sql)));
        // Without it, the planner of a fresh table guesses, now this way, now that.
        place.run("ANALYZE");
        taken
    });
    told.push(("insert", inserted));
    for (what, question) in [("find", 0), ("page", 1), ("all", 2)] {
        let mut rounds = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for which in [0, 1] {
                let (keys, place) = &mut pair[which];
                rounds[which].push(timed(|| match question {
                    0 => asked
                        .iter()
                        .for_each(|id| assert_eq!(place.number(&find(*keys, id)), 5)),
                    1 => asked
                        .iter()
                        .step_by(10)
                        .for_each(|id| assert!(place.number(&page(*keys, id)) <= 250)),
                    _ => assert!(place.number(&all(*keys)) > 0),
                }));
            }
        }
        told.push((what, rounds.map(median)));
    }
    let bytes = [0, 1].map(|which| pair[which].1.number(size));
    for (what, [uuid, integer]) in told {
        println!(
            "{name:<9} {what:<7} uuid {:>8.1} ms   integer {:>8.1} ms   integer/uuid {:.2}",
            uuid * 1e3,
            integer * 1e3,
            integer / uuid
        );
    }
    #[allow(clippy::cast_precision_loss)]
    let ratio = bytes[1] as f64 / bytes[0] as f64;
    println!(
        "{name:<9} size    uuid {:>8} KB   integer {:>8} KB   integer/uuid {ratio:.2}",
        bytes[0] / 1024,
        bytes[1] / 1024
    );
}

fn main() {
    let place = std::env::temp_dir().join(format!("conscience-keys-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    let sqlite = |name: &str| -> Box<dyn Speaks> {
        let mut conn = SqliteConnection::establish(place.join(name).to_str().unwrap()).unwrap();
        conn.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-65536; PRAGMA mmap_size=268435456;");
        Box::new(conn)
    };
    let size = "SELECT page_count * page_size AS number FROM pragma_page_count(), pragma_page_size()";
    measure(
        "sqlite",
        size,
        &mut [(Keys::Uuid, sqlite("uuid.db")), (Keys::Integer, sqlite("integer.db"))],
    );
    let _ = std::fs::remove_dir_all(&place);
    if let Ok(server) = std::env::var("CONSCIENCE_TEST_POSTGRES") {
        let postgres = |name: &str| -> Box<dyn Speaks> {
            let mut conn = PgConnection::establish(&server).unwrap();
            conn.run(&format!("CREATE SCHEMA {name}; SET search_path TO {name};"));
            Box::new(conn)
        };
        let size = "SELECT sum(pg_total_relation_size(oid))::BIGINT AS number FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace";
        measure(
            "postgres",
            size,
            &mut [
                (Keys::Uuid, postgres("keys_uuid")),
                (Keys::Integer, postgres("keys_integer")),
            ],
        );
    } else {
        println!("postgres  not measured: run it through scripts/with-postgres");
    }
}
