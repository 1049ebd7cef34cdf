//! Password hashes that other systems made: which of them this server takes over (`04-users.md` §7).

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use regex::Regex;

/// KiB of memory a hash may ask for.
const MEMORY: u64 = 1024 * 1024;
const ARGON2_PASSES: u32 = 10;
const LANES: u32 = 16;
const SCRYPT_LOG_N: u32 = 20;
/// Bytes of salt Argon2 needs (RFC 9106 §3.1).
const SALT: usize = 8;

/// Costs up to 15; unused bits at the ends of salt and hash are zero, as every implementation writes them.
static BCRYPT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\$2[aby]\$(0[4-9]|1[0-5])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$").expect("the pattern is sound"));

/// Whether passwords can be compared with a hash, at costs that are within bounds.
pub fn is_supported(hash: &str) -> bool {
    if hash.starts_with("$2") {
        return BCRYPT.is_match(hash);
    }
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    match parsed.algorithm.as_str() {
        "argon2id" | "argon2i" => is_supported_argon2(&parsed),
        "scrypt" => is_supported_scrypt(&parsed),
        _ => false,
    }
}

fn is_supported_argon2(parsed: &PasswordHash) -> bool {
    let known = parsed.params.iter().all(|(name, _)| matches!(name.as_str(), "m" | "t" | "p"));
    let version = parsed.version.is_none_or(|v| matches!(v, 16 | 19));
    let salted = parsed.salt.as_ref().is_some_and(|salt| salt.len() >= SALT) && parsed.hash.is_some();
    let within = argon2::Params::try_from(parsed).is_ok_and(|p| u64::from(p.m_cost()) <= MEMORY && p.t_cost() <= ARGON2_PASSES && p.p_cost() <= LANES);
    known && version && salted && within
}

fn is_supported_scrypt(parsed: &PasswordHash) -> bool {
    let number = |name: &str| parsed.params.get(name).and_then(|v| v.decimal().ok());
    let (Some(log_n), Some(r), Some(p)) = (number("ln"), number("r"), number("p")) else { return false };
    let within = log_n <= SCRYPT_LOG_N && p <= LANES && (u64::from(r) << log_n) * 128 <= MEMORY * 1024;
    let computable = u8::try_from(log_n).is_ok_and(|log_n| scrypt::Params::new(log_n, r, p).is_ok());
    within && computable && parsed.salt.is_some() && parsed.hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_within_the_bounds_are_taken_and_others_refused() {
        let argon2 = |kind: &str, costs: &str| format!("${kind}$v=19${costs}$c2FsdHlzYWx0eXNhbHR5MQ$bgLSdeyOfk/iLClYhW+PzTKsdPTnkUI7v9hi7OBWuj0");
        let scrypt = |costs: &str| format!("$scrypt${costs}$c2FsdHlzYWx0eXNhbHR5MQ$qSqSdhVf1zWk8RJcnthDVwfRvU0oda9D92rLOUwUUdw");
        let bcrypt = |start: &str| format!("{start}pLKDHF.l29P0WkgMPxFA.OuXX7zhXYcMZL0avrzhOwSB8wT0oO45S");
        for good in [
            argon2("argon2id", "m=65536,t=3,p=4"),
            argon2("argon2i", "m=1048576,t=10,p=16"),
            argon2("argon2i", "m=512,t=2,p=1").replace("v=19$", ""),
            scrypt("ln=20,r=8,p=1"),
            scrypt("ln=10,r=8,p=16"),
            bcrypt("$2a$04$"),
            bcrypt("$2b$10$"),
            bcrypt("$2y$15$"),
        ] {
            assert!(is_supported(&good), "{good}");
        }
        for bad in [
            argon2("argon2d", "m=65536,t=3,p=4"),
            argon2("argon2id", "m=1048577,t=3,p=4"),
            argon2("argon2id", "m=65536,t=11,p=4"),
            argon2("argon2id", "m=65536,t=3,p=17"),
            argon2("argon2id", "m=65536,t=3,p=4,keyid=AAAA"),
            argon2("argon2id", "m=1,t=3,p=4"),
            argon2("argon2id", "m=65536,t=3,p=4").replace("v=19", "v=18"),
            argon2("argon2id", "m=65536,t=3,p=4").replace("c2FsdHlzYWx0eXNhbHR5MQ", "c2FsdA"),
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHlzYWx0eXNhbHR5MQ".to_owned(),
            scrypt("ln=21,r=1,p=1"),
            scrypt("ln=20,r=16,p=1"),
            scrypt("ln=10,r=8,p=17"),
            scrypt("ln=10,r=4294967295,p=1"),
            scrypt("ln=4294967295,r=8,p=1"),
            scrypt("ln=10,p=1"),
            bcrypt("$2x$10$"),
            bcrypt("$2b$16$"),
            bcrypt("$2b$03$"),
            bcrypt("$2b$10$") + "\n",
            bcrypt("$2b$10$").replace("A.O", "A+O"),
            "$2b$10$short".to_owned(),
            "$1$abc$def".to_owned(),
            "$6$rounds=5000$salt$hash".to_owned(),
            "{SSHA}abc".to_owned(),
            "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
            String::new(),
            "$".repeat(100_000),
        ] {
            assert!(!is_supported(&bad), "{bad}");
        }
    }
}
