//! The one writer of a process: what waits is written together, each piece in its own savepoint, one COMMIT for all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use diesel::Connection;
use tokio::sync::oneshot;

use crate::base::error::Error;
use crate::store::conn::{self, Conn};
use crate::store::url::DatabaseUrl;

/// How many pieces share a COMMIT at most.
const BATCH: usize = 128;

/// How deep a batch is, and a piece's savepoint in it.
const BATCH_DEPTH: u32 = 1;
const SAVEPOINT: u32 = BATCH_DEPTH + 1;

/// A piece of work in two steps: do it inside the batch, answer after the COMMIT.
trait Piece: Send {
    fn work(&mut self, conn: &mut Conn);
    fn answer(self: Box<Self>, committed: bool);
}

struct Task<T, F> {
    work: Option<F>,
    result: Result<T, Error>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T: Send, F: FnOnce(&mut Conn) -> Result<T, Error> + Send> Piece for Task<T, F> {
    fn work(&mut self, conn: &mut Conn) {
        if let Some(work) = self.work.take() {
            // The transaction within the transaction is a savepoint; a panic rolls back that alone.
            self.result = conn.transaction(|conn| {
                catch_unwind(AssertUnwindSafe(|| work(conn))).unwrap_or_else(|_| {
                    // diesel does not close on unwinding what the work had opened itself.
                    for _ in SAVEPOINT..conn::depth(conn)? {
                        conn::rollback(conn);
                    }
                    Err(Error::internal("a write panicked"))
                })
            });
        }
    }

    fn answer(self: Box<Self>, committed: bool) {
        let result = if committed || self.result.is_err() {
            self.result
        } else {
            Err(Error::unavailable())
        };
        // Whoever asked may have gone.
        let _ = self.reply.send(result);
    }
}

/// The queue to the writer's thread, which ends when the queue is dropped.
pub struct Writer {
    queue: SyncSender<Box<dyn Piece>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start(url: DatabaseUrl, conn: Conn, length: usize) -> Result<Self, Error> {
        let (queue, waiting) = sync_channel(length);
        std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || run(&url, conn, &waiting))
            .map_err(Error::internal)?;
        Ok(Self { queue })
    }

    /// Queues work; 503 where the queue is full.
    pub fn queue<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, Error> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(Box::new(Task {
            work: Some(work),
            result: Err(Error::unavailable()),
            reply,
        })) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(Error::unavailable()),
        }
    }
}

fn run(url: &DatabaseUrl, mut conn: Conn, waiting: &Receiver<Box<dyn Piece>>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        let committed = write(&mut conn, &mut batch);
        if let Err(error) = &committed {
            log::error!("a batch of {} was not written: {error}", batch.len());
            // The connection may be gone: the next batch gets a fresh one where there is one to be had.
            if let Ok(fresh) = conn::establish_writer(url) {
                conn = fresh;
            }
        }
        for piece in batch {
            piece.answer(committed.is_ok());
        }
    }
}

