//! Settings: read once, by flag, then environment, then file, then default. A secret prints as `***`.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};
use serde::Deserialize;

use crate::base::error::{Code, Error};

/// A value that must not be printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret of that text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Refuses what can be guessed: shorter than 32 bytes, few different characters, or a placeholder.
    ///
    /// # Errors
    /// `invalid`, in words for whoever starts the program.
    pub fn require_strong(&self) -> Result<(), Error> {
        let text = self.0.trim();
        let different: std::collections::HashSet<char> = text.chars().collect();
        let placeholder = ["change", "secret", "example", "password"]
            .iter()
            .any(|word| text.to_lowercase().contains(word));
        if text.len() < 32 || different.len() < 12 || placeholder {
            return Err(weak());
        }
        Ok(())
    }
}

fn weak() -> Error {
    Error::new(
        Code::Invalid,
        "CONSCIENCE_SECRET must be 32 random bytes or more, not a placeholder; make one with: head -c 32 /dev/urandom | base64",
    )
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Case tracking for prisoners of conscience.
#[derive(Debug, Parser)]
#[command(name = "conscience", version)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// The settings.
    #[command(flatten)]
    pub given: Given,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a sample register, made at the first start.
    Demo,
    /// Serve the API.
    Serve,
    /// Bring the database to this version.
    Migrate {
        /// The PostgreSQL role that `serve` will use: it is given what serving needs and no more.
        #[arg(long)]
        serve_role: Option<String>,
    },
    /// Manage accounts.
    Account {
        /// What to do with them.
        #[command(subcommand)]
        action: AccountAction,
    },
    /// Write one consistent file of the embedded database.
    Backup {
        /// The new file; one that exists is not touched.
        file: PathBuf,
    },
    /// The keys that sign access tokens.
    SigningKey {
        /// What to do with them.
        #[command(subcommand)]
        action: SigningKeyAction,
    },
    /// The keys of encrypted fields.
    Keys {
        /// What to do with them.
        #[command(subcommand)]
        action: KeysAction,
    },
    /// Take from the database's files what was erased from its tables; as the tables' owner.
    Scrub,
    /// Print the OpenAPI document.
    Openapi,
    /// Write the ledger's log to a new file: one line an entry, without what the entries hold.
    Log {
        /// The new file; one that exists is not touched.
        file: PathBuf,
        /// The second stream's instead: log-ins, refusals, reads of what is restricted.
        #[arg(long)]
        events: bool,
    },
    /// Sign and print the ledger's head; keep it where nobody who can change the database can change it.
    Checkpoint {
        /// The second stream's instead.
        #[arg(long)]
        events: bool,
        /// Print the key with which it is verified instead.
        #[arg(long)]
        key: bool,
    },
    /// Hold the database against its ledger, and the ledger against its heads and an earlier log.
    Verify {
        /// A head that was kept outside.
        #[arg(long)]
        checkpoint: Vec<PathBuf>,
        /// A log that was kept outside.
        #[arg(long)]
        log: Option<PathBuf>,
    },
}

/// What can be done with the keys that sign access tokens. It holds at once, in every process.
#[derive(Debug, Subcommand)]
pub enum SigningKeyAction {
    /// Publish the next key, which signs after a while.
    Rotate {
        /// After how many seconds it signs: until then others who verify tokens have read it.
        #[arg(long, default_value_t = 300)]
        after: i64,
    },
    /// Remove a key that others may know: what it signed is refused from now on.
    Remove {
        /// Its id.
        id: String,
    },
    /// Print the keys that are believed now.
    List,
}

/// What can be done with accounts; passwords are read from standard input, one line.
#[derive(Debug, Subcommand)]
pub enum AccountAction {
    /// Add an account.
    Add {
        /// Log-in name.
        email: String,
        /// admin, staff, partner or dashboard.
        #[arg(long)]
        role: String,
        /// The organisation's name; recorded if it is new.
        #[arg(long)]
        organisation: String,
        /// The person's name.
        #[arg(long)]
        name: String,
    },
    /// Set a new password and end all sessions.
    Password {
        /// Log-in name.
        email: String,
    },
    /// Take the second factor from an account whose authenticator is lost, and end all sessions.
    RemoveSecondFactor {
        /// Log-in name.
        email: String,
    },
    /// Shut an account and end all sessions.
    Disable {
        /// Log-in name.
        email: String,
    },
}

