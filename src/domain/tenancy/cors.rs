//! The origins a project's apps are served from: at most 3, full, without wildcard (`00-conventions.md`, CORS).

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use url::{Origin, Url};
use utoipa::ToSchema;

use super::guard::{self, Need, Role};
use super::projects::change;
use super::version::{Expected, Versioned};
use crate::domain::backend::Backend;
use crate::domain::caller::Tenant;
use crate::domain::error::{Code, Error, Result, clip};
use crate::domain::time;
use crate::store::control::ProjectRow;

const MAX_ORIGINS: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cors {
    /// Scheme, host and port, as browsers write them: `https://shop.example`.
    pub origins: Vec<String>,
}

impl Backend {
    /// # Errors
    /// As [`guard::project`].
    pub async fn cors(self: &Arc<Self>, tenant: &Tenant, project: &str) -> Result<Versioned<Cors>> {
        let (tenant, id) = (tenant.clone(), project.to_owned());
        let access = self.control().read::<_, Error, _>(move |r| guard::project(r, &tenant, &id, Need::read(Role::Member))).await?;
        of(&access.row)
    }

    /// Replaces the list; it holds from the next request on.
    ///
    /// # Errors
    /// As [`guard::project`]; `project/too-many-origins`, `project/invalid-origin`, `management/version-conflict`.
    pub async fn set_cors(self: &Arc<Self>, tenant: &Tenant, project: &str, cors: Cors, expected: &Expected) -> Result<Versioned<Cors>> {
        let (tenant, id, expected) = (tenant.clone(), project.to_owned(), expected.clone());
        let this = Arc::clone(self);
        self.control()
            .write::<_, Error, _>(move |tx| {
                let mut row = guard::project(&tx.reader(), &tenant, &id, Need::write(Role::Member))?.row;
                expected.check(&of(&row)?)?;
                row.cors_origins = serde_json::to_string(&normalised(&cors.origins)?).map_err(Error::internal)?;
                row.updated_at = time::now();
                tx.update_project(&row)?;
                let mut change = change(&row, "updated");
                change.metadata.insert("origins".to_owned(), serde_json::from_str(&row.cors_origins).map_err(Error::internal)?);
                guard::audit(tx, &tenant, change)?;
                let changed = row.clone();
                tx.after_commit(move || this.project_changed(&changed));
                of(&row)
            })
            .await
    }
}

fn of(row: &ProjectRow) -> Result<Versioned<Cors>> {
    Versioned::of(Cors { origins: serde_json::from_str(&row.cors_origins).map_err(Error::internal)? })
}

fn normalised(given: &[String]) -> Result<Vec<String>> {
    let mut origins: Vec<String> = Vec::new();
    for text in given {
        let origin = normal(text).ok_or_else(|| {
            let message =
                format!("\"{}\" is no origin; give scheme, host and optional port without path or wildcard, such as https://shop.example", clip(text));
            Error::new(Code::PROJECT_INVALID_ORIGIN, message)
        })?;
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    if origins.len() > MAX_ORIGINS {
        return Err(Error::new(Code::PROJECT_TOO_MANY_ORIGINS, format!("A project lists at most {MAX_ORIGINS} origins, not {}", origins.len())));
    }
    Ok(origins)
}

/// The form browsers send: lower case, punycode, default port left out; a single slash at the end is forgiven.
fn normal(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && !url.host_str()?.contains('*');
    match url.origin() {
        origin @ Origin::Tuple(..) if bare => Some(origin.ascii_serialization()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_written_as_browsers_send_them() {
        assert_eq!(normal("HTTPS://Shop.Example:443/").as_deref(), Some("https://shop.example"));
        assert_eq!(normal(" http://10.0.0.2:8080 ").as_deref(), Some("http://10.0.0.2:8080"));
        for bad in [
            "",
            "*",
            "https://*.example",
            "https://a.example/path",
            "https://a.example?q",
            "https://u:p@a.example",
            "ftp://a.example",
            "a.example",
            "null",
            "file:///x",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
    }

    #[test]
    fn at_most_three_different_origins() {
        let list = |n: usize| (0..n).map(|i| format!("https://a{i}.example")).collect::<Vec<_>>();
        assert_eq!(normalised(&list(3)).unwrap().len(), 3);
        assert_eq!(normalised(&list(4)).unwrap_err().code(), Code::PROJECT_TOO_MANY_ORIGINS);
        assert_eq!(normalised(&["https://a.example".to_owned(), "https://A.example/".to_owned()]).unwrap().len(), 1);
    }
}
