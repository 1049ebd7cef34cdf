use proptest::prelude::*;

use super::*;

const KEY: &str = "69577a001b7d4e8f90a1b2c3/695f7c9c7a2e4c5d6e7f8091-k3vq7xw2m5ynb4tdzr6hpcufgj/hello.txt";
const EXPIRES: i64 = 1_767_866_400;
/// The last moment a URL is good.
const IN_TIME: Millis = EXPIRES * 1000;

fn secret() -> Secret {
    Secret::derive(&[7; 32])
}

fn put() -> Claim {
    Claim::put(KEY, EXPIRES, 12, Some("text/plain"))
}

fn part() -> Claim {
    Claim::part(KEY, EXPIRES, 1024, "695f7e2a7a2e4c5d6e7f8091", 7)
}

fn get() -> Claim {
    Claim::get(KEY, EXPIRES, Disposition::Inline)
}

fn check(method: Method, key: &str, query: &str, now: Millis) -> std::result::Result<Claim, &'static str> {
    verify(&secret(), method, key, query, now).map_err(|error| error.code().name)
}

const INVALID: std::result::Result<Claim, &str> = Err("file/signature-invalid");

#[test]
fn what_was_signed_is_what_is_verified() {
    for claim in [put(), part(), get(), Claim::put(KEY, EXPIRES, u64::MAX, None), Claim::get("a b/ü?&=+%/x", EXPIRES, Disposition::Attachment)] {
        assert_eq!(check(claim.method, &claim.key, &sign(&secret(), &claim), IN_TIME), Ok(claim));
    }
}

