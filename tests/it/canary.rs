//! A canary in every field that holds words, then everything that can be read: none sings above the level that the document
//! gives its field. (In the log: `commands.rs`; in the database's file: `sealed.rs`.)

use conscience::app::document::Document;
use serde_json::{Value, json};

use crate::support::{Actor, House};

/// The bird of that field.
fn bird(schema: &str, field: &str) -> String {
    format!("Canary {schema} {field}")
}

/// Ids by the segment of the path that asks for them.
type Ids = Vec<(&'static str, String)>;

fn filled(path: &str, ids: &Ids) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let of = |name: &str| {
        ids.iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, id)| id.as_str())
    };
    let id_after = |place: usize| of(parts[place - 1]);
    let filled = parts.iter().enumerate().map(|(place, part)| match *part {
        "{account_id}" => of("accounts"),
        part if part.starts_with('{') => id_after(place),
        part => part,
    });
    filled.collect::<Vec<_>>().join("/")
}

/// One record of each kind, shared with everyone, with a bird in each field.
fn cage(house: &House) -> Ids {
    let (staff, admin) = (house.staff(), house.admin());
    let c = bird;
    let source = staff.make("/v1/sources", &json!({"title": c("SourceOut", "title"), "publisher": c("SourceOut", "publisher"), "reliability": "a", "notes": c("SourceOut", "notes"),
        "identity": c("SourceOut", "identity"), "sharing": "public"}));
    let of = "IndividualOut";
    let person = json!({"names": [{"text": c(of, "names")}], "born_on": "1973", "country": "CN", "ethnicity": c(of, "ethnicity"), "religion": c(of, "religion"),
        "occupations": [c(of, "occupations")], "biography": c(of, "biography"), "identifiers": [{"register": "R", "value": c(of, "identifiers")}], "notes": c(of, "notes"),
        "source_id": source, "contacts": [c(of, "contacts")], "sharing": "public"});
    let individual = staff.make("/v1/individuals", &person);
    let consent = json!({"state": "given", "given_by": "self", "given_on": "2009", "evidence": c("ConsentOut", "evidence"),
        "scopes": ["partner_sharing", "raising_in_public", "name", "photo", "health"]});
    staff
        .post(&format!("/v1/individuals/{individual}/consents"), &consent)
        .expect(201);
    let excuse = json!({"scopes": ["photo"], "reason": c("OverrideOut", "reason")});
    staff
        .post(&format!("/v1/individuals/{individual}/overrides"), &excuse)
        .expect(201);
    let other = staff.make(
        "/v1/individuals",
        &json!({"names": [{"text": "Zeng Jinyan"}], "sharing": "public"}),
    );
    let relation = json!({"kind": "spouse", "other_id": other, "note": c("RelationOut", "note"), "opened_because": c("RelationOut", "opened_because")});
    let relation = staff.make(&format!("/v1/individuals/{individual}/relations"), &relation);
    let twice = |name: &str| json!({"names": [{"text": name}], "identifiers": [{"register": "R", "value": c("MergeOut", "identifiers")}]});
    let kept = staff.make("/v1/individuals", &json!({"names": [{"text": "Gao Zhisheng"}]}));
    let also = staff.make("/v1/individuals", &twice(&c("MergeOut", "names")));
    let judged =
        json!({"individual_id": kept, "other_id": other, "verdict": "same", "reason": c("JudgementOut", "reason")});
    let judgement = staff.make("/v1/individuals/judgements", &judged);
    let etag = staff.get(&format!("/v1/individuals/{kept}")).expect(200).etag();
    let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
    let body = json!({"other_id": also, "reason": c("MergeOut", "reason")}).to_string();
    let merge = staff.send(
        "POST",
        &format!("/v1/individuals/{kept}/merge"),
        &headers,
        Some(body.as_bytes()),
    );
    let merge = merge.expect(201).id();
    let why = json!({"reason": c("MergeOut", "undo_reason")});
    staff.post(&format!("/v1/merges/{merge}/undo"), &why).expect(200);
    let of = "CaseOut";
    let case = json!({"individual_id": individual, "country": "CN", "impugned_activity": c(of, "impugned_activity"), "summary": c(of, "summary"), "notes": c(of, "notes"), "sharing": "public"});
    let case = staff.make("/v1/cases", &case);
    let mut ids: Ids = Vec::new();
    for (place, schema, particulars) in [
        (
            "custody",
            "FactOut_Custody",
            json!({"status": "serving_sentence", "certainty": "confirmed", "facility": c("FactOut_Custody", "particulars")}),
        ),
        (
            "charges",
            "FactOut_Charge",
            json!({"offence": c("FactOut_Charge", "particulars"), "status": "convicted"}),
        ),
        (
            "sentences",
            "FactOut_Sentence",
            json!({"kind": "life", "court": c("FactOut_Sentence", "particulars")}),
        ),
        (
            "health",
            "FactOut_Health",
            json!({"severity": "critical", "conditions": [c("FactOut_Health", "particulars")]}),
        ),
    ] {
        let path = format!("/v1/cases/{case}/{place}");
        let mut fact = json!({"holds_from": "2009", "particulars": particulars, "notes": c(schema, "notes"), "sharing": "public", "source_id": source});
        let first = staff.make(&path, &fact);
        (fact["supersedes"], fact["reason"]) = (json!(first), json!(c(schema, "reason")));
        let second = staff.make(&path, &fact);
        (fact["supersedes"], fact["reason"]) = (Value::Null, Value::Null);
        let third = staff.make(&path, &fact);
        staff
            .post(
                &format!("{path}/{third}/retract"),
                &json!({"reason": c(schema, "retraction_reason")}),
            )
            .expect(200);
        ids.push((place, second));
    }
    let of = "StatementOut";
    let text = json!({"title": c(of, "title"), "kind": "letter", "issued_on": "2010", "language": "en", "text": format!("{}. Free {}.", c(of, "text"), c("IndividualOut", "names")),
        "notes": c(of, "notes"), "sharing": "public"});
    let statement = staff.post("/v1/statements", &text).expect(201).body;
    let mention = statement["mentions"][0]["id"].as_str().unwrap().to_owned();
    let own = house.partner().make(
        &format!("/v1/cases/{case}/submissions"),
        &json!({"changes": {"summary": c("SubmissionOut", "changes")}, "note": c("SubmissionOut", "note")}),
    );
    let organisation = admin.get("/v1/me").expect(200).body["organisation_id"]
        .as_str()
        .unwrap()
        .to_owned();
    ids.extend([
        ("sources", source),
        ("individuals", individual),
        ("relations", relation),
        ("judgements", judgement),
        ("merges", merge),
        ("cases", case),
        ("statements", statement["id"].as_str().unwrap().to_owned()),
        ("mentions", mention),
        ("submissions", own),
        ("organisations", organisation),
        ("accounts", staff.account()),
        ("clients", String::new()),
    ]);
    ids
}

