//! The index: one document per section with the fields of its page, and the words corrections are chosen from.

use std::collections::HashSet;
use std::sync::LazyLock;

use tantivy::directory::RamDirectory;
use tantivy::schema::{Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, IndexReader, Searcher, SingleSegmentIndexWriter, TantivyDocument};

use super::corpus::{self, Section};
use super::routes::{self, Routes};
use super::vocabulary::Vocabulary;
use super::{concepts, hangul, identifiers, text};
use crate::domain::docs::{self, Page};

/// Bytes the writer may use while the index is built; freed afterwards.
const WRITER_MEMORY: usize = 16 << 20;

/// The fields of the schema. Identifier fields hold whole names, the others words.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// Identifiers of the page's front matter.
    pub owned: Field,
    /// Identifiers in backticks in the section.
    pub named: Field,
    pub title: Field,
    pub keywords: Field,
    pub questions: Field,
    pub summary: Field,
    pub heading: Field,
    pub parts: Field,
    pub body: Field,
    pub code: Field,
    /// Neighbouring words of title, keywords, questions and headings.
    pub pairs: Field,
}

/// Everything a query needs.
pub struct Library {
    pub sections: Vec<Section>,
    pub searcher: Searcher,
    pub fields: Fields,
    pub routes: Routes,
    pub vocabulary: Vocabulary,
    /// Canonical names some page owns, and those that stand in backticks somewhere.
    pub owned: HashSet<String>,
    pub named: HashSet<String>,
    /// Commands of the command line, canonical.
    pub commands: HashSet<String>,
    /// Error codes, whole.
    pub codes: HashSet<String>,
    _reader: IndexReader,
}

/// The library, built when first asked for.
pub fn library() -> &'static Library {
    static LIBRARY: LazyLock<Library> = LazyLock::new(|| build().expect("an index of embedded pages in memory can be built"));
    &LIBRARY
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default().set_tokenizer("whitespace").set_index_option(IndexRecordOption::WithFreqs);
    let options = TextOptions::default().set_indexing_options(indexing);
    let mut field = |name: &str| builder.add_text_field(name, options.clone());
    let fields = Fields {
        owned: field("owned"),
        named: field("named"),
        title: field("title"),
        keywords: field("keywords"),
        questions: field("questions"),
        summary: field("summary"),
        heading: field("heading"),
        parts: field("parts"),
        body: field("body"),
        code: field("code"),
        pairs: field("pairs"),
    };
    (builder.build(), fields)
}

/// Identifiers a page owns, as its front matter writes them.
fn owned_by(page: &Page) -> impl Iterator<Item = &str> {
    let meta = &page.meta;
    [&meta.endpoints, &meta.errors, &meta.tools, &meta.params, &meta.commands].into_iter().flatten().map(String::as_str)
}

fn build() -> tantivy::Result<Library> {
    let (schema, fields) = schema();
    let mut writer: SingleSegmentIndexWriter = Index::builder().schema(schema).single_segment_index_writer(RamDirectory::create(), WRITER_MEMORY)?;
    let routes = Routes::new(docs::pages().iter().flat_map(|page| page.meta.endpoints.iter().map(String::as_str)));
    let sections = corpus::sections();
    let mut vocabulary = Vocabulary::default();
    let (mut owned, mut named) = (HashSet::new(), HashSet::new());
    let of_pages: Vec<PageFields> = docs::pages().iter().map(|page| PageFields::of(page, &routes, &mut vocabulary)).collect();
    for page in &of_pages {
        owned.extend(page.owned.iter().cloned());
    }
    for section in &sections {
        let mut document = TantivyDocument::default();
        of_pages[section.page].add_to(&mut document, fields);
        let mine = SectionFields::of(section, &routes, &mut vocabulary);
        named.extend(mine.named.iter().cloned());
        mine.add_to(&mut document, fields, &of_pages[section.page]);
        writer.add_document(document)?;
    }
    let index = writer.finalize()?;
    let reader = index.reader()?;
    let owned_codes = docs::pages().iter().flat_map(|page| page.meta.errors.iter().cloned());
    let codes = owned_codes.chain(sections.iter().flat_map(|section| section.inline.iter().filter(|name| identifiers::is_code(name)).cloned())).collect();
    let commands = docs::pages().iter().flat_map(|page| page.meta.commands.iter().map(|name| identifiers::canonical(name))).collect();
    vocabulary.finish();
    Ok(Library { sections, searcher: reader.searcher(), fields, routes, vocabulary, owned, named, commands, codes, _reader: reader })
}

