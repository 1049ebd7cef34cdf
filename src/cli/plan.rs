//! Plans of schema changes, as people read them: `+ ~ -` lines, what stands in the way, what would be lost.

use serde_json::{Value, json};

use super::context::Context;
use super::exit::{Exit, Failure, Result, exit_for};

/// The code of problems that do not stand in the way.
const WARNING: &str = "schema/warning";

/// Prints a plan, with whether it was applied.
pub fn report(context: &Context, plan: &Value, applied: bool, text: impl FnOnce(&Value) -> String) -> Result<()> {
    let mut result = plan.clone();
    result["applied"] = json!(applied);
    context.output.result(&result, |_| text(plan))
}

/// A list of a plan: `changes` or `problems`.
pub fn list<'a>(plan: &'a Value, member: &str) -> &'a [Value] {
    plan[member].as_array().map_or(&[], Vec::as_slice)
}

/// What the server would refuse to do is refused before anybody is asked.
pub fn refusals(plan: &Value) -> Result<()> {
    let Some(problem) = list(plan, "problems").iter().find(|problem| problem["code"] != WARNING) else { return Ok(()) };
    let text = |member: &str| problem[member].as_str().unwrap_or_default();
    let status = if text("code") == "schema/invalid" { 400 } else { 409 };
    let message = format!("{}; nothing was changed", text("message").trim_end_matches('.'));
    Err(Failure::new(exit_for(text("code"), status), text("code"), message).details(list(problem, "samples").to_vec()))
}

/// A plan that needs consent to lose values.
pub fn destructive(changes: &[Value]) -> Failure {
    let lost: Vec<_> = changes.iter().filter(|change| change["destructive"] == true).cloned().collect();
    let lines: Vec<_> = lost.iter().map(line).collect();
    let message = format!("The change would remove stored values; nothing was changed. Consent with --allow-destructive: {}", lines.join("; "));
    Failure::new(Exit::Refused, "schema/destructive", message).details(lost)
}

/// A plan line by line, its problems last.
pub fn human(plan: &Value) -> String {
    let problems = list(plan, "problems").iter().map(|problem| format!("! {}", problem["message"].as_str().unwrap_or_default()));
    let lines: Vec<_> = list(plan, "changes").iter().map(line).chain(problems).collect();
    if list(plan, "changes").is_empty() { [vec!["Nothing to change".to_owned()], lines].concat().join("\n") } else { lines.join("\n") }
}

/// One change: `+ posts.subtitle`, `~ posts.state → status  (12 records)`, `- posts.note  (3 records, destructive)`.
fn line(change: &Value) -> String {
    let text = |member: &str| change[member].as_str().unwrap_or_default();
    let place = [text("table"), text("path").trim_start_matches("fields.")].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    let rows = change["affectedRows"].as_u64().filter(|rows| *rows > 0).map(|rows| count(rows as usize, "record"));
    let remarks: Vec<_> = rows.into_iter().chain((change["destructive"] == true).then(|| "destructive".to_owned())).collect();
    let remarks = if remarks.is_empty() { String::new() } else { format!("  ({})", remarks.join(", ")) };
    match text("action") {
        "add" if text("path").is_empty() => format!("+ {place}  (new table)"),
        "add" => format!("+ {place}{remarks}"),
        "rename" => format!("~ {place} → {}{remarks}", text("to")),
        "remove" => format!("- {place}{remarks}"),
        _ => format!("~ {place}{remarks}"),
    }
}

/// `1 change`, `2 changes`.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(action: &str, path: &str, rows: u64, destructive: bool) -> Value {
        json!({ "table": "posts", "path": path, "action": action, "to": "status", "affectedRows": rows, "destructive": destructive })
    }

    #[test]
    fn a_plan_reads_line_by_line() {
        assert_eq!(line(&change("add", "", 0, false)), "+ posts  (new table)");
        assert_eq!(line(&change("rename", "state", 12, false)), "~ posts.state → status  (12 records)");
        assert_eq!(line(&change("remove", "note", 1, true)), "- posts.note  (1 record, destructive)");
    }

    #[test]
    fn what_the_server_would_refuse_is_a_failure_and_a_warning_is_not() {
        let plan = |code: &str| json!({ "changes": [], "problems": [{ "code": code, "message": "posts: no", "samples": [{ "field": "a", "message": "x" }] }] });
        assert!(refusals(&plan("schema/warning")).is_ok());
        let failure = refusals(&plan("schema/incompatible-values")).unwrap_err();
        assert_eq!((failure.exit, failure.details.len()), (Exit::Data, 1));
    }

    #[test]
    fn destructive_changes_are_listed() {
        let failure = destructive(&[change("remove", "note", 3, true), change("add", "x", 0, false)]);
        assert_eq!((failure.exit, failure.details.len()), (Exit::Refused, 1));
        assert!(failure.message.ends_with("- posts.note  (3 records, destructive)"), "{}", failure.message);
    }
}
