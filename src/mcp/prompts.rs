//! Prompts: what a person can start a model off with (`01-mcp.md` §8).

use rmcp::model::{ErrorData, GetPromptRequestParams, GetPromptResult, ListPromptsResult, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::{Map, Value};

use super::Connection;
use crate::domain::error::clip;

/// Characters of a message, and of what a person says in it.
const MAX: usize = 2_000;
const MAX_WISH: usize = 600;

struct Offer {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    /// Name, whether it must be given, what it is.
    arguments: &'static [(&'static str, bool, &'static str)],
}

const PROJECT: (&str, bool, &str) = ("projectId", false, "Project ID");
const ENVIRONMENT: (&str, bool, &str) = ("environment", false, "Environment name");

const OFFERS: [Offer; 4] = [
    Offer {
        name: "build-feature",
        title: "Build a feature",
        about: "Design tables and permissions, write the REST code of a feature, and test it.",
        arguments: &[("feature", true, "What the app should do"), ("framework", false, "What the app is written with"), PROJECT, ENVIRONMENT],
    },
    Offer {
        name: "design-schema",
        title: "Design a schema",
        about: "Propose tables, relations, indexes and permissions, and create them after approval.",
        arguments: &[("description", true, "What is to be stored"), PROJECT, ENVIRONMENT],
    },
    Offer {
        name: "test-auth",
        title: "Test authentication",
        about: "Run a sign-in flow over REST and finish it through the local mailbox.",
        arguments: &[("projectId", true, "Project ID"), ("environment", true, "Environment name"), ("flow", false, "signup, magic-link, reset or invitation")],
    },
    Offer {
        name: "port-from-cloud",
        title: "Port an app from the cloud",
        about: "Point an existing app at this server and import exported data.",
        arguments: &[PROJECT, ENVIRONMENT],
    },
];

/// Flows of `test-auth`.
pub const FLOWS: [&str; 4] = ["signup", "magic-link", "reset", "invitation"];

/// Names of the arguments of a prompt.
pub fn argument_names(prompt: &str) -> Option<impl Iterator<Item = &'static str>> {
    OFFERS.iter().find(|offer| offer.name == prompt).map(|offer| offer.arguments.iter().map(|(name, ..)| *name))
}

impl Connection {
    pub fn prompts(&self) -> ListPromptsResult {
        if self.access.is_none() {
            return ListPromptsResult::default();
        }
        let prompt = |offer: &Offer| {
            let arguments = offer.arguments.iter().map(|(name, needed, about)| PromptArgument::new(*name).with_description(*about).with_required(*needed));
            let prompt = Prompt::new(offer.name, Some(offer.about), Some(arguments.collect()));
            if self.is_structured() { prompt.with_title(offer.title) } else { prompt }
        };
        ListPromptsResult::with_all_items(OFFERS.iter().map(prompt).collect())
    }

    /// One message, with ids and addresses filled in.
    ///
    /// # Errors
    /// `-32602` for an unknown prompt, a missing argument and one of the wrong kind.
    pub async fn prompt(&self, params: GetPromptRequestParams) -> Result<GetPromptResult, ErrorData> {
        let offer = OFFERS.iter().find(|offer| offer.name == params.name && self.access.is_some());
        let offer = offer.ok_or_else(|| ErrorData::invalid_params(format!("There is no prompt \"{}\"", clip(&params.name)), None))?;
        let given = params.arguments.unwrap_or_default();
        let mut values = Map::new();
        for (name, needed, about) in offer.arguments {
            match given.get(*name) {
                Some(Value::String(text)) if !text.trim().is_empty() => drop(values.insert((*name).to_owned(), cut(text).into())),
                None | Some(Value::Null | Value::String(_)) if *needed => {
                    return Err(ErrorData::invalid_params(format!("The argument {name} is missing: {about}"), None));
                }
                None | Some(Value::Null | Value::String(_)) => {}
                Some(_) => return Err(ErrorData::invalid_params(format!("{name} must be a text"), None)),
            }
        }
        if offer.name == "test-auth"
            && let Some(flow) = values.get("flow").and_then(Value::as_str).filter(|flow| !FLOWS.contains(flow))
        {
            return Err(ErrorData::invalid_params(format!("flow must be signup, magic-link, reset or invitation, not \"{}\"", clip(flow)), None));
        }
        let text = self.message(offer.name, &values).await;
        let message = PromptMessage::new_text(Role::User, text.chars().take(MAX).collect::<String>());
        Ok(GetPromptResult::new(vec![message]).with_description(offer.about))
    }

