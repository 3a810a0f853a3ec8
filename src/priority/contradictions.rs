//! The rule where facts contradict, overlap, end or are doubted: what reviews by strangers found.

use super::*;

#[test]
fn a_sentence_without_a_known_end_ends_with_the_release() {
    let sentence = || fact::<Sentence>("2000-01-10", json!({"kind": "fixed_term", "years": 12}));
    let again = || held("2010-01-01", "criminally_detained");
    assert!(codes(&[sentence(), held("2005", "released"), again()], "2010-05-10").is_empty());
    for on_conditions in ["parole", "medical_parole"] {
        let stage = json!({"status": "released", "certainty": "confirmed", "release_type": on_conditions});
        let facts = [sentence(), fact::<Custody>("2005", stage), again()];
        assert_eq!(codes(&facts, "2010-05-10"), [Reason::LongSentence], "{on_conditions}");
    }
    let back = [sentence(), held("2005", "released"), held("2006", "serving_sentence")];
    assert_eq!(codes(&back, "2010-05-10"), [Reason::LongSentence]);
}

#[test]
fn an_ended_stage_uncovers_only_what_is_said_to_go_on() {
    let stage = |from: &str, status: &str, until: Option<&str>| {
        fact::<Custody>(
            from,
            json!({"status": status, "certainty": "confirmed", "until": until}),
        )
    };
    let facts = |first: Option<&str>| {
        [
            stage("2008", "serving_sentence", first),
            stage("2010-03", "enforced_disappearance", Some("2010-04-01")),
            ill("2009", "serious"),
        ]
    };
    assert_eq!(codes(&facts(Some("2015")), "2010-05-10"), [Reason::SeriouslyIll]);
    assert!(codes(&facts(Some("2015")), "2016-01-01").is_empty());
    assert!(codes(&facts(None), "2010-05-10").is_empty());
}

#[test]
fn a_closed_case_and_a_death_end_it_once_they_are_certain() {
    let facts = hu();
    let facts: Vec<&FactRow> = facts.iter().collect();
    let date = |text: &str| Edtf::parse(text).unwrap();
    for (closed, died, listed) in [
        (Some("2010-05-10"), None, false),
        (Some("2010-05-11"), None, true),
        (Some("2010"), None, true),
        (None, Some("2010-04"), false),
        (None, Some("2010-05-01/2010-06-01"), true),
    ] {
        let (closed, died) = (closed.map(date), died.map(date));
        let ended = Ended {
            closed_on: closed.as_ref(),
            died_on: died.as_ref(),
        };
        let told = raised(&facts, ended, day("2010-05-10"), &policy(), Measure::Imposed);
        assert_eq!(told.is_some(), listed, "{closed:?} {died:?}");
    }
}

#[test]
fn a_shorter_sentence_beside_a_longer_one_hides_nobody() {
    let life = || fact::<Sentence>("2005-01-10", json!({"kind": "life"}));
    let year = term("2008-01-10", 1, 0, "2008-01-01", "2008-12-31");
    let facts = [held("2005-01-10", "serving_sentence"), life(), year];
    for day in ["2008-06-01", "2010-01-01"] {
        assert_eq!(codes(&facts, day), [Reason::LongSentence], "{day}");
    }
    // What an appeal says takes the place of what was said before.
    let appeal = json!({"kind": "fixed_term", "years": 3, "instance": "appeal", "credited_start": "2005-01-10"});
    let facts = [
        held("2005-01-10", "serving_sentence"),
        life(),
        fact::<Sentence>("2006", appeal),
    ];
    assert_eq!(codes(&facts, "2005-06-01"), [Reason::LongSentence]);
    assert!(codes(&facts, "2006-06-01").is_empty());
}

#[test]
fn ten_years_are_ten_years_in_whatever_parts() {
    let sentence = |years: u16, months: u16, days: u16| {
        let says = json!({"kind": "fixed_term", "years": years, "months": months, "days": days, "credited_start": "2009-01-01"});
        [held("2009", "serving_sentence"), fact::<Sentence>("2009-01-02", says)]
    };
    for (years, months, days, long) in [
        (9, 11, 400, true),
        (9, 12, 0, true),
        (0, 120, 0, true),
        (9, 11, 29, false),
        (0, 0, 3653, true),
    ] {
        assert_eq!(
            !codes(&sentence(years, months, days), "2010-05-10").is_empty(),
            long,
            "{years} {months} {days}"
        );
    }
}

