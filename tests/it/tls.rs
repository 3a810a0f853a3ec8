//! The program's own TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::program::{Place, Running, SECRET};

/// Writes a certificate of this machine and its key, and gives the certificate.
fn certified(place: &Place, name: &str) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(place.path(&format!("{name}.pem")), cert.pem()).unwrap();
    std::fs::write(place.path(&format!("{name}.key")), signing_key.serialize_pem()).unwrap();
    cert.pem()
}

/// A client that trusts that certificate and no other.
fn trusting(pem: &str) -> ureq::Agent {
    let roots = RootCerts::new_with_certs(&[Certificate::from_pem(pem.as_bytes()).unwrap()]);
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(roots)
        .build();
    ureq::Agent::config_builder().tls_config(tls).build().into()
}

const SERVE: [&str; 7] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--database",
    "sqlite://t.sqlite",
    "--secret",
    SECRET,
];

#[test]
fn with_a_certificate_only_tls_is_spoken() {
    let place = Place::new("tls");
    place.furnished("sqlite://t.sqlite");
    let (own, other) = (certified(&place, "own"), certified(&place, "other"));
    let mut command = place.program(&SERVE);
    command.args(["--tls-certificate", "own.pem", "--tls-key", "own.key"]);
    let running = Running::start(command);
    assert!(running.address.starts_with("https://127.0.0.1:"), "{}", running.address);

    let livez = format!("{}/livez", running.address);
    let mut answer = trusting(&own).get(&livez).call().unwrap();
    assert_eq!(answer.body_mut().read_to_string().unwrap(), "{\"status\":\"ok\"}");
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(
        trusting(&other).get(&livez).call().is_err(),
        "the wrong certificate is not trusted"
    );

    let mut plain = TcpStream::connect(running.address.trim_start_matches("https://")).unwrap();
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    let mut told = Vec::new();
    // It may hang up at once.
    let _ = plain.read_to_end(&mut told);
    assert!(!String::from_utf8_lossy(&told).contains("HTTP"), "{told:?}");
}

#[test]
fn files_that_do_not_serve_are_refused_at_the_start() {
    let place = Place::new("tls-wrong");
    place.done(&["migrate", "--database", "sqlite://t.sqlite"], "");
    certified(&place, "own");
    certified(&place, "other");
    std::fs::write(place.path("empty.pem"), "").unwrap();
    let refused = |certificate: &str, key: &str| {
        place.refused(&[&SERVE[..], &["--tls-certificate", certificate, "--tls-key", key]].concat())
    };
    for (certificate, key, told) in [
        ("none.pem", "own.key", "none.pem"),
        ("own.pem", "none.key", "none.key"),
        ("empty.pem", "own.key", "empty.pem: holds no certificate"),
        ("own.key", "own.key", "own.key: holds no certificate"),
        ("own.pem", "own.pem", "own.pem"),
        ("own.pem", "other.key", "own.pem: cannot be used with other.key"),
    ] {
        let said = refused(certificate, key);
        assert!(
            said.contains("TLS: ") && said.contains(told),
            "{certificate} {key}: {said}"
        );
    }
    for half in [["--tls-certificate", "own.pem"], ["--tls-key", "own.key"]] {
        let said = place.refused(&[&SERVE[..], &half].concat());
        assert!(said.contains("both --tls-certificate and --tls-key"), "{said}");
    }
}
