//! Someone who calls the API, and what came back.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

/// Connections are kept and used again, as real clients do.
static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .build()
        .into()
});

/// Someone who calls the API.
#[derive(Clone)]
pub struct Actor {
    pub address: String,
    pub token: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Arc<ureq::http::HeaderMap>,
    pub text: String,
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn etag(&self) -> String {
        self.header("etag").to_owned()
    }

    pub fn id(&self) -> String {
        self.body["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no id in {}", self.text))
            .to_owned()
    }

    /// Who it may be, of the candidates told.
    pub fn candidates(&self) -> Vec<String> {
        let told = self.body["candidates"].as_array().into_iter().flatten();
        told.map(|one| one["individual_id"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The code, after checking the shape that every error has.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        self.body["code"].as_str().unwrap().to_owned()
    }

    pub fn pointer(&self) -> &str {
        self.body["errors"][0]["pointer"].as_str().unwrap_or("")
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl Actor {
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// Nothing where the server has gone.
    pub fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        let headers = [("content-type", "application/json")];
        self.try_send("POST", path, &headers, Some(body.to_string().as_bytes()))
            .ok()
    }

    fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            Some(bytes) => AGENT.run(request.body(bytes).unwrap()),
            None => AGENT.run(request.body(()).unwrap()),
        };
        let mut response = sent?;
        let text = response.body_mut().with_config().limit(50_000_000).read_to_string()?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: Arc::new(response.headers().clone()),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.raw("POST", path, body.to_string().as_bytes())
    }

    /// Records something; its id. A person who is shared outside has consented to it; see `make_silent`.
    #[track_caller]
    pub fn make(&self, path: &str, body: &Value) -> String {
        let id = self.make_silent(path, body);
        if path == "/v1/individuals" && (body["sharing"] == "public" || body["sharing"] == "partners") {
            self.consented(&id);
        }
        id
    }

    /// Records something; its id. Nothing is said of consent. A person like one on record is somebody else: what is said
    /// of that is `duplicates.rs`.
    #[track_caller]
    pub fn make_silent(&self, path: &str, body: &Value) -> String {
        let answer = self.post(path, body);
        if path == "/v1/individuals" && answer.status == 409 {
            let mut body = body.clone();
            body["another_person"] = answer.candidates().into();
            return self.post(path, &body).expect(201).id();
        }
        answer.expect(201).id()
    }

    /// Merges another record of a person into the first; the merge's id.
    #[track_caller]
    pub fn merge(&self, kept: &str, other: &str) -> String {
        self.try_merge(kept, other).expect(201).id()
    }

    /// Asks for a merge of the version that is there.
    pub fn try_merge(&self, kept: &str, other: &str) -> Answer {
        let place = format!("/v1/individuals/{kept}");
        let (etag, body) = (
            self.get(&place).etag(),
            json!({"other_id": other, "reason": "the same court"}),
        );
        let headers = [("content-type", "application/json"), ("if-match", etag.as_str())];
        self.send(
            "POST",
            &format!("{place}/merge"),
            &headers,
            Some(body.to_string().as_bytes()),
        )
    }

    /// Records that a person consents to everything.
    #[track_caller]
    pub fn consented(&self, id: &str) {
        let scopes = [
            "partner_sharing",
            "raising_in_confidence",
            "raising_in_public",
            "name",
            "photo",
            "health",
            "un_submission",
        ];
        let consent = json!({"state": "given", "given_by": "self", "given_on": "2009", "scopes": scopes});
        self.post(&format!("/v1/individuals/{id}/consents"), &consent)
            .expect(201);
    }

    /// The caller's account.
    pub fn account(&self) -> String {
        self.get("/v1/me").expect(200).id()
    }

    pub fn raw(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], Some(body))
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.raw("PUT", path, body.to_string().as_bytes())
    }

    pub fn patch(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send(
            "PATCH",
            path,
            &[("content-type", "application/json"), ("if-match", etag)],
            Some(body.to_string().as_bytes()),
        )
    }

    pub fn delete(&self, path: &str, etag: &str) -> Answer {
        self.send("DELETE", path, &[("if-match", etag)], None)
    }
}
