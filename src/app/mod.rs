//! The roof: state, one line a room, and the document made from the same lines. Nothing imports it but the commands.
pub mod document;
mod examples;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, get, web};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_swagger_ui::SwaggerUi;

use crate::access::Door;
use crate::access::allowed::{Stranger, knock};
use crate::base::error::{Code, Error};
use crate::individuals::register::Register;
use crate::web::{Reply, headers, inputs, reply};
use crate::{
    accounts, audit, cases, clients, counts, files, individuals, organisations, priority, sources, statements,
    submissions, vocabularies,
};

/// What every worker shares.
#[derive(Clone)]
pub struct State {
    /// The door.
    pub door: Arc<Door>,
    /// The names of all individuals, in memory.
    pub register: Arc<Register>,
    /// The OpenAPI document and what is known of its paths.
    pub document: Arc<document::Document>,
    /// Which operations know query parameters.
    pub asking: Arc<inputs::Asking>,
}

impl State {
    /// Everything that a server needs, over that door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        let document = document::Document::made();
        Self {
            door: Arc::new(door),
            register: Arc::new(Register::default()),
            asking: Arc::new(inputs::Asking(document.asking())),
            document: Arc::new(document),
        }
    }
}

/// The rooms under `/v1`.
fn rooms(config: &mut ServiceConfig) {
    accounts::routes(config);
    clients::routes(config);
    organisations::routes(config);
    sources::routes(config);
    individuals::routes(config);
    cases::routes(config);
    statements::routes(config);
    submissions::routes(config);
    files::routes(config);
    priority::routes(config);
    counts::routes(config);
    vocabularies::routes(config);
    audit::routes(config);
}

/// The application, for a server or a test.
pub fn app(
    state: &State,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let (app, _) = App::new()
        .into_utoipa_app()
        .service(livez)
        .service(readyz)
        .configure(clients::standard_routes)
        .service(utoipa_actix_web::scope("/v1").configure(rooms))
        .split_for_parts();
    app.app_data(state.door.clone())
        .app_data(state.register.clone())
        .app_data(state.document.clone())
        .app_data(state.asking.clone())
        .app_data(web::PayloadConfig::new(inputs::BODY_LIMIT_BYTES))
        .route("/openapi.json", web::get().to(openapi))
        .route("/errors", web::get().to(errors))
        .route("/docs", web::get().to(docs))
        .service(SwaggerUi::new("/docs/{_:.*}").config(utoipa_swagger_ui::Config::new(["/openapi.json"])))
        .default_service(web::to(elsewhere))
        .wrap(from_fn(knock))
        .wrap(from_fn(headers::manners))
}

/// Whether the process runs
///
/// Answers as long as the process does; asks nothing of the database.
#[utoipa::path(tag = "health", responses((status = 200, description = "It runs", content_type = "application/json", body = Value, example = json!({"status": "ok"}))))]
#[get("/livez")]
pub async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}

/// Whether the process can answer
///
/// Asks the database; 503 while it does not answer.
#[utoipa::path(tag = "health", responses((status = 200, description = "It can", content_type = "application/json", body = Value, example = json!({"status": "ok"}))))]
#[get("/readyz")]
pub async fn readyz(stranger: Stranger) -> Reply {
    stranger.door.ping().await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"status": "ok"})))
}

async fn openapi(request: HttpRequest) -> Reply {
    let document = request
        .app_data::<Arc<document::Document>>()
        .ok_or_else(|| Error::internal("no document"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header(("cache-control", "public, max-age=300"))
        .body(document.text.clone()))
}

async fn errors() -> HttpResponse {
    let lines: Vec<String> = Code::ALL
        .iter()
        .map(|code| format!("{} {} - {}", code.slug(), code.status(), code.title()))
        .collect();
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(lines.join("\n") + "\n")
}

async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header(("location", "/docs/"))
        .finish()
}

/// A path that nothing is mounted on, or a method that it does not know.
async fn elsewhere(request: HttpRequest) -> Reply {
    let document = request
        .app_data::<Arc<document::Document>>()
        .ok_or_else(|| Error::internal("no document"))?;
    let Some(methods) = document.methods_of(request.path()) else {
        return Err(Error::not_found());
    };
    let problem = Error::new(Code::MethodNotAllowed, format!("this path knows {methods}"));
    let mut response = reply::problem(&problem, &reply::request_id(&request));
    if let Ok(value) = actix_web::http::header::HeaderValue::from_str(&methods) {
        response.headers_mut().insert(actix_web::http::header::ALLOW, value);
    }
    Ok(response)
}

/// The bare OpenAPI document, as the rooms tell it.
fn told() -> utoipa::openapi::OpenApi {
    let (_, document) = App::new()
        .into_utoipa_app()
        .service(livez)
        .service(readyz)
        .configure(clients::standard_routes)
        .service(utoipa_actix_web::scope("/v1").configure(rooms))
        .split_for_parts();
    document
}
