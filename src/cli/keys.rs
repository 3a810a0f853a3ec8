//! `keys`: a fresh key for encrypted fields, and their rotation: what stands under an old key is sealed under the first,
//! batch by batch, each one write with its ledger entries, so that it can be stopped at any moment and begun again.

use diesel::prelude::*;

use crate::access::accounts::AccountRow;
use crate::access::ledger::{self, Record};
use crate::access::sealing::{Sealed, key_line};
use crate::access::{Door, Write};
use crate::base::error::{Code, Error};
use crate::individuals::IndividualRow;
use crate::individuals::relations::RelationRow;
use crate::settings::{KeysAction, Settings};
use crate::sources::SourceRow;
use crate::store::origin::Ids;

/// How many records a write takes.
const BATCH: i64 = 50;

/// Does it.
///
/// # Errors
/// In words for whoever typed it.
pub fn run(settings: &Settings, action: KeysAction) -> Result<(), Error> {
    match action {
        KeysAction::New => {
            println!("{}", key_line(&Ids::Random.bytes()));
            Ok(())
        }
        KeysAction::Reseal => reseal(&super::door(settings, &settings.strong_secret()?)?),
    }
}

/// What is still under another key.
#[derive(Default)]
struct Left {
    /// The last record looked at, of the table under way.
    after: String,
    /// What does not open.
    broken: Vec<String>,
    /// What is not as its ledger says.
    altered: Vec<String>,
}

fn reseal(door: &Door) -> Result<(), Error> {
    let (mut broken, mut altered, mut remains) = (Vec::new(), Vec::new(), 0);
    // Each round asks for what follows the last record, so that one that does not open stops nothing.
    macro_rules! all {
        ($($row:ty: $table:ident.$column:ident,)*) => {$(
            let mut left = Left::default();
            loop {
                let (prefix, after) = (door.keys.fields.current_prefix(), left.after.clone());
                let (remain, found) = door.write_as_owner(super::owner(), move |tx| {
                    use crate::schema::$table::dsl::{$column, $table, id};
                    let old = || $table.filter($column.is_not_null()).filter($column.not_like(format!("{prefix}%")));
                    let rows: Vec<$row> = old()
                        .filter(id.gt(after))
                        .order(id)
                        .limit(BATCH)
                        .select($table::all_columns())
                        .load(tx.conn())?;
                    let mut found = Left::default();
                    for row in rows {
                        found.after = row.id();
                        let named = format!("{} {}", <$row>::KIND, row.id());
                        match sealed_anew(tx, &row, stringify!($column), row.$column.as_ref())? {
                            Some(cell) => {
                                let mut after = row.clone();
                                after.$column = Some(cell);
                                // Entered as it stands, it would be as its ledger says.
                                match tx.store_resealed(&row, &after) {
                                    Err(error) if error.code == Code::RecordAltered => found.altered.push(named),
                                    done => done?,
                                }
                            }
                            None => found.broken.push(named),
                        }
                    }
                    let remain: i64 = old().count().get_result(tx.conn())?;
                    Ok((remain, found))
                })?;
                if found.after.is_empty() {
                    break;
                }
                println!("{}: {remain} remain", stringify!($table));
                left = Left {
                    after: found.after,
                    broken: [left.broken, found.broken].concat(),
                    altered: [left.altered, found.altered].concat(),
                };
            }
            broken.extend(left.broken);
            altered.extend(left.altered);
        )*};
    }
    all! {
        AccountRow: accounts.otp_secret,
        SourceRow: sources.identity,
        IndividualRow: individuals.contacts,
        RelationRow: relations.note,
    }
    // Counted anew: another process may have sealed under the key that it knows.
    macro_rules! count {
        ($($table:ident.$column:ident,)*) => {$(
            let prefix = door.keys.fields.current_prefix();
            remains += door.read_as_owner(move |conn| {
                use crate::schema::$table::dsl::{$column, $table};
                let old = $table.filter($column.is_not_null()).filter($column.not_like(format!("{prefix}%")));
                Ok(old.count().get_result::<i64>(conn)?)
            })?;
        )*};
    }
    count! {
        accounts.otp_secret,
        sources.identity,
        individuals.contacts,
        relations.note,
    }
    if broken.is_empty() && altered.is_empty() && remains == 0 {
        println!("everything is sealed under the first key");
        return Ok(());
    }
    let mut told = vec![format!("{remains} fields are not sealed under the first key")];
    if !broken.is_empty() {
        let names = broken.join(", ");
        told.push(format!("these do not open with any key, and stay as they are: {names}"));
    }
    if !altered.is_empty() {
        let names = altered.join(", ");
        told.push(format!(
            "these are not as their ledger says, and stay until staff accept or restore them: {names}"
        ));
    }
    Err(Error::new(Code::Conflict, told.join("; ")))
}

/// The same content under the first key; nothing where it does not open.
fn sealed_anew<R: Record>(
    tx: &Write<'_>,
    row: &R,
    column: &str,
    sealed: Option<&Sealed>,
) -> Result<Option<Sealed>, Error> {
    let id = row.id();
    let place = ledger::place_of::<R>(&id, column);
    let keys = tx.field_keys();
    let plain = sealed.and_then(|sealed| keys.open(place, sealed));
    plain.map(|plain| keys.seal(place, &plain, &tx.bytes())).transpose()
}
