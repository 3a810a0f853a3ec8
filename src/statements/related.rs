//! How statements stand to each other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::base::id::StatementId;
use crate::base::words::StatementRelation;

/// How a statement stands to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Related {
    /// How.
    pub kind: StatementRelation,
    /// To which.
    pub statement_id: StatementId,
}
