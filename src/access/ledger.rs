//! The ledger: one entry for each record changed, and the contract by which a record tells what it holds.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use crate::access::sealing::{Place, Sealed};
use crate::access::tree::Stream;
use crate::access::viewer::Viewer;
use crate::access::{references, secret};
use crate::base::error::Error;
use crate::base::id::{AccountId, ClientId};
use crate::base::kept::Kept;
use crate::base::time::UtcTime;
use crate::base::words::Sharing;
use crate::schema::{ledger_entries, ledger_payloads};
use crate::store::Conn;

/// A field's name and the class of readers it is shown to: the one table of each record, which decides what an
/// answer holds, what a history shows and what the OpenAPI document says (`x-sharing`).
pub type Classes = &'static [(&'static str, Sharing)];

/// A stored thing whose changes are kept. Implemented by [`record!`](crate::record).
pub trait Record: Clone + Send + 'static {
    /// The table it stands in.
    const TABLE: &'static str;
    /// Its kind in the ledger.
    const KIND: &'static str;
    /// Its fields and their classes.
    const CLASSES: Classes;
    /// Its id.
    fn id(&self) -> String;
    /// The record it is part of, for that record's history.
    fn parent(&self) -> Option<String>;
    /// The organisation that owns it, where it has one.
    fn owner(&self) -> Option<String>;
    /// Who may see it, with what it rests on: what it says now is told to nobody who could not see it now.
    ///
    /// # Errors
    /// What the database says.
    fn level(&self, conn: &mut Conn) -> QueryResult<Sharing>;
    /// Whether the columns that are derived from others are what they must be.
    fn derives(&self) -> bool {
        true
    }
    /// With those columns made again from the others.
    ///
    /// # Errors
    /// `invalid` where the others do not allow it.
    fn rederived(&self) -> Result<Self, Error> {
        Ok(self.clone())
    }
    /// With fields as given, what is not given as it is.
    ///
    /// # Errors
    /// Where a value is none of its field.
    fn restored(&self, fields: &Map<String, Value>) -> serde_json::Result<Self>;
    /// Name and value of what the digest covers beside: when the record changed.
    fn digested(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }
    /// Name and value of each field.
    fn fields(&self) -> Vec<(&'static str, Value)>;
    /// Name and value of each field whose value nobody is shown: the ledger says only that it changed.
    fn secrets(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// Name and value of each field that is encrypted, for its team alone.
    fn sealed(&self) -> Vec<(&'static str, Option<&Sealed>)> {
        Vec::new()
    }
    /// Takes out what is encrypted in that field.
    fn clear_sealed(&mut self, _name: &str) {}
    /// The records whose teams see those fields.
    fn teams(&self) -> Vec<String> {
        vec![self.id()]
    }
    /// Notes the time of a change of fields, the most open of which has that class; nothing for most records.
    fn stamp(&mut self, _class: Sharing, _now: UtcTime) {}
    /// When it last changed for those inside, for partners and for everyone, where that is kept.
    fn stamps(&self) -> Option<[UtcTime; 3]> {
        None
    }
    /// When it last changed as far as that reader may know.
    fn updated_for(&self, viewer: &Viewer) -> Option<UtcTime> {
        let [inside, partners, public] = self.stamps()?;
        let owner = self.owner();
        Some(if viewer.sees(Sharing::Internal, owner.as_deref()) {
            inside
        } else if viewer.sees(Sharing::Partners, owner.as_deref()) {
            partners
        } else {
            public
        })
    }
    /// Stores it as new.
    ///
    /// # Errors
    /// What the database says.
    fn insert(&self, conn: &mut Conn) -> QueryResult<usize>;
    /// Stores it over itself.
    ///
    /// # Errors
    /// What the database says.
    fn update(&self, conn: &mut Conn) -> QueryResult<usize>;
    /// Takes it out of its table.
    ///
    /// # Errors
    /// What the database says.
    fn remove(&self, conn: &mut Conn) -> QueryResult<usize>;
}

/// Where a sealed field of the record of that id stands.
#[must_use]
pub fn place_of<'a, R: Record>(id: &'a str, column: &'a str) -> Place<'a> {
    Place {
        table: R::TABLE,
        row: id,
        column,
    }
}

/// What the digest of a record covers and no payload says.
pub trait Unsaid {
    /// As it stands in the column; empty where nothing does.
    fn unsaid(&self) -> String;
}

impl Unsaid for String {
    fn unsaid(&self) -> String {
        self.clone()
    }
}

impl<T> Unsaid for Kept<T> {
    fn unsaid(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Unsaid for Option<Sealed> {
    fn unsaid(&self) -> String {
        self.as_ref()
            .map_or_else(String::new, |sealed| sealed.as_str().to_owned())
    }
}

/// Makes a row a [`Record`]: its table, kind, parent, owner, and a class for each field that anyone may be shown;
/// `derived` are those that an answer adds to the stored ones; `secret` are told to nobody; `sealed` to the teams of
/// those records; `stamps` keep the times of its changes, by class.
#[macro_export]
macro_rules! record {
    ($row:ty, $table:ident, $kind:literal, parent: |$p:ident| $parent:expr, owner: |$o:ident| $owner:expr, level: |$l:ident, $conn:ident| $level:expr, $(derives: |$d:ident| $derives:expr, rederived: |$r:ident| $rederived:expr,)? { $($field:ident: $class:ident,)* } $(derived { $($shown:ident: $shown_class:ident,)* })? $(secret { $($secret:ident,)* })? $(sealed |$t:ident| $teams:expr, { $($sealed:ident,)* })? $(digested { $($digested:ident,)* })? $(stamps { $inside:ident, $partners:ident, $public:ident })?) => {
        impl $crate::access::ledger::Record for $row {
            const TABLE: &'static str = stringify!($table);
            const KIND: &'static str = $kind;
            const CLASSES: $crate::access::ledger::Classes = &[
                $((stringify!($field), $crate::base::words::Sharing::$class),)*
                $($((stringify!($shown), $crate::base::words::Sharing::$shown_class),)*)?
                $($((stringify!($secret), $crate::base::words::Sharing::Internal),)*)?
                $($((stringify!($sealed), $crate::base::words::Sharing::Restricted),)*)?
            ];
            fn id(&self) -> String { self.id.to_string() }
            fn parent(&self) -> Option<String> { let $p = self; $parent }
            fn owner(&self) -> Option<String> { let $o = self; $owner }
            $(fn derives(&self) -> bool { let $d = self; $derives }
            fn rederived(&self) -> Result<Self, $crate::base::error::Error> { let $r = self; $rederived })?
            fn restored(&self, fields: &serde_json::Map<String, serde_json::Value>) -> serde_json::Result<Self> {
                let mut row = self.clone();
                $(if let Some(value) = fields.get(stringify!($field)) {
                    row.$field = serde_json::from_value(value.clone())?;
                })*
                Ok(row)
            }
            $(fn digested(&self) -> Vec<(&'static str, serde_json::Value)> {
                vec![$((stringify!($digested), serde_json::to_value(&self.$digested).unwrap_or_default())),*]
            })?
            fn level(&self, $conn: &mut $crate::store::Conn) -> diesel::QueryResult<$crate::base::words::Sharing> { let $l = self; $level }
            fn fields(&self) -> Vec<(&'static str, serde_json::Value)> {
                vec![$((stringify!($field), serde_json::to_value(&self.$field).unwrap_or_default())),*]
            }
            fn secrets(&self) -> Vec<(&'static str, String)> {
                vec![$($((stringify!($secret), $crate::access::ledger::Unsaid::unsaid(&self.$secret)),)*)? $($((stringify!($sealed), $crate::access::ledger::Unsaid::unsaid(&self.$sealed)),)*)?]
            }
            $(fn sealed(&self) -> Vec<(&'static str, Option<&$crate::access::sealing::Sealed>)> {
                vec![$((stringify!($sealed), self.$sealed.as_ref())),*]
            }
            fn clear_sealed(&mut self, name: &str) {
                match name { $(stringify!($sealed) => self.$sealed = None,)* _ => {} }
            }
            fn teams(&self) -> Vec<String> { let $t = self; $teams })?
            $(fn stamp(&mut self, class: $crate::base::words::Sharing, now: $crate::base::time::UtcTime) {
                if class <= $crate::base::words::Sharing::Internal {
                    self.$inside = now;
                }
                if class <= $crate::base::words::Sharing::Partners {
                    self.$partners = now;
                }
                if class == $crate::base::words::Sharing::Public {
                    self.$public = now;
                }
            }
            fn stamps(&self) -> Option<[$crate::base::time::UtcTime; 3]> {
                Some([self.$inside, self.$partners, self.$public])
            })?
            fn insert(&self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<usize> {
                use diesel::RunQueryDsl;
                diesel::insert_into($table::table).values(self).execute(conn)
            }
            fn update(&self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<usize> {
                use diesel::{QueryDsl, RunQueryDsl};
                diesel::update($table::table.find(self.id.clone())).set(self).execute(conn)
            }
            fn remove(&self, conn: &mut $crate::store::Conn) -> diesel::QueryResult<usize> {
                use diesel::{QueryDsl, RunQueryDsl};
                diesel::delete($table::table.find(self.id.clone())).execute(conn)
            }
        }
    };
}

/// An entry as stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = ledger_entries)]
pub struct EntryRow {
    /// Dense, from 1.
    pub position: i64,
    /// When it was recorded.
    pub at: UtcTime,
    /// Who did it; none for the command line.
    pub actor_id: Option<AccountId>,
    /// The machine that spoke for them, where it was one.
    pub client_id: Option<ClientId>,
    /// created, changed, retired or retracted.
    pub kind: String,
    /// What kind of record.
    pub record_kind: String,
    /// Which record.
    pub record_id: String,
    /// The record it is part of.
    pub parent_id: Option<String>,
    /// Who could see the record then, before the change and after it.
    pub level: Sharing,
    /// Salted digest of the record as it then stood.
    pub digest: String,
    /// Salted digest of the payload, which may be erased.
    pub payload_digest: String,
}

impl EntryRow {
    /// The entry as it stands in the log and as a leaf of the tree: one line of JSON, its fields in this order.
    #[must_use]
    pub fn line(&self) -> String {
        json!({
            "position": self.position,
            "at": self.at,
            "actor_id": self.actor_id,
            "client_id": self.client_id,
            "kind": self.kind,
            "record_kind": self.record_kind,
            "record_id": self.record_id,
            "parent_id": self.parent_id,
            "level": self.level,
            "digest": self.digest,
            "payload": self.payload_digest,
        })
        .to_string()
    }
}

/// A record as it stands, for its digest: all that it holds, what nobody is shown too.
#[must_use]
pub fn whole_of<R: Record>(row: &R) -> String {
    let stamps = row.stamps().map(|stamps| ("stamps", json!(stamps)));
    let whole: Map<String, Value> = row
        .fields()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(
            row.secrets()
                .into_iter()
                .map(|(name, value)| (name.to_owned(), json!(value))),
        )
        .chain(
            row.digested()
                .into_iter()
                .chain(stamps)
                .map(|(name, value)| (name.to_owned(), value)),
        )
        .collect();
    Value::Object(whole).to_string()
}

/// The digest of a record as it stands.
#[must_use]
pub fn digest_of<R: Record>(row: &R, salt: &str) -> String {
    secret::salted_digest(salt, &whole_of(row))
}

/// The digest of a payload.
#[must_use]
pub fn payload_digest(salt: &str, fields: &str, reason: Option<&str>) -> String {
    secret::salted_digest(salt, &json!([fields, reason]).to_string())
}

/// What a change says of itself.
pub struct Deed<'a> {
    /// created, changed, retired or retracted.
    pub kind: &'a str,
    /// Why, where the caller said.
    pub reason: Option<String>,
    /// Who; none for the command line.
    pub actor: Option<AccountId>,
    /// The machine that spoke for them, where it was one.
    pub client: Option<ClientId>,
    /// When.
    pub at: UtcTime,
    /// Fresh salt.
    pub salt: String,
    /// Who could see the record, before and after.
    pub level: Sharing,
}

/// What a change changes.
pub struct Changes(Map<String, Value>);

impl Changes {
    /// From one state to another; from nothing, where it is new.
    #[must_use]
    pub fn between<R: Record>(before: Option<&R>, after: &R) -> Self {
        let mut changed = difference(before.map(Record::fields).unwrap_or_default(), &after.fields());
        let known = before.map(Record::secrets).unwrap_or_default();
        let new =
            |secret: &&(&'static str, String)| !known.contains(secret) && (before.is_some() || !secret.1.is_empty());
        for secret in after.secrets().iter().filter(new) {
            changed.insert(secret.0.to_owned(), json!({"from": null, "to": "changed"}));
        }
        Self(changed)
    }

    /// From the fields that the ledger knows to those that are stored.
    #[must_use]
    pub fn from_known<R: Record>(fields: &Map<String, Value>, after: &R) -> Self {
        let known = after.fields().into_iter();
        let known = known
            .map(|(name, _)| name)
            .filter_map(|name| Some((name, fields.get(name)?.clone())));
        Self(difference(known.collect(), &after.fields()))
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By the name of each field that changed, `{from, to}`.
    #[must_use]
    pub fn into_fields(self) -> Map<String, Value> {
        self.0
    }

    /// The class of the most open field that changed. A reference may be to something hidden: that it changed is told
    /// to nobody.
    #[must_use]
    pub fn most_open(&self, classes: Classes) -> Sharing {
        let class = |name: &String| {
            if references::is_reference(name) {
                return Sharing::Restricted;
            }
            let found = classes.iter().find(|(field, _)| field == name);
            found.map_or(Sharing::Restricted, |(_, class)| *class)
        };
        self.0.keys().map(class).min().unwrap_or(Sharing::Restricted)
    }
}

/// Appends the entries of changes that were made together.
///
/// # Errors
/// What the database says.
pub fn append<R: Record>(conn: &mut Conn, made: Vec<(&R, Changes, Deed<'_>)>) -> Result<(), Error> {
    let last = Stream::Ledger.last_position(conn)?;
    let edge = Stream::Ledger.edge(conn)?;
    let mut lines = Vec::with_capacity(made.len());
    for (position, (after, changes, deed)) in (last + 1..).zip(made) {
        let named = (R::KIND.to_owned(), after.id(), after.parent());
        let digest = digest_of(after, &deed.salt);
        lines.push(enter(conn, position, named, digest, &changes, deed)?.line());
    }
    Stream::Ledger.append(conn, edge, &lines)
}

/// Whether a record is as its last entry says; not where that can no longer tell.
///
/// # Errors
/// What the database says.
pub fn is_as_entered<R: Record>(conn: &mut Conn, row: &R) -> Result<bool, Error> {
    let last: Option<(String, Option<String>)> = ledger_entries::table
        .left_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::record_kind.eq(R::KIND))
        .filter(ledger_entries::record_id.eq(row.id()))
        .order(ledger_entries::position.desc())
        .select((ledger_entries::digest, ledger_payloads::salt.nullable()))
        .first(conn)
        .optional()?;
    Ok(matches!(last, Some((digest, Some(salt))) if digest_of(row, &salt) == digest))
}

/// Refuses a record that is not: a write would enter what was altered as if it had been so.
///
/// # Errors
/// `record_altered`.
pub fn assert_as_entered<R: Record>(conn: &mut Conn, row: &R) -> Result<(), Error> {
    if is_as_entered(conn, row)? {
        Ok(())
    } else {
        Err(Error::altered(R::KIND, &row.id()))
    }
}

/// A record that is in no table any more.
pub struct Gone {
    /// What kind.
    pub kind: String,
    /// Which.
    pub id: String,
    /// The record it was part of.
    pub parent: Option<String>,
    /// Who could see it.
    pub level: Sharing,
}

/// Appends the entry that a record is in no table any more: its digest is that of nothing.
///
/// # Errors
/// What the database says.
pub fn append_gone(conn: &mut Conn, gone: &Gone, deed: Deed<'_>) -> Result<(), Error> {
    let position = Stream::Ledger.last_position(conn)? + 1;
    let edge = Stream::Ledger.edge(conn)?;
    let named = (gone.kind.clone(), gone.id.clone(), gone.parent.clone());
    let digest = secret::salted_digest(&deed.salt, "");
    let entry = enter(conn, position, named, digest, &Changes(Map::new()), deed)?;
    Stream::Ledger.append(conn, edge, &[entry.line()])
}

fn enter(
    conn: &mut Conn,
    position: i64,
    (record_kind, record_id, parent_id): (String, String, Option<String>),
    digest: String,
    changes: &Changes,
    deed: Deed<'_>,
) -> Result<EntryRow, Error> {
    let fields = json!(changes.0).to_string();
    let entry = EntryRow {
        position,
        at: deed.at,
        actor_id: deed.actor,
        client_id: deed.client,
        kind: deed.kind.to_owned(),
        record_kind,
        record_id,
        parent_id,
        level: deed.level,
        digest,
        payload_digest: payload_digest(&deed.salt, &fields, deed.reason.as_deref()),
    };
    diesel::insert_into(ledger_entries::table)
        .values(&entry)
        .execute(conn)?;
    diesel::insert_into(ledger_payloads::table)
        .values((
            ledger_payloads::position.eq(position),
            ledger_payloads::salt.eq(deed.salt),
            ledger_payloads::fields.eq(fields),
            ledger_payloads::reason.eq(deed.reason),
        ))
        .execute(conn)?;
    Ok(entry)
}

/// The fields that differ: `{name: {from, to}}`.
fn difference(before: Vec<(&'static str, Value)>, after: &[(&'static str, Value)]) -> Map<String, Value> {
    let mut old: std::collections::HashMap<_, _> = before.into_iter().collect();
    let mut changed = Map::new();
    for (name, to) in after {
        let from = old.remove(name).unwrap_or(Value::Null);
        if from != *to {
            changed.insert((*name).to_owned(), json!({"from": from, "to": to}));
        }
    }
    changed
}
