//! How well the search finds: a file of queries with the pages they should find, and the figures over it.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::search;
use crate::domain::docs::{self, Lang};

/// Pages of a result that count.
const DEPTH: usize = 10;
/// From this many words on a query may not stand word for word in front matter.
const VERBATIM: usize = 4;

/// One line of a query file.
#[derive(Debug, Deserialize)]
pub struct Query {
    pub query: String,
    /// Only groups the figures.
    pub lang: String,
    /// Every acceptable page, the best one first.
    pub expect: Vec<String>,
}

/// What a query found instead of what was expected first.
#[derive(Debug)]
pub struct Miss {
    pub query: String,
    pub expected: Vec<String>,
    pub found: Vec<&'static str>,
    /// Place of the first acceptable page, from 1, when it is among ten.
    pub place: Option<usize>,
}

/// The figures of one language.
#[derive(Debug)]
pub struct Figures {
    pub lang: Lang,
    pub queries: usize,
    pub hit1: f64,
    pub hit5: f64,
    pub mrr: f64,
    /// Share of queries whose very best page comes first.
    pub best: f64,
    pub misses: Vec<Miss>,
}

#[derive(Debug)]
pub struct Report {
    pub figures: Vec<Figures>,
    pub p50: Duration,
    pub p99: Duration,
}

/// Reads a query file: JSON Lines, blank lines ignored.
///
/// # Errors
/// The number of the first line that is malformed or names a page that does not exist, and why.
pub fn parse(text: &str) -> Result<Vec<Query>, String> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| parse_line(line).map_err(|reason| format!("line {}: {reason}", at + 1))).collect()
}

fn parse_line(line: &str) -> Result<Query, String> {
    let query: Query = serde_json::from_str(line).map_err(|error| error.to_string())?;
    if Lang::parse(&query.lang).is_none() {
        return Err(format!("lang must be en or ko, not \"{}\"", query.lang));
    }
    if query.expect.is_empty() {
        return Err("expect names no page".to_owned());
    }
    match query.expect.iter().find(|id| docs::page(id).is_none()) {
        Some(id) => Err(format!("there is no page \"{id}\"")),
        None => Ok(query),
    }
}

/// Queries of four words or more that stand word for word in front matter: such a file measures nothing.
pub fn verbatim(queries: &[Query]) -> Vec<&str> {
    let flat = |text: &str| text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let front: Vec<String> = docs::pages()
        .iter()
        .flat_map(|page| {
            let meta = &page.meta;
            let lists = [&meta.keywords, &meta.questions, &meta.ko.keywords, &meta.ko.questions];
            lists.into_iter().flatten().chain([&meta.title, &meta.description, &meta.ko.title])
        })
        .map(|line| format!(" {} ", flat(line)))
        .collect();
    let stands = |query: &str| {
        let query = flat(query);
        query.split(' ').count() >= VERBATIM && front.iter().any(|line| line.contains(&format!(" {query} ")))
    };
    queries.iter().map(|query| query.query.as_str()).filter(|query| stands(query)).collect()
}

/// Asks every query, in process, after one round to warm up.
pub fn evaluate(queries: &[Query]) -> Report {
    queries.iter().for_each(|query| drop(search(&query.query, false)));
    let mut times = Vec::with_capacity(queries.len());
    let results: Vec<Vec<&'static str>> = queries
        .iter()
        .map(|query| {
            let begin = Instant::now();
            let found = search(&query.query, false);
            times.push(begin.elapsed());
            found.hits.iter().take(DEPTH).map(|hit| hit.page.meta.id.as_str()).collect()
        })
        .collect();
    times.sort_unstable();
    let percentile = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default();
    let langs = [Lang::En, Lang::Ko].into_iter();
    let figures = langs.map(|lang| figures(lang, queries, &results)).filter(|figures| figures.queries > 0).collect();
    Report { figures, p50: percentile(50), p99: percentile(99) }
}

fn figures(lang: Lang, queries: &[Query], results: &[Vec<&'static str>]) -> Figures {
    let mut out = Figures { lang, queries: 0, hit1: 0.0, hit5: 0.0, mrr: 0.0, best: 0.0, misses: Vec::new() };
    for (query, found) in queries.iter().zip(results).filter(|(query, _)| Lang::parse(&query.lang) == Some(lang)) {
        let place = found.iter().position(|id| query.expect.iter().any(|expected| expected == id)).map(|at| at + 1);
        out.queries += 1;
        out.hit1 += f64::from(u8::from(place == Some(1)));
        out.hit5 += f64::from(u8::from(place.is_some_and(|place| place <= 5)));
        out.mrr += place.map_or(0.0, |place| 1.0 / place as f64);
        out.best += f64::from(u8::from(found.first() == query.expect.first().map(String::as_str).as_ref()));
        if place != Some(1) {
            out.misses.push(Miss { query: query.query.clone(), expected: query.expect.clone(), found: found.iter().take(5).copied().collect(), place });
        }
    }
    let all = out.queries.max(1) as f64;
    [&mut out.hit1, &mut out.hit5, &mut out.mrr, &mut out.best].into_iter().for_each(|sum| *sum /= all);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_line_or_an_unknown_page_is_named_with_its_number() {
        let good = r#"{"query":"x","lang":"en","expect":["database/05-list"],"note":1}"#;
        assert_eq!(parse(&format!("{good}\n\n{good}\n")).unwrap().len(), 2);
        for bad in [
            "{",
            r#"{"query":"x","lang":"en"}"#,
            r#"{"query":"x","lang":"fr","expect":["database/05-list"]}"#,
            r#"{"query":"x","lang":"en","expect":["no/page"]}"#,
            r#"{"query":"x","lang":"en","expect":[]}"#,
        ] {
            assert!(parse(&format!("{good}\n\n{bad}")).unwrap_err().starts_with("line 3: "), "{bad}");
        }
    }

    #[test]
    fn a_query_of_four_words_that_stands_in_front_matter_is_found() {
        let query = |text: &str| Query { query: text.into(), lang: "en".into(), expect: vec![] };
        let page = docs::page("authentication/11-mfa").unwrap();
        let question = page.meta.questions.iter().find(|question| question.split(' ').count() >= 4).unwrap();
        let copied = [query(&question.to_uppercase()), query("a line in no page at all"), query(&page.meta.title)];
        assert_eq!(verbatim(&copied).len(), 1 + usize::from(page.meta.title.split(' ').count() >= VERBATIM));
    }
}
