//! The sentences of `02-data.md` §6 and its worked examples, as far as reading a request goes.

mod dialects;
mod examples;
mod filters;
mod lists;
mod robust;

use std::fmt::Write;

use serde_json::Value;

use super::kinds::Kinds;
use super::{ListQuery, Params};
use crate::domain::error::{Error, Result};
use crate::store::query::ast::{Filter, Kind, Order, Path, Test};

/// The table of the worked examples.
struct Plants;

impl Kinds for Plants {
    fn kind_at(&self, path: &Path) -> Option<Kind> {
        let steps: Vec<&str> = path.0.iter().map(String::as_str).filter(|step| step.parse::<usize>().is_err()).collect();
        Some(match steps.join(".").as_str() {
            "name" | "tags" | "care.water" => Kind::String,
            "height" => Kind::Int,
            "price" => Kind::Double,
            "potted" => Kind::Bool,
            "bought" | "care.last" | "visits" | "log.at" => Kind::Date,
            "care" | "log" => Kind::Any,
            _ => return None,
        })
    }
}

fn list(query: &str) -> Result<ListQuery> {
    ListQuery::parse("plants", &Params::parse(query)?, None, &Plants)
}

fn list_with(query: &str, body: &Value) -> Result<ListQuery> {
    ListQuery::parse("plants", &Params::parse(query)?, Some(body), &Plants)
}

/// A query string whose one parameter holds JSON.
fn with_json(name: &str, value: &Value) -> Params {
    Params::new(vec![(name.to_owned(), value.to_string())])
}

fn and_filters(value: &Value) -> Result<String> {
    ListQuery::parse("plants", &with_json("andFilters", value), None, &Plants).map(|query| show(&query.filter))
}

fn filter_of(query: &str) -> String {
    list(query).map_or_else(|error| format!("{} {}", error.detail_list()[0].field, error.detail_list()[0].rule), |query| show(&query.filter))
}

/// Code, field and rule of an error.
fn fault(error: &Error) -> (&'static str, String, String) {
    let detail = &error.detail_list()[0];
    assert!(!detail.message.is_empty() && error.message() == detail.message);
    (error.code().name, detail.field.clone(), detail.rule.clone())
}

fn refused(value: &Value) -> (String, String) {
    let error = ListQuery::parse("plants", &with_json("andFilters", value), None, &Plants).expect_err(&value.to_string());
    let (code, field, rule) = fault(&error);
    assert_eq!(code, "data/validation-error");
    (field, rule)
}

/// A filter in a form that reads well in assertions.
fn show(filter: &Filter) -> String {
    let several = |list: &[Filter], word: &str| format!("({})", list.iter().map(show).collect::<Vec<_>>().join(word));
    match filter {
        Filter::And(list) if list.is_empty() => "all".to_owned(),
        Filter::Or(list) if list.is_empty() => "none".to_owned(),
        Filter::And(list) => several(list, " & "),
        Filter::Or(list) => several(list, " | "),
        Filter::Not(inner) => format!("!{}", show(inner)),
        Filter::Field(path, test) => format!("{path}{}", show_test(test)),
    }
}

fn show_test(test: &Test) -> String {
    let values = |list: &[Value]| list.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
    match test {
        Test::Eq(value) => format!("={value}"),
        Test::Cmp(Order::Gt, value) => format!(">{value}"),
        Test::Cmp(Order::Gte, value) => format!(">={value}"),
        Test::Cmp(Order::Lt, value) => format!("<{value}"),
        Test::Cmp(Order::Lte, value) => format!("<={value}"),
        Test::Between(low, high) => format!(" in {low}..{high}"),
        Test::In(list) => format!(" in [{}]", values(list)),
        Test::Exists => "?".to_owned(),
        Test::Regex(regex) => format!("~/{}/", regex.as_str()),
        Test::Contains(value) => format!(" contains {value}"),
        Test::StartsWith(text) => format!(" starts {text}"),
        Test::EndsWith(text) => format!(" ends {text}"),
        Test::Like(text) => format!(" like {text}"),
        Test::All(list) => format!(" all [{}]", values(list)),
        Test::Size(size) => format!(" size {size}"),
        Test::ElemMatch(inner) => format!("[{}]", show(inner)),
        Test::ElemTests(list) => {
            list.iter().fold("[each".to_owned(), |mut out, (holds, test)| {
                let _ = write!(out, " {}{}", if *holds { "" } else { "!" }, show_test(test));
                out
            }) + "]"
        }
    }
}
