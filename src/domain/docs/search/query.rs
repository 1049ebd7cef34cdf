//! A query in words becomes groups: each is one thing asked for, with everything that may mean it.

use std::collections::HashSet;

use tantivy::Term;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, EmptyQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};

use super::identifiers::{self, Chunk, Shape};
use super::index::{self, Fields, Library};
use super::text::{self, Word};
use super::{bare, concepts, empty_word, hangul, routes, weights as w};

/// Words that count beside identifiers, the rarest of them.
const MOST_WORDS: usize = 64;
/// Identifiers that count.
const MOST_NAMES: usize = 64;
/// Words a query may have before the costly corrections stop.
const MOST_CORRECTED: usize = 16;

/// What was asked, ready to be ranked.
pub struct Plan {
    pub groups: Vec<Group>,
    /// Stems and syllable pairs to look for when the best place of a text is shown.
    pub marks: HashSet<String>,
    /// Whether it speaks of something that went wrong: a code, a 4xx or 5xx status, a word of failure.
    pub failure: bool,
    /// Concepts and stems of the words, for the subjects of cookbooks.
    pub subjects: HashSet<String>,
}

pub struct Group {
    pub query: Box<dyn Query>,
    pub weight: f32,
    /// Whether it is a word: of those, common ones count less.
    pub word: bool,
}

/// Something that may be meant: its token, and how much it counts beside the word itself.
struct Alternative {
    /// All of them together; each has its share.
    tokens: Vec<String>,
    weight: f32,
}

impl Alternative {
    fn one(token: impl Into<String>, weight: f32) -> Self {
        Self { tokens: vec![token.into()], weight }
    }
}

/// Reads a normalised query. `prefix`: the last word may be the beginning of one.
pub fn plan(text: &str, prefix: bool, library: &Library) -> Plan {
    let names = names(text, prefix, library);
    let pasted = pasted(text);
    let mut plan = Plan { groups: Vec::new(), marks: HashSet::new(), failure: names.code, subjects: HashSet::new() };
    let words = words(text, &names, pasted);
    let last = prefix.then(|| text.chars().last()).flatten().filter(|c| c.is_alphanumeric()).and_then(|_| words.last().map(|read| read.word.range.clone()));
    let words = corrected(words, last.as_ref(), library);
    let meant = meant(&words, last.as_ref(), library, &mut plan);
    let meant = rarest(meant, library);
    // A pasted failure without a code is told by its words, not by the request that failed.
    let told = pasted && !names.code && plan.failure;
    let share = match names.groups.is_empty() {
        true => 1.0,
        false if pasted && !told => w::WORDS_OF_PASTED,
        false => w::WORDS_BESIDE_NAMES,
    };
    // A name in camel case is marked where it stands, whole.
    plan.marks.extend(text::words(text).into_iter().filter(|word| !word.parts.is_empty()).map(|word| text::stem(&word.text)));
    for (tokens, weight) in &names.groups {
        let weight = if told { weight * w::REQUEST_OF_FAILURE } else { *weight };
        plan.groups.push(Group { query: named(tokens, library.fields), weight, word: false });
    }
    plan.groups.extend(meant.into_iter().map(|(_, alternatives, weight)| Group {
        query: worded(&alternatives, library.fields),
        weight: weight * share,
        word: true,
    }));
    plan.groups.extend(neighbours(&words, library.fields, share));
    plan
}

/// Something copied from a terminal, a log or a browser rather than typed.
fn pasted(text: &str) -> bool {
    let marks = ["{\"", "{ \"", "curl ", "://", "Error:", "error:", "\n", "    at ", "HTTP/"];
    text.chars().count() > 240 || marks.iter().any(|mark| text.contains(mark))
}

/// Identifiers of a query that the manual knows.
struct Names {
    /// The tokens that stand for one identifier, and its weight.
    groups: Vec<(Vec<String>, f32)>,
    /// Bytes of the query they cover.
    ranges: Vec<std::ops::Range<usize>>,
    code: bool,
}

