//! The person's file: the individual, their cases with all facts, and the statements that mention them, in one view; and
//! two files of one person made one, and split again.
mod api;
mod merging;
mod moving;
mod provenance;

use actix_web::get;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::{Allowed, Read, may};
use crate::base::choice::Choice;
use crate::base::error::Error;
use crate::base::id::IndividualId;
use crate::cases::particulars::FactKind;
use crate::cases::{self, Wanted, facts};
use crate::individuals::merges::or_merged;
use crate::individuals::{self, relations};
use crate::statements;
use crate::web::{Path, Reply, reply};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(find_file)
        .service(api::merge_individuals)
        .service(api::list_merges)
        .service(api::find_merge)
        .service(api::undo_merge);
}

fn file(tx: &mut Read<'_>, id: &IndividualId) -> Result<Value, Error> {
    let found = individuals::find(tx, id);
    let person = or_merged(tx, id, found)?;
    let wanted = Wanted {
        individual: Some(id.clone()),
        ..Wanted::default()
    };
    let mut shown = Vec::new();
    for (case, rows) in cases::with_facts(tx, wanted)? {
        let mut view = json!({"case": cases::seen_with(tx, &case, &rows.iter().collect::<Vec<_>>())?});
        for kind in FactKind::ALL {
            let place = match kind {
                FactKind::Custody => "custody",
                FactKind::Charge => "charges",
                FactKind::Sentence => "sentences",
                FactKind::Health => "health",
            };
            let items: Result<Vec<Value>, Error> = rows
                .iter()
                .filter(|fact| fact.kind == *kind)
                .map(|fact| facts::seen_by(tx, fact))
                .collect();
            view[place] = json!(items?);
        }
        shown.push(view);
    }
    let mut mentions = Vec::new();
    for (mention, statement) in statements::mentions_of_individual(tx, id)? {
        let mut view = statements::mentions::seen_by(tx, &mention)?;
        view["statement"] = json!({"title": statement.title, "issued_on": statement.issued_on, "kind": statement.kind});
        mentions.push(view);
    }
    Ok(json!({
        "individual": individuals::seen_by(tx, &person)?,
        "relations": relations::of(tx, id)?,
        "cases": shown,
        "mentions": mentions,
    }))
}

/// A person's file
///
/// The person with their relations, cases, facts and mentions, as far as the caller may see each.
#[utoipa::path(tag = "individuals", params(("id" = String, Path, description = "The person's id")), extensions(("x-permission" = json!("ReadIndividuals"))),
    responses((status = 200, description = "The file", content_type = "application/json", body = Value, example = json!({"individual": {"display_name": "Hu Jia"}, "relations": [], "cases": [], "mentions": []}))))]
#[get("/individuals/{id}/file")]
pub async fn find_file(allowed: Allowed<may::ReadIndividuals>, id: Path<IndividualId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let file = file(tx, &id.0)?;
            tx.tag(file)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}
