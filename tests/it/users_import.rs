//! Importing users (`04-users.md` §7): hashes of other tools, conflicts, faults, and one transaction.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::TestApp;

/// Hashes of `tide42`, each made once by the tool named beside it.
const HASHES: [(&str, &str); 9] = [
    // Python: bcrypt.hashpw(b"tide42", bcrypt.gensalt(4))
    ("bcrypt-2b", "$2b$04$pLKDHF.l29P0WkgMPxFA.OuXX7zhXYcMZL0avrzhOwSB8wT0oO45S"),
    // Python: bcrypt.hashpw(b"tide42", bcrypt.gensalt(4, prefix=b"2a"))
    ("bcrypt-2a", "$2a$04$T9XCh3exbyhxKrPMcMD0yuRGbXQP4HP2m7AVEn/DcvNXbazbhhGca"),
    // htpasswd -nbBC 5 mina tide42
    ("bcrypt-2y", "$2y$05$TX4F9sqOTwn9g7xNCt5yrOejvkTAq..Oliq9gMSaqjaXbHjx1g046"),
    // Python: argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=2).hash("tide42")
    ("argon2id", "$argon2id$v=19$m=1024,t=1,p=2$OHQzt7mHJTTVTgc9+Lf9XA$w4Sv0UyuLyHhuMO6U3UnBSQDCBaFuk2uJdMNpoj8fnM"),
    // Python: argon2.PasswordHasher(time_cost=2, memory_cost=512, parallelism=1, type=Type.I).hash("tide42")
    ("argon2i", "$argon2i$v=19$m=512,t=2,p=1$R7PaAswzylFKGW532bDmiA$GHlE3pT1cso41i2ivMq4tRYmgcsPjcafJzeAeMlBehw"),
    // Python: argon2.low_level.hash_secret(b"tide42", b"saltysaltysalty1", 2, 512, 1, 32, Type.I, version=16)
    ("argon2i-v16", "$argon2i$v=16$m=512,t=2,p=1$c2FsdHlzYWx0eXNhbHR5MQ$bgLSdeyOfk/iLClYhW+PzTKsdPTnkUI7v9hi7OBWuj0"),
    // Python: passlib.hash.scrypt.using(rounds=10).hash("tide42")
    ("scrypt-passlib", "$scrypt$ln=10,r=8,p=1$wLj33rs3JiTE2FsLoTTG+A$VNxOtqjHLuzh0LYw/3yUqxEjbT4//MATHPgQp9yXh7I"),
    // Python: hashlib.scrypt(b"tide42", salt=b"saltysaltysalty1", n=2**11, r=8, p=2, dklen=32), base64 without padding
    ("scrypt-hashlib", "$scrypt$ln=11,r=8,p=2$c2FsdHlzYWx0eXNhbHR5MQ$qSqSdhVf1zWk8RJcnthDVwfRvU0oda9D92rLOUwUUdw"),
    // Python: hashlib.scrypt(b"tide42", salt=b"saltysaltysalty1", n=2**4, r=8, p=1, dklen=64), base64 without padding
    ("scrypt-64", "$scrypt$ln=4,r=8,p=1$c2FsdHlzYWx0eXNhbHR5MQ$2F9U1ZKplJrenM3GLcJQ4Pv1Ji/XtR8ys2l925HQdHrMwXPMK5I/H20w3UHzF4J4unr1gLVvHbcDtW0iI5Mw0w"),
];

async fn import(app: &TestApp, body: Value) -> Value {
    app.secret().post("/v1/users/import", body).await.assert(200)
}

fn stored_hash(app: &TestApp, id: &str) -> Option<String> {
    let id = id.to_owned();
    app.environment.data().read_blocking::<_, bkend_local::store::StoreError, _>(|r| Ok(r.password_of(&id)?.map(|p| p.hash))).unwrap()
}

