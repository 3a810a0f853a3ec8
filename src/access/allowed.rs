//! The door. [`knock`] settles who asks before anything of the request is read; [`Allowed`] settles what they may do,
//! and is the only thing that hands out the store.

use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};

use crate::access::accounts;
use crate::access::door::Door;
use crate::access::permission::{Permission, UseOwnAccount};
use crate::access::rate::{self, Allowance};
use crate::access::tx::{Noticed, Read, Write};
use crate::access::viewer::Viewer;
use crate::base::error::{Code, Error};
use crate::base::words::Role;
use crate::web::inputs;
use crate::web::reply::RequestId;

type Asker = Result<Viewer, Error>;

/// Asked by whoever watches over the process: never counted.
pub const UNCOUNTED: [&str; 2] = ["/livez", "/readyz"];

/// Middleware: gives the request its id, settles who asks, and whether they may ask more.
///
/// # Errors
/// None of its own.
pub async fn knock(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(door) = request.app_data::<Arc<Door>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    request.extensions_mut().insert(RequestId(door.ids.uuid().to_string()));
    let (asker, allowance) = if UNCOUNTED.contains(&request.path()) {
        // Whoever watches over the process is nobody: a token there costs nothing.
        (Err(nobody()), None)
    } else {
        counted(&door, &request).await
    };
    let viewer = asker.as_ref().ok().cloned();
    request.extensions_mut().insert(asker);
    let mut response = match allowance.and_then(Allowance::refusal) {
        // `into_response` would lose the error that the answer's body is made from.
        Some(refusal) => ServiceResponse::new(request.into_parts().0, HttpResponse::from_error(refusal)),
        None => next.call(request).await?.map_into_boxed_body(),
    };
    for (name, value) in allowance.iter().flat_map(|allowance| allowance.fields()) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(viewer) = viewer
        && REFUSALS.contains(&response.status().as_u16())
    {
        door.note_of(&viewer, "refused", Some(operation_of(&response)));
    }
    Ok(response)
}

/// Who asks, and what is left to them; nothing where it does not count.
async fn counted(door: &Door, request: &ServiceRequest) -> (Asker, Option<Allowance>) {
    let address = request.peer_addr().map(|peer| peer.ip());
    let asker = asking(door, request, address).await;
    let bucket = match &asker {
        Ok(viewer) => Some(rate::Asker::of(viewer)),
        // That the database does not answer is not the caller's doing.
        Err(error) if error.code == Code::Unavailable => None,
        Err(_) => Some(rate::Asker::stranger(address)),
    };
    let allowance = bucket.map(|bucket| door.limiter.ask(bucket, door.now()));
    if let Err(error) = &asker
        && !allowance.is_some_and(Allowance::is_spent)
        && [Code::Unauthorised, Code::TokenExpired].contains(&error.code)
        && request.headers().contains_key(header::AUTHORIZATION)
    {
        door.note("token_refused", None, error.subject.as_deref().map(str::to_owned));
    }
    (asker, allowance)
}

/// Who asks, by the credential that the request carries.
async fn asking(door: &Door, request: &ServiceRequest, address: Option<IpAddr>) -> Asker {
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()).map(str::to_owned);
    match given.as_deref().map(|value| value.split_at_checked(7)) {
        Some(Some((scheme, token))) if scheme.eq_ignore_ascii_case("bearer ") => door.ask(token.trim(), address).await,
        Some(_) => Err(Error::new(
            Code::Unauthorised,
            "the Authorization header must be `Bearer <access token>`",
        )),
        None => Err(nobody()),
    }
}

fn nobody() -> Error {
    Error::new(Code::Unauthorised, "an access token is needed")
}

/// The answers of which the second stream takes note: whoever tries doors leaves a trace.
const REFUSALS: [u16; 7] = [401, 403, 404, 409, 412, 422, 429];

/// What was asked: status, method and path, of which ids alone are told besides what the document says.
fn operation_of<B>(response: &ServiceResponse<B>) -> String {
    let request = response.request();
    let pattern = request.match_pattern().unwrap_or_else(|| "-".to_owned());
    let ids: Vec<&str> = request
        .path()
        .split('/')
        .filter(|part| uuid::Uuid::try_parse(part).is_ok())
        .collect();
    format!(
        "{} {} {pattern} {}",
        response.status().as_u16(),
        request.method(),
        ids.join(" ")
    )
    .trim_end()
    .to_owned()
}

/// For how long the password that was given last is enough for what asks for it anew.
const SHOWN_FOR_SECONDS: i64 = 900;