    async fn message(&self, name: &str, values: &Map<String, Value>) -> String {
        let value = |name: &str| values.get(name).and_then(Value::as_str);
        let place = self.place(value("projectId"), value("environment")).await;
        let base = &self.base;
        match name {
            "build-feature" => {
                let framework = value("framework").map_or_else(|| "the framework of this app".to_owned(), str::to_owned);
                format!(
                    "Build this feature with the bkend server at {base}:\n\n{}\n\n{place}\n\n\
                     1. Call get_context and follow its rules; call search_docs for every part of the API you use.\n\
                     2. Design tables, indexes and permissions; say who may read and write what. Create them with backend_table_create.\n\
                     3. Write the code in {framework}: REST calls to {base}/v1 with the publishable key; never MCP, never a secret key in a client.\n\
                     4. Test it: add records with backend_data_seed, run the calls as guest and as a signed-in user, and read backend_request_log when one fails.",
                    value("feature").unwrap_or_default()
                )
            }
            "design-schema" => format!(
                "Design the data of an app on the bkend server at {base}:\n\n{}\n\n{place}\n\n\
                 1. Call get_context, then search_docs for data model, relations, indexes and permissions.\n\
                 2. Propose tables with their fields, types, required and unique fields, references, indexes for the lists the app shows, \
                 and permissions for guest, user and self. Explain each choice in one line and wait for my approval.\n\
                 3. Then create them with backend_table_create and show the result of backend_table_list.",
                value("description").unwrap_or_default()
            ),
            "test-auth" => format!(
                "Test the flow \"{}\" of end users on the bkend server at {base}.\n\n{place}\n\n\
                 1. Call get_context for the publishable key, and search_docs for the routes of this flow.\n\
                 2. Run it over REST at {base}/v1/auth with a new address such as test-<number>@example.test.\n\
                 3. The mail stays on this server: read it in the mailbox of the environment, in the console or with the mailbox tool if there is one, and use its link or code to finish.\n\
                 4. Show every request with its answer, and at the end who is signed in (GET {base}/v1/auth/me).",
                value("flow").unwrap_or("signup")
            ),
            _ => format!(
                "Port this app from the bkend cloud, which was switched off, to the server at {base}.\n\n{place}\n\n\
                 1. Call get_context, and search_docs for \"move an app\" and \"import a cloud export\".\n\
                 2. Replace the cloud's API addresses in code and settings by {base}; keep paths, headers and the publishable key's place. List every file you change.\n\
                 3. Ask me for exported data; create the tables it needs and import it as the documentation says.\n\
                 4. Run the app's calls against {base}/v1 and read backend_request_log for those that fail.",
            ),
        }
    }

    /// Where the model is to work, as ids.
    async fn place(&self, project: Option<&str>, environment: Option<&str>) -> String {
        let Some(access) = &self.access else { return String::new() };
        let known = self.reader(access).await;
        let project = project.map(str::to_owned).or(known.project);
        let environment = environment.map(str::to_owned).or(known.environment);
        let project = project.unwrap_or_else(|| "ask me which (backend_project_list)".to_owned());
        let environment = environment.unwrap_or_else(|| "dev".to_owned());
        format!("Organization {}, project {project}, environment {environment}.", access.organization_id)
    }
}

fn cut(text: &str) -> String {
    text.trim().chars().take(MAX_WISH).collect()
}
