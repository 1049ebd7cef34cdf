//! One field of a schema in its canonical form (`02-data.md` §2.2).

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use super::pattern::Pattern;
use crate::domain::time::{self, Millis};
use crate::store::query::ast::Kind;

/// The canonical types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FieldKind {
    String,
    Int,
    Double,
    Bool,
    Date,
    Object,
    Array,
    #[default]
    Mixed,
}

impl FieldKind {
    /// The canonical `bsonType`.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Object => "object",
            Self::Array => "array",
            Self::Mixed => "mixed",
        }
    }

    /// Reads a canonical `bsonType`.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::String, Self::Int, Self::Double, Self::Bool, Self::Date, Self::Object, Self::Array, Self::Mixed].into_iter().find(|k| k.name() == name)
    }

    /// What a column of this type is to the store.
    pub fn column(self) -> Kind {
        match self {
            Self::String => Kind::String,
            Self::Int => Kind::Int,
            Self::Double => Kind::Double,
            Self::Bool => Kind::Bool,
            Self::Date => Kind::Date,
            Self::Object | Self::Array | Self::Mixed => Kind::Any,
        }
    }

    pub fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Double)
    }
}

/// `exclusiveMinimum` and `exclusiveMaximum` come in two dialects.
#[derive(Debug, Clone, PartialEq)]
pub enum Exclusive {
    /// `true`: the plain bound itself is excluded.
    Flag,
    /// A bound of its own.
    Bound(Number),
}

/// The definition of a field. Absent keywords are `None` or `false`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub kind: FieldKind,
    /// Target table of a reference; `""` is a reference without a target.
    pub reference: Option<String>,
    /// Present and not null; belongs to the `required` list of the parent.
    pub required: bool,
    pub nullable: bool,
    pub unique: bool,
    /// Normalised; `"$now"` on a date is the time of the write.
    pub default: Option<Value>,
    /// `enum`, normalised, never empty.
    pub values: Option<Vec<Value>>,
    /// Unicode code points.
    pub min_length: Option<u64>,
    pub max_length: Option<u64>,
    pub pattern: Option<Pattern>,
    pub minimum: Option<Number>,
    pub maximum: Option<Number>,
    pub exclusive_minimum: Option<Exclusive>,
    pub exclusive_maximum: Option<Exclusive>,
    pub multiple_of: Option<Number>,
    pub items: Option<Box<Field>>,
    pub min_items: Option<u64>,
    pub max_items: Option<u64>,
    pub unique_items: bool,
    /// Declared members of an object.
    pub properties: IndexMap<String, Field>,
    /// Undeclared members of an object are accepted.
    pub additional_properties: bool,
    /// `title`, `description`, `displayName`, `format`, `examples`, `x-…`: kept, not enforced.
    pub annotations: Map<String, Value>,
}

impl Field {
    /// A field of a type, without constraints.
    pub fn of(kind: FieldKind) -> Self {
        Self {
            kind,
            reference: None,
            required: false,
            nullable: false,
            unique: false,
            default: None,
            values: None,
            min_length: None,
            max_length: None,
            pattern: None,
            minimum: None,
            maximum: None,
            exclusive_minimum: None,
            exclusive_maximum: None,
            multiple_of: None,
            items: None,
            min_items: None,
            max_items: None,
            unique_items: false,
            properties: IndexMap::new(),
            additional_properties: true,
            annotations: Map::new(),
        }
    }

    /// Whether null is a value of the field: any non-required one takes it.
    pub fn takes_null(&self) -> bool {
        self.nullable || !self.required
    }

    /// What a missing key is filled with in a write at `now`.
    pub fn default_at(&self, now: Millis) -> Option<Value> {
        let default = self.default.as_ref()?;
        if self.kind == FieldKind::Date && default == "$now" { Some(time::iso(now).into()) } else { Some(default.clone()) }
    }

    /// Equal but for `required`, which belongs to the parent's list. The order of members does not count.
    pub fn same_definition(&self, other: &Self) -> bool {
        Self { required: other.required, ..self.clone() } == *other
    }

    /// The same type with its inner types, without any constraint on the value itself.
    pub(super) fn bare(&self) -> Self {
        Self {
            reference: self.reference.clone(),
            items: self.items.clone(),
            properties: self.properties.clone(),
            additional_properties: self.additional_properties,
            ..Self::of(self.kind)
        }
    }

    /// The canonical definition: `bsonType` first, then only keywords that are set. `required` is the parent's affair.
    pub fn to_value(&self) -> Value {
        let mut out = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(key.to_owned(), value);
            }
        };
        put("bsonType", Some(self.kind.name().into()));
        put("ref", self.reference.clone().map(Value::from));
        put("nullable", self.nullable.then_some(true.into()));
        put("unique", self.unique.then_some(true.into()));
        put("default", self.default.clone());
        put("enum", self.values.clone().map(Value::from));
        put("minLength", self.min_length.map(Value::from));
        put("maxLength", self.max_length.map(Value::from));
        put("pattern", self.pattern.as_ref().map(|p| p.as_str().into()));
        put("minimum", self.minimum.clone().map(Value::Number));
        put("maximum", self.maximum.clone().map(Value::Number));
        put("exclusiveMinimum", self.exclusive_minimum.as_ref().map(exclusive));
        put("exclusiveMaximum", self.exclusive_maximum.as_ref().map(exclusive));
        put("multipleOf", self.multiple_of.clone().map(Value::Number));
        put("items", self.items.as_ref().map(|f| f.to_value()));
        put("minItems", self.min_items.map(Value::from));
        put("maxItems", self.max_items.map(Value::from));
        put("uniqueItems", self.unique_items.then_some(true.into()));
        if !self.properties.is_empty() {
            let required = required_names(&self.properties);
            put("required", (!required.is_empty()).then(|| required.into()));
            put("properties", Some(properties_value(&self.properties)));
        }
        put("additionalProperties", (!self.additional_properties).then_some(false.into()));
        out.extend(self.annotations.clone());
        Value::Object(out)
    }
}

fn exclusive(bound: &Exclusive) -> Value {
    match bound {
        Exclusive::Flag => true.into(),
        Exclusive::Bound(n) => Value::Number(n.clone()),
    }
}

/// Names of the required fields, in declared order.
pub(super) fn required_names(fields: &IndexMap<String, Field>) -> Vec<String> {
    fields.iter().filter(|(_, f)| f.required).map(|(name, _)| name.clone()).collect()
}

pub(super) fn properties_value(fields: &IndexMap<String, Field>) -> Value {
    Value::Object(fields.iter().map(|(name, field)| (name.clone(), field.to_value())).collect())
}