#[test]
fn doubt_and_rank_decide_between_facts_that_contradict() {
    let told = |from: &str, severity: &str, information: Information, rank: Standing| FactRow {
        information,
        rank,
        ..ill(from, severity)
    };
    let serious = || told("2010-05-01", "serious", Information::PossiblyTrue, Standing::Normal);
    for (information, listed) in [
        (Information::Confirmed, false),
        (Information::CannotJudge, false),
        (Information::Doubtful, true),
        (Information::Improbable, true),
    ] {
        let facts = [
            held("2008", "serving_sentence"),
            serious(),
            told("2010-05-02", "mild", information, Standing::Normal),
        ];
        assert_eq!(!codes(&facts, "2010-05-10").is_empty(), listed, "{information:?}");
    }
    // Only a doubtful report is better than none.
    let alone = [
        held("2008", "serving_sentence"),
        told("2010-05-01", "serious", Information::Doubtful, Standing::Normal),
    ];
    assert_eq!(codes(&alone, "2010-05-10"), [Reason::SeriouslyIll]);
    // A preferred fact holds against one that may speak of the same days, not against the future.
    let preferred = || told("2010-04", "serious", Information::CannotJudge, Standing::Preferred);
    let other = |from: &str| told(from, "mild", Information::Confirmed, Standing::Normal);
    let facts = [held("2008", "serving_sentence"), preferred(), other("2010-04-20")];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
    let facts = [held("2008", "serving_sentence"), preferred(), other("2010-05-02")];
    assert!(codes(&facts, "2010-05-10").is_empty());
}

fn serving() -> FactRow {
    held("2000", "serving_sentence")
}

fn verdict(from: &str, says: Value) -> FactRow {
    fact::<Sentence>(from, says)
}

/// Cases of a review by a stranger: what took people off the list, or put them on it, without a reason.
#[test]
fn an_appeal_on_one_charge_leaves_the_other_sentences() {
    let life = || verdict("2000-01-10", json!({"kind": "life"}));
    let year = |from: &str, instance: &str| {
        let says = json!({"kind": "fixed_term", "years": 1, "instance": instance, "credited_start": "2008-01-01"});
        verdict(from, says)
    };
    let facts = [
        serving(),
        life(),
        year("2008-03", "first_instance"),
        year("2008-05", "appeal"),
        ill("2010-01", "critical"),
    ];
    assert_eq!(told(&facts, "2010-05-10", Measure::Imposed).unwrap().score, 150);
    let acquitted = [
        serving(),
        life(),
        verdict("2008", json!({"kind": "acquitted", "instance": "first_instance"})),
    ];
    assert_eq!(codes(&acquitted, "2010-05-10"), [Reason::LongSentence]);
    let reprieve = verdict("2000", json!({"kind": "death_with_two_year_reprieve"}));
    let less = json!({"kind": "fixed_term", "years": 18, "instance": "commutation", "credited_start": "2002-01-10"});
    let facts = [serving(), reprieve, verdict("2002-01-10", less)];
    assert_eq!(codes(&facts, "2019-05-10"), [Reason::LongSentence]);
    assert!(codes(&facts, "2021-01-01").is_empty(), "the commuted term has ended");
}

#[test]
fn the_longest_is_not_the_last_to_end() {
    let eleven = verdict(
        "2000-01-01",
        json!({"kind": "fixed_term", "years": 11, "credited_start": "2000-01-01"}),
    );
    let two = verdict(
        "2009-06-01",
        json!({"kind": "fixed_term", "years": 2, "credited_start": "2009-06-01"}),
    );
    assert_eq!(codes(&[serving(), eleven, two], "2010-05-10"), [Reason::LongSentence]);
}

#[test]
fn a_contested_release_and_one_before_the_verdict_end_no_sentence() {
    let life = || verdict("2009", json!({"kind": "life"}));
    let preferred = FactRow {
        rank: Standing::Preferred,
        ..held("2010", "serving_sentence")
    };
    let facts = [life(), preferred, held("2010-02-01", "released")];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::LongSentence]);
    let facts = [life(), held("2009-06-01", "released"), held("2009-11-01", "on_trial")];
    assert_eq!(
        codes(&facts, "2010-05-10"),
        [Reason::LongSentence],
        "the verdict may have come after it"
    );
}