/// What can be done with the keys of encrypted fields.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum KeysAction {
    /// Print a fresh line for the file of field keys.
    New,
    /// Seal what stands under another key than the first under the first; can be stopped and begun again.
    Reseal,
}

/// What may be given by flag, by environment, or in the file.
#[derive(Clone, Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// Where to listen, HOST:PORT.
    #[arg(long, env = "CONSCIENCE_LISTEN", global = true)]
    pub listen: Option<String>,
    /// The address at which the API is reached from outside; it names the issuer of tokens. Where it listens,
    /// unless said.
    #[arg(long, env = "CONSCIENCE_PUBLIC_URL", global = true)]
    pub public_url: Option<String>,
    /// `sqlite:///absolute/path`, `sqlite://relative/path` or `postgres://...`.
    #[arg(long, env = "CONSCIENCE_DATABASE", global = true, hide_env_values = true)]
    pub database: Option<String>,
    /// The installation's secret, 32 bytes or more.
    #[arg(long, env = "CONSCIENCE_SECRET", global = true, hide_env_values = true)]
    pub secret: Option<Secret>,
    /// A file that holds the secret.
    #[arg(long, env = "CONSCIENCE_SECRET_FILE", global = true)]
    pub secret_file: Option<PathBuf>,
    /// A file of the keys of encrypted fields, one a line: the first seals, all open. Derived from the secret without it.
    #[arg(long, env = "CONSCIENCE_FIELD_KEYS_FILE", global = true)]
    pub field_keys_file: Option<PathBuf>,
    /// The demo's password, 12 characters or more.
    #[arg(long, env = "CONSCIENCE_DEMO_PASSWORD", global = true, hide_env_values = true)]
    #[serde(skip)]
    pub demo_password: Option<Secret>,
    /// A settings file (TOML).
    #[arg(long, env = "CONSCIENCE_CONFIG", global = true)]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Let a database on another host be reached without TLS.
    #[arg(long, env = "CONSCIENCE_ALLOW_PLAIN_DATABASE", global = true)]
    pub allow_plain_database: bool,
    /// How often an account may ask in a minute, for each process; a stranger's address a tenth of it. 6000 by default.
    #[arg(long, env = "CONSCIENCE_RATE_PER_MINUTE", global = true)]
    pub rate_per_minute: Option<u32>,
    /// The certificate to serve TLS with, and those that vouch for it (PEM); with `--tls-key`.
    #[arg(long, env = "CONSCIENCE_TLS_CERTIFICATE", global = true)]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, env = "CONSCIENCE_TLS_KEY", global = true)]
    pub tls_key: Option<PathBuf>,
}

/// The files that TLS is served with.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: String,
    /// The address at which the API is reached from outside.
    pub public_url: String,
    /// The database's URL.
    pub database: String,
    /// The installation's secret, where one was given.
    pub secret: Option<Secret>,
    /// The lines of the field keys' file, where one was given.
    pub field_keys: Option<Secret>,
    /// The demo's password, where one was given.
    pub demo_password: Option<Secret>,
    /// Whether a database on another host may be reached without TLS.
    pub allow_plain_database: bool,
    /// How often an account may ask in a minute, where it was said.
    pub rate_per_minute: Option<u32>,
    /// What to serve TLS with; without, HTTP is served in the clear.
    pub tls: Option<TlsFiles>,
}

