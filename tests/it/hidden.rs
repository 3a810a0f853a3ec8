//! The hidden things, of which one of two worlds has one more; the register that they share is `worlds.rs`.

use serde_json::{Value, json};

use crate::support::{Actor, PASSWORD};
use crate::worlds::{Open, ROLES};

/// What is added to one of the two worlds, and from whom it is hidden.
pub struct Hidden {
    pub told: &'static str,
    pub from: &'static [&'static str],
    /// What is done in both worlds after it, the same but for what it has to do with the hidden thing.
    pub then: Option<fn(&Actor, &Open, bool)>,
    pub add: fn(&Actor, &Actor, &Open, u64),
}

impl Hidden {
    /// Whether joining a team, which is a recorded act, opens it.
    pub fn is_for_a_team(&self) -> bool {
        self.told.starts_with("for the team: ")
    }
}

/// An administrator's cursor through the ledger names an entry by its digest, which covers the hidden field; salted, it
/// tells nothing of it, but it is another.
const NO_ADMIN: &[&str] = &["staff", "partner", "stranger", "dashboard"];
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
    let id = actor.make_silent("/v1/individuals", &body);
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

/// Somebody else of the same house.
fn another(actor: &Actor, name: &str) -> Actor {
    let mut other = Actor {
        address: actor.address.clone(),
        token: None,
    };
    let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
    let session = other.post("/v1/sessions", &body).expect(201).body;
    other.token = session["access_token"].as_str().map(str::to_owned);
    other
}

/// A partner proposes something of a case.
fn propose(actor: &Actor, case: &str, body: &Value) {
    actor.make(&format!("/v1/cases/{case}/submissions"), body);
}

fn change(actor: &Actor, place: &str, body: &Value) {
    actor
        .patch(place, &actor.get(place).expect(200).etag(), body)
        .expect(200);
}

