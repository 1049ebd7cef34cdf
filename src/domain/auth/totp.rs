//! Time-based one-time passwords (RFC 6238): SHA-1, 6 digits, steps of 30 s; and how an authenticator app learns the secret.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use totp_rs::{Algorithm, Builder, Secret};

use crate::domain::error::{Error, Result};
use crate::domain::time::Millis;

/// 160 bits, as RFC 4226 §4 recommends.
const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
/// Steps before and after the current one that are taken too (RFC 6238 §5.2).
const TOLERANCE: i64 = 1;
/// What stands in an address as it is (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The secret that server and authenticator app share.
pub struct Totp(totp_rs::Totp);

impl Totp {
    pub fn generate() -> Result<Self> {
        Self::of(Secret::from(rand::random::<[u8; SECRET_BYTES]>()))
    }

    /// The one that [`Totp::base32`] has written.
    pub fn parse(base32: &str) -> Result<Self> {
        Self::of(Secret::try_from_base32(base32).map_err(|_| Error::internal("a stored TOTP secret is not base32"))?)
    }

    fn of(secret: Secret) -> Result<Self> {
        let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(0).with_step_duration(STEP_SECONDS as u64);
        builder.with_secret(secret).build().map(Self).map_err(Error::internal)
    }

    pub fn base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The step around now that this is the code of, if it is a later one than `after`.
    pub fn step_of(&self, code: &str, now: Millis, after: i64) -> Option<i64> {
        let current = now.div_euclid(1000 * STEP_SECONDS);
        let steps = (current - TOLERANCE).max(after.saturating_add(1)).max(0)..=current + TOLERANCE;
        steps.into_iter().find(|step| self.0.check(code, (step * STEP_SECONDS) as u64).is_some())
    }

    /// The address that an authenticator app reads: `otpauth://totp/<issuer>:<account>?secret=…&issuer=<issuer>`.
    pub fn address(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (encoded(issuer), encoded(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }

    /// A picture of the address as a `data:` URL. Where issuer and account are too long for one, the issuer stands in it once.
    pub fn picture(&self, issuer: &str, account: &str) -> Result<String> {
        let shorter = || format!("otpauth://totp/{}?secret={}&issuer={}", encoded(account), self.base32(), encoded(issuer));
        let png = qrcodegen_image::draw_base64(&self.address(issuer, account)).or_else(|_| qrcodegen_image::draw_base64(&shorter()));
        png.map(|png| format!("data:image/png;base64,{png}")).map_err(Error::internal)
    }
}

fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appendix B of RFC 6238, of whose 8 digits the last six are those of a code of six.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        let totp = Totp::of(Secret::from(*b"12345678901234567890")).unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.step_of(code, seconds * 1000, -1), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_holds_one_step_around_its_own_and_once() {
        let totp = Totp::of(Secret::from(*b"12345678901234567890")).unwrap();
        let at = |step: i64| (step * 30 + 7) * 1000;
        // 37037036 is the step of 1111111109.
        let (code, step) = ("081804", 37_037_036);
        for (now, found) in [(step - 2, None), (step - 1, Some(step)), (step, Some(step)), (step + 1, Some(step)), (step + 2, None)] {
            assert_eq!(totp.step_of(code, at(now), 0), found, "{}", now - step);
        }
        assert_eq!(totp.step_of(code, at(step), step), None);
        assert_eq!(totp.step_of(code, at(step), step - 1), Some(step));
        for bad in ["", "08180", "0818040", "081 804", "+81804", "٠٨١٨٠٤", "081805"] {
            assert_eq!(totp.step_of(bad, at(step), 0), None, "{bad}");
        }
    }

    #[test]
    fn secrets_have_20_bytes_and_come_back() {
        let totp = Totp::generate().unwrap();
        let text = totp.base32();
        assert_eq!(text.len(), 32);
        assert_eq!(Totp::parse(&text).unwrap().base32(), text);
        assert_ne!(text, Totp::generate().unwrap().base32());
        assert!(Totp::parse("not base32 8!").is_err());
    }

    #[test]
    fn addresses_are_encoded_and_always_fit_a_picture() {
        let totp = Totp::of(Secret::from([7; 20])).unwrap();
        let secret = totp.base32();
        assert_eq!(totp.address("Harbor", "mina@harbor.test"), format!("otpauth://totp/Harbor:mina%40harbor.test?secret={secret}&issuer=Harbor"));
        assert_eq!(totp.address("a:b & c", "x"), format!("otpauth://totp/a%3Ab%20%26%20c:x?secret={secret}&issuer=a%3Ab%20%26%20c"));
        let longest = format!("{}@{}.test", "🦀".repeat(64), "a.".repeat(90));
        for (issuer, account) in [("Harbor", "mina@harbor.test"), (&"🦀".repeat(100), longest.as_str())] {
            let picture = totp.picture(issuer, account).unwrap();
            assert!(picture.starts_with("data:image/png;base64,iVBOR"), "{}", &picture[..40]);
        }
    }
}
