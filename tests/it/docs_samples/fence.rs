//! The words after a fence's backticks: what the test does with the block.

use bkend_local::domain::docs::Fence;

/// Who sends a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    Guest,
    User,
    Secret,
    Token,
}

/// What a block asks for.
#[derive(Debug)]
pub enum Does {
    /// Send the one curl command; keep each `name` from its `path` of the answer.
    Send {
        name: String,
        status: u16,
        who: As,
        save: Vec<(String, String)>,
    },
    /// The answer to a sample has exactly these keys and types.
    Answers {
        name: String,
    },
    /// The same request in another language.
    Same {
        name: String,
        run: bool,
    },
    /// Call an MCP tool with these arguments; it must not answer with an error.
    Tool {
        name: String,
    },
    /// Every `$ bkend-local …` line exits with 0.
    Console,
    /// A file that later commands read.
    File {
        name: String,
    },
    Skip,
    Nothing,
}

#[derive(Debug)]
pub struct Sample<'a> {
    pub does: Does,
    pub code: &'a str,
}

impl<'a> Sample<'a> {
    pub fn parse(fence: &Fence<'a>) -> Result<Self, String> {
        let words = shlex::split(fence.info).ok_or("the quotes do not close")?;
        let (language, rest) = words.split_first().ok_or("no language")?;
        let mut attributes = Vec::new();
        for word in rest {
            attributes.push(word.split_once('=').ok_or_else(|| format!("{word} is no attribute"))?);
        }
        let get = |key: &str| attributes.iter().find(|(k, _)| *k == key).map(|(_, v)| (*v).to_owned());
        let known = |keys: &[&str]| match attributes.iter().find(|(k, _)| !keys.contains(k)) {
            Some((k, _)) => Err(format!("unknown attribute {k}")),
            None => Ok(()),
        };
        let does = if get("skip").is_some_and(|reason| !reason.is_empty()) {
            Does::Skip
        } else if let (Some(name), "bash") = (get("sample"), language.as_str()) {
            known(&["sample", "status", "as", "save"])?;
            let status = get("status").map_or(Ok(200), |s| s.parse().map_err(|_| format!("status={s}")))?;
            let saved = get("save").unwrap_or_default();
            let pair = |s: &str| s.split_once(':').map(|(n, p)| (n.to_owned(), p.to_owned())).ok_or(format!("save={s}"));
            let save = saved.split(',').filter(|s| !s.is_empty()).map(pair).collect::<Result<_, _>>()?;
            Does::Send { name, status, who: who(get("as").as_deref())?, save }
        } else if let (Some(name), "json") = (get("answers"), language.as_str()) {
            known(&["answers"])?;
            Does::Answers { name }
        } else if let (Some(name), "json") = (get("tool"), language.as_str()) {
            known(&["tool"])?;
            Does::Tool { name }
        } else if let (Some(name), "js" | "ts" | "dart") = (get("same"), language.as_str()) {
            known(&["same"])?;
            Does::Same { name, run: language == "js" }
        } else if let (Some(name), "json" | "yaml") = (get("file"), language.as_str()) {
            known(&["file"])?;
            Does::File { name }
        } else if language == "console" {
            known(&[])?;
            Does::Console
        } else {
            known(&[])?;
            Does::Nothing
        };
        Ok(Self { does, code: fence.code })
    }
}

fn who(text: Option<&str>) -> Result<As, String> {
    Ok(match text {
        None | Some("guest") => As::Guest,
        Some("user") => As::User,
        Some("secret") => As::Secret,
        Some("token") => As::Token,
        Some(other) => return Err(format!("as={other}")),
    })
}
