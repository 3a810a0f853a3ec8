//! Teams: who sees a restricted record, how they come to, and what the partner that owns a record sees of it.

use serde_json::json;

use crate::support::House;

on_both! {
    fn every_restricted_record_has_a_team(house: &House) {
        let (staff, admin, dashboard) = (house.staff(), house.admin(), house.dashboard());
        let individual = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "restricted"}));
        let places = [
            format!("/v1/individuals/{individual}"),
            format!("/v1/cases/{}", staff.make("/v1/cases", &json!({"individual_id": individual, "country": "CN", "sharing": "restricted"}))),
            format!("/v1/sources/{}", staff.make("/v1/sources", &json!({"title": "A relative", "reliability": "b", "sharing": "restricted"}))),
            format!("/v1/statements/{}", staff.make("/v1/statements", &json!({"title": "T", "kind": "letter", "issued_on": "2010", "language": "en", "text": "In confidence.", "sharing": "restricted"}))),
        ];
        let (me, other) = (staff.account(), admin.account());
        for place in &places {
            let team = format!("{place}/team");
            staff.get(place).expect(200);
            assert_eq!(admin.get(place).expect(404).problem(), "not_found", "{place}");
            assert_eq!(admin.get(&team).expect(404).problem(), "not_found", "{place}");
            assert_eq!(staff.get(&team).expect(200).body["items"][0]["account_id"], json!(me));
            let alone = staff.send("DELETE", &format!("{team}/{me}"), &[], None);
            assert_eq!(alone.expect(409).problem(), "in_use", "{place}: nobody would see it any more");
            assert_eq!(staff.send("DELETE", &format!("{team}/{other}"), &[], None).status, 404);
            assert_eq!(staff.put(&format!("{team}/{}", dashboard.account()), &json!({})).expect(422).pointer(), "/account_id");
            staff.put(&format!("{team}/{other}"), &json!({})).expect(204);
            admin.get(place).expect(200);
            staff.send("DELETE", &format!("{team}/{other}"), &[], None).expect(204);
            assert_eq!(admin.get(place).status, 404, "{place}");
        }
    }

    fn an_administrator_joins_by_a_recorded_act_alone(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let individual = staff.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "sharing": "restricted"}));
        let case = staff.make("/v1/cases", &json!({"individual_id": individual, "country": "CN", "sharing": "restricted"}));
        let team = format!("/v1/cases/{case}/team");
        let why = json!({"reason": "the officer has left us"});
        assert_eq!(staff.post(&team, &why).expect(403).problem(), "forbidden");
        assert_eq!(admin.post(&team, &json!({"reason": " "})).expect(422).pointer(), "/reason");
        assert_eq!(admin.post(&format!("/v1/cases/{individual}/team"), &why).expect(404).problem(), "not_found");
        assert_eq!(admin.get(&format!("/v1/cases/{case}")).status, 404);
        admin.post(&team, &why).expect(204);
        admin.get(&format!("/v1/cases/{case}")).expect(200);
        admin.get(&format!("/v1/individuals/{individual}")).expect(200);
        let history = staff.get(&format!("/v1/cases/{case}/history")).expect(200);
        assert!(history.text.contains("the officer has left us") && history.text.contains(&admin.account()), "{}", history.text);
    }

    fn a_partner_reads_all_of_what_its_organisation_owns(house: &House) {
        let (own, partner, stranger) = (house.staff_of("partner"), house.partner(), house.actor("stranger"));
        let individual = own.make("/v1/individuals", &json!({"names": [{"text": "Hu Jia"}], "notes": "ours"}));
        let case = own.make("/v1/cases", &json!({"individual_id": individual, "country": "CN", "notes": "ours"}));
        let health = format!("/v1/cases/{case}/health");
        own.make(&health, &json!({"holds_from": "2010-03", "particulars": {"severity": "serious"}, "notes": "from the family"}));
        let seen = partner.get(&health).expect(200);
        assert_eq!(seen.body["items"][0]["notes"], "from the family");
        assert!(partner.get(&format!("/v1/cases/{case}/history")).expect(200).text.contains("from the family"));
        assert_eq!(stranger.get(&health).expect(404).problem(), "not_found");
        house.staff().get(&health).expect(200);
    }

    fn hidden_people_of_a_name_hide_nobody(house: &House) {
        let (staff, partner) = (house.staff(), house.partner());
        for number in 0..60 {
            let sharing = if number == 59 { "public" } else { "internal" };
            staff.make("/v1/individuals", &json!({"names": [{"text": format!("Wang Number{number}")}], "sharing": sharing}));
        }
        let found = partner.get("/v1/individuals/match?name=Wang").expect(200);
        assert_eq!(found.body["items"].as_array().unwrap().len(), 1, "{}", found.text);
        assert_eq!(found.body["items"][0]["name"], "Wang Number59");
        assert_eq!(staff.get("/v1/individuals/match?name=Wang").expect(200).body["items"].as_array().unwrap().len(), 20);
    }
}
