//! What the built-in pages say, in the languages mails are written in.

use serde::Serialize;

use crate::domain::auth::config::PasswordPolicy;
use crate::domain::error::{Code, Detail, Error};
use crate::domain::mail::Locale;

/// The fixed texts of the pages.
#[derive(Debug, Serialize)]
pub struct Texts {
    pub email: &'static str,
    pub reset_title: &'static str,
    pub new_password: &'static str,
    pub reset_button: &'static str,
    pub reset_ends_sessions: &'static str,
    pub reset_done_title: &'static str,
    pub reset_done: &'static str,
    pub invitation_title: &'static str,
    pub role: &'static str,
    pub invited_address: &'static str,
    pub open_until: &'static str,
    pub accept: &'static str,
    pub decline: &'static str,
    pub accepted_title: &'static str,
    pub declined_title: &'static str,
    pub declined: &'static str,
    pub failed_title: &'static str,
    pub request: &'static str,
}

static EN: Texts = Texts {
    email: "Email",
    reset_title: "Choose a new password",
    new_password: "New password",
    reset_button: "Change password",
    reset_ends_sessions: "You will be signed out everywhere and sign in again with the new password.",
    reset_done_title: "Password changed",
    reset_done: "Go back to the app and sign in with the new password. You can close this page.",
    invitation_title: "Invitation",
    role: "Role",
    invited_address: "For",
    open_until: "Open until",
    accept: "Accept",
    decline: "Decline",
    accepted_title: "Invitation accepted",
    declined_title: "Invitation declined",
    declined: "You have declined the invitation. You can close this page.",
    failed_title: "This link does not work",
    request: "Request",
};

static KO: Texts = Texts {
    email: "이메일",
    reset_title: "새 비밀번호 설정",
    new_password: "새 비밀번호",
    reset_button: "비밀번호 변경",
    reset_ends_sessions: "모든 기기에서 로그아웃되며, 새 비밀번호로 다시 로그인해야 합니다.",
    reset_done_title: "비밀번호가 변경되었습니다",
    reset_done: "앱으로 돌아가 새 비밀번호로 로그인하세요. 이 페이지는 닫아도 됩니다.",
    invitation_title: "초대",
    role: "역할",
    invited_address: "초대받은 주소",
    open_until: "유효 기한",
    accept: "수락",
    decline: "거절",
    accepted_title: "초대를 수락했습니다",
    declined_title: "초대를 거절했습니다",
    declined: "초대를 거절했습니다. 이 페이지는 닫아도 됩니다.",
    failed_title: "사용할 수 없는 링크입니다",
    request: "요청",
};

pub fn texts(locale: Locale) -> &'static Texts {
    match locale {
        Locale::En => &EN,
        Locale::Ko => &KO,
    }
}

/// Who invites to what.
pub fn invitation_lead(locale: Locale, inviter: &str, resource: &str) -> String {
    match locale {
        Locale::En => format!("{inviter} invites you to {resource}."),
        Locale::Ko => format!("{inviter} 님이 {resource}에 초대했습니다."),
    }
}

/// What to do after accepting.
pub fn accepted(locale: Locale, email: &str) -> String {
    match locale {
        Locale::En => format!("Go back to the app and sign in, or sign up, with {email}. You can close this page."),
        Locale::Ko => format!("앱으로 돌아가 {email} 주소로 로그인하거나 가입하세요. 이 페이지는 닫아도 됩니다."),
    }
}

/// What a new password has to be.
pub fn policy(locale: Locale, policy: &PasswordPolicy) -> String {
    let wanted = [
        (true, "minLength"),
        (policy.require_uppercase, "uppercase"),
        (policy.require_lowercase, "lowercase"),
        (policy.require_numbers, "number"),
        (policy.require_special_chars, "special"),
    ];
    let rules: Vec<String> = wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, name)| rule(locale, name, policy)).collect();
    match locale {
        Locale::En => format!("It needs {}.", rules.join(", ")),
        Locale::Ko => format!("필요 조건: {}.", rules.join(", ")),
    }
}

