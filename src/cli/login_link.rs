//! `login-link`: signs a developer in to the console, once.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::Result;
use super::output::text;
use super::reach::{Connection, Place};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local login-link --open\n\nThe link works once and for 10 minutes; earlier unused links of the same developer die.")]
pub struct LoginLink {
    /// Whom to sign in [default: the owner]
    #[arg(long, value_name = "ADDR")]
    email: Option<String>,
    /// Open the link in the browser
    #[arg(long)]
    open: bool,
}

pub async fn run(context: &Context, connection: &Connection, command: &LoginLink) -> Result<()> {
    let body = command.email.as_ref().map_or_else(|| json!({}), |email| json!({ "email": email }));
    let link = connection.client.post(&["server", "login-links"], &body).await?;
    let url = text(&link["url"]);
    let serves = !matches!(connection.place, Place::Here(_));
    if !serves {
        context.output.hint("No server runs here; the link works once you start it: bkend-local serve");
    }
    if command.open && serves {
        open(context, &url);
    }
    context.output.result(&link, |_| url)
}

/// Opens a URL in the person's browser; where there is none, the URL on the screen has to do.
pub fn open(context: &Context, url: &str) {
    let mut command = if cfg!(target_os = "macos") {
        std::process::Command::new("open")
    } else if cfg!(windows) {
        std::process::Command::new("explorer")
    } else {
        std::process::Command::new("xdg-open")
    };
    let (nothing, nowhere) = (std::process::Stdio::null(), std::process::Stdio::null());
    if let Err(error) = command.arg(url).stdin(std::process::Stdio::null()).stdout(nothing).stderr(nowhere).spawn() {
        context.output.hint(&format!("No browser could be opened ({error}); open the link yourself"));
    }
}
