//! Carrying out a call: what may be asked, then what is asked.

use rmcp::model::{CallToolRequestParams, CallToolResult, ErrorData};

use super::answer::Answer;
use super::call::Call;
use super::catalog::{INDEX_ROLLBACK, PAGE_TOOLS, Tool};
use super::hints::{APPROVE, look_up};
use super::input::Input;
use super::{core, environments, local, organizations, projects, records, snapshots, tables, tokens, versions};
use crate::domain::caller::Via;
use crate::domain::error::{Code, Error, Result};
use crate::domain::oauth::McpAccess;
use crate::mcp::Connection;

impl Connection {
    /// Calls a tool. What goes wrong inside is a result too, so that the model sees it.
    ///
    /// # Errors
    /// `-32602` for a tool there is not, or that this connection does not offer; `-32603` for a bug.
    pub async fn call_tool(&self, params: CallToolRequestParams) -> std::result::Result<CallToolResult, ErrorData> {
        let Some(tool) = Tool::named(&params.name).filter(|tool| self.offers(tool)) else {
            return Err(ErrorData::invalid_params(self.no_such_tool(&params.name), None));
        };
        let mut arguments = params.arguments.unwrap_or_default();
        if PAGE_TOOLS.contains(&&*params.name) {
            arguments.insert("query".to_owned(), params.name.clone().into());
        }
        let Some(access) = &self.access else {
            let answered = match Input::read(tool, arguments) {
                Ok(input) => core::search(self, &input, Default::default()).await,
                Err(error) => Err(error),
            };
            return Ok(match answered {
                Ok(text) => self.success(Answer::Markdown(text), Vec::new()),
                Err(error) => self.refusal(&error, &look_up(tool)),
            });
        };
        if let Via::Mcp(grant) = &access.tenant.via {
            self.backend.note_mcp_call(&grant.id, tool.name);
        }
        if let Err(error) = in_scope(access, tool.scope) {
            return Ok(self.refusal(&error, APPROVE));
        }
        let input = match Input::read(tool, arguments) {
            Ok(input) => input,
            Err(error) => return Ok(self.refusal(&error, &look_up(tool))),
        };
        let mut call = Call { connection: self, access, tool, input };
        match carry_out(&mut call).await {
            Ok(answer) => Ok(self.success(answer, call.input.warnings)),
            Err(error) if error.code() == Code::INTERNAL_ERROR => Err(self.bug(&error)),
            Err(error) => Ok(self.refusal(&error, &call.hint(&error).await)),
        }
    }

    fn no_such_tool(&self, name: &str) -> String {
        let near = self.offered().map(|tool| (strsim::damerau_levenshtein(tool.name, name), tool.name)).min();
        let hint = near.filter(|(distance, near)| *distance <= near.len() / 3).map_or_else(String::new, |(_, near)| format!("; did you mean {near}?"));
        format!("There is no tool \"{}\" here{hint}", crate::domain::error::clip(name))
    }
}

/// Whether a scope was granted.
///
/// # Errors
/// 403 `auth/insufficient-scope`, naming it and the granted ones.
pub fn in_scope(access: &McpAccess, scope: Option<&str>) -> Result<()> {
    match scope {
        Some(scope) if !access.scopes.allow(scope) => {
            let message = format!("This needs the scope {scope}, which was not granted; granted are: {}", access.scopes);
            Err(Error::new(Code::INSUFFICIENT_SCOPE, message).with("requiredScope", scope))
        }
        _ => Ok(()),
    }
}

/// Does what the call asks for.
///
/// # Errors
/// Those of the operation.
pub async fn carry_out(call: &mut Call<'_>) -> Result<Answer> {
    call.same_organization()?;
    Ok(Answer::Json(match call.tool.name {
        "get_context" => return call.connection.context(call.access).await.map(Answer::Markdown),
        "search_docs" => return core::search_docs(call).await.map(Answer::Markdown),
        "get_operation_schema" => core::operation_schema(call)?,
        "backend_org_list" => organizations::list(call).await?,
        "backend_org_get" => organizations::get(call).await?,
        "backend_project_list" => projects::list(call).await?,
        "backend_project_get" => projects::get(call).await?,
        "backend_project_create" => projects::create(call).await?,
        "backend_project_update" => projects::update(call).await?,
        "backend_project_delete" => projects::delete(call).await?,
        "backend_env_list" => environments::list(call).await?,
        "backend_env_get" => environments::get(call).await?,
        "backend_env_create" => environments::create(call).await?,
        "backend_env_delete" => environments::delete(call).await?,
        "backend_access_token_list" => tokens::list(call).await?,
        "backend_access_token_get" => tokens::get(call).await?,
        "backend_api_key_create" => tokens::create_key(call).await?,
        "backend_table_list" => tables::list(call).await?,
        "backend_table_get" => tables::get(call).await?,
        "backend_table_create" => tables::create(call).await?,
        "backend_table_update" => tables::update(call).await?,
        "backend_table_delete" => tables::delete(call).await?,
        "backend_field_manage" => versions::manage_fields(call).await?,
        "backend_index_manage" => versions::manage_indexes(call).await?,
        "backend_schema_version_list" => versions::list_schemas(call).await?,
        "backend_schema_version_get" => versions::get_schema(call).await?,
        "backend_schema_version_apply" => versions::apply_schema(call).await?,
        "backend_index_version_list" => versions::list_indexes(call).await?,
        "backend_index_version_get" => versions::get_indexes(call).await?,
        INDEX_ROLLBACK => versions::apply_indexes(call).await?,
        "backend_data_list" => records::list(call).await?,
        "backend_data_get" => records::get(call).await?,
        "backend_data_create" => records::create(call).await?,
        "backend_data_update" => records::update(call).await?,
        "backend_data_delete" => records::delete(call).await?,
        "backend_data_seed" => local::seed(call).await?,
        "backend_mail_list" => local::mail(call).await?,
        "backend_user_list" => local::users(call).await?,
        "backend_request_log" => local::request_log(call).await?,
        "backend_env_snapshot" => snapshots::snapshot(call).await?,
        "backend_env_restore" => snapshots::restore(call).await?,
        other => return Err(Error::internal(format!("the tool {other} has no operation"))),
    }))
}
