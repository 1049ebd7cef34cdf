//! The manual: Markdown pages embedded in the binary, their front matter, placeholders and the ids they are known by.

mod alias;
mod front_matter;
mod markdown;
mod page_list;
mod placeholder;
pub mod search;
#[cfg(test)]
mod tests;
pub mod view;

use std::sync::LazyLock;

use rust_embed::RustEmbed;

pub use alias::{ALIASES, resolve};
pub use front_matter::{FrontMatter, Kind, Korean};
pub use markdown::{Fence, Section, divided, fences, headings, sections, slug};
pub use page_list::PAGES;
pub use placeholder::{Placeholders, UnknownPlaceholder};

#[derive(RustEmbed)]
#[folder = "docs-corpus/en/"]
struct English;

/// Pages that exist in Korean too.
#[derive(RustEmbed)]
#[folder = "docs-corpus/ko/"]
#[allow_missing = true]
struct InKorean;

/// A language of the manual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lang {
    En,
    Ko,
}

impl Lang {
    /// `en` or `ko`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("en") { Some(Self::En) } else { text.eq_ignore_ascii_case("ko").then_some(Self::Ko) }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Ko => "ko",
        }
    }
}

/// One page of the manual.
#[derive(Debug)]
pub struct Page {
    pub meta: FrontMatter,
    /// English Markdown below the front matter, placeholders not yet replaced.
    pub markdown: String,
    /// The same page in Korean where there is one, its samples included.
    pub korean: Option<String>,
}

impl Page {
    /// The page as a reader sees it, placeholders replaced.
    pub fn render(&self, values: &Placeholders) -> String {
        self.render_in(Lang::En, values)
    }

    /// The page in this language, or in English where there is no other.
    pub fn render_in(&self, lang: Lang, values: &Placeholders) -> String {
        values.replace(self.text(lang)).expect("a test knows every placeholder of the corpus")
    }

    /// Markdown in this language, or in English; placeholders not yet replaced.
    pub fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ko => self.korean.as_deref().unwrap_or(&self.markdown),
            Lang::En => &self.markdown,
        }
    }

    /// The part of the manual it belongs to: what stands before the first slash of its id.
    pub fn section(&self) -> &str {
        self.meta.id.split('/').next().unwrap_or_default()
    }

    /// Its address in the console.
    pub fn url(&self, lang: Lang, values: &Placeholders) -> String {
        let korean = if lang == Lang::Ko && self.korean.is_some() { "ko/" } else { "" };
        format!("{}/console/docs/{korean}{}", values.base.trim_end_matches('/'), self.meta.id)
    }

    /// The languages it is written in.
    pub fn langs(&self) -> &'static [Lang] {
        if self.korean.is_some() { &[Lang::En, Lang::Ko] } else { &[Lang::En] }
    }

    pub fn title(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.meta.title,
            Lang::Ko => &self.meta.ko.title,
        }
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
    let korean = InKorean::get(path).map(|file| load_korean(&file.data, markdown)).transpose()?;
    Ok(Page { meta, markdown: markdown.to_owned(), korean })
}

/// A Korean page is its Markdown; front matter is the English page's, what stands above the text is left out. `@@SAMPLE:NAME@@`
/// on a line of its own stands for the code block of that name in the English page.
fn load_korean(data: &[u8], english: &str) -> Result<String, String> {
    let text = std::str::from_utf8(data).map_err(|error| error.to_string())?;
    let text = match text.strip_prefix("---\n") {
        Some(rest) => rest.split_once("\n---\n").ok_or("the front matter is not closed by ---")?.1.trim_start_matches('\n'),
        None => text,
    };
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.trim().strip_prefix("@@SAMPLE:").and_then(|rest| rest.strip_suffix("@@")) {
            Some(name) => out.push_str(&sample(english, name).ok_or_else(|| format!("no sample {name} in the English page"))?),
            None => out.push_str(line),
        }
    }
    Ok(out)
}

/// The code block called `name` by `sample=`, `same=` or `answers=`; `js:name` picks one by its language.
fn sample(english: &str, name: &str) -> Option<String> {
    let (language, name) = name.split_once(':').map_or((None, name), |(language, name)| (Some(language), name));
    let fence = markdown::fences(english).into_iter().find(|fence| {
        let mut words = fence.info.split_whitespace();
        let speaks = language.is_none_or(|language| fence.info.split_whitespace().next() == Some(language));
        speaks && words.any(|word| ["sample=", "same=", "answers="].iter().any(|key| word.strip_prefix(key) == Some(name)))
    })?;
    Some(format!("```{}\n{}```\n", fence.info, fence.code))
}
