//! Records that were altered behind the program's back: each is found by the sweep, answers 503, and is settled by staff.

use actix_web::rt;
use conscience::audit::soundness::Sweep;
use conscience::cli::verify::findings;
use serde_json::{Value, json};

use crate::support::{Actor, House};
use crate::verify::{behind_the_back, door};

/// One whole round of the sweep.
fn swept(house: &House) {
    rt::System::new().block_on(Sweep::round(&house.door)).unwrap();
}

fn found(actor: &Actor) -> Vec<Value> {
    actor.get("/v1/altered-records").expect(200).body["items"]
        .as_array()
        .unwrap()
        .clone()
}

fn verified(house: &House) {
    assert_eq!(findings(&door(house.url()), &[], None).unwrap(), [""; 0]);
}

fn refused(actor: &Actor, place: &str) {
    let answer = actor.get(place).expect(503);
    assert_eq!(
        (answer.problem().as_str(), answer.header("retry-after")),
        ("record_altered", "3600"),
        "{place}"
    );
}

/// A person with a record of every kind about them.
struct Scene {
    person: String,
    other: String,
    case: String,
    facts: Vec<(&'static str, String)>,
    source: String,
    statement: String,
    mention: String,
    relation: String,
    consent: String,
    proposed: String,
    organisation: String,
}

fn scene(staff: &Actor) -> Scene {
    let person = staff.make(
        "/v1/individuals",
        &json!({"names": [{"text": "Hu Jia"}], "sharing": "public", "country": "CN", "contacts": ["a friend"]}),
    );
    let other = staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}]}));
    let case = staff.make(
        "/v1/cases",
        &json!({"individual_id": person, "country": "CN", "sharing": "public", "notes": "inside"}),
    );
    let facts = [
        (
            "custody",
            json!({"status": "serving_sentence", "certainty": "confirmed"}),
        ),
        ("charges", json!({"offence": "Inciting", "status": "convicted"})),
        ("sentences", json!({"kind": "life"})),
        ("health", json!({"severity": "serious"})),
    ];
    let facts = facts.map(|(place, particulars)| {
        let body = json!({"holds_from": "2008", "particulars": particulars});
        (place, staff.make(&format!("/v1/cases/{case}/{place}"), &body))
    });
    let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "sharing": "public", "text": "Free Hu Jia."});
    let statement = staff.post("/v1/statements", &text).expect(201).body;
    let at = format!("/v1/individuals/{person}");
    Scene {
        source: staff.make(
            "/v1/sources",
            &json!({"title": "S", "reliability": "a", "sharing": "public"}),
        ),
        mention: statement["mentions"][0]["id"].as_str().unwrap().to_owned(),
        statement: statement["id"].as_str().unwrap().to_owned(),
        relation: staff.make(
            &format!("{at}/relations"),
            &json!({"kind": "colleague", "other_id": other}),
        ),
        consent: staff.get(&format!("{at}/consents")).expect(200).body["items"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned(),
        proposed: staff.make(
            &format!("{at}/overrides"),
            &json!({"scopes": ["name"], "reason": "known"}),
        ),
        organisation: staff.make(
            "/v1/organisations",
            &json!({"name": "Widows of Conscience", "kind": "ngo"}),
        ),
        facts: facts.to_vec(),
        person,
        other,
        case,
    }
}

