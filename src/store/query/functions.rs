//! SQL functions for what SQLite cannot say itself. Every connection needs them: [`register_functions`].
//!
//! `bk_test(leaf, x)`: a leaf of a filter on a document or a system column. `bk_sort(doc, path)`, `bk_key(doc, path)`:
//! the value at a path as bytes that sort, or that are equal for equal values. `bk_bucket`: start of a period.
//! `bk_contains(text, part)`: whether a text contains another, ignoring case.
//! `bk_sum`, `bk_avg`, `bk_min`, `bk_max`, `bk_distinct`: aggregates over a path.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{FromSqlError, Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use super::compile::{Leaf, Root, Step, steps};
use super::eval::walk;
use super::fold::Folded;
use super::order::{Keys, item_key, path_key};
use super::times::{self, Bucket};
use super::value::Item;
use crate::store::jsonb::{Num, View};

/// Leaves that running statements may ask for, by the number bound to the statement.
static LEAVES: LazyLock<RwLock<HashMap<i64, Arc<Leaf>>>> = LazyLock::new(RwLock::default);
static NEXT: AtomicI64 = AtomicI64::new(1);

/// Keeps a leaf within reach of `bk_test` for as long as it lives.
#[derive(Debug)]
pub(super) struct Lease(i64);

impl Lease {
    pub fn new(leaf: Arc<Leaf>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        LEAVES.write().insert(number, leaf);
        Self(number)
    }

    pub fn number(&self) -> i64 {
        self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        LEAVES.write().remove(&self.0);
    }
}

/// Gives a connection the functions that compiled queries and indexes over paths call.
///
/// # Errors
/// What SQLite answers; on an open connection nothing.
pub fn register_functions(db: &Connection) -> Result<()> {
    let pure = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    // Indexes may call these, which an untrusted schema could not do with others.
    let indexable = pure | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function("bk_test", 2, pure | FunctionFlags::SQLITE_DIRECTONLY, test)?;
    db.create_scalar_function("bk_sort", 2, indexable, |ctx| key(ctx, Keys::AsStored))?;
    db.create_scalar_function("bk_key", 2, indexable, |ctx| key(ctx, Keys::Sorted))?;
    db.create_scalar_function("bk_bucket", 2, indexable, bucket)?;
    db.create_scalar_function("bk_bucket", 3, indexable, bucket_at)?;
    db.create_scalar_function("bk_contains", 2, pure, contains)?;
    db.create_aggregate_function("bk_sum", 1, pure, Sum)?;
    db.create_aggregate_function("bk_sum", 2, pure, Sum)?;
    db.create_aggregate_function("bk_avg", 2, pure, Avg)?;
    db.create_aggregate_function("bk_min", 2, pure, Extreme { largest: false })?;
    db.create_aggregate_function("bk_max", 2, pure, Extreme { largest: true })?;
    db.create_aggregate_function("bk_distinct", 2, pure, Distinct)
}

fn test(ctx: &Context<'_>) -> Result<bool> {
    // The number is bound, not computed, so SQLite keeps the leaf beside it for the whole run.
    let leaf: Arc<Arc<Leaf>> = match ctx.get_aux(0)? {
        Some(leaf) => leaf,
        None => {
            let leaf = LEAVES.read().get(&ctx.get_raw(0).as_i64()?).cloned();
            ctx.set_aux(0, leaf.ok_or_else(|| Error::UserFunctionError("the query was dropped while it ran".into()))?)?
        }
    };
    Ok(match (leaf.root, ctx.get_raw(1)) {
        (Root::Doc, ValueRef::Blob(bytes)) => View::parse(bytes).is_ok_and(|doc| leaf.holds_in(doc)),
        (Root::Id | Root::CreatedBy, ValueRef::Text(text)) => std::str::from_utf8(text).is_ok_and(|text| leaf.holds_text(text)),
        (Root::CreatedAt | Root::UpdatedAt, ValueRef::Integer(ms)) => leaf.holds_time(ms),
        _ => false,
    })
}

fn doc<'a>(ctx: &'a Context<'_>) -> Option<View<'a>> {
    match ctx.get_raw(0) {
        ValueRef::Blob(bytes) => View::parse(bytes).ok(),
        _ => None,
    }
}

fn contains(ctx: &Context<'_>) -> Result<bool> {
    // The part is bound, so it is folded once for the whole run.
    let part = ctx.get_or_create_aux(1, |value| value.as_str().map(Folded::new))?;
    Ok(matches!(ctx.get_raw(0), ValueRef::Text(text) if std::str::from_utf8(text).is_ok_and(|text| part.is_in(text))))
}

fn path(value: ValueRef<'_>) -> std::result::Result<Vec<Step>, FromSqlError> {
    Ok(steps(value.as_str()?.split('.')))
}

fn key(ctx: &Context<'_>, keys: Keys) -> Result<Option<Vec<u8>>> {
    let steps = ctx.get_or_create_aux(1, path)?;
    Ok(doc(ctx).and_then(|doc| path_key(doc, &steps, keys)))
}

fn unit(ctx: &Context<'_>, arg: usize) -> Result<Bucket> {
    Bucket::named(ctx.get_raw(arg).as_str()?).ok_or_else(|| Error::UserFunctionError("unknown period".into()))
}

