//! `docs`: the manual on the terminal, without server and data directory.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::exit::{Exit, Failure, Result};
use super::output::{Output, write_stdout};
use crate::domain::docs::search::eval::{self, Figures, Report};
use crate::domain::docs::search::{self, excerpt};
use crate::domain::docs::{self, Lang, Placeholders, view};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  bkend-local docs search \"who may read a table\"\n  bkend-local docs show getting-started/02-quickstart")]
pub enum Docs {
    /// Search the manual
    #[command(after_help = "Example:\n  bkend-local docs search \"reset a password\"\n  bkend-local docs search data/permission-denied --limit 1")]
    Search(SearchDocs),
    /// Print one page by its id
    #[command(after_help = "Example:\n  bkend-local docs show database/08-filtering\n  bkend-local docs show 11-mfa --lang ko")]
    Show(ShowDocs),
    /// List all pages
    #[command(after_help = "Example:\n  bkend-local docs list")]
    List(ListDocs),
    /// Measure the search with a file of queries
    #[command(
        after_help = "Example:\n  bkend-local docs eval queries.jsonl --min en.hit1=0.85,ko.mrr=0.87\n\nA line of FILE: {\"query\": \"…\", \"lang\": \"en\", \"expect\": [\"page/id\", …]}"
    )]
    Eval(EvalDocs),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Language {
    En,
    Ko,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Ko => Self::Ko,
        }
    }
}

#[derive(Debug, Args)]
pub struct SearchDocs {
    /// Words, an identifier, a page id or a pasted error
    #[arg(value_name = "QUERY", required = true, num_args = 1.., allow_negative_numbers = true)]
    query: Vec<String>,
    /// Language of the text shown [default: that of the query]
    #[arg(long)]
    lang: Option<Language>,
    /// Pages, 1 to 5
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

#[derive(Debug, Args)]
pub struct ShowDocs {
    /// Id, earlier id or unique end of an id; #anchor for one section
    #[arg(value_name = "ID")]
    id: String,
    /// Language, where the page has it
    #[arg(long, default_value = "en")]
    lang: Language,
}

#[derive(Debug, Args)]
pub struct ListDocs {
    /// Language of the titles
    #[arg(long, default_value = "en")]
    lang: Language,
}

#[derive(Debug, Args)]
pub struct EvalDocs {
    /// Queries, one JSON object a line
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    /// Goals: LANG.hit1, hit5, mrr or best, and the least value
    #[arg(long, value_name = "en.hit1=0.70,…", value_delimiter = ',')]
    min: Vec<String>,
}

pub fn run(output: &Output, command: &Docs) -> Result<()> {
    match command {
        Docs::Search(search) => search_docs(output, search),
        Docs::Show(show) => show_docs(output, show),
        Docs::List(list) => list_docs(output, list.lang.into()),
        Docs::Eval(eval) => eval_docs(output, eval),
    }
}

fn search_docs(output: &Output, search: &SearchDocs) -> Result<()> {
    let query = search.query.join(" ");
    let lang = search.lang.map(Lang::from);
    let values = Placeholders::default();
    if !output.json {
        return write_stdout(&search::answer(&query, Some(search.limit), lang.map(Lang::as_str), &values));
    }
    let limit = search.limit.min(5) as usize;
    let items = search::listed(&search::search(&query, false), limit, lang.unwrap_or_else(|| search::lang_of(&query)), &values);
    write_stdout(&json!({ "items": items }).to_string())
}

fn show_docs(output: &Output, show: &ShowDocs) -> Result<()> {
    let (lang, values) = (show.lang.into(), Placeholders::default());
    let unknown =
        |_| Failure::new(Exit::NotFound, "docs/page-not-found", format!("The manual has no page \"{}\"; bkend-local docs list shows them all", show.id));
    let page = view::view(&show.id, lang, &values).map_err(unknown)?;
    let (_, anchor) = docs::resolve(&show.id);
    let text = match anchor.as_deref().and_then(|anchor| view::part(&page.markdown, anchor)) {
        Some(part) => part,
        None => page.markdown.clone(),
    };
    output.result(&serde_json::to_value(&page).map_err(|error| Failure::unexpected("The page cannot be written", error))?, |_| excerpt::clean(&text))
}

fn list_docs(output: &Output, lang: Lang) -> Result<()> {
    let contents = view::contents();
    let document = serde_json::to_value(&contents).map_err(|error| Failure::unexpected("The contents cannot be written", error))?;
    let rows = || {
        docs::pages()
            .iter()
            .map(|page| vec![page.meta.id.clone(), page.title(lang).to_owned(), page.langs().iter().map(|lang| lang.as_str()).collect::<Vec<_>>().join(" ")])
    };
    output.result(&document, |output| output.table(&["ID", "TITLE", "LANG"], rows().collect()))
}

fn eval_docs(output: &Output, command: &EvalDocs) -> Result<()> {
    let goals: Vec<Goal> = command.min.iter().filter(|text| !text.is_empty()).map(|text| Goal::parse(text)).collect::<Result<_>>()?;
    let name = command.file.display();
    let text = std::fs::read_to_string(&command.file).map_err(|error| Failure::usage(format!("{name} cannot be read: {error}")))?;
    let queries = eval::parse(&text).map_err(|reason| Failure::usage(format!("{name}, {reason}")))?;
    let copied = eval::verbatim(&queries);
    let report = eval::evaluate(&queries);
    output.result(&document(&report), |output| printed(&report, output))?;
    if !copied.is_empty() {
        let details = copied.iter().map(|query| json!({ "message": query })).collect();
        return Err(Failure::new(Exit::Data, "cli/eval-verbatim", "Queries stand word for word in front matter").details(details));
    }
    let below: Vec<Value> = goals.iter().filter_map(|goal| goal.missed(&report)).map(|message| json!({ "message": message })).collect();
    if below.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Data, "cli/eval-below-minimum", "The search is below its goals").details(below)) }
}

