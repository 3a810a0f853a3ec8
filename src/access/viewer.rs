//! The reader: who asks, and how far their sight goes.

use chrono::NaiveDate;

use crate::base::id::{AccountId, ClientId, OrganisationId, SessionId};
use crate::base::time::UtcTime;
use crate::base::words::{Role, Scope, Sharing};

/// Whoever a request speaks for. Made by the door alone.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The account.
    pub account_id: AccountId,
    /// The session; none for a machine and for the command line.
    pub session_id: Option<SessionId>,
    /// The machine that speaks for the account, where it is one.
    pub machine: Option<Machine>,
    /// The organisation that the account belongs to.
    pub organisation_id: OrganisationId,
    /// The role.
    pub role: Role,
    /// Whether log-in asks for a second factor.
    pub enrolled: bool,
    /// When they last showed that they are who they are: at log-in, or since.
    pub shown_at: Option<UtcTime>,
    /// The day of the request, UTC: consent holds by the day.
    pub today: NaiveDate,
}

/// A client by which an account is spoken for.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Which one.
    pub client_id: ClientId,
    /// What it may do of what the account may.
    pub scopes: Vec<Scope>,
}

impl Viewer {
    /// The most closed level that this role reads without being named: internal for those inside, else partners.
    #[must_use]
    pub fn ceiling(&self) -> Sharing {
        match self.role {
            Role::Admin | Role::Staff => Sharing::Internal,
            Role::Partner | Role::Dashboard => Sharing::Partners,
        }
    }

    /// The levels up to the ceiling, for queries.
    #[must_use]
    pub fn levels(&self) -> &'static [Sharing] {
        match self.ceiling() {
            Sharing::Public => &[Sharing::Public],
            Sharing::Partners => &[Sharing::Public, Sharing::Partners],
            Sharing::Internal | Sharing::Restricted => &[Sharing::Public, Sharing::Partners, Sharing::Internal],
        }
    }

    /// The organisation whose unrestricted records this reader sees whatever their level: a partner's own.
    #[must_use]
    pub fn owns(&self) -> Vec<OrganisationId> {
        match self.role {
            Role::Partner => vec![self.organisation_id.clone()],
            Role::Admin | Role::Staff | Role::Dashboard => Vec::new(),
        }
    }

    /// The account whose teams open restricted records: a dashboard is on none, whatever it was before.
    #[must_use]
    pub fn on_teams_as(&self) -> Option<AccountId> {
        (self.role != Role::Dashboard).then(|| self.account_id.clone())
    }

    /// Whether a field of that class is shown on a record that this reader may see. A dashboard gets public
    /// fields only: no notes, no sources. What is restricted is for the record's team, whoever owns the record.
    #[must_use]
    pub fn sees(&self, class: Sharing, owner: Option<&str>) -> bool {
        let own = self.role == Role::Partner && owner == Some(self.organisation_id.as_str());
        match self.role {
            Role::Dashboard => class == Sharing::Public,
            _ => (own && class != Sharing::Restricted) || class <= self.ceiling(),
        }
    }
}