/// All that someone can read, in one text.
fn heard(actor: &Actor, document: &Value, ids: &Ids) -> String {
    let mut heard = String::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if !item["get"].is_null() {
            heard += &actor.get(&filled(path, ids)).text;
        }
    }
    for path in [
        "/v1/individuals?q=canary",
        "/v1/individuals/match?name=Canary",
        "/v1/statements?q=canary",
        "/v1/counts?by=reason",
        "/v1/priorities?as_of=2010-05-10",
    ] {
        heard += &actor.get(path).text;
    }
    let text = json!({"text": format!("Free {}.", bird("IndividualOut", "names"))});
    // What is sent is not sent back: a name that is found is.
    heard + &actor.post("/v1/statements/scan", &text).text
}

on_both! {
    fn no_field_is_read_above_its_level(house: &House) {
        let ids = cage(house);
        let document = Document::made().value;
        let mut birds = Vec::new();
        for (schema, told) in document["components"]["schemas"].as_object().unwrap() {
            for (field, shape) in told["properties"].as_object().into_iter().flatten() {
                if let Some(class) = shape["x-sharing"].as_str() {
                    birds.push((bird(schema, field), class.to_owned()));
                }
            }
        }
        let partner = house.partner().account();
        let key = json!({"account_id": partner, "name": "N", "scopes": ["read"]});
        let key = house.admin().post("/v1/clients", &key).expect(201).body["key"].as_str().unwrap().to_owned();
        let staff = heard(&house.staff(), &document, &ids);
        let sung = birds.iter().filter(|(bird, _)| staff.contains(bird.as_str())).count();
        assert!(sung > 30, "the cage is empty: {sung}");
        assert!(staff.contains(&bird("IndividualOut", "contacts")) && staff.contains(&bird("SourceOut", "identity")), "its team hears it");
        house.staff_of("partner");
        for (name, actor, classes) in [
            ("staff of no team", house.actor("staff-of-partner"), &["public", "partners", "internal"][..]),
            ("stranger", house.actor("stranger"), &["public", "partners"]),
            ("machine", house.with_token(&key), &["public", "partners"]),
            ("dashboard", house.dashboard(), &["public"]),
            ("nobody", house.anon(), &[]),
        ] {
            let heard = heard(&actor, &document, &ids);
            if classes.contains(&"partners") {
                for (schema, field) in [("IndividualOut", "biography"), ("CaseOut", "summary"), ("StatementOut", "text"), ("SourceOut", "title")] {
                    assert!(heard.contains(&bird(schema, field)), "{name} does not hear {schema} {field}");
                }
            }
            for (bird, class) in &birds {
                assert!(classes.contains(&class.as_str()) || !heard.contains(bird.as_str()), "{name} hears {bird}, which is {class}");
            }
        }
    }
}
