//! The grammar of `/img` paths (`05-storage.md` §7): `[<size>/][filters:<f>[:<f>…]/]<key>`.

use percent_encoding::percent_decode_str;

use super::options::{Format, MAX_SIDE, Options, Size};
use crate::domain::error::{Code, Error, Result, clip};

/// What a path asks for, and of which object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    pub options: Options,
    /// Decoded once.
    pub key: String,
}

/// The largest blur, in pixels.
const MAX_BLUR: f32 = 50.0;

impl Path {
    /// Reads what follows `/img/`, as it came in the request.
    ///
    /// # Errors
    /// 400 `file/invalid-transform` naming the segment, filter or value; 404 `file/not-found` when no key is left.
    pub fn parse(raw: &str) -> Result<Self> {
        let mut rest = raw;
        let mut options = Options::default();
        if let Some((size, after)) = read_size(rest)? {
            options.size = size;
            rest = after;
        }
        if let Some((segment, after)) = next(rest).filter(|(segment, _)| segment.starts_with("filters:")) {
            read_filters(&segment["filters:".len()..], &mut options)?;
            rest = after;
        }
        let key = percent_decode_str(rest).decode_utf8().map_err(|_| no_such_file())?.into_owned();
        match key.split('/').next() {
            Some("") | None => Err(no_such_file()),
            Some(first) if is_misplaced(first) => Err(refused(format!("The segment {} stands where the file's key should begin", clip(first)))),
            Some(_) => Ok(Self { options, key }),
        }
    }

    /// The error for a key that nobody was given: a key of this server's own form behind other segments was meant to be
    /// transformed by them.
    pub fn unknown_key(&self) -> Error {
        let segments: Vec<&str> = self.key.split('/').collect();
        let own = |at: usize| segments.get(at).is_some_and(|s| is_hex_id(s)) && segments.get(at + 1).is_some_and(|s| is_id_and_token(s));
        match (1..segments.len()).find(|at| own(*at)) {
            Some(_) => refused(format!("{} is no size and no filter", clip(segments[0]))),
            None => no_such_file(),
        }
    }
}

/// The first segment, decoded, and what follows it.
fn next(rest: &str) -> Option<(String, &str)> {
    let (segment, after) = rest.split_once('/')?;
    Some((percent_decode_str(segment).decode_utf8().ok()?.into_owned(), after))
}

fn read_size(rest: &str) -> Result<Option<(Size, &str)>> {
    let Some((first, after)) = next(rest) else { return Ok(None) };
    if first == "fit-in" {
        let Some((sides, after)) = next(after).filter(|(second, _)| looks_like_sides(second)) else {
            return Err(refused("fit-in must be followed by <width>x<height>"));
        };
        let (width, height) = sides_of(&sides)?;
        return Ok(Some((Size::FitIn(width, height), after)));
    }
    if !looks_like_sides(&first) {
        return Ok(None);
    }
    let (width, height) = sides_of(&first)?;
    Ok(Some(match next(after) {
        Some((second, after)) if second == "smart" => (Size::Smart(width, height), after),
        _ => (Size::Exact(width, height), after),
    }))
}

/// Digits, signs and points around one `x`: meant to be a size, whether it is one or not.
fn looks_like_sides(segment: &str) -> bool {
    segment.bytes().any(|b| b.is_ascii_digit())
        && segment.bytes().filter(|b| *b == b'x').count() == 1
        && segment.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'x' | b'-' | b'+' | b'.'))
}

fn sides_of(segment: &str) -> Result<(u32, u32)> {
    let side = |text: &str| integer(text, MAX_SIDE);
    let sides = segment.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.ok_or_else(|| refused(format!("{} is no size: width and height are whole numbers of 0 to {MAX_SIDE}", clip(segment))))
}

/// A plain decimal number up to `most`, of at most as many digits.
fn integer(text: &str, most: u32) -> Option<u32> {
    if text.is_empty() || text.len() > 5 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|n| *n <= most)
}

