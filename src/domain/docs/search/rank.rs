//! Sections scored group by group, then collapsed into their pages.

use std::cmp::Ordering;

use tantivy::query::EnableScoring;
use tantivy::{DocSet, TERMINATED};

use super::index::Library;
use super::query::{Group, Plan};
use super::weights as w;
use crate::domain::docs::{self, Kind, Page};

/// A page that answers the query.
#[derive(Debug, Clone)]
pub struct Hit {
    pub page: &'static Page,
    pub score: f32,
    /// Ordinals of its sections, most relevant first; only those that match.
    pub sections: Vec<usize>,
}

/// Every page that matches, best first; of equals the earlier one.
pub fn rank(plan: &Plan, library: &Library) -> Vec<Hit> {
    let groups: Vec<Vec<f32>> = plan.groups.iter().map(|group| damped(group, scores(group, library), library)).collect();
    // What a group can give at most stands for how telling it is.
    let tops: Vec<f32> = groups.iter().map(|scores| scores.iter().copied().fold(0.0, f32::max)).collect();
    let total: f32 = tops.iter().sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut pages: Vec<Vec<(f32, usize)>> = vec![Vec::new(); docs::pages().len()];
    for (at, section) in library.sections.iter().enumerate() {
        let score: f32 = groups.iter().map(|scores| scores[at]).sum();
        if score > 0.0 {
            let covered: f32 = groups.iter().zip(&tops).filter(|(scores, _)| scores[at] > 0.0).map(|(_, top)| top).sum();
            let coverage = 1.0 - w::COVERAGE + w::COVERAGE * covered / total;
            pages[section.page].push((score * coverage, section.ordinal));
        }
    }
    let mut hits: Vec<Hit> =
        pages.into_iter().enumerate().filter(|(_, sections)| !sections.is_empty()).map(|(page, sections)| collapsed(page, sections, plan)).collect();
    // Stable: pages of one score stay in their order.
    hits.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal));
    hits
}

fn collapsed(page: usize, mut sections: Vec<(f32, usize)>, plan: &Plan) -> Hit {
    sections.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1)));
    let mut ordinals: Vec<usize> = Vec::new();
    let mut score = 0.0;
    for (section, ordinal) in sections {
        // The same section in the other language counts once.
        if ordinals.contains(&ordinal) {
            continue;
        }
        score += match ordinals.len() {
            0 => section,
            1 | 2 => section * w::FURTHER_SECTIONS,
            _ => 0.0,
        };
        ordinals.push(ordinal);
    }
    let page = &docs::pages()[page];
    Hit { page, score: score * by_kind(page, plan), sections: ordinals }
}

fn by_kind(page: &Page, plan: &Plan) -> f32 {
    match page.meta.kind {
        Kind::Cookbook if !subject(page, plan) => w::COOKBOOK,
        Kind::Reference => w::REFERENCE,
        Kind::Troubleshooting if plan.failure => w::TROUBLESHOOTING,
        _ => 1.0,
    }
}

/// Whether the query names what the cookbook builds, or the subject of its chapter.
fn subject(page: &Page, plan: &Plan) -> bool {
    const BUILT: &[(&str, &[&str])] = &[
        ("cookbooks/blog/", &["~blog"]),
        ("cookbooks/blog/full-guide/05-bookmarks", &["~bookmark"]),
        ("cookbooks/recipe-app/", &["~recipe", "~ingredient", "~mealplan", "~shoppinglist"]),
        ("cookbooks/shopping-mall/", &["~shop", "~cart", "~order", "~product", "~review", "~stock"]),
        ("cookbooks/social-network/", &["~socialnetwork", "~follow", "~feed", "~comment", "~like"]),
    ];
    let named = BUILT.iter().filter(|(prefix, _)| page.meta.id.starts_with(prefix)).any(|(_, words)| words.iter().any(|word| plan.subjects.contains(*word)));
    named || plan.subjects.contains("~cookbook")
}

/// A word found on many pages tells little, also where it stands in a title.
fn damped(group: &Group, mut scores: Vec<f32>, library: &Library) -> Vec<f32> {
    if !group.word {
        return scores;
    }
    let mut pages: Vec<usize> = scores.iter().zip(&library.sections).filter(|(score, _)| **score > 0.0).map(|(_, section)| section.page).collect();
    pages.dedup();
    let all = docs::pages().len().max(2) as f32;
    let rarity = (all / pages.len().max(1) as f32).ln() / all.ln();
    let share = w::COMMON + (1.0 - w::COMMON) * rarity.clamp(0.0, 1.0).sqrt();
    scores.iter_mut().for_each(|score| *score *= share);
    scores
}

/// What each section scores in one group, in the order of the sections.
fn scores(group: &Group, library: &Library) -> Vec<f32> {
    let mut out = vec![0.0; library.sections.len()];
    let searcher = &library.searcher;
    let Ok(weight) = group.query.weight(EnableScoring::enabled_from_searcher(searcher)) else { return out };
    // One writer, one segment: documents are numbered as the sections are.
    for reader in searcher.segment_readers() {
        let Ok(mut scorer) = weight.scorer(reader, group.weight) else { continue };
        let mut document = scorer.doc();
        while document != TERMINATED {
            if let Some(place) = out.get_mut(document as usize) {
                *place = scorer.score();
            }
            document = scorer.advance();
        }
    }
    out
}
