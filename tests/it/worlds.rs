//! The register that two worlds share; what one of them has more is `hidden.rs`.

use conscience::store::url::DatabaseUrl;
use conscience::store::{Db, Options};
use serde_json::json;

use crate::support::{House, Kind, PASSWORD, database_url};

pub const ROLES: [&str; 5] = ["admin", "staff", "partner", "stranger", "dashboard"];

/// The ids of what everyone may see, by the name of the field or the path that asks for them.
#[derive(Clone)]
pub struct Open {
    pub person: String,
    pub other: String,
    pub case: String,
    pub source: String,
    pub statement: String,
    pub mention: String,
    pub relation: String,
    pub judgement: String,
    pub merge: String,
    /// Who was merged by it.
    pub merged: String,
    pub submission: String,
    pub organisation: String,
    pub account: String,
    pub facts: [(&'static str, String); 4],
}

/// The register that both worlds begin with.
pub struct Base {
    pub url: String,
    pub open: Open,
}

impl Base {
    pub fn made(kind: Kind) -> Self {
        let house = House::with_sample(kind);
        let (staff, admin) = (house.staff(), house.admin());
        let organisation = staff.get("/v1/me").expect(200).body["organisation_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let of = |name: &str| {
            let me = house.actor(name).get("/v1/me").expect(200).body;
            me["organisation_id"].as_str().unwrap().to_owned()
        };
        for (email, role, organisation) in [
            ("insider@example.org", "staff", organisation.clone()),
            ("neighbour@example.org", "staff", of("stranger")),
            ("confidant@example.org", "partner", of("partner")),
        ] {
            admin.make("/v1/accounts", &json!({"email": email, "name": "N", "role": role, "organisation_id": organisation, "password": PASSWORD}));
        }
        let first = |path: &str| {
            staff.get(path).expect(200).body["items"][0]["id"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let person = first("/v1/individuals?q=hu+jia");
        let case = first(&format!("/v1/cases?individual={person}"));
        let text = json!({"title": "Open letter", "kind": "letter", "issued_on": "2010-05-01", "language": "en", "sharing": "public",
            "text": "Free Hu Jia, Liu Xiaobo Ming and Guo Quanli, and 刘晓波明. Free Zeng Jinyan."});
        let statement = staff.post("/v1/statements", &text).expect(201).body;
        let facts = ["custody", "charges", "sentences", "health"]
            .map(|place| (place, first(&format!("/v1/cases/{case}/{place}"))));
        let proposed = json!({"changes": {"impugned_activity": "Wrote."}, "facts": {"health": [{"holds_from": "2010-05-04", "particulars": {"severity": "serious"}}]}});
        // Twice on record, and two people of one name.
        let twin = |name: &str| {
            staff.make(
                "/v1/individuals",
                &json!({"names": [{"text": name}], "sharing": "public"}),
            )
        };
        let (kept, merged) = (twin("Gao Zhisheng"), twin("Kao Chih-sheng"));
        staff.make(
            "/v1/cases",
            &json!({"individual_id": merged, "country": "CN", "sharing": "public"}),
        );
        let judgement = json!({"individual_id": kept, "other_id": person, "verdict": "different", "reason": "Known."});
        let open = Open {
            judgement: staff.make("/v1/individuals/judgements", &judgement),
            merge: staff.merge(&kept, &merged),
            merged,
            submission: house
                .partner()
                .make(&format!("/v1/cases/{case}/submissions"), &proposed),
            other: first("/v1/individuals?q=zeng+jinyan"),
            source: first("/v1/sources"),
            mention: statement["mentions"][0]["id"].as_str().unwrap().to_owned(),
            statement: statement["id"].as_str().unwrap().to_owned(),
            relation: first(&format!("/v1/individuals/{person}/relations")),
            account: house.actor("stranger").account(),
            organisation,
            person,
            case,
            facts,
        };
        let (url, from) = (database_url(kind), house.url().clone());
        if kind == Kind::Postgres {
            drop(house);
            copied(&from, kind, &url);
        } else {
            copied(&from, kind, &url);
        }
        Self { url, open }
    }

    pub fn world(&self, kind: Kind) -> DatabaseUrl {
        let url = database_url(kind);
        copied(&DatabaseUrl::parse(&self.url, false).unwrap(), kind, &url);
        DatabaseUrl::parse(&url, false).unwrap()
    }
}

/// The whole database once more, under another address.
fn copied(from: &DatabaseUrl, kind: Kind, to: &str) {
    match kind {
        Kind::Sqlite => {
            let place = to.strip_prefix("sqlite://").unwrap();
            Db::open(from, Options::default())
                .unwrap()
                .backup(std::path::Path::new(place))
                .unwrap();
        }
        Kind::Postgres => crate::support::copy_postgres(from, to),
    }
}
