//! What is edited while two records are one, and what each must be when they are two again.

use serde_json::{Value, json};

use crate::merges::{Scene, all_of, at, change, is_sound, rename, texts, timeless, undo};
use crate::support::{Actor, House};

/// What is edited while two are one: what is done, and what is to be of it when they are two again.
type Edit = (
    &'static str,
    fn(&Actor, &Scene),
    fn(&Actor, &Scene, &[Value; 3], &mut [Value; 3]),
);

fn names_of(body: &mut Value) -> [&mut Value; 2] {
    let [all, _] = body.as_array_mut().unwrap().get_disjoint_mut([0, 1]).unwrap();
    let [person, file] = all.as_array_mut().unwrap().get_disjoint_mut([0, 1]).unwrap();
    [person, &mut file["individual"]]
}

fn set(body: &mut Value, field: &str, value: &Value) {
    for person in names_of(body) {
        person[field] = value.clone();
    }
}

const EDITS: &[Edit] = &[
    (
        "a name that had come is corrected, twice, and moved to the front",
        |staff, scene| {
            let place = |names: &Vec<Value>| {
                names
                    .iter()
                    .position(|name| name["text"].as_str().unwrap().starts_with("Hu Chia"))
                    .unwrap()
            };
            rename(staff, scene, |names| {
                let at = place(names);
                names[at]["text"] = json!("Hu Chia-chia");
            });
            rename(staff, scene, |names| {
                let at = place(names);
                let mut name = names.remove(at);
                name["text"] = json!("Hu Chia-chia Ren");
                names.insert(0, name);
            });
        },
        |_, _, _, after| {
            let mut names = names_of(&mut after[1])[0]["names"].clone();
            names[0]["text"] = json!("Hu Chia-chia Ren");
            set(&mut after[1], "names", &names);
            set(&mut after[1], "display_name", &json!("Hu Chia-chia Ren"));
            for body in after {
                for place in ["/0/1/relations", "/0/2/items"] {
                    let relations = body.pointer_mut(place).unwrap().as_array_mut().unwrap().iter_mut();
                    for relation in relations.filter(|relation| relation["other_name"] == "Hu Chia") {
                        relation["other_name"] = json!("Hu Chia-chia Ren");
                    }
                }
            }
        },
    ),
    (
        "a name is added",
        |staff, scene| rename(staff, scene, |names| names.push(json!({"text": "Quite Another"}))),
        |staff, scene, _, after| {
            // Where it stands among them, the record says; it is the kept person's.
            let names = scene.names(staff);
            assert!(texts(&names).contains(&"Quite Another"));
            set(&mut after[0], "names", &names);
        },
    ),
    (
        "an identifier that had come is corrected",
        |staff, scene| {
            let mut all = staff.get(&at(&scene.kept)).expect(200).body["identifiers"].clone();
            all[1]["value"] = json!("7a");
            change(staff, &at(&scene.kept), &json!({"identifiers": all}));
        },
        |_, _, _, after| {
            set(
                &mut after[1],
                "identifiers",
                &json!([{"register": "CECC", "value": "7a"}]),
            );
        },
    ),
    (
        "the kept person's life is written",
        |staff, scene| drop(change(staff, &at(&scene.kept), &json!({"biography": "A life."}))),
        |_, _, _, after| set(&mut after[0], "biography", &json!("A life.")),
    ),
    (
        "a case that had come is changed, and a fact of it replaced",
        |staff, scene| {
            change(
                staff,
                &format!("/v1/cases/{}", scene.case),
                &json!({"summary": "Moved."}),
            );
            let next = json!({"holds_from": "2010-05-02", "particulars": {"severity": "critical"}, "supersedes": scene.fact, "reason": "worse"});
            staff.make(&format!("/v1/cases/{}/health", scene.case), &next);
        },
        |staff, scene, _, after| {
            let now = timeless(staff.get(&format!("{}/file", at(&scene.other))).expect(200).body);
            let case = &now["cases"][0];
            assert_eq!(
                (&case["case"]["summary"], case["health"].as_array().unwrap().len()),
                (&json!("Moved."), 2)
            );
            after[1][0][1]["cases"] = now["cases"].clone();
            after[1][1]["items"][0] = case["case"].clone();
        },
    ),
    (
        "a case is opened",
        |staff, scene| {
            staff.make(
                "/v1/cases",
                &json!({"individual_id": scene.kept, "country": "LA", "sharing": "public"}),
            );
        },
        |staff, scene, _, after| {
            let now = all_of(staff, &scene.kept);
            assert_eq!(now[1]["items"].as_array().unwrap().len(), 2);
            assert!(now[1].to_string().contains("\"LA\"") && now[1].to_string().contains(&scene.own_case));
            (after[0][0][1]["cases"], after[0][1]) = (now[0][1]["cases"].clone(), now[1].clone());
        },
    ),
    (
        "a mention that had come is rejected",
        |staff, scene| {
            let place = format!("/v1/statements/{}/mentions/{}", scene.statement, scene.mention);
            change(staff, &place, &json!({"state": "rejected"}));
        },
        |_, scene, before, after| {
            let mentions = before[1][0][1]["mentions"].as_array().unwrap().iter();
            let left: Vec<Value> = mentions
                .filter(|mention| mention["id"] != json!(scene.mention))
                .cloned()
                .collect();
            assert_eq!(left.len() + 1, before[1][0][1]["mentions"].as_array().unwrap().len());
            after[1][0][1]["mentions"] = json!(left);
        },
    ),
    (
        "a relation that had come is retired",
        |staff, scene| {
            let place = format!("{}/relations/{}", at(&scene.kept), scene.relation);
            staff.delete(&place, &staff.get(&place).expect(200).etag()).expect(204);
        },
        |_, scene, _, after| {
            let without = |relations: &mut Value| {
                relations
                    .as_array_mut()
                    .unwrap()
                    .retain(|one| one["id"] != json!(scene.relation));
            };
            for body in &mut after[1..] {
                without(&mut body[0][1]["relations"]);
                without(&mut body[0][2]["items"]);
            }
        },
    ),
];

fn split_exactly(house: &House) {
    let staff = house.staff();
    for chosen in [0, 0b1111_1111, 0b0101_0101, 0b1010_1010, 0b0000_0011, 0b1100_1001] {
        let scene = Scene::made(&staff);
        let before = scene.all(&staff);
        let merge = staff.merge(&scene.kept, &scene.other);
        let edits: Vec<&Edit> = EDITS
            .iter()
            .enumerate()
            .filter(|(place, _)| chosen >> place & 1 == 1)
            .map(|(_, edit)| edit)
            .collect();
        for (_, edit, _) in &edits {
            edit(&staff, &scene);
        }
        undo(&staff, &merge);
        let (now, mut expected) = (scene.all(&staff), before.clone());
        for (_, _, says) in &edits {
            says(&staff, &scene, &before, &mut expected);
        }
        for (now, expected) in now.iter().zip(&expected) {
            let told: Vec<&str> = edits.iter().map(|(told, _, _)| *told).collect();
            let [now, expected] = [now, expected].map(|body| serde_json::to_string_pretty(body).unwrap());
            let differ = now.lines().zip(expected.lines()).find(|(one, other)| one != other);
            assert!(now == expected, "{told:?}: {differ:?}");
        }
    }
    is_sound(house);
}

on_both! {
    fn what_was_merged_is_split_exactly(house: &House) {
        split_exactly(house);
    }
}
