//! The commands: a file each.
mod account;
mod demo;
mod sample;
mod serve;
pub mod verify;

pub use account::{NewAccount, add as add_account, enrol};
pub use sample::load as load_sample;

use std::io::Write;

use crate::access::secret::Keys;
use crate::access::{Door, Viewer};
use crate::app::document::Document;
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, OrganisationId};
use crate::base::words::Role;
use crate::settings::{Command, CommandLine, Secret, Settings};
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
        Command::Serve => serve::run(door(&settings, &settings.strong_secret()?)?, &settings.listen),
        Command::Migrate => open(&settings)?.migrate(),
        Command::Account { action } => account::run(&settings, action),
        Command::Backup { file } => open_current(&settings)?.backup(&file),
        Command::Log { file } => verify::write_log(&door(&settings, &settings.strong_secret()?)?, &file),
        Command::Checkpoint { key } => {
            let door = door(&settings, &settings.strong_secret()?)?;
            let text = if key {
                door.verifier() + "\n"
            } else {
                door.seal_blocking()?
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
    Ok(Door::new(
        open_current(settings)?,
        Keys::derive(secret.reveal().as_bytes())?,
        Clock::System,
        Ids::Random,
    ))
}

/// Whoever owns the machine: sees what is internal, and is entered in the ledger as nobody's account.
fn owner() -> Viewer {
    let nobody = uuid::Uuid::nil();
    Viewer {
        account_id: AccountId::from_uuid(nobody),
        session_id: None,
        organisation_id: OrganisationId::from_uuid(nobody),
        role: Role::Admin,
        today: Clock::System.now().day(),
        enrolled: true,
    }
}
