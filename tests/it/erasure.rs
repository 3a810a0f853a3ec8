//! Erasure of a person on lawful request: nothing of them stays in the database, its files or new backups, and the ledger is
//! still the one that was signed.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use actix_web::rt;
use conscience::access::tree::Stream;
use conscience::audit::soundness::Sweep;
use conscience::cli::verify::{findings, log};
use conscience::store::url::DatabaseUrl;
use conscience::store::{Conn, Db, Options};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::{Actor, House};
use crate::verify::{behind_the_back, door};

const CANARY: &str = "canaria";

#[derive(diesel::QueryableByName)]
struct Oid {
    #[diesel(sql_type = diesel::sql_types::Text)]
    oid: String,
}

/// The files that hold the database, and a new backup.
fn files(house: &House, backup: &Path) -> Vec<PathBuf> {
    match house.url() {
        DatabaseUrl::Sqlite(path) => {
            Db::open(house.url(), Options::default())
                .unwrap()
                .backup(backup)
                .unwrap();
            let mut files: Vec<PathBuf> = ["", "-wal", "-shm"]
                .iter()
                .map(|end| format!("{path}{end}").into())
                .collect();
            files.push(backup.to_owned());
            files
        }
        DatabaseUrl::Postgres(_) => {
            let oid = door(house.url())
                .read_as_owner(|conn| match conn {
                    Conn::Pg(inner) => {
                        let ask = "SELECT CAST(oid AS TEXT) AS oid FROM pg_database WHERE datname = current_database()";
                        Ok(diesel::sql_query(ask).get_result::<Oid>(inner)?.oid)
                    }
                    Conn::Sqlite(_) => panic!("not a server"),
                })
                .unwrap();
            let server = std::env::var("CONSCIENCE_TEST_POSTGRES").unwrap();
            diesel::PgConnection::establish(&server)
                .unwrap()
                .batch_execute("CHECKPOINT")
                .unwrap();
            let place = server.split_once("host=").unwrap().1;
            let folder = Path::new(place).join("data/base").join(oid);
            // They can be read by whoever started the server, and by root.
            let files = std::fs::read_dir(folder).unwrap();
            files.map(|file| file.unwrap().path()).collect()
        }
    }
}

/// How many of these files hold the canary.
fn singing(files: &[PathBuf]) -> usize {
    let holds = |bytes: &[u8]| {
        bytes
            .windows(CANARY.len())
            .any(|part| part.eq_ignore_ascii_case(CANARY.as_bytes()))
    };
    files
        .iter()
        .filter(|file| holds(&std::fs::read(file).unwrap_or_default()))
        .count()
}

/// A person with the canary in every field that is theirs, and in every reason; and what is not theirs.
fn person(staff: &Actor, admin: &Actor, partner: &Actor) -> (String, String, String) {
    let c = "canaria";
    let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Canaria Verde"}], "born_on": "1977", "country": "CN", "ethnicity": c, "religion": c,
        "occupations": [c], "biography": c, "identifiers": [{"register": c, "value": c}], "notes": c, "contacts": [c], "sharing": "public"}));
    let other = staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}]}));
    let at = format!("/v1/individuals/{id}");
    let shared = staff.make(
        "/v1/cases",
        &json!({"individual_id": id, "country": "CN", "sharing": "public"}),
    );
    let proposed = json!({"changes": {"summary": c}, "note": c});
    partner.make(&format!("/v1/cases/{shared}/submissions"), &proposed);
    let relation = json!({"kind": "lawyer", "other_id": other, "note": c, "opened_because": c});
    staff.make(&format!("{at}/relations"), &relation);
    let relation = json!({"kind": "colleague", "other_id": id, "note": c});
    staff.make(&format!("/v1/individuals/{other}/relations"), &relation);
    let consent = json!({"state": "refused", "given_by": "self", "given_on": "2009", "evidence": c});
    staff.post(&format!("{at}/consents"), &consent).expect(201);
    staff.make(&format!("{at}/overrides"), &json!({"scopes": ["name"], "reason": c}));
    admin.post(&format!("{at}/team"), &json!({"reason": c})).expect(204);
    staff
        .send("DELETE", &format!("{at}/team/{}", admin.account()), &[], None)
        .expect(204);
    let case = staff.make(
        "/v1/cases",
        &json!({"individual_id": id, "country": "CN", "impugned_activity": c, "summary": c, "notes": c}),
    );
    let part = |name: &str| format!("/v1/cases/{case}/{name}");
    staff.make(&part("custody"), &json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed", "facility": c, "place": c, "authority": c}, "notes": c}));
    staff.make(
        &part("charges"),
        &json!({"holds_from": "2008", "particulars": {"offence": c, "status": "indicted", "law": c}}),
    );
    let health = json!({"holds_from": "2008", "particulars": {"severity": "serious", "conditions": [c], "disability": c, "reported_by": c}, "notes": c});
    let first = staff.make(&part("health"), &health);
    let mut next = health.clone();
    (next["supersedes"], next["reason"]) = (json!(first), json!(c));
    let second = staff.make(&part("health"), &next);
    staff
        .post(&format!("{}/{second}/retract", part("health")), &json!({"reason": c}))
        .expect(200);
    for (place, body) in [
        (at.clone(), json!({"biography": "canaria again"})),
        (format!("/v1/cases/{case}"), json!({"summary": "canaria again"})),
    ] {
        staff.patch(&place, &staff.get(&place).etag(), &body).expect(200);
    }
    let text =
        json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "He must be freed."});
    let statement = staff.make("/v1/statements", &text);
    staff.make(
        &format!("/v1/statements/{statement}/mentions"),
        &json!({"individual_id": id, "start": 0, "end": 2}),
    );
    (id, other, statement)
}