#[actix_web::test]
async fn example_11_an_import_keeps_ids_and_reports_what_it_cannot_read() {
    let app = TestApp::start().await;
    let report = import(
        &app,
        json!({ "users": [
            { "id": "65f0aa", "email": "old@harbor.test", "name": "Old", "passwordHash": HASHES[0].1 },
            { "email": "x@harbor.test", "name": "X", "passwordHash": "$1$abc$def" },
        ] }),
    )
    .await;
    assert_eq!((&report["created"], &report["updated"], &report["skipped"]), (&json!(1), &json!(0), &json!(0)));
    let error = &report["errors"][0];
    assert_eq!((&error["index"], &error["email"], &error["code"]), (&json!(1), &json!("x@harbor.test"), &json!("user/unsupported-hash")));
    assert!(error["message"].is_string() && report["errors"].as_array().unwrap().len() == 1);
    assert_eq!(app.secret().get("/v1/users/65f0aa").await.assert(200)["email"], "old@harbor.test");
}

#[actix_web::test]
async fn hashes_of_other_tools_sign_in_and_are_replaced_by_our_own() {
    let app = TestApp::start().await;
    let users: Vec<Value> =
        HASHES.iter().map(|(id, hash)| json!({ "id": id, "email": format!("{id}@harbor.test"), "name": id, "passwordHash": hash })).collect();
    assert_eq!(import(&app, json!({ "users": users })).await["created"], HASHES.len());
    for (id, hash) in HASHES {
        app.sign_in(id, "tide43").await.assert_error(401, "auth/invalid-credentials");
        assert_eq!(stored_hash(&app, id).as_deref(), Some(hash), "{id}: a wrong password changes nothing");
        assert_eq!(app.sign_in(id, "tide42").await.assert(200)["user"]["id"], id);
        let own = stored_hash(&app, id).unwrap();
        assert!(own.starts_with("$argon2id$v=19$m=32768,t=2,p=1$"), "{id}: {own}");
        app.sign_in(id, "tide42").await.assert(200);
    }
}

#[actix_web::test]
async fn a_hash_of_our_costs_with_a_short_salt_or_tag_is_replaced_too() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
    let app = TestApp::start().await;
    for (id, salt, tag) in [("salt", 8, 32), ("tag", 16, 16)] {
        let params = argon2::Params::new(32_768, 2, 1, Some(tag)).unwrap();
        let (salt, mut output) = (vec![7; salt], vec![0; tag]);
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params).hash_password_into(b"tide42", &salt, &mut output).unwrap();
        let hash = format!("$argon2id$v=19$m=32768,t=2,p=1${}${}", BASE64.encode(&salt), BASE64.encode(&output));
        import(&app, json!({ "users": [{ "id": id, "email": format!("{id}@harbor.test"), "name": id, "passwordHash": hash }] })).await;
        app.sign_in(id, "tide42").await.assert(200);
        let own = stored_hash(&app, id).unwrap();
        let lengths: Vec<usize> = own.rsplit('$').take(2).map(|part| BASE64.decode(part).unwrap().len()).collect();
        assert_eq!(lengths, [32, 16], "{id}: {own}");
    }
}

#[actix_web::test]
async fn an_imported_hash_is_tried_as_typed_and_in_nfc() {
    let app = TestApp::start().await;
    // Python: bcrypt.hashpw(unicodedata.normalize("NFD", "étude").encode(), bcrypt.gensalt(4)), and the same with "NFC"
    let (nfd, nfc) = ("$2b$04$5UySa/i0wQxaehU6uLjAMeUaPFaYe/1oc7xSjyAfYwSauaZyQbhrq", "$2b$04$IvcwRATY1FbrJXk2qqAFpe4hageBtX1bFd.ju0pfUFniGne.4tCbG");
    // Python: bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)): bcrypt looks at 72 bytes.
    let long = "$2b$04$WQhIpmzQPAlFaLJVVlPjd.B5yceqUepu/ZTcFnEfmW2kqX5GUaZtq";
    let user = |name: &str, hash: &str| json!({ "email": format!("{name}@harbor.test"), "name": name, "passwordHash": hash });
    import(&app, json!({ "users": [user("nfd", nfd), user("nfc", nfc), user("nfc2", nfc), user("long", long)] })).await;
    app.sign_in("nfd", "e\u{301}tude").await.assert(200);
    // Once it is our own, either form fits.
    app.sign_in("nfd", "étude").await.assert(200);
    app.sign_in("nfc", "e\u{301}tude").await.assert(200);
    app.sign_in("nfc2", "étude").await.assert(200);
    app.sign_in("long", &"a".repeat(80)).await.assert(200);
    // What was typed is the password now, all of it.
    app.sign_in("long", &"a".repeat(72)).await.assert_error(401, "auth/invalid-credentials");
}

