//! The closed lists of words, for whoever fills in a form.

use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::{Allowed, may};
use crate::base::choice::Vocabulary;
use crate::base::error::Error;
use crate::base::page::{Page, Paging};
use crate::base::words;
use crate::web::{Query, Reply, reply};

/// Puts the room's operation on its path.
pub fn routes(config: &mut ServiceConfig) {
    config.service(list_vocabularies);
}

/// List the vocabularies
///
/// Every closed list, by name: each value with its label, and the years in which it was in use where it has them.
#[utoipa::path(tag = "vocabularies", params(Paging), extensions(("x-permission" = json!("ReadVocabularies"))),
    responses((status = 200, description = "The lists", body = Page<Vocabulary>,
        example = json!({"items": [{"name": "custody_form", "values": [{"value": "re_education_through_labour", "label": "Re-education through labour", "valid_from": 1957, "valid_to": 2013}]}], "next": null}))))]
#[get("/vocabularies")]
pub async fn list_vocabularies(allowed: Allowed<may::ReadVocabularies>, page: Query<Paging>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let page = page.0.cut(words::all(), |list| list.name.to_owned());
            let page = page.try_map(|list| serde_json::to_value(list).map_err(Error::internal))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}
