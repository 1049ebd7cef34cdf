//! Search over the manual: one engine for MCP, console, management API and command line.

mod answer;
mod concepts;
mod contents;
mod corpus;
pub mod eval;
pub mod excerpt;
mod hangul;
mod identifiers;
mod index;
mod listing;
mod query;
mod rank;
mod routes;
mod snippet;
#[cfg(test)]
mod tests;
mod text;
mod vocabulary;
mod weights;

pub use answer::answer;
pub use contents::nearest;
pub use listing::{ListedPage, ListedSection, listed};
pub use rank::Hit;

use std::collections::HashSet;
use std::sync::LazyLock;

use super::Lang;
use text::Word;

/// Characters of a query that are read.
pub const MAX_QUERY: usize = 2_000;

/// Words that only make a question or hold a sentence together.
const EMPTY: &str = "\
    a about after all also am an and any anyone are as at be been being best but by can cannot cant could did do does doing dont each \
    else for from had has have having he help here how i id if ill im in into is isnt it its ive just kind know let lets like make \
    makes may me might must my need no not now of on only or other our out please really should show so some someone something sort \
    still such tell than that the their them then there they thing things this to too up us use used using very want was way ways we \
    were what whats when where which while who why will with would you your possible explain work works thanks hi hello bkend";

static EMPTY_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| EMPTY.split_whitespace().collect());

/// What a query found.
#[derive(Debug)]
pub struct Found {
    /// Every page that matches, best first.
    pub hits: Vec<Hit>,
    /// Whether the query was cut at [`MAX_QUERY`].
    pub cut: bool,
    /// Stems and syllable pairs the query looks for.
    marks: HashSet<String>,
}

/// Whether nothing is asked: spaces, punctuation, emoji.
pub fn blank(query: &str) -> bool {
    !text::normalise(query).chars().any(char::is_alphanumeric)
}

/// The language to show for a query: Korean when there is Hangul in it.
pub fn lang_of(query: &str) -> Lang {
    if text::normalise(query).chars().any(text::is_hangul) { Lang::Ko } else { Lang::En }
}

/// Ranks the manual's pages for a query. With `prefix` the last word may be the beginning of one. The first call builds the
/// index, which takes some hundred milliseconds: call from a thread that may wait.
pub fn search(query: &str, prefix: bool) -> Found {
    let library = index::library();
    let cut = query.chars().nth(MAX_QUERY).is_some();
    let query: String = query.chars().take(MAX_QUERY).collect();
    let plan = query::plan(&text::normalise(&query), prefix, library);
    Found { hits: rank::rank(&plan, library), cut, marks: plan.marks }
}

fn empty_word(word: &Word) -> bool {
    if word.hangul { hangul::empty(&word.text) || hangul::empty(hangul::stripped(&word.text)) } else { EMPTY_WORDS.contains(word.text.as_str()) }
}

/// A word as pairs of neighbours write it.
fn bare(word: &Word) -> String {
    if word.hangul { hangul::stripped(&word.text).to_owned() } else { text::stem(&word.text) }
}
