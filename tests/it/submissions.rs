//! What partners propose, what becomes of it, and who learns of it.

use serde_json::{Value, json};

use crate::support::{Actor, Answer, House, PASSWORD};

/// A public case of a person who consents, and its place.
fn shared_case(staff: &Actor) -> String {
    let id = staff.make(
        "/v1/individuals",
        &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}),
    );
    let body = json!({"individual_id": id, "country": "CN", "sharing": "public", "summary": "Detained."});
    format!("/v1/cases/{}", staff.make("/v1/cases", &body))
}

fn health(severity: &str) -> Value {
    json!({"holds_from": "2010-03-30", "particulars": {"severity": severity}})
}

fn summary(text: &str) -> Value {
    json!({"changes": {"summary": text}})
}

/// Proposes something; the place of the submission.
#[track_caller]
fn propose(partner: &Actor, case: &str, body: &Value) -> String {
    let answer = partner.post(&format!("{case}/submissions"), body).expect(201);
    assert_eq!(answer.body["state"], "proposed");
    answer.header("location").to_owned()
}

fn decide(staff: &Actor, submission: &str, body: &Value) -> Answer {
    let etag = staff.get(submission).expect(200).etag();
    decide_at(staff, submission, &etag, body)
}

fn decide_at(staff: &Actor, submission: &str, etag: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("if-match", etag)];
    let body = body.to_string();
    staff.send(
        "POST",
        &format!("{submission}/decision"),
        &headers,
        Some(body.as_bytes()),
    )
}

fn withdraw(partner: &Actor, submission: &str) -> Answer {
    partner.send("POST", &format!("{submission}/withdrawal"), &[], None)
}

