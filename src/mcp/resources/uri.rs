//! Addresses of resources, in every generation the documentation has had.

use crate::domain::error::Result;
use crate::domain::page::Page;

/// What an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Organizations,
    Organization(String),
    /// Of one organization, when it is named.
    Projects(Option<String>),
    Project(String),
    Environments(Place),
    Environment(Place),
    Tables(Place),
    Table(Place),
    SchemaVersions(Place),
    IndexVersions(Place),
    AccessTokens,
    AccessToken(String),
    Document(String),
}

/// Where something is, as far as its address says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    pub organization: Option<String>,
    pub project: Option<String>,
    pub environment: Option<String>,
    /// Id or, inside an environment, name.
    pub table: Option<String>,
}

/// An address, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub target: Target,
    /// Lists are bare arrays, as they were under `bkend://orgs`.
    pub bare: bool,
    pub page: Page,
    /// `?lang=` of a document.
    pub lang: Option<String>,
}

/// Items of a list without `?limit=`.
const LIMIT: u32 = 100;

/// Every parameterized address that is published, with its name and what it holds.
pub const TEMPLATES: &[(&str, &str, &str)] = &[
    ("bkend://organizations/{organizationId}", "organization", "One organization"),
    ("bkend://projects/{projectId}", "project", "One project with its environments"),
    ("bkend://environments/{environmentId}", "environment", "One environment"),
    ("bkend://tables/{tableId}", "table", "One table with schema, indexes and permissions"),
    ("bkend://tables/{tableId}/schema/versions", "schema versions", "Schema history of a table"),
    ("bkend://tables/{tableId}/indexes/versions", "index versions", "Index history of a table"),
    ("bkend://access-tokens/{accessTokenId}", "access token", "One API key or personal access token, without its value"),
    ("bkend://docs/{+pageId}", "documentation", "One page of the documentation; ?lang=ko for Korean"),
];

impl Address {
    /// Reads an address; `None` for one that names nothing here.
    ///
    /// # Errors
    /// `common/invalid-parameters` for a bad `page` or `limit`.
    pub fn parse(uri: &str) -> Result<Option<Self>> {
        let Some(rest) = uri.strip_prefix("bkend://") else { return Ok(None) };
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let parameter = |name: &str| query.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let Some((target, bare)) = target(path.trim_end_matches('/')) else { return Ok(None) };
        let limit = parameter("limit").map(str::to_owned).unwrap_or_else(|| LIMIT.to_string());
        let page = Page::parse(parameter("page"), Some(&limit))?;
        Ok(Some(Self { target, bare, page, lang: parameter("lang").map(str::to_owned) }))
    }
}

fn target(path: &str) -> Option<(Target, bool)> {
    if let Some(page) = path.strip_prefix("docs/") {
        return Some((Target::Document(decoded(page)?), false));
    }
    let steps = path.split('/').map(decoded).collect::<Option<Vec<_>>>()?;
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    if steps.iter().any(|step| step.is_empty()) {
        return None;
    }
    let plain = |target: Target| Some((target, false));
    let owned = |text: &str| Some(text.to_owned());
    match *steps.as_slice() {
        ["organizations"] => plain(Target::Organizations),
        ["orgs"] => Some((Target::Organizations, true)),
        ["organizations" | "orgs", id] => plain(Target::Organization(id.to_owned())),
        ["projects"] => plain(Target::Projects(None)),
        ["organizations", id, "projects"] => plain(Target::Projects(owned(id))),
        ["orgs", id, "projects"] => Some((Target::Projects(owned(id)), true)),
        ["projects", id] => plain(Target::Project(id.to_owned())),
        ["environments"] => plain(Target::Environments(Place::default())),
        ["environments", id] => plain(Target::Environment(Place { environment: owned(id), ..Place::default() })),
        ["tables"] => plain(Target::Tables(Place::default())),
        ["tables", id, ref rest @ ..] => of_table(Place { table: owned(id), ..Place::default() }, rest),
        ["access-tokens"] => plain(Target::AccessTokens),
        ["access-tokens", id] => plain(Target::AccessToken(id.to_owned())),
        ["projects", project, "environments", ref rest @ ..] => below_project(Place { project: owned(project), ..Place::default() }, rest, false),
        ["orgs", org, "projects", project, "environments", ref rest @ ..] => {
            below_project(Place { organization: owned(org), project: owned(project), ..Place::default() }, rest, true)
        }
        _ => None,
    }
}

