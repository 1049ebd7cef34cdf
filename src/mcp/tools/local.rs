//! What a local server offers beyond the cloud: seeding several tables, the mailbox, users, and the request log.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::without_nulls;
use super::call::Call;
use super::run::in_scope;
use crate::domain::error::{Error, Result};
use crate::domain::mail::MailQuery;
use crate::domain::records::seed::{Seed, SeedMode};
use crate::domain::requests::Filter;
use crate::domain::users::UserQuery;

pub async fn seed(call: &Call<'_>) -> Result<Value> {
    let seed = Seed::parse(call.input.get("tables").unwrap_or(&Value::Null), call.input.text("mode"), call.input.get("key"))?;
    let further = match seed.mode {
        SeedMode::Insert => None,
        SeedMode::Upsert => Some("table:data:update"),
        SeedMode::Replace => Some("table:data:delete"),
    };
    in_scope(call.access, further)?;
    let environment = call.environment_to_write().await?;
    let snapshot = call.backend().save_before_seed(call.tenant(), &environment, &seed).await?;
    let done = environment.seed(call.tenant(), seed).await?;
    let mut answer = json!({ "environmentId": environment.id(), "tables": done });
    if let Some(id) = snapshot {
        answer["undoSnapshotId"] = id.into();
    }
    Ok(answer)
}

/// Seconds a call waits for mail at most.
const PATIENCE: i64 = 30;

pub async fn mail(call: &Call<'_>) -> Result<Value> {
    let environment = call.environment_ref().await?;
    let (project, id) = (environment.project_id.as_str(), environment.id.as_str());
    if let Some(wanted) = call.input.text("mailId") {
        let mut mail = serde_json::to_value(call.backend().mail(call.tenant(), project, id, wanted).await?).map_err(Error::internal)?;
        shorten(&mut mail);
        return Ok(mail);
    }
    let seconds = call.input.whole("wait").unwrap_or(0);
    let wait = u64::try_from(seconds).ok().filter(|_| seconds <= PATIENCE).map(Duration::from_secs);
    let wait = wait.ok_or_else(|| Error::invalid_parameter("wait", format!("wait is a number of seconds from 0 to {PATIENCE}")))?;
    let query = MailQuery { to: call.input.owned("to"), template: call.input.owned("template"), since: call.input.owned("since"), ..MailQuery::default() };
    let list = call.backend().mailbox_within(call.tenant(), project, id, query, call.page()?, wait).await?;
    let mut list = serde_json::to_value(list).map_err(Error::internal)?;
    list["items"].as_array_mut().into_iter().flatten().for_each(shorten);
    Ok(list)
}

/// Leaves the HTML out: the text says the same in fewer words.
fn shorten(mail: &mut Value) {
    if let Some(members) = mail.as_object_mut() {
        members.remove("html");
    }
    without_nulls(mail);
}

pub async fn users(call: &Call<'_>) -> Result<Value> {
    let environment = call.environment_ref().await?;
    let query = UserQuery::read(|name| match name {
        "search" | "role" => call.input.owned(name),
        _ => None,
    });
    let list = call.backend().users(call.tenant(), &environment.project_id, &environment.id, &query, call.page()?).await?;
    let mut list = serde_json::to_value(list).map_err(Error::internal)?;
    without_nulls(&mut list["items"]);
    Ok(list)
}

pub async fn request_log(call: &Call<'_>) -> Result<Value> {
    let environment = call.environment_ref().await?;
    let (project, id) = (environment.project_id.as_str(), environment.id.as_str());
    if let Some(wanted) = call.input.text("requestId") {
        let mut found = serde_json::to_value(call.backend().request_entry(call.tenant(), project, id, wanted).await?).map_err(Error::internal)?;
        without_nulls(&mut found);
        return Ok(found);
    }
    let filter = Filter::parse(|name| match name {
        "from" => call.input.text("since"),
        "method" | "path" | "status" => call.input.text(name),
        _ => None,
    })?;
    let list = call.backend().request_entries(call.tenant(), project, id, &filter, call.page()?).await?;
    let mut list = serde_json::to_value(list).map_err(Error::internal)?;
    without_nulls(&mut list["items"]);
    Ok(list)
}
