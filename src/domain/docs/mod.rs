//! The manual: Markdown pages embedded in the binary, their front matter, placeholders and the ids they are known by.

mod alias;
mod front_matter;
mod markdown;
mod page_list;
mod placeholder;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use rust_embed::RustEmbed;

pub use alias::{ALIASES, resolve};
pub use front_matter::{FrontMatter, Kind, Korean};
pub use markdown::{Fence, Section, fences, headings, sections, slug};
pub use page_list::PAGES;
pub use placeholder::{Placeholders, UnknownPlaceholder};

#[derive(RustEmbed)]
#[folder = "docs-corpus/en/"]
struct English;

/// One page of the manual in one language.
#[derive(Debug)]
pub struct Page {
    pub meta: FrontMatter,
    /// Markdown below the front matter, placeholders not yet replaced.
    pub markdown: String,
}

impl Page {
    /// The page as a reader sees it, placeholders replaced.
    pub fn render(&self, values: &Placeholders) -> String {
        values.replace(&self.markdown).expect("a test knows every placeholder of the corpus")
    }
}

/// Every page, in the order of the table of contents.
pub fn pages() -> &'static [Page] {
    static LIBRARY: LazyLock<Vec<Page>> = LazyLock::new(|| {
        let mut pages: Vec<Page> =
            English::iter().map(|path| load(&path).unwrap_or_else(|reason| unreachable!("a test reads every page: {path}: {reason}"))).collect();
        pages.sort_by_key(|page| PAGES.iter().position(|id| *id == page.meta.id));
        pages
    });
    &LIBRARY
}

/// The page with exactly this id.
pub fn page(id: &str) -> Option<&'static Page> {
    pages().iter().find(|page| page.meta.id == id)
}

fn load(path: &str) -> Result<Page, String> {
    let file = English::get(path).ok_or("not in the binary")?;
    let text = std::str::from_utf8(&file.data).map_err(|error| error.to_string())?;
    let (meta, markdown) = front_matter::split(text)?;
    Ok(Page { meta, markdown: markdown.to_owned() })
}