#[actix_web::test]
async fn every_field_of_an_entry_is_kept() {
    let app = TestApp::start().await;
    app.auth(|c| c.users.custom_roles = vec!["editor".into()]).await;
    let entry = json!({
        "id": "Cloud_1-x", "email": " Mina@Harbor.test", "name": "Mina", "emailVerified": "2025-02-03T04:05:06.789Z", "role": "editor",
        "createdAt": "2024-01-02T03:04:05.678Z", "updatedAt": "2024-02-02T03:04:05.678Z", "nickname": "mi", "image": "https://pics.test/m.png",
        "bio": "two\nlines", "socialLinks": { "github": "https://github.test/m" }, "slug": "Mina-R", "isPublic": true, "mobile": "+82 10-1234-5678",
        "gender": "female", "preferences": { "locale": "ko", "theme": "dark" }, "notifications": { "marketing": true },
        "onboarding": { "status": "completed", "step": "end", "data": { "a": 1 } }, "passwordHash": HASHES[3].1,
        "accounts": [{ "provider": "google", "providerAccountId": "g-1" }], "banned": true, "lastLoginAt": "2020-01-01T00:00:00.000Z",
    });
    assert_eq!(import(&app, json!({ "users": [entry] })).await, json!({ "created": 1, "updated": 0, "skipped": 0, "errors": [] }));
    let user = app.secret().get("/v1/users/Cloud_1-x").await.assert(200);
    for (field, value) in [
        ("email", json!("mina@harbor.test")),
        ("emailVerified", json!("2025-02-03T04:05:06.789Z")),
        ("role", json!("editor")),
        ("createdAt", json!("2024-01-02T03:04:05.678Z")),
        ("updatedAt", json!("2024-02-02T03:04:05.678Z")),
        ("nickname", json!("mi")),
        ("image", json!("https://pics.test/m.png")),
        ("bio", json!("two\nlines")),
        ("socialLinks", json!({ "github": "https://github.test/m" })),
        ("slug", json!("mina-r")),
        ("isPublic", json!(true)),
        ("mobile", json!("+821012345678")),
        ("gender", json!("female")),
        ("preferences", json!({ "locale": "ko", "timezone": null, "theme": "dark" })),
        ("onboardingStatus", json!("completed")),
        ("banned", json!(false)),
        ("lastLoginAt", Value::Null),
    ] {
        assert_eq!(user[field], value, "{field}");
    }
    let accounts = json!([{ "provider": "google", "providerAccountId": "g-1" }, { "provider": "email", "providerAccountId": "mina@harbor.test" }]);
    let mut found = user["accounts"].as_array().unwrap().clone();
    found.sort_by_key(|a| std::cmp::Reverse(a["provider"].to_string()));
    assert_eq!(Value::Array(found), accounts);
    assert_eq!(app.secret().get("/v1/users/Cloud_1-x/notifications").await.assert(200)["marketing"], true);
    assert_eq!(app.secret().get("/v1/users/Cloud_1-x/onboarding").await.assert(200)["data"], json!({ "a": 1 }));
    app.sign_in("mina", "tide42").await.assert(200);
    assert!(app.mails("mina@harbor.test").is_empty(), "an import mails nobody");
}