#[test]
fn a_stay_in_hospital_frees_nobody() {
    let stay = json!({"status": "serving_sentence", "certainty": "confirmed", "facility": "Prison hospital", "until": "2010-04-09"});
    let mut facts = hu();
    facts.push(fact::<Custody>("2010-03-30", stay));
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
    assert!(codes(&facts, "2011-06-27").is_empty(), "the sentence has ended");
    // A preferred stage that has ended holds against nothing later.
    let over = json!({"status": "criminally_detained", "certainty": "confirmed", "until": "2008-12-31"});
    let preferred = FactRow {
        rank: Standing::Preferred,
        ..fact::<Custody>("2008", over)
    };
    let facts = [
        preferred,
        held("2008-12-15", "serving_sentence"),
        ill("2010-01", "serious"),
    ];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
}

#[test]
fn doubt_is_of_its_time_and_takes_nobody_off() {
    let doubtful = |fact: FactRow| FactRow {
        information: Information::Doubtful,
        ..fact
    };
    let facts = [
        held("1995", "released"),
        doubtful(held("2009", "enforced_disappearance")),
        ill("2009", "serious"),
    ];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
    let facts = [serving(), ill("1999", "mild"), doubtful(ill("2010", "critical"))];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
    let facts = [serving(), ill("2009", "serious"), doubtful(held("2010", "released"))];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
    let preferred = FactRow {
        rank: Standing::Preferred,
        ..doubtful(ill("2010-05-01", "serious"))
    };
    assert_eq!(
        codes(&[serving(), preferred, ill("2010-05-01", "mild")], "2010-05-10"),
        [Reason::SeriouslyIll]
    );
}

#[test]
fn a_rumour_of_death_takes_nobody_off() {
    let dead = |from: &str, information: Information| FactRow {
        information,
        ..ill(from, "deceased")
    };
    for (from, information, listed) in [
        ("2010-05-01", Information::Improbable, true),
        ("2010", Information::Confirmed, true),
        ("2010-05-01", Information::Confirmed, false),
    ] {
        let facts = [
            serving(),
            verdict("2000", json!({"kind": "life"})),
            dead(from, information),
        ];
        assert_eq!(
            !codes(&facts, "2010-05-10").is_empty(),
            listed,
            "{from} {information:?}"
        );
    }
}

#[test]
fn a_tie_goes_to_the_worse_and_the_more_precise() {
    for _ in 0..20 {
        let facts = [
            held("2010-03", "released"),
            held("2010-03", "criminally_detained"),
            ill("2010-03", "mild"),
            ill("2010-03", "serious"),
        ];
        assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
    }
    let facts = [
        held("2010", "released"),
        held("2010-01-01", "serving_sentence"),
        ill("2009", "serious"),
    ];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
}

#[test]
fn the_end_of_a_suspended_sentence_frees_nobody() {
    let suspended = verdict(
        "2007-01-02",
        json!({"kind": "fixed_term", "years": 3, "suspended": true, "credited_start": "2007-01-02", "official_end": "2010-01-01"}),
    );
    let facts = [
        suspended,
        held("2009-06", "serving_sentence"),
        ill("2010-01-10", "serious"),
    ];
    assert_eq!(codes(&facts, "2010-05-10"), [Reason::SeriouslyIll]);
}

#[test]
fn what_remains_is_counted_from_the_verdict_where_nothing_else_is_known() {
    let facts = [
        serving(),
        verdict("2009-12-25", json!({"kind": "fixed_term", "years": 15})),
    ];
    assert!(told(&facts, "2010-05-10", Measure::Remaining).is_some());
}

#[test]
fn reductions_shorten_what_the_verdict_gave() {
    let says = json!({"kind": "fixed_term", "years": 10, "credited_start": "2000-01-01", "official_end": "2009-12-31",
        "reductions": [{"decided_on": "2005", "years": 1, "months": 6}]});
    let facts = [serving(), verdict("2000-06-01", says)];
    assert_eq!(codes(&facts, "2008-06-30"), [Reason::LongSentence]);
    assert!(codes(&facts, "2008-07-01").is_empty());
    let more = json!({"kind": "fixed_term", "years": 1, "credited_start": "2000-01-01", "reductions": [{"decided_on": "2000", "years": 900}]});
    let more: Sentence = serde_json::from_value(more).unwrap();
    assert_eq!(more.end(None), Some(day("1999-12-31")), "not before it began");
}
