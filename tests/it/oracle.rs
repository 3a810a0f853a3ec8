//! The founding rule on a generated register of 1,000 people, held against an oracle that knows nothing of the program:
//! it works on the generator's plain numbers (days since 2000-01-01), not on facts.

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::support::{Actor, House};

/// What the generator decided of a person; days since 2000-01-01.
struct Life {
    name: String,
    detained: u64,
    verdict: Option<(u64, Option<u32>)>,
    released: Option<u64>,
    /// Detained anew, for something else, after the release.
    again: Option<u64>,
    /// Day and severity, in the order of the days.
    health: Vec<(u64, &'static str)>,
}

const GRAVE: [&str; 3] = ["serious", "critical", "life_threatening"];

fn date(day: u64) -> String {
    start().checked_add_days(Days::new(day)).unwrap().to_string()
}

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap()
}

/// A small generator of its own, so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn lives() -> Vec<Life> {
    let mut dice = Dice(20_100_510);
    (0..1000)
        .map(|number| {
            let detained = dice.roll(3000);
            let verdict = (dice.roll(3) > 0).then(|| {
                let term = if dice.roll(12) == 0 {
                    None
                } else {
                    Some(1 + u32::try_from(dice.roll(15)).unwrap())
                };
                // Now and then the term has run out before the verdict is spoken.
                (detained + 1 + dice.roll(500), term)
            });
            let released = (dice.roll(3) == 0).then(|| detained + 501 + dice.roll(2500));
            let again = released.and_then(|day| (dice.roll(2) == 0).then(|| day + 1 + dice.roll(700)));
            let mut days: Vec<u64> = (0..dice.roll(4)).map(|_| dice.roll(4000)).collect();
            days.sort_unstable();
            days.dedup();
            let severities = [
                "mild",
                "moderate",
                "serious",
                "critical",
                "life_threatening",
                "none_reported",
            ];
            let health = days
                .into_iter()
                .map(|day| (day, severities[usize::try_from(dice.roll(6)).unwrap()]))
                .collect();
            Life {
                name: format!("Person Number{number}"),
                detained,
                verdict,
                released,
                again,
                health,
            }
        })
        .collect()
}

/// Name, score and reasons of everyone who is to be raised on the day.
fn expected(lives: &[Life], day: u64) -> Vec<(String, u64, Vec<&'static str>)> {
    let mut out = Vec::new();
    for life in lives {
        let again = life.again.is_some_and(|again| again <= day);
        if day < life.detained || (life.released.is_some_and(|released| released <= day) && !again) {
            continue;
        }
        // A release ends the sentence, also for whoever is detained again.
        let mut spoken = life.verdict.filter(|(verdict, _)| *verdict <= day && !again);
        if let Some((verdict, Some(years))) = spoken {
            // Credited from the day of detention; the last day is the one before the anniversary.
            let first = start().checked_add_days(Days::new(life.detained)).unwrap();
            let anniversary = first.checked_add_months(chrono::Months::new(12 * years)).unwrap();
            let on = |day: u64| start().checked_add_days(Days::new(day)).unwrap();
            if on(day) >= anniversary {
                if on(verdict) < anniversary {
                    continue;
                }
                // Held beyond a term that was over when it was imposed: held still, but for no sentence.
                spoken = None;
            }
        }
        let mut reasons = Vec::new();
        let latest = life.health.iter().rev().find(|(reported, _)| *reported <= day);
        if latest.is_some_and(|(_, severity)| GRAVE.contains(severity)) {
            reasons.push("seriously_ill");
        }
        if spoken.is_some_and(|(_, term)| term.is_none_or(|years| years >= 10)) {
            reasons.push("long_sentence");
        }
        if !reasons.is_empty() {
            let score = reasons
                .iter()
                .map(|reason| if *reason == "seriously_ill" { 100 } else { 50 })
                .sum();
            out.push((life.name.clone(), score, reasons));
        }
    }
    out.sort();
    out
}

fn record(staff: &Actor, life: &Life) {
    let person = staff
        .post("/v1/individuals", &json!({"names": [{"text": life.name}]}))
        .expect(201)
        .id();
    let case = staff
        .post("/v1/cases", &json!({"individual_id": person, "country": "CN"}))
        .expect(201)
        .id();
    let add = |place: &str, day: u64, particulars: Value| {
        let body = json!({"holds_from": date(day), "particulars": particulars});
        staff.post(&format!("/v1/cases/{case}/{place}"), &body).expect(201);
    };
    // Newest first: an answer does not rest on the order in which things were learnt.
    for (day, severity) in life.health.iter().rev() {
        add("health", *day, json!({"severity": severity}));
    }
    if let Some(day) = life.released {
        add("custody", day, json!({"status": "released", "certainty": "confirmed"}));
    }
    if let Some(day) = life.again {
        add(
            "custody",
            day,
            json!({"status": "criminally_detained", "certainty": "confirmed"}),
        );
    }
    if let Some((day, term)) = life.verdict {
        add(
            "custody",
            day,
            json!({"status": "serving_sentence", "certainty": "confirmed"}),
        );
        let sentence = match term {
            None => json!({"kind": "life"}),
            Some(years) => json!({"kind": "fixed_term", "years": years, "credited_start": date(life.detained)}),
        };
        add("sentences", day, sentence);
    }
    add(
        "custody",
        life.detained,
        json!({"status": "criminally_detained", "certainty": "confirmed"}),
    );
}

fn listed(staff: &Actor, day: u64) -> Vec<(String, u64, Vec<String>)> {
    let (mut out, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = staff
            .get(&format!("/v1/priorities?as_of={}&limit=200{cursor}", date(day)))
            .expect(200)
            .body;
        for item in page["items"].as_array().unwrap() {
            let codes = item["reasons"]
                .as_array()
                .unwrap()
                .iter()
                .map(|reason| reason["code"].as_str().unwrap().to_owned());
            out.push((
                item["individual"]["name"].as_str().unwrap().to_owned(),
                item["score"].as_u64().unwrap(),
                codes.collect(),
            ));
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return out,
        }
    }
}

on_both! {
    fn a_thousand_people_are_listed_as_the_oracle_says(house: &House) {
        let (staff, lives) = (house.staff(), lives());
        for life in &lives {
            record(&staff, life);
        }
        let mut seen = 0;
        for day in (0..6000).step_by(353) {
            let mut list = listed(&staff, day);
            assert!(list.windows(2).all(|pair| pair[0].1 >= pair[1].1), "not by score on {}", date(day));
            list.sort();
            let told: Vec<_> = list.iter().map(|(name, score, reasons)| (name.clone(), *score, reasons.iter().map(String::as_str).collect())).collect();
            let oracle: Vec<(String, u64, Vec<&str>)> = expected(&lives, day);
            assert_eq!(told, oracle, "on {}", date(day));
            seen += oracle.len();
        }
        assert!(seen > 1000, "{seen}");
    }
}
