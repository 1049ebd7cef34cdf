//! The texts that are sent as long as nobody has written others: six mails in two languages, in one layout.

use super::locale::Locale;
use super::render::Text;
use super::template::Template;

/// One mail's words; `{{name}}` in them is filled in when it is sent.
struct Words {
    subject: &'static str,
    heading: &'static str,
    lead: &'static str,
    /// On the button; for codes, above the code.
    action: &'static str,
    /// Whom to blame when it was not asked for.
    note: &'static str,
}

/// Words around every mail of a language.
struct Frame {
    greeting: &'static str,
    /// Above the address, for readers whose button does not work.
    by_hand: &'static str,
    footer: &'static str,
}

/// Inline styles, since mail readers drop others; one column that fits a phone.
const LAYOUT: &str = include_str!("layout.html");
const BUTTON: &str = include_str!("button.html");
const CODE: &str = include_str!("code.html");

/// The built-in text of a mail.
pub fn text(template: Template, locale: Locale) -> Text {
    let (words, frame) = (words(template, locale), frame(locale));
    let action = match template.link_variable() {
        Some(link) => BUTTON.replace("%ACTION%", words.action).replace("%BY_HAND%", frame.by_hand).replace("%LINK%", &format!("{{{{{link}}}}}")),
        None => CODE.replace("%ACTION%", words.action),
    };
    let body = LAYOUT
        .replace("%LANG%", locale.name())
        .replace("%HEADING%", words.heading)
        .replace("%GREETING%", frame.greeting)
        .replace("%LEAD%", words.lead)
        .replace("%ACTION%", action.trim_end())
        .replace("%NOTE%", words.note)
        .replace("%FOOTER%", frame.footer);
    Text { subject: words.subject.into(), body: body.into() }
}

fn frame(locale: Locale) -> Frame {
    match locale {
        Locale::En => Frame {
            greeting: "Hello {{userName}},",
            by_hand: "If the button does nothing, copy this address into your browser:",
            footer: "Sent by {{senderName}} to {{userEmail}}.",
        },
        Locale::Ko => Frame {
            greeting: "{{userName}}님, 안녕하세요.",
            by_hand: "버튼이 동작하지 않으면 아래 주소를 브라우저에 붙여 넣으세요.",
            footer: "{{senderName}}에서 {{userEmail}} 주소로 보낸 메일입니다.",
        },
    }
}

fn words(template: Template, locale: Locale) -> Words {
    match locale {
        Locale::En => english(template),
        Locale::Ko => korean(template),
    }
}

fn english(template: Template) -> Words {
    match template {
        Template::SignupConfirmation => Words {
            subject: "Confirm your address for {{appName}}",
            heading: "Welcome to {{appName}}",
            lead: "One step is left: confirm that {{userEmail}} is your address. The link works for {{expiresIn}}.",
            action: "Confirm my address",
            note: "You did not sign up? Then you need not do anything.",
        },
        Template::EmailVerification => Words {
            subject: "Verify this address for {{appName}}",
            heading: "Is this your address?",
            lead: "{{appName}} was asked to use {{userEmail}} for your account. Confirm it within {{expiresIn}}.",
            action: "Verify this address",
            note: "You did not ask for this? Then leave the link alone, and nothing changes.",
        },
        Template::PasswordReset => Words {
            subject: "Choose a new {{appName}} password",
            heading: "A new password",
            lead: "Somebody, hopefully you, wants a new password for your {{appName}} account. The link works once, within {{expiresIn}}.",
            action: "Choose a password",
            note: "It was not you? Your password stays as it is.",
        },
        Template::MagicLink => Words {
            subject: "Your {{appName}} sign-in link",
            heading: "Sign in to {{appName}}",
            lead: "This link signs you in without a password. It works once, within {{expiresIn}}.",
            action: "Sign in",
            note: "You did not want to sign in? Then delete this mail, and do not pass the link on.",
        },
        Template::EmailCode => Words {
            subject: "{{code}} is your {{appName}} code",
            heading: "Your sign-in code",
            lead: "Type this code where {{appName}} asks for it. It works once, within {{expiresIn}}.",
            action: "Code",
            note: "Nobody from {{appName}} will ever ask you for it. You did not want to sign in? Then delete this mail.",
        },
        Template::Invitation => Words {
            subject: "{{inviterName}} invites you to {{resourceName}}",
            heading: "You are invited",
            lead: "{{inviterName}} invites you to {{resourceName}} on {{appName}}. The invitation is open for {{expiresIn}}.",
            action: "See the invitation",
            note: "You do not know the sender? Then you need not do anything.",
        },
    }
}