#[actix_web::test]
async fn each_faulty_entry_is_named_by_its_code_and_the_others_are_committed() {
    let app = TestApp::start().await;
    app.secret().patch(&format!("/v1/users/{}", app.sign_up("taken", "tide42").await.id), json!({ "slug": "taken" })).await.assert(200);
    let faults = [
        (json!({ "name": "A" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test" }), "user/invalid-name"),
        (json!({ "email": "nonsense", "name": "A" }), "auth/invalid-email"),
        (json!({ "email": "a@harbor.test", "name": "x\u{0}" }), "user/invalid-name"),
        (json!({ "email": "a@harbor.test", "name": "A", "nickname": "" }), "user/invalid-nickname"),
        (json!({ "email": "a@harbor.test", "name": "A", "role": "owner" }), "user/invalid-role"),
        (json!({ "email": "a@harbor.test", "name": "A", "slug": "Taken" }), "user/slug-taken"),
        (
            json!({ "email": "a@harbor.test", "name": "A", "passwordHash": "$2b$16$pLKDHF.l29P0WkgMPxFA.OuXX7zhXYcMZL0avrzhOwSB8wT0oO45S" }),
            "user/unsupported-hash",
        ),
        (json!({ "email": "a@harbor.test", "name": "A", "passwordHash": 7 }), "user/unsupported-hash"),
        (json!({ "email": "a@harbor.test", "name": "A", "passwordHash": HASHES[0].1, "password": "tide42" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "id": "me" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "id": "slug" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "id": "import" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "id": "a/b" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "id": "x".repeat(65) }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "accounts": [{ "provider": "facebook", "providerAccountId": "1" }] }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "accounts": [{ "provider": "google" }] }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "createdAt": "yesterday" }), "common/invalid-parameters"),
        (json!({ "email": "a@harbor.test", "name": "A", "gender": "x" }), "common/invalid-parameters"),
        (json!({ "name": "A", "accounts": [{ "provider": "github", "providerAccountId": "1" }], "password": "tide42" }), "common/invalid-parameters"),
        (json!("a@harbor.test"), "common/invalid-parameters"),
        (Value::Null, "common/invalid-parameters"),
    ];
    let mut users: Vec<Value> = faults.iter().map(|(entry, _)| entry.clone()).collect();
    users.push(json!({ "email": "good@harbor.test", "name": "Good" }));
    let report = import(&app, json!({ "users": users })).await;
    assert_eq!((&report["created"], &report["skipped"]), (&json!(1), &json!(0)));
    let found: Vec<(u64, &str)> = report["errors"].as_array().unwrap().iter().map(|e| (e["index"].as_u64().unwrap(), e["code"].as_str().unwrap())).collect();
    let expected: Vec<(u64, &str)> = faults.iter().enumerate().map(|(at, (_, code))| (at as u64, *code)).collect();
    assert_eq!(found, expected);
    assert_eq!(app.secret().get("/v1/users").await.assert(200)["pagination"]["total"], 2);
    users.iter_mut().for_each(|u| *u = json!({ "email": "other@harbor.test", "name": "Other" }));
    users[3] = json!({ "name": 1 });
    let report = import(&app, json!({ "users": users, "onConflict": "fail" })).await;
    assert_eq!((&report["created"], report["errors"].as_array().unwrap().len()), (&json!(0), 1));
    assert_eq!(app.secret().get("/v1/users").await.assert(200)["pagination"]["total"], 2, "fail commits nothing");
}

