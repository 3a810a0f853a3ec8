//! What a role may do, a client within which scopes, and what asks for the password anew: one table, from which come the
//! marker types, the role matrix and the OpenAPI document.

use crate::base::words::{Role, Scope};

/// A permission as a type, so that it stands in the handler's signature.
pub trait Permission: 'static {
    /// Its name in the role matrix.
    const NAME: &'static str;
    /// The roles that have it.
    const ROLES: &'static [Role];
    /// The scopes in any of which a client has it; in none, people alone.
    const SCOPES: &'static [Scope];
    /// Whether it is for those alone who have shown lately that they are who they are.
    const ANEW: bool;
}

/// A row of the table, for the documents made from it.
pub struct Row {
    /// The permission's name.
    pub name: &'static str,
    /// The roles that have it.
    pub roles: &'static [Role],
    /// The scopes in any of which a client has it.
    pub scopes: &'static [Scope],
    /// Whether it asks for the password anew.
    pub anew: bool,
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: [$($role:ident),*] $(within [$($scope:ident),*])? $($anew:literal)?;)*) => {
        $($(#[$doc])* pub struct $name;
        impl Permission for $name {
            const NAME: &'static str = stringify!($name);
            const ROLES: &'static [Role] = &[$(Role::$role),*];
            const SCOPES: &'static [Scope] = &[$($(Scope::$scope),*)?];
            const ANEW: bool = [$($anew,)? ""][0].len() > 0;
        })*
        /// The whole table.
        pub const TABLE: &[Row] = &[$(Row { name: stringify!($name), roles: $name::ROLES, scopes: $name::SCOPES, anew: $name::ANEW }),*];
    };
}

permissions! {
    /// Own account: who am I, my sessions, my password.
    UseOwnAccount: [Admin, Staff, Partner, Dashboard];
    /// Accounts of others, and the clients that speak for them.
    ReadAccounts: [Admin];
    /// Open, change and shut accounts; issue and revoke clients' keys.
    ManageAccounts: [Admin] "anew";
    /// Join the team of a restricted record, by a recorded act.
    JoinTeams: [Admin] "anew";
    /// Settle records that were altered behind the program's back.
    SettleAltered: [Admin, Staff] "anew";
    /// The ledger as a whole.
    ReadAudit: [Admin];
    /// Organisations.
    ReadOrganisations: [Admin, Staff, Partner] within [Read];
    /// Record organisations.
    EditOrganisations: [Admin, Staff] within [Edit];
    /// Where facts come from.
    ReadSources: [Admin, Staff, Partner] within [Read];
    /// Record sources.
    EditSources: [Admin, Staff] within [Edit];
    /// People.
    ReadIndividuals: [Admin, Staff, Partner] within [Read];
    /// Record people.
    EditIndividuals: [Admin, Staff] within [Edit];
    /// Merge two records of one person, and split them again.
    MergeIndividuals: [Admin, Staff];
    /// Make a person public without their consent, as one of two.
    OverrideConsent: [Admin, Staff] "anew";
    /// Erase people on lawful request.
    EraseIndividuals: [Admin] "anew";
    /// Cases and their facts.
    ReadCases: [Admin, Staff, Partner] within [Read];
    /// Record cases and their facts.
    EditCases: [Admin, Staff] within [Edit];
    /// Propose changes to cases, which those inside decide.
    ProposeChanges: [Partner] within [Propose];
    /// Statements and whom they mention.
    ReadStatements: [Admin, Staff, Partner] within [Read];
    /// File statements and decide mentions.
    EditStatements: [Admin, Staff] within [Edit];
    /// Scan a text or match a name.
    FindNames: [Admin, Staff, Partner] within [Read];
    /// The list of whom to raise first.
    ReadPriorities: [Admin, Staff, Partner, Dashboard] within [Read, Lists];
    /// Counts of cases.
    ReadCounts: [Admin, Staff, Partner, Dashboard] within [Read, Lists];
    /// The closed lists of words.
    ReadVocabularies: [Admin, Staff, Partner, Dashboard] within [Read, Lists, Edit, Propose];
}
