//! The main job: from the founding statement to the list of whom to raise first.

use serde_json::{Value, json};

use crate::support::{House, Kind};

const DAY: &str = "2010-05-10";

fn names(list: &Value) -> Vec<String> {
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["individual"]["name"].as_str().unwrap().to_owned())
        .collect()
}

fn whole_job(house: &House) {
    let dashboard = house.dashboard();
    let list = dashboard.get(&format!("/v1/priorities?as_of={DAY}")).expect(200);
    assert_eq!(
        names(&list.body),
        ["Hu Jia", "Chen Guangcheng", "Liu Xiaobo", "Guo Quan"]
    );
    let items = &list.body["items"];
    assert_eq!(items[0]["individual"]["original_name"], "胡佳");
    assert_eq!(items[0]["reasons"][0]["code"], "seriously_ill");
    assert_eq!(items[2]["reasons"][0]["code"], "long_sentence");
    assert_eq!(
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["days_left"].as_i64().unwrap())
            .collect::<Vec<_>>(),
        [412, 122, 3695, 3108]
    );
    assert!(list.text.find("source_id").is_none(), "a dashboard gets no sources");
    assert_eq!(list.body["policy"]["version"], 1);

    let again = dashboard.send(
        "GET",
        &format!("/v1/priorities?as_of={DAY}"),
        &[("if-none-match", &list.etag())],
        None,
    );
    assert_eq!(again.status, 304);

    let staff = house.staff();
    let seen = staff
        .get(&format!("/v1/priorities?as_of={DAY}&reason=long_sentence"))
        .expect(200);
    assert_eq!(names(&seen.body), ["Liu Xiaobo", "Guo Quan"]);
    assert!(seen.body["items"][0]["reasons"][0]["fact"]["source_id"].is_string());
    assert_eq!(
        names(&staff.get("/v1/priorities?as_of=2007-01-01").expect(200).body),
        Vec::<String>::new()
    );
    assert_eq!(
        names(&staff.get("/v1/priorities?as_of=2009-12-26").expect(200).body),
        ["Chen Guangcheng", "Liu Xiaobo", "Guo Quan"]
    );
    let later = staff.get("/v1/priorities?as_of=2012-01-01").expect(200);
    assert_eq!(
        names(&later.body),
        ["Liu Xiaobo", "Guo Quan"],
        "a sentence that has ended is not served"
    );
    assert_eq!(
        staff.get("/v1/priorities?as_of=2010-05").expect(422).pointer(),
        "/as_of"
    );

    let mut walked = Vec::new();
    let mut path = format!("/v1/priorities?as_of={DAY}&limit=1");
    loop {
        let page = staff.get(&path).expect(200);
        walked.extend(names(&page.body));
        match page.body["next"].as_str() {
            Some(next) => path = format!("/v1/priorities?as_of={DAY}&limit=1&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(walked, ["Hu Jia", "Chen Guangcheng", "Liu Xiaobo", "Guo Quan"]);
}

fn filing(house: &House) {
    let staff = house.staff();
    let text = "Statement.\nWe are concerned for LIU\nXIAOBO, Hu Jia\u{2019}s wife Zeng Jinyan, and 郭泉. Hu Jiaqi is another person.";
    let scan = staff.post("/v1/statements/scan", &json!({"text": text})).expect(200);
    let found: Vec<&str> = scan.body["mentions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["text"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["LIU\nXIAOBO", "Hu Jia", "Zeng Jinyan", "郭泉"]);
    let chars: Vec<char> = text.chars().collect();
    for mention in scan.body["mentions"].as_array().unwrap() {
        let at = |name: &str| usize::try_from(mention[name].as_u64().unwrap()).unwrap();
        assert_eq!(
            chars[at("start")..at("end")].iter().collect::<String>(),
            mention["text"].as_str().unwrap()
        );
        assert!(mention["candidates"][0]["why"].is_string());
    }
    let body = json!({"title": "Another statement", "kind": "statement", "issued_on": "2010-05-11", "language": "en", "text": text, "sharing": "public"});
    let filed = staff.post("/v1/statements", &body).expect(201);
    assert_eq!(filed.body["mentions"].as_array().unwrap().len(), 4);
    assert!(
        filed.body["mentions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|mention| mention["state"] == "suggested")
    );
    let again = staff.post("/v1/statements", &body);
    assert_eq!((again.status, again.problem().as_str()), (409, "already_exists"));
    assert_eq!(again.body["existing"].as_str().unwrap(), filed.id());
    let place = format!(
        "/v1/statements/{}/mentions/{}",
        filed.id(),
        filed.body["mentions"][0]["id"].as_str().unwrap()
    );
    let mention = staff.get(&place).expect(200);
    let confirmed = staff
        .patch(&place, &mention.etag(), &json!({"state": "confirmed"}))
        .expect(200);
    assert_eq!(confirmed.body["state"], "confirmed");
    assert_eq!(
        staff
            .patch(&place, &mention.etag(), &json!({"state": "rejected"}))
            .expect(412)
            .problem(),
        "precondition_failed"
    );
    assert!(
        staff.get("/v1/statements?q=zeng").expect(200).body["items"]
            .as_array()
            .unwrap()
            .len()
            == 1
    );

    let found = staff.get("/v1/individuals/match?name=Jia%20Hu").expect(200);
    assert_eq!(found.body["items"][0]["name"], "Hu Jia");
    let id = found.body["items"][0]["individual_id"].as_str().unwrap().to_owned();
    let file = house.partner().get(&format!("/v1/individuals/{id}/file")).expect(200);
    assert_eq!(file.body["individual"]["original_name"], "胡佳");
    assert_eq!(file.body["relations"][0]["other_name"], "Zeng Jinyan");
    assert_eq!(file.body["cases"][0]["sentences"][0]["end"], "2011-06-26");
    assert_eq!(file.body["mentions"].as_array().unwrap().len(), 2);
    assert!(file.body["cases"][0]["case"]["opened_on"] == "2007-12-27");
}

#[test]
fn the_founding_statement_gives_the_four_sqlite() {
    whole_job(&House::with_sample(Kind::Sqlite));
}

#[test]
fn the_founding_statement_gives_the_four_postgres() {
    whole_job(&House::with_sample(Kind::Postgres));
}

#[test]
fn another_statement_is_filed_and_its_people_are_found_sqlite() {
    filing(&House::with_sample(Kind::Sqlite));
}

#[test]
fn another_statement_is_filed_and_its_people_are_found_postgres() {
    filing(&House::with_sample(Kind::Postgres));
}
