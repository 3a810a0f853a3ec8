//! `serve`: the API over HTTP, until it is told to stop.

use std::time::Duration;

use actix_web::{HttpServer, rt};

use crate::access::Door;
use crate::app::{State, app};
use crate::audit::soundness::Sweep;
use crate::base::error::{Code, Error};
use crate::settings::Settings;

use super::tls;

/// How often the ledger's head is signed, where it has grown.
const SEALED_EVERY_SECONDS: u64 = 60;

/// Serves until SIGINT or SIGTERM; requests under way are finished.
///
/// # Errors
/// Where the address cannot be listened on, or the certificate not be used.
pub fn run(door: Door, settings: &Settings) -> Result<(), Error> {
    let listen = settings.listen.clone();
    let tls = settings.tls.as_ref().map(tls::config).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let state = State::new(door);
    let events = state.door.clone();
    rt::System::new().block_on(async move {
        state.door.follow_altered().await?;
        let server_state = state.clone();
        let server = HttpServer::new(move || app(&server_state))
            .shutdown_timeout(20)
            .client_request_timeout(Duration::from_secs(5));
        let bound = match tls {
            Some(tls) => server.bind_rustls_0_23(&listen, tls),
            None => server.bind(&listen),
        };
        let server = bound.map_err(|error| Error::new(Code::Invalid, format!("cannot listen on {listen}: {error}")))?;
        for address in server.addrs() {
            log::info!("listening on {scheme}://{address}");
        }
        let server = server.run();
        let flusher = rt::spawn(async move {
            let mut ticks = rt::time::interval(Duration::from_secs(1));
            let (mut seconds, mut sweep) = (0_u64, Sweep::default());
            loop {
                ticks.tick().await;
                seconds += 1;
                if seconds.is_multiple_of(SEALED_EVERY_SECONDS)
                    && let Err(error) = events.seal().await
                {
                    log::warn!("the ledger was not sealed: {}", error.inside().unwrap_or(&error.detail));
                }
                // What another process has found or settled, then a few hundred records more.
                let swept = match events.follow_altered().await {
                    Ok(()) => sweep.step(&events).await.map(drop),
                    Err(error) => Err(error),
                };
                if let Err(error) = swept {
                    log::warn!("the sweep was held up: {}", error.inside().unwrap_or(&error.detail));
                }
                if let Err(error) = events.flush_events().await {
                    log::warn!(
                        "access events were not written: {}",
                        error.inside().unwrap_or(&error.detail)
                    );
                }
            }
        });
        let ended = server.await.map_err(Error::internal);
        flusher.abort();
        state.door.flush_events().await?;
        ended
    })
}
