//! Clients: partners' machines. An administrator issues a client for an account, with scopes, a last day and the addresses it
//! may come from; its key is shown once. The machine sends the key as a bearer token, or exchanges it for access tokens by
//! OAuth 2.0 client credentials. The rows live in [`crate::access::clients`], because the door reads them.
mod manage;
mod oauth;

use utoipa_actix_web::service_config::ServiceConfig;

pub use manage::{ClientIn, ClientOut};
pub use oauth::{TokenIn, TokenOut};

/// Puts the room's operations on their paths.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(manage::list_clients)
        .service(manage::create_client)
        .service(manage::find_client)
        .service(manage::revoke_client);
}

/// Puts what the standards name on the paths that they give it, outside the version.
pub fn standard_routes(config: &mut ServiceConfig) {
    config
        .service(oauth::create_token)
        .service(oauth::revoke_token)
        .service(oauth::find_metadata)
        .service(oauth::find_keys);
}
