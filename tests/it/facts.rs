//! Facts: superseded, retracted, and what the list of priorities makes of them.

use serde_json::{Value, json};

use crate::support::{Actor, House};

fn case(staff: &Actor, name: &str) -> (String, String) {
    let individual = staff.make("/v1/individuals", &json!({"names": [{"text": name}], "sex": "male"}));
    let case = staff.make("/v1/cases", &json!({"individual_id": individual, "country": "CN"}));
    (individual, format!("/v1/cases/{case}"))
}

fn serving(staff: &Actor, place: &str, severity: &str) {
    let stage =
        json!({"holds_from": "2008-04-03", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
    staff.make(&format!("{place}/custody"), &stage);
    let report = json!({"holds_from": "2010-03-30", "particulars": {"severity": severity}});
    staff.make(&format!("{place}/health"), &report);
}

fn listed(staff: &Actor, rest: &str) -> Vec<String> {
    let page = staff.get(&format!("/v1/priorities?as_of=2010-05-10{rest}")).expect(200);
    let items = page.body["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["individual"]["name"].as_str().unwrap().to_owned())
        .collect()
}

on_both! {
    fn what_a_retracted_fact_had_replaced_stands_again(house: &House) {
        let staff = house.staff();
        let (_, place) = case(&staff, "Hu Jia");
        let health = format!("{place}/health");
        let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
        staff.make(&format!("{place}/custody"), &stage);
        let report = |severity: &str, old: Option<&str>| {
            let mut body = json!({"holds_from": "2010-03-30", "particulars": {"severity": severity}});
            if let Some(old) = old {
                body["supersedes"] = json!(old);
                body["reason"] = json!("a newer report");
            }
            staff.make(&health, &body)
        };
        let retract = |id: &str, why: &str| staff.post(&format!("{health}/{id}/retract"), &json!({"reason": why})).expect(200);
        let serious = report("serious", None);
        let mild = report("mild", Some(&serious));
        let moderate = report("moderate", Some(&mild));
        assert_eq!(listed(&staff, ""), [""; 0]);
        // The middle one was wrong too: the last still holds the place.
        retract(&mild, "another person's report");
        assert_eq!(listed(&staff, ""), [""; 0]);
        let gone = retract(&moderate, "mistaken identity");
        assert_eq!((&gone.body["reason"], &gone.body["retraction_reason"]), (&json!("a newer report"), &json!("mistaken identity")));
        assert_eq!(listed(&staff, ""), ["Hu Jia"], "nothing stands in the place");
        let items = staff.get(&health).expect(200).body["items"].clone();
        let first = items.as_array().unwrap().iter().find(|fact| fact["id"] == json!(serious)).unwrap();
        assert_eq!(first["superseded_by"], Value::Null);
        report("life_threatening", Some(&serious));
        assert_eq!(listed(&staff, "&reason=seriously_ill"), ["Hu Jia"]);
    }

    fn a_fact_is_read_by_itself_and_the_list_in_pages(house: &House) {
        let staff = house.staff();
        let (_, place) = case(&staff, "Hu Jia");
        let health = format!("{place}/health");
        let mut made = Vec::new();
        for from in ["2010", "2009-05", "2010-01-01", "2008-12-08", "2009-05-01"] {
            let answer = staff.post(&health, &json!({"holds_from": from, "particulars": {"severity": "mild"}})).expect(201);
            let one = staff.get(answer.header("location")).expect(200);
            assert_eq!((&one.body, one.etag()), (&answer.body, answer.etag()));
            assert_eq!(staff.get(&format!("{place}/custody/{}", answer.id())).expect(404).problem(), "not_found");
            made.push(answer.id());
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = staff.get(&format!("{health}?limit=2{cursor}")).expect(200).body;
            seen.extend(page["items"].as_array().unwrap().iter().map(|fact| fact["holds_from"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, ["2008-12-08", "2009-05-01", "2009-05", "2010-01-01", "2010"]);
        assert_eq!(staff.get(&format!("{health}?limit=0")).expect(422).pointer(), "/limit");
    }

    fn a_page_goes_on_though_its_last_case_has_left(house: &House) {
        let staff = house.staff();
        let mut cases = Vec::new();
        for name in ["One", "Two", "Three"] {
            let (_, place) = case(&staff, name);
            serving(&staff, &place, "serious");
            cases.push(place);
        }
        let all = listed(&staff, "");
        let first = staff.get("/v1/priorities?as_of=2010-05-10&limit=1").expect(200).body;
        let cursor = first["next"].as_str().unwrap();
        let left = first["items"][0]["case_id"].as_str().unwrap();
        let out = json!({"holds_from": "2010-05-01", "particulars": {"status": "released", "certainty": "confirmed"}});
        staff.make(&format!("/v1/cases/{left}/custody"), &out);
        assert_eq!(listed(&staff, &format!("&cursor={cursor}")), all[1..], "the rest was lost with the first");
        // The cursor knows its day.
        let today = staff.get(&format!("/v1/priorities?cursor={cursor}")).expect(200);
        assert_eq!(today.body["as_of"], "2010-05-10");
        let other = staff.get(&format!("/v1/priorities?as_of=2010-05-11&cursor={cursor}"));
        assert_eq!(other.expect(422).pointer(), "/cursor");
        assert_eq!(staff.get("/v1/priorities?cursor=eHg").expect(422).pointer(), "/cursor");
        for bad in ["2010-05", "2010-05-10?", "2010-05-10~", "2010-05-10/2010-05-10", "0000-00-00"] {
            let answer = staff.get(&format!("/v1/priorities?as_of={}", bad.replace('?', "%3F")));
            assert_eq!(answer.expect(422).pointer(), "/as_of", "{bad}");
        }
    }

    fn the_dead_and_the_closed_are_not_listed(house: &House) {
        let staff = house.staff();
        let (individual, place) = case(&staff, "Hu Jia");
        serving(&staff, &place, "critical");
        assert_eq!(listed(&staff, ""), ["Hu Jia"]);
        let early = staff.patch(&place, &staff.get(&place).etag(), &json!({"closed_on": "2007"}));
        assert_eq!(early.expect(422).pointer(), "/closed_on", "before the first custody");
        staff.patch(&place, &staff.get(&place).etag(), &json!({"closed_on": "2010-05-09"})).expect(200);
        assert_eq!(listed(&staff, ""), [""; 0]);
        assert_eq!(staff.get("/v1/counts?by=reason&as_of=2010-05-10").expect(200).body["items"], json!([]));
        staff.patch(&place, &staff.get(&place).etag(), &json!({"closed_on": null})).expect(200);
        let person = format!("/v1/individuals/{individual}");
        staff.patch(&person, &staff.get(&person).etag(), &json!({"died_on": "2010-05-09"})).expect(200);
        assert_eq!(listed(&staff, ""), [""; 0]);
        assert_eq!(staff.get("/v1/priorities?as_of=2010-05-08").expect(200).body["items"].as_array().unwrap().len(), 1);
        assert_eq!(staff.get("/v1/counts?by=sex&as_of=2010-05-10").expect(200).body["items"], json!([{"value": "male", "count": 1}]));
    }
}
