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
use crate::store::Conn;
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

/// A column of sealed fields.
struct Column {
    table: &'static str,
    /// Seals the fields of a batch of records, those after that id.
    reseal: fn(&mut Write<'_>, after: String) -> Result<Batch, Error>,
    /// How many fields do not begin so.
    count_old: fn(&mut Conn, prefix: &str) -> QueryResult<i64>,
}

/// What was met in a batch.
#[derive(Default)]
struct Batch {
    /// The last record looked at.
    last: Option<String>,
    /// What does not open.
    broken: Vec<String>,
    /// What is not as its ledger says.
    altered: Vec<String>,
}

macro_rules! old {
    ($table:ident.$column:ident, $prefix:expr) => {
        $table
            .filter($column.is_not_null())
            .filter($column.not_like(format!("{}%", $prefix)))
    };
}

macro_rules! columns {
    ($($row:ty: $table:ident.$column:ident,)*) => {
        &[$(Column {
            table: stringify!($table),
            reseal: |tx, after| {
                use crate::schema::$table::dsl::{$column, $table, id};
                let rows: Vec<$row> = old!($table.$column, tx.field_keys().current_prefix())
                    .filter(id.gt(after))
                    .order(id)
                    .limit(BATCH)
                    .select($table::all_columns())
                    .load(tx.conn())?;
                let mut batch = Batch::default();
                for row in rows {
                    batch.last = Some(row.id());
                    let cell = sealed_anew(tx, &row, stringify!($column), row.$column.as_ref())?;
                    let after = cell.map(|cell| {
                        let mut after = row.clone();
                        after.$column = Some(cell);
                        after
                    });
                    batch.store(tx, &row, after)?;
                }
                Ok(batch)
            },
            count_old: |conn, prefix| {
                use crate::schema::$table::dsl::{$column, $table};
                old!($table.$column, prefix).count().get_result(conn)
            },
        },)*]
    };
}

const COLUMNS: &[Column] = columns! {
    AccountRow: accounts.otp_secret,
    SourceRow: sources.identity,
    IndividualRow: individuals.contacts,
    RelationRow: relations.note,
};

impl Batch {
    /// Stores the record with its field sealed anew; notes it where that cannot be.
    fn store<R: Record>(&mut self, tx: &mut Write<'_>, row: &R, after: Option<R>) -> Result<(), Error> {
        let named = format!("{} {}", R::KIND, row.id());
        match after.map(|after| tx.store_resealed(row, &after)) {
            None => self.broken.push(named),
            // Entered as it stands, it would be as its ledger says.
            Some(Err(error)) if error.code == Code::RecordAltered => self.altered.push(named),
            Some(done) => done?,
        }
        Ok(())
    }
}

fn reseal(door: &Door) -> Result<(), Error> {
    let prefix = door.keys.fields.current_prefix();
    let (mut broken, mut altered, mut remains) = (Vec::new(), Vec::new(), 0);
    for column in COLUMNS {
        let mut after = String::new();
        // Each round asks for what follows the last record, so that one that does not open stops nothing.
        loop {
            let current = prefix.clone();
            let (batch, remain) = door.write_as_owner(super::owner(), move |tx| {
                let batch = (column.reseal)(tx, after)?;
                Ok((batch, (column.count_old)(tx.conn(), &current)?))
            })?;
            let Some(last) = batch.last else { break };
            println!("{}: {remain} remain", column.table);
            after = last;
            broken.extend(batch.broken);
            altered.extend(batch.altered);
        }
    }
    // Counted anew: another process may have sealed under the key that it knows.
    for column in COLUMNS {
        remains += door.read_as_owner(|conn| Ok((column.count_old)(conn, &prefix)?))?;
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
