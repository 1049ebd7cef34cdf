//! Which entries of the request log are wanted, from the text of parameters.

use crate::domain::error::{Error, Result, clip};
use crate::domain::time;
use crate::store::log::{RequestFilter, RequestOrder, RequestRow};

/// Filters of `GET {E}/requests`; empty lets everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(RequestFilter);

impl Filter {
    /// Reads parameters by name; `None` and empty text do not filter.
    ///
    /// # Errors
    /// `common/invalid-parameters` naming the parameter.
    pub fn parse<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Result<Self> {
        let text = |name: &str| parameter(name).map(str::trim).filter(|t| !t.is_empty());
        let owned = |name: &str| text(name).map(str::to_owned);
        let moment = |name: &str| {
            let bad = |t: &str| Error::invalid_parameter(name, format!("{name} must be a time such as 2026-01-15T10:30:00Z, not \"{}\"", clip(t)));
            text(name).map(|t| time::parse(t).ok_or_else(|| bad(t))).transpose()
        };
        Ok(Self(RequestFilter {
            method: text("method").map(str::to_ascii_uppercase),
            path: owned("path"),
            status: text("status").map(status).transpose()?,
            min_us: text("minMs").map(min_ms).transpose()?,
            caller_type: text("caller").map(caller).transpose()?,
            key_id: owned("keyId"),
            user_id: owned("userId"),
            from: moment("from")?,
            to: moment("to")?,
            after_id: None,
            order: text("sortBy").map_or(RequestOrder::Time, order),
            ascending: text("sortDirection").map_or(Ok(false), is_ascending)?,
        }))
    }

    pub(super) fn since(&self, at: i64) -> RequestFilter {
        RequestFilter { from: Some(self.0.from.map_or(at, |from| from.max(at))), ..self.0.clone() }
    }

    pub(super) fn after(&self, id: &str) -> RequestFilter {
        RequestFilter { after_id: Some(id.to_owned()), ..self.0.clone() }
    }

    pub(super) fn matches(&self, row: &RequestRow) -> bool {
        let f = &self.0;
        f.method.as_ref().is_none_or(|m| *m == row.method)
            && f.path.as_ref().is_none_or(|p| row.path.contains(p.as_str()))
            && f.status.is_none_or(|(low, high)| (low..=high).contains(&row.status))
            && f.min_us.is_none_or(|min| row.duration_us >= min)
            && f.caller_type.as_ref().is_none_or(|c| *c == row.caller_type)
            && f.key_id.as_ref().is_none_or(|k| row.key_id.as_ref() == Some(k))
            && f.user_id.as_ref().is_none_or(|u| row.user_id.as_ref() == Some(u))
            && f.from.is_none_or(|from| row.at >= from)
            && f.to.is_none_or(|to| row.at <= to)
    }
}

/// Members that nothing can be sorted by change nothing.
fn order(name: &str) -> RequestOrder {
    match name {
        "durationMs" => RequestOrder::Duration,
        "status" => RequestOrder::Status,
        "path" => RequestOrder::Path,
        "method" => RequestOrder::Method,
        _ => RequestOrder::Time,
    }
}

fn is_ascending(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err(Error::invalid_parameter("sortDirection", format!("sortDirection must be asc or desc, not \"{}\"", clip(text)))),
    }
}

/// `404`, or `4xx` for a class.
fn status(text: &str) -> Result<(u16, u16)> {
    let bad = || Error::invalid_parameter("status", format!("status must be a status such as 404 or a class such as 4xx, not \"{}\"", clip(text)));
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let class: u16 = class.parse().ok().filter(|c| (1..=5).contains(c)).ok_or_else(bad)?;
        return Ok((class * 100, class * 100 + 99));
    }
    let one = text.parse().ok().filter(|s| (100..=599).contains(s)).ok_or_else(bad)?;
    Ok((one, one))
}

fn min_ms(text: &str) -> Result<i64> {
    let ms = text.parse::<f64>().ok().filter(|ms| (0.0..=1e9).contains(ms));
    let ms = ms.ok_or_else(|| Error::invalid_parameter("minMs", format!("minMs must be a number of milliseconds, not \"{}\"", clip(text))))?;
    Ok((ms * 1e3) as i64)
}

fn caller(text: &str) -> Result<String> {
    if matches!(text, "guest" | "user" | "key") {
        return Ok(text.to_owned());
    }
    Err(Error::invalid_parameter("caller", format!("caller must be guest, user or key, not \"{}\"", clip(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_name_what_they_cannot_read() {
        for (name, value) in
            [("status", "9xx"), ("status", "abc"), ("status", "42"), ("minMs", "-1"), ("minMs", "NaN"), ("caller", "me"), ("from", "soon"), ("to", "x")]
        {
            let error = Filter::parse(|n| (n == name).then_some(value)).unwrap_err();
            assert_eq!(error.detail_list()[0].field, name, "{value}");
        }
        assert_eq!(Filter::parse(|n| (n == "status").then_some("4xx")).unwrap().0.status, Some((400, 499)));
        assert_eq!(Filter::parse(|_| Some("")).unwrap(), Filter::default());
    }
}
