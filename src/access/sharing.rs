//! Who may see which record. A room's `visible(viewer)` is made of these and is the start of each of its queries.

/// A condition of what a viewer may see. Named by its place, so that `scripts/holes` can leave out one at a time.
#[cfg(not(hole))]
#[macro_export]
macro_rules! filter_of_sight {
    ($condition:expr) => {
        $condition
    };
}

/// The same, which one place can be without.
#[cfg(hole)]
#[macro_export]
macro_rules! filter_of_sight {
    ($condition:expr) => {{
        use diesel::IntoSql;
        $condition.or($crate::access::hole::here().into_sql::<diesel::sql_types::Bool>())
    }};
}

/// The rows of a table with `id`, `sharing` and `organisation_id` that a viewer may see: those up to their level,
/// those their own organisation holds, and restricted ones whose team they are on.
#[macro_export]
macro_rules! shared_with {
    ($table:ident, $viewer:expr) => {{
        use diesel::prelude::*;
        use $crate::base::words::Sharing;
        use $crate::schema::team_members;
        let viewer: &$crate::access::Viewer = $viewer;
        $crate::filter_of_sight!(
            $table::sharing
                .eq_any(viewer.levels().to_vec())
                .or($table::organisation_id
                    .eq_any(viewer.owns())
                    .and($table::sharing.ne(Sharing::Restricted)))
                .or($table::sharing.eq(Sharing::Restricted).and(
                    $table::id.eq_any(
                        team_members::table
                            .filter(team_members::account_id.eq_any(viewer.on_teams_as()))
                            .select(team_members::record_id),
                    ),
                ))
        )
    }};
}

/// The people who are shared with a viewer: as every record, but outside only as far as consent covers it today. Who holds
/// the record, and who is named for it, sees it all the same.
#[macro_export]
macro_rules! individuals_shared_with {
    ($viewer:expr) => {{
        use diesel::prelude::*;
        use diesel::sql_types::Bool;
        use $crate::base::words::Sharing;
        use $crate::schema::individuals;
        let viewer: &$crate::access::Viewer = $viewer;
        let inside = viewer.sees(Sharing::Internal, None);
        let today = viewer.today;
        let as_partner = (viewer.role == $crate::base::words::Role::Partner).into_sql::<Bool>();
        let public = individuals::sharing
            .eq(Sharing::Public)
            .and(individuals::public_until.assume_not_null().ge(today));
        let partners = individuals::sharing
            .eq_any([Sharing::Public, Sharing::Partners])
            .and(individuals::partners_until.assume_not_null().ge(today))
            .and(as_partner);
        let own = individuals::organisation_id.eq_any(viewer.owns());
        let consented = inside
            .into_sql::<Bool>()
            .or(public)
            .or(partners)
            .or(own)
            .or(individuals::sharing.eq(Sharing::Restricted));
        $crate::shared_with!(individuals, viewer).and($crate::filter_of_sight!(consented))
    }};
}

/// The facts that a viewer may see, of cases that they may see: those up to their level, those that their own
/// organisation or their own organisation's case holds, and all where they are on the case's team.
#[macro_export]
macro_rules! facts_shared_with {
    ($viewer:expr) => {{
        use diesel::prelude::*;
        use $crate::base::words::Sharing;
        use $crate::schema::{cases, facts, individuals, team_members};
        let viewer: &$crate::access::Viewer = $viewer;
        let teams = team_members::table
            .filter(team_members::account_id.eq_any(viewer.on_teams_as()))
            .select(team_members::record_id);
        // An alias, so that this can stand inside a query on cases.
        let of_cases = diesel::alias!(cases as fact_cases);
        let own = of_cases
            .filter(of_cases.field(cases::organisation_id).eq_any(viewer.owns()))
            .select(of_cases.field(cases::id));
        // Of health, outside, only what consent covers today.
        let inside = viewer.sees(Sharing::Internal, None);
        let people = diesel::alias!(individuals as fact_people);
        let as_partner = viewer.role == $crate::base::words::Role::Partner;
        let to_partners = people
            .field(individuals::health_partners_until)
            .assume_not_null()
            .ge(viewer.today)
            .and(as_partner.into_sql::<diesel::sql_types::Bool>());
        let in_public = people
            .field(individuals::health_public_until)
            .assume_not_null()
            .ge(viewer.today);
        let covered = people
            .filter(in_public.or(to_partners))
            .select(people.field(individuals::id));
        let open = of_cases
            .filter(of_cases.field(cases::individual_id).eq_any(covered))
            .select(of_cases.field(cases::id));
        // What costs nothing is asked first: both databases look no further once one holds.
        let healthy = inside
            .into_sql::<diesel::sql_types::Bool>()
            .or(facts::kind.ne("health"))
            .or(facts::organisation_id.eq_any(viewer.owns()))
            .or(facts::case_id.eq_any(teams.clone()))
            .or(facts::case_id.eq_any(open));
        let shared = $crate::filter_of_sight!(
            facts::sharing
                .eq_any(viewer.levels().to_vec())
                .or(facts::sharing.ne(Sharing::Restricted).and(
                    facts::organisation_id
                        .eq_any(viewer.owns())
                        .or(facts::case_id.eq_any(own)),
                ))
                .or(facts::case_id.eq_any(teams))
        );
        shared.and($crate::filter_of_sight!(healthy))
    }};
}

