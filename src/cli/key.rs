//! `key create|adopt|list|delete`: API keys of an environment.

use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::args::{Confirm, KeyName};
use super::confirm;
use super::context::{Context, id_of};
use super::exit::{Exit, Failure, Result};
use super::output::{items, text, time};
use super::reach::Connection;
use super::settings;
use super::token::expiry;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local key create shell --type secret\n  bkend-local key list")]
pub enum Key {
    /// Make a key; a secret one is shown once
    Create(Create),
    /// Make an existing pk_ or sk_ value valid here; the value comes from stdin or BKEND_KEY_VALUE
    Adopt(Adopt),
    /// List the keys
    #[command(after_help = "Example:\n  bkend-local key list --env prod --json")]
    List,
    /// Delete a key: it is refused from the next request on
    Delete(Delete),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local key create importer --type secret --scopes posts:read,posts:create --expires 30d")]
pub struct Create {
    /// What the key is for; unique in the environment
    name: String,
    /// publishable for apps, secret for servers
    #[arg(long = "type", value_enum, default_value_t = Type::Publishable)]
    kind: Type,
    /// Restrict to <table>:<operation>, separated by commas; either part may be *; operations create read list update delete
    #[arg(long, value_name = "SCOPES", value_delimiter = ',')]
    scopes: Vec<String>,
    /// Lifetime in days (90d), or never
    #[arg(long, value_name = "DAYS", default_value = "never")]
    expires: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  printenv OLD_KEY | bkend-local key adopt 'Mobile app'")]
pub struct Adopt {
    /// What the key is for; unique in the environment
    name: String,
    /// Has to agree with the value; taken from it when absent
    #[arg(long = "type", value_enum)]
    kind: Option<Type>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local key delete shell --confirm shell")]
pub struct Delete {
    #[command(flatten)]
    key: KeyName,
    #[command(flatten)]
    confirm: Confirm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Type {
    Publishable,
    Secret,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }
}

pub async fn run(context: &Context, connection: &Connection, command: &Key) -> Result<()> {
    match command {
        Key::Create(create) => make(context, connection, create).await,
        Key::Adopt(given) => adopt(context, connection, given).await,
        Key::List => list(context, connection).await,
        Key::Delete(delete) => remove(context, connection, delete).await,
    }
}

async fn make(context: &Context, connection: &Connection, create: &Create) -> Result<()> {
    let mut body = json!({ "name": create.name, "type": create.kind.name(), "expiresAt": expiry(&create.expires)? });
    if !create.scopes.is_empty() {
        body["scopes"] = json!(create.scopes);
    }
    let environment = context.environment(&connection.client).await?;
    let key = connection.client.post(&environment.to(&["keys"]), &body).await?;
    if create.kind == Type::Secret {
        context.output.hint("This key is shown once and not stored. Keep it on servers only.");
    }
    context.output.result(&key, |_| text(&key["key"]))
}

async fn adopt(context: &Context, connection: &Connection, given: &Adopt) -> Result<()> {
    // First of all, because stdin can be read only once, and a server that is just stopping is asked a second time.
    let environment = context.environment(&connection.client).await?;
    let value = key_value()?;
    let kind = kind_of(&value).ok_or_else(|| {
        let message = "The value is not a key: a key is pk_ or sk_ and 64 lower-case hex characters. Pass it on stdin or in BKEND_KEY_VALUE";
        Failure::new(Exit::Usage, "key/invalid-value", message)
    })?;
    if given.kind.is_some_and(|wanted| wanted != kind) {
        return Err(Failure::usage(format!("The value is a {} key, not the type that --type names", kind.name())));
    }
    let body = json!({ "name": given.name, "type": kind.name(), "value": value });
    let key = connection.client.post(&environment.to(&["keys"]), &body).await?;
    context.output.result(&without_value(&key), |_| format!("Adopted {} as {}; it is valid from now on", text(&key["maskedKey"]), given.name))
}

/// Only the command that makes a secret prints it; this one was given it.
fn without_value(key: &Value) -> Value {
    let mut shown = key.clone();
    if let Some(members) = shown.as_object_mut() {
        members.remove("key");
    }
    shown
}

fn key_value() -> Result<String> {
    if let Some(value) = settings::variable("BKEND_KEY_VALUE") {
        return Ok(value.trim().to_owned());
    }
    let mut value = String::new();
    // A key has 67 characters; reading on would only wait for somebody else's stream.
    std::io::stdin().take(1_000).read_to_string(&mut value).map_err(|e| Failure::usage(format!("The key could not be read from stdin: {e}")))?;
    Ok(value.trim().to_owned())
}

fn kind_of(value: &str) -> Option<Type> {
    let (kind, rest) = match value.get(..3)? {
        "pk_" => (Type::Publishable, &value[3..]),
        "sk_" => (Type::Secret, &value[3..]),
        _ => return None,
    };
    (rest.len() == 64 && rest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))).then_some(kind)
}

async fn list(context: &Context, connection: &Connection) -> Result<()> {
    let environment = context.environment(&connection.client).await?;
    let keys = connection.client.list(&environment.to(&["keys"])).await?;
    context.output.result(&items(&keys), |output| {
        let row = |k: &Value| {
            let value = if k["key"].is_string() { text(&k["key"]) } else { text(&k["maskedKey"]) };
            vec![text(&k["name"]), text(&k["type"]), value, time(&k["lastUsedAt"])]
        };
        output.table(&["NAME", "TYPE", "KEY", "LAST USE"], keys.iter().map(row).collect())
    })
}

async fn remove(context: &Context, connection: &Connection, delete: &Delete) -> Result<()> {
    let (client, wanted) = (&connection.client, &delete.key.name);
    let environment = context.environment(client).await?;
    let keys = client.list(&environment.to(&["keys"])).await?;
    let key = keys
        .iter()
        .find(|key| key["name"] == *wanted || key["id"] == *wanted)
        .ok_or_else(|| Failure::not_found(format!("There is no key {wanted} in {}; bkend-local key list shows those there are", environment.environment)))?;
    let name = text(&key["name"]);
    confirm::by_name(context, &name, delete.confirm.confirm.as_deref(), &format!("Apps that use the key {name} are refused from the next request on."))?;
    client.delete(&environment.to(&["keys", &id_of(key)]), Some(&name)).await?;
    context.output.result(&json!({ "id": key["id"], "name": name, "deleted": true }), |_| format!("Deleted {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_key_is_in_its_value() {
        let hex = "0123456789abcdef".repeat(4);
        assert_eq!(kind_of(&format!("pk_{hex}")), Some(Type::Publishable));
        assert_eq!(kind_of(&format!("sk_{hex}")), Some(Type::Secret));
        for wrong in ["", "pk", "pk_", "é_x", &hex, &format!("pk_{}", hex.to_uppercase()), &format!("pk_{hex}0")] {
            assert_eq!(kind_of(wrong), None, "{wrong}");
        }
    }
}
