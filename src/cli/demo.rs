//! `demo`: a register to try, made at the first start and kept; it alone makes its own secret.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::access::accounts::find_by_email;
use crate::access::{Door, otp, secret};
use crate::base::error::{Code, Error};
use crate::base::text::Line;
use crate::base::words::Role;
use crate::settings::{Secret, Settings};
use crate::store::make_private;
use crate::store::origin::Ids;

use super::account::{NewAccount, add_with_any_password};

const DATA: &str = "data";
const ACCOUNTS: [(&str, &str, Role); 4] = [
    ("admin@example.org", "Demo admin", Role::Admin),
    ("staff@example.org", "Demo staff", Role::Staff),
    ("partner@example.org", "Demo partner", Role::Partner),
    ("dashboard@example.org", "Demo dashboard", Role::Dashboard),
];

/// Migrates, loads the sample once, prints where to go, and serves.
///
/// # Errors
/// In words for whoever typed it.
pub fn run(settings: &Settings) -> Result<(), Error> {
    make_private(Path::new(DATA)).map_err(|error| Error::internal(format!("cannot make ./{DATA}: {error}")))?;
    let secret = kept("demo-secret", None, || secret::text_of(&Ids::Random.bytes::<32>()))?;
    let given = settings.demo_password.clone();
    let password = kept("demo-password", given.as_ref().map(Secret::reveal), || {
        secret::text_of(&Ids::Random.bytes::<12>())
    })?;
    if password.chars().count() < 12 {
        return Err(Error::new(
            Code::Invalid,
            "CONSCIENCE_DEMO_PASSWORD must have 12 characters or more",
        ));
    }
    println!("opening {}", settings.database);
    let db = super::open(settings)?;
    println!("bringing the database to this version");
    db.migrate()?;
    drop(db);
    let door = super::door(settings, &Secret::new(secret))?;
    prepare(&door, &password)?;
    let otp = kept("demo-admin-otp", None, || secret::text_of(&Ids::Random.bytes::<20>()))?;
    let otp = &otp.as_bytes()[..otp.len().min(20)];
    let admin = door.read_as_owner(|conn| find_by_email(conn, ACCOUNTS[0].0))?;
    if !admin.is_some_and(|row| row.otp_active) {
        super::enrol(&door, ACCOUNTS[0].0, otp)?;
    }
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    println!("\naddress        {scheme}://{}", settings.listen);
    println!("documentation  {scheme}://{}/docs/", settings.listen);
    for (email, _, role) in ACCOUNTS {
        println!("account        {email}  ({})", crate::base::choice::Choice::slug(role));
    }
    println!(
        "second factor  {}  (of the admin, for an authenticator)",
        otp::base32(otp)
    );
    println!("password       {password}  (kept in ./{DATA}/demo-password)\n");
    super::serve::run(door, settings)
}

/// The sample and an account a role, where they are not there yet; the password as it is now.
fn prepare(door: &Door, password: &str) -> Result<(), Error> {
    if super::sample::load(door)? {
        println!("loaded the sample");
    } else {
        println!("the data is there already");
    }
    for (email, name, role) in ACCOUNTS {
        let organisation = if role == Role::Partner {
            "Demo partner organisation"
        } else {
            "Demo organisation"
        };
        let new = NewAccount {
            email: email.to_owned(),
            name: Line::parse(name).map_err(Error::internal)?,
            role,
            organisation: Line::parse(organisation).map_err(Error::internal)?,
            password: password.to_owned(),
        };
        match add_with_any_password(door, new) {
            Ok(_) => {}
            Err(error) if error.code == Code::AlreadyExists => super::account::ensure_password(door, email, password)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A value kept in a file that only this user reads: the given one, the kept one, or a fresh one.
fn kept(name: &str, given: Option<&str>, fresh: impl FnOnce() -> String) -> Result<String, Error> {
    let path = Path::new(DATA).join(name);
    let value = match (given, fs::read_to_string(&path)) {
        (Some(given), Ok(old)) if old.trim() == given => return Ok(given.to_owned()),
        (Some(given), _) => given.to_owned(),
        (None, Ok(old)) => return Ok(old.trim().to_owned()),
        (None, Err(_)) => fresh(),
    };
    keep(&path, &value)?;
    Ok(value)
}

fn keep(path: &PathBuf, value: &str) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::internal(format!("cannot write {}: {error}", path.display()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    writeln!(file, "{value}").map_err(failed)
}
