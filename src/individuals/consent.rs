//! Consent to publicity: what a person, or who may speak for them, has said, and the override of missing consent by two
//! people. What neither covers is shown to nobody outside, whatever the record's level says.
//!
//! The last consent recorded holds; whatever the person said, a narrower yes too, ends the overrides proposed before it.
//! What is covered until which day stands with the person (`partners_until`, `public_until`, `health_partners_until`,
//! `health_public_until`), so that every query asks the same.

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::access::{Read, Write};
use crate::base::date::{Edtf, last_day};
use crate::base::error::Error;
use crate::base::id::{AccountId, ConsentId, IndividualId, OrganisationId, OverrideId, SourceId};
use crate::base::text::{Line, Listed, Prose};
use crate::base::time::UtcTime;
use crate::base::words::{ConsentBy, ConsentScope, ConsentState};
use crate::individuals::merges;
use crate::individuals::rows::IndividualRow;
use crate::schema::{consent_overrides, consents};

/// What was said, as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = consents, treat_none_as_null = true)]
pub struct ConsentRow {
    /// Its id.
    pub id: ConsentId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Whose.
    pub individual_id: IndividualId,
    /// What was said.
    pub state: ConsentState,
    /// Who said it.
    pub given_by: Option<ConsentBy>,
    /// When.
    pub given_on: Option<Edtf>,
    /// What it covers.
    pub scopes: Listed<ConsentScope>,
    /// The last day on which it covers that; no end where nothing is said.
    pub expires_on: Option<NaiveDate>,
    /// What shows it.
    pub evidence: Option<Prose>,
    /// Where this comes from.
    pub source_id: Option<SourceId>,
    /// When we learnt it.
    pub recorded_at: UtcTime,
    /// Who recorded it.
    pub recorded_by: AccountId,
}

crate::record!(ConsentRow, consents, "consent", parent: |row| Some(row.individual_id.to_string()), owner: |row| Some(row.organisation_id.to_string()), level: |row, conn| crate::individuals::rows::level_of(conn, &[&row.individual_id]).map(|level| level.max(crate::base::words::Sharing::Internal)), {
    id: Internal,
    organisation_id: Internal,
    individual_id: Internal,
    state: Internal,
    given_by: Internal,
    given_on: Internal,
    scopes: Internal,
    expires_on: Internal,
    evidence: Internal,
    source_id: Internal,
    recorded_at: Internal,
    recorded_by: Internal,
});

/// Publicity without consent, as stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = consent_overrides, treat_none_as_null = true)]
pub struct OverrideRow {
    /// Its id.
    pub id: OverrideId,
    /// The organisation that holds the record.
    pub organisation_id: OrganisationId,
    /// Whose publicity.
    pub individual_id: IndividualId,
    /// What it covers.
    pub scopes: Listed<ConsentScope>,
    /// Why.
    pub reason: Line,
    /// The last day on which it covers that; no end where nothing is said.
    pub expires_on: Option<NaiveDate>,
    /// Who proposed it.
    pub proposed_by: AccountId,
    /// When.
    pub proposed_at: UtcTime,
    /// Who confirmed it: somebody else.
    pub confirmed_by: Option<AccountId>,
    /// When; it covers nothing before.
    pub confirmed_at: Option<UtcTime>,
    /// When it was ended, if it was.
    pub ended_at: Option<UtcTime>,
}

crate::record!(OverrideRow, consent_overrides, "consent_override", parent: |row| Some(row.individual_id.to_string()), owner: |row| Some(row.organisation_id.to_string()), level: |row, conn| crate::individuals::rows::level_of(conn, &[&row.individual_id]).map(|level| level.max(crate::base::words::Sharing::Internal)), {
    id: Internal,
    organisation_id: Internal,
    individual_id: Internal,
    scopes: Internal,
    reason: Internal,
    expires_on: Internal,
    proposed_by: Internal,
    proposed_at: Internal,
    confirmed_by: Internal,
    confirmed_at: Internal,
    ended_at: Internal,
});

/// What is covered, each until the last day; nothing where it is not covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cover {
    /// Sharing with partners.
    pub partners: Option<NaiveDate>,
    /// Raising in public, with the name.
    pub public: Option<NaiveDate>,
    /// Health, to partners.
    pub health_partners: Option<NaiveDate>,
    /// Health, in public.
    pub health_public: Option<NaiveDate>,
}

impl Cover {
    /// As it stands with the person.
    fn of(row: &IndividualRow) -> Self {
        Self {
            partners: row.partners_until,
            public: row.public_until,
            health_partners: row.health_partners_until,
            health_public: row.health_public_until,
        }
    }

    /// What both cover.
    fn narrowed(self, other: Self) -> Self {
        Self {
            partners: self.partners.min(other.partners),
            public: self.public.min(other.public),
            health_partners: self.health_partners.min(other.health_partners),
            health_public: self.health_public.min(other.health_public),
        }
    }
}

/// What was said and decided, in the order in which it was recorded.
#[derive(Clone)]
struct Said {
    consents: Vec<ConsentRow>,
    overrides: Vec<OverrideRow>,
}