fn rule(locale: Locale, name: &str, policy: &PasswordPolicy) -> String {
    let min = policy.min_length;
    match (locale, name) {
        (Locale::En, "minLength") => format!("at least {min} characters"),
        (Locale::En, "maxLength") => "at most 128 characters".to_owned(),
        (Locale::En, "uppercase") => "an upper-case letter".to_owned(),
        (Locale::En, "lowercase") => "a lower-case letter".to_owned(),
        (Locale::En, "number") => "a digit".to_owned(),
        (Locale::En, _) => "a special character".to_owned(),
        (Locale::Ko, "minLength") => format!("{min}자 이상"),
        (Locale::Ko, "maxLength") => "128자 이하".to_owned(),
        (Locale::Ko, "uppercase") => "대문자".to_owned(),
        (Locale::Ko, "lowercase") => "소문자".to_owned(),
        (Locale::Ko, "number") => "숫자".to_owned(),
        (Locale::Ko, _) => "특수 문자".to_owned(),
    }
}

/// Why a new password was refused, a line per reason; `None` when it was not about the password.
pub fn password_problems(locale: Locale, error: &Error, policy: &PasswordPolicy) -> Option<Vec<String>> {
    let one = |en: &str, ko: &str| Some(vec![if locale == Locale::Ko { ko } else { en }.to_owned()]);
    match error.code() {
        code if code == Code::INVALID_PASSWORD_FORMAT => {
            let line = |detail: &Detail| match locale {
                Locale::En => format!("The password needs {}.", rule(locale, &detail.rule, policy)),
                Locale::Ko => format!("비밀번호 조건: {}.", rule(locale, &detail.rule, policy)),
            };
            Some(error.detail_list().iter().map(line).collect())
        }
        code if code == Code::WEAK_PASSWORD => {
            one("This is one of the most common passwords; choose another.", "너무 흔한 비밀번호입니다. 다른 비밀번호를 선택하세요.")
        }
        code if code == Code::SAME_PASSWORD => {
            one("This is the password you have already; choose another.", "현재 비밀번호와 같습니다. 다른 비밀번호를 선택하세요.")
        }
        _ => None,
    }
}

/// Why a page cannot do what it is for.
pub fn failure(locale: Locale, error: &Error) -> String {
    let known = [
        (
            Code::VERIFICATION_TOKEN_NOT_FOUND,
            "The link was used already, was replaced by a newer one, or is not complete. Ask for a new one in the app.",
            "이미 사용되었거나 새 링크로 대체되었거나 완전하지 않은 링크입니다. 앱에서 새 링크를 요청하세요.",
        ),
        (Code::VERIFICATION_TOKEN_EXPIRED, "The link has expired. Ask for a new one in the app.", "링크가 만료되었습니다. 앱에서 새 링크를 요청하세요."),
        (Code::INVALID_TOKEN, "The link is not valid, or not complete.", "유효하지 않거나 완전하지 않은 링크입니다."),
        (Code::AUTH_INVITATION_EXPIRED, "The invitation has expired. Ask for a new one.", "초대가 만료되었습니다. 새 초대를 요청하세요."),
        (Code::AUTH_INVITATION_ALREADY_ACCEPTED, "The invitation was accepted already.", "이미 수락한 초대입니다."),
        (Code::AUTH_INVITATION_NOT_FOUND, "The invitation was declined or taken back.", "거절되었거나 취소된 초대입니다."),
        (Code::TOO_MANY_REQUESTS, "Too many attempts. Try again in a minute.", "시도가 너무 많습니다. 잠시 후 다시 시도하세요."),
        (Code::UNAVAILABLE, "The server is busy. Try again in a moment.", "서버가 혼잡합니다. 잠시 후 다시 시도하세요."),
    ];
    let text = known.iter().find(|(code, ..)| *code == error.code()).map(|(_, en, ko)| if locale == Locale::Ko { *ko } else { *en });
    text.map_or_else(|| format!("{}.", error.message()), str::to_owned)
}