pub const KINDS: &[Hidden] = &[
    Hidden {
        told: "who decided a submission",
        from: OUTSIDE,
        then: Some(|insider, open, hidden| {
            let neighbour = another(insider, "neighbour");
            let by = if hidden { &neighbour } else { insider };
            let place = format!("/v1/submissions/{}", open.submission);
            let etag = by.get(&place).expect(200).etag();
            let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
            let body = json!({"decision": "refuse", "reason": "It is another person."}).to_string();
            by.send("POST", &format!("{place}/decision"), &headers, Some(body.as_bytes()))
                .expect(200);
        }),
        add: |_, _, _, _| {},
    },
    Hidden {
        told: "another organisation's submission",
        from: &["partner", "dashboard"],
        then: None,
        add: |insider, _, open, _| {
            let changes = json!({"changes": {"summary": "A hidden summary.", "concerns": ["torture"]}});
            propose(&another(insider, "stranger"), &open.case, &changes);
        },
    },
    Hidden {
        told: "a submission of a case that was closed since",
        from: &ROLES,
        then: None,
        add: |insider, _, open, _| {
            let body = json!({"individual_id": open.person, "country": "VN", "sharing": "public"});
            let case = insider.make("/v1/cases", &body);
            propose(
                &another(insider, "confidant"),
                &case,
                &json!({"changes": {"summary": "Hidden."}}),
            );
            change(insider, &format!("/v1/cases/{case}"), &json!({"sharing": "restricted"}));
        },
    },
    Hidden {
        told: "a submission about a restricted fact of an open case",
        // An administrator joins the team on the walk, and may then see it.
        from: &["staff", "partner", "stranger", "dashboard"],
        then: Some(|insider, open, hidden| {
            // In both worlds the team and its fact; what only one of them has comes last.
            let confidant = another(insider, "confidant");
            let team = format!("/v1/cases/{}/team/{}", open.case, confidant.account());
            insider.put(&team, &json!({})).expect(204);
            let health = format!("/v1/cases/{}/health", open.case);
            let mut report =
                json!({"holds_from": "2010-05-03", "particulars": {"severity": "mild"}, "sharing": "restricted"});
            let old = insider.make(&health, &report);
            if hidden {
                report.as_object_mut().unwrap().remove("sharing");
                (report["supersedes"], report["reason"]) = (json!(old), json!("a visit"));
                propose(&confidant, &open.case, &json!({"facts": {"health": [report]}}));
            }
        }),
        add: |_, _, _, _| {},
    },
    Hidden {
        told: "notes of an open fact",
        from: OUTSIDE,
        then: Some(|insider, open, hidden| {
            let mut fact =
                json!({"holds_from": "2010-05-04", "particulars": {"severity": "mild"}, "sharing": "public"});
            if hidden {
                fact["notes"] = json!("a hidden note");
            }
            insider.make(&format!("/v1/cases/{}/health", open.case), &fact);
        }),
        add: |_, _, _, _| {},
    },
    Hidden {
        told: "for the team: how a person can be reached, and who a source is",
        from: NO_ADMIN,
        then: Some(|insider, open, hidden| {
            // Who is on a team is no secret; what they wrote there is.
            let place = format!("/v1/individuals/{}", open.person);
            let source = format!("/v1/sources/{}", open.source);
            for place in [&place, &source] {
                let team = format!("{place}/team/{}", insider.account());
                insider.put(&team, &json!({})).expect(204);
            }
            if hidden {
                change(insider, &place, &json!({"contacts": ["a hidden address"]}));
                change(insider, &source, &json!({"identity": "a hidden name"}));
            }
        }),
        add: |_, _, _, _| {},
    },
    Hidden {
        told: "for the team: what is said of family",
        from: NO_ADMIN,
        then: Some(|insider, open, hidden| {
            let team = format!("/v1/individuals/{}/team/{}", open.person, insider.account());
            insider.put(&team, &json!({})).expect(204);
            let mut body = json!({"kind": "colleague", "other_id": open.other});
            if hidden {
                body["note"] = json!("a hidden note");
            }
            insider.make(&format!("/v1/individuals/{}/relations", open.person), &body);
        }),
        add: |_, _, _, _| {},
    },
    Hidden {
        told: "the hidden statement that an open source is",
        from: OUTSIDE,
        then: Some(|insider, _, hidden| {
            let found = insider.get("/v1/statements?q=confidence").expect(200).body["items"][0]["id"].clone();
            let mut body = json!({"title": "A letter", "reliability": "a", "sharing": "public"});
            if hidden {
                body["statement_id"] = found;
            }
            insider.make("/v1/sources", &body);
        }),
        add: |insider, _, _, _| {
            letter(insider, "internal");
        },
    },
    Hidden {
        told: "the hidden fact whose place an open one took",
        from: OUTSIDE,
        then: Some(|insider, open, hidden| {
            let health = format!("/v1/cases/{}/health", open.case);
            let mut body =
                json!({"holds_from": "2010-05-04", "particulars": {"severity": "mild"}, "sharing": "public"});
            // Asked in both worlds, so that both take as much from the one sequence of ids.
            let facts = insider.get(&health).expect(200).body["items"].clone();
            if hidden {
                let old = facts
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|fact| fact["sharing"] == "internal")
                    .unwrap();
                (body["supersedes"], body["reason"]) = (old["id"].clone(), json!("it may be said now"));
            }
            insider.make(&health, &body);
        }),
        add: |insider, _, open, _| {
            let body = json!({"holds_from": "2010-05-03", "particulars": {"severity": "mild"}, "sharing": "internal"});
            insider.make(&format!("/v1/cases/{}/health", open.case), &body);
        },
    },
    Hidden {
        told: "a public person who has not consented",
        from: OUTSIDE,
        then: None,
        add: |insider, _, _, seed| {
            person(insider, "public", seed);
        },
    },
    Hidden {
        told: "health of which nothing may be said",
        from: OUTSIDE,
        then: None,
        add: |insider, _, open, _| {
            // Without a consent to it the reports of a person who is named in public are not.
            let id = insider.make_silent(
                "/v1/individuals",
                &json!({"names": [{"text": "Hidden Person"}], "sharing": "public"}),
            );
            let case = insider.make(
                "/v1/cases",
                &json!({"individual_id": id, "country": "CN", "sharing": "public"}),
            );
            insider.make(
                &format!("/v1/cases/{case}/health"),
                &json!({"holds_from": "2010", "particulars": {"severity": "critical"}}),
            );
            insider.make(
                &format!("/v1/individuals/{}/relations", open.person),
                &json!({"kind": "colleague", "other_id": id}),
            );
        },
    },
    Hidden {
        told: "a restricted person with a case",
        from: &ROLES,
        then: None,
        add: |insider, _, _, seed| drop(person(insider, "restricted", seed)),
    },
    Hidden {
        told: "a restricted case of an open person",
        from: &ROLES,
        then: None,
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
        then: None,
        add: |insider, _, open, _| facts(insider, &open.case, Some("restricted")),
    },
    Hidden {
        told: "a judgement of an open person and a restricted one",
        from: &ROLES,
        then: None,
        add: |insider, _, open, seed| {
            let (id, _) = person(insider, "restricted", seed);
            let judged = json!({"individual_id": id, "other_id": open.person, "verdict": "same", "reason": "hidden"});
            insider.make("/v1/individuals/judgements", &judged);
        },
    },
    Hidden {
        told: "two restricted people who were merged",
        from: &ROLES,
        then: None,
        add: |insider, _, _, seed| {
            let ((kept, _), other) = (
                person(insider, "restricted", seed),
                json!({"names": [{"text": "Hidden Person"}], "sharing": "restricted"}),
            );
            insider.merge(&kept, &insider.make_silent("/v1/individuals", &other));
        },
    },
    Hidden {
        told: "a restricted case and a restricted mention of somebody who is then merged",
        // What a merge has moved is covered by its digest.
        from: NO_ADMIN,
        then: Some(|insider, open, _| {
            // What the two are to each other does not keep them apart.
            insider.merge(&open.person, &open.other);
        }),
        add: |insider, _, open, _| {
            let body = json!({"individual_id": open.other, "country": "VN", "sharing": "restricted"});
            facts(insider, &insider.make("/v1/cases", &body), None);
            letter(insider, "restricted");
        },
    },
    Hidden {
        told: "a restricted source",
        from: &ROLES,
        then: None,
        add: |insider, _, _, _| {
            drop(insider.make(
                "/v1/sources",
                &json!({"title": "A relative", "reliability": "a", "sharing": "restricted"}),
            ));
        },
    },
    Hidden {
        told: "a restricted statement that names open people",
        from: &ROLES,
        then: None,
        add: |insider, _, _, _| drop(letter(insider, "restricted")),
    },
    Hidden {
        told: "notes of everything open",
        from: OUTSIDE,
        then: None,
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
        then: None,
        add: |insider, _, _, seed| drop(person(insider, "internal", seed)),
    },
    Hidden {
        told: "internal facts of an open case",
        from: OUTSIDE,
        then: None,
        add: |insider, _, open, _| facts(insider, &open.case, Some("internal")),
    },
    Hidden {
        told: "a relation to an internal person",
        from: OUTSIDE,
        then: None,
        add: |insider, _, open, seed| {
            let (id, _) = person(insider, "internal", seed);
            insider.make(
                &format!("/v1/individuals/{}/relations", open.person),
                &json!({"kind": "lawyer", "other_id": id, "opened_because": "known"}),
            );
        },
    },
    Hidden {
        told: "a mention of an internal person",
        from: OUTSIDE,
        then: None,
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
        then: None,
        add: |insider, _, open, _| {
            let source = insider.make("/v1/sources", &json!({"title": "A guard", "reliability": "a"}));
            // Which has none that anyone could miss.
            let place = format!("/v1/statements/{}", open.statement);
            change(insider, &place, &json!({"source_id": source}));
        },
    },
    Hidden {
        told: "an internal statement, related to an open one",
        from: OUTSIDE,
        then: None,
        add: |insider, _, open, _| {
            let id = letter(insider, "internal");
            change(
                insider,
                &format!("/v1/statements/{}", open.statement),
                &json!({"related": [{"kind": "answers", "statement_id": id}]}),
            );
        },
    },
    Hidden {
        told: "another organisation's records",
        from: &["partner", "dashboard"],
        then: None,
        add: |_, neighbour, _, seed| {
            person(neighbour, "internal", seed);
            letter(neighbour, "internal");
            neighbour.make("/v1/sources", &json!({"title": "Theirs", "reliability": "a"}));
        },
    },
    Hidden {
        told: "an internal fact that was opened",
        from: OUTSIDE,
        then: None,
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
