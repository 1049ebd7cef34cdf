//! The words a file is labelled with (`05-storage.md` §3): visibility, bucket, kind of owner.

use serde::{Serialize, Serializer};

use crate::domain::error::{Error, Result, clip};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident $what:literal { $($variant:ident $word:literal),* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($variant),* }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The word as it was sent or stored.
            pub fn of(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }

            /// # Errors
            /// `common/invalid-parameters` naming the parameter.
            pub fn parse(field: &str, word: &str) -> Result<Self> {
                Self::of(word).ok_or_else(|| Error::invalid_parameter(field, format!("{field} must be {}, not \"{}\"", $what, clip(word))))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// Who may read a file besides its owner and admins.
    Visibility "public, private, protected or shared" { Public "public", Private "private", Protected "protected", Shared "shared" }
}

words! {
    /// One label with two names: `bucket` and `category`.
    Bucket "avatars, images, documents, media, files, attachments, exports, backups or temp" {
        Avatars "avatars", Images "images", Documents "documents", Media "media", Files "files", Attachments "attachments", Exports "exports",
        Backups "backups", Temp "temp"
    }
}

words! {
    /// Whom a file belongs to.
    OwnerType "user, session, service or public" { User "user", Session "session", Service "service", Public "public" }
}
