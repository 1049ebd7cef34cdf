//! Parameters of a request, from a query, a form or a JSON object, each at most once where once is meant.

use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::domain::oauth::{Asked, Failure, Kind, Refusal};
use crate::http::body::{Body, JSON_LIMIT};

/// Names and values in the order they came. Values are bytes, since a client's `state` may be any.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, Vec<u8>)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn of_form(text: &[u8]) -> Self {
        let decoded = |bytes: &[u8]| {
            let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
            percent_decode(&spaced).collect::<Vec<u8>>()
        };
        let pairs = text.split(|b| *b == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
            let (name, value) = piece.iter().position(|b| *b == b'=').map_or((piece, &[][..]), |at| (&piece[..at], &piece[at + 1..]));
            (String::from_utf8_lossy(&decoded(name)).into_owned(), decoded(value))
        });
        Self(pairs.collect())
    }

    /// Reads a body: JSON when it says so, else a form.
    ///
    /// # Errors
    /// `invalid_request`; 413.
    pub async fn of_body(body: Body) -> Result<Self, Failure> {
        let media_type = body.media_type().map(str::to_owned);
        let bytes = body.bytes(JSON_LIMIT).await?;
        match media_type.as_deref() {
            Some("application/json") => Ok(Self::of_json(&bytes)?),
            None | Some("application/x-www-form-urlencoded") => Ok(Self::of_form(&bytes)),
            Some(_) => Err(invalid("Content-Type must be application/x-www-form-urlencoded or application/json").into()),
        }
    }

    fn of_json(bytes: &[u8]) -> Result<Self, Refusal> {
        let Members(members) = serde_json::from_slice(bytes).map_err(|_| invalid("The body is not a JSON object"))?;
        let mut pairs = Vec::new();
        for (name, value) in members {
            match value {
                Value::String(text) => pairs.push((name, text.into_bytes())),
                Value::Null => {}
                _ => return Err(invalid(&format!("{name} must be a string"))),
            }
        }
        Ok(Self(pairs))
    }

    /// Every value of a name, as text.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// The first value of a name; an empty one counts as absent (RFC 6749 §3.1).
    pub fn first(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value).filter(|v| !v.is_empty()).map(|v| String::from_utf8_lossy(v).into_owned())
    }

    fn is_repeated(&self, name: &str) -> bool {
        self.0.iter().filter(|(own, _)| own == name).count() > 1
    }

    /// The value of a name that may come once.
    ///
    /// # Errors
    /// `invalid_request` when it came more than once.
    pub fn once(&self, name: &str) -> Result<Option<String>, Refusal> {
        if self.is_repeated(name) { Err(invalid(&format!("{name} came more than once"))) } else { Ok(self.first(name)) }
    }

    /// The value of a name that has to be there.
    ///
    /// # Errors
    /// `invalid_request` when it is missing or came more than once.
    pub fn required(&self, name: &str) -> Result<String, Refusal> {
        self.once(name)?.ok_or_else(|| invalid(&format!("{name} is missing")))
    }

    /// The parameters of an authorization request.
    pub fn asked(&self) -> Asked {
        const NAMES: [&str; 8] = ["client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "scope", "state", "resource"];
        Asked {
            client_id: self.first("client_id"),
            redirect_uri: self.first("redirect_uri"),
            response_type: self.first("response_type"),
            code_challenge: self.first("code_challenge"),
            code_challenge_method: self.first("code_challenge_method"),
            scope: self.first("scope"),
            state: self.0.iter().find(|(name, _)| name == "state").map(|(_, value)| value.clone()).filter(|v| !v.is_empty()),
            resource: self.first("resource"),
            repeated: NAMES.into_iter().filter(|name| self.is_repeated(name)).collect(),
        }
    }

    /// The client: `client_id`, or the user name of Basic (RFC 6749 §2.3.1).
    ///
    /// # Errors
    /// `invalid_request` without one, or with two different ones.
    pub fn client_id(&self, request: &HttpRequest) -> Result<String, Refusal> {
        let own = self.once("client_id")?;
        let basic = match request.headers().get(header::AUTHORIZATION) {
            Some(value) => Some(basic_user(value.as_bytes()).ok_or_else(|| invalid("Authorization must be Basic with the client id as user name"))?),
            None => None,
        };
        match (own, basic) {
            (Some(own), Some(basic)) if own != basic => Err(invalid("client_id and the user name of Authorization differ")),
            (Some(id), _) | (None, Some(id)) => Ok(id),
            (None, None) => Err(invalid("client_id is missing")),
        }
    }
}

fn basic_user(value: &[u8]) -> Option<String> {
    let (scheme, encoded) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let user = decoded.split(|b| *b == b':').next()?;
    let user = percent_decode(user).decode_utf8().ok()?.into_owned();
    (!user.is_empty()).then_some(user)
}

fn invalid(why: &str) -> Refusal {
    Refusal::new(Kind::InvalidRequest, why)
}

/// The members of a JSON object, also when a name stands twice.
struct Members(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_byte_for_byte() {
        let fields = Fields::of_form(b"state=a+b%FF%3d&x&scope=&scope=y");
        assert_eq!(fields.asked().state.as_deref(), Some(&b"a b\xff="[..]));
        assert_eq!(fields.asked().repeated, ["scope"]);
        assert_eq!(fields.first("x"), None, "an empty value counts as absent");
    }

    #[test]
    fn json_members_that_stand_twice_are_noticed() {
        let fields = Fields::of_json(br#"{"code":"a","code":"b","resource":null}"#).unwrap();
        assert!(fields.once("code").is_err() && fields.once("resource").unwrap().is_none());
        for bad in [&b"[]"[..], b"{", b"{\"code\":1}", b"\xff"] {
            assert!(Fields::of_json(bad).is_err());
        }
    }

    #[test]
    fn the_user_name_of_basic_is_the_client() {
        assert_eq!(basic_user(b"Basic ZHluLTE6").as_deref(), Some("dyn-1"));
        assert_eq!(basic_user(b"basic ZHluLTE=").as_deref(), Some("dyn-1"));
        for bad in [&b"Bearer x"[..], b"Basic", b"Basic !", b"Basic Og=="] {
            assert_eq!(basic_user(bad), None);
        }
    }
}
