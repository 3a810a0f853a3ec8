//! Bad input is a feature: a clear error that names the field, nothing stored, never a 500.

use serde_json::json;

use crate::support::House;

on_both! {
    fn bodies_that_are_not_what_they_must_be(house: &House) {
        let staff = house.staff();
        let before = staff.get("/v1/individuals").expect(200).text;
        for (body, status, code) in [
            (&b"{"[..], 400, "malformed_json"), (b"", 400, "malformed_json"), (b"{\"names\": [\xff]}", 400, "malformed_json"),
            (b"[1]", 422, "invalid"), (b"{\"names\": []} x", 400, "malformed_json"), (b"null", 422, "invalid"),
        ] {
            let answer = staff.raw("POST", "/v1/individuals", body);
            assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{}", answer.text);
        }
        let plain = staff.send("POST", "/v1/individuals", &[("content-type", "text/plain")], Some(b"{}"));
        assert_eq!((plain.status, plain.problem().as_str()), (415, "unsupported_media_type"));
        let huge = vec![b' '; 9 * 1024 * 1024];
        assert_eq!(staff.raw("POST", "/v1/individuals", &huge).expect(413).problem(), "too_large");
        assert_eq!(staff.get("/v1/individuals").expect(200).text, before);
    }

    fn fields_that_are_not_what_they_must_be(house: &House) {
        let staff = house.staff();
        let name = |text: &str| json!({"names": [{"text": text}]});
        for (body, pointer) in [
            (json!({"names": []}), "/names"),
            (name("   "), "/names/0/text"),
            (name("a\u{202e}b"), "/names/0/text"),
            (name("a\u{0}b"), "/names/0/text"),
            (json!({"names": [{"text": "A B", "kind": "no_such_kind"}]}), "/names/0/kind"),
            (json!({"names": [{"text": "A", "preferred": true}, {"text": "B", "preferred": true}]}), "/names/1/preferred"),
            (json!({"names": [{"text": "胡佳", "script": "Latn"}]}), "/names/0/script"),
            (json!({"names": [{"text": "..."}]}), "/names/0/text"),
            (name("\u{2800}"), "/names/0/text"),
            (json!({"names": [{"text": "A B"}, {"text": "A B"}]}), "/names"),
            (json!({"names": [{"text": "A B"}], "born_on": "2008-13"}), "/born_on"),
            (json!({"names": [{"text": "A B"}], "born_on": "2010-02-30"}), "/born_on"),
            (json!({"names": [{"text": "A B"}], "born_on": "1990", "died_on": "1980"}), "/died_on"),
            (json!({"names": [{"text": "A B"}], "country": "China"}), "/country"),
            (json!({"names": [{"text": "A B"}], "sharing": "everyone"}), "/sharing"),
            (json!({"names": [{"text": "A B"}], "source_id": "00000000-0000-4000-8000-000000000000"}), "/source_id"),
            (json!({"names": [{"text": "A B"}], "biography": "a\u{0}"}), "/biography"),
        ] {
            let answer = staff.post("/v1/individuals", &body).expect(422);
            assert_eq!(answer.problem(), "invalid");
            assert_eq!(answer.pointer(), pointer, "{}", answer.text);
        }
        for (body, pointer) in [
            (json!({"names": [{"text": "A B"}], "retired_at": null}), "/retired_at"), (json!({"names": [{"text": "A B", "a/b": 1}]}), "/names/0/a~1b"),
            (json!({}), "/names"), (json!({"names": [{}]}), "/names/0/text"),
        ] {
            assert_eq!(staff.post("/v1/individuals", &body).expect(422).pointer(), pointer);
        }
        let twice = staff.raw("POST", "/v1/individuals", br#"{"names": [{"text": "A B"}], "notes": "a", "notes": "b"}"#);
        assert_eq!(twice.expect(422).pointer(), "/notes");
        assert_eq!(staff.get("/v1/individuals").expect(200).body["items"], json!([]));
    }

    fn facts_that_are_not_what_they_must_be(house: &House) {
        let staff = house.staff();
        let individual = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]}));
        let case = format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": individual, "country": "CN"})));
        let sentence = |more: serde_json::Value| {
            let mut says = json!({"kind": "fixed_term", "years": 3});
            says.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            says
        };
        let many: Vec<String> = (0..201).map(|number| format!("Condition {number}")).collect();
        for (place, from, says, pointer) in [
            ("sentences", "2010", sentence(json!({"credited_start": "+262142-12-31"})), "/particulars/credited_start"),
            ("sentences", "2010", sentence(json!({"credited_start": "2010-02-30"})), "/particulars/credited_start"),
            ("sentences", "2010", sentence(json!({"credited_start": "2010-02"})), "/particulars/credited_start"),
            ("sentences", "2010", sentence(json!({"months": 65535})), "/particulars/months"),
            ("sentences", "2010", sentence(json!({"days": 65535})), "/particulars/days"),
            ("sentences", "2010", sentence(json!({"days": -1})), "/particulars/days"),
            ("sentences", "2010", sentence(json!({"years": 0})), "/particulars/years"),
            ("sentences", "2010", sentence(json!({"reductions": [{"decided_on": "2011", "years": 60000}]})), "/particulars/reductions/0/years"),
            ("sentences", "2010", sentence(json!({"supplementary": [{"kind": "deprivation_of_political_rights", "years": 65535}]})), "/particulars/supplementary/0/years"),
            ("sentences", "2010-01-01", sentence(json!({"official_end": "1990-01-01"})), "/particulars/official_end"),
            ("sentences", "2010", sentence(json!({"credited_start": "2009-01-01", "official_end": "2008"})), "/particulars/official_end"),
            ("sentences", "2015", json!({"kind": "re_education_through_labour", "years": 1}), "/particulars/kind"),
            ("sentences", "2010", json!({"kind": "life", "years": 1}), "/particulars/years"),
            ("custody", "2015", json!({"status": "re_education_through_labour", "certainty": "confirmed"}), "/particulars/status"),
            ("custody", "2010", json!({"status": "serving_sentence", "certainty": "confirmed", "no_such": 1}), "/particulars/no_such"),
            ("health", "2010", json!({"severity": "serious", "last_confirmed": "1990"}), "/particulars/last_confirmed"),
            ("health", "2010", json!({"severity": "serious", "conditions": many}), "/particulars/conditions"),
            ("health", "2010-13", json!({"severity": "serious"}), "/holds_from"),
            ("charges", "2010", json!({"offence": " ", "status": "charged"}), "/particulars/offence"),
        ] {
            let answer = staff.post(&format!("{case}/{place}"), &json!({"holds_from": from, "particulars": says}));
            assert_eq!(answer.status, 422, "{place} {says}: {}", answer.text);
            assert_eq!(answer.pointer(), pointer, "{}", answer.text);
            assert_eq!(staff.get(&format!("{case}/{place}")).expect(200).body["items"], json!([]), "{place} {says}");
        }
        for (body, pointer) in [
            (json!({"individual_id": individual, "country": "XX"}), "/country"),
            (json!({"individual_id": individual, "country": "CN", "concerns": ["torture", "torture"]}), "/concerns"),
            (json!({"individual_id": individual, "country": "CN", "opened_on": "2010", "closed_on": "2009"}), "/closed_on"),
        ] {
            assert_eq!(staff.post("/v1/cases", &body).expect(422).pointer(), pointer);
        }
    }

    fn queries_that_are_not_what_they_must_be(house: &House) {
        let staff = house.staff();
        for (query, pointer) in [
            ("limit=0", "/limit"), ("limit=201", "/limit"), ("limit=x", "/limit"), ("limit=-1", "/limit"), ("cursor=%21", "/cursor"),
            ("country=xx", "/country"), ("born=2008-13", "/born"), ("updated_since=yesterday", "/updated_since"), ("limit=1&limit=2", "/limit"),
        ] {
            let answer = staff.get(&format!("/v1/individuals?{query}")).expect(422);
            assert_eq!(answer.pointer(), pointer, "{query}: {}", answer.text);
        }
        assert_eq!(staff.get("/v1/individuals?no_such=1").expect(422).pointer(), "/no_such");
        assert_eq!(staff.get("/v1/individuals/match").expect(422).pointer(), "/name");
        staff.get("/v1/individuals?q=%00").expect(422);
        for path in ["/v1/me?x=1", "/v1/individuals/00000000-0000-4000-8000-000000000000?x=1"] {
            assert_eq!(staff.get(path).expect(422).pointer(), "/x");
        }
        assert_eq!(staff.get("/v1/individuals/not-an-id").expect(404).problem(), "not_found");
    }

    fn a_text_may_carry_what_a_name_may_not(house: &House) {
        let staff = house.staff();
        let statement = |text: &str| json!({"title": "T", "kind": "statement", "issued_on": "2010", "language": "en", "text": text});
        staff.post("/v1/statements", &statement("a\u{202e}b")).expect(201);
        assert_eq!(staff.post("/v1/statements", &statement("a\u{0}b")).expect(422).pointer(), "/text");
        let long = "x".repeat(2_000_001);
        assert_eq!(staff.post("/v1/statements", &statement(&long)).expect(422).pointer(), "/text");
        let most = "\u{6587}".repeat(666_666);
        staff.post("/v1/statements", &statement(&most)).expect(201);
        staff.post("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}]})).expect(201);
        let many = "Hu Jia. ".repeat(10_001);
        assert_eq!(staff.post("/v1/statements", &statement(&many)).expect(422).pointer(), "/text");
    }
}
