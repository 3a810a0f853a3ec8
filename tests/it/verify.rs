//! A history that outsiders can verify: by the program, and by `docs/verify.py`, which has none of our code.

use std::path::Path;
use std::process::Command;

use conscience::access::Door;
use conscience::access::ledger::EntryRow;
use conscience::access::secret::Keys;
use conscience::access::tree::{Edge, Stream, leaf};
use conscience::base::error::Error;
use conscience::cli::verify::{findings, log};
use conscience::schema::{checkpoints, ledger_entries, ledger_payloads, trees};
use conscience::store::origin::{Clock, Ids};
use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::json;

use crate::program::{Place, SECRET};
use crate::support::{Actor, House, Kind, database_url};

pub fn door(url: &DatabaseUrl) -> Door {
    let db = Db::open(url, Options::default()).unwrap();
    Door::new(db, Keys::derive(SECRET.as_bytes()).unwrap(), Clock::System, Ids::Random)
}

/// A few records with a history; a head after each.
fn history(staff: &Actor, door: &Door) -> Vec<String> {
    let mut heads = Vec::new();
    for number in 0..6 {
        let id = staff.make_silent(
            "/v1/individuals",
            &json!({"names": [{"text": format!("Person Number{number}")}]}),
        );
        let case = staff.make(
            "/v1/cases",
            &json!({"individual_id": id, "country": "CN", "notes": "inside"}),
        );
        let health = json!({"holds_from": "2010", "particulars": {"severity": "serious"}});
        staff.make(&format!("/v1/cases/{case}/health"), &health);
        let place = format!("/v1/individuals/{id}");
        staff
            .patch(&place, &staff.get(&place).etag(), &json!({"country": "CN"}))
            .expect(200);
        heads.push(door.seal_blocking(Stream::Ledger).unwrap());
    }
    heads
}

/// What whoever can write the database can do.
pub fn by_hand(url: &DatabaseUrl, sql: &str) -> Result<(), Error> {
    let db = Db::open(url, Options::default()).unwrap();
    let sql = sql.to_owned();
    db.write_blocking(move |conn| Ok(conn.batch_execute(&sql)?))
}

/// What the one who owns the machine can do: the triggers are gone.
pub fn behind_the_back(url: &DatabaseUrl, sql: &str) {
    let triggers = match url {
        DatabaseUrl::Sqlite(_) => {
            "DROP TRIGGER IF EXISTS ledger_entries_no_update; DROP TRIGGER IF EXISTS ledger_entries_no_delete; DROP TRIGGER IF EXISTS checkpoints_no_delete"
        }
        DatabaseUrl::Postgres(_) => {
            "DROP TRIGGER IF EXISTS ledger_entries_never_altered ON ledger_entries; DROP TRIGGER IF EXISTS checkpoints_never_altered ON checkpoints"
        }
    };
    by_hand(url, &format!("{triggers}; {sql}")).unwrap();
}