fn write(conn: &mut Conn, batch: &mut [Box<dyn Piece>]) -> Result<(), diesel::result::Error> {
    conn::begin_exclusive(conn)?;
    for piece in batch.iter_mut() {
        piece.work(conn);
    }
    // Any deeper, and COMMIT would only release a savepoint: answered, but not on disk.
    if conn::depth(conn)? != BATCH_DEPTH {
        return Err(diesel::result::Error::BrokenTransactionManager);
    }
    conn::commit(conn).inspect_err(|_| conn::rollback(conn))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use diesel::connection::SimpleConnection;
    use diesel::prelude::*;

    use super::*;

    diesel::table! {
        marks (id) {
            id -> Integer,
        }
    }

    /// A database of its own; a file goes when the test ends, a server's database with the server.
    enum Place {
        File(std::path::PathBuf),
        Server(String),
    }

    impl Place {
        fn on_sqlite() -> Self {
            let place = std::env::temp_dir().join(format!("conscience-writer-{}", uuid::Uuid::new_v4()));
            Self::File(place).furnished()
        }

        #[allow(clippy::disallowed_methods)]
        fn on_postgres() -> Self {
            let server = std::env::var("CONSCIENCE_TEST_POSTGRES").expect("scripts/test sets CONSCIENCE_TEST_POSTGRES");
            let name = format!("writer_{}", uuid::Uuid::new_v4().simple());
            crate::store::create_postgres_database(&server, &name).unwrap();
            let (place, parameters) = server.split_once('?').unwrap_or((&server, ""));
            let base = place.rsplit_once('/').unwrap().0;
            Self::Server(format!("{base}/{name}?{parameters}")).furnished()
        }

        fn furnished(self) -> Self {
            self.open()
                .batch_execute("CREATE TABLE marks (id INTEGER NOT NULL PRIMARY KEY)")
                .unwrap();
            self
        }

        fn url(&self) -> DatabaseUrl {
            match self {
                Self::File(place) => DatabaseUrl::Sqlite(place.join("t.db").to_str().unwrap().to_owned()),
                Self::Server(url) => DatabaseUrl::parse(url, false).unwrap(),
            }
        }

        fn open(&self) -> Conn {
            conn::establish_writer(&self.url()).unwrap()
        }

        fn writer(&self, length: usize) -> Writer {
            Writer::start(self.url(), self.open(), length).unwrap()
        }

        /// What another connection sees: what was committed.
        fn marks(&self) -> Vec<i32> {
            marks::table
                .select(marks::id)
                .order(marks::id)
                .load(&mut self.open())
                .unwrap()
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            if let Self::File(place) = self {
                let _ = std::fs::remove_dir_all(place);
            }
        }
    }

    fn mark(conn: &mut Conn, id: i32) -> Result<(), Error> {
        diesel::insert_into(marks::table)
            .values(marks::id.eq(id))
            .execute(conn)?;
        Ok(())
    }

    /// What is queued after a fault is written as if nothing had been.
    fn goes_on(writer: &Writer) {
        let answer = writer.queue(|conn| mark(conn, 5)).unwrap();
        answer.blocking_recv().unwrap().unwrap();
    }

    type Answer = oneshot::Receiver<Result<(), Error>>;

    /// Keeps the writer busy until the sender says otherwise, so that what is queued next shares one batch.
    fn hold(writer: &Writer) -> (Sender<()>, Answer) {
        let (go, wait) = channel::<()>();
        let (started, running) = channel::<()>();
        let answer = writer
            .queue(move |_| {
                started.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
            .unwrap();
        running.recv().unwrap();
        (go, answer)
    }

    fn a_panic_rolls_back_its_own_piece_only(place: &Place) {
        let writer = place.writer(16);
        let (go, _held) = hold(&writer);
        let before = writer.queue(|conn| mark(conn, 1)).unwrap();
        let broken: Answer = writer
            .queue(|conn| {
                mark(conn, 2)?;
                panic!("on purpose")
            })
            .unwrap();
        let refused = writer
            .queue(|conn| {
                mark(conn, 3)?;
                Err::<(), _>(Error::not_found())
            })
            .unwrap();
        let after = writer.queue(|conn| mark(conn, 4)).unwrap();
        go.send(()).unwrap();
        before.blocking_recv().unwrap().unwrap();
        assert_eq!(broken.blocking_recv().unwrap().unwrap_err().code.slug(), "internal");
        assert_eq!(refused.blocking_recv().unwrap().unwrap_err().code.slug(), "not_found");
        after.blocking_recv().unwrap().unwrap();
        assert_eq!(place.marks(), [1, 4]);
    }

    fn a_panic_inside_a_nested_transaction_loses_nothing_of_others(place: &Place) {
        let writer = place.writer(16);
        let (go, _held) = hold(&writer);
        let before = writer.queue(|conn| mark(conn, 1)).unwrap();
        let broken: Answer = writer
            .queue(|conn| {
                mark(conn, 2)?;
                conn.transaction::<(), Error, _>(|conn| {
                    mark(conn, 3)?;
                    panic!("on purpose")
                })
            })
            .unwrap();
        let after = writer.queue(|conn| mark(conn, 4)).unwrap();
        go.send(()).unwrap();
        let said = [before, after].map(|answer| answer.blocking_recv().unwrap().is_ok());
        assert!(broken.blocking_recv().unwrap().is_err());
        let seen = place.marks();
        // Whoever was told "written" is on disk, and nothing of the broken piece is.
        assert!(!seen.contains(&2) && !seen.contains(&3), "{said:?} {seen:?}");
        assert_eq!(said, [seen.contains(&1), seen.contains(&4)], "{seen:?}");
        // The writer goes on.
        goes_on(&writer);
        assert!(place.marks().contains(&5));
    }

    fn a_batch_commits_together_and_answers_after_it(place: &Place) {
        let writer = place.writer(16);
        let (go, _held) = hold(&writer);
        let (reached, at_the_last) = channel::<()>();
        let (finish, wait) = channel::<()>();
        let mut first = writer.queue(|conn| mark(conn, 1)).unwrap();
        let last = writer
            .queue(move |conn| {
                mark(conn, 2)?;
                reached.send(()).unwrap();
                wait.recv().unwrap();
                Ok(())
            })
            .unwrap();
        go.send(()).unwrap();
        at_the_last.recv().unwrap();
        // The first piece is done, but neither visible nor answered before the whole batch is.
        assert!(first.try_recv().is_err());
        assert!(place.marks().is_empty());
        finish.send(()).unwrap();
        first.blocking_recv().unwrap().unwrap();
        last.blocking_recv().unwrap().unwrap();
        assert_eq!(place.marks(), [1, 2]);
    }

    fn a_full_queue_is_unavailable_and_the_queued_are_still_written(place: &Place) {
        let writer = place.writer(2);
        let (go, _held) = hold(&writer);
        let kept = [1, 2].map(|id| writer.queue(move |conn| mark(conn, id)).unwrap());
        let refused = writer.queue(|conn| mark(conn, 3)).err().unwrap();
        assert_eq!(refused.code.slug(), "unavailable");
        go.send(()).unwrap();
        for answer in kept {
            answer.blocking_recv().unwrap().unwrap();
        }
        assert_eq!(place.marks(), [1, 2]);
    }

    fn a_failed_commit_is_unavailable_for_the_whole_batch(place: &Place) {
        place
            .open()
            .batch_execute(
                "CREATE TABLE kept (mark INTEGER NOT NULL REFERENCES marks (id) DEFERRABLE INITIALLY DEFERRED)",
            )
            .unwrap();
        let writer = place.writer(16);
        let (go, _held) = hold(&writer);
        let good = writer.queue(|conn| mark(conn, 1)).unwrap();
        // A deferred reference to nothing is found out at COMMIT.
        let bad = writer
            .queue(|conn| {
                conn.batch_execute("INSERT INTO kept (mark) VALUES (99)")
                    .map_err(Error::from)
            })
            .unwrap();
        go.send(()).unwrap();
        for answer in [good, bad] {
            assert_eq!(answer.blocking_recv().unwrap().unwrap_err().code.slug(), "unavailable");
        }
        assert!(place.marks().is_empty());
        goes_on(&writer);
        assert_eq!(place.marks(), [5]);
    }

    macro_rules! on_both {
        ($($name:ident),*) => {$(
            mod $name {
                #[test]
                fn sqlite() { super::$name(&super::Place::on_sqlite()); }
                #[test]
                fn postgres() { super::$name(&super::Place::on_postgres()); }
            }
        )*};
    }

    on_both!(
        a_panic_rolls_back_its_own_piece_only,
        a_panic_inside_a_nested_transaction_loses_nothing_of_others,
        a_batch_commits_together_and_answers_after_it,
        a_full_queue_is_unavailable_and_the_queued_are_still_written,
        a_failed_commit_is_unavailable_for_the_whole_batch
    );
}
