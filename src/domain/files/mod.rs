//! Stored files: what is known of them, who may read them, and their bytes (`05-storage.md`).

pub mod conditions;
pub mod disposition;
mod input;
pub mod labels;
pub mod media_type;
mod metadata;
pub mod name;
pub mod open;
pub mod put;
pub mod ranges;
pub mod receive;
mod rights;
pub mod serving;
pub mod settings;
pub mod signature;
pub mod view;

pub use settings::FileSettings;
pub use view::FileObject;
