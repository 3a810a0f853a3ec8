//! Built only with `--cfg hole`, for `scripts/holes`: leaves out one filter of what a reader may see, to show that the
//! tests notice. A filter is named by where it stands in the source.
#![allow(clippy::disallowed_methods)]

use std::collections::HashSet;
use std::io::Write;
use std::panic::Location;
use std::sync::{LazyLock, Mutex};

static LEFT_OUT: LazyLock<String> = LazyLock::new(|| std::env::var("CONSCIENCE_TEST_HOLE").unwrap_or_default());
static REACHED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Whether the filter at the caller's place is to be left out; notes that it was reached.
#[track_caller]
#[must_use]
pub fn here() -> bool {
    let place = Location::caller();
    let name = format!("{}:{}", place.file(), place.line());
    if let (Ok(mut reached), Some(list)) = (REACHED.lock(), std::env::var_os("CONSCIENCE_TEST_HOLES_REACHED"))
        && reached.insert(name.clone())
        && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(list)
    {
        let _ = writeln!(file, "{name}");
    }
    name == *LEFT_OUT
}
