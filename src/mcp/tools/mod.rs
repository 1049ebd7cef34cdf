//! Tools: what is listed, and what a call does.

mod answer;
mod argument;
mod call;
mod catalog;
mod core;
mod environments;
mod hints;
mod input;
mod local;
mod organizations;
mod projects;
mod records;
mod run;
mod shape;
mod snapshots;
mod tables;
mod tokens;
mod versions;

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, ListToolsResult, ToolAnnotations};

pub(super) use answer::Answer;
pub(super) use call::Call;
pub(super) use catalog::Tool;
pub(super) use input::Input;
pub(super) use run::{carry_out, in_scope};

use super::Connection;

impl Tool {
    pub(super) fn input_schema(&self) -> JsonObject {
        argument::input_schema(self.arguments, self.body)
    }

    pub(super) fn output_schema(&self) -> Option<JsonObject> {
        self.answer.schema()
    }

    fn published(&self, structured: bool) -> rmcp::model::Tool {
        let annotations = ToolAnnotations::from_raw(
            Some(self.title.to_owned()),
            Some(self.hints.read_only()),
            Some(self.hints.destructive()),
            Some(self.hints.idempotent()),
            Some(false),
        );
        let mut tool = rmcp::model::Tool::new(Cow::Borrowed(self.name), Cow::Borrowed(self.description), Arc::new(self.input_schema()));
        tool.annotations = Some(annotations);
        if structured {
            tool.title = Some(self.title.to_owned());
            tool.output_schema = self.output_schema().map(Arc::new);
        }
        tool
    }
}

/// Every listed tool as it is published: made once, since clients ask for the whole list in every session.
static STRUCTURED: LazyLock<Vec<rmcp::model::Tool>> = LazyLock::new(|| catalog::listed().map(|tool| tool.published(true)).collect());
/// The same for versions of the protocol without titles and output schemas.
static PLAIN: LazyLock<Vec<rmcp::model::Tool>> = LazyLock::new(|| catalog::listed().map(|tool| tool.published(false)).collect());

impl Connection {
    /// The tools this connection offers, in fixed order; what a caller may do with them is decided call by call.
    pub fn tools(&self) -> ListToolsResult {
        let published = if self.is_structured() { &*STRUCTURED } else { &*PLAIN };
        let offered = published.iter().filter(|tool| catalog::Tool::named(&tool.name).is_some_and(|tool| self.offers(tool)));
        ListToolsResult::with_all_items(offered.cloned().collect())
    }

    fn offered(&self) -> impl Iterator<Item = &'static Tool> {
        catalog::listed().filter(|tool| self.offers(tool))
    }

    /// Without somebody who signed in, the documentation only.
    fn offers(&self, tool: &Tool) -> bool {
        if self.access.is_none() {
            return tool.name == "search_docs";
        }
        self.narrowing.offers(tool.group, tool.hints.read_only())
    }
}