impl Settings {
    /// Flags and environment over the file over the defaults.
    ///
    /// # Errors
    /// `invalid` for a file that cannot be read or says what is not known.
    pub fn from_given(given: Given) -> Result<Self, Error> {
        refuse_unknown(&unknown_variables())?;
        let file = given.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let secret = match secret_of(given.secret, given.secret_file)? {
            Some(secret) => Some(secret),
            None => secret_of(file.secret, file.secret_file)?,
        };
        let listen = given
            .listen
            .or(file.listen)
            .unwrap_or_else(|| "127.0.0.1:8080".to_owned());
        let public_url = given.public_url.or(file.public_url);
        let tls = tls_of(
            given.tls_certificate.or(file.tls_certificate),
            given.tls_key.or(file.tls_key),
        )?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let field_keys = given.field_keys_file.or(file.field_keys_file);
        Ok(Self {
            public_url: public_url.map_or_else(|| Ok(format!("{scheme}://{listen}")), checked_url)?,
            listen,
            field_keys: field_keys.map(|path| read_text(&path).map(Secret::new)).transpose()?,
            database: given
                .database
                .or_else(database_of_environment)
                .or(file.database)
                .unwrap_or_else(|| "sqlite://data/conscience.sqlite".to_owned()),
            secret,
            demo_password: given.demo_password,
            allow_plain_database: given.allow_plain_database || file.allow_plain_database,
            rate_per_minute: given.rate_per_minute.or(file.rate_per_minute),
            tls,
        })
    }

    /// The secret, strong.
    ///
    /// # Errors
    /// `invalid` where it is missing or weak.
    pub fn strong_secret(&self) -> Result<Secret, Error> {
        let secret = self.secret.clone().ok_or_else(weak)?;
        secret.require_strong()?;
        Ok(secret)
    }
}

/// An address of a server, without a path: what stands in tokens is compared as it is.
fn checked_url(text: String) -> Result<String, Error> {
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if place.is_none_or(|place| place.is_empty() || place.contains(['/', '?', '#', ' '])) {
        return Err(Error::new(
            Code::Invalid,
            "CONSCIENCE_PUBLIC_URL must be the address of a server, as https://conscience.example.org",
        ));
    }
    Ok(text)
}

fn secret_of(secret: Option<Secret>, file: Option<PathBuf>) -> Result<Option<Secret>, Error> {
    match (secret, file) {
        (Some(secret), _) => Ok(Some(secret)),
        (None, Some(path)) => Ok(Some(Secret::new(read_text(&path)?.trim()))),
        (None, None) => Ok(None),
    }
}

fn tls_of(certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<TlsFiles>, Error> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        _ => Err(Error::new(
            Code::Invalid,
            "TLS needs both --tls-certificate and --tls-key",
        )),
    }
}

/// Variables of the environment that look like settings and are none.
fn unknown_variables() -> Vec<String> {
    let known: Vec<_> = CommandLine::command()
        .get_arguments()
        .filter_map(|argument| Some(argument.get_env()?.to_owned()))
        .collect();
    std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("CONSCIENCE_") && !known.contains(name))
        .map(|name| name.to_string_lossy().into_owned())
        // Those of the repository's own scripts.
        .filter(|name| !name.starts_with("CONSCIENCE_TEST_") && name != "CONSCIENCE_BLESS")
        .collect()
}

fn refuse_unknown(names: &[String]) -> Result<(), Error> {
    match names {
        [] => Ok(()),
        names => Err(Error::new(
            Code::Invalid,
            format!("no such setting: {}", names.join(", ")),
        )),
    }
}

/// The name by which hosts hand a database to a program.
#[allow(clippy::disallowed_methods)]
fn database_of_environment() -> Option<String> {
    std::env::var("DATABASE_URL").ok()
}

fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::new(Code::Invalid, format!("{}: {error}", path.display())))
}

fn read_file(path: &Path) -> Result<Given, Error> {
    toml::from_str(&read_text(path)?).map_err(|error| Error::new(Code::Invalid, format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_secret_is_refused_and_none_is_printed() {
        for weak in [
            "",
            "short",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "please-change-me-0123456789-abcdefghij",
        ] {
            assert!(Secret::new(weak).require_strong().is_err(), "{weak}");
        }
        let strong = Secret::new("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ");
        assert!(strong.require_strong().is_ok());
        assert_eq!(format!("{strong:?}"), "***");
    }
}
