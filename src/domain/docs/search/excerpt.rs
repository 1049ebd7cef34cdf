//! Markdown cut to a length: code blocks whole or absent, tables between rows, text between sentences.

/// A part of a section that is cut as one kind.
#[derive(Debug, PartialEq, Eq)]
enum Block<'a> {
    Text(&'a str),
    /// Lines of a table, head and rule first.
    Table(Vec<&'a str>),
    /// A code block with its language alone behind the fence.
    Code(String),
}

/// Markdown as much as fits in `space` characters. `place` (`page#anchor`) stands in for a code block that does not fit.
pub fn fit(markdown: &str, space: usize, place: &str) -> String {
    let mut out = String::new();
    for block in blocks(markdown) {
        let gap = if out.is_empty() { 0 } else { 2 };
        let left = space.saturating_sub(length(&out) + gap);
        let (piece, whole) = match block {
            Block::Code(code) if length(&code) <= left => (code, true),
            // What follows a block that is left out is still worth reading.
            Block::Code(_) => (format!("code: {place}"), true),
            Block::Text(text) => cut_text(text, left),
            Block::Table(lines) => cut_table(&lines, left),
        };
        if length(&piece) > left || piece.is_empty() {
            break;
        }
        // Two code blocks left out in a row need one note.
        if !(piece.starts_with("code: ") && out.ends_with(&piece)) {
            out.push_str(if out.is_empty() { "" } else { "\n\n" });
            out.push_str(&piece);
        }
        if !whole {
            break;
        }
    }
    out
}

/// The section as a reader sees it: nothing but the language behind a fence, deeper headings as bold lines.
pub fn shown(markdown: &str) -> String {
    fit(markdown, usize::MAX, "")
}

/// A whole page as a terminal shows it: the words behind a fence's language are for tests and left out.
pub fn clean(markdown: &str) -> String {
    let mut fenced = false;
    let lines = markdown.lines().map(|line| {
        let mark = line.starts_with("```");
        fenced ^= mark;
        if mark && fenced { line.split_whitespace().next().unwrap_or_default() } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

pub fn length(text: &str) -> usize {
    text.chars().count()
}

fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut out = Vec::new();
    let mut rest = markdown.trim_matches('\n');
    while !rest.is_empty() {
        let end = if rest.starts_with("```") { fence_end(rest) } else { text_end(rest) };
        let (block, after) = rest.split_at(end);
        let block = block.trim_end();
        out.push(if block.starts_with("```") {
            Block::Code(code(block))
        } else if block.starts_with('|') {
            Block::Table(block.lines().collect())
        } else {
            Block::Text(block)
        });
        rest = after.trim_start_matches('\n');
    }
    out
}

/// Where the code block at the start ends.
fn fence_end(text: &str) -> usize {
    let body = text.find('\n').map_or(text.len(), |at| at + 1);
    text[body..].find("\n```").map_or(text.len(), |at| {
        let close = body + at + 1;
        text[close..].find('\n').map_or(text.len(), |n| close + n + 1)
    })
}

/// Where the paragraph, list item or table at the start ends: at a blank line, a fence, or where a table begins or ends.
fn text_end(text: &str) -> usize {
    let table = text.starts_with('|');
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let boundary = line.trim().is_empty() || line.starts_with("```") || line.starts_with('|') != table || (line.starts_with("- ") && !table);
        if at > 0 && boundary {
            return at;
        }
        at += line.len();
    }
    text.len()
}

fn code(block: &str) -> String {
    let (info, body) = block.split_once('\n').unwrap_or((block, ""));
    let language = info.trim_start_matches('`').split_whitespace().next().unwrap_or_default();
    format!("```{language}\n{body}")
}

fn cut_text(text: &str, left: usize) -> (String, bool) {
    let text = match text.trim_start_matches('#') {
        bare if bare.len() < text.len() && bare.starts_with(' ') => format!("**{}**", bare.trim()),
        _ => text.to_owned(),
    };
    if length(&text) <= left {
        return (text, true);
    }
    // Within the last sentence that fits, else the last word.
    let short: String = text.chars().take(left.saturating_sub(2)).collect();
    let sentence = short.rmatch_indices(". ").map(|(at, _)| at + 1).find(|at| *at * 2 >= short.len());
    let cut = sentence.or_else(|| short.rfind(char::is_whitespace)).filter(|at| *at >= 40);
    let cut = cut.map(|at| short[..at].trim_end()).filter(|cut| cut.matches('`').count() % 2 == 0 && !cut.starts_with("**"));
    (cut.map_or_else(String::new, |cut| format!("{cut} …")), false)
}

fn cut_table(lines: &[&str], left: usize) -> (String, bool) {
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        if length(&out) + length(line) + 3 > left {
            // A head without rows says nothing.
            return if at > 2 { (out + "\n…", false) } else { (String::new(), false) };
        }
        out.push_str(if at == 0 { "" } else { "\n" });
        out.push_str(line);
    }
    (out, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "First sentence here and now. Second one goes on for a while longer.\n\n```bash sample=a as=user\ncurl x\n\ncurl y\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |\n\n### Deeper\n\nLast.";

    #[test]
    fn a_code_block_is_whole_or_absent() {
        let code = "```bash\ncurl x\n\ncurl y\n```";
        for space in 0..400 {
            let cut = fit(TEXT, space, "p#a");
            assert!(length(&cut) <= space, "{space}: {cut}");
            assert!(cut.contains(code) || !cut.contains("```"), "{space}: {cut}");
            assert!(!cut.contains("```") || cut.matches("```").count() == 2);
        }
        assert!(fit(TEXT, 86, "p#a").contains("code: p#a"));
        assert!(!shown(TEXT).contains("sample="));
    }

    #[test]
    fn a_table_is_cut_between_rows() {
        let lines = TEXT.lines().filter(|line| line.starts_with('|')).collect::<Vec<_>>();
        for space in 0..60 {
            let (cut, whole) = cut_table(&lines, space);
            assert!(cut.lines().all(|line| line == "…" || lines.contains(&line)), "{cut}");
            assert!(cut.is_empty() || cut.lines().count() >= 4 || (whole && cut.lines().count() == 4), "{space}: {cut}");
        }
    }

    #[test]
    fn headings_within_a_section_are_bold_lines() {
        assert!(shown(TEXT).ends_with("**Deeper**\n\nLast."));
    }
}