on_both! {
    fn what_was_altered_behind_the_program_is_named(house: &House) {
        let (staff, owner) = (house.staff(), door(house.url()));
        let heads = history(&staff, &owner);
        let source = staff.make("/v1/sources", &json!({"title": "S", "reliability": "a"}));
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free Person Number1."});
        let statement = staff.post("/v1/statements", &text).expect(201).body;
        let person = staff.get("/v1/individuals?q=number1").expect(200).body["items"][0]["id"].as_str().unwrap().to_owned();
        staff.consented(&person);
        let case = staff.get(&format!("/v1/cases?individual={person}")).expect(200).body["items"][0]["id"].as_str().unwrap().to_owned();
        let fact = staff.get(&format!("/v1/cases/{case}/health")).expect(200).body["items"][0]["id"].as_str().unwrap().to_owned();
        // Of a case of their own, which a partner sees whatever its level.
        let own = house.staff_of("partner");
        let other = own.make_silent("/v1/individuals", &json!({"names": [{"text": "Another Person"}]}));
        let theirs = own.make("/v1/cases", &json!({"individual_id": other, "country": "CN"}));
        let submission = house.partner().make(&format!("/v1/cases/{theirs}/submissions"), &json!({"changes": {"summary": "Proposed"}}));
        assert_eq!(findings(&owner, &heads, Some(&log(&owner, Stream::Ledger).unwrap())).unwrap(), [""; 0]);
        let (statement, mention) = (statement["id"].as_str().unwrap(), statement["mentions"][0]["id"].as_str().unwrap());
        let account = staff.account();
        // Each is undone by the next, but for the last two.
        for (sql, undo, named) in [
            (format!("UPDATE individuals SET country = 'VN' WHERE id = '{person}'"), format!("UPDATE individuals SET country = 'CN' WHERE id = '{person}'"), format!("individual {person} was altered")),
            (format!("UPDATE individuals SET public_until = '2000-01-01' WHERE id = '{person}'"), format!("UPDATE individuals SET public_until = '9999-12-31' WHERE id = '{person}'"), format!("individual {person} was altered")),
            (format!("UPDATE cases SET sharing = 'public' WHERE id = '{case}'"), format!("UPDATE cases SET sharing = 'internal' WHERE id = '{case}'"), format!("case {case} was altered")),
            (format!("UPDATE facts SET particulars = replace(particulars, 'serious', 'mild') WHERE id = '{fact}'"), format!("UPDATE facts SET particulars = replace(particulars, 'mild', 'serious') WHERE id = '{fact}'"), format!("fact {fact} was altered")),
            (format!("UPDATE submissions SET state = 'accepted' WHERE id = '{submission}'"), format!("UPDATE submissions SET state = 'proposed' WHERE id = '{submission}'"), format!("submission {submission} was altered")),
            (format!("UPDATE facts SET earliest = '9999-12-31' WHERE id = '{fact}'"), format!("UPDATE facts SET earliest = '2010-01-01' WHERE id = '{fact}'"), format!("what is derived of fact {fact} was altered")),
            (format!("UPDATE sources SET reliability = 'f' WHERE id = '{source}'"), format!("UPDATE sources SET reliability = 'a' WHERE id = '{source}'"), format!("source {source} was altered")),
            (format!("UPDATE statements SET text = 'Other words' WHERE id = '{statement}'"), format!("UPDATE statements SET text = 'Free Person Number1.' WHERE id = '{statement}'"), format!("statement {statement} was altered")),
            (format!("UPDATE accounts SET password_hash = password_hash || 'x' WHERE id = '{account}'"), format!("UPDATE accounts SET password_hash = substr(password_hash, 1, length(password_hash) - 1) WHERE id = '{account}'"), format!("account {account} was altered")),
            (format!("DELETE FROM mentions WHERE id = '{mention}'"), String::new(), format!("mention {mention} is missing")),
            (format!("INSERT INTO team_members VALUES ('{case}', '{account}', '2010-05-10 00:00:00')"), String::new(), format!("team_member {case}/{account} is in no entry")),
        ] {
            behind_the_back(house.url(), &sql);
            let found = findings(&owner, &heads, None).unwrap();
            assert!(found.contains(&named), "{sql}: {found:?}");
            if !undo.is_empty() {
                behind_the_back(house.url(), &undo);
                assert!(!findings(&owner, &heads, None).unwrap().contains(&named), "{undo}");
            }
        }
        behind_the_back(house.url(), "UPDATE ledger_payloads SET fields = '{}' WHERE position = 5");
        assert!(findings(&owner, &heads, None).unwrap().contains(&"the payload of entry 5 was altered".to_owned()));
        // Gone, it is said so, and the tree stays valid.
        behind_the_back(house.url(), "DELETE FROM ledger_payloads WHERE position = 5");
        let found = findings(&owner, &heads, None).unwrap();
        assert!(found.contains(&"the payload of entry 5 is gone".to_owned()) && !found.iter().any(|what| what.contains("signed")), "{found:?}");
    }
}

