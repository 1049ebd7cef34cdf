//! Passwords of end users: policy, and hashes of this server and of others (`03-auth.md` §1).

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use regex::Regex;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use super::common_passwords;
use super::config::PasswordPolicy;
use crate::domain::error::{Code, Detail, Error, Result};
use crate::domain::passwords::Passwords;
use crate::store::Reader;
use crate::store::data::PasswordRow;

const MAX_LENGTH: usize = 128;
/// What a password typed at sign-in may have at most; older policies elsewhere may have allowed more than 128.
const MAX_TYPED: usize = 1024;
/// How this server's own hashes begin.
const OWN: &str = "$argon2id$v=19$m=32768,t=2,p=1$";
/// Characters of 16 bytes of salt and of a tag of 32 bytes, in base64 without padding.
const OWN_LENGTHS: (usize, usize) = (22, 43);

/// Upper, lower, number, and whatever is no letter, mark, number or white space.
static CLASSES: LazyLock<[Regex; 4]> =
    LazyLock::new(|| [r"\p{Lu}", r"\p{Ll}", r"\p{Nd}", r"[^\p{L}\p{M}\p{N}\s]"].map(|class| Regex::new(class).expect("the pattern is sound")));

/// A new password in its stored form (NFC), if the policy lets it pass; `field` is what the caller called it.
///
/// # Errors
/// 400 `auth/invalid-password-format` with one detail per broken rule, `auth/weak-password`.
pub fn accept(policy: &PasswordPolicy, field: &str, text: &str) -> Result<String> {
    let password: String = text.nfc().collect();
    let broken = broken_rules(policy, field, &password);
    if !broken.is_empty() {
        return Err(Error::with_details(Code::INVALID_PASSWORD_FORMAT, broken));
    }
    if policy.check_common_passwords && common_passwords::contains(&password) {
        return Err(Error::new(Code::WEAK_PASSWORD, format!("{field} is one of the most common passwords; choose another")));
    }
    Ok(password)
}

fn broken_rules(policy: &PasswordPolicy, field: &str, password: &str) -> Vec<Detail> {
    let (length, min) = (password.chars().count(), policy.min_length as usize);
    let [upper, lower, number, special] = &*CLASSES;
    let rules = [
        (length < min, "minLength", format!("at least {min} characters")),
        (length > MAX_LENGTH, "maxLength", format!("at most {MAX_LENGTH} characters")),
        (policy.require_uppercase && !upper.is_match(password), "uppercase", "an upper-case letter".to_owned()),
        (policy.require_lowercase && !lower.is_match(password), "lowercase", "a lower-case letter".to_owned()),
        (policy.require_numbers && !number.is_match(password), "number", "a digit".to_owned()),
        (policy.require_special_chars && !special.is_match(password), "special", "a special character".to_owned()),
    ];
    rules.into_iter().filter(|(broken, ..)| *broken).map(|(_, rule, needs)| Detail::new(field, rule, format!("{field} needs {needs}"))).collect()
}

/// A password somebody typed, to be compared.
///
/// # Errors
/// 400 `common/invalid-parameters` when it is longer than any could be.
pub fn typed(field: &str, text: String) -> Result<String> {
    if text.len() > MAX_TYPED {
        return Err(Error::invalid_parameter(field, format!("{field} is too long")));
    }
    Ok(text)
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    No,
    Yes,
    /// It fits, but the hash is weaker than this server's own or of another kind.
    Outdated,
}

/// Compares a typed password with a stored hash; foreign hashes are tried as typed and in NFC.
///
/// # Errors
/// 503 `common/unavailable` when too many wait.
pub async fn compare(passwords: &Passwords, typed: &str, hash: &str) -> Result<Match> {
    let nfc: String = typed.nfc().collect();
    let fits = |password: String| verify(passwords, password, hash.to_owned());
    let own = is_own(hash);
    let found = fits(nfc.clone()).await? || (!own && nfc != typed && fits(typed.to_owned()).await?);
    Ok(match (found, own) {
        (false, _) => Match::No,
        (true, true) => Match::Yes,
        (true, false) => Match::Outdated,
    })
}

/// Whether a hash is one of this server's, as strong as those it makes now.
fn is_own(hash: &str) -> bool {
    hash.strip_prefix(OWN).and_then(|rest| rest.split_once('$')).is_some_and(|(salt, tag)| (salt.len(), tag.len()) == OWN_LENGTHS)
}

/// Whether what was compared is still the password of a user: it may have been changed meanwhile. Another hash of the same
/// password, written by a sign-in beside this one, changes nothing.
///
/// # Errors
/// Failures of the store.
pub fn still_holds(r: &Reader<'_>, user_id: &str, compared: &PasswordRow) -> Result<bool> {
    Ok(r.password_of(user_id)?.is_some_and(|now| now.changed_at == compared.changed_at))
}

/// The hash of an accepted password, in the form this server stores.
///
/// # Errors
/// As [`compare`].
pub async fn hash(passwords: &Passwords, password: &str) -> Result<String> {
    passwords.hash(password.nfc().collect()).await
}

