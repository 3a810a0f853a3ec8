//! The program itself, started as its users start it.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use conscience::access::otp;
use serde_json::json;

use crate::support::{Actor, PASSWORD};

pub const SECRET: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ";

/// A folder of its own, gone at the end.
pub struct Place(PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        let place = std::env::temp_dir().join(format!("conscience-{name}-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&place).unwrap();
        Self(place)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The program, told of nothing but what is given.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conscience"));
        command.current_dir(&self.0).env_clear().args(arguments);
        command
    }

    /// The same, to serve that database where there is room.
    pub fn to_serve(&self, database: &str) -> Command {
        self.program(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--database",
            database,
            "--secret",
            SECRET,
        ])
    }

    pub fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.program(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that fails at once reads nothing.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    pub fn done(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let told = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{arguments:?}: {told}");
        told
    }

    #[track_caller]
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(!told.contains("panicked"), "{told}");
        told
    }

    /// A database with accounts, made by the commands.
    pub fn furnished(&self, database: &str) {
        self.done(&["migrate", "--database", database], "");
        for (email, role) in [("admin@example.org", "admin"), ("staff@example.org", "staff")] {
            let add = [
                "account",
                "add",
                email,
                "--role",
                role,
                "--organisation",
                "House",
                "--name",
                role,
                "--database",
                database,
            ];
            self.done(&add, &format!("{PASSWORD}\n"));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running program; killed at the end.
pub struct Running {
    child: Child,
    pub address: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = Vec::new();
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {told:?}")).unwrap();
            if let Some((_, address)) = line.split_once("listening on ") {
                break address.to_owned();
            }
            told.push(line);
        };
        // It is read on, so that the program never waits for a reader of its log.
        let log = Arc::new(Mutex::new(told.join("\n")));
        let kept = log.clone();
        let reader = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut kept = kept.lock().unwrap();
                kept.push('\n');
                kept.push_str(&line);
            }
        });
        Self {
            child,
            address,
            log,
            reader: Some(reader),
        }
    }

    pub fn serve(place: &Place, database: &str) -> Self {
        Self::start(place.to_serve(database))
    }

    pub fn anon(&self) -> Actor {
        Actor {
            address: self.address.clone(),
            token: None,
        }
    }

    pub fn actor(&self, email: &str, password: &str) -> Actor {
        let answer = self
            .anon()
            .post("/v1/sessions", &json!({"email": email, "password": password}))
            .expect(201);
        Actor {
            token: answer.body["access_token"].as_str().map(str::to_owned),
            ..self.anon()
        }
    }

    pub fn staff(&self) -> Actor {
        self.actor("staff@example.org", PASSWORD)
    }

    /// The administrator, who takes a second factor first.
    pub fn admin(&self) -> Actor {
        let admin = self.actor("admin@example.org", PASSWORD);
        assert_eq!(
            admin.get("/v1/audit").expect(403).problem(),
            "forbidden",
            "not without a second factor"
        );
        let secret = admin
            .post("/v1/me/second-factor", &json!({"password": PASSWORD}))
            .expect(201)
            .body["secret"]
            .clone();
        let secret = unbase32(secret.as_str().unwrap());
        let otp = otp::code(&secret, otp::step(chrono::Utc::now().timestamp()));
        admin.put("/v1/me/second-factor", &json!({"otp": otp})).expect(200);
        admin
    }

    /// Ends it, and gives all that it logged.
    pub fn logged(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        self.log.lock().unwrap().clone()
    }

    /// As if the machine had lost its power.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an authenticator reads of a secret.
pub fn unbase32(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0_usize, 0);
    for c in text.chars() {
        held = (held << 5) | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 255).unwrap());
            held &= (1 << bits) - 1;
        }
    }
    bytes
}
