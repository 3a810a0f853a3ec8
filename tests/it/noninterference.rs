//! Two databases equal but for one hidden thing: every operation, each role, the same bytes. Nothing is masked: time,
//! ids and randomness are given.
//!
//! `CONSCIENCE_TEST_SEEDS` is how many hidden things are tried on each database; `scripts/holes` leaves out one filter
//! after the other and expects this to fail.

use chrono::{DateTime, Utc};
use conscience::app::document::Document;
use conscience::schema::{cases, individuals, sources, statements, submissions};
use conscience::store::origin::Clock;
use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::hidden::{Hidden, KINDS};
use crate::support::{Actor, House, Kind};
use crate::worlds::{Base, Open};

fn clock() -> Clock {
    let day: DateTime<Utc> = "2010-05-10T08:05:00Z".parse().unwrap();
    Clock::Fixed(day)
}

/// One call and all that came back.
type Told = (String, u16, Vec<(String, String)>, String);

/// Reads a world as one role: every operation of the document with the ids of what is open, and the side paths.
struct Reader<'a> {
    actor: Actor,
    name: &'static str,
    open: &'a Open,
    /// Records that are in one of the worlds alone: asked for by their ids in both.
    only: &'a [String],
    hidden: &'a Hidden,
    told: Vec<Told>,
}