/// Who is let in, for what: the only way to the store.
pub struct Allowed<P> {
    door: Arc<Door>,
    viewer: Viewer,
    request: HttpRequest,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequest for Allowed<P> {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::enter(request))
    }
}

impl<P: Permission> Allowed<P> {
    fn enter(request: &HttpRequest) -> Result<Self, Error> {
        let door = request
            .app_data::<Arc<Door>>()
            .cloned()
            .ok_or_else(|| Error::internal("no door"))?;
        let viewer = request
            .extensions()
            .get::<Asker>()
            .cloned()
            .unwrap_or_else(|| Err(Error::internal("nobody knocked")))?;
        if !P::ROLES.contains(&viewer.role) {
            return Err(Error::forbidden());
        }
        if let Some(machine) = &viewer.machine
            && !P::SCOPES.iter().any(|scope| machine.scopes.contains(scope))
        {
            return Err(Error::new(Code::Forbidden, "none of the client's scopes reaches that"));
        }
        if viewer.role == Role::Admin && !viewer.enrolled && P::NAME != UseOwnAccount::NAME {
            return Err(Error::new(
                Code::Forbidden,
                "an administrator needs a second factor: begin with POST /v1/me/second-factor",
            ));
        }
        let now = door.now();
        if P::ANEW
            && viewer
                .shown_at
                .is_none_or(|at| at.plus_seconds(SHOWN_FOR_SECONDS) < now)
        {
            return Err(Error::new(
                Code::ReauthenticationRequired,
                "give the password again first: POST /v1/sessions/current/reauthentication",
            ));
        }
        inputs::no_unknown_query(request)?;
        Ok(Self {
            door,
            viewer,
            request: request.clone(),
            permission: PhantomData,
        })
    }

    /// Who asks.
    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// The request, for its conditional headers.
    #[must_use]
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// The door itself, for the accounts room.
    #[must_use]
    pub fn door(&self) -> &Arc<Door> {
        &self.door
    }

    /// Something that a room keeps in memory beside the database.
    ///
    /// # Errors
    /// `internal` where the roof has not put it there.
    pub fn part<T: 'static>(&self) -> Result<Arc<T>, Error> {
        self.request
            .app_data::<Arc<T>>()
            .cloned()
            .ok_or_else(|| Error::internal("a part is missing"))
    }

    /// Reads, as this viewer.
    ///
    /// # Errors
    /// What the work says, or `unavailable`.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Read<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (viewer, keys, now) = (self.viewer.clone(), self.door.keys.clone(), self.door.clock.now());
        let (altered, noticed) = (self.door.altered(), Noticed::default());
        let inside = noticed.clone();
        let reading = self
            .door
            .db
            .read(move |conn| work(&mut Read::new(conn, viewer, now, &keys, (altered, inside))));
        let done = reading.await;
        self.take_note(&noticed);
        done
    }

    /// Writes, as this viewer: all of it, in the ledger, or nothing.
    ///
    /// # Errors
    /// What the work says, or `unavailable`.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (viewer, keys, ids, now) = (
            self.viewer.clone(),
            self.door.keys.clone(),
            self.door.ids.clone(),
            self.door.clock.now(),
        );
        let (altered, noticed) = (self.door.altered(), Noticed::default());
        let inside = noticed.clone();
        let address = self.request.peer_addr().map(|peer| peer.ip());
        let writing = self.door.db.write(move |conn| {
            accounts::assert_still(conn, &viewer, address, now)?;
            work(&mut Write {
                read: Read::new(conn, viewer, now, &keys, (altered, inside)),
                ids: &ids,
                by_command_line: false,
            })
        });
        let done = writing.await;
        self.take_note(&noticed);
        done
    }

    /// Notes which restricted records were shown, in an error as well as in an answer.
    fn take_note(&self, noticed: &Noticed) {
        for record in noticed.take() {
            self.door.note_of(&self.viewer, "read_restricted", Some(record));
        }
    }
}

/// The door for whoever has no token yet: log in and refresh.
pub struct Stranger {
    /// The door.
    pub door: Arc<Door>,
    /// Where they come from: the other end of the connection.
    pub address: Option<IpAddr>,
}

impl FromRequest for Stranger {
    type Error = Error;
    type Future = std::future::Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let address = request.peer_addr().map(|peer| peer.ip());
        std::future::ready(
            request
                .app_data::<Arc<Door>>()
                .cloned()
                .map(|door| Self { door, address })
                .ok_or_else(|| Error::internal("no door")),
        )
    }
}
