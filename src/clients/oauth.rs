//! OAuth 2.0 for clients, on the paths and in the words of the standards: client credentials (RFC 6749, 4.4), revocation
//! (RFC 7009), metadata (RFC 8414), the key set (RFC 7517). Errors are told in the standard's words beside ours.

use actix_web::{HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::allowed::Stranger;
use crate::access::clients::{self as rows, ClientRow};
use crate::access::signing::{PUBLISHED_BEFORE_SECONDS, RestsOn};
use crate::access::token::ACCESS_TOKEN_SECONDS;
use crate::base::choice::Choice;
use crate::base::error::{Code, Error};
use crate::base::words::Scope;
use crate::web::{Basic, Form, Reply};

/// The client's id and key, where they are not sent as basic credentials.
#[derive(Deserialize, ToSchema)]
pub struct CredentialsIn {
    /// The client's id.
    pub client_id: Option<String>,
    /// The client's key.
    pub client_secret: Option<String>,
}

/// What a client sends for an access token.
#[derive(Deserialize, ToSchema)]
pub struct TokenIn {
    /// `client_credentials`.
    pub grant_type: String,
    /// Scopes with spaces between; all that the client has, unless said.
    pub scope: Option<String>,
    /// Who sends it.
    #[serde(flatten)]
    pub credentials: CredentialsIn,
}

/// What a client sends to have a token refused from then on.
#[derive(Deserialize, ToSchema)]
pub struct RevocationIn {
    /// The access token.
    pub token: String,
    /// Who sends it.
    #[serde(flatten)]
    pub credentials: CredentialsIn,
}

/// An access token for a client.
#[derive(Serialize, ToSchema)]
pub struct TokenOut {
    /// For the `Authorization` header.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// How many seconds it lives.
    pub expires_in: i64,
    /// What it is for: scopes with spaces between.
    pub scope: String,
}

fn invalid_client() -> Error {
    Error::new(
        Code::InvalidCredentials,
        "the client is not known, or may not come in from here now",
    )
    .in_oauth("invalid_client")
}

fn invalid_request(detail: &str) -> Error {
    Error::new(Code::BadRequest, detail).in_oauth("invalid_request")
}

/// The client that sends this, by its credentials in the header or in the form, never in both.
async fn client_of(stranger: &Stranger, basic: Basic, form: CredentialsIn) -> Result<ClientRow, Error> {
    let (id, key) = match (basic.0, form.client_id, form.client_secret) {
        (Some(_), _, Some(_)) => return Err(invalid_request("credentials are sent in one way alone")),
        (Some(given), _, None) => given,
        (None, Some(id), Some(key)) => (id, key),
        (None, None, Some(_)) => return Err(invalid_request("client_id is needed")),
        (None, _, None) => return Err(invalid_client()),
    };
    let (address, now) = (stranger.address, stranger.door.now());
    let found = stranger.door.look(move |conn| rows::of_key(conn, &key, address, now));
    let refused = |known: Option<String>| {
        stranger.door.note("client_refused", None, known);
        invalid_client()
    };
    match found.await? {
        Ok((client, _)) if client.id.as_str() == id => Ok(client),
        Ok((client, _)) => Err(refused(Some(client.id.to_string()))),
        Err(known) => Err(refused(known.map(|id| id.to_string()))),
    }
}

/// Get an access token
///
/// OAuth 2.0 client credentials: the client's id and key for an access token of ten minutes, within the scopes asked for.
#[utoipa::path(tag = "oauth", operation_id = "create_token", extensions(("x-permission" = json!("Stranger"))),
    request_body(content = TokenIn, content_type = "application/x-www-form-urlencoded", example = json!({"grant_type": "client_credentials", "scope": "read"})),
    responses((status = 200, description = "The token", body = TokenOut, example = json!({"access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln", "token_type": "Bearer", "expires_in": 600, "scope": "read"})),
        (status = 400, description = "The request is not as it must be: `error` says what, in the words of RFC 6749", content_type = "application/json", body = serde_json::Value, example = json!({"error": "unsupported_grant_type", "error_description": "only client_credentials is known"})),
        (status = 401, description = "The client is refused", content_type = "application/json", body = serde_json::Value, example = json!({"error": "invalid_client", "error_description": "the client is not known, or may not come in from here now"}))))]
