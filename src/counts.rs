//! Counts of cases, of what the reader may see.

use std::collections::{BTreeMap, HashMap};

use actix_web::get;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::access::{Allowed, Read, may};
use crate::base::choice::Choice;
use crate::base::date::Edtf;
use crate::base::error::Error;
use crate::base::words::CustodyStatus;
use crate::cases::model::custody_as_of;
use crate::cases::{self, FactRow, Wanted};
use crate::individuals;
use crate::priority::model::{Ended, Measure, raised};
use crate::priority::{day, policy};
use crate::web::{Query, Reply, reply};

choice! {
    /// What cases are counted by.
    pub enum CountBy("count_by") {
        Country("country", "Country"),
        Concern("concern", "Area of concern"),
        Status("status", "Where the person stands on the day"),
        Reason("reason", "Priority reason on the day"),
        Sex("sex", "Sex of the person"),
    }
}

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config.service(count_cases);
}

/// What to count.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CountOf {
    /// By what.
    #[param(value_type = String)]
    pub by: CountBy,
    /// The day, today unless said.
    #[param(value_type = Option<String>)]
    pub as_of: Option<Edtf>,
}

/// How many cases have a value.
#[derive(Serialize, ToSchema)]
pub struct CountOut {
    /// The value.
    pub value: String,
    /// How many cases.
    pub count: u64,
}

/// The counts.
#[derive(Serialize, ToSchema)]
pub struct CountsOut {
    /// By what.
    pub by: CountBy,
    /// The day.
    pub as_of: chrono::NaiveDate,
    /// By value; a case with several counts under each.
    pub items: Vec<CountOut>,
}

fn counted(tx: &mut Read<'_>, query: &CountOf) -> Result<CountsOut, Error> {
    let as_of = day(query.as_of.as_ref())?.unwrap_or_else(|| tx.today());
    let (_, policy) = policy(tx)?;
    let deaths = individuals::deaths(tx)?;
    let sexes = match query.by {
        CountBy::Sex => individuals::sexes(tx)?,
        _ => HashMap::new(),
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let found = match query.by {
        CountBy::Status | CountBy::Reason => cases::with_facts(tx, Wanted::default())?,
        CountBy::Country | CountBy::Concern | CountBy::Sex => {
            let cases = cases::list(tx, Wanted::default())?;
            cases.into_iter().map(|case| (case, Vec::new())).collect()
        }
    };
    for (case, facts) in found {
        let facts: Vec<&FactRow> = facts.iter().collect();
        let values: Vec<String> = match query.by {
            CountBy::Country => vec![case.country.as_str().to_owned()],
            CountBy::Concern => case
                .concerns
                .items()
                .iter()
                .map(|concern| concern.slug().to_owned())
                .collect(),
            CountBy::Status => {
                let status = custody_as_of(&facts, as_of).map_or(CustodyStatus::Unknown, |found| found.says.status);
                vec![status.slug().to_owned()]
            }
            CountBy::Reason => {
                let ended = Ended {
                    closed_on: case.closed_on.as_ref(),
                    died_on: deaths.get(&case.individual_id),
                };
                raised(&facts, ended, as_of, &policy, Measure::Imposed)
                    .map(|raised| raised.reasons.iter().map(|why| why.code.slug().to_owned()).collect())
                    .unwrap_or_default()
            }
            CountBy::Sex => sexes
                .get(&case.individual_id)
                .map(|sex| vec![sex.slug().to_owned()])
                .unwrap_or_default(),
        };
        for value in values {
            *counts.entry(value).or_default() += 1;
        }
    }
    let items = counts
        .into_iter()
        .map(|(value, count)| CountOut { value, count })
        .collect();
    Ok(CountsOut {
        by: query.by,
        as_of,
        items,
    })
}

/// Count cases
///
/// How many cases the caller may see, by country, area of concern, where the person stands, priority reason, or the person's sex.
#[utoipa::path(tag = "priorities", params(CountOf), extensions(("x-permission" = json!("ReadCounts"))),
    responses((status = 200, description = "The counts", body = CountsOut, example = json!({"by": "status", "as_of": "2010-05-10", "items": [{"value": "serving_sentence", "count": 4}]}))))]
#[get("/counts")]
pub async fn count_cases(allowed: Allowed<may::ReadCounts>, query: Query<CountOf>) -> Reply {
    let counts = allowed
        .read(move |tx| {
            let out = counted(tx, &query.0)?;
            tx.tag(json!(out))
        })
        .await?;
    Ok(reply::record(allowed.request(), &counts))
}
