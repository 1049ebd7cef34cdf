//! `/img` against files that mean harm: bombs, damage, polyglots.

use image::ImageFormat;

use crate::support::TestApp;
use crate::support::pictures::{self, gif, gif_bomb, jpeg, png, png_bomb, quarters, webp};
use crate::support::random::Random;

const TYPES: [(&str, &str); 4] = [("a.jpg", "image/jpeg"), ("a.png", "image/png"), ("a.gif", "image/gif"), ("a.webp", "image/webp")];

fn of_each_format() -> [Vec<u8>; 4] {
    [jpeg(64, 48), png(64, 48), gif(64, 48), webp(64, 48)]
}

#[actix_web::test]
async fn bombs_are_refused_before_they_are_decoded() {
    let app = TestApp::start().await;
    for (name, kind, bytes) in [("a.png", "image/png", png_bomb()), ("a.gif", "image/gif", gif_bomb())] {
        assert!(bytes.len() < 2000);
        let key = pictures::public(&app, name, kind, &bytes).await;
        for path in ["fit-in/10x10/", "10x10/smart/", "filters:format(webp)/"] {
            app.bytes(&format!("/img/{path}{key}"), &[]).await.assert_error(400, "file/invalid-format");
        }
    }
}

#[actix_web::test]
async fn a_truncated_file_is_refused_or_read_as_far_as_it_goes() {
    let app = TestApp::start().await;
    for ((name, kind), bytes) in TYPES.into_iter().zip(of_each_format()) {
        for cut in [1, 4, 12, 20, bytes.len() / 2, bytes.len() - 10, bytes.len() - 1] {
            let key = pictures::public(&app, name, kind, &bytes[..cut]).await;
            let answer = app.bytes(&format!("/img/16x16/{key}"), &[]).await;
            if answer.status != 200 {
                answer.assert_error(400, "file/invalid-format");
            }
            if cut < 20 {
                answer.assert_error(400, "file/invalid-format");
            }
        }
    }
}

#[actix_web::test]
async fn a_corrupted_file_never_fails_otherwise() {
    let app = TestApp::start().await;
    let mut random = Random::seeded("IMG_SEED");
    for ((name, kind), bytes) in TYPES.into_iter().zip(of_each_format()) {
        for _ in 0..12 {
            let mut damaged = bytes.clone();
            for _ in 0..4 {
                let at = random.below(damaged.len());
                damaged[at] = random.below(256) as u8;
            }
            let key = pictures::public(&app, name, kind, &damaged).await;
            for path in ["16x16/smart/", ""] {
                let answer = app.bytes(&format!("/img/{path}{key}"), &[("Accept", "image/webp")]).await;
                assert!(matches!(answer.status, 200 | 400), "{answer:?}");
            }
        }
    }
    app.client().get("/healthz").await.assert(200);
}

#[actix_web::test]
async fn of_a_polyglot_only_the_picture_comes_out() {
    let app = TestApp::start().await;
    let script = b"<html><script>alert('polyglot')</script></html>";
    for ((name, kind), mut bytes) in TYPES.into_iter().zip(of_each_format()) {
        bytes.extend(script);
        let key = pictures::public(&app, name, kind, &bytes).await;
        let answer = app.bytes(&format!("/img/16x16/{key}"), &[]).await.assert(200);
        assert!(!answer.body.windows(8).any(|window| window == b"polyglot"));
        assert_eq!((answer.header("content-type"), answer.header("x-content-type-options")), (kind, "nosniff"));
    }
    let page = pictures::public(&app, "a.jpg", "image/jpeg", script).await;
    app.bytes(&format!("/img/{page}"), &[]).await.assert_error(400, "file/invalid-format");
}

#[actix_web::test]
async fn what_it_is_is_told_by_its_bytes_whatever_its_type_says() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.png", "image/png", &pictures::file(&quarters(40, 20), ImageFormat::Jpeg)).await;
    let answer = app.bytes(&format!("/img/20x10/{key}"), &[]).await.assert(200);
    assert_eq!(answer.header("content-type"), "image/jpeg");
}

#[actix_web::test]
async fn a_file_of_more_than_50_mib_is_not_transformed() {
    let app = TestApp::start().await;
    let settings = format!("{}/storage/settings", app.environment_path());
    app.operator().patch(&settings, serde_json::json!({ "maxImageBytes": 60 * 1024 * 1024 })).await.assert(200);
    let mut bytes = png(8, 8);
    bytes.resize(50 * 1024 * 1024 + 1, 0);
    let key = pictures::public(&app, "a.png", "image/png", &bytes).await;
    app.bytes(&format!("/img/4x4/{key}"), &[]).await.assert_error(400, "file/invalid-format");
}