on_both! {
    fn a_busy_database_is_not_accused(house: &House) {
        let (staff, owner) = (house.staff(), door(house.url()));
        history(&staff, &owner);
        let place = format!("/v1/individuals/{}", staff.make_silent("/v1/individuals", &json!({"names": [{"text": "A B"}]})));
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut written = 0;
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let country = if written % 2 == 0 { "CN" } else { "VN" };
                    staff.patch(&place, &staff.get(&place).etag(), &json!({"country": country})).expect(200);
                    written += 1;
                }
                written
            });
            let found: Vec<String> = (0..20).flat_map(|_| findings(&owner, &[], None).unwrap()).collect();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(writer.join().unwrap() > 0);
            assert_eq!(found, [""; 0]);
        });
    }

    fn the_rule_is_the_one_that_was_adopted(house: &House) {
        let (staff, owner) = (house.staff(), door(house.url()));
        staff.get("/v1/priorities").expect(200);
        behind_the_back(house.url(), "UPDATE policies SET rule = replace(rule, ':100', ':1')");
        for path in ["/v1/priorities", "/v1/counts?by=reason"] {
            assert_eq!(staff.get(path).expect(503).problem(), "record_altered", "{path}");
        }
        assert_eq!(findings(&owner, &[], None).unwrap(), ["policy 1 was altered"]);
        behind_the_back(house.url(), "UPDATE policies SET rule = replace(rule, ':1,', ':100,')");
        staff.get("/v1/priorities").expect(200);
        behind_the_back(house.url(), "DELETE FROM policies");
        assert_eq!(findings(&owner, &[], None).unwrap(), ["policy 1 is missing"]);
        assert_eq!(staff.get("/v1/priorities").expect(503).problem(), "record_altered");
    }
}

/// An entry with its payload.
type Entry = (EntryRow, (String, String, Option<String>));

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// One of six attacks; positions are made dense again, as a careful attacker does.
fn attacked(entries: &[Entry], dice: &mut Dice) -> (&'static str, Vec<Entry>) {
    let mut all = entries.to_vec();
    let place = dice.roll(all.len());
    let name = ["edit", "delete", "insert", "reorder", "truncate", "roll back"][dice.roll(6)];
    match name {
        "edit" => match dice.roll(4) {
            0 => {
                let other = if all[place].0.kind == "changed" {
                    "created"
                } else {
                    "changed"
                };
                other.clone_into(&mut all[place].0.kind);
            }
            1 => all[place].0.record_id.push('0'),
            2 => all[place].0.digest.insert(0, 'x'),
            _ => all[place].0.at = all[place].0.at.plus_seconds(1),
        },
        "delete" => drop(all.remove(place)),
        "insert" => {
            let mut more = all[place].clone();
            more.0.digest = format!("inserted{}", dice.roll(1_000_000));
            all.insert(place, more);
        }
        "reorder" => {
            let other = (place + 1 + dice.roll(all.len() - 1)) % all.len();
            all.swap(place, other);
        }
        "truncate" => all.truncate(place),
        _ => all.truncate(all.len() - 1 - dice.roll(5)),
    }
    for (position, entry) in (1..).zip(all.iter_mut()) {
        entry.0.position = position;
    }
    (name, all)
}

fn lines(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|(entry, _)| entry.line()).collect()
}

/// Writes the attacked ledger, with a tree of its own and without the heads that speak against it.
fn written(url: &DatabaseUrl, entries: Vec<Entry>) {
    let db = Db::open(url, Options::default()).unwrap();
    db.write_blocking(move |conn| {
        diesel::delete(ledger_payloads::table).execute(conn)?;
        diesel::delete(ledger_entries::table).execute(conn)?;
        diesel::delete(checkpoints::table).execute(conn)?;
        let mut edge = Edge::default();
        for (entry, (salt, fields, reason)) in entries {
            edge.append(leaf(entry.line().as_bytes()));
            diesel::insert_into(ledger_entries::table)
                .values(&entry)
                .execute(conn)?;
            let payload = (
                ledger_payloads::position.eq(entry.position),
                ledger_payloads::salt.eq(salt),
                ledger_payloads::fields.eq(fields),
                ledger_payloads::reason.eq(reason),
            );
            diesel::insert_into(ledger_payloads::table)
                .values(payload)
                .execute(conn)?;
        }
        let text = serde_json::to_string(&edge).unwrap();
        diesel::update(trees::table).set(trees::edge.eq(text)).execute(conn)?;
        Ok(())
    })
    .unwrap();
}

