//! The table of contents, and titles near to what was asked.

use std::fmt::Write as _;

use super::excerpt::length;
use super::text;
use crate::domain::docs::{self, Lang, Page};

/// All pages by section within `space` characters; chapters of cookbooks are counted where there is no space for their titles.
pub fn table(head: &str, lang: Lang, space: usize) -> String {
    let last = "\nOne page, whole: search for its id, as in `getting-started/02-quickstart`.";
    for short in [false, true] {
        let out = format!("{head}{}{last}", listed(lang, short));
        if length(&out) <= space || short {
            return out;
        }
    }
    unreachable!("the short form is always taken")
}

fn listed(lang: Lang, short: bool) -> String {
    let mut out = String::from("### Contents\n");
    let mut section = "";
    for page in docs::pages() {
        let id = page.meta.id.as_str();
        let (this, slug) = id.split_once('/').unwrap_or((id, id));
        if this != section {
            section = this;
            let _ = write!(out, "\n**{section}/**\n");
        }
        // A book is found by its first page.
        if short && section == "cookbooks" && !slug.ends_with("README") {
            continue;
        }
        let _ = writeln!(out, "`{slug}` {}", page.title(lang));
    }
    out
}

/// The pages whose titles look most like the query.
pub fn nearest(query: &str, most: usize) -> Vec<&'static Page> {
    let query = text::normalise(query).to_lowercase();
    let query: String = query.chars().take(200).collect();
    let near = |title: &str| strsim::sorensen_dice(&query, &title.to_lowercase());
    let mut pages: Vec<(f64, &Page)> = docs::pages().iter().map(|page| (near(&page.meta.title).max(near(&page.meta.ko.title)), page)).collect();
    pages.sort_by(|a, b| b.0.total_cmp(&a.0));
    pages.into_iter().take(most).map(|(_, page)| page).collect()
}
