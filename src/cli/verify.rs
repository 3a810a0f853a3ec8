//! `log` and `verify`: the ledger for outsiders, and the database held against it.

use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use diesel::prelude::*;

use crate::access::Door;
use crate::access::altered::What;
use crate::access::events;
use crate::access::ledger::{self, EntryRow};
use crate::access::tree::{self, Edge, Stream};
use crate::audit::erasure;
use crate::audit::soundness::{self, Last};
use crate::base::error::{Code, Error};
use crate::priority;
use crate::schema;
use crate::store::Conn;

/// How many entries are read in one go.
const CHUNK: i64 = 1000;

/// Writes the log: one line an entry, which is a leaf of the tree as it stands.
///
/// # Errors
/// `invalid` for a file that exists already.
pub fn write_log(door: &Door, stream: Stream, path: &Path) -> Result<(), Error> {
    let refused = |error: std::io::Error| Error::new(Code::Invalid, format!("{}: {error}", path.display()));
    let text = log(door, stream)?;
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(refused)?;
    file.write_all(text.as_bytes()).map_err(refused)?;
    file.sync_all().map_err(refused)
}

/// Salt, fields and reason of an entry, where they have not been erased.
type Payload = Option<(String, String, Option<String>)>;

fn entries_after(conn: &mut Conn, after: i64) -> Result<Vec<(EntryRow, Payload)>, Error> {
    use schema::{ledger_entries, ledger_payloads};
    Ok(ledger_entries::table
        .left_join(ledger_payloads::table.on(ledger_payloads::position.eq(ledger_entries::position)))
        .filter(ledger_entries::position.gt(after))
        .order(ledger_entries::position)
        .limit(CHUNK)
        .select((
            ledger_entries::all_columns,
            (ledger_payloads::salt, ledger_payloads::fields, ledger_payloads::reason).nullable(),
        ))
        .load(conn)?)
}

/// By kind and id of the record.
type LastEntries = HashMap<(String, String), Last>;

/// Holds everything against everything, and says what is wrong.
///
/// # Errors
/// `conflict` where anything is.
pub fn run(door: &Door, notes: &[PathBuf], log: Option<&Path>) -> Result<(), Error> {
    let notes = notes.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let log = log.map(read).transpose()?;
    let findings = findings(door, &notes, log.as_deref())?;
    for what in &findings {
        println!("BAD  {what}");
    }
    if findings.is_empty() {
        println!("good: every record is as its ledger says, and the ledger as its heads say");
        if notes.is_empty() {
            println!("but no head from outside was given: who can write the database can write a ledger and sign it");
        }
        Ok(())
    } else {
        Err(Error::new(Code::Conflict, "the database is not what its ledger says"))
    }
}

/// What is wrong with the database, by heads (signed notes) and a log that were kept outside. Read as of one moment,
/// whatever is written meanwhile.
///
/// # Errors
/// What the database says.
pub fn findings(door: &Door, notes: &[String], log: Option<&str>) -> Result<Vec<String>, Error> {
    let (mut notes, keys) = (notes.to_vec(), door.keys.clone());
    let of_events = keys.verifier(Stream::Events);
    let second: Vec<String> = notes
        .extract_if(.., |note| tree::opened(note, &of_events).is_some())
        .collect();
    let known: Option<Vec<String>> = log.map(|text| text.lines().map(str::to_owned).collect());
    door.read_as_owner(move |conn| {
        let mut findings = Vec::new();
        let of_ledger = keys.verifier(Stream::Ledger);
        let heads = heads(conn, Stream::Ledger, (notes, &of_ledger), &mut findings)?;
        let (edge, last) = walk(conn, &heads, known.as_deref(), &mut findings)?;
        if Stream::Ledger.edge(conn)? != edge {
            findings.push("the tree is not that of the entries".to_owned());
        }
        let heads = self::heads(conn, Stream::Events, (second, &of_events), &mut findings)?;
        walk_events(conn, &heads, &mut findings)?;
        findings.extend(records(conn, last)?);
        findings.extend(priority::altered_policies(conn)?);
        Ok(findings)
    })
}

