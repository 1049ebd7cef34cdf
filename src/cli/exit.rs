//! Exit codes, the failure every command ends with, and how an answer of the management API becomes one.

use std::io::Write as _;

use serde_json::{Value, json};

/// How a command that was not done ends (`08-cli.md` §1); done is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Unexpected = 1,
    Usage = 2,
    NotFound = 3,
    NotPermitted = 4,
    Refused = 5,
    Data = 6,
    DataDirectory = 7,
    Network = 8,
    Interrupted = 130,
    Terminated = 143,
}

impl Exit {
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command did not do what it was asked: printed on stderr, as text or with `--json` as one document.
#[derive(Debug, Clone)]
pub struct Failure {
    pub exit: Exit,
    /// `domain/slug`: the API's code, or `cli/…` for what the command itself found.
    pub code: String,
    /// What happened and what to do about it, in one sentence.
    pub message: String,
    /// Each of several things that are wrong: objects with `message`, as in the API's errors.
    pub details: Vec<Value>,
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub fn new(exit: Exit, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit, code: code.into(), message: message.into(), details: Vec::new() }
    }

    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "cli/usage", message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, "cli/not-found", message)
    }

    pub fn unexpected(what: &str, cause: impl std::fmt::Display) -> Self {
        Self::new(Exit::Unexpected, "cli/unexpected", format!("{what}: {cause}"))
    }

    #[must_use]
    pub fn details(mut self, details: Vec<Value>) -> Self {
        self.details = details;
        self
    }

    /// An error answer of the management API. `body` is what came, JSON or not.
    pub fn from_answer(status: u16, body: &[u8]) -> Self {
        let parsed: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let error = &parsed["error"];
        let Some(code) = error["code"].as_str() else {
            let exit = if status == 404 { Exit::Network } else { exit_for("", status) };
            return Self::new(exit, "cli/unreadable-answer", format!("The server answered {status} in a form that is not bkend-local's; check the address"));
        };
        let mut message = error["message"].as_str().unwrap_or(code).to_owned();
        if status >= 500
            && let Some(id) = parsed["requestId"].as_str()
        {
            message = format!("{message} (requestId {id})");
        }
        let details = error["details"].as_array().cloned().unwrap_or_default();
        Self { exit: exit_for(code, status), code: code.to_owned(), message, details }
    }

    /// The document `--json` puts on stderr.
    pub fn to_json(&self) -> Value {
        json!({ "error": { "code": self.code, "message": self.message, "details": self.details } })
    }

    /// Writes the failure to stderr. A closed stderr is not worth a second failure.
    pub fn print(&self, as_json: bool) {
        let mut stderr = std::io::stderr().lock();
        if as_json {
            let _ = writeln!(stderr, "{}", self.to_json());
            return;
        }
        let _ = writeln!(stderr, "{}", self.message);
        for detail in self.detail_lines() {
            let _ = writeln!(stderr, "  {detail}");
        }
    }

    /// Details that say more than the message already does.
    fn detail_lines(&self) -> Vec<String> {
        self.details
            .iter()
            .filter_map(|detail| {
                let message = detail["message"].as_str()?;
                let field = detail["field"].as_str().unwrap_or_default();
                let line = if field.is_empty() || message.contains(field) { message.to_owned() } else { format!("{field}: {message}") };
                (line != self.message).then_some(line)
            })
            .collect()
    }
}

/// Which exit code an error of the API means. The code decides where the status alone does not.
pub fn exit_for(code: &str, status: u16) -> Exit {
    match code {
        "common/not-found" | "common/method-not-allowed" => return Exit::Unexpected,
        "management/confirmation-required" | "environment/busy" => return Exit::Refused,
        "schema/destructive" | "key/name-taken" | "key/value-taken" => return Exit::Refused,
        "data/validation-error" | "data/duplicate-value" => return Exit::Data,
        "table/already-exists" => return Exit::Refused,
        "table/schema-version-not-found" | "table/index-version-not-found" | "data/table-not-found" => return Exit::NotFound,
        _ => {}
    }
    let domain = code.split('/').next().unwrap_or_default();
    match status {
        404 => Exit::NotFound,
        400 | 409 if matches!(domain, "schema" | "table" | "import") => Exit::Data,
        401 | 403 => Exit::NotPermitted,
        409 | 412 => Exit::Refused,
        400 | 413 | 415 | 421 => Exit::Usage,
        _ => Exit::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_api_has_an_exit_code_that_says_what_it_means() {
        let exit = |code: &str, status| exit_for(code, status).code();
        assert_eq!(exit("project/not-found", 404), 3);
        assert_eq!(exit("access-token/not-found", 404), 3);
        assert_eq!(exit("common/authentication-required", 401), 4);
        assert_eq!(exit("organization/permission-denied", 403), 4);
        assert_eq!(exit("schema/destructive", 409), 5);
        assert_eq!(exit("project/already-exists", 409), 5);
        assert_eq!(exit("key/value-taken", 409), 5);
        assert_eq!(exit("key/invalid-value", 400), 2);
        assert_eq!(exit("environment/invalid-name", 400), 2);
        assert_eq!(exit("schema/invalid", 400), 6);
        assert_eq!(exit("schema/incompatible-values", 409), 6);
        assert_eq!(exit("table/schema-validation-failed", 400), 6);
        assert_eq!(exit("common/internal-error", 500), 1);
    }

    #[test]
    fn an_unexpected_failure_ends_with_its_request_id() {
        let body = br#"{"success":false,"error":{"code":"common/internal-error","message":"Something went wrong"},"requestId":"r-1"}"#;
        let failure = Failure::from_answer(500, body);
        assert_eq!(failure.exit, Exit::Unexpected);
        assert_eq!(failure.message, "Something went wrong (requestId r-1)");
    }

    #[test]
    fn a_failure_in_json_has_code_message_and_details() {
        let failure = Failure::usage("--port is not a number");
        assert_eq!(failure.to_json(), json!({"error": {"code": "cli/usage", "message": "--port is not a number", "details": []}}));
    }

    #[test]
    fn an_answer_that_is_not_ours_is_named_so() {
        assert_eq!(Failure::from_answer(404, b"<html>").exit, Exit::Network);
        assert_eq!(Failure::from_answer(502, b"").exit, Exit::Unexpected);
    }
}