fn bucket(ctx: &Context<'_>) -> Result<Option<String>> {
    let unit = unit(ctx, 1)?;
    Ok(match ctx.get_raw(0) {
        ValueRef::Integer(ms) => unit.start(&times::iso(ms)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(|text| unit.start(text)),
        _ => None,
    })
}

fn bucket_at(ctx: &Context<'_>) -> Result<Option<String>> {
    let unit = unit(ctx, 2)?;
    let steps = ctx.get_or_create_aux(1, path)?;
    let mut best: Option<String> = None;
    if let Some(doc) = doc(ctx) {
        walk(doc, &steps, &mut |item| {
            if let Item::Str(text) = item
                && let Some(start) = unit.start(&text)
                && best.as_ref().is_none_or(|best| start < *best)
            {
                best = Some(start);
            }
            false
        });
    }
    Ok(best)
}

/// Shows an aggregate the values of one row: the column itself, or what a path reaches in a document.
fn each(ctx: &Context<'_>, steps: &mut Option<Vec<Step>>, mut visit: impl FnMut(Item<'_>)) -> Result<()> {
    if ctx.len() == 1 {
        match ctx.get_raw(0) {
            ValueRef::Integer(int) => visit(Item::Num(Num::Int(int))),
            ValueRef::Real(float) => visit(Item::Num(Num::Float(float))),
            _ => {}
        }
        return Ok(());
    }
    if steps.is_none() {
        *steps = Some(path(ctx.get_raw(1))?);
    }
    if let (Some(doc), Some(steps)) = (doc(ctx), steps) {
        walk(doc, steps, &mut |item| {
            visit(item);
            false
        });
    }
    Ok(())
}

/// Integers are added exactly, doubles with the rounding error carried along (Neumaier's summation).
#[derive(Default)]
struct Total {
    steps: Option<Vec<Step>>,
    ints: i128,
    floats: f64,
    lost: f64,
    has_floats: bool,
    count: u64,
}

impl Total {
    fn add(&mut self, item: &Item<'_>) {
        match item {
            Item::Num(Num::Int(int)) => self.ints += i128::from(*int),
            Item::Num(Num::Float(float)) => self.add_float(*float),
            _ => return,
        }
        self.count += 1;
    }

    fn add_float(&mut self, float: f64) {
        let sum = self.floats + float;
        self.lost += if self.floats.abs() >= float.abs() { (self.floats - sum) + float } else { (float - sum) + self.floats };
        self.floats = sum;
        self.has_floats = true;
    }

    fn float(&mut self) -> f64 {
        self.add_float(self.ints as f64);
        let total = self.floats + self.lost;
        if total.is_finite() { total } else { self.floats.clamp(f64::MIN, f64::MAX) }
    }

    fn step(&mut self, ctx: &Context<'_>) -> Result<()> {
        let mut steps = self.steps.take();
        each(ctx, &mut steps, |item| self.add(&item))?;
        self.steps = steps;
        Ok(())
    }
}

struct Sum;

impl Aggregate<Total, Value> for Sum {
    fn init(&self, _: &mut Context<'_>) -> Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, ctx: &mut Context<'_>, total: &mut Total) -> Result<()> {
        total.step(ctx)
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> Result<Value> {
        let mut total = total.unwrap_or_default();
        Ok(match i64::try_from(total.ints) {
            Ok(sum) if !total.has_floats => Value::Integer(sum),
            _ => Value::Real(total.float()),
        })
    }
}

struct Avg;

impl Aggregate<Total, Option<f64>> for Avg {
    fn init(&self, _: &mut Context<'_>) -> Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, ctx: &mut Context<'_>, total: &mut Total) -> Result<()> {
        total.step(ctx)
    }

    fn finalize(&self, _: &mut Context<'_>, total: Option<Total>) -> Result<Option<f64>> {
        Ok(total.filter(|total| total.count > 0).map(|mut total| total.float() / total.count as f64))
    }
}

struct Extreme {
    largest: bool,
}

type Best = (Option<Vec<Step>>, Option<Vec<u8>>);

impl Aggregate<Best, Option<Vec<u8>>> for Extreme {
    fn init(&self, _: &mut Context<'_>) -> Result<Best> {
        Ok((None, None))
    }

    fn step(&self, ctx: &mut Context<'_>, (steps, best): &mut Best) -> Result<()> {
        each(ctx, steps, |item| {
            if let Some(key) = item_key(&item, Keys::AsStored)
                && best.as_ref().is_none_or(|best| (key > *best) == self.largest)
            {
                *best = Some(key);
            }
        })
    }

    fn finalize(&self, _: &mut Context<'_>, best: Option<Best>) -> Result<Option<Vec<u8>>> {
        Ok(best.and_then(|(_, best)| best))
    }
}

struct Distinct;

type Seen = (Option<Vec<Step>>, HashSet<Vec<u8>>);

impl Aggregate<Seen, i64> for Distinct {
    fn init(&self, _: &mut Context<'_>) -> Result<Seen> {
        Ok(Seen::default())
    }

    fn step(&self, ctx: &mut Context<'_>, (steps, seen): &mut Seen) -> Result<()> {
        each(ctx, steps, |item| seen.extend(item_key(&item, Keys::Sorted)))
    }

    fn finalize(&self, _: &mut Context<'_>, seen: Option<Seen>) -> Result<i64> {
        Ok(seen.map_or(0, |(_, seen)| seen.len() as i64))
    }
}
