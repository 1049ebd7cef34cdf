//! Scopes of API keys (`02-data.md` §8.6): which operations on which tables a key may ask for at all.

use super::super::error::{Code, Error, Result, clip};

/// What is done to a table, in the words of permissions and scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    Create,
    Read,
    List,
    Update,
    Delete,
}

impl Operation {
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::List, Self::Update, Self::Delete];

    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::List => "list",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The scopes of one key. The default is unrestricted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

/// `None` stands for `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope {
    table: Option<String>,
    operation: Option<Operation>,
}

impl Scopes {
    /// Reads `<table>:<operation>`, either part possibly `*`; `*` alone; `table:data:<operation>` of the older console.
    /// An empty list does not restrict.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the first scope that is none.
    pub fn parse(list: &[String]) -> Result<Self> {
        list.iter().map(|text| scope(text).ok_or_else(|| ill_formed(text))).collect::<Result<_>>().map(Self)
    }

    pub fn is_unrestricted(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key with these scopes may ask for `operation` on `table`. `read` includes `list`, not the reverse.
    pub fn allows(&self, table: &str, operation: Operation) -> bool {
        self.is_unrestricted() || self.0.iter().any(|scope| scope.covers(table, operation))
    }

    /// # Errors
    /// `data/scope-insufficient` naming `<table>:<operation>`.
    pub fn require(&self, table: &str, operation: Operation) -> Result<()> {
        if self.allows(table, operation) {
            return Ok(());
        }
        let message = format!("The scopes of this API key do not include {}:{operation}; use a key that has it", clip(table));
        Err(Error::new(Code::SCOPE_INSUFFICIENT, message))
    }
}

impl Scope {
    fn covers(&self, table: &str, operation: Operation) -> bool {
        self.table.as_deref().is_none_or(|own| own == table)
            && self.operation.is_none_or(|own| own == operation || (own == Operation::Read && operation == Operation::List))
    }
}

fn scope(text: &str) -> Option<Scope> {
    if text == "*" {
        return Some(Scope { table: None, operation: None });
    }
    if let Some(operation) = text.strip_prefix("table:data:") {
        return Some(Scope { table: None, operation: wild_operation(operation)? });
    }
    let (table, operation) = text.split_once(':')?;
    let table = if table == "*" { None } else { Some(table.to_owned()).filter(|name| is_table_name(name)) };
    (table.is_some() || text.starts_with("*:")).then_some(())?;
    Some(Scope { table, operation: wild_operation(operation)? })
}

fn wild_operation(text: &str) -> Option<Option<Operation>> {
    if text == "*" { Some(None) } else { Operation::parse(text).map(Some) }
}

/// Any table a request can name, system tables included: they start with a letter or `_`.
fn is_table_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 64 && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_') && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn ill_formed(text: &str) -> Error {
    let message = format!(
        "The scope \"{}\" is not of the form <table>:<operation>, with create, read, list, update, delete or * as operation and * for any table",
        clip(text)
    );
    Error::invalid_parameter("scopes", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(list: &[&str]) -> Result<Scopes> {
        Scopes::parse(&list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn no_list_or_an_empty_one_is_unrestricted() {
        assert!(scopes(&[]).unwrap().allows("plants", Operation::Delete));
        assert!(Scopes::default().is_unrestricted());
    }

    #[test]
    fn read_includes_list_not_the_reverse() {
        let read = scopes(&["plants:read"]).unwrap();
        assert!(read.allows("plants", Operation::List) && read.allows("plants", Operation::Read));
        assert!(!read.allows("plants", Operation::Create) && !read.allows("pots", Operation::List));
        assert!(!scopes(&["plants:list"]).unwrap().allows("plants", Operation::Read));
    }

    #[test]
    fn either_part_may_be_a_star() {
        let any_table = scopes(&["*:create"]).unwrap();
        assert!(any_table.allows("pots", Operation::Create) && !any_table.allows("pots", Operation::Read));
        let any_operation = scopes(&["pots:*"]).unwrap();
        assert!(any_operation.allows("pots", Operation::Delete) && !any_operation.allows("plants", Operation::Read));
        assert!(scopes(&["*"]).unwrap().allows("x", Operation::Update));
        assert!(!scopes(&["*"]).unwrap().is_unrestricted());
        assert!(scopes(&["table:data:delete"]).unwrap().allows("x", Operation::Delete));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = scopes(&["plants:read"]).unwrap().require("plants", Operation::Create).unwrap_err();
        assert_eq!(error.code().name, "data/scope-insufficient");
        assert!(error.message().contains("plants:create"));
    }

    #[test]
    fn bad_grammar_is_refused() {
        for text in ["", ":", "plants", "plants:", ":read", "plants:fly", "plants:read:x", "9x:read", "table:data:", "table:data", "**", "*:", "a b:read"] {
            assert_eq!(scopes(&["plants:read", text]).unwrap_err().code().name, "common/invalid-parameters", "{text}");
        }
        assert!(scopes(&["unknown-table:read"]).is_ok());
    }
}
