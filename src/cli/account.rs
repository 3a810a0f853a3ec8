//! `account`: add one, set its password, shut it. Passwords come by standard input, never by the command line.

use std::io::BufRead;

use crate::access::secret::Keys;
use crate::access::{Door, accounts as rows, secret};
use crate::accounts::require_good_password;
use crate::base::choice::Choice;
use crate::base::error::{Code, Error};
use crate::base::id::{AccountId, OrganisationId};
use crate::base::text::{Email, Line, Lines};
use crate::base::words::{OrganisationKind, Role};
use crate::organisations::{self, OrganisationRow};
use crate::settings::{AccountAction, Settings};
use crate::store::origin::{Clock, Ids};

/// Does it.
///
/// # Errors
/// In words for whoever typed it.
pub fn run(settings: &Settings, action: AccountAction) -> Result<(), Error> {
    let db = super::open_current(settings)?;
    // Accounts are written without the installation's keys.
    let door = Door::new(db, Keys::derive(b"command line")?, Clock::System, Ids::Random);
    match action {
        AccountAction::Add {
            email,
            role,
            organisation,
            name,
        } => {
            let account = NewAccount {
                email,
                name: Line::parse(&name).map_err(|detail| Error::invalid("/name", detail))?,
                role: Role::from_slug(&role)
                    .ok_or_else(|| Error::invalid("/role", "admin, staff, partner or dashboard"))?,
                organisation: Line::parse(&organisation).map_err(|detail| Error::invalid("/organisation", detail))?,
                password: read_password()?,
            };
            add(&door, account).map(|id| println!("added account {id}"))
        }
        AccountAction::Password { email } => {
            let password = read_password()?;
            require_good_password("/password", &password)?;
            set_password(&door, email, &password)
        }
        AccountAction::RemoveSecondFactor { email } => change(&door, email, |row| {
            row.otp_secret = None;
            row.otp_active = false;
        }),
        AccountAction::Disable { email } => change(&door, email, |row| row.disabled_at = Some(row.updated_at)),
    }
}

/// An account to add.
pub struct NewAccount {
    /// Log-in name.
    pub email: String,
    /// The person's name.
    pub name: Line,
    /// What it may do.
    pub role: Role,
    /// The organisation's name; recorded if it is new.
    pub organisation: Line,
    /// The password.
    pub password: String,
}

/// Adds an account, and its organisation where that is new.
///
/// # Errors
/// `already_exists` for an address that has an account.
pub fn add(door: &Door, new: NewAccount) -> Result<AccountId, Error> {
    require_good_password("/password", &new.password)?;
    add_with_any_password(door, new)
}

/// The same for the demo, whose password has a rule of its own.
///
/// # Errors
/// `already_exists` for an address that has an account.
pub fn add_with_any_password(door: &Door, new: NewAccount) -> Result<AccountId, Error> {
    let email = Email::parse(&new.email).map_err(|detail| Error::invalid("/email", detail))?;
    let password_hash = secret::hash_password(&new.password, &door.salt())?;
    door.write_as_owner(super::owner(), move |tx| {
        let email = email.as_str().to_owned();
        if rows::find_by_email(tx.conn(), &email)?.is_some() {
            return Err(Error::new(Code::AlreadyExists, "there is an account with that address"));
        }
        let organisation_id = match organisations::find_by_name(tx, &new.organisation)? {
            Some(row) => row.id,
            None => record_organisation(tx, new.organisation.clone())?,
        };
        let row = rows::AccountRow {
            id: AccountId::from_uuid(tx.uuid()),
            organisation_id,
            email,
            name: new.name.clone(),
            role: new.role,
            password_hash,
            otp_secret: None,
            otp_active: false,
            otp_step: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
            disabled_at: None,
        };
        tx.create(&row)?;
        Ok(row.id)
    })
}

fn record_organisation(tx: &mut crate::access::Write<'_>, name: Line) -> Result<OrganisationId, Error> {
    let row = OrganisationRow {
        id: OrganisationId::from_uuid(tx.uuid()),
        name,
        aliases: Lines::default(),
        kind: OrganisationKind::Ngo,
        country: None,
        website: None,
        created_at: tx.now(),
        updated_at: tx.now(),
        retired_at: None,
    };
    tx.create(&row)?;
    Ok(row.id)
}

fn no_such_account() -> Error {
    Error::invalid("/email", "no such account")
}

fn change(door: &Door, email: String, edit: impl FnOnce(&mut rows::AccountRow) + Send + 'static) -> Result<(), Error> {
    door.write_as_owner(super::owner(), move |tx| {
        let before = rows::find_by_email(tx.conn(), &email)?.ok_or_else(no_such_account)?;
        let mut after = before.clone();
        after.updated_at = tx.now();
        edit(&mut after);
        let after = tx.save(&before, after)?;
        let now = tx.now();
        rows::end_sessions(tx.conn(), &after.id, None, now)
    })
}

/// Sets the password of the demo's account, if it is another.
pub fn ensure_password(door: &Door, email: &str, password: &str) -> Result<(), Error> {
    let (email, wanted) = (email.to_owned(), password.to_owned());
    let fits = door.password_fits(&email, &wanted)?;
    if fits {
        return Ok(());
    }
    set_password(door, email, &wanted)
}

/// Hashed before the write: nobody else waits for it.
fn set_password(door: &Door, email: String, password: &str) -> Result<(), Error> {
    let password_hash = secret::hash_password(password, &door.salt())?;
    change(door, email, move |row| row.password_hash = password_hash)
}

/// Gives an account a second factor with that secret: for the demo, and for a machine that is set up by a script.
///
/// # Errors
/// `invalid` for an address without an account.
pub fn enrol(door: &Door, email: &str, secret: &[u8]) -> Result<(), Error> {
    let (address, nonce) = (email.to_owned(), door.ids.bytes());
    let row = door
        .read_as_owner(move |conn| rows::find_by_email(conn, &address))?
        .ok_or_else(no_such_account)?;
    let sealed = rows::sealed_otp(&door.keys.fields, &row.id, secret, &nonce)?;
    change(door, email.to_owned(), move |row| {
        row.otp_secret = Some(sealed);
        row.otp_active = true;
    })
}

fn read_password() -> Result<String, Error> {
    eprintln!("password (one line on standard input):");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(Error::internal)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
