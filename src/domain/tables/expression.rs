//! Permission expressions (`02-data.md` §8.3): `user & (self | role:editor)`.

use super::permissions::Subject;
use crate::domain::caller::Group;

/// Characters of an expression, and parentheses inside each other.
const MAX_LENGTH: usize = 1000;
const MAX_NESTING: usize = 32;

/// An expression beside its text, which is given back exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    text: String,
    node: Node,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Or(Vec<Node>),
    And(Vec<Node>),
    Atom(Atom),
}

#[derive(Debug, Clone, PartialEq)]
enum Atom {
    /// `public`, `guest`.
    Everybody,
    User,
    Admin,
    OwnRecord,
    Role(String),
    /// Any role but admin, user, guest.
    AnyRole,
}

/// For which records something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Never,
    /// Only for the caller's own records.
    Own,
    Always,
}

/// What is wrong with an expression and where, in characters from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    pub position: usize,
    pub message: String,
}

impl Expression {
    /// # Errors
    /// The first place that cannot be read.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        let characters: Vec<char> = text.chars().collect();
        let mut reader = Reader { text: &characters, at: 0, depth: 0 };
        if characters.len() > MAX_LENGTH {
            return Err(SyntaxError { position: MAX_LENGTH, message: format!("the expression is longer than {MAX_LENGTH} characters") });
        }
        let node = reader.any()?;
        match reader.peek() {
            None => Ok(Self { text: text.to_owned(), node }),
            Some(other) => reader.fail(format!("expected & or | or the end, found \"{other}\"")),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// For which records it holds for a caller.
    pub fn reach(&self, subject: &Subject<'_>) -> Reach {
        if self.node.holds(subject, false) {
            Reach::Always
        } else if subject.own_id.is_some() && self.node.holds(subject, true) {
            Reach::Own
        } else {
            Reach::Never
        }
    }

    /// Names of the roles it mentions.
    pub fn roles(&self) -> Vec<&str> {
        let mut out = Vec::new();
        self.node.roles(&mut out);
        out
    }
}

impl Node {
    fn holds(&self, subject: &Subject<'_>, own: bool) -> bool {
        match self {
            Self::Or(list) => list.iter().any(|n| n.holds(subject, own)),
            Self::And(list) => list.iter().all(|n| n.holds(subject, own)),
            Self::Atom(Atom::Everybody) => true,
            Self::Atom(Atom::User) => matches!(subject.group, Group::User | Group::Admin),
            Self::Atom(Atom::Admin) => subject.group == Group::Admin,
            Self::Atom(Atom::OwnRecord) => own,
            Self::Atom(Atom::Role(name)) => subject.role == Some(name),
            Self::Atom(Atom::AnyRole) => subject.role.is_some_and(|r| !matches!(r, "admin" | "user" | "guest")),
        }
    }

    fn roles<'n>(&'n self, out: &mut Vec<&'n str>) {
        match self {
            Self::Or(list) | Self::And(list) => list.iter().for_each(|n| n.roles(out)),
            Self::Atom(Atom::Role(name)) => out.push(name),
            Self::Atom(_) => {}
        }
    }
}

/// Whether a text may be the name of a custom role (`04-users.md` §6), or one of the three fixed roles.
pub fn is_role_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    (2..=32).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[1..].iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

