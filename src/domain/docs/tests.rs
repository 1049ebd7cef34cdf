//! The rules every page of the corpus keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::domain::error::Code;

/// Prose and code of a page, for counting words and looking for phrases.
fn without_fences(markdown: &str) -> String {
    let mut fenced = false;
    markdown
        .lines()
        .filter(|line| {
            let mark = line.starts_with("```");
            fenced ^= mark;
            !fenced && !mark
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn without_inline_code(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

/// Collects what is wrong with which page, so that one run shows everything.
struct Findings(Vec<String>);

impl Findings {
    fn check(&mut self, holds: bool, page: &Page, message: impl FnOnce() -> String) {
        if !holds {
            self.0.push(format!("{}: {}", page.meta.id, message()));
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
    }
}

#[test]
fn every_file_is_a_page_of_the_list() {
    for path in English::iter() {
        let page = load(&path).unwrap_or_else(|reason| panic!("{path}: {reason}"));
        assert_eq!(format!("{}.md", page.meta.id), path, "id equals the path");
        assert!(PAGES.contains(&page.meta.id.as_str()), "{path} is not in the page list");
    }
    assert_eq!(PAGES.iter().collect::<BTreeSet<_>>().len(), PAGES.len());
}

#[test]
fn front_matter_is_complete() {
    let mut wrong = Findings(Vec::new());
    for page in pages() {
        let meta = &page.meta;
        let body = page.markdown.to_lowercase();
        wrong.check(!meta.title.is_empty() && !meta.ko.title.is_empty(), page, || "a title is empty".into());
        wrong.check((1..=160).contains(&meta.description.chars().count()), page, || format!("description has {} characters", meta.description.chars().count()));
        wrong.check(meta.keywords.len() >= 5, page, || "fewer than 5 keywords".into());
        wrong.check(meta.questions.len() >= 3, page, || "fewer than 3 questions".into());
        wrong.check(meta.ko.keywords.len() >= 5 && meta.ko.questions.len() >= 2, page, || "ko needs 5 keywords and 2 questions".into());
        wrong.check((2..=5).contains(&meta.related.len()), page, || "related needs 2 to 5 pages".into());
        for keyword in &meta.keywords {
            wrong.check(!body.contains(&keyword.to_lowercase()), page, || format!("the text contains the keyword \"{keyword}\""));
        }
        for id in &meta.related {
            wrong.check(PAGES.contains(&id.as_str()) && *id != meta.id, page, || format!("related: {id}"));
        }
        if let Some(name) = &meta.fixture {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs-corpus/fixtures/{name}.json"));
            wrong.check(file.is_file(), page, || format!("no fixture {name}"));
        }
    }
    wrong.none();
}

#[test]
fn pages_and_sections_have_the_length_of_one_subject() {
    let mut wrong = Findings(Vec::new());
    for page in pages() {
        let (least, most) = if page.meta.kind == Kind::Cookbook { (250, 1_000) } else { (250, 1_200) };
        let (prose, all) = (words(&without_fences(&page.markdown)), words(&page.markdown));
        wrong.check(prose >= least && all <= most, page, || format!("{prose} words of prose, {all} in all; {least} to {most}"));
        for section in sections(&page.markdown, 2) {
            let (prose, all) = (words(&without_fences(section.body)), words(section.body));
            wrong.check(prose >= 60 && all <= 400, page, || format!("## {}: {prose} words of prose, {all} in all; 60 to 400", section.heading));
        }
    }
    wrong.none();
}

#[test]
fn the_text_keeps_to_plain_markdown() {
    let mut wrong = Findings(Vec::new());
    for page in pages() {
        let tops: Vec<_> = headings(&page.markdown).into_iter().filter(|(level, ..)| *level == 1).collect();
        wrong.check(tops.len() == 1 && tops[0].1 == page.meta.title && tops[0].2 == 0, page, || "H1 is not the title".into());
        wrong.check(!page.markdown.contains('\t'), page, || "a tab".into());
        wrong.check(page.markdown.ends_with('\n') && !page.markdown.contains("\n```\n\n```\n"), page, || "a fence is not closed".into());
        let prose = without_inline_code(&without_fences(&page.markdown));
        wrong.check(!prose.contains("!["), page, || "an image".into());
        let html = prose.match_indices('<').find(|(at, _)| prose[at + 1..].starts_with(|c: char| c.is_alphabetic() || "/!".contains(c)));
        wrong.check(html.is_none(), page, || format!("raw HTML at {:?}", html.map(|(at, _)| prose[at..].chars().take(30).collect::<String>())));
        wrong.check(page.markdown.lines().filter(|l| l.starts_with("```")).count() % 2 == 0, page, || "an odd number of fence marks".into());
    }
    wrong.none();
}

#[test]
fn no_placeholder_survives() {
    for page in pages() {
        let shown = Placeholders::default().replace(&page.markdown).unwrap_or_else(|error| panic!("{}: {error}", page.meta.id));
        assert!(!shown.contains("@@"), "{}", page.meta.id);
        let front = format!("{:?}", page.meta);
        assert!(!front.contains("@@"), "{}: placeholders are not replaced in front matter", page.meta.id);
    }
}

#[test]
fn cloud_host_names_stand_only_where_they_help_to_move() {
    let allowed = ["local/04-move-an-app", "local/05-import-cloud-export", "storage/11-image-optimization", "troubleshooting/02-connection-issues"];
    for page in pages() {
        assert!(allowed.contains(&page.meta.id.as_str()) || !page.markdown.contains("bkend.ai"), "{}", page.meta.id);
    }
}

/// Links are page ids with an optional anchor, or an anchor of the same page.
#[test]
fn links_lead_somewhere() {
    let mut wrong = Findings(Vec::new());
    for page in pages() {
        for target in without_inline_code(&without_fences(&page.markdown)).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.starts_with("https://") {
                continue;
            }
            let (id, anchor) = target.split_once('#').unwrap_or((target, ""));
            let id = if id.is_empty() { page.meta.id.as_str() } else { id };
            wrong.check(PAGES.contains(&id), page, || format!("link to {target}"));
            if let Some(to) = super::page(id).filter(|_| !anchor.is_empty()) {
                let anchors: BTreeSet<_> = (1..=6).flat_map(|level| sections(&to.markdown, level)).map(|section| section.anchor).collect();
                wrong.check(anchors.contains(anchor), page, || format!("no anchor {target}"));
            }
        }
    }
    wrong.none();
}

#[test]
fn anchors_linked_from_outside_exist() {
    for (id, anchors) in
        [("security/05-rls-policies", &["column-level-permissions", "row-filters"][..]), ("mcp/09-code-generation", &["data-crud", "auth", "storage"])]
    {
        let Some(page) = page(id) else { continue };
        let there: Vec<_> = (2..=6).flat_map(|level| sections(&page.markdown, level)).map(|section| section.anchor).collect();
        assert!(anchors.iter().all(|anchor| there.iter().any(|have| have == anchor)), "{id}: {there:?}");
    }
}

#[test]
fn front_matter_names_the_aliases_of_the_table() {
    for page in pages() {
        let id = page.meta.id.as_str();
        let mut table: Vec<&str> = ALIASES.iter().filter(|(_, targets)| targets.contains(&id)).map(|(alias, _)| *alias).collect();
        let mut front: Vec<&str> = page.meta.aliases.iter().map(String::as_str).collect();
        table.sort_unstable();
        front.sort_unstable();
        assert_eq!(front, table, "{id}");
    }
}

/// Which page owns an identifier; twice owned is a finding.
fn owners<'a>(list: impl Fn(&'a FrontMatter) -> &'a [String]) -> BTreeMap<&'a str, &'a str> {
    let mut owners = BTreeMap::new();
    for page in pages() {
        for name in list(&page.meta) {
            let earlier = owners.insert(name.as_str(), page.meta.id.as_str());
            assert_eq!(earlier, None, "{name} is owned by two pages, one is {}", page.meta.id);
        }
    }
    owners
}

#[test]
fn what_a_page_owns_stands_in_its_text() {
    let mut wrong = Findings(Vec::new());
    for page in pages() {
        let meta = &page.meta;
        for name in meta.errors.iter().chain(&meta.tools).chain(&meta.params) {
            wrong.check(page.markdown.contains(name.as_str()), page, || format!("the text does not mention {name}"));
        }
        for name in &meta.commands {
            wrong.check(page.markdown.contains(name.as_str()), page, || format!("the text does not mention the command {name}"));
        }
        for code in &meta.errors {
            wrong.check(Code::ALL.iter().any(|known| known.name == code), page, || format!("unknown code {code}"));
        }
    }
    wrong.none();
}

/// Chapters of codes whose page is still to be written, and that page.
const WAITING: &[(&str, &str)] = &[
    ("auth/invalid-token", "authentication/20-token-management"),
    ("auth/token-expired", "authentication/20-token-management"),
    ("auth/session-expired", "authentication/10-session-management"),
    ("auth/account-banned", "authentication/15-user-management"),
    ("auth/insufficient-scope", "console/13-management-api"),
    ("common/origin-denied", "console/13-management-api"),
    ("schema/plan-changed", "local/13-schema-files"),
    ("schema/invalid", "local/13-schema-files"),
    ("table/schema-version-not-found", "console/08-schema-editor"),
    ("table/index-version-not-found", "console/09-index-management"),
    ("import/", "local/05-import-cloud-export"),
    ("tenant/", "console/02-signup-login"),
    ("organization/", "console/03-org-management"),
    ("member/", "console/06-team-management"),
    ("project/", "console/04-project-management"),
    ("environment/", "console/05-environment"),
    ("key/", "console/11-api-keys"),
    ("access-token/", "console/11-api-keys"),
    ("session/", "console/13-management-api"),
    ("request/", "console/13-management-api"),
    ("job/", "console/13-management-api"),
    ("snapshot/", "local/06-snapshots"),
    ("management/", "console/13-management-api"),
    ("auth/", "authentication/19-api-reference"),
    ("user/", "authentication/19-api-reference"),
    ("file/", "storage/09-api-reference"),
];

#[test]
fn every_public_code_is_owned_by_a_page() {
    let owned = owners(|meta| &meta.errors);
    let missing: Vec<_> = Code::ALL
        .iter()
        .map(|code| code.name)
        .filter(|code| !owned.contains_key(code))
        .filter(|code| !WAITING.iter().any(|(prefix, owner)| code.starts_with(prefix) && page(owner).is_none()))
        .collect();
    assert!(missing.is_empty(), "no page owns {missing:#?}");
}

/// The routes of the data chapter, as its tables write them.
const DATA_ROUTES: &[&str] = &[
    "POST /v1/data/:table",
    "GET /v1/data/:table",
    "GET /v1/data/:table/:id",
    "PATCH /v1/data/:table/:id",
    "PUT /v1/data/:table/:id",
    "DELETE /v1/data/:table/:id",
    "GET /v1/data/:table/spec",
    "GET /v1/data/:table/openapi",
    "POST /v1/data/:table/query",
    "GET /v1/data/:table/count",
    "POST /v1/data/:table/count",
    "GET /v1/data/:table/aggregate",
    "POST /v1/data/:table/aggregate",
    "POST /v1/data/:table/upsert",
    "POST /v1/data/:table/bulk",
    "PATCH /v1/data/:table",
    "DELETE /v1/data/:table",
    "POST /v1/data/:table/import",
    "GET /v1/data/:table/export",
    "GET /v1/data/:table/changes",
    "GET /v1/changes",
    "POST /v1/transaction",
];

#[test]
fn every_data_route_is_owned_by_a_page() {
    let owned = owners(|meta| &meta.endpoints);
    let missing: Vec<_> = DATA_ROUTES.iter().filter(|route| !owned.contains_key(**route)).collect();
    assert!(missing.is_empty(), "no page owns {missing:#?}");
}

#[test]
fn parameters_and_commands_have_one_owner() {
    owners(|meta| &meta.params);
    owners(|meta| &meta.commands);
    owners(|meta| &meta.tools);
}