/// One `LANG.FIGURE=VALUE` of `--min`.
struct Goal {
    lang: Lang,
    figure: String,
    least: f64,
}

impl Goal {
    fn parse(text: &str) -> Result<Self> {
        let refuse = || Failure::usage(format!("--min {text}: write it as en.hit1=0.70; figures are hit1, hit5, mrr and best"));
        let (name, value) = text.split_once('=').ok_or_else(refuse)?;
        let (lang, figure) = name.trim().split_once('.').ok_or_else(refuse)?;
        let least = value.trim().parse::<f64>().ok().filter(|least| (0.0..=1.0).contains(least)).ok_or_else(refuse)?;
        let lang = Lang::parse(lang).filter(|_| ["hit1", "hit5", "mrr", "best"].contains(&figure)).ok_or_else(refuse)?;
        Ok(Self { lang, figure: figure.to_owned(), least })
    }

    /// What to say when the goal is not reached, or the file has no query in its language.
    fn missed(&self, report: &Report) -> Option<String> {
        let name = format!("{}.{}", self.lang.as_str(), self.figure);
        let Some(figures) = report.figures.iter().find(|figures| figures.lang == self.lang) else { return Some(format!("{name}: the file has no such query")) };
        let value = match self.figure.as_str() {
            "hit1" => figures.hit1,
            "hit5" => figures.hit5,
            "mrr" => figures.mrr,
            _ => figures.best,
        };
        (value < self.least).then(|| format!("{name} is {value:.3}, at least {:.3} is asked", self.least))
    }
}

fn milliseconds(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn document(report: &Report) -> Value {
    let figures = report.figures.iter().map(|f| {
        let misses: Vec<Value> =
            f.misses.iter().map(|miss| json!({ "query": miss.query, "expected": miss.expected, "found": miss.found, "place": miss.place })).collect();
        (f.lang.as_str().to_owned(), json!({ "queries": f.queries, "hit1": f.hit1, "hit5": f.hit5, "mrr": f.mrr, "best": f.best, "misses": misses }))
    });
    json!({ "languages": figures.collect::<serde_json::Map<_, _>>(), "latencyMs": { "p50": milliseconds(report.p50), "p99": milliseconds(report.p99) } })
}

fn printed(report: &Report, output: &Output) -> String {
    let share = |value: f64| format!("{value:.3}");
    let row = |f: &Figures| vec![f.lang.as_str().to_owned(), f.queries.to_string(), share(f.hit1), share(f.hit5), share(f.mrr), share(f.best)];
    let mut out = output.table(&["LANG", "QUERIES", "HIT@1", "HIT@5", "MRR", "BEST FIRST"], report.figures.iter().map(row).collect());
    out.push_str(&format!("\n\nlatency p50 {:.2} ms, p99 {:.2} ms\n", milliseconds(report.p50), milliseconds(report.p99)));
    for miss in report.figures.iter().flat_map(|f| &f.misses) {
        let place = miss.place.map_or_else(|| "not among 10".to_owned(), |place| format!("at {place}"));
        out.push_str(&format!("\n{} ({place})\n  expected {}\n  found    {}\n", miss.query, miss.expected.join(", "), miss.found.join(", ")));
    }
    out.trim_end().to_owned()
}