impl Reader<'_> {
    fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> (u16, String, Value) {
        let answer = self.actor.send(method, path, headers, body.map(str::as_bytes));
        let mut seen: Vec<(String, String)> = answer
            .headers
            .iter()
            // Of the connection, not of the answer.
            .filter(|(name, _)| *name != "date" && *name != "connection")
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        seen.sort();
        let (status, etag, body) = (answer.status, answer.etag(), answer.body.clone());
        self.told
            .push((format!("{} {method} {path}", self.name), status, seen, answer.text));
        (status, etag, body)
    }

    fn filled(&self, path: &str) -> String {
        let open = self.open;
        let id = match path.split('/').nth(2).unwrap_or_default() {
            "individuals" => &open.person,
            "cases" => &open.case,
            "sources" => &open.source,
            "statements" => &open.statement,
            "organisations" => &open.organisation,
            "accounts" => &open.account,
            "submissions" => &open.submission,
            "merges" => &open.merge,
            _ => &open.mention,
        };
        let fact = open
            .facts
            .iter()
            .find(|(place, _)| path.contains(&format!("/{place}/")))
            .map_or(&open.mention, |(_, id)| id);
        path.replace("{id}", id)
            .replace("{fact_id}", fact)
            .replace("{mention_id}", &open.mention)
            .replace("{relation_id}", &open.relation)
            .replace("{judgement_id}", &open.judgement)
            .replace("{account_id}", &open.account)
    }

    /// A list to its end, one by one.
    fn pages(&mut self, path: &str) {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut cursor = String::new();
        for _ in 0..4 {
            let (_, _, body) = self.call("GET", &format!("{path}{join}limit=1{cursor}"), &[], None);
            match body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }

    fn reads(&mut self, document: &Value) {
        for (path, item) in document["paths"].as_object().unwrap() {
            if item["get"].is_null() {
                continue;
            }
            let place = self.filled(path);
            self.call("GET", &place, &[], None);
            let parameters = item["get"]["parameters"].as_array().into_iter().flatten();
            if parameters.clone().any(|parameter| parameter["name"] == "cursor") {
                self.pages(&place);
            }
        }
        for path in [
            "/v1/individuals?q=liu",
            "/v1/individuals?q=other",
            "/v1/individuals?country=CN",
            "/v1/individuals?born=1973",
            "/v1/individuals?updated_since=2010-05-10T08:00:00Z",
            "/v1/individuals/match?name=Liu%20Xiaobo%20Ming",
            "/v1/individuals/match?name=Liu",
            "/v1/individuals/match?name=Guo",
            "/v1/individuals/match?name=Other",
            "/v1/individuals/match?name=%E5%88%98%E6%99%93%E6%B3%A2",
            "/v1/cases?country=VN",
            "/v1/cases?concern=torture",
            "/v1/cases?status=serving_sentence",
            "/v1/cases?updated_since=2010-05-10T08:00:00Z",
            // After the register was made, before what one of them has more.
            "/v1/cases?updated_since=2010-05-10T08:03:00Z",
            "/v1/individuals?updated_since=2010-05-10T08:03:00Z",
            "/v1/statements?updated_since=2010-05-10T08:03:00Z",
            "/v1/submissions?state=proposed",
            "/v1/statements?q=confidence",
            "/v1/statements?q=free",
            "/v1/statements?kind=letter",
            "/v1/statements?issued=2010-05",
            "/v1/statements?updated_since=2010-05-10T08:00:00Z",
            "/v1/priorities?as_of=2010-05-10",
            "/v1/priorities?as_of=2009-01-01",
            "/v1/priorities?as_of=2010-05-10&measure=remaining",
            "/v1/priorities?status=serving_sentence",
            "/v1/priorities?reason=long_sentence",
            "/v1/counts?by=country",
            "/v1/counts?by=concern",
            "/v1/counts?by=status",
            "/v1/counts?by=reason",
            "/v1/counts?by=sex",
            "/v1/counts?by=status&as_of=2009-06-01",
        ] {
            self.call("GET", path, &[], None);
        }
        self.pages("/v1/priorities?as_of=2010-05-10");
        for place in self.only {
            self.call("GET", place, &[], None);
        }
        for other in [&self.open.other, &self.open.person, &self.open.merged] {
            self.call("GET", &format!("/v1/individuals/{other}/file"), &[], None);
        }
        self.call("GET", &format!("/v1/individuals/{}", self.open.merged), &[], None);
        let text =
            json!({"text": "Liu Xiaobo Ming, Guo Quanli, 刘晓波明, Other Name1, Wang Wei, Hu Jia and Zeng Jinyan."})
                .to_string();
        self.call(
            "POST",
            "/v1/statements/scan",
            &[("content-type", "application/json")],
            Some(&text),
        );
    }

    /// The example of the document, with the ids of what is open in the place of those that it shows.
    fn body(&self, operation: &Value) -> Option<String> {
        let mut body = operation["requestBody"]["content"]["application/json"]["example"].clone();
        let fields = body.as_object_mut()?;
        for (name, id) in [
            ("individual_id", &self.open.person),
            ("other_id", &self.open.other),
            ("organisation_id", &self.open.organisation),
        ] {
            if fields.contains_key(name) {
                fields.insert(name.to_owned(), json!(id));
            }
        }
        if fields.contains_key("text") {
            fields.insert(
                "text".to_owned(),
                json!(format!(
                    "For {}: Liu Xiaobo Ming, Guo Quanli, 刘晓波明, Wang Wei and Hu Jia.",
                    self.name
                )),
            );
        }
        Some(body.to_string())
    }

    fn writes(&mut self, document: &Value, methods: &[&str]) {
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in methods {
                let operation = &item[*method];
                // The walk goes on with the same session to its end.
                if operation.is_null() || path.starts_with("/v1/me") || path.starts_with("/v1/sessions") {
                    continue;
                }
                // The walk goes on with the same person.
                if path.ends_with("/erasure") && self.name == "admin" {
                    continue;
                }
                if path.contains("/team") && self.hidden.is_for_a_team() {
                    continue;
                }
                let place = self.filled(path);
                let body = self.body(operation);
                let record = match *method {
                    "patch" | "delete" if !item["get"].is_null() => Some(place.as_str()),
                    "post" if !operation["x-conditional"].is_null() => place.rsplit_once('/').map(|(record, _)| record),
                    _ => None,
                };
                let etag = record.map_or_else(String::new, |record| self.call("GET", record, &[], None).1);
                let mut headers = Vec::new();
                if body.is_some() {
                    headers.push(("content-type", "application/json"));
                }
                if !etag.is_empty() {
                    headers.push(("if-match", etag.as_str()));
                }
                self.call(&method.to_uppercase(), &place, &headers, body.as_deref());
            }
        }
        // Who is on record in secret is warned of to nobody.
        for name in [
            "Liu Xiaobo Ming",
            "刘晓波明",
            "Guo Quanli",
            "Wang Wei",
            "Other Name1",
            "Hidden Person",
        ] {
            let mut body = json!({"names": [{"text": name}, {"text": format!("Only {}", self.name)}]});
            for _ in 0..2 {
                let headers = [("content-type", "application/json")];
                let (_, _, told) = self.call("POST", "/v1/individuals", &headers, Some(&body.to_string()));
                let candidates = told["candidates"].as_array().into_iter().flatten();
                body["another_person"] = candidates.map(|one| one["individual_id"].clone()).collect();
            }
        }
        // A text that is on record in secret is no news to whoever files it.
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010-05-02", "language": "en", "text": "Hu Jia and Zeng Jinyan write in confidence."}).to_string();
        self.call(
            "POST",
            "/v1/statements",
            &[("content-type", "application/json")],
            Some(&text),
        );
    }
}

