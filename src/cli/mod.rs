//! The commands: a file each.
mod account;
mod demo;
mod keys;
mod sample;
mod serve;
mod tls;
pub mod verify;

pub use account::{NewAccount, add as add_account, enrol};
pub use sample::load as load_sample;

use std::io::Write;

use crate::access::rate::MOST_PER_MINUTE;
use crate::access::secret::Keys;
use crate::access::tree::Stream;
use crate::access::{Door, Viewer, signing};
use crate::app::document::Document;
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, OrganisationId};
use crate::base::words::Role;
use crate::settings::{Command, CommandLine, Secret, Settings, SigningKeyAction};
use crate::store::origin::{Clock, Ids};
use crate::store::url::DatabaseUrl;
use crate::store::{Db, Options};

/// Does what the command line says.
///
/// # Errors
/// In words for whoever typed it.
pub fn run(line: CommandLine) -> Result<(), Error> {
    let settings = Settings::from_given(line.given)?;
    match line.command {
        Command::Demo => demo::run(&settings),
        Command::Serve => serve::run(door(&settings, &settings.strong_secret()?)?, &settings),
        Command::Migrate { serve_role } => {
            let db = open(&settings)?;
            db.migrate()?;
            serve_role.map_or(Ok(()), |role| db.grant_serving(&role))
        }
        Command::Account { action } => account::run(&settings, action),
        Command::Keys { action } => keys::run(&settings, action),
        Command::Scrub => open_current(&settings)?.scrub_blocking(),
        Command::Backup { file } => open_current(&settings)?.backup(&file),
        Command::SigningKey { action } => signing_key(&door(&settings, &settings.strong_secret()?)?, action),
        Command::Log { file, events } => {
            let door = door(&settings, &settings.strong_secret()?)?;
            verify::write_log(&door, stream(events), &file)
        }
        Command::Checkpoint { events, key } => {
            let door = door(&settings, &settings.strong_secret()?)?;
            let text = if key {
                door.verifier(stream(events)) + "\n"
            } else {
                door.seal_blocking(stream(events))?
            };
            print!("{text}");
            Ok(())
        }
        Command::Verify { checkpoint, log } => verify::run(
            &door(&settings, &settings.strong_secret()?)?,
            &checkpoint,
            log.as_deref(),
        ),
        Command::Openapi => {
            // Whoever reads the first lines alone has closed the pipe: no fault.
            let _ = std::io::stdout().write_all(Document::made().text.as_bytes());
            Ok(())
        }
    }
}

fn stream(events: bool) -> Stream {
    if events { Stream::Events } else { Stream::Ledger }
}

fn signing_key(door: &Door, action: SigningKeyAction) -> Result<(), Error> {
    match action {
        SigningKeyAction::Rotate { after } => {
            let id = door.write_as_owner(owner(), move |tx| signing::rotate(tx, after))?;
            println!("{id} signs in {after} seconds; the former is believed until its tokens have expired");
        }
        SigningKeyAction::Remove { id } => door.write_as_owner(owner(), move |tx| signing::remove(tx, &id))?,
        SigningKeyAction::List => {
            let (keys, now) = (door.keys.clone(), door.now());
            for line in door.read_as_owner(move |conn| signing::list(conn, &keys, now))? {
                println!("{line}");
            }
        }
    }
    Ok(())
}

/// The configured database; an embedded one that is not there is made.
fn open(settings: &Settings) -> Result<Db, Error> {
    Db::open(
        &DatabaseUrl::parse(&settings.database, settings.allow_plain_database)?,
        Options::default(),
    )
}

/// The configured database, which must be there and at this version: a typing error makes none.
fn open_current(settings: &Settings) -> Result<Db, Error> {
    if let DatabaseUrl::Sqlite(path) = DatabaseUrl::parse(&settings.database, settings.allow_plain_database)?
        && !std::path::Path::new(&path).exists()
    {
        let detail = format!("{path} is not there: check the address, or make it with `conscience migrate`");
        return Err(Error::new(Code::Invalid, detail));
    }
    let db = open(settings)?;
    db.require_current()?;
    Ok(db)
}

/// The door to the configured database, which must be at this version.
fn door(settings: &Settings, secret: &Secret) -> Result<Door, Error> {
    let keys = Keys::derive(secret.reveal().as_bytes())?.issued_at(&settings.public_url);
    let keys = match &settings.field_keys {
        Some(file) => keys.with_field_keys(file.reveal())?,
        None => keys,
    };
    let door = Door::new(open_current(settings)?, keys, Clock::System, Ids::Random);
    match settings.rate_per_minute {
        None => Ok(door),
        Some(rate) if (1..=MOST_PER_MINUTE).contains(&rate) => Ok(door.limited_to(rate)),
        Some(_) => Err(Error::new(
            Code::Invalid,
            format!("the rate per minute must be between 1 and {MOST_PER_MINUTE}"),
        )),
    }
}

/// Whoever owns the machine: sees what is internal, and is entered in the ledger as nobody's account.
#[must_use]
pub fn owner() -> Viewer {
    let nobody = uuid::Uuid::nil();
    Viewer {
        account_id: AccountId::from_uuid(nobody),
        session_id: None,
        machine: None,
        shown_at: None,
        organisation_id: OrganisationId::from_uuid(nobody),
        role: Role::Admin,
        today: Clock::System.now().day(),
        enrolled: true,
    }
}