/// The submissions that a viewer may see, of cases that they may see: those inside see all, a partner those of its own
/// organisation; what rests on something restricted is for the case's team alone.
#[macro_export]
macro_rules! submissions_shared_with {
    ($viewer:expr) => {{
        use diesel::prelude::*;
        use $crate::base::words::Sharing;
        use $crate::schema::{submissions, team_members};
        let viewer: &$crate::access::Viewer = $viewer;
        let teams = team_members::table
            .filter(team_members::account_id.eq_any(viewer.on_teams_as()))
            .select(team_members::record_id);
        let inside = viewer
            .sees(Sharing::Internal, None)
            .into_sql::<diesel::sql_types::Bool>();
        let submitters = $crate::filter_of_sight!(submissions::organisation_id.eq_any(viewer.owns()).or(inside));
        submitters.and($crate::filter_of_sight!(
            submissions::sharing
                .ne(Sharing::Restricted)
                .or(submissions::case_id.eq_any(teams))
        ))
    }};
}

/// The rows changed since, as far as a viewer may know of the change.
#[macro_export]
macro_rules! updated_since {
    ($table:ident, $viewer:expr, $since:expr) => {{
        use diesel::prelude::*;
        let (viewer, since): (&$crate::access::Viewer, $crate::base::time::UtcTime) = ($viewer, $since);
        let inside = viewer.sees($crate::base::words::Sharing::Internal, None);
        let own = $table::organisation_id.eq_any(viewer.owns());
        $table::partners_updated_at.ge(since).or($table::updated_at
            .ge(since)
            .and(own.or(inside.into_sql::<diesel::sql_types::Bool>())))
    }};
}

use std::collections::HashSet;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use crate::access::ledger::{Classes, Record};
use crate::access::viewer::Viewer;
use crate::base::error::Error;
use crate::base::id::AccountId;
use crate::base::time::UtcTime;
use crate::base::words::{Role, Sharing};
use crate::schema::{accounts, team_members};
use crate::store::Conn;

/// That an account is on the team of a record.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = team_members)]
pub struct TeamRow {
    /// The record.
    pub record_id: String,
    /// Who.
    pub account_id: AccountId,
    /// Since when.
    pub joined_at: UtcTime,
}

impl Record for TeamRow {
    const TABLE: &'static str = "team_members";
    const KIND: &'static str = "team_member";
    const CLASSES: Classes = &[
        ("record_id", Sharing::Internal),
        ("account_id", Sharing::Internal),
        ("joined_at", Sharing::Internal),
    ];

    fn id(&self) -> String {
        format!("{}/{}", self.record_id, self.account_id)
    }

    fn parent(&self) -> Option<String> {
        Some(self.record_id.clone())
    }

    fn owner(&self) -> Option<String> {
        None
    }

    /// Teams are told to those inside alone.
    fn level(&self, _: &mut Conn) -> QueryResult<Sharing> {
        Ok(Sharing::Internal)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("record_id", json!(self.record_id)),
            ("account_id", json!(self.account_id)),
            ("joined_at", json!(self.joined_at)),
        ]
    }

    fn restored(&self, fields: &Map<String, Value>) -> serde_json::Result<Self> {
        let mut row = self.clone();
        if let Some(value) = fields.get("joined_at") {
            row.joined_at = serde_json::from_value(value.clone())?;
        }
        Ok(row)
    }

    fn insert(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::insert_into(team_members::table).values(self).execute(conn)
    }

    fn update(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::update(team_members::table.find((self.record_id.clone(), self.account_id.clone())))
            .set(team_members::joined_at.eq(self.joined_at))
            .execute(conn)
    }

    fn remove(&self, conn: &mut Conn) -> QueryResult<usize> {
        diesel::delete(team_members::table.find((self.record_id.clone(), self.account_id.clone()))).execute(conn)
    }
}

impl TeamRow {
    /// Whether that account is on that team.
    ///
    /// # Errors
    /// What the database says.
    pub fn is_member(conn: &mut Conn, record_id: &str, account_id: &AccountId) -> Result<bool, Error> {
        let found: Option<String> = team_members::table
            .find((record_id.to_owned(), account_id.clone()))
            .select(team_members::record_id)
            .first(conn)
            .optional()?;
        Ok(found.is_some())
    }

    /// Whether somebody else on the team can still log in and read it.
    ///
    /// # Errors
    /// What the database says.
    pub fn others_see(conn: &mut Conn, record_id: &str, but: &AccountId) -> Result<bool, Error> {
        let found: Option<String> = team_members::table
            .inner_join(accounts::table.on(accounts::id.eq(team_members::account_id)))
            .filter(team_members::record_id.eq(record_id.to_owned()))
            .filter(team_members::account_id.ne(but.clone()))
            .filter(accounts::disabled_at.is_null())
            .filter(accounts::role.ne(Role::Dashboard))
            .select(team_members::record_id)
            .first(conn)
            .optional()?;
        Ok(found.is_some())
    }

    /// The records whose teams open to that reader what is restricted.
    ///
    /// # Errors
    /// What the database says.
    pub fn records_of(conn: &mut Conn, viewer: &Viewer) -> Result<HashSet<String>, Error> {
        let found: Vec<String> = team_members::table
            .filter(team_members::account_id.eq_any(viewer.on_teams_as()))
            .select(team_members::record_id)
            .load(conn)?;
        Ok(found.into_iter().collect())
    }

    /// The team of a record.
    ///
    /// # Errors
    /// What the database says.
    pub fn of(conn: &mut Conn, record_id: &str) -> Result<Vec<Self>, Error> {
        Ok(team_members::table
            .filter(team_members::record_id.eq(record_id.to_owned()))
            .order((team_members::joined_at, team_members::account_id))
            .select(team_members::all_columns)
            .load(conn)?)
    }
}
