//! The names pages were known by, and the forms in which people and models write an id.

use super::PAGES;

/// Earlier id, and the pages it leads to, best first.
pub const ALIASES: &[(&str, &[&str])] = &[
    ("0_get_context", &["mcp/06-context"]),
    ("5_get_operation_schema", &["mcp/11-api-reference"]),
    ("1_concepts", &["getting-started/04-core-concepts", "database/02-data-model"]),
    ("2_tutorial", &["getting-started/02-quickstart"]),
    ("3_howto_implement_auth", &["authentication/21-auth-form-patterns", "authentication/20-token-management"]),
    ("4_howto_implement_data_crud", &["database/12-crud-app-patterns"]),
    ("6_code_examples_auth", &["mcp/09-code-generation", "authentication/21-auth-form-patterns"]),
    ("7_code_examples_data", &["mcp/09-code-generation", "database/12-crud-app-patterns"]),
    ("ai-tools/01", &["mcp/01-overview"]),
    ("ai-tools/02", &["mcp/04-protocol"]),
    ("ai-tools/03", &["mcp/05-oauth"]),
    ("ai-tools/04", &["mcp/02-setup"]),
    ("ai-tools/05", &["mcp/03-usage"]),
    ("ai-tools/06", &["mcp/02-setup"]),
    ("ai-tools/07", &["mcp/03-usage"]),
    ("ai-tools/08", &["mcp/02-setup"]),
    ("ai-tools/09", &["mcp/02-setup"]),
    ("ai-tools/10", &["mcp/02-setup"]),
    ("ai-tools/11", &["mcp/06-context"]),
    ("ai-tools/12", &["mcp/08-table-tools"]),
    ("ai-tools/13", &["mcp/09-code-generation"]),
    ("ai-tools/14", &["mcp/09-code-generation"]),
    ("ai-tools/15", &["mcp/10-resources"]),
    ("mcp/02-context", &["mcp/06-context"]),
    ("mcp/03-project-tools", &["mcp/07-project-tools"]),
    ("mcp/04-table-tools", &["mcp/08-table-tools"]),
    ("mcp/05-data-tools", &["mcp/12-data-tools"]),
    ("mcp/06-auth-tools", &["mcp/09-code-generation"]),
    ("mcp/07-storage-tools", &["mcp/09-code-generation"]),
    ("mcp/08-resources", &["mcp/10-resources"]),
    ("mcp/09-api-reference", &["mcp/11-api-reference"]),
    ("getting-started/02-quick-start", &["getting-started/02-quickstart"]),
    ("getting-started/03-core-concepts", &["getting-started/04-core-concepts"]),
    ("guides/10-custom-domain", &["local/11-network"]),
    ("cookbooks/live-demos", &["cookbooks/README"]),
    ("cookbooks/blog/01-quick-start", &["cookbooks/blog/quick-start"]),
    ("cookbooks/blog/full-guide/00-overview", &["cookbooks/blog/README"]),
    ("cookbooks/recipe-app/01-quick-start", &["cookbooks/recipe-app/quick-start"]),
    ("cookbooks/recipe-app/full-guide/00-overview", &["cookbooks/recipe-app/README"]),
    ("cookbooks/shopping-mall/01-quick-start", &["cookbooks/shopping-mall/quick-start"]),
    ("cookbooks/shopping-mall/full-guide/00-overview", &["cookbooks/shopping-mall/README"]),
    ("cookbooks/social-network/01-quick-start", &["cookbooks/social-network/quick-start"]),
    ("cookbooks/social-network/full-guide/00-overview", &["cookbooks/social-network/README"]),
];

/// The pages a text names, and the anchor behind `#`: an id or alias in any case, with a leading `en/`, `ko/` or `/`, a trailing
/// `.md`, as the end of a URL, or a bare slug that only one page has. Empty when the text is no id.
pub fn resolve(text: &str) -> (Vec<&'static str>, Option<String>) {
    let lower = text.trim().to_lowercase();
    let (path, anchor) = match lower.split_once('#') {
        Some((path, anchor)) if !anchor.is_empty() => (path, Some(anchor.to_owned())),
        Some((path, _)) => (path, None),
        None => (lower.as_str(), None),
    };
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".md").unwrap_or(path);
    let found = match path.split_once("://") {
        Some((_, rest)) => rest.match_indices('/').map(|(at, _)| named(&rest[at + 1..])).find(|pages| !pages.is_empty()).unwrap_or_default(),
        None => {
            let path = path.strip_prefix('/').unwrap_or(path);
            named(path.strip_prefix("en/").or_else(|| path.strip_prefix("ko/")).unwrap_or(path))
        }
    };
    let anchor = if found.is_empty() { None } else { anchor };
    (found, anchor)
}

fn named(id: &str) -> Vec<&'static str> {
    if let Some(page) = PAGES.iter().find(|page| page.eq_ignore_ascii_case(id)) {
        return vec![page];
    }
    let numbered = |alias: &str| alias.starts_with("ai-tools/") && id.strip_prefix(alias).is_some_and(|rest| rest.starts_with('-'));
    if let Some((_, pages)) = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(id) || numbered(alias)) {
        return pages.to_vec();
    }
    let mut same_slug = PAGES.iter().filter(|page| !id.contains('/') && page.rsplit('/').next().is_some_and(|slug| slug.eq_ignore_ascii_case(id)));
    match (same_slug.next(), same_slug.next()) {
        (Some(page), None) => vec![page],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(text: &str) -> Vec<&'static str> {
        resolve(text).0
    }

    #[test]
    fn an_id_is_accepted_in_every_form() {
        for form in [
            "database/08-filtering",
            "Database/08-Filtering",
            "/en/database/08-filtering.md",
            "ko/database/08-filtering",
            "http://localhost:4300/console/docs/database/08-filtering",
            "https://docs.example/en/database/08-filtering.md",
            "08-filtering",
        ] {
            assert_eq!(pages(form), ["database/08-filtering"], "{form}");
        }
        assert_eq!(resolve("security/05-rls-policies#row-filters"), (vec!["security/05-rls-policies"], Some("row-filters".into())));
    }

    #[test]
    fn an_alias_works_wherever_an_id_does() {
        assert_eq!(pages("4_howto_implement_data_crud"), ["database/12-crud-app-patterns"]);
        assert_eq!(pages("en/1_concepts.md"), ["getting-started/04-core-concepts", "database/02-data-model"]);
        assert_eq!(pages("ai-tools/12-table-tools"), ["mcp/08-table-tools"]);
        assert_eq!(pages("guides/10-custom-domain"), ["local/11-network"]);
    }

    #[test]
    fn what_is_no_id_names_no_page() {
        for text in ["", "#", "01-overview", "readme", "how do I filter", "database", "x/database/08-filtering"] {
            assert!(pages(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn aliases_lead_to_pages_and_hide_none() {
        for (alias, targets) in ALIASES {
            assert!(!PAGES.contains(alias), "{alias}");
            assert!(targets.iter().all(|target| PAGES.contains(target)), "{alias}");
        }
    }
}