/// The log of a stream as a text.
///
/// # Errors
/// What the database says.
pub fn log(door: &Door, stream: Stream) -> Result<String, Error> {
    door.read_as_owner(move |conn| {
        let (mut text, mut after) = (String::new(), i64::MIN);
        loop {
            let lines: Vec<(i64, String)> = match stream {
                Stream::Ledger => entries_after(conn, after)?
                    .iter()
                    .map(|(entry, _)| (entry.position, entry.line()))
                    .collect(),
                Stream::Events => events::after(conn, after, CHUNK)?
                    .iter()
                    .map(|event| (event.position, event.line()))
                    .collect(),
            };
            let Some((last, _)) = lines.last() else {
                return Ok(text);
            };
            after = *last;
            for (_, line) in lines {
                text += &line;
                text.push('\n');
            }
        }
    })
}

fn read(path: &Path) -> Result<String, Error> {
    let refused = |error| Error::new(Code::Invalid, format!("{}: {error}", path.display()));
    std::fs::read_to_string(path).map_err(refused)
}

/// The heads of a stream, those in the database and those from outside.
fn heads(
    conn: &mut Conn,
    stream: Stream,
    (outside, verifier): (Vec<String>, &str),
    findings: &mut Vec<String>,
) -> Result<BTreeMap<u64, tree::Hash>, Error> {
    let mut notes = stream.heads(conn)?;
    notes.extend(outside);
    Ok(opened(&notes, verifier, findings))
}

/// Root by size of the heads that this key has signed.
fn opened(notes: &[String], verifier: &str, findings: &mut Vec<String>) -> BTreeMap<u64, tree::Hash> {
    let mut heads = BTreeMap::new();
    for note in notes {
        match tree::opened(note, verifier) {
            None => findings.push("a head is not signed by this installation".to_owned()),
            Some((size, root)) => {
                if heads.insert(size, root).is_some_and(|other| other != root) {
                    findings.push(format!("two heads of {size} entries differ"));
                }
            }
        }
    }
    heads
}

/// The tree of a stream, made again leaf by leaf and held against its heads.
struct Grown<'a> {
    edge: Edge,
    heads: &'a BTreeMap<u64, tree::Hash>,
    /// Up to where it is as a head says.
    good: u64,
    /// What a leaf is called.
    leaf: &'static str,
}

impl<'a> Grown<'a> {
    fn under(heads: &'a BTreeMap<u64, tree::Hash>, leaf: &'static str) -> Self {
        Self {
            edge: Edge::default(),
            heads,
            good: 0,
            leaf,
        }
    }

    fn append(&mut self, line: &str, findings: &mut Vec<String>) {
        self.edge.append(tree::leaf(line.as_bytes()));
        let size = self.edge.size();
        match self.heads.get(&size) {
            Some(root) if *root == self.edge.root() => self.good = size,
            Some(_) => findings.push(format!(
                "an {} between {} and {size} is not what was signed",
                self.leaf,
                self.good + 1
            )),
            None => {}
        }
    }

    /// Says what was signed beyond its end.
    fn end(&self, findings: &mut Vec<String>) {
        let signed = self.heads.keys().max().copied().unwrap_or(0);
        if self.edge.size() < signed {
            findings.push(format!(
                "an {} between {} and {signed} is gone",
                self.leaf,
                self.good + 1
            ));
        }
    }
}