fn below_project(place: Place, rest: &[&str], bare: bool) -> Option<(Target, bool)> {
    let inside = |name: &str| Place { environment: Some(name.to_owned()), ..place.clone() };
    match *rest {
        [] => Some((Target::Environments(place), bare)),
        [environment] => Some((Target::Environment(inside(environment)), false)),
        [environment, "tables"] => Some((Target::Tables(inside(environment)), bare)),
        [environment, "tables", table, ref rest @ ..] => of_table(Place { table: Some(table.to_owned()), ..inside(environment) }, rest),
        _ => None,
    }
}

fn of_table(place: Place, rest: &[&str]) -> Option<(Target, bool)> {
    match *rest {
        [] => Some((Target::Table(place), false)),
        ["schema", "versions"] => Some((Target::SchemaVersions(place), false)),
        ["indexes", "versions"] => Some((Target::IndexVersions(place), false)),
        _ => None,
    }
}

fn decoded(step: &str) -> Option<String> {
    percent_encoding::percent_decode_str(step).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(uri: &str) -> Option<(Target, bool)> {
        Address::parse(uri).unwrap().map(|a| (a.target, a.bare))
    }

    #[test]
    fn every_generation_of_addresses_is_read() {
        let place = Place { project: Some("p".into()), environment: Some("dev".into()), table: Some("posts".into()), ..Place::default() };
        for (uri, target, bare) in [
            ("bkend://organizations", Target::Organizations, false),
            ("bkend://orgs", Target::Organizations, true),
            ("bkend://organizations/o/projects", Target::Projects(Some("o".into())), false),
            ("bkend://orgs/o/projects", Target::Projects(Some("o".into())), true),
            ("bkend://projects/p/environments", Target::Environments(Place { project: Some("p".into()), ..Place::default() }), false),
            ("bkend://projects/p/environments/dev/tables/posts", Target::Table(place.clone()), false),
            ("bkend://projects/p/environments/dev/tables/posts/schema/versions", Target::SchemaVersions(place.clone()), false),
            ("bkend://tables/t/indexes/versions", Target::IndexVersions(Place { table: Some("t".into()), ..Place::default() }), false),
            ("bkend://docs/database/05-list", Target::Document("database/05-list".into()), false),
            ("bkend://docs/database%2F05-list", Target::Document("database/05-list".into()), false),
        ] {
            assert_eq!(target_of(uri), Some((target, bare)), "{uri}");
        }
        let (target, bare) = target_of("bkend://orgs/o/projects/p/environments/e/tables").unwrap();
        assert!(bare && matches!(target, Target::Tables(place) if place.organization.as_deref() == Some("o") && place.environment.as_deref() == Some("e")));
    }

    #[test]
    fn what_names_nothing_is_none_and_bad_pages_are_told() {
        for uri in ["", "http://x", "bkend://", "bkend://nothing", "bkend://tables/t/schema", "bkend://projects//environments", "bkend://tables/%ff"] {
            assert_eq!(target_of(uri), None, "{uri}");
        }
        assert!(Address::parse("bkend://tables?page=0").is_err());
        let address = Address::parse("bkend://tables?page=2&limit=1000").unwrap().unwrap();
        assert_eq!((address.page.number, address.page.limit, address.page.offset), (2, 100, 100));
        assert_eq!(Address::parse("bkend://projects").unwrap().unwrap().page.limit, 100);
    }
}
