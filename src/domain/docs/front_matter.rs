//! The YAML block on top of a page: what the page is called, asked for by, and owns.

use serde::Deserialize;

/// What sort of page it is; search ranks by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Concept,
    Howto,
    Reference,
    Cookbook,
    Troubleshooting,
}

/// How Korean readers ask for an English page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Korean {
    pub title: String,
    pub keywords: Vec<String>,
    pub questions: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontMatter {
    /// Path of the page below its language: `section/NN-slug`.
    pub id: String,
    pub title: String,
    /// At most 160 characters.
    pub description: String,
    pub kind: Kind,
    /// Words people use for the subject that the text itself does not contain.
    pub keywords: Vec<String>,
    pub questions: Vec<String>,
    pub ko: Korean,
    /// `METHOD /path/:variable`; like the four lists below, only what this page owns.
    #[serde(default)]
    pub endpoints: Vec<String>,
    #[serde(default)]
    pub errors: Vec<String>,
    #[serde(default)]
    pub tools: Vec<String>,
    #[serde(default)]
    pub params: Vec<String>,
    #[serde(default)]
    pub commands: Vec<String>,
    /// Earlier ids that lead here.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Where to go next: two to five page ids.
    pub related: Vec<String>,
    /// Name of the data set the samples start from.
    pub fixture: Option<String>,
}

/// Cuts a file into its front matter and the Markdown below.
pub(super) fn split(text: &str) -> Result<(FrontMatter, &str), String> {
    let rest = text.strip_prefix("---\n").ok_or("the first line is not ---")?;
    let (yaml, markdown) = rest.split_once("\n---\n").ok_or("the front matter is not closed by ---")?;
    let meta = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
    Ok((meta, markdown.trim_start_matches('\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = "---\nid: a/01-b\ntitle: T\ndescription: D\nkind: howto\nkeywords: [x]\nquestions: [y]\nko:\n  title: 제목\n  keywords: []\n  questions: []\nrelated: []\n---\n\n# T\n";

    #[test]
    fn a_page_is_front_matter_and_markdown() {
        let (meta, markdown) = split(MINIMAL).unwrap();
        assert_eq!((meta.id.as_str(), meta.kind, markdown), ("a/01-b", Kind::Howto, "# T\n"));
        assert!(meta.endpoints.is_empty() && meta.fixture.is_none());
    }

    #[test]
    fn a_missing_or_unknown_field_is_an_error() {
        assert!(split(&MINIMAL.replace("title: T\n", "")).is_err());
        assert!(split(&MINIMAL.replace("kind: howto", "kind: essay")).is_err());
        assert!(split(&MINIMAL.replace("related: []", "related: []\nauthor: x")).is_err());
        assert!(split("# T\n").is_err());
        assert!(split("---\nid: a\n").is_err());
    }
}