async fn verify(passwords: &Passwords, password: String, hash: String) -> Result<bool> {
    if hash.starts_with("$argon2") {
        return passwords.verify(password, hash).await;
    }
    passwords
        .compute(move || if hash.starts_with("$scrypt$") { verify_scrypt(&password, &hash) } else { bcrypt::verify(&password, &hash) }.unwrap_or(false))
        .await
}

/// A PHC string of scrypt (RFC 7914): `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`.
fn verify_scrypt(password: &str, phc: &str) -> bcrypt::BcryptResult<bool> {
    let verdict = || {
        let parsed = PasswordHash::new(phc).ok()?;
        let number = |name: &str| parsed.params.get(name).and_then(|v| v.decimal().ok());
        let (log_n, r, p) = (u8::try_from(number("ln")?).ok()?, number("r")?, number("p")?);
        let params = scrypt::Params::new(log_n, r, p).ok()?;
        let (salt, expected) = (parsed.salt?, parsed.hash?);
        let mut output = vec![0; expected.as_bytes().len()];
        scrypt::scrypt(password.as_bytes(), &salt, &params, &mut output).ok()?;
        Some(bool::from(output.ct_eq(expected.as_bytes())))
    };
    Ok(verdict().unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(policy: &PasswordPolicy, password: &str) -> Vec<String> {
        let error = accept(policy, "password", password).err();
        error.map(|e| e.detail_list().iter().map(|d| d.rule.clone()).collect()).unwrap_or_default()
    }

    #[test]
    fn six_characters_are_enough_by_default_and_128_the_most() {
        let policy = PasswordPolicy::default();
        for good in ["abc123", "      ", "가나다라마바", &"x".repeat(128)] {
            assert_eq!(rules(&policy, good), Vec::<String>::new());
        }
        assert_eq!(rules(&policy, "ab1"), ["minLength"]);
        assert_eq!(rules(&policy, &"x".repeat(129)), ["maxLength"]);
        assert_eq!(accept(&policy, "password", "ab1").unwrap_err().message(), "password needs at least 6 characters");
        // Five characters once composed.
        assert_eq!(rules(&policy, "e\u{301}abcd"), ["minLength"]);
    }

    #[test]
    fn classes_are_those_of_unicode_and_every_broken_rule_is_named() {
        let policy = PasswordPolicy {
            require_uppercase: true,
            require_lowercase: true,
            require_numbers: true,
            require_special_chars: true,
            ..PasswordPolicy::default()
        };
        assert_eq!(rules(&policy, "   "), ["minLength", "uppercase", "lowercase", "number", "special"]);
        assert_eq!(rules(&policy, "Äöü١٢٣€"), Vec::<String>::new());
        assert_eq!(rules(&policy, "Abcdef1 "), ["special"]);
        assert_eq!(rules(&policy, "Abcde!½"), ["number"]);
    }

    #[tokio::test]
    async fn hashes_of_other_systems_fit_and_are_known_to_be_outdated() {
        let passwords = Passwords::default();
        for hash in ["$2b$04$abcdefghijklmnopqrstuuWVsJSWKtFXIvlNVEwvMCKhDbfxWf2Q6", "$scrypt$ln=1,r=8,p=1$c29tZXNhbHQ$AAAA", "$1$abc", ""] {
            assert_eq!(compare(&passwords, "x", hash).await.unwrap(), Match::No, "{hash}");
        }
        let bcrypt = bcrypt::hash("tide42", 4).unwrap();
        assert_eq!(compare(&passwords, "tide42", &bcrypt).await.unwrap(), Match::Outdated);
        let weak = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        assert_eq!(compare(&passwords, "password", weak).await.unwrap(), Match::Outdated);
        let own = hash(&passwords, "e\u{301}tude").await.unwrap();
        let (start, tag) = own.rsplit_once('$').unwrap();
        for weaker in [format!("{start}${}", &tag[..22]), format!("{OWN}c29tZXNhbHQ${tag}")] {
            assert!(is_own(&own) && !is_own(&weaker), "{weaker}");
        }
        assert_eq!(compare(&passwords, "étude", &own).await.unwrap(), Match::Yes);
        let decomposed = bcrypt::hash("e\u{301}tude", 4).unwrap();
        assert_eq!(compare(&passwords, "e\u{301}tude", &decomposed).await.unwrap(), Match::Outdated);
    }

    #[test]
    fn scrypt_is_computed_as_rfc_7914_says() {
        // §12: P="pleaseletmein", S="SodiumChloride", N=16384, r=8, p=1, of which the first 32 bytes.
        let expected = hex::decode("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2").unwrap();
        let salt = {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD_NO_PAD.encode("SodiumChloride")
        };
        let hash = {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD_NO_PAD.encode(expected)
        };
        let phc = format!("$scrypt$ln=14,r=8,p=1${salt}${hash}");
        assert!(verify_scrypt("pleaseletmein", &phc).unwrap() && !verify_scrypt("Pleaseletmein", &phc).unwrap());
    }
}
