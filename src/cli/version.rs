//! `version`: which build this is, and which data format it reads.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::exit::Result;
use super::output::{Output, text};

pub fn run(output: &Output) -> Result<()> {
    let version = describe();
    output.result(&version, |output| {
        output.pairs(&[
            ("bkend-local", text(&version["version"])),
            ("commit", text(&version["commit"])),
            ("built", text(&version["buildDate"])),
            ("data format", text(&version["dataFormat"])),
        ])
    })
}

fn describe() -> Value {
    let built = env!("BKEND_BUILD_SECONDS").parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": env!("BKEND_COMMIT"),
        "buildDate": built.map(|at| at.strftime("%Y-%m-%d").to_string()),
        "dataFormat": crate::domain::data_directory::format(),
    })
}
