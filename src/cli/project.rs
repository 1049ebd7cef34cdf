//! `project list|create|show|delete`.

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;
use serde_json::{Value, json};

use super::args::Confirm;
use super::completions;
use super::confirm;
use super::context::{Context, all_projects, id_of, pick_project};
use super::exit::{Failure, Result};
use super::output::{items, text, time};
use super::reach::Connection;

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local project create 'My shop'\n  bkend-local project list")]
pub enum Project {
    /// List the projects
    #[command(after_help = "Example:\n  bkend-local project list --json")]
    List,
    /// Make a project with an environment dev and a publishable key
    Create(Create),
    /// Show one project
    #[command(after_help = "Example:\n  bkend-local project show my-blog")]
    Show {
        /// Slug or id [default: --project, else the only project]
        #[arg(add = ArgValueCompleter::new(completions::projects))]
        slug: Option<String>,
    },
    /// Delete a project with all its environments
    Delete(Delete),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local project create 'My shop' --slug shop --description 'Orders and stock'")]
pub struct Create {
    /// Name, as people read it
    name: String,
    /// Name in addresses, 3–50 of a-z 0-9 - [default: made from the name]
    #[arg(long)]
    slug: Option<String>,
    /// What the project is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Organization, by slug or id [default: the only one]
    #[arg(long, value_name = "ORG")]
    org: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  bkend-local project delete shop --confirm 'My shop'")]
pub struct Delete {
    /// Slug or id of the project
    #[arg(add = ArgValueCompleter::new(completions::projects))]
    slug: String,
    #[command(flatten)]
    confirm: Confirm,
}

pub async fn run(context: &Context, connection: &Connection, command: &Project) -> Result<()> {
    match command {
        Project::List => list(context, connection).await,
        Project::Create(create) => make(context, connection, create).await,
        Project::Show { slug } => show(context, connection, slug.as_deref()).await,
        Project::Delete(delete) => remove(context, connection, delete).await,
    }
}

async fn list(context: &Context, connection: &Connection) -> Result<()> {
    let projects = all_projects(&connection.client).await?;
    context.output.result(&items(&projects), |output| {
        let row = |p: &Value| vec![text(&p["slug"]), text(&p["name"]), environments(p), text(&p["id"]), time(&p["createdAt"])];
        output.table(&["SLUG", "NAME", "ENVIRONMENTS", "ID", "CREATED"], projects.iter().map(row).collect())
    })
}

fn environments(project: &Value) -> String {
    let names = project["environments"].as_array().map(|all| all.iter().map(|e| text(&e["environment"])).collect::<Vec<_>>().join(", "));
    names.filter(|names| !names.is_empty()).unwrap_or_else(|| text(&project["environmentCount"]))
}

async fn make(context: &Context, connection: &Connection, create: &Create) -> Result<()> {
    let organization = organization(connection, create.org.as_deref()).await?;
    let mut body = json!({ "name": create.name });
    for (name, value) in [("slug", &create.slug), ("description", &create.description)] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    let project = connection.client.post(&["organizations", &organization, "projects"], &body).await?;
    context.output.result(&project, |output| {
        let rows = [("Project", text(&project["name"])), ("Slug", text(&project["slug"])), ("Id", text(&project["id"])), ("Publishable key", key_of(&project))];
        output.pairs(&rows)
    })
}

/// The key value, whether the answer carries it as text or as a whole key.
pub fn key_of(made: &Value) -> String {
    let key = &made["publishableKey"];
    if key.is_object() { text(&key["key"]) } else { text(key) }
}

async fn organization(connection: &Connection, wanted: Option<&str>) -> Result<String> {
    let all = connection.client.list(&["organizations"]).await?;
    match wanted {
        Some(wanted) => {
            let found = all.iter().find(|o| o["id"] == wanted || o["slug"] == wanted);
            found.map(id_of).ok_or_else(|| Failure::not_found(format!("There is no organization {wanted}")))
        }
        None if all.len() == 1 => Ok(id_of(&all[0])),
        None => {
            let slugs: Vec<_> = all.iter().filter_map(|o| o["slug"].as_str()).collect();
            Err(Failure::usage(format!("There are several organizations; name one with --org: {}", slugs.join(", "))))
        }
    }
}

async fn show(context: &Context, connection: &Connection, slug: Option<&str>) -> Result<()> {
    let client = &connection.client;
    let project = match slug {
        Some(slug) => pick_project(all_projects(client).await?, slug)?,
        None => context.project(client).await?,
    };
    let project = client.get(&["projects", &id_of(&project)]).await?;
    context.output.result(&project, |output| {
        let settings = &project["settings"];
        output.pairs(&[
            ("Project", text(&project["name"])),
            ("Slug", text(&project["slug"])),
            ("Id", text(&project["id"])),
            ("Description", text(&project["description"])),
            ("Environments", environments(&project)),
            ("Envelope", text(&settings["responseEnvelope"])),
            ("Request log bodies", text(&settings["requestLogBodies"])),
            ("Rate limit", if settings["dataRateLimit"].is_null() { "none".to_owned() } else { text(&settings["dataRateLimit"]) }),
            ("Created", time(&project["createdAt"])),
        ])
    })
}

async fn remove(context: &Context, connection: &Connection, delete: &Delete) -> Result<()> {
    let client = &connection.client;
    let project = pick_project(all_projects(client).await?, &delete.slug)?;
    let name = text(&project["name"]);
    // People who typed the slug mean it as much as those who typed the name.
    let given = delete.confirm.confirm.as_deref().map(|given| if project["slug"] == given { name.as_str() } else { given });
    confirm::by_name(context, &name, given, &format!("Project {name} goes with all its environments, records, users and files ({}).", environments(&project)))?;
    client.delete(&["projects", &id_of(&project)], Some(&name)).await?;
    context.output.result(&json!({ "id": project["id"], "slug": project["slug"], "deleted": true }), |_| format!("Deleted {name}"))
}
