//! Paths of the API as the manual writes them, found again whatever stands in their variable places.

use std::collections::BTreeSet;

const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The routes some page owns, as templates.
#[derive(Debug, Default)]
pub struct Routes(Vec<Vec<Segment>>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    Variable,
}

impl Routes {
    /// From `METHOD /path/:variable`, or paths alone.
    pub fn new<'a>(endpoints: impl Iterator<Item = &'a str>) -> Self {
        let templates: BTreeSet<Vec<Segment>> = endpoints.filter_map(|endpoint| segments(split_method(endpoint).1)).collect();
        Self(templates.into_iter().filter(|template| template.iter().any(|segment| matches!(segment, Segment::Literal(_)))).collect())
    }

    /// The one way a path is written in index and query: `/data/*/*`; of several templates the most literal one.
    pub fn canonical(&self, path: &str) -> Option<String> {
        let short = path.to_ascii_lowercase().contains("v1/");
        let path = segments(path)?;
        // `/v1/posts` is short for `/v1/data/posts`.
        self.best(&path).or_else(|| self.best(&[&[Segment::Literal("data".into())], path.as_slice()].concat()).filter(|_| short))
    }

    fn best(&self, path: &[Segment]) -> Option<String> {
        let literals = |template: &Vec<Segment>| template.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count();
        let best =
            self.0.iter().filter(|template| matches(template, path)).max_by_key(|template| (literals(template), std::cmp::Reverse((*template).clone())))?;
        Some(written(best))
    }
}

/// The method in front of a path, in lower case, and the path.
pub fn split_method(text: &str) -> (Option<String>, &str) {
    match text.trim().split_once(char::is_whitespace) {
        Some((method, path)) if METHODS.contains(&method) => (Some(method.to_lowercase()), path.trim()),
        _ => (None, text.trim()),
    }
}

/// Whether a text with slashes is the path of a request; `data/not-found` is not.
pub fn is_path(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.starts_with('/') || lower.matches('/').count() > 1 || lower.starts_with("v1/") || lower.contains("/v1/") || lower.contains("://")
}

pub fn is_method(word: &str) -> bool {
    METHODS.contains(&word)
}

fn matches(template: &[Segment], path: &[Segment]) -> bool {
    template.len() == path.len()
        && template.iter().zip(path).all(|(a, b)| match (a, b) {
            (Segment::Literal(a), Segment::Literal(b)) => a == b,
            (Segment::Literal(_), Segment::Variable) => false,
            (Segment::Variable, _) => true,
        })
        && template.iter().zip(path).any(|(a, b)| a == b && *a != Segment::Variable)
}

fn written(template: &[Segment]) -> String {
    template.iter().fold(String::new(), |out, segment| match segment {
        Segment::Literal(text) => out + "/" + text,
        Segment::Variable => out + "/*",
    })
}

/// The segments of a path or URL behind host and `/v1`, without query and fragment. `None` when nothing is left.
fn segments(path: &str) -> Option<Vec<Segment>> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let version = parts.iter().position(|part| part.eq_ignore_ascii_case("v1"));
    let management = version.is_some_and(|at| at > 0 && parts[at - 1].eq_ignore_ascii_case("management"));
    let rest = parts.into_iter().skip(version.map_or(0, |at| at + 1)).map(segment);
    let all: Vec<Segment> = management.then(|| Segment::Literal("management".into())).into_iter().chain(rest).collect();
    (!all.is_empty()).then_some(all)
}

fn segment(part: &str) -> Segment {
    let variable = part.starts_with([':', '{', '<', '$', '*', '[']);
    if variable { Segment::Variable } else { Segment::Literal(part.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_with_method_host_query_and_anything_in_its_variable_places() {
        let routes = Routes::new(
            ["GET /v1/data/:table/:id", "POST /v1/data/:table/query", "GET /v1/auth/:provider/authorize", "POST /v1/auth/email/signin"].into_iter(),
        );
        for path in
            ["/v1/data/posts/65f0c0ffee", "/data/{table}/{id}", "http://localhost:4300/v1/data/a/:id?x=1", "https://x/v1/data/T/9#f", "v1/data/<t>/$id/"]
        {
            assert_eq!(routes.canonical(path).as_deref(), Some("/data/*/*"), "{path}");
        }
        assert_eq!(routes.canonical("/v1/data/posts/query").as_deref(), Some("/data/*/query"));
        assert_eq!(routes.canonical("/V1/AUTH/Email/SignIn").as_deref(), Some("/auth/email/signin"));
        assert_eq!(routes.canonical("/v1/auth/google/authorize").as_deref(), Some("/auth/*/authorize"));
        assert_eq!(routes.canonical("/v1/posts/65f0c0ffee").as_deref(), Some("/data/*/*"));
        for path in ["/v1/unknown", "/", "", "/v1", "/users/me/app/src", "/posts/1"] {
            assert_eq!(routes.canonical(path), None, "{path}");
        }
    }
}