fn names(text: &str, prefix: bool, library: &Library) -> Names {
    let chunks = identifiers::chunks(text);
    let alone = chunks.len() == 1;
    let paste = pasted(text);
    let mut out = Names { groups: Vec::new(), ranges: Vec::new(), code: false };
    let mut seen = HashSet::new();
    let method = method(text, &chunks);
    for (at, chunk) in chunks.iter().enumerate() {
        let range = chunk.start..chunk.start + chunk.text.len();
        let asked = before(text, chunk.start) == Some('`') || (matches!(before(text, chunk.start), Some('?' | '&')) && text[range.end..].starts_with('='));
        if let Some((tokens, length)) = command(&chunks[at..], library) {
            let end = &chunks[at + length - 1];
            remember(&mut out, &mut seen, tokens, w::TOOL, chunk.start..end.start + end.text.len());
            continue;
        }
        if chunk.shape == Shape::Word && !alone && !asked {
            continue;
        }
        let Some((tokens, weight, code)) = known(chunk, method.as_deref(), library) else {
            let begun = prefix && range.end == text.len() && chunk.shape != Shape::Word;
            let completed = if begun { library.vocabulary.identifiers(&identifiers::canonical(chunk.text), 8) } else { Vec::new() };
            if !completed.is_empty() {
                remember(&mut out, &mut seen, completed, w::PARAMETER, range);
                continue;
            }
            // Where something was pasted, paths of files and addresses nobody knows say nothing.
            if paste && chunk.shape == Shape::Path {
                out.ranges.push(range);
            }
            continue;
        };
        if chunk.shape == Shape::Word && alone && weight < w::PARAMETER {
            continue;
        }
        if paste && identifiers::boilerplate(chunk.text) {
            out.ranges.push(range);
            continue;
        }
        out.code |= code;
        remember(&mut out, &mut seen, tokens, weight, range);
    }
    if out.code && paste {
        // The code of a pasted error decides; what else stands in the body only helps.
        out.groups.iter_mut().filter(|(_, weight)| *weight < w::CODE).for_each(|(_, weight)| *weight *= w::BESIDE_CODE);
    }
    out.groups.truncate(MOST_NAMES);
    out
}

fn before(text: &str, at: usize) -> Option<char> {
    text[..at].chars().next_back()
}

fn remember(out: &mut Names, seen: &mut HashSet<String>, tokens: Vec<String>, weight: f32, range: std::ops::Range<usize>) {
    out.ranges.push(range);
    if seen.insert(tokens.join(" ")) {
        out.groups.push((tokens, weight));
    }
}