/// What every section of a page shares.
struct PageFields {
    owned: Vec<String>,
    title: String,
    keywords: String,
    questions: String,
    summary: String,
    parts: Vec<String>,
    pairs: Vec<String>,
}

impl PageFields {
    fn of(page: &Page, routes: &Routes, vocabulary: &mut Vocabulary) -> Self {
        let meta = &page.meta;
        let owned = owned_by(page).chain(std::iter::once(meta.id.as_str())).chain(meta.aliases.iter().map(String::as_str));
        let mut names = Vec::new();
        let mut parts = Vec::new();
        for name in owned {
            names.extend(names_of(name, routes));
            parts.extend(tokens(&text::normalise(name)));
            text::words(name).iter().for_each(|word| vocabulary.add_name(word));
            vocabulary.add_identifier(name);
        }
        let both = |english: &[String], korean: &[String]| english.iter().chain(korean).cloned().collect::<Vec<_>>();
        let (keywords, questions) = (both(&meta.keywords, &meta.ko.keywords), both(&meta.questions, &meta.ko.questions));
        let titles = [meta.title.clone(), meta.ko.title.clone()];
        titles.iter().chain(&keywords).for_each(|line| vocabulary.add_title(line));
        questions.iter().chain([&meta.description]).for_each(|line| vocabulary.add_text(line));
        let pairs = titles.iter().chain(&keywords).chain(&questions).flat_map(|line| pairs(line)).collect();
        Self {
            owned: names,
            title: joined(&titles),
            keywords: joined(&keywords),
            questions: joined(&questions),
            summary: joined(std::slice::from_ref(&meta.description)),
            parts,
            pairs,
        }
    }

    fn add_to(&self, document: &mut TantivyDocument, fields: Fields) {
        document.add_text(fields.owned, self.owned.join(" "));
        document.add_text(fields.title, &self.title);
        document.add_text(fields.keywords, &self.keywords);
        document.add_text(fields.questions, &self.questions);
        document.add_text(fields.summary, &self.summary);
    }
}

struct SectionFields {
    named: Vec<String>,
    parts: Vec<String>,
    heading: String,
    pairs: Vec<String>,
    body: String,
    code: String,
}

impl SectionFields {
    fn of(section: &Section, routes: &Routes, vocabulary: &mut Vocabulary) -> Self {
        let mut named = Vec::new();
        for name in &section.inline {
            named.extend(names_of(name, routes));
            let chunks = identifiers::chunks(name);
            if chunks.len() > 1 {
                chunks.iter().filter(|chunk| chunk.shape != identifiers::Shape::Word).for_each(|chunk| named.extend(names_of(chunk.text, routes)));
            }
            text::words(name).iter().for_each(|word| vocabulary.add_name(word));
        }
        named.sort_unstable();
        named.dedup();
        vocabulary.add_text(&section.prose);
        vocabulary.add_title(&section.headings);
        let headings: Vec<String> = section.headings.lines().map(str::to_owned).collect();
        Self {
            parts: section.inline.iter().filter(|name| name.len() < 80).flat_map(|name| tokens(name)).collect(),
            heading: joined(&headings),
            pairs: headings.iter().flat_map(|line| pairs(line)).collect(),
            body: tokens(&section.prose).join(" "),
            code: tokens(&section.code).join(" "),
            named,
        }
    }