#[test]
fn the_query_has_the_documented_parameters() {
    let names = |claim: &Claim| -> Vec<String> { url::form_urlencoded::parse(sign(&secret(), claim).as_bytes()).map(|(name, _)| name.into_owned()).collect() };
    assert_eq!(names(&put()), ["X-Bkend-Expires", "X-Bkend-Max", "X-Bkend-Type", "X-Bkend-Signature"]);
    assert_eq!(names(&Claim::put(KEY, EXPIRES, 12, None)), ["X-Bkend-Expires", "X-Bkend-Max", "X-Bkend-Signature"]);
    assert_eq!(names(&part()), ["X-Bkend-Expires", "X-Bkend-Max", "uploadId", "partNumber", "X-Bkend-Signature"]);
    assert_eq!(names(&get()), ["X-Bkend-Disposition", "X-Bkend-Expires", "X-Bkend-Signature"]);
    let query = sign(&secret(), &put());
    let signature = query.strip_prefix("X-Bkend-Expires=1767866400&X-Bkend-Max=12&X-Bkend-Type=text%2Fplain&X-Bkend-Signature=").unwrap();
    assert!(signature.len() == 64 && signature.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{signature}");
}

#[test]
fn a_key_is_url_safe_as_it_stands_and_other_keys_are_encoded() {
    assert_eq!(plain_url("http://localhost:4300", KEY), format!("http://localhost:4300/storage/{KEY}"));
    assert_eq!(plain_url("http://h", "a b/ü?#%"), "http://h/storage/a%20b/%C3%BC%3F%23%25");
    assert_eq!(url("http://h", &secret(), &get()), format!("http://h/storage/{KEY}?{}", sign(&secret(), &get())));
}

#[test]
fn changing_any_byte_of_the_query_is_noticed() {
    for claim in [put(), part(), get()] {
        let query = sign(&secret(), &claim);
        for at in 0..query.len() {
            for replacement in ['0', 'z', '&', '=', '%'] {
                let changed = format!("{}{replacement}{}", &query[..at], &query[at + 1..]);
                if changed != query {
                    assert_eq!(check(claim.method, KEY, &changed, IN_TIME), INVALID, "{changed}");
                }
            }
        }
    }
}

#[test]
fn a_removed_doubled_or_added_parameter_is_noticed() {
    for claim in [put(), part(), get()] {
        let query = sign(&secret(), &claim);
        let pairs: Vec<&str> = query.split('&').collect();
        for at in 0..pairs.len() {
            let mut without = pairs.clone();
            let pair = without.remove(at);
            assert_eq!(check(claim.method, KEY, &without.join("&"), IN_TIME), INVALID, "without {pair}");
            assert_eq!(check(claim.method, KEY, &format!("{query}&{pair}"), IN_TIME), INVALID, "{pair} twice");
            assert_eq!(check(claim.method, KEY, &format!("{pair}&{query}"), IN_TIME), INVALID, "{pair} twice");
        }
        for name in SIGNED.iter().filter(|name| !query.contains(**name)) {
            for value in ["", "1", "inline"] {
                assert_eq!(check(claim.method, KEY, &format!("{query}&{name}={value}"), IN_TIME), INVALID, "{name} added");
            }
        }
    }
}

#[test]
fn an_encoded_name_is_the_same_parameter() {
    let query = sign(&secret(), &put());
    assert_eq!(check(Method::Put, KEY, &query.replace("X-Bkend-Max", "X%2DBkend%2DMax"), IN_TIME), Ok(put()));
    assert_eq!(check(Method::Put, KEY, &format!("{query}&X%2DBkend%2DMax=12"), IN_TIME), INVALID);
}

#[test]
fn order_and_foreign_parameters_do_not_matter() {
    let query = sign(&secret(), &put());
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.reverse();
    let other = format!("utm=1&{}&x-bkend-max=99&v&=&utm=2", pairs.join("&"));
    assert_eq!(check(Method::Put, KEY, &other, IN_TIME), Ok(put()));
}

#[test]
fn a_number_written_otherwise_is_another_parameter() {
    let query = sign(&secret(), &put());
    for other in ["X-Bkend-Max=012", "X-Bkend-Max=%2B12", "X-Bkend-Max=+12", "X-Bkend-Max=12.0", "X-Bkend-Max=12%20"] {
        assert_eq!(check(Method::Put, KEY, &query.replace("X-Bkend-Max=12", other), IN_TIME), INVALID, "{other}");
    }
}

#[test]
fn method_key_and_secret_belong_to_the_signature() {
    let query = sign(&secret(), &put());
    assert_eq!(check(Method::Get, KEY, &query, IN_TIME), INVALID);
    assert_eq!(check(Method::Put, &KEY.replace("hello", "other"), &query, IN_TIME), INVALID);
    assert_eq!(check(Method::Put, "", &query, IN_TIME), INVALID);
    assert_eq!(check(Method::Put, KEY, &sign(&Secret::derive(&[8; 32]), &put()), IN_TIME), INVALID);
    assert_eq!(check(Method::Put, KEY, &sign(&secret(), &get()), IN_TIME), INVALID);
}

#[test]
fn no_value_runs_into_its_neighbour() {
    // Each pair would be the same text if values were merely joined.
    let claims = [
        (Claim::put("a/b", EXPIRES, 1, Some("2text/plain")), Claim::put("a/b", EXPIRES, 12, Some("text/plain"))),
        (Claim::part("a", EXPIRES, 1, "u1", 2), Claim::part("a", EXPIRES, 1, "u", 12)),
        (Claim::put("k", EXPIRES, 1, None), Claim::put("k", EXPIRES, 1, Some(""))),
    ];
    for (one, other) in claims {
        let proofs = [&one, &other].map(|claim| proof(&secret(), claim.method, &claim.key, &claim.values()));
        assert_ne!(proofs[0], proofs[1], "{one:?} {other:?}");
    }
}

#[test]
fn a_url_is_good_up_to_and_including_its_last_second() {
    for claim in [put(), part(), get()] {
        let query = sign(&secret(), &claim);
        assert!(check(claim.method, KEY, &query, IN_TIME).is_ok());
        assert_eq!(check(claim.method, KEY, &query, IN_TIME + 1), Err("file/url-expired"));
    }
    let error = verify(&secret(), Method::Put, KEY, &sign(&secret(), &put()), IN_TIME + 60_000).unwrap_err();
    assert_eq!(error.message(), "Request has expired: ask POST /v1/files/presigned-url for a new URL");
}

#[test]
fn tampered_and_expired_is_tampered() {
    let query = sign(&secret(), &put()).replace("Max=12", "Max=13");
    assert_eq!(check(Method::Put, KEY, &query, IN_TIME + 1), INVALID);
    let longer = sign(&secret(), &put()).replace("1767866400", "1999999999");
    assert_eq!(check(Method::Put, KEY, &longer, IN_TIME + 1), INVALID);
}

#[test]
fn a_signature_is_64_lower_case_hex_characters() {
    let query = sign(&secret(), &put());
    let (rest, signature) = query.rsplit_once('=').unwrap();
    for bad in ["", &signature[..63], &format!("{signature}0"), &signature.to_uppercase(), &"0".repeat(64), "\u{0}"] {
        assert_eq!(check(Method::Put, KEY, &format!("{rest}={bad}"), IN_TIME), INVALID, "{bad}");
    }
    assert_eq!(check(Method::Put, KEY, "", IN_TIME), INVALID);
    assert_eq!(check(Method::Put, KEY, "X-Bkend-Signature", IN_TIME), INVALID);
}

#[test]
fn a_signature_is_recognised_whatever_it_is_worth() {
    assert!(is_signed(&sign(&secret(), &get())) && is_signed("X-Bkend-Signature=") && is_signed("a=1&X%2DBkend-Signature"));
    assert!(!is_signed("") && !is_signed("X-Bkend-Expires=1") && !is_signed("signature=1"));
}

#[test]
fn an_absurd_moment_is_no_overflow() {
    let never = Claim { expires: i64::MAX, ..put() };
    assert_eq!(check(Method::Put, KEY, &sign(&secret(), &never), IN_TIME), Ok(never));
    let long_ago = Claim { expires: i64::MIN, ..put() };
    assert_eq!(check(Method::Put, KEY, &sign(&secret(), &long_ago), IN_TIME), Err("file/url-expired"));
}

proptest! {
    #[test]
    fn any_claim_survives_its_query(key in ".{0,40}", kind in proptest::option::of("[ -~]{0,40}"), max in any::<u64>(), id in ".{1,20}", n in 1u32..=10_000) {
        for claim in [Claim::put(&key, EXPIRES, max, kind.as_deref()), Claim::part(&key, EXPIRES, max, &id, n)] {
            prop_assert_eq!(check(Method::Put, &key, &sign(&secret(), &claim), IN_TIME), Ok(claim));
        }
    }

    #[test]
    fn no_query_is_a_panic(query in ".{0,200}") {
        prop_assert_eq!(check(Method::Get, KEY, &query, IN_TIME), INVALID);
    }
}
