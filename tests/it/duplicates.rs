//! Who may be on record already: the warning, what is judged, and the pairs to judge.

use serde_json::{Value, json};

use crate::support::{Actor, House};

fn named(name: &str) -> Value {
    json!({"names": [{"text": name}]})
}

fn patch(actor: &Actor, id: &str, body: &Value) -> crate::support::Answer {
    let place = format!("/v1/individuals/{id}");
    actor.patch(&place, &actor.get(&place).expect(200).etag(), body)
}

fn judgements(actor: &Actor, query: &str) -> Vec<Value> {
    let found = actor
        .get(&format!("/v1/individuals/judgements{query}"))
        .expect(200)
        .body;
    found["items"].as_array().unwrap().clone()
}

fn withdraw(actor: &Actor, judgement: &Value) {
    let place = format!("/v1/individuals/judgements/{}", judgement["id"].as_str().unwrap());
    actor.delete(&place, &actor.get(&place).expect(200).etag()).expect(204);
}

/// All pairs, page by page.
fn pairs(actor: &Actor, query: &str) -> Vec<(String, String, f64)> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = actor
            .get(&format!("/v1/individuals/duplicates?{query}{cursor}"))
            .expect(200)
            .body;
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        let items = page["items"].as_array().unwrap();
        let scores: Vec<f64> = items
            .iter()
            .map(|pair| pair["other"]["score"].as_f64().unwrap())
            .collect();
        assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
        all.extend(
            items
                .iter()
                .zip(scores)
                .map(|(pair, score)| (id(&pair["individual_id"]), id(&pair["other"]["individual_id"]), score)),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

on_both! {
    fn who_may_be_on_record_is_warned_of_once(house: &House) {
        let staff = house.staff();
        let first = staff.post("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}, {"text": "胡佳"}]})).expect(201).id();
        let warned = staff.post("/v1/individuals", &named("Jia Hu")).expect(409);
        assert_eq!(warned.problem(), "possible_duplicates");
        let told = &warned.body["candidates"][0];
        assert_eq!((&told["individual_id"], &told["name"], &told["looked_for"], &told["matched"], &told["score"], &told["why"]), (&json!(first), &json!("Hu Jia"), &json!("Jia Hu"), &json!("Hu Jia"), &json!(0.95), &json!("Hu Jia: order swapped")));
        assert_eq!(staff.get("/v1/individuals").expect(200).body["items"].as_array().unwrap().len(), 1, "nothing was recorded");
        // The caller says who is somebody else: every candidate, and only who is there.
        let judged = |others: Value| json!({"names": [{"text": "Hu Jia"}], "another_person": others});
        assert_eq!(staff.post("/v1/individuals", &judged(json!([uuid::Uuid::new_v4()]))).expect(422).pointer(), "/another_person/0");
        let second = staff.post("/v1/individuals", &judged(json!([first]))).expect(201).id();
        assert_eq!(staff.post("/v1/individuals", &judged(json!([first]))).expect(409).candidates().len(), 2);
        let third = staff.post("/v1/individuals", &judged(json!([first, second]))).expect(201).id();
        assert_eq!(judgements(&staff, "").len(), 3);
        // Those who were judged are not warned of again, whatever is changed.
        patch(&staff, &third, &json!({"names": [{"text": "Somebody Else"}]})).expect(200);
        patch(&staff, &third, &json!({"names": [{"text": "Somebody Else"}, {"text": "Jia Hu"}]})).expect(200);
        // A judgement that is withdrawn warns of no more.
        let of = judgements(&staff, &format!("?individual={third}"));
        assert_eq!(of.len(), 2);
        withdraw(&staff, &of[0]);
        patch(&staff, &third, &json!({"names": [{"text": "Somebody Else"}]})).expect(200);
        let again = json!({"names": [{"text": "Somebody Else"}, {"text": "Hu Jia"}]});
        let warned = patch(&staff, &third, &again).expect(409);
        assert_eq!((warned.problem(), warned.candidates().len()), ("possible_duplicates".to_owned(), 1));
        // What the person is called already asks nothing, nor does what is no name.
        patch(&staff, &first, &json!({"names": [{"text": "Hu Jia", "preferred": true}, {"text": "胡佳"}], "country": "CN"})).expect(200);
        let mut known = again.clone();
        known["another_person"] = json!(warned.candidates());
        patch(&staff, &third, &known).expect(200);
        assert_eq!(judgements(&staff, &format!("?individual={third}&verdict=different")).len(), 2);
    }

    fn nobody_is_warned_of_whom_they_may_not_see(house: &House) {
        let (staff, other) = (house.staff(), house.staff_of_nobody());
        let hidden = staff.post("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "restricted"})).expect(201).id();
        let open = other.post("/v1/individuals", &named("Hu Jia")).expect(201).id();
        let unknown = |id: &str| other.post("/v1/individuals", &json!({"names": [{"text": "A B"}], "another_person": [id]})).expect(422);
        assert_eq!(unknown(&hidden).body["errors"], unknown(&uuid::Uuid::new_v4().to_string()).body["errors"]);
        assert_eq!(staff.post("/v1/individuals", &named("Hu Jia")).expect(409).candidates().len(), 2);
        assert_eq!(other.post("/v1/individuals", &named("Hu Jia")).expect(409).candidates(), std::slice::from_ref(&open));
        assert_eq!((pairs(&staff, "").len(), pairs(&other, "")), (1, Vec::new()));
        // What was judged of someone hidden is hidden.
        staff.make("/v1/individuals/judgements", &json!({"individual_id": hidden, "other_id": open, "verdict": "different"}));
        let judgement = format!("/v1/individuals/judgements/{}", judgements(&staff, "")[0]["id"].as_str().unwrap());
        assert_eq!((judgements(&other, "").len(), other.get(&judgement).status, house.partner().get(&judgement).status), (0, 404, 403));
        assert_eq!(other.send("DELETE", &judgement, &[("if-match", "*")], None).status, 404);
        let told = other.get(&format!("/v1/individuals/{open}/history")).expect(200).text;
        assert!(!told.contains("judgement"), "{told}");
        let told = staff.get(&format!("/v1/individuals/{open}/history")).expect(200).text + &staff.get(&format!("/v1/individuals/{hidden}/history")).expect(200).text;
        assert!(told.contains("judgement"), "{told}");
    }

    fn a_judgement_takes_the_place_of_the_one_before(house: &House) {
        let staff = house.staff();
        let (one, other) = (staff.make("/v1/individuals", &named("Hu Jia")), staff.make("/v1/individuals", &named("Hu Jiaqi")));
        let judge = |one: &str, other: &str, verdict: &str| staff.post("/v1/individuals/judgements", &json!({"individual_id": one, "other_id": other, "verdict": verdict, "reason": "a birth date"}));
        let first = judge(&one, &other, "same").expect(201);
        assert_eq!(first.body["reason"], "a birth date");
        let again = judge(&other, &one, "same").expect(409);
        assert_eq!((again.problem(), &again.body["existing"]), ("already_exists".to_owned(), &first.body["id"]));
        let second = judge(&other, &one, "different").expect(201);
        let listed = judgements(&staff, "");
        assert_eq!((listed.len(), &listed[0]["id"], &listed[0]["verdict"]), (1, &second.body["id"], &json!("different")));
        staff.get(&format!("/v1/individuals/judgements/{}", first.id())).expect(404);
        assert_eq!(judge(&one, &one, "same").expect(422).pointer(), "/other_id");
        assert_eq!(judge(&one, &uuid::Uuid::new_v4().to_string(), "same").expect(422).pointer(), "/other_id");
        assert_eq!(judge(&one, &other, "perhaps").expect(422).pointer(), "/verdict");
        withdraw(&staff, &listed[0]);
        assert_eq!(judgements(&staff, "").len(), 0);
        let history = staff.get(&format!("/v1/individuals/{}/history", one.clone().min(other.clone()))).expect(200).text;
        assert_eq!(history.matches("\"record_kind\":\"judgement\"").count(), 4, "{history}");
    }

    fn likely_pairs_are_listed_until_they_are_judged(house: &House) {
        let staff = house.staff();
        let people: Vec<String> = ["Hu Jia", "Jia Hu", "HU JIA", "Hu Jia"].iter().map(|name| staff.make("/v1/individuals", &named(name))).collect();
        staff.make("/v1/individuals", &named("Zeng Jinyan"));
        assert_eq!(pairs(&staff, ""), [], "they were judged as they were recorded");
        for judgement in judgements(&staff, "") {
            withdraw(&staff, &judgement);
        }
        let mut all = pairs(&staff, "");
        assert_eq!(all.len(), 6);
        assert!(all.iter().all(|(one, other, _)| one < other && people.contains(one) && people.contains(other)));
        let mut one_by_one = pairs(&staff, "limit=1");
        let mut in_twos = pairs(&staff, "limit=2");
        for pairs in [&mut all, &mut one_by_one, &mut in_twos] {
            pairs.sort_by(|one, other| one.partial_cmp(other).unwrap());
        }
        assert_eq!((&all, &all), (&one_by_one, &in_twos));
        assert_eq!(pairs(&staff, "min_score=1").len(), 1);
        assert_eq!(pairs(&staff, "min_score=0.99").len(), 3);
        for bad in ["min_score=0.5", "min_score=2", "min_score=x", "limit=0"] {
            staff.get(&format!("/v1/individuals/duplicates?{bad}")).expect(422);
        }
        let (one, other, _) = &all[0];
        staff.make("/v1/individuals/judgements", &json!({"individual_id": other, "other_id": one, "verdict": "same"}));
        assert_eq!(pairs(&staff, "").len(), 5);
        // More people than are looked at for one page.
        for number in 0..230 {
            staff.post("/v1/individuals", &named(&format!("Person Number{number} Of{number}"))).expect(201);
        }
        assert_eq!((pairs(&staff, "").len(), pairs(&staff, "limit=1").len()), (5, 5));
        assert_eq!(house.partner().get("/v1/individuals/duplicates").status, 403);
    }
}
