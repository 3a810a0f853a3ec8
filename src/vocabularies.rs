//! The closed lists of words, for whoever fills in a form.

use actix_web::get;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::{Allowed, may};
use crate::base::choice::Vocabulary;
use crate::base::words;
use crate::web::{Reply, reply};

/// Puts the room's operation on its path.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_vocabularies);
}

/// Every closed list.
#[derive(Serialize, ToSchema)]
pub struct VocabulariesOut {
    /// The lists.
    pub items: Vec<Vocabulary>,
}

/// List the vocabularies
///
/// Every closed list: each value with its label, and the years in which it was in use where it has them.
#[utoipa::path(tag = "vocabularies", extensions(("x-permission" = json!("ReadVocabularies"))),
    responses((status = 200, description = "The lists", body = VocabulariesOut,
        example = json!({"items": [{"name": "custody_form", "values": [{"value": "re_education_through_labour", "label": "Re-education through labour", "valid_from": 1957, "valid_to": 2013}]}]}))))]
#[get("/vocabularies")]
pub async fn list_vocabularies(allowed: Allowed<may::ReadVocabularies>) -> Reply {
    let found = allowed
        .read(|tx| tx.tag(json!(VocabulariesOut { items: words::all() })))
        .await?;
    Ok(reply::record(allowed.request(), &found))
}