/// A ledger with its heads and its log, and a thousand lies about it: each with the first entry that is not true.
struct Trial {
    owner: Door,
    heads: Vec<String>,
    kept: String,
    entries: Vec<Entry>,
    attacks: Vec<(&'static str, usize, Vec<Entry>)>,
}

fn trial(house: &House) -> Trial {
    let owner = door(house.url());
    let heads = history(&house.staff(), &owner);
    let kept = log(&owner, Stream::Ledger).unwrap();
    let entries: Vec<Entry> = owner
        .read_as_owner(|conn| {
            Ok(ledger_entries::table
                .inner_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
                .order(ledger_entries::position)
                .select((
                    ledger_entries::all_columns,
                    (ledger_payloads::salt, ledger_payloads::fields, ledger_payloads::reason),
                ))
                .load(conn)?)
        })
        .unwrap();
    assert_eq!(lines(&entries).join("\n") + "\n", kept);
    let mut dice = Dice(20_100_510);
    let mut attacks: Vec<(&'static str, usize, Vec<Entry>)> = Vec::new();
    while attacks.len() < 1000 {
        let (name, after) = attacked(&entries, &mut dice);
        let lines = lines(&after);
        let mut pairs = entries.iter().zip(&lines);
        match pairs.position(|((entry, _), line)| entry.line() != *line) {
            Some(place) => attacks.push((name, place + 1, after)),
            // Put in at the end, or nothing changed: no lie about what was signed.
            None if lines.len() >= entries.len() => {}
            None => attacks.push((name, lines.len() + 1, after)),
        }
    }
    for kind in ["edit", "delete", "insert", "reorder", "truncate", "roll back"] {
        assert!(
            attacks.iter().filter(|(name, _, _)| *name == kind).count() > 50,
            "{kind}"
        );
    }
    Trial {
        owner,
        heads,
        kept,
        entries,
        attacks,
    }
}

#[test]
fn each_of_a_thousand_attacks_is_found() {
    let house = House::new(Kind::Sqlite);
    let Trial {
        heads,
        kept,
        entries,
        attacks,
        ..
    } = trial(&house);
    let copy = DatabaseUrl::parse(&database_url(Kind::Sqlite), false).unwrap();
    let DatabaseUrl::Sqlite(path) = &copy else {
        panic!("not a file")
    };
    let original = Db::open(house.url(), Options::default()).unwrap();
    original.backup(Path::new(path)).unwrap();
    behind_the_back(&copy, "");
    let victim = door(&copy);
    for (name, first, after) in attacks {
        written(&copy, after);
        let said = findings(&victim, &heads, Some(&kept)).unwrap();
        let gone = format!("entries {first} to {} are gone", entries.len());
        assert!(
            said.contains(&format!("entry {first} is the first that is not as in the log")) || said.contains(&gone),
            "{name} {first}: {said:?}"
        );
        let by_heads = findings(&victim, &heads, None).unwrap();
        assert!(
            by_heads.iter().any(|what| holds(what, first)),
            "{name} {first}: {by_heads:?}"
        );
    }
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{end}"));
    }
}

/// The same, found without any code of ours; `scripts/interop` runs it, since it needs Python and openssl.
#[test]
#[ignore = "scripts/interop runs it"]
fn outsiders_find_each_of_a_thousand_attacks() {
    let house = House::new(Kind::Sqlite);
    let trial = trial(&house);
    let place = Place::new("attacks");
    let mut expected = Vec::new();
    for (number, (_, first, after)) in trial.attacks.iter().enumerate() {
        let log = lines(after).join("\n") + "\n";
        std::fs::write(place.path(&format!("{number}.log")), log).unwrap();
        expected.push(*first);
    }
    python(&place, &trial.owner, &trial.heads, &trial.kept, &expected);
}

/// Whether an interval that the heads alone give holds that entry.
fn holds(what: &str, entry: usize) -> bool {
    let numbers: Vec<usize> = what
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect();
    matches!(numbers.as_slice(), [from, to] if *from <= entry && entry <= *to)
}

fn python(place: &Place, owner: &Door, heads: &[String], kept: &str, expected: &[usize]) {
    std::fs::write(place.path("key"), owner.verifier(Stream::Ledger)).unwrap();
    std::fs::write(place.path("kept.log"), kept).unwrap();
    let mut arguments = vec![
        concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.py").to_owned(),
        "--key".to_owned(),
        "key".to_owned(),
    ];
    for (number, head) in heads.iter().enumerate() {
        std::fs::write(place.path(&format!("head{number}")), head).unwrap();
        arguments.extend(["--head".to_owned(), format!("head{number}")]);
    }
    let run = |more: &[String]| {
        let output = Command::new("python3")
            .current_dir(place.path(""))
            .args(&arguments)
            .args(more)
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let good = run(&["kept.log".to_owned()]);
    assert!(good.contains("kept.log: good"), "{good}");
    let logs: Vec<String> = (0..expected.len()).map(|number| format!("{number}.log")).collect();
    let exactly = run(&[vec!["--earlier".to_owned(), "kept.log".to_owned()], logs.clone()].concat());
    let by_heads = run(&logs);
    assert_eq!(
        (exactly.lines().count(), by_heads.lines().count()),
        (expected.len(), expected.len())
    );
    for ((first, said), interval) in expected.iter().zip(exactly.lines()).zip(by_heads.lines()) {
        assert!(
            said.ends_with(&format!("BAD entry {first} is the first that is not as it was")),
            "{said}"
        );
        assert!(
            holds(interval.split_once("BAD ").map_or("", |(_, what)| what), *first),
            "{first}: {interval}"
        );
    }
    // A head that somebody else has signed is no head.
    let forged = heads[0].replace("\n4", "\n5").replace("\n8", "\n9");
    std::fs::write(
        place.path("head0"),
        if forged == heads[0] {
            heads[0].replacen('\n', "\n1", 1)
        } else {
            forged
        },
    )
    .unwrap();
    let output = Command::new("python3")
        .current_dir(place.path(""))
        .args(&arguments)
        .arg("kept.log")
        .output()
        .unwrap();
    assert!(!output.status.success());
}

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [more, &["--database", "sqlite://x.sqlite", "--secret", SECRET]].concat()
}

#[test]
fn the_commands_write_and_verify() {
    let place = Place::new("verify");
    place.furnished("sqlite://x.sqlite");
    place.done(&with(&["log", "kept.log"]), "");
    let head = place.done(&with(&["checkpoint"]), "");
    std::fs::write(place.path("head"), &head).unwrap();
    assert!(
        place
            .done(&with(&["checkpoint", "--key"]), "")
            .starts_with("conscience/")
    );
    assert!(
        head.starts_with("conscience/") && head.contains("\n\u{2014} conscience/"),
        "{head}"
    );
    assert!(place.refused(&with(&["log", "kept.log"])).contains("kept.log"));
    let told = place.done(&with(&["verify", "--checkpoint", "head", "--log", "kept.log"]), "");
    assert!(told.contains("good"), "{told}");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", place.path("x.sqlite").display()), false).unwrap();
    behind_the_back(&url, "UPDATE accounts SET role = 'admin'");
    assert!(place.refused(&with(&["verify"])).contains("not what its ledger says"));
}
