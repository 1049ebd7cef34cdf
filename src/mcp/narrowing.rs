//! What the address of an endpoint leaves of it: `?tools=…&project=…&environment=…&readOnly=true` (`01-mcp.md` §2).

use crate::domain::error::{Error, Result, clip};

/// A group of tools that can be chosen by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolGroup {
    /// Context, documentation, tool schemas.
    Core,
    Project,
    Schema,
    Data,
    Local,
}

impl ToolGroup {
    pub const ALL: [Self; 5] = [Self::Core, Self::Project, Self::Schema, Self::Data, Self::Local];

    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Project => "project",
            Self::Schema => "schema",
            Self::Data => "data",
            Self::Local => "local",
        }
    }
}

/// What a connection is restricted to; by default nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// `None`: every group.
    pub groups: Option<Vec<ToolGroup>>,
    /// Id or slug.
    pub project: Option<String>,
    /// Id or name.
    pub environment: Option<String>,
    pub read_only: bool,
}

impl Narrowing {
    /// Reads the query of the endpoint's address, without `?`; parameters nobody knows are ignored.
    ///
    /// # Errors
    /// `common/invalid-parameters` for an unknown group, and for a `readOnly` that is neither `true` nor `false`.
    pub fn parse(query: &str) -> Result<Self> {
        let mut narrowing = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "tools" => narrowing.groups = groups(&value)?,
                "project" => narrowing.project = text(&value),
                "environment" => narrowing.environment = text(&value),
                "readOnly" => narrowing.read_only = flag(&value)?,
                _ => {}
            }
        }
        Ok(narrowing)
    }

    pub fn offers(&self, group: ToolGroup, read_only: bool) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.contains(&group)) && (read_only || !self.read_only)
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn groups(list: &str) -> Result<Option<Vec<ToolGroup>>> {
    let mut chosen = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let group = ToolGroup::ALL.into_iter().find(|group| group.name() == name);
        chosen.push(group.ok_or_else(|| {
            let message = format!("tools is a comma list of core, project, schema, data and local; \"{}\" is none of them", clip(name));
            Error::invalid_parameter("tools", message)
        })?);
    }
    Ok(Some(chosen).filter(|chosen| !chosen.is_empty()))
}

fn flag(value: &str) -> Result<bool> {
    match value {
        "true" | "1" => Ok(true),
        "" | "false" | "0" => Ok(false),
        other => Err(Error::invalid_parameter("readOnly", format!("readOnly must be true or false, not \"{}\"", clip(other)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_parameters_everything_is_offered() {
        let all = Narrowing::parse("").unwrap();
        assert_eq!(all, Narrowing::default());
        assert!(ToolGroup::ALL.into_iter().all(|group| all.offers(group, false)));
    }

    #[test]
    fn groups_are_a_comma_list_and_read_only_hides_what_changes() {
        let some = Narrowing::parse("tools=core,%20data&readOnly=true&project=my-blog&environment=dev&other=1").unwrap();
        assert_eq!(some.groups, Some(vec![ToolGroup::Core, ToolGroup::Data]));
        assert_eq!((some.project.as_deref(), some.environment.as_deref()), (Some("my-blog"), Some("dev")));
        assert!(some.offers(ToolGroup::Data, true) && !some.offers(ToolGroup::Data, false) && !some.offers(ToolGroup::Schema, true));
    }

    #[test]
    fn unknown_groups_and_flags_are_refused_by_name() {
        for query in ["tools=core,nothing", "readOnly=maybe"] {
            assert!(Narrowing::parse(query).is_err(), "{query}");
        }
    }
}