#[actix_web::test]
async fn conflicts_are_skipped_merged_or_refused() {
    let app = TestApp::start().await;
    let google = json!([{ "provider": "google", "providerAccountId": "g-1" }]);
    let first = json!({ "users": [
        { "id": "a", "email": "a@harbor.test", "name": "A", "accounts": google },
        { "id": "b", "email": "b@harbor.test", "name": "B", "passwordHash": HASHES[0].1 },
    ] });
    assert_eq!(import(&app, first.clone()).await["created"], 2);
    assert_eq!(import(&app, first.clone()).await, json!({ "created": 0, "updated": 0, "skipped": 2, "errors": [] }));
    // Each of the three is enough for a conflict.
    for entry in [
        json!({ "id": "a", "email": "n@harbor.test", "name": "N" }),
        json!({ "email": "A@harbor.test", "name": "N" }),
        json!({ "name": "N", "accounts": google }),
    ] {
        assert_eq!(import(&app, json!({ "users": [entry] })).await["skipped"], 1, "{entry}");
        let failed = import(&app, json!({ "users": [{ "email": "new@harbor.test", "name": "New" }, entry], "onConflict": "fail" })).await;
        assert_eq!((&failed["created"], &failed["errors"][0]["code"], &failed["errors"][0]["index"]), (&json!(0), &json!("user/import-conflict"), &json!(1)));
    }
    assert_eq!(app.secret().get("/v1/users?search=new").await.assert(200)["items"], json!([]), "nothing was committed");
    let session = app.sign_in("b", "tide42").await.assert(200);
    let updated = import(
        &app,
        json!({ "onConflict": "update", "users": [
            { "email": "b@harbor.test", "name": "Bea", "bio": "hello", "role": "guest", "passwordHash": HASHES[3].1, "createdAt": "2020-01-01T00:00:00.000Z" },
            { "id": "a", "email": "b@harbor.test", "name": "Both" },
            { "id": "a", "email": "moved@harbor.test", "name": "A", "accounts": [{ "provider": "github", "providerAccountId": "h-1" }] },
            { "email": "moved@harbor.test", "name": "A2", "accounts": [{ "provider": "google", "providerAccountId": "g-2" }] },
            { "id": "c", "email": "c@harbor.test", "name": "C" },
        ] }),
    )
    .await;
    assert_eq!((&updated["created"], &updated["updated"], &updated["skipped"]), (&json!(1), &json!(2), &json!(0)));
    let codes: Vec<_> = updated["errors"].as_array().unwrap().iter().map(|e| (e["index"].clone(), e["code"].clone())).collect();
    assert_eq!(codes, [(json!(1), json!("user/import-conflict")), (json!(3), json!("user/import-conflict"))]);
    let b = app.secret().get("/v1/users/b").await.assert(200);
    assert_eq!((&b["name"], &b["bio"], &b["role"], &b["createdAt"]), (&json!("Bea"), &json!("hello"), &json!("guest"), &json!("2020-01-01T00:00:00.000Z")));
    app.with(session["accessToken"].as_str().unwrap()).get("/v1/auth/me").await.assert_error(401, "auth/session-expired");
    app.sign_in("b", "tide42").await.assert(200);
    let a = app.secret().get("/v1/users/a").await.assert(200);
    assert_eq!((&a["email"], &a["name"], a["accounts"].as_array().unwrap().len()), (&json!("moved@harbor.test"), &json!("A"), 2));
    // A deleted user's id never comes back.
    app.secret().delete("/v1/users/c").await.assert(200);
    let entry = json!({ "id": "c", "email": "c2@harbor.test", "name": "C" });
    assert_eq!(import(&app, json!({ "users": [entry] })).await["skipped"], 1);
    assert_eq!(import(&app, json!({ "users": [entry], "onConflict": "update" })).await["errors"][0]["code"], "user/import-conflict");
}

#[actix_web::test]
async fn who_came_by_a_provider_alone_goes_on_doing_so() {
    let app = TestApp::start().await;
    let github = |id: &str| json!([{ "provider": "github", "providerAccountId": id }]);
    import(
        &app,
        json!({ "users": [
        { "id": "social", "email": "social@harbor.test", "name": "S", "accounts": github("1") },
        { "id": "nameless", "name": "N", "accounts": github("2") },
        { "id": "both", "email": "both@harbor.test", "name": "B", "accounts": [{ "provider": "email" }, { "provider": "github", "providerAccountId": "3" }] },
        { "id": "plain", "email": "plain@harbor.test", "name": "P" },
    ] }),
    )
    .await;
    let providers = |user: &Value| -> Vec<String> { user["accounts"].as_array().unwrap().iter().map(|a| a["provider"].as_str().unwrap().to_owned()).collect() };
    for (id, expected) in [("social", vec!["github"]), ("nameless", vec!["github"]), ("both", vec!["email", "github"]), ("plain", vec!["email"])] {
        let mut found = providers(&app.secret().get(&format!("/v1/users/{id}")).await.assert(200));
        found.sort();
        assert_eq!(found, expected, "{id}");
    }
}