on_both! {
    fn nothing_of_an_erased_person_stays(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let (id, other, statement) = person(&staff, &admin, &partner);
        let at = format!("/v1/individuals/{id}");
        let owner = door(house.url());
        let (head, kept) = (owner.seal_blocking(Stream::Ledger).unwrap(), log(&owner, Stream::Ledger).unwrap());
        let scan = json!({"text": "Free Canaria Verde."});
        let scanned = || staff.post("/v1/statements/scan", &scan).expect(200).body["mentions"].as_array().unwrap().len();
        assert_eq!(scanned(), 1);
        let backup = std::env::temp_dir().join(format!("conscience-erasure-{}", uuid::Uuid::new_v4()));
        assert!(singing(&files(house, &backup)) > 0, "or the test shows nothing");
        let _ = std::fs::remove_file(&backup);

        let why = json!({"reason": "Asked for by the person", "basis": "GDPR, article 17"});
        let place = format!("{at}/erasure");
        assert_eq!(staff.post(&place, &why).expect(403).problem(), "forbidden");
        assert_eq!(admin.post(&place, &json!({"reason": "x"})).expect(422).pointer(), "/basis");
        admin.post(&place, &why).expect(204);

        assert_eq!(singing(&files(house, &backup)), 0);
        let _ = std::fs::remove_file(&backup);
        for (actor, path) in [(&staff, at.as_str()), (&admin, &at), (&partner, &at), (&staff, &format!("{at}/file")), (&partner, &format!("{at}/history"))] {
            assert_eq!(actor.get(path).expect(404).problem(), "not_found", "{path}");
        }
        assert_eq!(scanned(), 0, "the register of names follows");
        assert_eq!(staff.get("/v1/individuals?q=verde").expect(200).body["items"], json!([]));
        assert_eq!(staff.get("/v1/cases").expect(200).body["items"], json!([]));
        // What is not theirs stays.
        assert_eq!(staff.get(&format!("/v1/individuals/{other}")).expect(200).body["display_name"], "Zeng Jinyan");
        assert_eq!(staff.get(&format!("/v1/individuals/{other}/relations")).expect(200).body["items"], json!([]));
        assert_eq!(staff.get(&format!("/v1/statements/{statement}/mentions")).expect(200).body["items"], json!([]));
        assert_eq!(staff.get(&format!("/v1/statements/{statement}")).expect(200).body["text"], "He must be freed.");
        // A tombstone, for those inside.
        let history = staff.get(&format!("{at}/history")).expect(200).body["items"].clone();
        assert_eq!((history.as_array().unwrap().len(), &history[0]["kind"], &history[0]["reason"], &history[0]["actor_id"]), (1, &json!("erased"), &json!("Asked for by the person"), &json!(admin.account())));
        let audit = admin.get("/v1/audit?limit=200").expect(200).text.to_lowercase();
        assert!(!audit.contains(CANARY));
        // The ledger is the one that was signed, and nothing in it is missed.
        assert!(log(&owner, Stream::Ledger).unwrap().starts_with(&kept));
        assert_eq!(findings(&owner, std::slice::from_ref(&head), Some(&kept)).unwrap(), [""; 0]);
        rt::System::new().block_on(Sweep::round(&house.door)).unwrap();
        assert_eq!(staff.get("/v1/altered-records").expect(200).body["items"], json!([]));
        // Asked again, the files are scrubbed again.
        admin.post(&place, &why).expect(204);
        // Without its tombstone it is missed.
        behind_the_back(house.url(), "DELETE FROM tombstones WHERE record_kind = 'individual'");
        assert_eq!(findings(&owner, &[head], None).unwrap(), [format!("individual {id} is missing, and so is its tombstone")]);
    }

    fn only_who_may_see_a_person_erases_them(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let why = json!({"reason": "Asked for", "basis": "Law"});
        let hidden = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "restricted"}));
        let place = format!("/v1/individuals/{hidden}/erasure");
        assert_eq!(admin.post(&place, &why).expect(404).problem(), "not_found");
        assert_eq!(admin.post(&format!("/v1/individuals/{}/erasure", uuid::Uuid::new_v4()), &why).expect(404).problem(), "not_found");
        assert_eq!(staff.get(&format!("/v1/individuals/{hidden}")).expect(200).body["display_name"], "Hu Jia");
        // Who was retired is erased too.
        let retired = staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}]}));
        let at = format!("/v1/individuals/{retired}");
        staff.delete(&at, &staff.get(&at).etag()).expect(204);
        admin.post(&format!("{at}/erasure"), &why).expect(204);
        let history = staff.get(&format!("{at}/history")).expect(200).body["items"].clone();
        assert_eq!((history.as_array().map(Vec::len), &history[0]["fields"]), (Some(1), &Value::Object(serde_json::Map::new())));
    }

    fn who_was_altered_or_accepted_as_gone_is_erased(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let why = json!({"reason": "Asked for", "basis": "Law"});
        let sweep = || rt::System::new().block_on(Sweep::round(&house.door)).unwrap();
        let payloads = |id: &str| {
            let text = log(&door(house.url()), Stream::Ledger).unwrap();
            let erased = text.lines().filter(|line| line.contains(id) && line.contains("\"erased\"")).count();
            (erased, admin.get("/v1/audit?limit=200").expect(200).text.to_lowercase().contains(CANARY))
        };
        let make = || staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Canaria Verde"}], "notes": CANARY}));
        let altered = make();
        behind_the_back(house.url(), &format!("UPDATE individuals SET religion = 'x' WHERE id = '{altered}'"));
        sweep();
        admin.get(&format!("/v1/individuals/{altered}")).expect(503);
        admin.post(&format!("/v1/individuals/{altered}/erasure"), &why).expect(204);
        assert_eq!(payloads(&altered), (1, false));
        let gone = make();
        behind_the_back(house.url(), &format!("DELETE FROM consents WHERE individual_id = '{gone}'; DELETE FROM individuals WHERE id = '{gone}'"));
        sweep();
        staff.post(&format!("/v1/altered-records/individual/{gone}/accept"), &json!({"reason": "lost"})).expect(204);
        admin.post(&format!("/v1/individuals/{gone}/erasure"), &why).expect(204);
        assert_eq!(payloads(&gone).0, 2);
        let backup = std::env::temp_dir().join(format!("conscience-erasure-{}", uuid::Uuid::new_v4()));
        assert_eq!(singing(&files(house, &backup)), 0);
        let _ = std::fs::remove_file(&backup);
        admin.post(&format!("/v1/individuals/{gone}/erasure"), &why).expect(204);
        assert_eq!(payloads(&gone).0, 2, "what was erased is entered once");
        assert_eq!(findings(&door(house.url()), &[], None).unwrap(), [""; 0]);
    }
}
