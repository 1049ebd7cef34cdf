//! Mail to end users: texts, the mailbox of an environment, and delivery by SMTP (`03-auth.md` §11, "Mail").

mod built_in;
pub(super) mod delivery;
mod letterhead;
pub mod locale;
mod mailbox;
mod outgoing;
mod plain;
mod post;
mod render;
mod template;
pub mod templates;

pub use letterhead::Letterhead;
pub use locale::Locale;
pub use mailbox::{Mail, MailQuery};
pub use outgoing::Outgoing;
pub use post::{Post, log};
pub use render::{Rendered, Text};
pub use template::Template;
pub use templates::{MailTemplate, MailTemplatePatch, Preview, PreviewRequest};

/// Mails an environment keeps: the newest.
pub const KEPT: u32 = 1_000;
/// Characters of a subject.
pub const SUBJECT: usize = 200;
/// Bytes of a body.
pub const BODY: usize = 256 * 1024;
/// Variables that subject and body name, counting each time: what renders stays within bounds.
pub const VARIABLES: usize = 500;
