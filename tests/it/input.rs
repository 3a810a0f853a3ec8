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