struct Reader<'t> {
    text: &'t [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, message: String) -> Result<T, SyntaxError> {
        Err(SyntaxError { position: self.at, message })
    }

    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn any(&mut self) -> Result<Node, SyntaxError> {
        let mut list = vec![self.all()?];
        while self.peek() == Some('|') {
            self.at += 1;
            list.push(self.all()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Node::Or(list) })
    }

    fn all(&mut self) -> Result<Node, SyntaxError> {
        let mut list = vec![self.atom()?];
        while self.peek() == Some('&') {
            self.at += 1;
            list.push(self.atom()?);
        }
        Ok(if list.len() == 1 { list.remove(0) } else { Node::And(list) })
    }

    fn atom(&mut self) -> Result<Node, SyntaxError> {
        match self.peek() {
            Some('(') => self.group(),
            Some(c) if c.is_ascii_alphabetic() => self.word(),
            Some(other) => self.fail(format!("expected public, guest, user, admin, self, role:<name> or (, found \"{other}\"")),
            None => self.fail("expected public, guest, user, admin, self, role:<name> or (, found the end".to_owned()),
        }
    }

    fn group(&mut self) -> Result<Node, SyntaxError> {
        if self.depth == MAX_NESTING {
            return self.fail(format!("more than {MAX_NESTING} parentheses inside each other"));
        }
        self.at += 1;
        self.depth += 1;
        let inner = self.any()?;
        if self.peek() != Some(')') {
            return self.fail("expected )".to_owned());
        }
        self.at += 1;
        self.depth -= 1;
        Ok(inner)
    }

    fn word(&mut self) -> Result<Node, SyntaxError> {
        let rest = &self.text[self.at..];
        let word: String = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '*')).collect();
        let atom = match word.as_str() {
            "public" | "guest" => Atom::Everybody,
            "user" => Atom::User,
            "admin" => Atom::Admin,
            "self" => Atom::OwnRecord,
            "role:*" => Atom::AnyRole,
            other => match other.strip_prefix("role:") {
                Some(name) if is_role_name(name) => Atom::Role(name.to_owned()),
                Some(_) => return self.fail(format!("\"{other}\" names no role: a role is a lower-case letter and up to 31 of a-z, 0-9, _ and -")),
                None => return self.fail(format!("unknown word \"{other}\"; use public, guest, user, admin, self, role:<name> or role:*")),
            },
        };
        self.at += word.len();
        Ok(Node::Atom(atom))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn subject(group: Group, role: Option<&'static str>, own_id: Option<&'static str>) -> Subject<'static> {
        Subject { group, role, own_id }
    }

    fn reach(text: &str, who: &Subject<'_>) -> Reach {
        Expression::parse(text).unwrap().reach(who)
    }

    #[test]
    fn atoms_mean_what_the_contract_says() {
        let guest = subject(Group::Guest, None, None);
        let anonymous = subject(Group::Guest, Some("guest"), Some("a"));
        let ana = subject(Group::User, Some("user"), Some("ana"));
        let editor = subject(Group::User, Some("editor"), Some("ed"));
        let key = subject(Group::Admin, None, None);
        use Reach::{Always, Never, Own};
        for (text, expected) in [
            ("public", [Always, Always, Always, Always, Always]),
            ("guest", [Always, Always, Always, Always, Always]),
            ("user", [Never, Never, Always, Always, Always]),
            ("admin", [Never, Never, Never, Never, Always]),
            ("self", [Never, Own, Own, Own, Never]),
            ("role:editor", [Never, Never, Never, Always, Never]),
            ("role:*", [Never, Never, Never, Always, Never]),
            ("user & self", [Never, Never, Own, Own, Never]),
            ("self | role:editor", [Never, Own, Own, Always, Never]),
            ("admin|self&role:editor", [Never, Never, Never, Own, Always]),
            (" ( admin | self ) & role:editor ", [Never, Never, Never, Own, Never]),
        ] {
            let got = [&guest, &anonymous, &ana, &editor, &key].map(|who| reach(text, who));
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        let guest = subject(Group::Guest, None, None);
        assert_eq!(reach("public | admin & admin", &guest), Reach::Always);
        assert_eq!(reach("(public | admin) & admin", &guest), Reach::Never);
    }

    #[test]
    fn bad_syntax_is_told_with_its_position() {
        for (text, position) in [
            ("", 0),
            ("user |", 6),
            ("user admin", 5),
            ("(user", 5),
            ("user)", 4),
            ("wizard", 0),
            ("user & role:", 7),
            ("role:A", 0),
            ("!admin", 0),
            ("user && self", 6),
            ("ü", 0),
            ("user | ü", 7),
        ] {
            assert_eq!(Expression::parse(text).unwrap_err().position, position, "{text}");
        }
        assert!(Expression::parse(&"(".repeat(500)).is_err());
        assert!(Expression::parse(&"user|".repeat(500)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z:*|&() ü]{0,40}") {
            let _ = Expression::parse(&text);
        }
    }
}
