//! What a role may do: one table, from which come the marker types, the role matrix and the OpenAPI document.

use crate::base::words::Role;

/// A permission as a type, so that it stands in the handler's signature.
pub trait Permission: 'static {
    /// Its name in the role matrix.
    const NAME: &'static str;
    /// The roles that have it.
    const ROLES: &'static [Role];
}

/// A row of the table, for the documents made from it.
pub struct Row {
    /// The permission's name.
    pub name: &'static str,
    /// The roles that have it.
    pub roles: &'static [Role],
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: [$($role:ident),*];)*) => {
        $($(#[$doc])* pub struct $name;
        impl Permission for $name {
            const NAME: &'static str = stringify!($name);
            const ROLES: &'static [Role] = &[$(Role::$role),*];
        })*
        /// The whole table.
        pub const TABLE: &[Row] = &[$(Row { name: stringify!($name), roles: $name::ROLES }),*];
    };
}

permissions! {
    /// Own account: who am I, my sessions, my password.
    UseOwnAccount: [Admin, Staff, Partner, Dashboard];
    /// Accounts of others.
    ManageAccounts: [Admin];
    /// Join the team of a restricted record, by a recorded act.
    JoinTeams: [Admin];
    /// The ledger as a whole.
    ReadAudit: [Admin];
    /// Organisations.
    ReadOrganisations: [Admin, Staff, Partner];
    /// Record organisations.
    EditOrganisations: [Admin, Staff];
    /// Where facts come from.
    ReadSources: [Admin, Staff, Partner];
    /// Record sources.
    EditSources: [Admin, Staff];
    /// People.
    ReadIndividuals: [Admin, Staff, Partner];
    /// Record people.
    EditIndividuals: [Admin, Staff];
    /// Cases and their facts.
    ReadCases: [Admin, Staff, Partner];
    /// Record cases and their facts.
    EditCases: [Admin, Staff];
    /// Statements and whom they mention.
    ReadStatements: [Admin, Staff, Partner];
    /// File statements and decide mentions.
    EditStatements: [Admin, Staff];
    /// Scan a text or match a name.
    FindNames: [Admin, Staff, Partner];
    /// The list of whom to raise first.
    ReadPriorities: [Admin, Staff, Partner, Dashboard];
    /// Counts of cases.
    ReadCounts: [Admin, Staff, Partner, Dashboard];
    /// The closed lists of words.
    ReadVocabularies: [Admin, Staff, Partner, Dashboard];
}