    fn add_to(&self, document: &mut TantivyDocument, fields: Fields, page: &PageFields) {
        document.add_text(fields.named, self.named.join(" "));
        document.add_text(fields.heading, &self.heading);
        document.add_text(fields.parts, self.parts.iter().chain(&page.parts).cloned().collect::<Vec<_>>().join(" "));
        document.add_text(fields.body, &self.body);
        document.add_text(fields.code, &self.code);
        document.add_text(fields.pairs, self.pairs.iter().chain(&page.pairs).cloned().collect::<Vec<_>>().join(" "));
    }
}

/// The tokens an identifier is indexed under. A route has one with its method and one without.
pub fn names_of(name: &str, routes: &Routes) -> Vec<String> {
    let (method, rest) = routes::split_method(name);
    if routes::is_path(rest)
        && let Some(path) = routes.canonical(rest)
    {
        return method.map(|method| format!("{method}:{path}")).into_iter().chain([path]).collect();
    }
    identifiers::forms(name).into_iter().filter(|form| !form.is_empty() && form.chars().count() <= 80).collect()
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| tokens(line)).collect::<Vec<_>>().join(" ")
}

/// The tokens of a text: stems, parts of compound names, Korean words with their grams, concepts.
pub fn tokens(line: &str) -> Vec<String> {
    let line = text::normalise(line);
    let words = text::words(&line);
    let mut out = Vec::with_capacity(words.len() * 2);
    for word in &words {
        if word.hangul {
            let bare = hangul::stripped(&word.text);
            out.extend(hangul::grams(bare).into_iter().map(|gram| format!("2:{gram}")));
            out.push(bare.to_owned());
        } else {
            out.push(text::stem(&word.text));
            out.extend(word.parts.iter().map(|part| text::stem(part)));
        }
    }
    let flat: Vec<text::Word> = words.iter().flat_map(flattened).collect();
    let mut seen = HashSet::new();
    for found in concepts::find(&words).into_iter().chain(if flat.len() == words.len() { Vec::new() } else { concepts::find(&flat) }) {
        // One mention counts once, though several phrases of the concept cover it.
        if seen.insert((found.name, found.words.start)) {
            out.push(format!("~{}", found.name));
        }
    }
    out
}

/// `accessToken` as the two words it is made of.
pub fn flattened(word: &text::Word) -> Vec<text::Word> {
    if word.parts.is_empty() {
        return vec![word.clone()];
    }
    word.parts.iter().map(|part| text::Word { text: part.clone(), parts: Vec::new(), hangul: false, range: word.range.clone() }).collect()
}

/// Neighbouring words of a line, those that say nothing left out.
pub fn pairs(line: &str) -> Vec<String> {
    let line = text::normalise(line);
    let words: Vec<String> = text::words(&line).iter().filter(|word| !super::empty_word(word)).map(super::bare).collect();
    words.windows(2).map(|pair| pair.join("+")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn text_becomes_stems_parts_grams_and_concepts() {
        let found = tokens("accessToken 갱신하기");
        for token in ["accesstoken", "access", "token", "2:갱신", "갱신", "~token", "~refresh"] {
            assert!(found.iter().any(|have| have == token), "{token}: {found:?}");
        }
    }

    #[test]
    fn two_builds_answer_alike() {
        let counts = |library: &Library| -> BTreeMap<String, u64> {
            let segment = library.searcher.segment_reader(0);
            [library.fields.body, library.fields.title]
                .iter()
                .map(|field| (format!("{field:?}"), segment.inverted_index(*field).unwrap().total_num_tokens()))
                .collect()
        };
        let (a, b) = (build().unwrap(), build().unwrap());
        assert_eq!(a.searcher.segment_readers().len(), 1);
        assert_eq!(counts(&a), counts(&b));
    }
}