/// Reads every entry once: dense, as the earlier log has it, under the heads, with its payload.
fn walk(
    conn: &mut Conn,
    heads: &BTreeMap<u64, tree::Hash>,
    known: Option<&[String]>,
    findings: &mut Vec<String>,
) -> Result<(Edge, LastEntries), Error> {
    let (mut grown, mut last) = (Grown::under(heads, "entry"), HashMap::new());
    let (mut after, mut differs) = (i64::MIN, false);
    let mut gone: Vec<(i64, (String, String))> = Vec::new();
    loop {
        let entries = entries_after(conn, after)?;
        let Some((end, _)) = entries.last() else { break };
        after = end.position;
        for (entry, payload) in entries {
            let size = grown.edge.size();
            let expected = i64::try_from(size + 1).unwrap_or(i64::MAX);
            if entry.position != expected && !differs {
                differs = true;
                findings.push(format!("entry {expected} is missing"));
            }
            let line = entry.line();
            let earlier = usize::try_from(size).ok().and_then(|place| known?.get(place));
            if earlier.is_some_and(|earlier| *earlier != line) && !differs {
                differs = true;
                findings.push(format!("entry {expected} is the first that is not as in the log"));
            }
            grown.append(&line, findings);
            match &payload {
                Some((salt, fields, reason))
                    if ledger::payload_digest(salt, fields, reason.as_deref()) == entry.payload_digest => {}
                Some(_) => findings.push(format!("the payload of entry {} was altered", entry.position)),
                None => gone.push((entry.position, (entry.record_kind.clone(), entry.record_id.clone()))),
            }
            let entered = Last {
                kind: entry.kind,
                digest: entry.digest,
                level: entry.level,
                parent: entry.parent_id,
                salt: payload.map(|payload| payload.0),
            };
            last.insert((entry.record_kind, entry.record_id), entered);
        }
    }
    // Erased with the record that they were of, whose last entry says so.
    for (position, record) in gone {
        // Or alone, because it held what was somebody else's, as an entry says.
        let alone = (erasure::PAYLOAD.to_owned(), position.to_string());
        let erased = [record, alone].iter().any(|record| {
            let last: Option<&Last> = last.get(record);
            last.is_some_and(|last| last.kind == "erased" && last.salt.is_some())
        });
        if !erased {
            findings.push(format!("the payload of entry {position} is gone"));
        }
    }
    let kept = known.map_or(0, |lines| lines.len() as u64);
    let size = grown.edge.size();
    if size < kept && !differs {
        findings.push(format!("entries {} to {kept} are gone", size + 1));
    }
    grown.end(findings);
    Ok((grown.edge, last))
}

/// Reads every event once: dense, under the heads, and the tree as it is kept.
fn walk_events(conn: &mut Conn, heads: &BTreeMap<u64, tree::Hash>, findings: &mut Vec<String>) -> Result<(), Error> {
    let mut grown = Grown::under(heads, "event");
    let mut after = i64::MIN;
    loop {
        let rows = events::after(conn, after, CHUNK)?;
        let Some(end) = rows.last() else { break };
        after = end.position;
        for event in rows {
            let expected = grown.edge.size() + 1;
            if u64::try_from(event.position).ok() != Some(expected) {
                findings.push(format!("event {expected} is missing"));
                return Ok(());
            }
            grown.append(&event.line(), findings);
        }
    }
    grown.end(findings);
    if Stream::Events.edge(conn)? != grown.edge {
        findings.push("the tree of events is not that of the events".to_owned());
    }
    Ok(())
}

/// Every record against its last entry, and every entry against a record that is there, or a tombstone.
fn records(conn: &mut Conn, mut last: LastEntries) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for kind in soundness::KINDS {
        let mut after = String::new();
        loop {
            let rows = soundness::chunk(conn, kind, &after)?;
            let Some(end) = rows.last() else { break };
            after.clone_from(&end.id);
            for row in &rows {
                let name = format!("{kind} {}", row.id);
                let entry = last.remove(&((*kind).to_owned(), row.id.clone()));
                match soundness::judged(kind, row, entry.as_ref()) {
                    None | Some(What::Missing) => {}
                    Some(What::Altered) => found.push(format!("{name} was altered")),
                    Some(What::Derived) => found.push(format!("what is derived of {name} was altered")),
                    Some(What::Unreadable) => found.push(format!("{name} cannot be read")),
                    Some(What::Unknown) => found.push(format!("{name} is in no entry")),
                    Some(What::Again) => found.push(format!("{name} is there again, though it was taken out")),
                }
            }
        }
    }
    for ((kind, id), entry) in last {
        // Who has left a team is in no table any more, and no more is what was erased.
        let mut tombstone = || soundness::tombstones_of(conn, &kind, std::slice::from_ref(&id));
        if !soundness::says_gone(&kind, &entry) {
            found.push(format!("{kind} {id} is missing"));
        } else if entry.kind == "erased" && tombstone()?.is_empty() {
            found.push(format!("{kind} {id} is missing, and so is its tombstone"));
        }
    }
    found.sort();
    Ok(found)
}