/// The method of a request: named, or what curl sends.
fn method(text: &str, chunks: &[Chunk<'_>]) -> Option<String> {
    if let Some(named) = chunks.iter().find(|chunk| routes::is_method(chunk.text)) {
        return Some(named.text.to_lowercase());
    }
    text.contains("curl ")
        .then(|| if chunks.iter().any(|chunk| matches!(chunk.text, "-d" | "--data" | "--data-raw" | "--json")) { "post".into() } else { "get".into() })
}

/// A command of several words, as front matter lists it, with or without the program's name: its token and its chunks.
fn command(chunks: &[Chunk<'_>], library: &Library) -> Option<(Vec<String>, usize)> {
    let skip = usize::from(chunks.first().is_some_and(|chunk| chunk.text.eq_ignore_ascii_case("bkend-local")));
    (1..=3.min(chunks.len().saturating_sub(skip))).rev().filter(|length| *length + skip > 1).find_map(|length| {
        let joined = |from: usize| identifiers::canonical(&chunks[from..skip + length].iter().map(|chunk| chunk.text).collect::<String>());
        let tokens: Vec<String> = [joined(0), joined(skip)].into_iter().filter(|token| library.commands.contains(token)).collect();
        (!tokens.is_empty()).then_some((tokens, skip + length))
    })
}

/// The tokens of an identifier that some page owns or names, its weight, and whether it is an error code.
fn known(chunk: &Chunk<'_>, method: Option<&str>, library: &Library) -> Option<(Vec<String>, f32, bool)> {
    let lower = chunk.text.to_lowercase();
    if library.codes.contains(&lower) {
        return Some((vec![identifiers::canonical(&lower)], w::CODE, true));
    }
    if chunk.text.contains('_') && chunk.text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
        let slug = lower.replace('_', "-");
        let mut codes: Vec<&String> = library.codes.iter().filter(|code| code.split('/').nth(1) == Some(slug.as_str())).collect();
        codes.sort_by_key(|code| (!code.starts_with("data/"), (*code).clone()));
        if let Some(code) = codes.first() {
            return Some((vec![identifiers::canonical(code)], w::CODE, true));
        }
    }
    if routes::is_path(chunk.text)
        && let Some(path) = library.routes.canonical(chunk.text)
    {
        let with_method = method.map(|method| format!("{method}:{path}"));
        return Some((with_method.into_iter().chain([path]).collect(), w::ROUTE, false));
    }
    let forms: Vec<String> = index::names_of(chunk.text, &library.routes);
    let owned: Vec<String> = forms.iter().filter(|form| library.owned.contains(*form)).take(1).cloned().collect();
    if !owned.is_empty() {
        let tool = lower.starts_with("backend_") || lower.contains('/');
        return Some((owned, if tool { w::TOOL } else { w::PARAMETER }, false));
    }
    let named: Vec<String> = forms.into_iter().filter(|form| library.named.contains(form)).take(1).collect();
    (!named.is_empty() && chunk.shape != Shape::Word).then_some((named, w::MENTION, false))
}

/// The words outside the identifiers. Where nothing else is left, words that say little count too.
fn words(text: &str, names: &Names, pasted: bool) -> Vec<Read> {
    let inside = |word: &Word| names.ranges.iter().any(|range| range.start <= word.range.start && word.range.end <= range.end);
    let all = text::words(text);
    let outside: Vec<Word> = all.iter().filter(|word| !inside(word)).filter(|word| !(pasted && identifiers::boilerplate(&word.text))).cloned().collect();
    let words = if outside.is_empty() && names.groups.is_empty() { all } else { outside };
    let lost = names.groups.is_empty() && words.iter().all(empty_word);
    words.into_iter().map(|word| Read { empty: !lost && empty_word(&word), word, corrections: Vec::new() }).collect()
}

/// A word of the query.
struct Read {
    word: Word,
    /// Says little alone, but may be part of a phrase.
    empty: bool,
    /// What a word the manual does not know may have meant.
    corrections: Vec<String>,
}

fn corrected(words: Vec<Read>, last: Option<&std::ops::Range<usize>>, library: &Library) -> Vec<Read> {
    let mut left = MOST_CORRECTED;
    let mut out = Vec::with_capacity(words.len());
    for mut read in words {
        let text = &read.word.text;
        let begun = last == Some(&read.word.range) && !library.vocabulary.completions(text, 1).is_empty();
        if read.word.hangul || read.empty || begun || left == 0 || library.vocabulary.knows(text) {
            out.push(read);
            continue;
        }
        left -= 1;
        read.corrections = library.vocabulary.corrections(text);
        let near = read.corrections.first().is_some_and(|word| strsim::osa_distance(word, text) == 1);
        if !near && let Some((a, b)) = library.vocabulary.halves(text) {
            let word = read.word;
            out.extend([a, b].map(|half| Read { word: Word { text: half, parts: Vec::new(), ..word.clone() }, empty: false, corrections: Vec::new() }));
            continue;
        }
        out.push(read);
    }
    out
}

/// Each word with all that may be meant by it.
fn meant(words: &[Read], last: Option<&std::ops::Range<usize>>, library: &Library, plan: &mut Plan) -> Vec<(String, Vec<Alternative>, f32)> {
    let plain: Vec<Word> = words.iter().map(|read| Word { text: read.corrections.first().unwrap_or(&read.word.text).clone(), ..read.word.clone() }).collect();
    let mut found = concepts::find(&plain);
    let (mut flat, mut origin) = (Vec::new(), Vec::new());
    for (at, word) in plain.iter().enumerate() {
        for part in index::flattened(word) {
            flat.push(part);
            origin.push(at);
        }
    }
    if flat.len() > plain.len() {
        found.extend(concepts::find(&flat).into_iter().map(|f| concepts::Found { name: f.name, words: origin[f.words.start]..origin[f.words.end - 1] + 1 }));
    }
    let mut out = Vec::new();
    for (at, read) in words.iter().enumerate() {
        if read.empty {
            continue;
        }
        let covering: Vec<&concepts::Found> = found.iter().filter(|found| found.words.contains(&at)).collect();
        // In "log in" and "sign up" the word alone means something else.
        let phrasal = |found: &&&concepts::Found| found.words.len() > 1 && found.words.clone().all(|other| other == at || words[other].empty);
        let phrase = covering.iter().find(phrasal).map(|found| found.words.clone());
        let covering: Vec<&concepts::Found> =
            covering.into_iter().filter(|found| phrase.as_ref().is_none_or(|phrase| found.words == *phrase || found.words.len() > phrase.len())).collect();
        for concept in &covering {
            plan.subjects.insert(format!("~{}", concept.name));
            plan.failure |= matches!(concept.name, "error" | "forbidden" | "unauthorized" | "notfound" | "refused" | "timeout" | "conflict");
        }
        let word = &read.word;
        let mut alternatives: Vec<Alternative> = covering
            .iter()
            .map(|concept| Alternative::one(format!("~{}", concept.name), if concept.words.len() > 1 { w::PHRASE } else { w::SYNONYM }))
            .collect();
        if word.hangul {
            let bare = hangul::stripped(&word.text);
            let grams: Vec<String> = hangul::grams(bare);
            plan.marks.extend(grams.iter().cloned());
            alternatives.push(Alternative::one(bare, 1.0));
            alternatives.push(Alternative { tokens: grams.into_iter().map(|gram| format!("2:{gram}")).collect(), weight: w::GRAMS });
        } else {
            plan.failure |= word.text.len() == 3 && word.text.starts_with(['4', '5']) && word.text.bytes().all(|b| b.is_ascii_digit());
            alternatives.push(Alternative::one(text::stem(&word.text), if phrase.is_some() { w::IN_PHRASE } else { 1.0 }));
            if !word.parts.is_empty() {
                alternatives.push(Alternative { tokens: word.parts.iter().map(|part| text::stem(part)).collect(), weight: w::PARTS });
            }
            for correction in &read.corrections {
                alternatives.push(Alternative::one(text::stem(correction), w::CORRECTED));
            }
        }
        if last == Some(&word.range) {
            let completed = library.vocabulary.completions(&word.text, 24);
            alternatives.extend(completed.iter().map(|word| {
                Alternative::one(if word.chars().any(text::is_hangul) { hangul::stripped(word).to_owned() } else { text::stem(word) }, w::COMPLETED)
            }));
            plan.marks.extend(completed.iter().map(|word| text::stem(word)));
        }
        for alternative in &alternatives {
            plan.marks.extend(alternative.tokens.iter().filter(|token| !token.starts_with("2:")).cloned());
            plan.subjects.extend(alternative.tokens.iter().cloned());
        }
        let compound = covering.iter().filter(|concept| concept.words == (at..at + 1)).count();
        let weight = if word.hangul && compound > 1 { w::COMPOUND } else { 1.0 };
        out.push((bare(word), alternatives, weight));
    }
    out
}

/// The same word counts once, and of very many the rarest.
fn rarest(mut words: Vec<(String, Vec<Alternative>, f32)>, library: &Library) -> Vec<(String, Vec<Alternative>, f32)> {
    let mut seen = HashSet::new();
    words.retain(|(word, ..)| seen.insert(word.clone()));
    if words.len() > MOST_WORDS {
        words.sort_by_cached_key(|(word, ..)| library.vocabulary.count(word));
        words.truncate(MOST_WORDS);
    }
    words
}

/// Words that stand side by side in the query and in a title, keyword, question or heading.
fn neighbours(words: &[Read], fields: Fields, share: f32) -> Vec<Group> {
    let stems: Vec<String> = words.iter().filter(|read| !read.empty).map(|read| bare(&read.word)).collect();
    let pairs = stems.windows(2).take(MOST_WORDS).map(|pair| pair.join("+"));
    pairs.map(|pair| Group { query: term(fields.pairs, &pair), weight: w::NEIGHBOURS * share, word: false }).collect()
}

fn term(field: Field, token: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, token), IndexRecordOption::WithFreqs))
}

