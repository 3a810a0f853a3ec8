//! Two records of one person made one, and split again.

use actix_web::rt;
use conscience::audit::soundness::Sweep;
use conscience::cli::verify::findings;
use serde_json::{Value, json};

use crate::support::{Actor, House};

pub fn at(id: &str) -> String {
    format!("/v1/individuals/{id}")
}

pub fn change(actor: &Actor, place: &str, body: &Value) -> Value {
    actor
        .patch(place, &actor.get(place).expect(200).etag(), body)
        .expect(200)
        .body
}

pub fn undo(actor: &Actor, merge: &str) -> Value {
    let why = json!({"reason": "two people"});
    actor.post(&format!("/v1/merges/{merge}/undo"), &why).expect(200).body
}

/// A body without the times of its changes.
pub fn timeless(mut body: Value) -> Value {
    match &mut body {
        Value::Array(items) => {
            for item in items {
                *item = timeless(item.take());
            }
        }
        Value::Object(fields) => {
            fields.shift_remove("updated_at");
            for value in fields.values_mut() {
                *value = timeless(value.take());
            }
        }
        _ => {}
    }
    body
}

/// All that is read of a person.
pub fn all_of(actor: &Actor, id: &str) -> Value {
    let places = ["", "/file", "/relations", "/consents", "/overrides", "/team"];
    let read = places.map(|place| actor.get(&format!("{}{place}", at(id))).expect(200).body);
    timeless(json!([
        read,
        actor.get(&format!("/v1/cases?individual={id}")).expect(200).body
    ]))
}

/// Withdraws what was judged of people as they were recorded.
pub fn apart_no_more(staff: &Actor) {
    let all = staff.get("/v1/individuals/judgements?limit=200").expect(200).body;
    for judgement in all["items"].as_array().unwrap() {
        let place = format!("/v1/individuals/judgements/{}", judgement["id"].as_str().unwrap());
        staff.delete(&place, &staff.get(&place).etag()).expect(204);
    }
}

/// Two records, each with something of every kind.
pub struct Scene {
    pub kept: String,
    pub other: String,
    pub third: String,
    pub statement: String,
    pub mention: String,
    pub case: String,
    pub fact: String,
    pub relation: String,
    pub own_case: String,
}

impl Scene {
    pub fn made(staff: &Actor) -> Self {
        let person = |names: Value, value: &str| {
            let body = json!({"names": names, "identifiers": [{"register": "CECC", "value": value}], "sharing": "public", "biography": value});
            staff.make("/v1/individuals", &body)
        };
        let kept = person(
            json!([{"text": "Hu Jia", "preferred": true}, {"text": "胡佳"}]),
            "2004-05001",
        );
        let other = person(
            json!([{"text": "Hu Chia", "preferred": true}, {"text": "胡佳"}, {"text": "Hu Jia Ren", "kind": "legal"}]),
            "7",
        );
        let third = person(json!([{"text": "Zeng Jinyan"}]), "8");
        apart_no_more(staff);
        let case = |id: &str, country: &str| {
            let case = json!({"individual_id": id, "country": country, "sharing": "public"});
            staff.make("/v1/cases", &case)
        };
        let (own_case, theirs) = (case(&kept, "CN"), case(&other, "VN"));
        let health = |case: &str, level: &str| json!({"holds_from": "2010-05-01", "particulars": {"severity": level}, "notes": case});
        staff.make(&format!("/v1/cases/{own_case}/health"), &health(&own_case, "mild"));
        let fact = staff.make(&format!("/v1/cases/{theirs}/health"), &health(&theirs, "serious"));
        for id in [&kept, &other] {
            let relation = json!({"kind": "colleague", "other_id": third});
            staff.make(&format!("{}/relations", at(id)), &relation);
        }
        let relation = json!({"kind": "supporter", "other_id": other, "note": "for the team"});
        let relation = staff.make(&format!("{}/relations", at(&third)), &relation);
        staff.make(
            &format!("{}/relations", at(&kept)),
            &json!({"kind": "co_defendant", "other_id": other}),
        );
        let text = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "sharing": "public", "text": format!("{kept}: free Hu Jia, Hu Chia, 胡佳 and Hu Jia Ren.")});
        let filed = staff.post("/v1/statements", &text).expect(201).body;
        let mentions = filed["mentions"].as_array().unwrap();
        let theirs_first = mentions.iter().find(|mention| mention["individual_id"] == json!(other));
        let mention = theirs_first.unwrap()["id"].as_str().unwrap().to_owned();
        // At one place both are named, and the other is the one who is meant.
        let both = mentions
            .iter()
            .find(|mention| mention["individual_id"] == json!(other) && mention["text"] == "胡佳")
            .unwrap();
        let statement = filed["id"].as_str().unwrap().to_owned();
        let place = format!("/v1/statements/{statement}/mentions/{}", both["id"].as_str().unwrap());
        change(staff, &place, &json!({"state": "confirmed"}));
        Self {
            kept,
            other,
            third,
            statement,
            mention,
            case: theirs,
            fact,
            relation,
            own_case,
        }
    }

    pub fn all(&self, staff: &Actor) -> [Value; 3] {
        [&self.kept, &self.other, &self.third].map(|id| all_of(staff, id))
    }

    pub fn names(&self, staff: &Actor) -> Value {
        staff.get(&at(&self.kept)).expect(200).body["names"].clone()
    }
}