on_both! {
    fn whatever_was_altered_is_found_and_answers_503(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let scene = scene(&staff);
        let (person, case, fact) = (&scene.person, &scene.case, &scene.facts[3].1);
        let stranger = house.actor("stranger");
        let (me, theirs) = (staff.account(), stranger.account());
        swept(house);
        assert_eq!(found(&admin), Vec::<Value>::new());
        let at = format!("/v1/individuals/{person}");
        let by_id = |table: &str, id: &str, change: &str| format!("UPDATE {table} SET {change} WHERE id = '{id}'");
        let listed = |places: &[&str]| places.iter().map(ToString::to_string).collect::<Vec<_>>();
        let case_places = [format!("/v1/cases/{case}"), "/v1/cases".to_owned(), format!("{at}/file"), "/v1/priorities?as_of=2010-05-10".to_owned(), "/v1/counts?by=status".to_owned()];
        let mut fact_places = case_places.to_vec();
        fact_places.extend([format!("/v1/cases/{case}/health"), format!("/v1/cases/{case}/health/{fact}")]);
        let mut person_places = case_places.to_vec();
        person_places.extend([at.clone(), "/v1/individuals".to_owned(), format!("{at}/relations"), format!("{at}/consents"), format!("/v1/statements/{}/mentions", scene.statement)]);
        let team = format!("UPDATE team_members SET joined_at = '2000-01-01 00:00:00' WHERE record_id = '{person}'");
        // The change, which record it is, and where it would have been shown.
        let attacks: Vec<(String, &str, String, Vec<String>)> = vec![
            (by_id("organisations", &scene.organisation, "website = 'https://x.example/'"), "organisation", scene.organisation.clone(), listed(&["/v1/organisations", &format!("/v1/organisations/{}", scene.organisation)])),
            (by_id("accounts", &theirs, "role = 'admin'"), "account", theirs.clone(), listed(&["/v1/accounts", &format!("/v1/accounts/{theirs}")])),
            (by_id("sources", &scene.source, "reliability = 'f'"), "source", scene.source.clone(), listed(&["/v1/sources", &format!("/v1/sources/{}", scene.source)])),
            (by_id("sources", &scene.source, "kind = 'nonsense'"), "source", scene.source.clone(), listed(&["/v1/sources", &format!("/v1/sources/{}", scene.source)])),
            (by_id("individuals", person, "religion = 'None'"), "individual", person.clone(), person_places.clone()),
            (by_id("individuals", person, "names_folded = 'x'"), "individual", person.clone(), person_places.clone()),
            (by_id("individuals", person, "updated_at = '2000-01-01 00:00:00'"), "individual", person.clone(), person_places),
            (by_id("consents", &scene.consent, "scopes = '[]'"), "consent", scene.consent.clone(), listed(&[&format!("{at}/consents")])),
            (by_id("consent_overrides", &scene.proposed, "reason = 'none'"), "consent_override", scene.proposed.clone(), listed(&[&format!("{at}/overrides")])),
            (by_id("relations", &scene.relation, "kind = 'friend'"), "relation", scene.relation.clone(), listed(&[&format!("{at}/relations"), &format!("{at}/relations/{}", scene.relation), &format!("/v1/individuals/{}/relations", scene.other), &format!("{at}/file")])),
            (by_id("cases", case, "summary = 'x'"), "case", case.clone(), case_places.to_vec()),
            (by_id("facts", fact, "rank = 'deprecated'"), "fact", fact.clone(), fact_places.clone()),
            (by_id("facts", fact, "latest = '9999-12-31'"), "fact", fact.clone(), fact_places.clone()),
            (by_id("statements", &scene.statement, "title = 'x'"), "statement", scene.statement.clone(), listed(&["/v1/statements", &format!("/v1/statements/{}", scene.statement), &format!("/v1/statements/{}/mentions", scene.statement)])),
            (by_id("mentions", &scene.mention, "score = 0.5"), "mention", scene.mention.clone(), listed(&[&format!("/v1/statements/{}/mentions", scene.statement), &format!("{at}/file")])),
            (team, "team_member", format!("{person}/{me}"), listed(&[&format!("{at}/team")])),
            (format!("DELETE FROM facts WHERE id = '{fact}'"), "fact", fact.clone(), case_places.to_vec()),
        ];
        for (number, (sql, kind, id, places)) in attacks.iter().enumerate() {
            let reader = if *kind == "account" { &admin } else { &staff };
            let before: Vec<String> = places.iter().map(|place| reader.get(place)).map(|answer| answer.expect(200).etag()).collect();
            let words: Vec<&str> = sql.split_whitespace().collect();
            let table = if sql.starts_with("DELETE") { words[2] } else { words[1] };
            behind_the_back(house.url(), &format!("CREATE TABLE kept_{number} AS SELECT * FROM {table}; {sql}"));
            swept(house);
            let named = found(&admin);
            assert_eq!((named.len(), &named[0]["record_kind"], &named[0]["record_id"]), (1, &json!(kind), &json!(id)), "{sql}");
            for place in places {
                refused(reader, place);
            }
            if *kind != "account" {
                admin.get("/v1/me").expect(200);
            }
            if *kind == "account" {
                assert_eq!(stranger.get("/v1/me").expect(503).problem(), "record_altered", "who may be somebody else does nothing");
            }
            // What comes back from a backup is sound again.
            let back = if sql.starts_with("DELETE") {
                format!("INSERT INTO facts SELECT * FROM kept_{number} WHERE id = '{fact}'")
            } else {
                let column = words[3];
                let key = if *kind == "team_member" { "record_id" } else { "id" };
                format!("UPDATE {table} SET {column} = (SELECT {column} FROM kept_{number} k WHERE k.{key} = {table}.{key}) WHERE {key} IN (SELECT {key} FROM kept_{number})")
            };
            behind_the_back(house.url(), &back);
            swept(house);
            assert_eq!(found(&admin), Vec::<Value>::new(), "{back}");
            let after: Vec<String> = places.iter().map(|place| reader.get(place).expect(200).etag()).collect();
            assert_eq!(before, after, "{sql}");
        }
    }

    fn what_a_reader_could_not_see_makes_no_difference_to_them(house: &House) {
        let (staff, admin, partner) = (house.staff(), house.admin(), house.partner());
        let scene = scene(&staff);
        let secret = staff.make(&format!("/v1/cases/{}/health", scene.case), &json!({"holds_from": "2009", "particulars": {"severity": "critical"}, "sharing": "restricted"}));
        staff.put(&format!("/v1/cases/{}/team/{}", scene.case, staff.account()), &json!({})).expect(204);
        let hidden = staff.make("/v1/sources", &json!({"title": "A guard", "reliability": "a"}));
        let read = |actor: &Actor| {
            ["/v1/cases", "/v1/sources", "/v1/priorities", "/v1/counts?by=status", &format!("/v1/cases/{}", scene.case), &format!("/v1/cases/{}/health", scene.case), &format!("/v1/individuals/{}/file", scene.person), &format!("/v1/sources/{hidden}"), &format!("/v1/cases/{}/health/{secret}", scene.case)]
                .map(|place| actor.get(place))
                .map(|answer| (answer.status, answer.etag(), answer.body["items"].clone(), answer.body["code"].clone()))
        };
        let before = (read(&partner), read(&admin));
        for sql in [
            format!("UPDATE facts SET sharing = 'public' WHERE id = '{secret}'"),
            format!("UPDATE facts SET notes = 'x' WHERE id = '{secret}'"),
            format!("UPDATE sources SET notes = 'x', sharing = 'internal' WHERE id = '{hidden}'"),
            format!("UPDATE sources SET sharing = 'public' WHERE id = '{hidden}'"),
            format!("DELETE FROM facts WHERE id = '{secret}'"),
        ] {
            behind_the_back(house.url(), &sql);
            swept(house);
            assert_eq!(read(&partner), before.0, "{sql}");
            if sql.contains("facts") {
                refused(&staff, &format!("/v1/cases/{}", scene.case));
                assert!(!found(&admin).iter().any(|item| item["record_id"] == json!(secret)), "{sql}");
                assert_eq!(admin.get(&format!("/v1/cases/{}", scene.case)).etag(), before.1[4].1);
                let settling = admin.post(&format!("/v1/altered-records/fact/{secret}/accept"), &json!({"reason": "no"}));
                assert_eq!(settling.expect(404).problem(), "not_found");
            } else {
                refused(&admin, &format!("/v1/sources/{hidden}"));
            }
        }
        assert_eq!(partner.get("/v1/altered-records").expect(403).problem(), "forbidden");
    }

    fn staff_accept_or_restore(house: &House) {
        let staff = house.staff();
        let scene = scene(&staff);
        let at = format!("/v1/individuals/{}", scene.person);
        let settle = |kind: &str, id: &str, how: &str| staff.post(&format!("/v1/altered-records/{kind}/{id}/{how}"), &json!({"reason": "a disk was repaired"}));
        let first = staff.get(&at).expect(200);
        let alter = |sql: &str| { behind_the_back(house.url(), sql); swept(house); };
        alter(&format!("UPDATE individuals SET country = 'VN', names = '[{{\"text\":\"X\",\"kind\":\"legal\",\"script\":\"Latn\",\"language\":null,\"romanisation\":null,\"preferred\":false}}]' WHERE id = '{}'", scene.person));
        assert_eq!(found(&staff)[0]["fields"]["country"], json!({"from": "CN", "to": "VN"}));
        assert_eq!(staff.post(&format!("/v1/altered-records/individual/{}/restore", scene.person), &json!({"reason": ""})).expect(422).pointer(), "/reason");
        refused(&staff, &at);
        assert_eq!(staff.patch(&at, &first.etag(), &json!({"country": "CN"})).expect(503).problem(), "record_altered");
        settle("individual", &scene.person, "restore").expect(204);
        assert_eq!(staff.get(&at).expect(200).text, first.text);
        assert!(staff.get(&format!("{at}/history?limit=200")).expect(200).text.contains("a disk was repaired"));
        verified(house);
        // Accepted, it is as it stands.
        alter(&format!("UPDATE individuals SET country = 'VN' WHERE id = '{}'", scene.person));
        settle("individual", &scene.person, "accept").expect(204);
        assert_eq!(staff.get(&at).expect(200).body["country"], "VN");
        alter(&format!("UPDATE statements SET words_folded = '' WHERE id = '{}'", scene.statement));
        settle("statement", &scene.statement, "accept").expect(204);
        staff.get(&format!("/v1/statements/{}", scene.statement)).expect(200);
        for (_, fact) in &scene.facts {
            alter(&format!("UPDATE facts SET information = 'improbable' WHERE id = '{fact}'"));
            settle("fact", fact, "restore").expect(204);
        }
        verified(house);
        // Nobody is made public, and nobody an administrator, by one who accepts it.
        for change in ["sharing = 'partners'", "public_until = '2099-01-01'"] {
            alter(&format!("UPDATE individuals SET {change} WHERE id = '{}'", scene.person));
            assert_eq!(settle("individual", &scene.person, "accept").expect(409).problem(), "conflict", "{change}");
            settle("individual", &scene.person, "restore").expect(204);
        }
        let (admin, partner) = (house.admin(), house.partner().account());
        let settle_account = |how: &str| admin.post(&format!("/v1/altered-records/account/{partner}/{how}"), &json!({"reason": "who knows"}));
        alter(&format!("UPDATE accounts SET role = 'admin' WHERE id = '{partner}'"));
        assert_eq!(settle_account("accept").expect(409).problem(), "conflict");
        settle_account("restore").expect(204);
        alter(&format!("UPDATE accounts SET name = 'Other', password_hash = password_hash || 'x' WHERE id = '{partner}'"));
        assert_eq!(settle_account("accept").expect(409).problem(), "conflict");
        behind_the_back(house.url(), &format!("UPDATE accounts SET password_hash = substr(password_hash, 1, length(password_hash) - 1) WHERE id = '{partner}'"));
        settle_account("restore").expect(204);
        verified(house);
        // What stands in no payload cannot be written back.
        alter(&format!("UPDATE individuals SET contacts = 'gone' WHERE id = '{}'", scene.person));
        assert_eq!(settle("individual", &scene.person, "restore").expect(409).problem(), "conflict");
        settle("individual", &scene.person, "accept").expect(204);
        assert_eq!(staff.get(&at).expect(200).body["contacts"], Value::Null);
        // Nor what is gone; that can be accepted.
        let (_, fact) = &scene.facts[3];
        alter(&format!("DELETE FROM facts WHERE id = '{fact}'"));
        assert_eq!(found(&staff)[0]["what"], "missing");
        refused(&staff, &format!("/v1/cases/{}", scene.case));
        assert_eq!(settle("fact", fact, "restore").expect(409).problem(), "conflict");
        settle("fact", fact, "accept").expect(204);
        staff.get(&format!("/v1/cases/{}", scene.case)).expect(200);
        swept(house);
        assert_eq!(found(&staff), Vec::<Value>::new());
        assert_eq!(settle("fact", fact, "accept").expect(404).problem(), "not_found");
        verified(house);
        // Whoever was put on a team by nobody is not on it, and does nothing.
        let partner = house.partner();
        let put = format!("{}/{}", scene.other, partner.account());
        alter(&format!("INSERT INTO team_members VALUES ('{}', '{}', '2010-05-10 00:00:00')", scene.other, partner.account()));
        refused(&partner, "/v1/me");
        let place = put.replace('/', "~");
        assert_eq!(settle("team_member", &place, "restore").expect(409).problem(), "conflict");
        settle("team_member", &place, "accept").expect(204);
        staff.send("DELETE", &format!("/v1/individuals/{}/team/{}", scene.other, partner.account()), &[], None).expect(204);
        partner.get("/v1/me").expect(200);
        alter(&format!("INSERT INTO team_members VALUES ('{}', '{}', '2010-05-10 00:00:00')", scene.other, partner.account()));
        assert_eq!(found(&staff)[0]["what"], "again");
        settle("team_member", &place, "restore").expect(204);
        partner.get("/v1/me").expect(200);
        verified(house);
    }

    fn a_write_before_the_sweep_enters_nothing_that_was_altered(house: &House) {
        let staff = house.staff();
        let scene = scene(&staff);
        let at = format!("/v1/individuals/{}", scene.person);
        behind_the_back(house.url(), &format!("UPDATE individuals SET religion = 'None' WHERE id = '{}'", scene.person));
        let etag = staff.get(&at).expect(200).etag();
        assert_eq!(staff.patch(&at, &etag, &json!({"biography": "New"})).expect(503).problem(), "record_altered");
        swept(house);
        assert_eq!(found(&staff)[0]["record_id"], json!(scene.person));
    }

    fn what_consent_hides_is_hidden_altered_too(house: &House) {
        let (staff, partner, dashboard) = (house.staff(), house.partner(), house.dashboard());
        let scene = scene(&staff);
        let hidden = staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Gao Zhisheng"}], "sharing": "public"}));
        let other = staff.make_silent("/v1/individuals", &json!({"names": [{"text": "Chen Guangcheng"}], "sharing": "public"}));
        staff.post(&format!("/v1/individuals/{other}/consents"), &json!({"state": "given", "given_by": "self", "given_on": "2010", "scopes": ["raising_in_public", "name"]})).expect(201);
        let case = staff.make("/v1/cases", &json!({"individual_id": other, "country": "CN", "sharing": "public"}));
        let report = staff.make(&format!("/v1/cases/{case}/health"), &json!({"holds_from": "2009", "particulars": {"severity": "serious"}}));
        let read = |actor: &Actor| {
            ["/v1/individuals", "/v1/cases", "/v1/priorities?as_of=2010-05-10", "/v1/counts?by=status", &format!("/v1/individuals/{hidden}"), &format!("/v1/individuals/{}", scene.person), &format!("/v1/cases/{case}"), &format!("/v1/cases/{case}/health")]
                .map(|place| actor.get(place))
                .map(|answer| (answer.status, answer.etag(), answer.body["items"].clone(), answer.body["code"].clone()))
        };
        let before = (read(&partner), read(&dashboard));
        assert_eq!((before.0[4].0, before.0[6].0), (404, 200));
        for sql in [format!("UPDATE individuals SET religion = 'None' WHERE id = '{hidden}'"), format!("UPDATE facts SET notes = 'x' WHERE id = '{report}'")] {
            behind_the_back(house.url(), &sql);
            swept(house);
            assert_eq!((read(&partner), read(&dashboard)), before, "{sql}");
        }
        refused(&staff, &format!("/v1/individuals/{hidden}"));
        refused(&staff, &format!("/v1/cases/{case}/health"));
    }

    fn submissions_follow_their_case(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let scene = scene(&staff);
        let at = format!("/v1/cases/{}/submissions", scene.case);
        let one = partner.make(&at, &json!({"changes": {"summary": "One."}}));
        let place = format!("/v1/submissions/{one}");
        for sql in [format!("UPDATE submissions SET note = 'x' WHERE id = '{one}'"), format!("UPDATE cases SET notes = 'x' WHERE id = '{}'", scene.case)] {
            behind_the_back(house.url(), &sql);
            swept(house);
            refused(&staff, "/v1/submissions");
            refused(&staff, &place);
            refused(&partner, &place);
            if sql.contains("submissions") {
                behind_the_back(house.url(), "UPDATE submissions SET note = NULL");
                swept(house);
                staff.get(&place).expect(200);
            }
        }
    }
}