fn read_filters(list: &str, options: &mut Options) -> Result<()> {
    options.filtered = true;
    for filter in list.split(':') {
        let call = filter.strip_suffix(')').and_then(|open| open.split_once('('));
        let Some((name, value)) = call else { return Err(refused(format!("{} is no filter; write name(value)", clip(filter)))) };
        match name {
            "quality" => {
                let quality = integer(value, 100).filter(|n| *n > 0).ok_or_else(|| refused("quality takes a whole number of 1 to 100"))?;
                options.quality = u8::try_from(quality).unwrap_or(100);
            }
            "format" => options.format = Some(format_named(value)?),
            "blur" => options.blur = blur_of(value)?,
            _ => return Err(refused(format!("There is no filter {}; those there are: quality, format, blur", clip(name)))),
        }
    }
    Ok(())
}

fn format_named(value: &str) -> Result<Format> {
    match value {
        "webp" => Ok(Format::Webp),
        "jpeg" | "jpg" => Ok(Format::Jpeg),
        "png" => Ok(Format::Png),
        _ => Err(refused("format takes webp, jpeg, jpg or png")),
    }
}

/// Hundredths of a pixel.
fn blur_of(value: &str) -> Result<u16> {
    let plain = !value.is_empty() && value.len() <= 8 && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let pixels = plain.then(|| value.parse::<f32>().ok()).flatten().filter(|pixels| (0.0..=MAX_BLUR).contains(pixels));
    let pixels = pixels.ok_or_else(|| refused("blur takes a number of 0 to 50 pixels"))?;
    Ok((pixels * 100.0).round() as u16)
}

/// Segments of the grammar that come too late, or twice.
fn is_misplaced(first: &str) -> bool {
    matches!(first, "fit-in" | "smart") || first.starts_with("filters:") || looks_like_sides(first)
}

