//! Which database: the scheme decides; what is not known is an error, never a new empty file.

use crate::base::error::{Code, Error};

/// A database's address.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file.
    Sqlite(String),
    /// A server.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads `sqlite:///absolute/path`, `sqlite://relative/path` or `postgres://...`.
    ///
    /// # Errors
    /// `invalid` for another scheme, an empty path, or a server on another host without TLS unless `plain` is allowed.
    pub fn parse(text: &str, plain: bool) -> Result<Self, Error> {
        let refused = |detail: &str| Err(Error::new(Code::Invalid, format!("database: {detail}")));
        if let Some(path) = text.strip_prefix("sqlite://") {
            return match path {
                "" => refused("sqlite:// needs a path"),
                path if path.contains([':', '?']) => refused("an SQLite path is a plain path"),
                path => Ok(Self::Sqlite(path.to_owned())),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            if !plain && !is_safe(text) {
                return refused(
                    "a server on another host needs sslmode=require or verify-full (or --allow-plain-database)",
                );
            }
            return Ok(Self::Postgres(text.to_owned()));
        }
        refused("must be sqlite:///absolute/path, sqlite://relative/path or postgres://...")
    }
}

/// Whether what is sent to that server cannot be read on the way: TLS, this machine, or a socket file.
fn is_safe(text: &str) -> bool {
    // Read as libpq reads it: user and password end at the first @ before any /, names and values may be
    // percent-encoded, and of a parameter given twice the last counts, so every one must be safe.
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let rest = match rest.split_once('@') {
        Some((user, after)) if !user.contains('/') => after,
        _ => rest,
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let parameters: Vec<_> = form_urlencoded::parse(parameters.as_bytes()).collect();
    let mut modes = parameters.iter().filter(|(name, _)| name == "sslmode").peekable();
    if modes.peek().is_some() && modes.all(|(_, mode)| matches!(&**mode, "require" | "verify-ca" | "verify-full")) {
        return true;
    }
    let hosts = place.split('/').next().unwrap_or("");
    let near = |host: &str| {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.split(']').next())
            .unwrap_or_else(|| host.split(':').next().unwrap_or(""));
        matches!(bare, "" | "localhost" | "127.0.0.1" | "::1")
            || bare.starts_with('/')
            || bare.starts_with("%2F")
            || bare.starts_with("%2f")
    };
    hosts.split(',').all(near)
        && parameters.iter().all(|(name, value)| match &**name {
            "host" | "hostaddr" => value.split(',').all(near),
            // A service file may name any host.
            "service" => false,
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides_and_nothing_else_is_a_file() {
        assert!(
            matches!(DatabaseUrl::parse("sqlite:///a/b.db", false), Ok(DatabaseUrl::Sqlite(path)) if path == "/a/b.db")
        );
        assert!(
            matches!(DatabaseUrl::parse("sqlite://data/b.db", false), Ok(DatabaseUrl::Sqlite(path)) if path == "data/b.db")
        );
        for bad in [
            "",
            "a.db",
            "sqlite://",
            "sqlite://:memory:",
            "mysql://x/y",
            "SQLITE://x",
        ] {
            assert!(DatabaseUrl::parse(bad, false).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_elsewhere_needs_tls() {
        for near in [
            "postgres://u@localhost/d",
            "postgres:///d?host=/run/pg",
            "postgres://%2Frun%2Fpg/d",
            "postgres://u:p@[::1]:5432/d",
            "postgres://conscience@/postgres?host=/tmp/x",
            "postgres:///d?host=%2Frun%2Fpg&hostaddr=127.0.0.1",
        ] {
            assert!(DatabaseUrl::parse(near, false).is_ok(), "{near}");
        }
        for far in [
            "postgres://db.example.org/d",
            "postgres://localhost,db2/d",
            "postgres:///d?host=10.0.0.1",
            "postgres://db/d?sslmode=prefer",
            "postgres:///d?hostaddr=10.0.0.1",
            "postgres://localhost/d?hostaddr=10.0.0.1",
            "postgres:///d?host=/run/pg&host=10.0.0.1",
            "postgres://db/d?sslmode=require&sslmode=disable",
            "postgres:///d?h%6Fst=10.0.0.1",
            "postgres:///d?service=elsewhere",
            "postgres://localhost?x=@db.example.org/d",
        ] {
            assert!(DatabaseUrl::parse(far, false).is_err(), "{far}");
            assert!(DatabaseUrl::parse(far, true).is_ok(), "{far}");
        }
        assert!(DatabaseUrl::parse("postgres://db.example.org/d?sslmode=verify-full", false).is_ok());
    }
}