fn listed(actor: &Actor, query: &str) -> Vec<String> {
    let page = actor.get(&format!("/v1/submissions{query}")).expect(200);
    let items = page.body["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| format!("/v1/submissions/{}", item["id"].as_str().unwrap()))
        .collect()
}

/// All that a client reads, but for the request's id.
fn read(mut answer: Answer) -> Value {
    answer.body["request_id"] = Value::Null;
    json!([answer.status, answer.body, answer.etag()])
}

/// A partner's account that can be put on a team.
fn confidant(house: &House) -> Actor {
    let organisation = house.partner().get("/v1/me").expect(200).body["organisation_id"].clone();
    let account = json!({"email": "confidant@example.org", "name": "C", "role": "partner", "organisation_id": organisation, "password": PASSWORD});
    house.admin().make("/v1/accounts", &account);
    house.actor("confidant")
}

on_both! {
    fn what_is_accepted_is_recorded_as_it_was_proposed(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let case = shared_case(&staff);
        let old = staff.make(&format!("{case}/health"), &health("mild"));
        let before = partner.get(&case).expect(200);
        let body = json!({"changes": {"summary": "Sentenced.", "concerns": ["torture"], "country": "CN"},
            "facts": {"custody": [{"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}}],
                "health": [{"holds_from": "2010-03-30", "particulars": {"severity": "serious"}, "information": "confirmed", "supersedes": old, "reason": "seen by the family"}]},
            "note": "Told us by the family."});
        let submission = propose(&partner, &case, &body);
        let seen = partner.get(&submission).expect(200).body;
        assert_eq!(seen["changes"], json!({"concerns": {"from": [], "to": ["torture"]}, "summary": {"from": "Detained.", "to": "Sentenced."}}));
        assert_eq!((&seen["facts"]["health"][0]["supersedes"], &seen["submitted_by"]), (&json!(old), &json!(partner.account())));
        // Nothing of it is on record, and nobody learns of it by the case.
        assert_eq!((partner.get(&case).etag(), partner.get(&case).body), (before.etag(), before.body));
        assert_eq!(staff.get(&format!("{case}/custody")).expect(200).body["items"], json!([]));
        let done = decide(&staff, &submission, &json!({"decision": "accept"})).expect(200);
        assert_eq!((&done.body["state"], &done.body["decided_by"]), (&json!("accepted"), &json!(staff.account())));
        assert_eq!(done.etag(), staff.get(&submission).etag());
        let now = partner.get(&case).expect(200).body;
        assert_eq!((&now["summary"], &now["concerns"], &now["current"]["health"]["says"]["severity"]), (&json!("Sentenced."), &json!(["torture"]), &json!("serious")));
        let facts = partner.get(&format!("{case}/health")).expect(200).body["items"].clone();
        let new = facts.as_array().unwrap().iter().find(|fact| fact["supersedes"] == json!(old)).unwrap();
        assert_eq!((&new["information"], &new["sharing"], &new["superseded_by"]), (&json!("confirmed"), &json!("public"), &Value::Null));
        // The partner sees the outcome, but not who decided.
        let told = partner.get(&submission).expect(200).body;
        assert_eq!((&told["state"], told.get("decided_by")), (&json!("accepted"), None));
        assert!(told["decided_at"].is_string());
        // It is an edit by whoever accepted it, and says why.
        let history = staff.get(&format!("{case}/history")).expect(200).body["items"].clone();
        let id = submission.rsplit('/').next().unwrap();
        let why = json!(format!("submission {id}"));
        let because: Vec<&Value> = history.as_array().unwrap().iter().filter(|entry| entry["reason"] == why).collect();
        assert_eq!(because.len(), 3, "the case and two facts: {history}");
        assert!(because.iter().all(|entry| entry["actor_id"] == json!(staff.account())));
        let other = shared_case(&staff);
        assert!(!staff.get(&format!("{other}/history")).expect(200).text.contains(id));
        assert_eq!(decide(&staff, &submission, &json!({"decision": "refuse", "reason": "late"})).expect(409).problem(), "conflict");
        assert_eq!(withdraw(&partner, &submission).expect(409).problem(), "conflict");
    }

    fn what_is_changed_is_recorded_as_it_was_decided(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let case = shared_case(&staff);
        let submission = propose(&partner, &case, &json!({"changes": {"summary": "Sentenced to four years."}, "facts": {"health": [health("critical")]}}));
        for (bad, pointer) in [
            (json!({"decision": "change", "changes": {"summary": "S"}}), "/reason"),
            (json!({"decision": "refuse"}), "/reason"),
            (json!({"decision": "change", "reason": "r"}), "/changes"),
            (json!({"decision": "change", "reason": "r", "changes": {"summary": "Detained."}, "facts": {}}), "/changes"),
            (json!({"decision": "accept", "changes": {"summary": "S"}}), "/changes"),
            (json!({"decision": "refuse", "reason": "r", "facts": {}}), "/facts"),
            (json!({"decision": "change", "reason": "r", "changes": {"country": "XX"}}), "/changes/country"),
            (json!({"decision": "change", "reason": "r", "changes": {"sharing": null}}), "/changes/sharing"),
            (json!({"decision": "change", "reason": "r", "facts": {"health": [{"holds_from": "2010", "particulars": {"severity": "mild"}, "source_id": "00000000-0000-4000-8000-000000000000"}]}}), "/facts/health/0/source_id"),
            (json!({"decision": "undecided"}), "/decision"),
            (json!({"decision": "accept", "state": "accepted"}), "/state"),
        ] {
            assert_eq!(decide(&staff, &submission, &bad).expect(422).pointer(), pointer, "{bad}");
        }
        let mut fact = health("serious");
        (fact["sharing"], fact["notes"]) = (json!("internal"), json!("one source alone"));
        let body = json!({"decision": "change", "reason": "The verdict says three and a half.", "changes": {"summary": "Sentenced to three years and six months."}, "facts": {"health": [fact]}});
        let done = decide(&staff, &submission, &body).expect(200).body;
        assert_eq!((&done["state"], &done["changes"]["summary"]["to"]), (&json!("changed"), &json!("Sentenced to four years.")));
        assert_eq!(partner.get(&case).expect(200).body["summary"], "Sentenced to three years and six months.");
        let told = partner.get(&submission).expect(200);
        assert_eq!((&told.body["state"], &told.body["reason"]), (&json!("changed"), &json!("The verdict says three and a half.")));
        assert!(!told.text.contains("one source alone"));
        assert_eq!(partner.get(&format!("{case}/health")).expect(200).body["items"], json!([]), "it was kept inside");
        assert_eq!(staff.get(&format!("{case}/health")).expect(200).body["items"][0]["notes"], "one source alone");
    }

    fn what_is_refused_or_withdrawn_leaves_no_trace_in_the_case(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let case = shared_case(&staff);
        let before = staff.get(&case).expect(200).etag();
        let (first, second) = (propose(&partner, &case, &summary("One.")), propose(&partner, &case, &summary("Two.")));
        let done = decide(&staff, &first, &json!({"decision": "refuse", "reason": "It is another person."})).expect(200).body;
        assert_eq!((&done["state"], &done["reason"]), (&json!("refused"), &json!("It is another person.")));
        assert_eq!(partner.get(&first).expect(200).body["reason"], "It is another person.");
        let gone = withdraw(&partner, &second).expect(200).body;
        assert_eq!((&gone["state"], &gone["reason"]), (&json!("withdrawn"), &Value::Null));
        for actor in [&staff, &partner] {
            assert_eq!(withdraw(actor, &second).status, if actor.token == staff.token { 403 } else { 409 });
        }
        assert_eq!(decide(&staff, &second, &json!({"decision": "accept"})).expect(409).problem(), "conflict");
        assert_eq!(staff.get(&case).etag(), before);
        assert_eq!((listed(&partner, "?state=refused"), listed(&staff, "?state=withdrawn"), listed(&staff, "?state=proposed")), (vec![first], vec![second], vec![]));
    }

    fn nothing_that_the_partner_did_not_see_is_overwritten(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let case = shared_case(&staff);
        let report = staff.make(&format!("{case}/health"), &health("mild"));
        let mut newer = health("serious");
        (newer["supersedes"], newer["reason"]) = (json!(report), json!("a visit"));
        let submission = propose(&partner, &case, &json!({"changes": {"summary": "Proposed.", "country": "VN"}}));
        let about_a_fact = propose(&partner, &case, &json!({"facts": {"health": [newer]}}));
        let seen = staff.get(&submission).etag();
        let change = |body: Value| staff.patch(&case, &staff.get(&case).etag(), &body).expect(200);
        change(json!({"summary": "Newer.", "country": "VN", "notes": "inside"}));
        let answer = decide(&staff, &submission, &json!({"decision": "accept"})).expect(409);
        assert_eq!((answer.problem().as_str(), answer.pointer()), ("conflict", "/changes/summary"));
        assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1, "what became as proposed is no conflict");
        assert_eq!((&staff.get(&case).body["summary"], &staff.get(&submission).body["state"]), (&json!("Newer."), &json!("proposed")));
        change(json!({"summary": "Detained."}));
        decide_at(&staff, &submission, &seen, &json!({"decision": "accept"})).expect(200);
        assert_eq!(decide_at(&staff, &submission, &seen, &json!({"decision": "accept"})).expect(412).problem(), "precondition_failed");
        assert_eq!(staff.post(&format!("{submission}/decision"), &json!({"decision": "accept"})).expect(428).problem(), "precondition_required");
        // The same of a fact: what was retracted meanwhile is not replaced, and nothing else is recorded.
        staff.post(&format!("{case}/health/{report}/retract"), &json!({"reason": "mistaken"})).expect(200);
        assert_eq!(decide(&staff, &about_a_fact, &json!({"decision": "accept"})).expect(409).problem(), "conflict");
        assert_eq!(staff.get(&about_a_fact).body["state"], "proposed");
        assert_eq!(staff.get(&format!("{case}/health")).expect(200).body["items"].as_array().unwrap().len(), 1);
    }

    fn accepting_opens_nothing(house: &House) {
        let (staff, own, partner) = (house.staff(), house.staff_of("partner"), house.partner());
        let id = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "public"}));
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": id, "country": "CN", "sharing": "public"})));
        let mut report = json!({"holds_from": "2010", "particulars": {"severity": "serious"}, "sharing": "internal"});
        let theirs = own.make(&format!("{case}/health"), &report);
        report.as_object_mut().unwrap().remove("sharing");
        (report["supersedes"], report["reason"]) = (json!(theirs), json!("a visit"));
        let proposed = partner.make(&format!("{case}/submissions"), &json!({"facts": {"health": [report]}}));
        let accepted = decide(&staff, &format!("/v1/submissions/{proposed}"), &json!({"decision": "accept"}));
        assert_eq!(accepted.expect(409).problem(), "conflict");
        assert_eq!(house.actor("stranger").get(&format!("{case}/health")).expect(200).body["items"], json!([]));
    }

    fn what_cannot_be_recorded_is_refused_when_it_is_proposed(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let case = shared_case(&staff);
        let stage = json!({"holds_from": "2008", "particulars": {"status": "serving_sentence", "certainty": "confirmed"}});
        let hidden = staff.make(&format!("{case}/custody"), &{
            let mut stage = stage.clone();
            stage["sharing"] = json!("internal");
            stage
        });
        let shown = staff.make(&format!("{case}/custody"), &stage);
        let source = staff.make("/v1/sources", &json!({"title": "A guard", "reliability": "a"}));
        let unknown = "00000000-0000-4000-8000-000000000000";
        let with = |field: &str, value: Value| {
            let mut stage = stage.clone();
            stage[field] = value;
            stage
        };
        let replacing = |id: &str| {
            let mut stage = with("supersedes", json!(id));
            stage["reason"] = json!("r");
            stage
        };
        let custody = |stage: Value| json!({"facts": {"custody": [stage]}});
        let many: Vec<Value> = (0..51).map(|_| stage.clone()).collect();
        for (bad, pointer) in [
            (json!({}), "/changes"),
            (json!({"changes": {}, "facts": {}, "note": "n"}), "/changes"),
            (json!({"changes": {"summary": "Detained.", "country": "CN"}}), "/changes"),
            (json!({"changes": {"country": null}}), "/changes/country"),
            (json!({"changes": {"country": "XX"}}), "/changes/country"),
            (json!({"changes": {"opened_on": "2008-13"}}), "/changes/opened_on"),
            (json!({"changes": {"opened_on": "2008", "closed_on": "2007"}}), "/changes/closed_on"),
            (json!({"changes": {"closed_on": "2007"}}), "/changes/closed_on"),
            (json!({"changes": {"concerns": ["nothing"]}}), "/changes/concerns/0"),
            (json!({"facts": {"custody": many}}), "/facts"),
            (json!({"facts": {"verdicts": []}}), "/facts/verdicts"),
            (custody(with("holds_from", json!("yesterday"))), "/facts/custody/0/holds_from"),
            (custody(with("particulars", json!({"status": "free", "certainty": "confirmed"}))), "/facts/custody/0/particulars/status"),
            (custody(with("particulars", json!({"status": "released", "certainty": "confirmed", "until": "2007"}))), "/facts/custody/0/particulars/until"),
            (custody(with("information", json!("sure"))), "/facts/custody/0/information"),
            (custody(with("reason", json!("r"))), "/facts/custody/0/reason"),
            (custody(with("supersedes", json!(shown))), "/facts/custody/0/reason"),
            (custody(replacing(unknown)), "/facts/custody/0/supersedes"),
            (custody(with("source_id", json!(unknown))), "/facts/custody/0/source_id"),
            (json!({"facts": {"custody": [replacing(&shown), replacing(&shown)]}}), "/facts/custody/1/supersedes"),
            (json!({"facts": {"sentences": [{"holds_from": "2010", "particulars": {"kind": "fixed_term"}}]}}), "/facts/sentences/0/particulars/years"),
        ] {
            let answer = partner.post(&format!("{case}/submissions"), &bad).expect(422);
            assert_eq!(answer.pointer(), pointer, "{bad}: {}", answer.text);
        }
        // Hidden is absent, in a body too.
        for (known, other) in [(custody(replacing(&hidden)), custody(replacing(unknown))), (custody(with("source_id", json!(source))), custody(with("source_id", json!(unknown))))] {
            let ask = |body: &Value| read(partner.post(&format!("{case}/submissions"), body));
            assert_eq!(ask(&known), ask(&other));
        }
        // No other column of a case, a fact or a submission can be named.
        for field in ["id", "individual_id", "organisation_id", "sharing", "notes", "officer_id", "source_id", "created_at", "updated_at", "partners_updated_at", "retired_at"] {
            let answer = partner.post(&format!("{case}/submissions"), &json!({"changes": {field: null}})).expect(422);
            assert_eq!(answer.pointer(), format!("/changes/{field}"));
        }
        for field in ["id", "case_id", "organisation_id", "kind", "sharing", "rank", "notes", "earliest", "latest", "superseded_by", "recorded_by", "retracted_at"] {
            let answer = partner.post(&format!("{case}/submissions"), &custody(with(field, Value::Null))).expect(422);
            assert_eq!(answer.pointer(), format!("/facts/custody/0/{field}"));
        }
        for field in ["id", "case_id", "organisation_id", "sharing", "state", "submitted_by", "submitted_at", "decided_by", "decided_at", "reason"] {
            let mut body = summary("New.");
            body[field] = Value::Null;
            assert_eq!(partner.post(&format!("{case}/submissions"), &body).expect(422).pointer(), format!("/{field}"));
        }
        assert_eq!((listed(&staff, ""), listed(&partner, "")), (vec![], vec![]), "something was stored");
    }

    fn nobody_else_learns_of_a_submission(house: &House) {
        let (staff, partner, stranger) = (house.staff(), house.partner(), house.actor("stranger"));
        let case = shared_case(&staff);
        let everything = |actor: &Actor| {
            let paths = ["/v1/submissions", "/v1/cases", &case, &format!("{case}/history"), &format!("/v1/submissions?case={}", case.rsplit('/').next().unwrap())];
            paths.map(|path| read(actor.get(path)))
        };
        let before = everything(&stranger);
        let submission = propose(&partner, &case, &summary("In confidence."));
        assert_eq!(everything(&stranger), before);
        let absent = "/v1/submissions/00000000-0000-4000-8000-000000000000";
        for place in [&submission, &absent.to_owned()] {
            assert_eq!(stranger.get(place).expect(404).problem(), "not_found");
            assert_eq!(withdraw(&stranger, place).expect(404).problem(), "not_found");
            assert_eq!(decide_at(&stranger, place, "*", &json!({"decision": "accept"})).expect(403).problem(), "forbidden");
        }
        assert_eq!(read(withdraw(&stranger, &submission)), read(withdraw(&stranger, absent)));
        for (actor, told) in [(&partner, true), (&stranger, false), (&staff, true), (&house.admin(), true)] {
            assert_eq!(actor.get(&format!("{case}/history")).expect(200).text.contains("In confidence."), told);
        }
        assert!(house.admin().get("/v1/audit?record_kind=submission").expect(200).text.contains("In confidence."));
        decide(&staff, &submission, &json!({"decision": "refuse", "reason": "no"})).expect(200);
        assert_eq!(everything(&stranger), before);
        assert_eq!(house.dashboard().get("/v1/submissions").status, 403);
        let answer = staff.post(&format!("{case}/submissions"), &summary("Mine."));
        assert_eq!(answer.expect(403).problem(), "forbidden", "those inside edit");
    }

    fn a_case_that_is_hidden_takes_its_submissions_along(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        let case = shared_case(&staff);
        let submission = propose(&partner, &case, &summary("New."));
        let internal = staff.make("/v1/cases", &{
            let person = staff.get(&case).body["individual_id"].clone();
            json!({"individual_id": person, "country": "CN"})
        });
        let ask = |id: &str| read(partner.post(&format!("/v1/cases/{id}/submissions"), &summary("New.")));
        assert_eq!(ask(&internal), ask("00000000-0000-4000-8000-000000000000"));
        assert_eq!(partner.post(&format!("/v1/cases/{internal}/submissions"), &summary("New.")).expect(404).problem(), "not_found");
        staff.patch(&case, &staff.get(&case).etag(), &json!({"sharing": "internal"})).expect(200);
        assert_eq!((partner.get(&submission).status, listed(&partner, ""), withdraw(&partner, &submission).status), (404, vec![], 404));
        staff.get(&submission).expect(200);
        staff.patch(&case, &staff.get(&case).etag(), &json!({"sharing": "restricted"})).expect(200);
        let admin = house.admin();
        assert_eq!((admin.get(&submission).status, listed(&admin, "")), (404, vec![]));
        // Decided while the case was restricted: the reason stays with the team, also when the case is opened.
        decide(&staff, &submission, &json!({"decision": "refuse", "reason": "said by guard Wang"})).expect(200);
        staff.patch(&case, &staff.get(&case).etag(), &json!({"sharing": "public"})).expect(200);
        for actor in [&admin, &partner] {
            assert_eq!(actor.get(&submission).status, 404);
            assert!(!actor.get(&format!("{case}/history")).expect(200).text.contains("guard Wang"));
        }
        assert!(staff.get(&format!("{case}/history")).expect(200).text.contains("guard Wang"));
    }

    fn what_was_proposed_in_confidence_stays_with_the_team(house: &House) {
        let (staff, admin, partner, confidant) = (house.staff(), house.admin(), house.partner(), confidant(house));
        let case = shared_case(&staff);
        staff.put(&format!("{case}/team/{}", confidant.account()), &json!({})).expect(204);
        let mut secret = health("mild");
        secret["sharing"] = json!("restricted");
        let secret = staff.make(&format!("{case}/health"), &secret);
        let source = staff.make("/v1/sources", &json!({"title": "A relative", "reliability": "a", "sharing": "restricted"}));
        staff.put(&format!("/v1/sources/{source}/team/{}", confidant.account()), &json!({})).expect(204);
        let mut report = health("critical");
        (report["supersedes"], report["reason"], report["source_id"]) = (json!(secret), json!("as guard Wang told"), json!(source));
        let before = read(admin.get(&format!("{case}/history")));
        let submission = propose(&confidant, &case, &json!({"facts": {"health": [report]}}));
        assert_eq!(confidant.get(&submission).expect(200).body["sharing"], "restricted");
        for other in [&admin, &partner] {
            assert_eq!((other.get(&submission).status, listed(other, "")), (404, vec![]));
        }
        assert_eq!(read(admin.get(&format!("{case}/history"))), before);
        decide(&staff, &submission, &json!({"decision": "accept"})).expect(200);
        // What took the place of a restricted fact is restricted, and the open case names no such submission.
        let facts = confidant.get(&format!("{case}/health")).expect(200).body["items"].clone();
        let new = facts.as_array().unwrap().iter().find(|fact| fact["supersedes"] == json!(secret)).unwrap();
        assert_eq!((&new["sharing"], &new["source_id"]), (&json!("restricted"), &json!(source)));
        for other in [&admin, &partner] {
            let told = other.get(&format!("{case}/history")).expect(200).text;
            assert!(!told.contains("guard Wang") && !told.contains("submission"), "{told}");
        }
        // A source that whoever accepts may not see is neither told nor lost.
        let mut open = health("serious");
        open["source_id"] = json!(source);
        let submission = propose(&confidant, &case, &json!({"facts": {"health": [open]}}));
        assert_eq!(admin.get(&submission).expect(200).body["facts"]["health"][0]["source_id"], Value::Null);
        assert!(!admin.get("/v1/audit?limit=200").expect(200).text.contains(&source));
        decide(&admin, &submission, &json!({"decision": "accept"})).expect(200);
        let facts = confidant.get(&format!("{case}/health")).expect(200).body["items"].clone();
        let new = facts.as_array().unwrap().iter().find(|fact| fact["sharing"] == "public").unwrap();
        assert_eq!(new["source_id"], json!(source));
    }

    fn submissions_are_listed_in_pages_the_oldest_first(house: &House) {
        let (staff, partner, stranger) = (house.staff(), house.partner(), house.actor("stranger"));
        let case = shared_case(&staff);
        let mut made = Vec::new();
        for number in 0..5 {
            let by = if number == 2 { &stranger } else { &partner };
            made.push(propose(by, &case, &summary(&format!("Number {number}."))));
        }
        let paged = |actor: &Actor| {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = actor.get(&format!("/v1/submissions?limit=2{cursor}")).expect(200).body;
                seen.extend(page["items"].as_array().unwrap().iter().map(|item| format!("/v1/submissions/{}", item["id"].as_str().unwrap())));
                match page["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => return seen,
                }
            }
        };
        assert_eq!((paged(&staff), paged(&stranger)), (made.clone(), vec![made[2].clone()]));
        made.remove(2);
        assert_eq!(paged(&partner), made);
        for bad in ["cursor=eHg", "state=open", "case=1", "limit=0", "organisation=1"] {
            let name = bad.split('=').next().unwrap();
            assert_eq!(staff.get(&format!("/v1/submissions?{bad}")).expect(422).pointer(), format!("/{name}"));
        }
    }
}
