//! Reads the one `curl` command of a sample, as curl itself would.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What curl leaves as it is when it encodes (RFC 3986 §2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Debug)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

impl Request {
    pub fn parse(code: &str) -> Result<Self, String> {
        let words = shlex::split(&code.replace("\\\n", " ")).ok_or("the quotes do not close")?;
        let mut words = words.into_iter();
        if words.next().as_deref() != Some("curl") {
            return Err("does not begin with curl".into());
        }
        let (mut method, mut url, mut headers) = (None, None, Vec::new());
        let (mut data, mut query, mut get, mut json, mut form) = (Vec::new(), Vec::new(), false, false, String::new());
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} has no value"));
            match word.as_str() {
                "-X" | "--request" => method = Some(value()?),
                "-H" | "--header" => {
                    let header = value()?;
                    let (name, text) = header.split_once(':').ok_or_else(|| format!("{header} is no header"))?;
                    headers.push((name.trim().to_owned(), text.trim().to_owned()));
                }
                "-d" | "--data" | "--data-raw" | "--data-binary" => data.push(value()?),
                "--json" => {
                    json = true;
                    data.push(value()?);
                }
                "-F" | "--form" => form.push_str(&part(&value()?)?),
                "--data-urlencode" => data.push(encoded(&value()?)),
                "--url-query" => query.push(encoded(&value()?)),
                "-G" | "--get" => get = true,
                "-i" | "-s" | "-sS" | "-N" | "--no-buffer" => {}
                option if option.starts_with('-') => return Err(format!("the test does not know {option}")),
                _ if url.is_none() => url = Some(word),
                _ => return Err(format!("a second address, {word}")),
            }
        }
        let mut url = url.ok_or("no address")?;
        let mut body = (!data.is_empty()).then(|| data.join("&"));
        if get {
            query.extend(body.take());
        }
        if !query.is_empty() {
            url = format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, query.join("&"));
        }
        if !form.is_empty() {
            body = Some(format!("{form}--sample--\r\n"));
            headers.push(("Content-Type".into(), "multipart/form-data; boundary=sample".into()));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            let kind = if json { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.push(("Content-Type".into(), kind.into()));
        }
        let method = method.unwrap_or_else(|| if body.is_some() { "POST".into() } else { "GET".into() });
        Ok(Self { method, url, headers, body })
    }

    /// The path below `/v1`, without host and query.
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        let path = path.split('?').next().unwrap_or(path);
        path.strip_prefix("/v1").unwrap_or(path)
    }

    /// The names in the query and at the top of a JSON body.
    pub fn names(&self) -> Vec<String> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let mut names: Vec<String> = url::form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned()).collect();
        if let Some(serde_json::Value::Object(body)) = self.body.as_deref().and_then(|b| serde_json::from_str(b).ok()) {
            names.extend(body.keys().cloned());
        }
        names
    }
}

/// A part of a form: `name=content`, with `;filename=` and `;type=` behind it.
fn part(text: &str) -> Result<String, String> {
    let (name, rest) = text.split_once('=').ok_or_else(|| format!("{text} is no part of a form"))?;
    let mut words = rest.split(';');
    let content = words.next().unwrap_or_default();
    let (mut disposition, mut kind) = (format!("form-data; name=\"{name}\""), String::new());
    for word in words {
        match word.split_once('=') {
            Some(("filename", file)) => disposition.push_str(&format!("; filename=\"{file}\"")),
            Some(("type", media_type)) => kind = format!("Content-Type: {media_type}\r\n"),
            _ => return Err(format!("the test does not know {word}")),
        }
    }
    Ok(format!("--sample\r\nContent-Disposition: {disposition}\r\n{kind}\r\n{content}\r\n"))
}

fn encoded(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) => format!("{name}={}", utf8_percent_encode(value, ENCODED)),
        None => utf8_percent_encode(text, ENCODED).to_string(),
    }
}

#[test]
fn a_command_is_read_as_curl_reads_it() {
    let request = Request::parse("curl -X POST http://h/v1/data/t \\\n  -H \"X-API-Key: k\" \\\n  -d '{\"a\":1}'").unwrap();
    assert_eq!((request.method.as_str(), request.path(), request.body.as_deref()), ("POST", "/data/t", Some("{\"a\":1}")));
    assert_eq!(request.names(), ["a"]);
    let request = Request::parse("curl -G http://h/v1/x --data-urlencode 'andFilters={\"a\":1}' -d limit=2").unwrap();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", "http://h/v1/x?andFilters=%7B%22a%22%3A1%7D&limit=2"));
    assert!(Request::parse("curl --magic http://h").is_err());
}