fn boosted(query: Box<dyn Query>, boost: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, boost))
}

/// An identifier: owned, named in text, or in code.
fn named(tokens: &[String], fields: Fields) -> Box<dyn Query> {
    let mut any: Vec<Box<dyn Query>> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        // The first form is the exact one, a route with its method.
        let exact = if at == 0 { 1.0 } else { w::LOOSER };
        any.push(boosted(term(fields.owned, token), w::OWNED * exact));
        any.push(boosted(term(fields.named, token), w::NAMED * exact));
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(any, w::TIE))
}

/// A word: the best of its meanings in the best of the fields.
fn worded(alternatives: &[Alternative], fields: Fields) -> Box<dyn Query> {
    let mut any: Vec<Box<dyn Query>> = Vec::new();
    for alternative in alternatives {
        let share = alternative.weight / alternative.tokens.len().max(1) as f32;
        for (field, boost) in weighted(fields) {
            let mut each: Vec<Box<dyn Query>> = alternative.tokens.iter().map(|token| term(field, token)).collect();
            let query = match each.len() {
                0 => Box::new(EmptyQuery) as Box<dyn Query>,
                1 => each.remove(0),
                _ => Box::new(BooleanQuery::new(each.into_iter().map(|query| (Occur::Should, query)).collect())),
            };
            any.push(boosted(query, boost * share));
        }
    }
    Box::new(DisjunctionMaxQuery::with_tie_breaker(any, w::TIE))
}

fn weighted(fields: Fields) -> [(Field, f32); 8] {
    [
        (fields.title, w::TITLE),
        (fields.keywords, w::KEYWORDS),
        (fields.questions, w::QUESTIONS),
        (fields.heading, w::HEADING),
        (fields.summary, w::SUMMARY),
        (fields.parts, w::PART),
        (fields.body, w::BODY),
        (fields.code, w::CODE_BLOCK),
    ]
}