#[post("/oauth/token")]
pub async fn create_token(stranger: Stranger, basic: Basic, form: Form<TokenIn>) -> Reply {
    if form.0.grant_type != "client_credentials" {
        let detail = "only client_credentials is known";
        return Err(Error::new(Code::BadRequest, detail).in_oauth("unsupported_grant_type"));
    }
    let client = client_of(&stranger, basic, form.0.credentials).await?;
    let scopes = match &form.0.scope {
        None => client.scopes.items().to_vec(),
        Some(asked) => rows::scopes_of(asked)
            .filter(|asked| !asked.is_empty() && asked.iter().all(|scope| client.scopes.items().contains(scope)))
            .ok_or_else(|| Error::new(Code::BadRequest, "the client has no such scope").in_oauth("invalid_scope"))?,
    };
    let (door, scope) = (&stranger.door, rows::text_of(&scopes));
    let id = door.ids.uuid().to_string();
    let rests_on = RestsOn::Scopes(scope.clone());
    let access_token = door
        .ring()
        .await?
        .token(client.id.as_str(), rests_on, &id, door.now())?;
    door.note(
        "client_logged_in",
        Some(&client.account_id),
        Some(client.id.to_string()),
    );
    Ok(HttpResponse::Ok().json(TokenOut {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        scope,
    }))
}

/// Revoke a token
///
/// The client's own access token is refused from then on (RFC 7009). A token that is none is answered alike.
#[utoipa::path(tag = "oauth", operation_id = "revoke_token", extensions(("x-permission" = json!("Stranger"))),
    request_body(content = RevocationIn, content_type = "application/x-www-form-urlencoded", example = json!({"token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln"})),
    responses((status = 200, description = "It holds no more"),
        (status = 400, description = "The request is not as it must be", content_type = "application/json", body = serde_json::Value, example = json!({"error": "invalid_request", "error_description": "missing field `token`"})),
        (status = 401, description = "The client is refused", content_type = "application/json", body = serde_json::Value, example = json!({"error": "invalid_client", "error_description": "the client is not known, or may not come in from here now"}))))]
#[post("/oauth/revoke")]
pub async fn revoke_token(stranger: Stranger, basic: Basic, form: Form<RevocationIn>) -> Reply {
    let client = client_of(&stranger, basic, form.0.credentials).await?;
    let (door, now) = (&stranger.door, stranger.door.now());
    if let Ok(claims) = door.ring().await?.verify(&form.0.token, now)
        && claims.scope.is_some()
        && claims.sub == client.id.as_str()
    {
        let expires_at = now.plus_seconds(claims.exp - now.seconds() + 1);
        door.unguarded(move |conn| rows::revoke_token(conn, &claims.jti, expires_at, now))
            .await?;
        door.note("token_revoked", Some(&client.account_id), Some(client.id.to_string()));
    }
    Ok(HttpResponse::Ok().finish())
}

/// What the authorisation server knows
///
/// For programs that find their way by it (RFC 8414).
#[utoipa::path(tag = "oauth", operation_id = "find_metadata", responses((status = 200, description = "The metadata", content_type = "application/json", body = serde_json::Value,
    example = json!({"issuer": "https://conscience.example.org", "token_endpoint": "https://conscience.example.org/oauth/token", "revocation_endpoint": "https://conscience.example.org/oauth/revoke", "jwks_uri": "https://conscience.example.org/.well-known/jwks.json", "grant_types_supported": ["client_credentials"], "response_types_supported": [], "scopes_supported": ["read", "lists", "edit", "propose"], "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]}))))]
#[get("/.well-known/oauth-authorization-server")]
pub async fn find_metadata(stranger: Stranger) -> HttpResponse {
    let issuer = stranger.door.issuer();
    let ways = ["client_secret_basic", "client_secret_post"];
    let scopes: Vec<&str> = Scope::ALL.iter().map(|scope| scope.slug()).collect();
    kept().json(json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "service_documentation": format!("{issuer}/docs/"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": ways,
        "revocation_endpoint_auth_methods_supported": ways,
    }))
}

/// The public keys
///
/// The keys that access tokens are signed with, as a JSON Web Key Set (RFC 7517); the next one is there before it signs.
#[utoipa::path(tag = "oauth", operation_id = "find_keys", responses((status = 200, description = "The keys", content_type = "application/json", body = serde_json::Value, example = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "rS1Yf9mXQk0vG2Wb", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}))))]
#[get("/.well-known/jwks.json")]
pub async fn find_keys(stranger: Stranger) -> Reply {
    Ok(kept().json(stranger.door.ring().await?.jwks()))
}

/// What may be kept as long as a new key is published before it signs.
fn kept() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header(("cache-control", format!("public, max-age={PUBLISHED_BEFORE_SECONDS}")));
    response
}
