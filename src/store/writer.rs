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
                catch_unwind(AssertUnwindSafe(|| work(conn)))
                    .unwrap_or_else(|_| Err(Error::internal("a write panicked")))
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
    conn::commit(conn).inspect_err(|_| conn::rollback(conn))
}