fn korean(template: Template) -> Words {
    match template {
        Template::SignupConfirmation => Words {
            subject: "{{appName}} 가입을 위해 이메일을 확인해 주세요",
            heading: "{{appName}}에 오신 것을 환영합니다",
            lead: "이제 한 단계만 남았습니다. {{userEmail}}이 본인의 주소인지 확인해 주세요. 링크는 {{expiresIn}} 동안 유효합니다.",
            action: "이메일 확인하기",
            note: "가입하신 적이 없다면 아무것도 하지 않으셔도 됩니다.",
        },
        Template::EmailVerification => Words {
            subject: "{{appName}}에서 사용할 이메일을 인증해 주세요",
            heading: "본인의 이메일 주소인가요?",
            lead: "{{appName}} 계정에 {{userEmail}} 주소를 사용하려는 요청이 있었습니다. {{expiresIn}} 안에 인증해 주세요.",
            action: "이메일 인증하기",
            note: "요청하신 적이 없다면 링크를 누르지 마세요. 아무것도 바뀌지 않습니다.",
        },
        Template::PasswordReset => Words {
            subject: "{{appName}} 비밀번호를 새로 설정해 주세요",
            heading: "비밀번호 재설정",
            lead: "{{appName}} 계정의 비밀번호를 다시 설정하려는 요청을 받았습니다. 링크는 {{expiresIn}} 안에 한 번만 사용할 수 있습니다.",
            action: "새 비밀번호 설정하기",
            note: "요청하신 적이 없다면 비밀번호는 그대로 유지됩니다.",
        },
        Template::MagicLink => Words {
            subject: "{{appName}} 로그인 링크입니다",
            heading: "{{appName}} 로그인",
            lead: "아래 링크를 누르면 비밀번호 없이 로그인됩니다. {{expiresIn}} 안에 한 번만 사용할 수 있습니다.",
            action: "로그인하기",
            note: "로그인을 요청하지 않으셨다면 이 메일을 삭제하고, 링크를 다른 사람에게 전달하지 마세요.",
        },
        Template::EmailCode => Words {
            subject: "{{appName}} 인증 코드는 {{code}}입니다",
            heading: "로그인 인증 코드",
            lead: "{{appName}} 화면에 아래 코드를 입력해 주세요. {{expiresIn}} 안에 한 번만 사용할 수 있습니다.",
            action: "인증 코드",
            note: "{{appName}}에서는 이 코드를 절대 묻지 않습니다. 로그인을 요청하지 않으셨다면 이 메일을 삭제해 주세요.",
        },
        Template::Invitation => Words {
            subject: "{{inviterName}}님이 {{resourceName}}에 초대했습니다",
            heading: "초대가 도착했습니다",
            lead: "{{inviterName}}님이 {{appName}}의 {{resourceName}}에 초대했습니다. 초대는 {{expiresIn}} 동안 유효합니다.",
            action: "초대 확인하기",
            note: "보낸 사람을 모른다면 아무것도 하지 않으셔도 됩니다.",
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::domain::mail::{BODY, SUBJECT};

    fn samples(template: Template) -> Map<String, Value> {
        template.variables().into_iter().map(|name| (name.to_owned(), json!(format!("<{name}>")))).collect()
    }

    #[test]
    fn every_mail_has_a_text_in_every_language_that_names_known_variables_only() {
        let mark = regex::Regex::new("%[A-Z_]+%").unwrap();
        for template in Template::ALL {
            for locale in Locale::ALL {
                let text = text(template, locale);
                assert_eq!(text.unknown(&template.variables()), [""; 0], "{template:?} {locale:?}");
                assert!(!mark.is_match(&text.body), "{}", text.body);
                assert!(text.subject.chars().count() <= SUBJECT && text.body.len() <= BODY);
                assert!(text.body.contains(&format!("lang=\"{}\"", locale.name())));
            }
        }
    }

    #[test]
    fn a_mail_shows_its_link_or_code_in_both_parts() {
        for template in Template::ALL {
            for locale in Locale::ALL {
                let rendered = text(template, locale).render(&samples(template));
                let secret = template.link_variable().unwrap_or("code");
                assert!(rendered.text.contains(&format!("<{secret}>")), "{}", rendered.text);
                assert!(rendered.html.contains(&format!("&lt;{secret}&gt;")) && !rendered.html.contains(&format!("<{secret}>")));
                assert!(rendered.text.contains("<userName>") && rendered.html.contains("&lt;brandColor&gt;"));
            }
        }
    }

    #[test]
    fn english_subjects_are_those_of_the_contract() {
        let subjects: Vec<_> = Template::ALL.iter().map(|t| text(*t, Locale::En).subject.into_owned()).collect();
        let expected = [
            "Confirm your address for {{appName}}",
            "Verify this address for {{appName}}",
            "Choose a new {{appName}} password",
            "Your {{appName}} sign-in link",
            "{{code}} is your {{appName}} code",
            "{{inviterName}} invites you to {{resourceName}}",
        ];
        assert_eq!(subjects, expected);
    }
}
