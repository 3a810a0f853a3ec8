//! The connections that read.

use std::time::Duration;

use diesel::r2d2::{ManageConnection, PooledConnection};

use crate::base::error::Error;
use crate::store::conn::{self, Conn};
use crate::store::url::DatabaseUrl;

/// Opens readers by the scheme of the URL: diesel's own manager would try SQLite with whatever it is given.
pub struct Readers(DatabaseUrl);

impl ManageConnection for Readers {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        conn::establish_reader(&self.0).map_err(diesel::r2d2::Error::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        conn::alive(conn).map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(conn)
    }
}

/// A pool of readers.
#[derive(Clone)]
pub struct Pool(diesel::r2d2::Pool<Readers>);

impl Pool {
    /// A pool of that many at most, none opened yet.
    pub fn new(url: &DatabaseUrl, size: u32, wait: Duration) -> Result<Self, Error> {
        let pool = diesel::r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(wait)
            .build(Readers(url.clone()))
            .map_err(Error::internal)?;
        Ok(Self(pool))
    }

    /// A reader; 503 where none is free in time.
    pub fn get(&self) -> Result<PooledConnection<Readers>, Error> {
        self.0.get().map_err(|error| {
            log::warn!("no reader: {error}");
            Error::unavailable()
        })
    }
}
