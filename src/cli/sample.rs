//! The sample: the four people of the founding statement and two of their wives, each fact with its source; loaded in
//! one write, once.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::access::{Door, Write};
use crate::base::choice::Choice;
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::id::{
    AccountId, CaseId, FactId, IndividualId, MentionId, OrganisationId, OverrideId, RelationId, SourceId, StatementId,
};
use crate::base::text::{Country, Language, Line, Lines, Listed, Prose};
use crate::base::words::{
    Call, Concern, ConsentScope, Information, MentionState, NameKind, OrganisationKind, Rank, RelationKind,
    Reliability, Romanisation, Script, Sex, Sharing, SourceKind, StatementKind,
};
use crate::cases::particulars::{Charge, Custody, FactKind, Health, Particulars, Sentence};
use crate::cases::{CaseRow, FactRow};
use crate::individuals::consent::{self, OverrideRow};
use crate::individuals::relations::RelationRow;
use crate::individuals::{IndividualRow, Name};
use crate::names::Index;
use crate::organisations::{self, OrganisationRow};
use crate::sources::SourceRow;
use crate::statements::{MentionRow, StatementRow};

const SAMPLE: &str = include_str!("../../sample/sample.json");
const FOUNDING_TEXT: &str = include_str!("../../sample/chrd-2010-05-10.txt");
const HOLDER: &str = "Demo organisation";

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    organisations: Vec<Organisation>,
    sources: Vec<Source>,
    individuals: Vec<Individual>,
    relations: Vec<(String, RelationKind, String)>,
    cases: Vec<Case>,
    statement: Statement,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Organisation {
    key: String,
    name: Line,
    aliases: Lines,
    kind: OrganisationKind,
    country: Option<Country>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    key: String,
    title: Line,
    publisher: Line,
    published_on: Option<Edtf>,
    language: Language,
    kind: SourceKind,
    reliability: Reliability,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Individual {
    key: String,
    source: String,
    sex: Sex,
    born_on: Option<Edtf>,
    country: Country,
    occupations: Lines,
    biography: Option<Prose>,
    names: Vec<(Line, Script, NameKind, Option<Romanisation>, bool)>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    individual: String,
    concerns: Listed<Concern>,
    impugned_activity: Option<Prose>,
    summary: Prose,
    facts: Vec<Fact>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    kind: FactKind,
    source: String,
    holds_from: Edtf,
    information: Information,
    particulars: Value,
    notes: Option<Prose>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    source: String,
    title: Line,
    kind: StatementKind,
    issued_on: Edtf,
    language: Language,
    issuers: Vec<String>,
    concerns: Listed<Concern>,
    calls: Listed<Call>,
    mentions: HashMap<String, String>,
}

/// Loads the sample where it is not there yet, and says whether it did.
///
/// # Errors
/// What the database says.
pub fn load(door: &Door) -> Result<bool, Error> {
    let sample: Sample = serde_json::from_str(SAMPLE).map_err(Error::internal)?;
    door.write_as_owner(super::owner(), move |tx| {
        let holder = Line::parse(HOLDER).map_err(Error::internal)?;
        if organisations::find_by_name(tx, &holder)?.is_some() {
            return Ok(false);
        }
        Loader::new(tx, &holder)?.all(sample)?;
        Ok(true)
    })
}

struct Loader<'t, 'c> {
    tx: &'t mut Write<'c>,
    holder: OrganisationId,
    /// The sample's own account, which nobody can log in to, recorded each fact.
    recorder: AccountId,
    /// The other of the two that an override takes.
    second: AccountId,
    organisations: HashMap<String, OrganisationId>,
    sources: HashMap<String, SourceId>,
    individuals: HashMap<String, IndividualId>,
}

fn known<T: Clone>(map: &HashMap<String, T>, key: &str) -> Result<T, Error> {
    map.get(key)
        .cloned()
        .ok_or_else(|| Error::internal(format!("the sample names {key}, which it does not hold")))
}

impl<'t, 'c> Loader<'t, 'c> {
    fn new(tx: &'t mut Write<'c>, holder: &Line) -> Result<Self, Error> {
        let mut loader = Self {
            holder: OrganisationId::from_uuid(tx.uuid()),
            recorder: AccountId::from_uuid(tx.uuid()),
            second: AccountId::from_uuid(tx.uuid()),
            tx,
            organisations: HashMap::new(),
            sources: HashMap::new(),
            individuals: HashMap::new(),
        };
        let own = loader.holder.clone();
        loader.organisation(own, holder.clone(), Lines::default(), OrganisationKind::Ngo, None)?;
        for (id, email) in [
            (loader.recorder.clone(), "sample@invalid"),
            (loader.second.clone(), "sample-second@invalid"),
        ] {
            let row = crate::access::accounts::AccountRow {
                id,
                organisation_id: loader.holder.clone(),
                email: email.to_owned(),
                name: Line::parse("The sample").map_err(Error::internal)?,
                role: crate::base::words::Role::Staff,
                password_hash: "none".to_owned(),
                otp_secret: None,
                otp_active: false,
                otp_step: 0,
                created_at: loader.tx.now(),
                updated_at: loader.tx.now(),
                disabled_at: Some(loader.tx.now()),
            };
            loader.tx.create(&row)?;
        }
        Ok(loader)
    }

    fn all(mut self, sample: Sample) -> Result<(), Error> {
        for given in sample.organisations {
            let id = OrganisationId::from_uuid(self.tx.uuid());
            self.organisations.insert(given.key, id.clone());
            self.organisation(id, given.name, given.aliases, given.kind, given.country)?;
        }
        let statement = StatementId::from_uuid(self.tx.uuid());
        for given in sample.sources {
            self.source(given, &sample.statement.source, &statement)?;
        }
        let mut index = Index::default();
        for given in sample.individuals {
            self.individual(given, &mut index)?;
        }
        for (person, kind, other) in sample.relations {
            self.relation(&person, kind, &other)?;
        }
        for given in sample.cases {
            self.case(given)?;
        }
        self.statement(&statement, sample.statement, &index)
    }

    fn organisation(
        &mut self,
        id: OrganisationId,
        name: Line,
        aliases: Lines,
        kind: OrganisationKind,
        country: Option<Country>,
    ) -> Result<(), Error> {
        let now = self.tx.now();
        let (website, retired_at) = (None, None);
        self.tx.create(&OrganisationRow {
            id,
            name,
            aliases,
            kind,
            country,
            website,
            created_at: now,
            updated_at: now,
            retired_at,
        })
    }

    fn source(&mut self, given: Source, founding: &str, statement: &StatementId) -> Result<(), Error> {
        let id = SourceId::from_uuid(self.tx.uuid());
        let statement_id = (given.key == founding).then(|| statement.clone());
        self.sources.insert(given.key, id.clone());
        let row = SourceRow {
            id,
            organisation_id: self.holder.clone(),
            sharing: Sharing::Public,
            title: given.title,
            publisher: Some(given.publisher),
            address: None,
            published_on: given.published_on,
            language: Some(given.language),
            kind: Some(given.kind),
            reliability: given.reliability,
            statement_id,
            notes: None,
            identity: None,
            created_at: self.tx.now(),
            updated_at: self.tx.now(),
            partners_updated_at: self.tx.now(),
            public_updated_at: self.tx.now(),
            retired_at: None,
        };
        self.tx.create(&row)
    }

    fn individual(&mut self, given: Individual, index: &mut Index<IndividualId>) -> Result<(), Error> {
        let id = IndividualId::from_uuid(self.tx.uuid());
        let names: Vec<Name> = given
            .names
            .into_iter()
            .map(|(text, script, kind, romanisation, preferred)| Name {
                text,
                kind,
                script: Some(script),
                language: None,
                romanisation,
                preferred,
            })
            .collect();
        index.set_names(&id, &names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>());
        self.individuals.insert(given.key, id.clone());
        let row = IndividualRow {
            id,
            organisation_id: self.holder.clone(),
            sharing: Sharing::Public,
            names: Listed::new(names),
            names_folded: String::new(),
            sex: given.sex,
            born_on: given.born_on,
            born_earliest: None,
            born_latest: None,
            died_on: None,
            country: Some(given.country),
            ethnicity: None,
            religion: None,
            occupations: given.occupations,
            biography: given.biography,
            identifiers: Listed::default(),
            notes: None,
            contacts: None,
            source_id: Some(known(&self.sources, &given.source)?),
            partners_until: None,
            public_until: None,
            health_partners_until: None,
            health_public_until: None,
            created_at: self.tx.now(),
            updated_at: self.tx.now(),
            partners_updated_at: self.tx.now(),
            public_updated_at: self.tx.now(),
            retired_at: None,
        };
        let row = row.checked()?;
        self.tx.create(&row)?;
        self.publicity(&row)
    }

    /// All of the sample has been public for years: an override by its two accounts.
    fn publicity(&mut self, person: &IndividualRow) -> Result<(), Error> {
        let row = OverrideRow {
            id: OverrideId::from_uuid(self.tx.uuid()),
            organisation_id: self.holder.clone(),
            individual_id: person.id.clone(),
            scopes: Listed::new(ConsentScope::ALL.to_vec()),
            reason: Line::parse("Named in public by the statements of 2010 that the sample repeats")
                .map_err(Error::internal)?,
            expires_on: None,
            proposed_by: self.recorder.clone(),
            proposed_at: self.tx.now(),
            confirmed_by: Some(self.second.clone()),
            confirmed_at: Some(self.tx.now()),
            ended_at: None,
        };
        self.tx.create(&row)?;
        consent::settle(self.tx, person).map(drop)
    }

    fn relation(&mut self, person: &str, kind: RelationKind, other: &str) -> Result<(), Error> {
        let row = RelationRow {
            id: RelationId::from_uuid(self.tx.uuid()),
            organisation_id: self.holder.clone(),
            individual_id: known(&self.individuals, person)?,
            kind,
            other_id: known(&self.individuals, other)?,
            note: None,
            opened_because: Some(Line::parse("She speaks in public for herself and for him").map_err(Error::internal)?),
            source_id: Some(known(&self.sources, "chrd")?),
            created_at: self.tx.now(),
            retired_at: None,
        };
        self.tx.create(&row)
    }

    fn case(&mut self, given: Case) -> Result<(), Error> {
        let row = CaseRow {
            id: CaseId::from_uuid(self.tx.uuid()),
            individual_id: known(&self.individuals, &given.individual)?,
            organisation_id: self.holder.clone(),
            sharing: Sharing::Public,
            country: Country::parse("CN").map_err(Error::internal)?,
            opened_on: None,
            closed_on: None,
            concerns: given.concerns,
            impugned_activity: given.impugned_activity,
            summary: Some(given.summary),
            notes: None,
            officer_id: None,
            source_id: Some(known(&self.sources, "chrd")?),
            created_at: self.tx.now(),
            updated_at: self.tx.now(),
            partners_updated_at: self.tx.now(),
            public_updated_at: self.tx.now(),
            retired_at: None,
        };
        self.tx.create(&row)?;
        for fact in given.facts {
            self.fact(&row.id, fact)?;
        }
        Ok(())
    }

    fn fact(&mut self, case: &CaseId, given: Fact) -> Result<(), Error> {
        let read = given.particulars;
        let particulars = match given.kind {
            FactKind::Custody => Particulars::new(&parsed::<Custody>(read)?),
            FactKind::Charge => Particulars::new(&parsed::<Charge>(read)?),
            FactKind::Sentence => Particulars::new(&parsed::<Sentence>(read)?),
            FactKind::Health => Particulars::new(&parsed::<Health>(read)?),
        }?;
        let row = FactRow {
            id: FactId::from_uuid(self.tx.uuid()),
            case_id: case.clone(),
            organisation_id: self.holder.clone(),
            kind: given.kind,
            sharing: Sharing::Public,
            source_id: Some(known(&self.sources, &given.source)?),
            information: given.information,
            rank: Rank::Normal,
            earliest: given.holds_from.earliest(),
            latest: given.holds_from.latest(),
            holds_from: given.holds_from,
            particulars,
            notes: given.notes,
            supersedes: None,
            superseded_by: None,
            reason: None,
            retraction_reason: None,
            recorded_at: self.tx.now(),
            recorded_by: self.recorder.clone(),
            updated_at: self.tx.now(),
            retracted_at: None,
        };
        self.tx.create(&row)
    }

    fn statement(&mut self, id: &StatementId, given: Statement, index: &Index<IndividualId>) -> Result<(), Error> {
        let issuers: Result<Vec<_>, Error> = given
            .issuers
            .iter()
            .map(|key| known(&self.organisations, key))
            .collect();
        let row = StatementRow {
            id: id.clone(),
            organisation_id: self.holder.clone(),
            sharing: Sharing::Public,
            kind: given.kind,
            words_folded: String::new(),
            title: given.title,
            issuers: Listed::new(issuers?),
            issued_earliest: given.issued_on.earliest(),
            issued_latest: given.issued_on.latest(),
            issued_on: given.issued_on,
            language: given.language,
            source_id: Some(known(&self.sources, &given.source)?),
            text: Prose::parse(FOUNDING_TEXT).map_err(Error::internal)?,
            text_digest: String::new(),
            concerns: given.concerns,
            calls: given.calls,
            related: Listed::default(),
            notes: None,
            created_at: self.tx.now(),
            updated_at: self.tx.now(),
            partners_updated_at: self.tx.now(),
            public_updated_at: self.tx.now(),
            retired_at: None,
        }
        .derived();
        self.tx.create(&row)?;
        let wanted: Result<Vec<_>, Error> = given
            .mentions
            .values()
            .map(|key| known(&self.individuals, key))
            .collect();
        let wanted = wanted?;
        for mention in index.scan(FOUNDING_TEXT, |key| wanted.contains(key)) {
            for candidate in mention.candidates {
                let row = MentionRow {
                    id: MentionId::from_uuid(self.tx.uuid()),
                    statement_id: id.clone(),
                    individual_id: candidate.key,
                    start_at: i32::try_from(mention.start).map_err(Error::internal)?,
                    end_at: i32::try_from(mention.end).map_err(Error::internal)?,
                    text: mention.text.clone(),
                    matched: candidate.matched,
                    score: candidate.score,
                    why: candidate.why,
                    state: MentionState::Confirmed,
                    decided_by: Some(self.recorder.clone()),
                    decided_at: Some(self.tx.now()),
                    created_at: self.tx.now(),
                    retired_at: None,
                };
                self.tx.create(&row)?;
            }
        }
        Ok(())
    }
}

fn parsed<P: serde::de::DeserializeOwned>(value: Value) -> Result<P, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}
