//! Settings, log, command.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use conscience::cli;
use conscience::settings::CommandLine;

fn main() -> ExitCode {
    let line = CommandLine::parse();
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    match cli::run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conscience: {}", error.inside().unwrap_or(&error.detail));
            ExitCode::FAILURE
        }
    }
}
