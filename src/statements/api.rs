//! Statements over HTTP.

use std::sync::Arc;

use actix_web::{delete, get, patch, post};

use crate::access::{Allowed, may, team};
use crate::base::id::StatementId;
use crate::base::page::Page;
use crate::individuals::register::Register;
use crate::statements::filing::{check, draft, new_row, save};
use crate::statements::mentions;
use crate::statements::rows::{self, StatementRow, others_of};
use crate::statements::shape::{
    StatementIn, StatementList, StatementOut, StatementPatch, digest, seen_by, shown, words_of,
};
use crate::web::{IfMatch, Json, Path, Query, Reply, reply};

/// List statements
///
/// The statements that the caller may see, without text and mentions, in a stable order.
#[utoipa::path(tag = "statements", params(StatementList), extensions(("x-permission" = json!("ReadStatements"))),
    responses((status = 200, description = "One page", body = Page<StatementOut>)))]
#[get("/statements")]
pub async fn list_statements(allowed: Allowed<may::ReadStatements>, query: Query<StatementList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let filter = query.0.filter()?;
            let found = rows::list(tx, &filter)?;
            let others = rows::visible_of(tx, &others_of(&found))?;
            let page = Page::of(found, filter.limit, |row| row.id.to_string());
            let page = page.try_map(|row| seen_by(tx, &row, &others, None))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}

/// File a statement
///
/// Stores the text exactly, finds the individuals that it mentions among those the caller may see, and suggests them
/// as mentions. A text that is on record already is refused with the id of the record.
#[utoipa::path(tag = "statements", extensions(("x-permission" = json!("EditStatements"))),
    request_body(content = StatementIn, example = json!({"title": "Raise individual cases", "kind": "press_release", "issued_on": "2010-05-10", "language": "en", "text": "We call for the release of Hu Jia.", "calls": ["immediate_release"]})),
    responses((status = 201, description = "Filed", body = StatementOut)))]
#[post("/statements")]
pub async fn create_statement(allowed: Allowed<may::EditStatements>, body: Json<StatementIn>) -> Reply {
    let register = allowed.part::<Register>()?;
    let (given, hits) = allowed
        .read(move |tx| {
            let hits = mentions::scan(tx, &register, body.0.text.as_str())?;
            let words = words_of(&body.0.title, &body.0.text);
            let text_digest = digest(body.0.text.as_str());
            Ok(((body.0, words, text_digest), hits))
        })
        .await?;
    let made = allowed
        .write(move |tx| {
            let row = new_row(tx, given);
            check(tx, None, &row)?;
            tx.create(&row)?;
            team::keep(tx, row.id.as_str(), row.sharing)?;
            mentions::suggest(tx, &row, hits)?;
            let body = shown(tx, &row)?;
            Ok((row.id.clone(), tx.tag(body)?))
        })
        .await?;
    Ok(reply::created(&format!("/v1/statements/{}", made.0), &made.1))
}

/// One statement
///
/// The statement with its text and whom it mentions, as far as the caller may see them.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id")), extensions(("x-permission" = json!("ReadStatements"))),
    responses((status = 200, description = "The statement", body = StatementOut)))]
#[get("/statements/{id}")]
pub async fn find_statement(allowed: Allowed<may::ReadStatements>, id: Path<StatementId>) -> Reply {
    let found = allowed
        .read(move |tx| {
            let row = rows::find(tx, &id.0)?;
            let body = shown(tx, &row)?;
            tx.tag(body)
        })
        .await?;
    Ok(reply::record(allowed.request(), &found))
}

/// Change a statement
///
/// Changes the fields that the body names; `If-Match` carries the version it was read at. A changed text is scanned
/// again: decided mentions stay where their words remain, the others are suggested anew.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id")), extensions(("x-permission" = json!("EditStatements"))),
    request_body(content = StatementPatch, example = json!({"concerns": ["internet_freedom"]})),
    responses((status = 200, description = "Changed", body = StatementOut)))]
#[patch("/statements/{id}")]
pub async fn update_statement(
    allowed: Allowed<may::EditStatements>,
    id: Path<StatementId>,
    wanted: IfMatch,
    body: Json<StatementPatch>,
) -> Reply {
    let register = allowed.part::<Register>()?;
    let wanted = Arc::new(wanted);
    let same = wanted.clone();
    let draft = allowed
        .read(move |tx| draft(tx, &register, &id.0, &same, body.0))
        .await?;
    let changed = allowed
        .write(move |tx| {
            let after = save(tx, &wanted, draft)?;
            let body = shown(tx, &after)?;
            tx.tag(body)
        })
        .await?;
    Ok(reply::changed(&changed))
}

/// Retire a statement
///
/// Takes the statement and its mentions from the lists; its history stays.
#[utoipa::path(tag = "statements", params(("id" = String, Path, description = "The statement's id")), extensions(("x-permission" = json!("EditStatements"))),
    responses((status = 204, description = "Retired")))]
#[delete("/statements/{id}")]
pub async fn retire_statement(allowed: Allowed<may::EditStatements>, id: Path<StatementId>, wanted: IfMatch) -> Reply {
    allowed
        .write(move |tx| {
            let before = rows::find(tx, &id.0)?;
            let current = shown(tx, &before)?;
            tx.require(&wanted, current)?;
            let after = StatementRow {
                retired_at: Some(tx.now()),
                ..before.clone()
            };
            tx.retire(&before, after)
        })
        .await?;
    Ok(reply::nothing())
}