#[actix_web::test]
async fn the_body_is_checked_as_a_whole_first() {
    let app = TestApp::start().await;
    let mina = app.sign_up("mina", "tide42").await;
    let (path, one) = ("/v1/users/import", json!({ "users": [{ "email": "a@harbor.test", "name": "A" }] }));
    app.guest().post(path, one.clone()).await.assert_error(401, "common/authentication-required");
    app.with(&mina.access).post(path, one.clone()).await.assert_error(403, "user/forbidden");
    let admin = app.user("root", "admin").await;
    admin.post(path, one.clone()).await.assert_error(403, "user/forbidden");
    for bad in [
        json!({}),
        json!({ "users": [] }),
        json!({ "users": "x" }),
        json!([]),
        json!({ "users": [{}], "onConflict": "merge" }),
        json!({ "users": [{}], "onConflict": null }),
    ] {
        app.secret().post(path, bad.clone()).await.assert_error(400, "common/invalid-parameters");
    }
    let many: Vec<Value> = (0..1001).map(|n| json!({ "email": format!("u{n}@harbor.test"), "name": "U" })).collect();
    app.secret().post(path, json!({ "users": many })).await.assert_error(400, "common/invalid-parameters");
    let large = json!({ "users": [{ "email": "a@harbor.test", "name": "A", "bio": "x".repeat(10 * 1024 * 1024) }] });
    app.secret().post(path, large).await.assert_error(413, "common/payload-too-large");
    let within = json!({ "users": [{ "email": "a@harbor.test", "name": "A", "more": "x".repeat(9 * 1024 * 1024) }] });
    assert_eq!(app.secret().post(path, within).await.assert(200)["created"], 1);
}

#[actix_web::test]
async fn a_thousand_users_are_one_transaction() {
    let app = TestApp::start().await;
    let users: Vec<Value> = (0..1000)
        .map(|n| json!({ "id": format!("u{n}"), "email": format!("u{n}@harbor.test"), "name": format!("U {n}"), "passwordHash": HASHES[0].1 }))
        .collect();
    assert_eq!(import(&app, json!({ "users": users })).await["created"], 1000);
    assert_eq!(app.secret().get("/v1/users?limit=1").await.assert(200)["pagination"]["total"], 1000);
    app.sign_in("u999", "tide42").await.assert(200);
}

#[actix_web::test]
async fn an_import_of_plain_passwords_lets_others_sign_in_meanwhile() {
    let app = TestApp::start().await;
    app.sign_up("mina", "tide42").await;
    let users: Vec<Value> = (0..60).map(|n| json!({ "email": format!("u{n}@harbor.test"), "name": "U", "password": "ab" })).collect();
    let importing = {
        let client = app.secret();
        actix_web::rt::spawn(async move { client.post("/v1/users/import", json!({ "users": users })).await })
    };
    let mut signed_in = 0;
    let started = Instant::now();
    while !importing.is_finished() {
        app.sign_in("mina", "tide42").await.assert(200);
        signed_in += 1;
    }
    assert_eq!(importing.await.unwrap().assert(200)["created"], 60);
    // The import hashes 60 times; whoever signs in meanwhile gets turns in between.
    assert!(signed_in >= 3, "{signed_in} sign-ins in {:?}", started.elapsed());
    // No policy is asked: two characters are enough.
    app.sign_in("u59", "ab").await.assert(200);
}

#[actix_web::test]
async fn a_developers_import_is_one_activity() {
    let app = TestApp::start().await;
    let path = format!("{}/users/import", app.environment_path());
    let report = app.operator().post(&path, json!({ "users": [{ "email": "a@harbor.test", "name": "A" }, { "email": "b@harbor.test", "name": "B" }] })).await;
    assert_eq!(report.assert(200)["created"], 2);
    let activities = crate::users_management::activities(&app, "user", 1).await;
    assert_eq!((&activities[0]["event"], &activities[0]["entityName"]), (&json!("user_imported"), &json!("2 users")));
}