pub fn texts(names: &Value) -> Vec<&str> {
    let names = names.as_array().unwrap();
    names.iter().map(|name| name["text"].as_str().unwrap()).collect()
}

pub fn is_sound(house: &House) {
    assert_eq!(findings(&house.door, &[], None).unwrap(), [""; 0]);
    rt::System::new().block_on(Sweep::round(&house.door)).unwrap();
    assert_eq!(
        house.staff().get("/v1/altered-records").expect(200).body["items"],
        json!([])
    );
}

/// Replaces the names of the kept person as they stand.
pub fn rename(staff: &Actor, scene: &Scene, with: impl Fn(&mut Vec<Value>)) {
    let mut names = scene.names(staff).as_array().unwrap().clone();
    with(&mut names);
    let (place, mut body) = (at(&scene.kept), json!({"names": names}));
    let etag = staff.get(&place).expect(200).etag();
    // Those of the scenes before are somebody else.
    body["another_person"] = json!(staff.patch(&place, &etag, &body).candidates());
    if body["another_person"] != json!([]) {
        staff.patch(&place, &etag, &body).expect(200);
    }
}

on_both! {
    fn what_is_the_others_follows(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let scene = Scene::made(&staff);
        let merge = staff.merge(&scene.kept, &scene.other);
        let file = staff.get(&format!("{}/file", at(&scene.kept))).expect(200).body;
        assert_eq!(texts(&file["individual"]["names"]), ["Hu Jia", "胡佳", "Hu Chia", "Hu Jia Ren"]);
        assert_eq!((&file["individual"]["display_name"], file["individual"]["identifiers"].as_array().unwrap().len()), (&json!("Hu Jia"), 2));
        assert_eq!((file["cases"].as_array().unwrap().len(), file["relations"].as_array().unwrap().len()), (2, 3));
        let mentioned = file["mentions"].as_array().unwrap();
        let mut places: Vec<i64> = mentioned.iter().map(|mention| mention["start"].as_i64().unwrap()).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), mentioned.len(), "one at each place");
        assert!(mentioned.iter().any(|mention| mention["text"] == "胡佳" && mention["state"] == "confirmed"));
        // The old id says where it went, to who may see that one.
        for (actor, place) in [(&staff, at(&scene.other)), (&partner, at(&scene.other)), (&staff, format!("{}/file", at(&scene.other)))] {
            let gone = actor.get(&place).expect(410);
            assert_eq!((gone.problem(), &gone.body["merged_into"]), ("merged".to_owned(), &json!(scene.kept)));
        }
        assert_eq!(house.dashboard().get(&at(&scene.other)).status, 403);
        staff.send("PATCH", &at(&scene.other), &[("content-type", "application/json"), ("if-match", "*")], Some(b"{}")).expect(404);
        assert_eq!(staff.get("/v1/individuals?q=chia").expect(200).body["items"][0]["id"], json!(scene.kept));
        assert_eq!(staff.get("/v1/individuals/match?name=Hu%20Chia").expect(200).body["items"][0]["individual_id"], json!(scene.kept));
        assert_eq!(staff.post("/v1/individuals", &json!({"names": [{"text": "Hu Chia"}]})).expect(409).candidates(), std::slice::from_ref(&scene.kept));
        // It is on record, with what went along as far as all may know who see both.
        let listed = staff.get(&format!("/v1/merges?individual={}", scene.other)).expect(200).body["items"].clone();
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"], texts(&listed[0]["names"])), (1, &json!(merge), vec!["Hu Chia", "Hu Jia Ren"]));
        assert_eq!(partner.get(&format!("/v1/merges/{merge}")).status, 403);
        for id in [&scene.kept, &scene.other] {
            let history = staff.get(&format!("{}/history?limit=200", at(id))).expect(200).text;
            assert!(history.contains(&format!("merge {merge}")), "{history}");
            assert!(!history.contains("gave_way"), "{history}");
        }
        let why = json!({"reason": "two people"});
        let done = undo(&staff, &merge);
        assert_eq!((&done["undo_reason"], &done["undone_by"]), (&json!("two people"), &json!(staff.account())));
        assert_eq!(staff.post(&format!("/v1/merges/{merge}/undo"), &why).expect(409).problem(), "conflict");
        staff.get(&at(&scene.other)).expect(200);
        is_sound(house);
    }

    fn nothing_is_shown_that_either_has_not_consented_to(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let person = |name: &str| staff.make_silent("/v1/individuals", &json!({"names": [{"text": name}], "sharing": "public"}));
        let say = |id: &str, state: &str| {
            if state == "given" {
                staff.consented(id);
            } else {
                staff.post(&format!("{}/consents", at(id)), &json!({"state": state})).expect(201);
            }
        };
        let sees = |id: &str| partner.get(&at(id)).status;
        let (kept, other) = (person("Hu Jia"), person("Hu Chia"));
        staff.consented(&kept);
        // Nobody has asked the other: the one is shown to nobody either, and whence they came neither.
        let merge = staff.merge(&kept, &other);
        assert_eq!((sees(&kept), sees(&other)), (404, 404));
        say(&kept, "given");
        assert_eq!((sees(&kept), sees(&other)), (200, 404), "what is said now is said of the one");
        undo(&staff, &merge);
        assert_eq!((sees(&kept), sees(&other)), (200, 404));
        // A refusal of either holds for both, and one that was said meanwhile, of whichever of the two, after it too.
        let (kept, other) = (person("Zeng Jinyan"), person("Tseng Chin-yen"));
        staff.consented(&kept);
        staff.consented(&other);
        let merge = staff.merge(&kept, &other);
        assert_eq!((sees(&kept), sees(&other)), (200, 410));
        say(&kept, "withdrawn");
        assert_eq!((sees(&kept), sees(&other)), (404, 404));
        undo(&staff, &merge);
        assert_eq!((sees(&kept), sees(&other)), (404, 404));
        say(&other, "given");
        assert_eq!((sees(&kept), sees(&other)), (404, 200));
        // Both again, and two people decide in their place.
        say(&other, "cannot_be_obtained");
        staff.merge(&kept, &other);
        let excuse = json!({"scopes": ["partner_sharing"], "reason": "Held without contact."});
        let excuse = staff.make(&format!("{}/overrides", at(&kept)), &excuse);
        house.admin().post(&format!("{}/overrides/{excuse}/confirm", at(&kept)), &json!({})).expect(200);
        assert_eq!((sees(&kept), sees(&other)), (200, 404));
        is_sound(house);
    }

    fn a_merge_that_would_open_something_is_refused(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let person = |actor: &Actor, name: &str, sharing: &str| actor.make_silent("/v1/individuals", &json!({"names": [{"text": name}], "sharing": sharing}));
        let refused = |kept: &str, other: &str, why: &str| {
            let answer = staff.try_merge(kept, other).expect(409);
            assert!(answer.problem() == "conflict" && answer.text.contains(why), "{}", answer.text);
        };
        let (public, internal) = (person(&staff, "Hu Jia", "public"), person(&staff, "Hu Chia", "internal"));
        refused(&public, &internal, "more open");
        let case = staff.make("/v1/cases", &json!({"individual_id": public, "country": "CN", "sharing": "public"}));
        refused(&internal, &public, "case of the other");
        change(&staff, &format!("/v1/cases/{case}"), &json!({"sharing": "internal"}));
        let elsewhere = person(&house.staff_of("partner"), "Hu Jia", "internal");
        refused(&internal, &elsewhere, "organisations");
        // Who is on the team of one reads what is said in confidence of the other.
        staff.put(&format!("{}/team/{}", at(&internal), admin.account()), &json!({})).expect(204);
        refused(&internal, &public, "team");
        staff.put(&format!("{}/team/{}", at(&public), admin.account()), &json!({})).expect(204);
        let judged = json!({"individual_id": public, "other_id": internal, "verdict": "different"});
        let judged = staff.post("/v1/individuals/judgements", &judged);
        judged.expect(201);
        refused(&internal, &public, "two people");
        let of = staff.get("/v1/individuals/judgements").expect(200).body["items"].clone();
        for judgement in of.as_array().unwrap() {
            let place = format!("/v1/individuals/judgements/{}", judgement["id"].as_str().unwrap());
            staff.delete(&place, &staff.get(&place).etag()).expect(204);
        }
        assert_eq!(staff.try_merge(&internal, &internal).expect(422).pointer(), "/other_id");
        let hidden = person(&admin, "Hu Jia", "restricted");
        assert_eq!(staff.try_merge(&internal, &hidden).expect(422).pointer(), "/other_id");
        let body = json!({"other_id": public, "reason": "r"});
        staff.post(&format!("{}/merge", at(&internal)), &body).expect(428);
        let stale = [("content-type", "application/json"), ("if-match", "\"x\"")];
        staff.send("POST", &format!("{}/merge", at(&internal)), &stale, Some(body.to_string().as_bytes())).expect(412);
        let merge = staff.merge(&internal, &public);
        // What has been opened since goes back to nobody who is more closed.
        undo(&staff, &merge);
        let also = person(&staff, "Hu Chia-chia", "internal");
        let case = staff.make("/v1/cases", &json!({"individual_id": also, "country": "CN", "sharing": "internal"}));
        staff.put(&format!("{}/team/{}", at(&also), admin.account()), &json!({})).expect(204);
        let merge = staff.merge(&internal, &also);
        change(&staff, &at(&internal), &json!({"sharing": "public"}));
        let case = format!("/v1/cases/{case}");
        change(&staff, &case, &json!({"sharing": "public"}));
        let undone = staff.post(&format!("/v1/merges/{merge}/undo"), &json!({"reason": "r"})).expect(409);
        assert!(undone.text.contains("more open"), "{}", undone.text);
        change(&staff, &case, &json!({"sharing": "internal"}));
        undo(&staff, &merge);
        is_sound(house);
    }

    fn what_the_caller_does_not_see_goes_along(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let person = |name: &str| staff.make("/v1/individuals", &json!({"names": [{"text": name}]}));
        let (kept, other) = (person("Hu Jia"), person("Hu Chia"));
        let case = staff.make("/v1/cases", &json!({"individual_id": other, "country": "CN", "sharing": "restricted"}));
        let family = staff.make("/v1/individuals", &json!({"names": [{"text": "Zeng Jinyan"}], "sharing": "restricted"}));
        staff.make(&format!("{}/relations", at(&other)), &json!({"kind": "supporter", "other_id": family}));
        let letter = json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "Free Hu Chia.", "sharing": "restricted"});
        staff.make("/v1/statements", &letter);
        let before = (all_of(&staff, &kept), all_of(&staff, &other));
        let merge = admin.merge(&kept, &other);
        let told = admin.get(&format!("/v1/merges/{merge}")).expect(200).text;
        assert!(!told.contains(&case), "{told}");
        let file = staff.get(&format!("{}/file", at(&kept))).expect(200).body;
        assert_eq!((&file["cases"][0]["case"]["id"], file["relations"].as_array().unwrap().len(), file["mentions"].as_array().unwrap().len()), (&json!(case), 1, 1));
        let file = admin.get(&format!("{}/file", at(&kept))).expect(200).body;
        assert_eq!((&file["cases"], &file["relations"], &file["mentions"]), (&json!([]), &json!([]), &json!([])));
        undo(&admin, &merge);
        assert_eq!(before, (all_of(&staff, &kept), all_of(&staff, &other)));
        is_sound(house);
    }

    fn restricted_people_are_merged_by_their_common_team(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let person = |name: &str, sharing: &str| staff.make("/v1/individuals", &json!({"names": [{"text": name}], "sharing": sharing}));
        let (kept, other) = (person("Hu Jia", "restricted"), person("Hu Chia", "restricted"));
        staff.put(&format!("{}/team/{}", at(&other), admin.account()), &json!({})).expect(204);
        assert!(staff.try_merge(&kept, &other).expect(409).text.contains("team"));
        staff.put(&format!("{}/team/{}", at(&kept), admin.account()), &json!({})).expect(204);
        let merge = staff.merge(&kept, &other);
        let colleague = house.staff_of_nobody();
        assert_eq!((admin.get(&at(&other)).status, colleague.get(&at(&other)).status, colleague.get(&format!("/v1/merges/{merge}")).status), (410, 404, 404));
        assert_eq!(colleague.get("/v1/merges").expect(200).body["items"], json!([]));
        // The one is opened: of the other, who was not, nothing is told.
        change(&staff, &at(&kept), &json!({"sharing": "internal"}));
        assert_eq!((colleague.get(&at(&kept)).status, colleague.get(&at(&other)).status, colleague.get(&format!("/v1/merges/{merge}")).status), (200, 404, 404));
        assert!(!colleague.get(&format!("{}/history", at(&kept))).expect(200).text.contains(&other));
        undo(&admin, &merge);
        assert_eq!((colleague.get(&at(&other)).status, admin.get(&at(&other)).status), (404, 200));
    }

    fn a_merge_of_one_who_was_merged_into_is_followed_and_undone_in_turn(house: &House) {
        let staff = house.staff();
        let person = |name: &str| staff.make("/v1/individuals", &json!({"names": [{"text": name}]}));
        let (one, two, three) = (person("Hu Jia"), person("Hu Chia"), person("Khu Tsia"));
        staff.make("/v1/cases", &json!({"individual_id": one, "country": "CN"}));
        staff.make(&format!("{}/relations", at(&one)), &json!({"kind": "supporter", "other_id": three}));
        let somebody = person("Zeng Jinyan");
        staff.make("/v1/individuals/judgements", &json!({"individual_id": one, "other_id": somebody, "verdict": "different"}));
        let before = [&one, &two, &three].map(|id| all_of(&staff, id));
        let first = staff.merge(&two, &one);
        let second = staff.merge(&three, &two);
        for id in [&one, &two] {
            assert_eq!(staff.get(&at(id)).expect(410).body["merged_into"], json!(three));
        }
        assert_eq!(staff.get(&format!("{}/file", at(&three))).expect(200).body["cases"].as_array().unwrap().len(), 1);
        // What was judged of one who was merged is judged of whom they were merged into.
        change(&staff, &at(&three), &json!({"names": [{"text": "Khu Tsia"}, {"text": "Hu Chia"}, {"text": "Hu Jia"}, {"text": "Zeng Jinyan"}]}));
        staff.post(&format!("/v1/merges/{first}/undo"), &json!({"reason": "r"})).expect(404);
        undo(&staff, &second);
        undo(&staff, &first);
        change(&staff, &at(&three), &json!({"names": [{"text": "Khu Tsia"}]}));
        assert_eq!(before, [&one, &two, &three].map(|id| all_of(&staff, id)));
        is_sound(house);
    }

    fn whoever_was_merged_is_erased_with_the_one_they_are(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let why = json!({"reason": "Asked for", "basis": "Law"});
        let erase = |id: &str| admin.post(&format!("{}/erasure", at(id)), &why);
        let scene = Scene::made(&staff);
        let merge = staff.merge(&scene.kept, &scene.other);
        rename(&staff, &scene, |names| names.push(json!({"text": "Quite Another"})));
        assert!(erase(&scene.other).expect(409).text.contains("merged"));
        undo(&staff, &merge);
        let kept = all_of(&staff, &scene.kept);
        assert!(admin.get("/v1/audit?limit=200").expect(200).text.contains("Hu Chia"));
        erase(&scene.other).expect(204);
        // Their name is in nobody's history, and the one they were taken for is whole.
        for page in ["/v1/audit?limit=200".to_owned(), format!("{}/history?limit=200", at(&scene.kept))] {
            // The texts of statements stay as they were published.
            let mut told = admin.get(&page).expect(200).body["items"].clone();
            told.as_array_mut().unwrap().retain(|entry| entry["record_kind"] != "statement");
            let told = told.to_string();
            assert!(!told.contains("Hu Chia") && !told.contains("Hu Jia Ren"), "{told}");
        }
        let mut now = all_of(&staff, &scene.kept);
        let mut kept = kept;
        for all in [&mut now, &mut kept] {
            // What the two were to each other is gone.
            all[0][1]["relations"].as_array_mut().unwrap().retain(|one| one["other_id"] != json!(scene.other));
            all[0][2]["items"].as_array_mut().unwrap().retain(|one| one["other_id"] != json!(scene.other));
        }
        assert_eq!(now, kept);
        change(&staff, &at(&scene.kept), &json!({"biography": "goes on"}));
        is_sound(house);
        // And the other way about: who is kept leaves what has gone back.
        let scene = Scene::made(&staff);
        let merge = staff.merge(&scene.kept, &scene.other);
        undo(&staff, &merge);
        erase(&scene.kept).expect(204);
        let file = staff.get(&format!("{}/file", at(&scene.other))).expect(200).body;
        assert_eq!((file["cases"][0]["health"].as_array().unwrap().len(), file["relations"].as_array().unwrap().len()), (1, 2));
        is_sound(house);
        let scene = Scene::made(&staff);
        staff.merge(&scene.kept, &scene.other);
        erase(&scene.kept).expect(204);
        for id in [&scene.kept, &scene.other] {
            assert_eq!((staff.get(&at(id)).status, staff.get(&format!("{}/history", at(id))).expect(200).body["items"][0]["kind"].clone()), (404, json!("erased")));
        }
        staff.get(&format!("/v1/cases/{}", scene.case)).expect(404);
        is_sound(house);
    }

    fn who_may_not_merge_is_told_so(house: &House) {
        let staff = house.staff();
        let person = |name: &str| staff.make("/v1/individuals", &json!({"names": [{"text": name}], "sharing": "public"}));
        let (one, two) = (person("Hu Jia"), person("Hu Chia"));
        assert_eq!(house.partner().try_merge(&one, &two).expect(403).problem(), "forbidden");
        // A machine merges nobody.
        let key = json!({"account_id": staff.account(), "name": "N", "scopes": ["read", "edit"]});
        let key = house.admin().post("/v1/clients", &key).expect(201).body["key"].as_str().unwrap().to_owned();
        assert_eq!(house.with_token(&key).try_merge(&one, &two).expect(403).problem(), "forbidden");
        staff.merge(&one, &two);
    }
}
