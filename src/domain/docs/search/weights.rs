//! How much each thing counts. Set by what people know of manuals, adjusted on `docs eval`.

// Fields.
pub const OWNED: f32 = 10.0;
pub const NAMED: f32 = 4.0;
pub const TITLE: f32 = 6.0;
pub const KEYWORDS: f32 = 4.0;
pub const QUESTIONS: f32 = 4.0;
pub const HEADING: f32 = 3.0;
pub const SUMMARY: f32 = 2.0;
pub const PART: f32 = 2.0;
pub const BODY: f32 = 1.0;
pub const CODE_BLOCK: f32 = 0.5;
/// What the other fields add to the best one.
pub const TIE: f32 = 0.15;

// Meanings of a word, beside the word itself.
pub const SYNONYM: f32 = 0.65;
pub const PHRASE: f32 = 0.9;
/// The word of a phrase whose other words say nothing: "log" of "log in".
pub const IN_PHRASE: f32 = 0.15;
pub const GRAMS: f32 = 0.8;
pub const PARTS: f32 = 0.7;
pub const CORRECTED: f32 = 0.7;
pub const COMPLETED: f32 = 0.8;
/// A Korean word that holds several concepts asks for each of them.
pub const COMPOUND: f32 = 1.5;
pub const NEIGHBOURS: f32 = 1.0;

// Identifiers.
pub const CODE: f32 = 3.0;
pub const TOOL: f32 = 3.0;
pub const ROUTE: f32 = 2.5;
pub const PARAMETER: f32 = 1.5;
pub const MENTION: f32 = 1.0;
/// A route without its method.
pub const LOOSER: f32 = 0.6;
pub const BESIDE_CODE: f32 = 0.3;
pub const WORDS_BESIDE_NAMES: f32 = 0.6;
pub const WORDS_OF_PASTED: f32 = 0.2;

/// The request in a pasted failure that has no code.
pub const REQUEST_OF_FAILURE: f32 = 0.4;

// Pages.
/// What remains of a word that every page has.
pub const COMMON: f32 = 0.3;
/// What the second and third best section of a page add.
pub const FURTHER_SECTIONS: f32 = 0.08;
/// The share of a page's score that depends on how much of the query it covers.
pub const COVERAGE: f32 = 0.5;
pub const COOKBOOK: f32 = 0.7;
pub const REFERENCE: f32 = 0.9;
pub const TROUBLESHOOTING: f32 = 1.3;
