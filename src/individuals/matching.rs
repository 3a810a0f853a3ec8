//! Whom a name may mean.

use actix_web::get;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, may};
use crate::base::error::Error;
use crate::base::id::IndividualId;
use crate::base::text::Line;
use crate::individuals::register::Register;
use crate::individuals::rows;
use crate::web::{Query, Reply, reply};

/// How many people are shown.
const AT_MOST: usize = 20;

/// A name to look for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NameToMatch {
    /// The name, in any script.
    #[param(value_type = String)]
    pub name: Line,
}

/// Someone whom a name may mean.
#[derive(Serialize, ToSchema)]
pub struct MatchOut {
    /// The person.
    pub individual_id: IndividualId,
    /// The name to show.
    pub name: String,
    /// The recorded form that hit.
    pub matched: String,
    /// From 0 to 1.
    pub score: f64,
    /// Why, in words.
    pub why: String,
}

/// Everyone whom a name may mean.
#[derive(Serialize, ToSchema)]
pub struct MatchesOut {
    /// Best first.
    pub items: Vec<MatchOut>,
}

/// Match a name
///
/// The people whom a name, in any order and with or without its marks, may mean; best first, at most twenty.
#[utoipa::path(tag = "individuals", params(NameToMatch), extensions(("x-permission" = json!("FindNames"))),
    responses((status = 200, description = "Everyone it may mean", body = MatchesOut, example = json!({"items": [{"individual_id": "0b0a3a0e-51a4-4a0e-8f4c-1f7c3d1d9a55", "name": "Hu Jia", "matched": "Hu Jia", "score": 0.95, "why": "Hu Jia: order swapped"}]}))))]
#[get("/individuals/match")]
pub async fn match_name(allowed: Allowed<may::FindNames>, query: Query<NameToMatch>) -> Reply {
    let register = allowed.part::<Register>()?;
    let matches = allowed
        .read(move |tx| {
            let name = query.0.name;
            let (whole, others) = register.with_current(tx, |index| index.called(name.as_str()))?;
            let mut seen = rows::first_visible(tx, &whole, usize::MAX)?;
            seen.extend(rows::first_visible(tx, &others, AT_MOST)?);
            let found = register.with_current(tx, |index| {
                index.match_name(name.as_str(), |key| seen.contains(key), AT_MOST)
            })?;
            let ids: Vec<IndividualId> = found.iter().map(|candidate| candidate.key.clone()).collect();
            let people = rows::find_all(tx, &ids)?;
            let shown = found.into_iter().filter_map(|candidate| {
                let person = people.iter().find(|person| person.id == candidate.key)?;
                let name = person.display_name().to_owned();
                let (matched, score, why) = (candidate.matched, candidate.score, candidate.why);
                Some(MatchOut {
                    individual_id: candidate.key,
                    name,
                    matched,
                    score,
                    why,
                })
            });
            let out = MatchesOut { items: shown.collect() };
            tx.tag(serde_json::to_value(out).map_err(Error::internal)?)
        })
        .await?;
    Ok(reply::record(allowed.request(), &matches))
}