/// The places of the records in a world, and which of them are not in another.
fn only_in(one: &DatabaseUrl, other: &DatabaseUrl) -> Vec<String> {
    macro_rules! places {
        ($conn:ident, $($table:ident),*) => {{
            let mut places = Vec::new();
            $(
                let ids: Vec<String> = $table::table.order($table::id).select($table::id).load($conn)?;
                places.extend(ids.iter().map(|id| format!("/v1/{}/{id}", stringify!($table))));
            )*
            Ok(places)
        }};
    }
    let places = |url: &DatabaseUrl| -> Vec<String> {
        let db = Db::open(url, Options::default()).unwrap();
        db.write_blocking(|conn| places!(conn, individuals, cases, sources, statements, submissions))
            .unwrap()
    };
    let known = places(other);
    let mut only = places(one);
    only.retain(|place| !known.contains(place));
    only
}

fn told(url: DatabaseUrl, open: &Open, only: &[String], hidden: &Hidden, document: &Value) -> Vec<Told> {
    let house = House::on(url, clock(), 8);
    let mut all = Vec::new();
    let anon = Reader {
        actor: house.anon(),
        name: "nobody",
        open,
        only,
        hidden,
        told: Vec::new(),
    };
    let mut readers: Vec<Reader<'_>> = hidden
        .from
        .iter()
        .map(|name| Reader {
            actor: house.actor(name),
            name,
            open,
            only,
            hidden,
            told: Vec::new(),
        })
        .collect();
    readers.push(anon);
    for reader in &mut readers {
        reader.reads(document);
    }
    for reader in &mut readers {
        reader.writes(document, &["post", "put", "patch"]);
        reader.writes(document, &["delete"]);
        reader.reads(document);
    }
    for reader in readers {
        all.extend(reader.told);
    }
    all
}

fn removed(url: &DatabaseUrl) {
    if let DatabaseUrl::Sqlite(path) = url {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{path}{end}"));
        }
    }
}

fn seeds() -> u64 {
    #[allow(clippy::disallowed_methods)]
    std::env::var("CONSCIENCE_TEST_SEEDS").map_or(KINDS.len() as u64, |text| text.parse().unwrap())
}

fn nothing_hidden_is_told(kind: Kind, seeds: std::ops::Range<u64>) {
    let base = Base::made(kind);
    let document = Document::made().value;
    let mut calls = 0;
    for seed in seeds {
        let hidden = &KINDS[usize::try_from(seed).unwrap() % KINDS.len()];
        let (without, with) = (base.world(kind), base.world(kind));
        {
            let house = House::on(with.clone(), clock(), 1000 + seed);
            (hidden.add)(
                &house.actor("insider"),
                &house.actor("neighbour"),
                &base.open,
                seed / u64::try_from(KINDS.len()).unwrap(),
            );
        }
        if let Some(then) = hidden.then {
            for (world, is_hidden) in [(&without, false), (&with, true)] {
                let house = House::on(world.clone(), clock(), 2000 + seed);
                then(&house.actor("insider"), &base.open, is_hidden);
            }
        }
        let only = only_in(&with, &without);
        let before = told(without.clone(), &base.open, &only, hidden, &document);
        let after = told(with.clone(), &base.open, &only, hidden, &document);
        assert_eq!(before.len(), after.len(), "seed {seed}: {}", hidden.told);
        for (one, other) in before.iter().zip(&after) {
            assert_eq!(one, other, "seed {seed}: {} is told by {}", hidden.told, one.0);
        }
        calls += after.len();
        removed(&without);
        removed(&with);
    }
    removed(&DatabaseUrl::parse(&base.url, false).unwrap());
    println!("{calls} answers compared");
}

// In parts, so that they share the machine's cores. `.ci/run` asks for 50 seeds; without, each kind is tried once.
mod sqlite {
    use super::*;

    #[test]
    fn first() {
        nothing_hidden_is_told(Kind::Sqlite, 0..seeds() / 2);
    }

    #[test]
    fn second() {
        nothing_hidden_is_told(Kind::Sqlite, seeds() / 2..seeds());
    }
}

#[test]
fn postgres() {
    nothing_hidden_is_told(Kind::Postgres, 0..KINDS.len() as u64);
}
