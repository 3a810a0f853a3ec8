//! The list of people.

use actix_web::get;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::{Allowed, may};
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::page::{Cursor, Limit, Page};
use crate::base::text::{Country, Line};
use crate::base::time::UtcTime;
use crate::individuals::api::{IndividualOut, seen_by};
use crate::individuals::rows::{self, Wanted};
use crate::names;
use crate::web::{Query, Reply, reply};

/// Which people to list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IndividualList {
    /// Words that a name must hold, in any script.
    #[param(value_type = Option<String>)]
    pub q: Option<Line>,
    /// ISO 3166-1 alpha-2.
    #[param(value_type = Option<String>)]
    pub country: Option<Country>,
    /// Born on a day that this may mean (EDTF).
    #[param(value_type = Option<String>)]
    pub born: Option<Edtf>,
    /// Changed since (RFC 3339).
    #[param(value_type = Option<String>)]
    pub updated_since: Option<UtcTime>,
    /// How many at most, 1 to 200.
    #[serde(default)]
    #[param(value_type = Option<u32>)]
    pub limit: Limit,
    /// Where the last page ended.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// List people
///
/// The people whom the caller may see, in a stable order; by words in their names, country, birth or change.
#[utoipa::path(tag = "individuals", params(IndividualList), extensions(("x-permission" = json!("ReadIndividuals"))),
    responses((status = 200, description = "One page", body = Page<IndividualOut>, example = json!({"items": [{"id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "display_name": "Hu Jia", "original_name": "胡佳", "sharing": "public", "born_on": "1973-07-25"}], "next": null}))))]
#[get("/individuals")]
pub async fn list_individuals(allowed: Allowed<may::ReadIndividuals>, query: Query<IndividualList>) -> Reply {
    let page = allowed
        .read(move |tx| {
            let query = query.0;
            let words = query
                .q
                .as_ref()
                .map(|words| names::fold(words.as_str()))
                .unwrap_or_default();
            if query.q.is_some() && words.is_empty() {
                return Err(Error::invalid("/q", "must hold a word"));
            }
            let wanted = Wanted {
                words: words
                    .split(' ')
                    .filter(|word| !word.is_empty())
                    .map(str::to_owned)
                    .collect(),
                country: query.country,
                born: query.born,
                updated_since: query.updated_since,
                cursor: query.cursor.as_ref(),
                limit: query.limit,
            };
            let found = rows::list(tx, wanted)?;
            let page = Page::of(found, query.limit, |row| row.id.to_string()).try_map(|row| seen_by(tx, &row))?;
            tx.tag(page.into_value())
        })
        .await?;
    Ok(reply::record(allowed.request(), &page))
}
