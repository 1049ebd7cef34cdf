//! What may be asked of a picture: a size and filters, already checked, in one normal form.

/// The largest width and height that can be asked for, in pixels.
pub const MAX_SIDE: u32 = 4096;
/// Of JPEG and WebP, when none is asked for.
pub const DEFAULT_QUALITY: u8 = 80;

/// A format that is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    Webp,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Gif, Self::Webp];

    /// The format a file begins like. Twelve bytes are enough.
    pub fn of(beginning: &[u8]) -> Option<Self> {
        match beginning {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Webp => "webp",
        }
    }

    /// A file name with the extension of the format, unless it has one already.
    pub fn name(self, name: &str) -> String {
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let fits = extension.eq_ignore_ascii_case(self.extension()) || (self == Self::Jpeg && extension.eq_ignore_ascii_case("jpeg"));
        if fits { name.to_owned() } else { format!("{}.{}", if stem.is_empty() { name } else { stem }, self.extension()) }
    }

    /// The longest side the format can hold, in pixels.
    pub fn longest_side(self) -> u32 {
        match self {
            Self::Webp => 16_383,
            Self::Jpeg | Self::Gif => 65_535,
            Self::Png => i32::MAX as u32,
        }
    }
}

/// The size asked for. A side of 0 is free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Size {
    #[default]
    Original,
    /// Inside width and height, ratio kept, never enlarged.
    FitIn(u32, u32),
    /// Exactly width and height, the middle of the picture.
    Exact(u32, u32),
    /// Exactly width and height, its most detailed part.
    Smart(u32, u32),
}

/// Everything asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub size: Size,
    /// 1–100.
    pub quality: u8,
    /// `None`: WebP for those who take it, else the format of the source.
    pub format: Option<Format>,
    /// Standard deviation of the blur in hundredths of a pixel, at most 50 pixels.
    pub blur: u16,
    /// Whether there was any filter, even one that asks for the default.
    pub filtered: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { size: Size::Original, quality: DEFAULT_QUALITY, format: None, blur: 0, filtered: false }
    }
}

impl Options {
    /// Whether nothing is asked for: then an animation stays as it is.
    pub fn is_plain(&self) -> bool {
        self.size == Size::Original && !self.filtered
    }

    /// The options as one text, equal for all paths that ask for the same; `webp` says that the caller takes WebP.
    pub fn normal_form(&self, webp: bool) -> String {
        let format = match self.format {
            Some(format) => format.extension(),
            None if webp => "auto-webp",
            None => "auto",
        };
        let size = match self.size {
            Size::Original => "original".to_owned(),
            Size::FitIn(width, height) => format!("fit-in/{width}x{height}"),
            Size::Exact(width, height) => format!("{width}x{height}"),
            Size::Smart(width, height) => format!("{width}x{height}/smart"),
        };
        format!("{size} q{} b{} {format}", self.quality, self.blur)
    }
}