impl Said {
    fn of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Self, Error> {
        Ok(Self {
            consents: consents_of(tx, id)?,
            overrides: overrides_of(tx, id)?,
        })
    }

    /// With what was said elsewhere after one moment, and up to another.
    fn with(mut self, other: &Self, after: UtcTime, until: Option<UtcTime>) -> Self {
        let within = |at: UtcTime| at > after && until.is_none_or(|until| at <= until);
        let consents = other.consents.iter().filter(|row| within(row.recorded_at)).cloned();
        self.consents.extend(consents);
        self.consents.sort_by_key(|row| row.recorded_at);
        let overrides = other.overrides.iter().filter(|row| within(row.proposed_at)).cloned();
        self.overrides.extend(overrides);
        self.overrides.sort_by_key(|row| row.proposed_at);
        self
    }
}

/// What bears on a person, each of which must cover what is shown: what was said of them; of whoever was merged into
/// them, with what was said since; and, of who was split off again, what was said meanwhile, of whichever of the two.
fn bearing_on(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<Said>, Error> {
    let own = Said::of(tx, id)?;
    let mut all = vec![own.clone()];
    for merge in merges::every_of(tx, id)? {
        match merge.undone_at {
            None if merge.individual_id == *id => {
                let theirs = bearing_on(tx, &merge.other_id)?.into_iter();
                all.extend(theirs.map(|said| said.with(&own, merge.merged_at, None)));
            }
            Some(undone) if merge.other_id == *id => {
                let kept = Said::of(tx, &merge.individual_id)?;
                all.push(own.clone().with(&kept, merge.merged_at, Some(undone)));
            }
            _ => {}
        }
    }
    Ok(all)
}

/// What consents and overrides cover, given in the order in which they were recorded.
#[must_use]
pub fn cover(consents: &[ConsentRow], overrides: &[OverrideRow]) -> Cover {
    let until = |end: Option<NaiveDate>| end.unwrap_or(last_day());
    // Whatever the person says, a narrower yes too, ends what others had decided for them.
    let spoken = consents
        .iter()
        .filter(|row| {
            matches!(
                row.state,
                ConsentState::Given | ConsentState::Refused | ConsentState::Withdrawn
            )
        })
        .map(|row| row.recorded_at)
        .max();
    let given = consents.last().filter(|row| row.state == ConsentState::Given);
    let standing = overrides.iter().filter(|row| {
        row.confirmed_at.is_some() && spoken.is_none_or(|spoken| spoken < row.proposed_at) && row.ended_at.is_none()
    });
    let covers: Vec<(&[ConsentScope], NaiveDate)> = given
        .map(|row| (row.scopes.items(), until(row.expires_on)))
        .into_iter()
        .chain(standing.map(|row| (row.scopes.items(), until(row.expires_on))))
        .collect();
    let of = |needed: &[ConsentScope]| {
        let fits = covers
            .iter()
            .filter(|(scopes, _)| needed.iter().all(|scope| scopes.contains(scope)));
        fits.map(|(_, until)| *until).max()
    };
    let public = of(&[ConsentScope::RaisingInPublic, ConsentScope::Name]);
    let health_public = of(&[ConsentScope::RaisingInPublic, ConsentScope::Name, ConsentScope::Health]);
    Cover {
        partners: of(&[ConsentScope::PartnerSharing]).max(public),
        public,
        health_partners: of(&[ConsentScope::PartnerSharing, ConsentScope::Health]).max(health_public),
        health_public,
    }
}

/// What was said, in the order in which it was recorded.
///
/// # Errors
/// What the database says.
pub fn consents_of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<ConsentRow>, Error> {
    let found = consents::table
        .filter(consents::individual_id.eq(id.clone()))
        .order((consents::recorded_at, consents::id))
        .select(consents::all_columns)
        .load(tx.conn())?;
    tx.sound_parts::<ConsentRow>(&[id.to_string()], found)
}

/// The overrides, in the order in which they were proposed.
///
/// # Errors
/// What the database says.
pub fn overrides_of(tx: &mut Read<'_>, id: &IndividualId) -> Result<Vec<OverrideRow>, Error> {
    let found = consent_overrides::table
        .filter(consent_overrides::individual_id.eq(id.clone()))
        .order((consent_overrides::proposed_at, consent_overrides::id))
        .select(consent_overrides::all_columns)
        .load(tx.conn())?;
    tx.sound_parts::<OverrideRow>(&[id.to_string()], found)
}

/// When something is said now: after all that was said of the person before, whatever the clocks of several machines
/// make of it.
///
/// # Errors
/// What the database says.
pub fn moment(tx: &mut Read<'_>, id: &IndividualId) -> Result<UtcTime, Error> {
    let consents = consents_of(tx, id)?.into_iter().map(|row| row.recorded_at);
    let overrides = overrides_of(tx, id)?.into_iter();
    let decided = overrides
        .flat_map(|row| [Some(row.proposed_at), row.confirmed_at, row.ended_at])
        .flatten();
    // What is said of two who were merged is told from what was said before and after.
    let merged = merges::every_of(tx, id)?.into_iter();
    let merged = merged.flat_map(|row| [Some(row.merged_at), row.undone_at]).flatten();
    let last = consents.chain(decided).chain(merged).max();
    Ok(last.map_or(tx.now(), |last| tx.now().max(last.plus_a_moment())))
}

/// Writes with the person what is covered now; from the next request on, nothing else is shown outside.
///
/// # Errors
/// What the database says.
pub fn settle(tx: &mut Write<'_>, before: &IndividualRow) -> Result<IndividualRow, Error> {
    let covers = bearing_on(tx, &before.id)?.into_iter();
    let covers = covers.map(|said| cover(&said.consents, &said.overrides));
    let cover = covers.reduce(Cover::narrowed).unwrap_or_default();
    let mut after = IndividualRow {
        partners_until: cover.partners,
        public_until: cover.public,
        health_partners_until: cover.health_partners,
        health_public_until: cover.health_public,
        ..before.clone()
    };
    if Cover::of(before) != cover {
        // For whoever follows the changes, the person has come or gone.
        after.partners_updated_at = tx.now();
        after.public_updated_at = tx.now();
    }
    tx.save(before, after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(second: u32) -> UtcTime {
        serde_json::from_value(json!(format!("2010-05-10T08:00:{second:02}Z"))).unwrap()
    }

    fn said(state: ConsentState, scopes: &[ConsentScope], second: u32) -> ConsentRow {
        ConsentRow {
            id: ConsentId::from_uuid(uuid::Uuid::new_v4()),
            organisation_id: OrganisationId::from_uuid(uuid::Uuid::nil()),
            individual_id: IndividualId::from_uuid(uuid::Uuid::nil()),
            state,
            given_by: None,
            given_on: None,
            scopes: Listed::new(scopes.to_vec()),
            expires_on: None,
            evidence: None,
            source_id: None,
            recorded_at: at(second),
            recorded_by: AccountId::from_uuid(uuid::Uuid::nil()),
        }
    }

    fn overridden(scopes: &[ConsentScope], proposed: u32, confirmed: Option<u32>) -> OverrideRow {
        OverrideRow {
            id: OverrideId::from_uuid(uuid::Uuid::new_v4()),
            organisation_id: OrganisationId::from_uuid(uuid::Uuid::nil()),
            individual_id: IndividualId::from_uuid(uuid::Uuid::nil()),
            scopes: Listed::new(scopes.to_vec()),
            reason: Line::parse("known to the whole world").unwrap(),
            expires_on: None,
            proposed_by: AccountId::from_uuid(uuid::Uuid::nil()),
            proposed_at: at(proposed),
            confirmed_by: None,
            confirmed_at: confirmed.map(at),
            ended_at: None,
        }
    }

    const PUBLIC: &[ConsentScope] = &[ConsentScope::RaisingInPublic, ConsentScope::Name];

    #[test]
    fn only_what_was_given_is_covered() {
        let given = said(ConsentState::Given, PUBLIC, 1);
        let covered = cover(std::slice::from_ref(&given), &[]);
        assert!(covered.public.is_some() && covered.partners == covered.public && covered.health_partners.is_none());
        let nameless = said(ConsentState::Given, &[ConsentScope::RaisingInPublic], 1);
        assert_eq!(cover(&[nameless], &[]), Cover::default());
        let partners = said(
            ConsentState::Given,
            &[ConsentScope::PartnerSharing, ConsentScope::Health],
            1,
        );
        let covered = cover(&[partners], &[]);
        assert!(
            covered.partners.is_some()
                && covered.health_partners.is_some()
                && covered.public.or(covered.health_public).is_none()
        );
        for state in [
            ConsentState::NotAsked,
            ConsentState::Refused,
            ConsentState::Withdrawn,
            ConsentState::CannotBeObtained,
        ] {
            assert_eq!(
                cover(&[given.clone(), said(state, PUBLIC, 2)], &[]),
                Cover::default(),
                "{state:?}"
            );
        }
    }

    #[test]
    fn an_override_takes_two_and_yields_to_a_no() {
        let cannot = || said(ConsentState::CannotBeObtained, &[], 1);
        assert_eq!(cover(&[cannot()], &[overridden(PUBLIC, 2, None)]), Cover::default());
        assert!(cover(&[cannot()], &[overridden(PUBLIC, 2, Some(3))]).public.is_some());
        let no = said(ConsentState::Withdrawn, &[], 4);
        assert_eq!(
            cover(&[cannot(), no.clone()], &[overridden(PUBLIC, 2, Some(3))]),
            Cover::default()
        );
        assert_eq!(
            cover(std::slice::from_ref(&no), &[overridden(PUBLIC, 2, Some(5))]),
            Cover::default(),
            "proposed before it"
        );
        assert!(cover(&[no], &[overridden(PUBLIC, 5, Some(6))]).public.is_some());
        let narrower = said(ConsentState::Given, &[ConsentScope::PartnerSharing], 4);
        assert!(cover(&[narrower], &[overridden(PUBLIC, 2, Some(3))]).public.is_none());
    }
}
