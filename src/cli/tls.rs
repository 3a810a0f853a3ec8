//! The server's own TLS: 1.2 and 1.3, by the certificate and key that the settings name, read once at the start.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

use crate::base::error::{Code, Error};
use crate::settings::TlsFiles;

/// What the server shows its clients.
///
/// # Errors
/// `invalid`, in words, for files that cannot be read, hold something else, or do not belong together.
pub fn config(files: &TlsFiles) -> Result<ServerConfig, Error> {
    let TlsFiles { certificate, key } = files;
    let chain: Vec<CertificateDer<'_>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| refused(certificate, error))?;
    if chain.is_empty() {
        return Err(refused(certificate, "holds no certificate in PEM"));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| refused(key, error))?;
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(Error::internal)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| refused(certificate, format!("cannot be used with {}: {error}", key.display())))
}

fn refused(file: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(Code::Invalid, format!("TLS: {}: {what}", file.display()))
}
