//! The six mails of authentication, and which variables their texts may name (`03-auth.md` §11).

use crate::domain::error::{Code, Error, Result, clip};

/// A kind of mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Template {
    SignupConfirmation,
    EmailVerification,
    PasswordReset,
    MagicLink,
    EmailCode,
    Invitation,
}

/// Known to every mail.
pub const COMMON: [&str; 7] = ["userName", "userEmail", "appName", "expiresIn", "logoUrl", "brandColor", "senderName"];

impl Template {
    pub const ALL: [Self; 6] = [Self::SignupConfirmation, Self::EmailVerification, Self::PasswordReset, Self::MagicLink, Self::EmailCode, Self::Invitation];

    /// Its name on the wire, which is also its id.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignupConfirmation => "signup_confirmation",
            Self::EmailVerification => "email_verification",
            Self::PasswordReset => "password_reset",
            Self::MagicLink => "magic_link",
            Self::EmailCode => "email_code",
            Self::Invitation => "invitation",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::SignupConfirmation => "Sign-up confirmation",
            Self::EmailVerification => "Email verification",
            Self::PasswordReset => "Password reset",
            Self::MagicLink => "Magic link",
            Self::EmailCode => "Email code",
            Self::Invitation => "Invitation",
        }
    }

    /// What it is for: `verification`, `password`, `signin` or `invitation`.
    pub fn category(self) -> &'static str {
        match self {
            Self::SignupConfirmation | Self::EmailVerification => "verification",
            Self::PasswordReset => "password",
            Self::MagicLink | Self::EmailCode => "signin",
            Self::Invitation => "invitation",
        }
    }

    /// # Errors
    /// 404 `auth/template-not-found`.
    pub fn parse(name: &str) -> Result<Self> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|template| template.name() == name)
            .ok_or_else(|| Error::new(Code::TEMPLATE_NOT_FOUND, format!("There is no mail template \"{}\"; there are {}", clip(name), known())))
    }

    /// The variable that holds the link; codes have none.
    pub fn link_variable(self) -> Option<&'static str> {
        match self {
            Self::SignupConfirmation | Self::EmailVerification => Some("verifyLink"),
            Self::PasswordReset => Some("resetLink"),
            Self::MagicLink => Some("magicLink"),
            Self::EmailCode => None,
            Self::Invitation => Some("inviteLink"),
        }
    }

    /// Every variable a text of it may name.
    pub fn variables(self) -> Vec<&'static str> {
        let own: &[&str] = match self {
            Self::EmailCode => &["code"],
            Self::Invitation => &["inviterName", "resourceName", "token"],
            _ => &["token"],
        };
        COMMON.into_iter().chain(self.link_variable()).chain(own.iter().copied()).collect()
    }

    /// Seconds its secret lives unless settings say otherwise; for previews.
    pub(super) fn usual_lifetime(self) -> i64 {
        match self {
            Self::SignupConfirmation | Self::EmailVerification | Self::PasswordReset => 86_400,
            Self::MagicLink => 900,
            Self::EmailCode => 600,
            Self::Invitation => 604_800,
        }
    }
}
