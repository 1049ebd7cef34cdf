//! Confirmations: what the console confirms by name asks for the name, the rest for yes or no.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::context::Context;
use super::exit::{Exit, Failure, Result};

/// Makes sure that `name` is really meant: by `--confirm`, or by typing it on a terminal. `losses` says what goes.
pub fn by_name(context: &Context, name: &str, given: Option<&str>, losses: &str) -> Result<()> {
    let refuse = |message| Err(Failure::new(Exit::Refused, "cli/confirmation-required", message));
    match given {
        Some(given) if given == name => return Ok(()),
        Some(given) => return refuse(format!("--confirm {given} does not match {name}; nothing was changed")),
        None => {}
    }
    if !can_ask(context) {
        return refuse(format!("{losses} To confirm, repeat the command with --confirm {name}"));
    }
    let typed = ask(&format!("{losses}\nType {name} to confirm: "))?;
    if typed == name { Ok(()) } else { refuse("The name does not match; nothing was changed".to_owned()) }
}

/// A yes or no on a terminal; elsewhere, and with `--yes`, the command itself is the consent.
pub fn plainly(context: &Context, question: &str) -> Result<()> {
    if context.yes || !can_ask(context) {
        return Ok(());
    }
    let answer = ask(&format!("{question} [y/N] "))?;
    if matches!(answer.to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "cli/declined", "Nothing was changed"))
}

/// A yes or no on a terminal; elsewhere `--yes` has to say it, and `instead` tells so.
pub fn expressly(context: &Context, what: &str, question: &str, instead: &str) -> Result<()> {
    if context.yes || can_ask(context) {
        return plainly(context, &format!("{what} {question}"));
    }
    Err(Failure::new(Exit::Refused, "cli/confirmation-required", format!("{what} Nothing was changed; {instead}")))
}

fn can_ask(context: &Context) -> bool {
    !context.output.json && io::stdin().is_terminal() && io::stderr().is_terminal()
}

fn ask(question: &str) -> Result<String> {
    let failed = |e| Failure::unexpected("Could not ask for confirmation", e);
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}").and_then(|()| stderr.flush()).map_err(failed)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(line.trim().to_owned())
}
