//! `table apply FILE`: a plan of what the document changes, consent, then all of it in one transaction.

use serde_json::json;

use super::confirm;
use super::context::Context;
use super::exit::Result;
use super::plan::{count, destructive, human, list, refusals, report};
use super::reach::Connection;
use super::schema_document::Document;
use super::table::Apply;

pub async fn run(context: &Context, connection: &Connection, apply: &Apply) -> Result<()> {
    let document = Document::load(&apply.file)?;
    let client = &connection.client;
    let environment = context.environment(client).await?;
    let wanted = json!({ "document": document.value, "prune": false });
    let plan = client.post(&environment.to(&["schema", "plan"]), &wanted).await.map_err(|failure| document.locate(failure))?;
    refusals(&plan)?;
    let changes = list(&plan, "changes");
    if apply.dry_run || changes.is_empty() {
        return report(context, &plan, false, human);
    }
    if plan["destructive"] == true && !apply.allow_destructive {
        return Err(destructive(changes));
    }
    context.output.hint(&human(&plan));
    confirm::plainly(context, &format!("Apply this to {}?", environment.environment))?;
    let consent = json!({ "document": document.value, "prune": false, "planHash": plan["hash"], "allowDestructive": apply.allow_destructive });
    let done = client.post(&environment.to(&["schema", "apply"]), &consent).await.map_err(|failure| document.locate(failure))?;
    report(context, &done, true, |plan| format!("Applied {} to {}", count(list(plan, "changes").len(), "change"), environment.environment))
}
