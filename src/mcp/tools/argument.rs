//! What a tool takes: its arguments as they are published and as they are read.

use serde_json::{Map, Value, json};

/// How the value of an argument is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text; a number counts as its text.
    Text,
    /// One of several words, published as such.
    Word(&'static [&'static str]),
    Whole,
    Flag,
    /// An object whose members mean something to the tool.
    Object,
    /// An object, or a list in older forms: schemas, filters, records. Never looked into.
    Definition,
    Texts,
    Objects,
    /// Names with commas between, or a list of them.
    Names,
    /// Text as a rule; older forms are read by the operation itself.
    Any,
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    pub name: &'static str,
    pub kind: Kind,
    pub about: &'static str,
    pub required: bool,
    /// Understood, but not published.
    pub hidden: bool,
    /// Null means something: it empties.
    pub nullable: bool,
    /// Published inside `body`.
    pub in_body: bool,
}

impl Argument {
    pub const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, about, required: false, hidden: false, nullable: false, in_body: false }
    }

    /// Understood for the sake of older tools.
    pub const fn older(name: &'static str, kind: Kind) -> Self {
        Self { hidden: true, ..Self::new(name, kind, "") }
    }

    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub const fn in_body(self) -> Self {
        Self { in_body: true, ..self }
    }

    fn schema(&self) -> Value {
        let mut schema = match self.kind {
            Kind::Text | Kind::Names | Kind::Any => json!({ "type": "string" }),
            Kind::Word(words) => json!({ "type": "string", "enum": words }),
            Kind::Whole => json!({ "type": "integer" }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Object | Kind::Definition => json!({ "type": "object" }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Objects => json!({ "type": "array", "items": { "type": "object" } }),
        };
        schema["description"] = self.about.into();
        schema
    }
}

/// The published JSON Schema of a tool's arguments: a plain object that every model provider takes.
pub fn input_schema(arguments: &[&[Argument]], body: &str) -> Map<String, Value> {
    let published = || arguments.iter().copied().flatten().filter(|a| !a.hidden);
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    for argument in published().filter(|a| !a.in_body) {
        properties.insert(argument.name.to_owned(), argument.schema());
        if argument.required {
            required.push(argument.name);
        }
    }
    let inside: Vec<&Argument> = published().filter(|a| a.in_body).collect();
    if !inside.is_empty() {
        let members: Map<String, Value> = inside.iter().map(|a| (a.name.to_owned(), a.schema())).collect();
        let needed: Vec<&str> = inside.iter().filter(|a| a.required).map(|a| a.name).collect();
        let mut schema = json!({ "type": "object", "description": body, "properties": members });
        if !needed.is_empty() {
            schema["required"] = json!(needed);
            required.push("body");
        }
        properties.insert("body".to_owned(), schema);
    }
    let mut schema = Map::from_iter([("type".to_owned(), "object".into()), ("properties".to_owned(), Value::Object(properties))]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}
