//! Reading a resource: the same JSON as the matching tool, under the same scope.

use rmcp::model::{ErrorCode, ErrorData, ReadResourceResult, ResourceContents};
use serde_json::{Map, Value, json};

use super::uri::{Address, Place, Target};
use crate::domain::docs;
use crate::domain::error::{Code, Error};
use crate::mcp::Connection;
use crate::mcp::tools::{Answer, Call, Input, Tool, carry_out, in_scope};

/// Scope missing, as a protocol error.
const FORBIDDEN: ErrorCode = ErrorCode(-32001);

impl Connection {
    /// # Errors
    /// `-32002` with `data.uri` for what is not there, `-32001` with `data.requiredScope` outside the scope, `-32602` for
    /// a bad `page` or `limit`.
    pub async fn read_resource(&self, uri: &str) -> Result<ReadResourceResult, ErrorData> {
        let address = Address::parse(uri).map_err(|error| self.protocol_error(&error))?.ok_or_else(|| missing(uri, "There is no resource with this URI"))?;
        if let Target::Document(id) = &address.target {
            return self.document(uri, id, address.lang.as_deref()).await;
        }
        let text = self.json_resource(uri, &address).await?;
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type("application/json")]))
    }

    async fn json_resource(&self, uri: &str, address: &Address) -> Result<String, ErrorData> {
        let Some(access) = &self.access else { return Err(missing(uri, "Without sign-in only bkend://docs/… is readable")) };
        let (tool, arguments) = operation(address);
        let tool = Tool::named(tool).ok_or_else(|| missing(uri, "There is no resource with this URI"))?;
        if let Err(error) = in_scope(access, tool.scope) {
            return Err(forbidden(uri, tool.scope, &error));
        }
        let input = Input::read(tool, arguments).map_err(|error| self.protocol_error(&error))?;
        let mut call = Call { connection: self, access, tool, input };
        let answer = match carry_out(&mut call).await {
            Ok(answer) => answer,
            Err(error) if error.code().status == 404 => return Err(missing(uri, error.message())),
            Err(error) if error.code().status == 403 => return Err(forbidden(uri, tool.scope, &error)),
            Err(error) => return Err(self.protocol_error(&error)),
        };
        match answer {
            Answer::Json(mut value) if address.bare => Ok(value["items"].take().to_string()),
            Answer::Json(value) => Ok(value.to_string()),
            Answer::Markdown(text) => Ok(text),
        }
    }

    /// A page of the documentation, whole.
    async fn document(&self, uri: &str, id: &str, lang: Option<&str>) -> Result<ReadResourceResult, ErrorData> {
        let (found, _) = docs::resolve(id);
        let page = found.first().and_then(|id| docs::page(id)).ok_or_else(|| missing(uri, "No page of the documentation has this id"))?;
        let lang = lang.and_then(docs::Lang::parse).unwrap_or(docs::Lang::En);
        let values = match &self.access {
            Some(access) => self.reader(access).await,
            None => docs::Placeholders { base: self.base.clone(), ..docs::Placeholders::default() },
        };
        Ok(ReadResourceResult::new(vec![ResourceContents::text(page.render_in(lang, &values), uri).with_mime_type("text/markdown")]))
    }
}

fn missing(uri: &str, message: &str) -> ErrorData {
    ErrorData::new(ErrorCode::RESOURCE_NOT_FOUND, message.to_owned(), Some(json!({ "uri": uri })))
}

fn forbidden(uri: &str, scope: Option<&str>, error: &Error) -> ErrorData {
    let mut data = json!({ "uri": uri, "code": error.code().name });
    if error.code() == Code::INSUFFICIENT_SCOPE {
        data["requiredScope"] = scope.unwrap_or_default().into();
    }
    ErrorData::new(FORBIDDEN, error.message().to_owned(), Some(data))
}

/// The tool that answers an address, and its arguments.
fn operation(address: &Address) -> (&'static str, Map<String, Value>) {
    let one = |name: &str, id: &str| Map::from_iter([(name.to_owned(), Value::from(id))]);
    let (tool, mut arguments) = match &address.target {
        Target::Organizations => ("backend_org_list", Map::new()),
        Target::Organization(id) => ("backend_org_get", one("organizationId", id)),
        Target::Projects(organization) => ("backend_project_list", organization.as_ref().map_or_else(Map::new, |id| one("organizationId", id))),
        Target::Project(id) => ("backend_project_get", one("projectId", id)),
        Target::Environments(place) => ("backend_env_list", of_place(place)),
        Target::Environment(place) => ("backend_env_get", of_place(place)),
        Target::Tables(place) => ("backend_table_list", of_place(place)),
        Target::Table(place) => ("backend_table_get", of_place(place)),
        Target::SchemaVersions(place) => ("backend_schema_version_list", of_place(place)),
        Target::IndexVersions(place) => ("backend_index_version_list", of_place(place)),
        Target::AccessTokens => ("backend_access_token_list", Map::new()),
        Target::AccessToken(id) => ("backend_access_token_get", one("accessTokenId", id)),
        Target::Document(_) => ("search_docs", Map::new()),
    };
    if tool.ends_with("_list") && tool != "backend_org_list" {
        arguments.insert("page".to_owned(), address.page.number.into());
        arguments.insert("limit".to_owned(), address.page.limit.into());
    }
    (tool, arguments)
}

/// Inside an environment, a table goes by its name; an environment goes by either.
fn of_place(place: &Place) -> Map<String, Value> {
    let alone = place.project.is_none();
    let named = [
        ("organizationId", &place.organization),
        ("projectId", &place.project),
        (if alone { "environmentId" } else { "environment" }, &place.environment),
        (if alone { "tableId" } else { "tableName" }, &place.table),
    ];
    named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.clone()?)))).collect()
}