fn is_hex_id(segment: &str) -> bool {
    segment.len() == 24 && segment.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_id_and_token(segment: &str) -> bool {
    segment.rsplit_once('-').is_some_and(|(_, token)| token.len() == 26 && token.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')))
}

fn refused(message: impl std::fmt::Display) -> Error {
    Error::new(Code::FILE_INVALID_TRANSFORM, format!("{message}; a picture's path is /img/[fit-in/<W>x<H> | <W>x<H>[/smart]/][filters:<name>(<value>)…/]<key>"))
}

fn no_such_file() -> Error {
    Error::new(Code::FILE_NOT_FOUND, "No stored picture has this address")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "69577a001b7d4e8f90a1b2c3/695f7c9c7a2e4c5d6e7f8091-k3vq7xw2m5ynb4tdzr6hpcufgj/a.jpg";

    fn read(prefix: &str) -> Options {
        let path = Path::parse(&format!("{prefix}{KEY}")).unwrap_or_else(|e| panic!("{prefix}: {e}"));
        assert_eq!(path.key, KEY);
        path.options
    }

    #[test]
    fn every_size_and_filter_of_the_contract_is_read() {
        assert_eq!(read(""), Options::default());
        assert_eq!(read("fit-in/400x300/").size, Size::FitIn(400, 300));
        assert_eq!(read("fit-in/0x300/").size, Size::FitIn(0, 300));
        assert_eq!(read("200x100/smart/").size, Size::Smart(200, 100));
        assert_eq!(read("4096x1/").size, Size::Exact(4096, 1));
        let all = read("400x300/smart/filters:quality(1):format(webp):blur(2.5)/");
        assert_eq!((all.size, all.quality, all.format, all.blur), (Size::Smart(400, 300), 1, Some(Format::Webp), 250));
        assert_eq!(read("filters:format(jpg)/").format, Some(Format::Jpeg));
        assert_eq!(read("filters:format(jpeg)/").format, Some(Format::Jpeg));
        assert_eq!(read("filters:blur(0):quality(100)/").quality, 100);
        assert_eq!(read("filters%3Aquality%2850%29/").quality, 50);
        assert!(!read("filters:quality(80)/").is_plain() && read("").is_plain());
    }

    #[test]
    fn a_key_may_come_percent_encoded() {
        let encoded = KEY.replace('/', "%2F");
        assert_eq!(Path::parse(&encoded).unwrap().key, KEY);
        assert_eq!(Path::parse(&format!("fit-in/10x10/filters:quality(5)/{encoded}")).unwrap().key, KEY);
        assert_eq!(Path::parse("a%252Fb").unwrap().key, "a%2Fb");
    }

    #[test]
    fn any_other_segment_filter_or_value_is_an_invalid_transform() {
        for prefix in [
            "5000x10/",
            "10x4097/",
            "-1x5/",
            "1.5x2/",
            "x5/",
            "5x/",
            "+5x5/",
            "99999999999x1/",
            "fit-in/",
            "fit-in/400/",
            "fit-in/400x/",
            "fit-in/400x300/smart/",
            "smart/",
            "smart/10x10/",
            "10x10/20x20/",
            "10x10/smart/smart/",
            "filters:/",
            "filters:quality/",
            "filters:quality()/",
            "filters:quality(0)/",
            "filters:quality(101)/",
            "filters:quality(8.5)/",
            "filters:quality(-1)/",
            "filters:quality(80)(1)/",
            "filters:format(gif)/",
            "filters:format(svg)/",
            "filters:format(WEBP)/",
            "filters:blur(51)/",
            "filters:blur(-1)/",
            "filters:blur(NaN)/",
            "filters:blur(1e1)/",
            "filters:blur(50.01)/",
            "filters:blur(inf)/",
            "filters:rotate(90)/",
            "filters:quality(80):/",
            "filters::quality(80)/",
            "filters:quality(80)/10x10/",
            "filters:quality(80)/filters:blur(1)/",
            "filters:fill(https://evil.test/a)/",
        ] {
            let error = Path::parse(&format!("{prefix}{KEY}")).expect_err(prefix);
            assert_eq!(error.code().name, "file/invalid-transform", "{prefix}");
        }
        for prefix in ["trim/", "unsafe/400x300/", "left/top/", "meta/", "adaptive-fit-in/10x10/"] {
            let path = Path::parse(&format!("{prefix}{KEY}")).unwrap_or_else(|e| panic!("{prefix}: {e}"));
            assert_eq!(path.unknown_key().code().name, "file/invalid-transform", "{prefix}");
        }
    }

    #[test]
    fn what_holds_no_key_is_not_found() {
        for path in ["", "/", "fit-in/10x10/", "//a", "%ff%fe", "10x10//a"] {
            assert_eq!(Path::parse(path).expect_err(path).code().name, "file/not-found", "{path}");
        }
        assert_eq!(Path::parse("holiday/a.jpg").unwrap().unknown_key().code().name, "file/not-found");
        assert_eq!(Path::parse(KEY).unwrap().unknown_key().code().name, "file/not-found");
    }

    #[test]
    fn paths_that_ask_for_the_same_have_one_normal_form() {
        let form = |prefix: &str| read(prefix).normal_form(false);
        assert_eq!(form("filters:quality(80):format(jpg)/"), form("filters:format(jpeg)/"));
        assert_eq!(form("filters:blur(2.50):quality(1)/"), form("filters:quality(1):blur(2.5)/"));
        let different = ["", "10x10/", "10x10/smart/", "fit-in/10x10/", "filters:quality(81)/", "filters:blur(1)/", "filters:format(png)/"].map(form);
        assert!((0..different.len()).all(|a| (0..a).all(|b| different[a] != different[b])));
        assert_ne!(read("").normal_form(true), read("").normal_form(false));
    }

    proptest::proptest! {
        #[test]
        fn no_path_panics(path in "\\PC{0,80}") {
            drop(Path::parse(&path).map(|path| path.unknown_key()));
        }

        #[test]
        fn nor_does_one_made_of_the_words_of_the_grammar(words in proptest::collection::vec("fit-in|smart|[0-9]{0,6}x[0-9]{0,6}|filters:|quality\\(|blur\\([0-9.]{0,9}\\)|format\\(webp\\)|%|%2F|/", 0..12)) {
            drop(Path::parse(&words.join("/")).map(|path| path.unknown_key()));
        }
    }
}
