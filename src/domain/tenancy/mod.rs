//! Developers, organizations, projects, environments and their keys.

mod first_run;
pub mod slug;

pub use first_run::FirstRun;
