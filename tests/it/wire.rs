//! What a client that keeps to no standard sends, byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::support::House;

/// Everything that comes back until the server hangs up.
fn sent(house: &House, request: &str) -> String {
    let mut stream = TcpStream::connect(house.address.trim_start_matches("http://")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut told = Vec::new();
    // It may hang up before all was sent.
    let _ = stream.read_to_end(&mut told);
    String::from_utf8_lossy(&told).into_owned()
}

on_both! {
    fn a_request_is_not_smuggled_within_another(house: &House) {
        let token = house.staff().token.unwrap();
        let inner = "{\"names\": [{\"text\": \"Smuggled Name\"}]}";
        let hidden = format!(
            "POST /v1/individuals HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{inner}",
            inner.len()
        );
        for framing in [
            format!("content-length: {}\r\ntransfer-encoding: chunked", 5 + hidden.len()),
            format!("transfer-encoding: chunked\r\ncontent-length: {}", 5 + hidden.len()),
            format!("content-length: 5\r\ncontent-length: {}", 5 + hidden.len()),
            "content-length: 5, 6".to_owned(),
            "content-length: +5".to_owned(),
            "transfer-encoding: chunked, identity".to_owned(),
            "transfer-encoding: xchunked".to_owned(),
        ] {
            let outer = format!("POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{framing}\r\n\r\n0\r\n\r\n{hidden}");
            let told = sent(house, &outer);
            assert!(told.is_empty() || told.starts_with("HTTP/1.1 4"), "{framing}: {told}");
            assert_eq!(told.matches("HTTP/1.1").count(), usize::from(!told.is_empty()), "{framing}: {told}");
        }
        assert_eq!(house.staff().get("/v1/individuals").expect(200).body["items"], json!([]));
    }

    fn who_was_shut_while_the_body_was_on_its_way_writes_nothing(house: &House) {
        let (staff, admin) = (house.staff(), house.admin());
        let body = "{\"name\": \"Too Late\", \"kind\": \"ngo\"}";
        let head = format!(
            "POST /v1/organisations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
            staff.token.as_ref().unwrap(),
            body.len()
        );
        let mut stream = TcpStream::connect(house.address.trim_start_matches("http://")).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // The server asks for the body when it has settled who asks.
        let mut told = [0; 25];
        stream.read_exact(&mut told).unwrap();
        assert!(told.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&told));
        let account = format!("/v1/accounts/{}", staff.account());
        admin.patch(&account, &admin.get(&account).etag(), &json!({"disabled": true})).expect(200);
        stream.write_all(body.as_bytes()).unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        assert!(told.starts_with("HTTP/1.1 401"), "{told}");
        assert!(!admin.get("/v1/organisations").expect(200).text.contains("Too Late"));
    }

    fn a_method_that_is_not_offered_echoes_nothing(house: &House) {
        for method in ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG"] {
            for path in ["/v1/me", "/livez", "/"] {
                let told = sent(house, &format!("{method} {path} HTTP/1.1\r\nhost: x\r\nx-secret: canary\r\nconnection: close\r\n\r\n"));
                assert!(told.starts_with("HTTP/1.1 4"), "{method} {path}: {told}");
                assert!(!told.contains("canary"), "{method} {path}: {told}");
            }
        }
    }

    fn a_head_out_of_all_measure_is_refused(house: &House) {
        let long = "x".repeat(200_000);
        for head in [format!("GET /v1/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {long}\r\n"), format!("GET /{long} HTTP/1.1\r\nhost: x\r\n")] {
            let told = sent(house, &format!("{head}connection: close\r\n\r\n"));
            assert!(told.is_empty() || told.starts_with("HTTP/1.1 4"), "{}", &told[..told.len().min(200)]);
        }
        house.anon().get("/livez").expect(200);
    }
}
