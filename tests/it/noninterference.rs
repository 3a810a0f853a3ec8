//! Two databases equal but for one hidden thing: every operation, each role, the same bytes. Nothing is masked: time,
//! ids and randomness are given.
//!
//! `CONSCIENCE_TEST_SEEDS` is how many hidden things are tried on each database; `scripts/holes` leaves out one filter
//! after the other and expects this to fail.

use chrono::{DateTime, Utc};
use conscience::app::document::Document;
use conscience::store::origin::Clock;
use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use serde_json::{Value, json};

use crate::support::{Actor, House, Kind, PASSWORD, database_url};

const ROLES: [&str; 5] = ["admin", "staff", "partner", "stranger", "dashboard"];

fn clock() -> Clock {
    let day: DateTime<Utc> = "2010-05-10T08:00:00Z".parse().unwrap();
    Clock::Fixed(day)
}

/// The ids of what everyone may see, by the name of the field or the path that asks for them.
#[derive(Clone)]
struct Open {
    person: String,
    other: String,
    case: String,
    source: String,
    statement: String,
    mention: String,
    relation: String,
    organisation: String,
    account: String,
    facts: [(&'static str, String); 4],
}

/// The register that both worlds begin with.
struct Base {
    url: String,
    open: Open,
}

impl Base {
    fn made(kind: Kind) -> Self {
        let house = House::with_sample(kind);
        let (staff, admin) = (house.staff(), house.admin());
        let organisation = staff.get("/v1/me").expect(200).body["organisation_id"]
            .as_str()
            .unwrap()
            .to_owned();
        for (email, organisation) in [
            ("insider@example.org", organisation.clone()),
            (
                "neighbour@example.org",
                house.actor("stranger").get("/v1/me").expect(200).body["organisation_id"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            ),
        ] {
            admin.make("/v1/accounts", &json!({"email": email, "name": "N", "role": "staff", "organisation_id": organisation, "password": PASSWORD}));
        }
        let first = |path: &str| {
            staff.get(path).expect(200).body["items"][0]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let person = first("/v1/individuals?q=hu+jia");
        let case = first(&format!("/v1/cases?individual={person}"));
        let text = json!({"title": "Open letter", "kind": "letter", "issued_on": "2010-05-01", "language": "en", "sharing": "public",
            "text": "Free Hu Jia, Liu Xiaobo Ming and Guo Quanli, and 刘晓波明. Free Zeng Jinyan."});
        let statement = staff.post("/v1/statements", &text).expect(201).body;
        let facts = ["custody", "charges", "sentences", "health"]
            .map(|place| (place, first(&format!("/v1/cases/{case}/{place}"))));
        let open = Open {
            other: first("/v1/individuals?q=zeng+jinyan"),
            source: first("/v1/sources"),
            mention: statement["mentions"][0]["id"].as_str().unwrap().to_owned(),
            statement: statement["id"].as_str().unwrap().to_owned(),
            relation: first(&format!("/v1/individuals/{person}/relations")),
            account: house.actor("stranger").account(),
            organisation,
            person,
            case,
            facts,
        };
        let (url, from) = (database_url(kind), house.url().clone());
        if kind == Kind::Postgres {
            drop(house);
            copied(&from, kind, &url);
        } else {
            copied(&from, kind, &url);
        }
        Self { url, open }
    }

    fn world(&self, kind: Kind) -> DatabaseUrl {
        let url = database_url(kind);
        copied(&DatabaseUrl::parse(&self.url, false).unwrap(), kind, &url);
        DatabaseUrl::parse(&url, false).unwrap()
    }
}

/// The whole database once more, under another address.
fn copied(from: &DatabaseUrl, kind: Kind, to: &str) {
    match kind {
        Kind::Sqlite => {
            let place = to.strip_prefix("sqlite://").unwrap();
            Db::open(from, Options::default())
                .unwrap()
                .backup(std::path::Path::new(place))
                .unwrap();
        }
        Kind::Postgres => crate::support::copy_postgres(from, to),
    }
}

/// What is added to one of the two worlds, and from whom it is hidden.
struct Hidden {
    told: &'static str,
    from: &'static [&'static str],
    add: fn(&Actor, &Actor, &Open, u64),
}

const OUTSIDE: &[&str] = &["partner", "stranger", "dashboard"];

fn person(actor: &Actor, sharing: &str, seed: u64) -> (String, String) {
    let names = [
        "Liu Xiaobo Ming",
        "Guo Quanli",
        "刘晓波明",
        "Hu Jia",
        "Zeng Jinyan",
        "Wang Wei",
    ];
    let name = names[usize::try_from(seed).unwrap() % names.len()];
    let body = json!({"names": [{"text": name}, {"text": format!("Other Name{seed}")}], "sharing": sharing, "country": "CN", "born_on": "1973", "notes": "hidden"});
    let id = actor.make("/v1/individuals", &body);
    let case = actor.make(
        "/v1/cases",
        &json!({"individual_id": id, "country": "CN", "sharing": sharing, "concerns": ["torture"], "notes": "hidden"}),
    );
    facts(actor, &case, None);
    (id, case)
}

fn facts(actor: &Actor, case: &str, sharing: Option<&str>) {
    for (place, from, particulars) in [
        (
            "custody",
            "2009",
            json!({"status": "serving_sentence", "certainty": "confirmed"}),
        ),
        ("sentences", "2009-05", json!({"kind": "life"})),
        ("health", "2010-05-01", json!({"severity": "life_threatening"})),
        ("charges", "2008", json!({"offence": "Hidden", "status": "convicted"})),
    ] {
        let mut body =
            json!({"holds_from": from, "particulars": particulars, "rank": "preferred", "information": "confirmed"});
        if let Some(sharing) = sharing {
            body["sharing"] = json!(sharing);
        }
        actor.make(&format!("/v1/cases/{case}/{place}"), &body);
    }
}

fn letter(actor: &Actor, sharing: &str) -> String {
    let text = json!({"title": "Hidden letter", "kind": "letter", "issued_on": "2010-05-02", "language": "en", "sharing": sharing, "text": "Hu Jia and Zeng Jinyan write in confidence."});
    actor.make("/v1/statements", &text)
}

fn change(actor: &Actor, place: &str, body: &Value) {
    actor
        .patch(place, &actor.get(place).expect(200).etag(), body)
        .expect(200);
}

const KINDS: &[Hidden] = &[
    Hidden {
        told: "a restricted person with a case",
        from: &ROLES,
        add: |insider, _, _, seed| drop(person(insider, "restricted", seed)),
    },
    Hidden {
        told: "a restricted case of an open person",
        from: &ROLES,
        add: |insider, _, open, _| {
            let case = insider.make(
                "/v1/cases",
                &json!({"individual_id": open.person, "country": "VN", "sharing": "restricted"}),
            );
            facts(insider, &case, None);
        },
    },
    Hidden {
        told: "restricted facts of an open case",
        from: OUTSIDE,
        add: |insider, _, open, _| facts(insider, &open.case, Some("restricted")),
    },
    Hidden {
        told: "a restricted source",
        from: &ROLES,
        add: |insider, _, _, _| {
            drop(insider.make(
                "/v1/sources",
                &json!({"title": "A relative", "reliability": "a", "sharing": "restricted"}),
            ))
        },
    },
    Hidden {
        told: "a restricted statement that names open people",
        from: &ROLES,
        add: |insider, _, _, _| drop(letter(insider, "restricted")),
    },
    Hidden {
        told: "notes of everything open",
        from: OUTSIDE,
        add: |insider, _, open, _| {
            for place in [
                format!("/v1/individuals/{}", open.person),
                format!("/v1/cases/{}", open.case),
                format!("/v1/sources/{}", open.source),
                format!("/v1/statements/{}", open.statement),
            ] {
                change(insider, &place, &json!({"notes": "a hidden change"}));
            }
        },
    },
    Hidden {
        told: "an internal person with a case",
        from: OUTSIDE,
        add: |insider, _, _, seed| drop(person(insider, "internal", seed)),
    },
    Hidden {
        told: "internal facts of an open case",
        from: OUTSIDE,
        add: |insider, _, open, _| facts(insider, &open.case, Some("internal")),
    },
    Hidden {
        told: "a relation to an internal person",
        from: OUTSIDE,
        add: |insider, _, open, seed| {
            let (id, _) = person(insider, "internal", seed);
            insider.make(
                &format!("/v1/individuals/{}/relations", open.person),
                &json!({"kind": "lawyer", "other_id": id}),
            );
        },
    },
    Hidden {
        told: "a mention of an internal person",
        from: OUTSIDE,
        add: |insider, _, open, seed| {
            let (id, _) = person(insider, "internal", seed);
            insider.make(
                &format!("/v1/statements/{}/mentions", open.statement),
                &json!({"individual_id": id, "start": 0, "end": 4}),
            );
        },
    },
    Hidden {
        told: "an internal source of open records",
        from: OUTSIDE,
        add: |insider, _, open, _| {
            let source = insider.make("/v1/sources", &json!({"title": "A guard", "reliability": "a"}));
            for place in [
                format!("/v1/individuals/{}", open.other),
                format!("/v1/statements/{}", open.statement),
            ] {
                change(insider, &place, &json!({"source_id": source}));
            }
        },
    },
    Hidden {
        told: "an internal statement, related to an open one",
        from: OUTSIDE,
        add: |insider, _, open, _| {
            let id = letter(insider, "internal");
            change(
                insider,
                &format!("/v1/statements/{}", open.statement),
                &json!({"related": [{"kind": "reply_to", "statement_id": id}]}),
            );
        },
    },
    Hidden {
        told: "another organisation's records",
        from: &["partner", "dashboard"],
        add: |_, neighbour, _, seed| {
            person(neighbour, "internal", seed);
            letter(neighbour, "internal");
            neighbour.make("/v1/sources", &json!({"title": "Theirs", "reliability": "a"}));
        },
    },
    Hidden {
        told: "an internal fact that was opened",
        from: OUTSIDE,
        add: |insider, _, open, _| {
            // Both are hidden; only their being there differs.
            let health = format!("/v1/cases/{}/health", open.case);
            let body = json!({"holds_from": "2010-05-03", "particulars": {"severity": "mild"}, "sharing": "internal"});
            let first = insider.make(&health, &body);
            let mut next = body.clone();
            (next["supersedes"], next["reason"]) = (json!(first), json!("a slip"));
            let second = insider.make(&health, &next);
            insider
                .post(&format!("{health}/{second}/retract"), &json!({"reason": "mistaken"}))
                .expect(200);
        },
    },
];

/// One call and all that came back.
type Told = (String, u16, Vec<(String, String)>, String);

/// Reads a world as one role: every operation of the document with the ids of what is open, and the side paths.
struct Reader<'a> {
    actor: Actor,
    name: &'static str,
    open: &'a Open,
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
            .replace("{account_id}", &open.account)
    }

    /// A list to its end, one by one.
    fn pages(&mut self, path: &str) {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut cursor = String::new();
        for _ in 0..8 {
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
        for other in [&self.open.other, &self.open.person] {
            self.call("GET", &format!("/v1/individuals/{other}/file"), &[], None);
        }
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
                let place = self.filled(path);
                let body = self.body(operation);
                let etag = if ["patch", "delete"].contains(method) && !item["get"].is_null() {
                    self.call("GET", &place, &[], None).1
                } else {
                    String::new()
                };
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

fn told(url: DatabaseUrl, open: &Open, from: &[&'static str], document: &Value) -> Vec<Told> {
    let house = House::on(url, clock(), 8);
    let mut all = Vec::new();
    let anon = Reader {
        actor: house.anon(),
        name: "nobody",
        open,
        told: Vec::new(),
    };
    let mut readers: Vec<Reader<'_>> = from
        .iter()
        .map(|name| Reader {
            actor: house.actor(name),
            name,
            open,
            told: Vec::new(),
        })
        .collect();
    readers.push(anon);
    for reader in &mut readers {
        reader.reads(document);
    }
    for reader in &mut readers {
        reader.writes(document, &["post", "put", "patch"]);
        reader.reads(document);
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

fn seeds(most: u64) -> u64 {
    #[allow(clippy::disallowed_methods)]
    std::env::var("CONSCIENCE_TEST_SEEDS").map_or(most, |text| text.parse().unwrap())
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
        let before = told(without.clone(), &base.open, hidden.from, &document);
        let after = told(with.clone(), &base.open, hidden.from, &document);
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

// In parts, so that they share the machine's cores.
#[test]
fn one() {
    nothing_hidden_is_told(Kind::Sqlite, 0..seeds(50) / 2);
}

#[test]
fn two() {
    nothing_hidden_is_told(Kind::Sqlite, seeds(50) / 2..seeds(50));
}

#[test]
fn three() {
    nothing_hidden_is_told(Kind::Postgres, 0..seeds(u64::try_from(KINDS.len()).unwrap()));
}
