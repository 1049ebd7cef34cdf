//! `/img`: sizes, filters, formats, headers, conditions and who may read (`05-storage.md` §7).

use image::ImageFormat;
use serde_json::json;

use crate::support::TestApp;
use crate::support::pictures::{self, corners, decoded, jpeg, quarters};

const WEBP: (&str, &str) = ("Accept", "image/avif,image/webp,*/*");

#[actix_web::test]
async fn worked_example_21() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "wide.jpg", "image/jpeg", &jpeg(1600, 900)).await;
    let answer = app.bytes(&format!("/img/fit-in/400x300/filters:quality(80)/{key}"), &[WEBP]).await.assert(200);
    assert_eq!(answer.header("content-type"), "image/webp");
    assert!(answer.header("vary").contains("Accept"), "{answer:?}");
    assert_eq!(decoded(&answer).dimensions(), (400, 225));
    let refused = app.bytes(&format!("/img/5000x10/{key}"), &[]).await;
    refused.assert_error(400, "file/invalid-transform");
}

#[actix_web::test]
async fn every_size_of_the_table() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.png", "image/png", &pictures::png(160, 90)).await;
    for (size, width, height) in [
        ("", 160, 90),
        ("fit-in/40x30/", 40, 23),
        ("fit-in/40x0/", 40, 23),
        ("fit-in/0x45/", 80, 45),
        ("fit-in/4000x4000/", 160, 90),
        ("40x40/smart/", 40, 40),
        ("80x0/smart/", 80, 45),
        ("40x60/", 40, 60),
        ("320x320/", 320, 320),
        ("0x180/", 320, 180),
        ("0x0/", 160, 90),
    ] {
        let answer = app.bytes(&format!("/img/{size}{key}"), &[]).await.assert(200);
        assert_eq!(decoded(&answer).dimensions(), (width, height), "{size}");
        assert_eq!(answer.header("content-type"), "image/png");
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
    }
}

#[actix_web::test]
async fn a_smart_crop_keeps_detail_and_a_plain_one_the_middle() {
    let app = TestApp::start().await;
    let mut picture = image::RgbImage::from_pixel(300, 100, image::Rgb([90, 90, 90]));
    for (x, y, pixel) in picture.enumerate_pixels_mut().filter(|(x, ..)| (220..280).contains(x)) {
        *pixel = if (x / 4 + y / 4) % 2 == 0 { image::Rgb([230, 20, 20]) } else { *pixel };
    }
    let key = pictures::public(&app, "a.png", "image/png", &pictures::file(&picture, ImageFormat::Png)).await;
    let red = |bytes: &pictures::Bytes| decoded(bytes).pixels().filter(|p| p[0] > 150).count();
    let smart = app.bytes(&format!("/img/100x100/smart/{key}"), &[]).await.assert(200);
    let middle = app.bytes(&format!("/img/100x100/{key}"), &[]).await.assert(200);
    assert!(red(&smart) > 2500 && red(&middle) == 0);
}

#[actix_web::test]
async fn every_filter_of_the_table() {
    let app = TestApp::start().await;
    let noisy = image::RgbImage::from_fn(200, 200, |x, y| image::Rgb([(x * 7 + y * 13) as u8, (x * y) as u8, (x ^ y) as u8]));
    let key = pictures::public(&app, "a.png", "image/png", &pictures::file(&noisy, ImageFormat::Png)).await;
    for (format, kind) in [("webp", "image/webp"), ("jpeg", "image/jpeg"), ("jpg", "image/jpeg"), ("png", "image/png")] {
        let answer = app.bytes(&format!("/img/filters:format({format})/{key}"), &[WEBP]).await.assert(200);
        assert_eq!((answer.header("content-type"), decoded(&answer).dimensions()), (kind, (200, 200)));
        assert!(!answer.header("vary").contains("Accept"), "the format does not depend on Accept");
    }
    for format in ["webp", "jpeg"] {
        let mut sizes = Vec::new();
        for quality in [1, 50, 100] {
            sizes.push(app.bytes(&format!("/img/filters:format({format}):quality({quality})/{key}"), &[]).await.assert(200).body.len());
        }
        assert!(sizes[0] < sizes[1] && sizes[1] < sizes[2], "{format}: {sizes:?}");
        let default = app.bytes(&format!("/img/filters:format({format})/{key}"), &[]).await.assert(200).body;
        assert_eq!(default, app.bytes(&format!("/img/filters:format({format}):quality(80)/{key}"), &[]).await.assert(200).body);
    }
    let key = pictures::public(&app, "b.png", "image/png", &pictures::png(200, 200)).await;
    let sharp = decoded(&app.bytes(&format!("/img/filters:blur(0)/{key}"), &[]).await.assert(200));
    let soft = decoded(&app.bytes(&format!("/img/filters:blur(12.5)/{key}"), &[]).await.assert(200));
    assert_eq!((sharp.get_pixel(97, 20)[1] < 40, soft.get_pixel(97, 20)[1] > 60), (true, true));
}

#[actix_web::test]
async fn without_a_format_it_is_webp_for_those_who_take_it_else_the_format_of_the_source() {
    let app = TestApp::start().await;
    for (name, kind, bytes) in [
        ("a.jpg", "image/jpeg", jpeg(40, 20)),
        ("a.png", "image/png", pictures::png(40, 20)),
        ("a.gif", "image/gif", pictures::gif(40, 20)),
        ("a.webp", "image/webp", pictures::webp(40, 20)),
    ] {
        let key = pictures::public(&app, name, kind, &bytes).await;
        for (accept, expected) in [
            (Some("image/webp"), "image/webp"),
            (Some("*/*"), kind),
            (None, kind),
            (Some("image/webp;q=0, */*"), kind),
            (Some("text/html, image/WebP;q=0.1"), "image/webp"),
        ] {
            let headers: Vec<(&str, &str)> = accept.iter().map(|accept| ("Accept", *accept)).collect();
            let answer = app.bytes(&format!("/img/fit-in/20x20/{key}"), &headers).await.assert(200);
            assert_eq!(answer.header("content-type"), expected, "{kind} {accept:?}");
            assert!(answer.header("vary").contains("Accept"));
            assert_eq!((decoded(&answer).dimensions(), corners(&decoded(&answer)).as_str()), ((20, 10), "rgbw"), "{kind}");
        }
    }
}

#[actix_web::test]
async fn any_other_segment_filter_or_value_is_an_invalid_transform() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.png", "image/png", &pictures::png(16, 9)).await;
    for path in [
        "4097x1",
        "1x4097",
        "-1x10",
        "10x",
        "x10",
        "fit-in",
        "fit-in/10",
        "smart",
        "10x10/smart/smart",
        "trim",
        "unsafe/10x10",
        "10x10/top",
        "filters:",
        "filters:quality(0)",
        "filters:quality(101)",
        "filters:quality(a)",
        "filters:format(gif)",
        "filters:format(bmp)",
        "filters:blur(51)",
        "filters:blur(-1)",
        "filters:rotate(90)",
        "filters:quality(80)/10x10",
        "filters:quality",
        "filters:watermark(http://evil.test/x.png)",
    ] {
        let answer = app.bytes(&format!("/img/{path}/{key}"), &[]).await;
        answer.assert_error(400, "file/invalid-transform");
    }
    app.bytes(&format!("/img/4096x1/filters:format(webp)/{key}"), &[]).await.assert(200);
}

#[actix_web::test]
async fn the_key_may_come_percent_encoded() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a b.png", "image/png", &pictures::png(16, 9)).await;
    let encoded = key.replace('/', "%2F").replace('-', "%2d");
    for path in [
        format!("/img/{encoded}"),
        format!("/img/8x0/{encoded}"),
        format!("/img/fit-in%2F8x8/{key}").replace("%2F", "/"),
        format!("/img/filters%3Aquality(80)/{encoded}"),
    ] {
        app.bytes(&path, &[]).await.assert(200);
    }
    for path in [
        format!("/img/{}", encoded.replace('%', "%25")),
        format!("/img//{key}"),
        format!("/img/{key}/"),
        format!("/img/{}x", key),
        "/img/".to_owned(),
        "/img/..%2f..%2fetc/passwd".to_owned(),
    ] {
        app.bytes(&path, &[]).await.assert_error(404, "file/not-found");
    }
}

#[actix_web::test]
async fn orientation_is_applied_and_metadata_stripped_while_the_original_stays() {
    let app = TestApp::start().await;
    for (orientation, upright) in [(1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb")] {
        let bytes = pictures::turned_jpeg(orientation);
        let key = pictures::public(&app, "a.jpg", "image/jpeg", &bytes).await;
        let answer = app.bytes(&format!("/img/{key}"), &[]).await.assert(200);
        let picture = decoded(&answer);
        assert_eq!((picture.dimensions(), corners(&picture).as_str()), (if orientation < 5 { (64, 32) } else { (32, 64) }, upright), "{orientation}");
        for format in ["jpeg", "png", "webp"] {
            let answer = app.bytes(&format!("/img/filters:format({format})/{key}"), &[]).await.assert(200);
            assert!(!answer.body.windows(12).any(|window| window == b"SECRET-PLACE"));
        }
        assert_eq!(app.bytes(&format!("/storage/{key}"), &[]).await.assert(200).body, bytes);
    }
}

#[actix_web::test]
async fn an_animation_yields_its_first_frame_or_is_served_unchanged() {
    let app = TestApp::start().await;
    for (name, kind, bytes) in [("a.gif", "image/gif", pictures::animated_gif()), ("a.webp", "image/webp", pictures::animated_webp())] {
        let key = pictures::public(&app, name, kind, &bytes).await;
        let whole = app.bytes(&format!("/img/{key}"), &[WEBP]).await.assert(200);
        assert_eq!((whole.header("content-type"), &whole.body), (kind, &bytes));
        assert_eq!(whole.header("etag"), app.bytes(&format!("/storage/{key}"), &[]).await.header("etag"));
        for path in ["filters:format(png)/", "10x5/", "filters:quality(80)/"] {
            let first = app.bytes(&format!("/img/{path}{key}"), &[]).await.assert(200);
            assert!(decoded(&first).get_pixel(2, 2)[0] > 200, "{kind} {path}");
        }
    }
    let still = pictures::public(&app, "b.gif", "image/gif", &pictures::gif(20, 10)).await;
    assert_eq!(app.bytes(&format!("/img/{still}"), &[WEBP]).await.assert(200).header("content-type"), "image/webp");
}

#[actix_web::test]
async fn svg_is_served_unchanged_as_by_storage() {
    let app = TestApp::start().await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'><script>alert(1)</script></svg>";
    let key = pictures::public(&app, "a.svg", "image/svg+xml", svg).await;
    let stored = app.bytes(&format!("/storage/{key}"), &[]).await.assert(200);
    for path in ["", "fit-in/10x10/", "filters:format(png)/"] {
        let answer = app.bytes(&format!("/img/{path}{key}"), &[WEBP]).await.assert(200);
        assert_eq!(answer.body, svg);
        for name in ["content-type", "content-disposition", "content-security-policy", "x-content-type-options", "etag", "cache-control"] {
            assert_eq!(answer.header(name), stored.header(name), "{name}");
        }
    }
}

#[actix_web::test]
async fn anything_else_is_an_invalid_format() {
    let app = TestApp::start().await;
    for (name, kind, bytes) in [
        ("a.txt", "text/plain", &b"hello"[..]),
        ("a.bmp", "image/bmp", b"BM\0\0\0\0\0\0"),
        ("a.pdf", "application/pdf", b"%PDF-1.7"),
        ("e.jpg", "image/jpeg", b""),
    ] {
        let key = pictures::public(&app, name, kind, bytes).await;
        app.bytes(&format!("/img/10x10/{key}"), &[]).await.assert_error(400, "file/invalid-format");
    }
}

#[actix_web::test]
async fn results_carry_the_headers_of_storage_and_their_own_strong_etag() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "회의 사진.jpg", "image/jpeg", &jpeg(64, 32)).await;
    let stored = app.bytes(&format!("/storage/{key}"), &[]).await.assert(200);
    let answer = app.bytes(&format!("/img/fit-in/32x32/{key}"), &[WEBP, ("Origin", "http://localhost:3000")]).await.assert(200);
    for name in ["cache-control", "x-content-type-options", "referrer-policy", "cross-origin-resource-policy", "last-modified"] {
        assert_eq!(answer.header(name), stored.header(name), "{name}");
    }
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    assert!(answer.header("content-disposition").starts_with("inline; ") && answer.header("content-disposition").contains(".webp"), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
    let etag = answer.header("etag");
    assert!(etag.starts_with('"') && etag.ends_with('"') && etag != stored.header("etag"), "{etag}");
    let same = app.bytes(&format!("/img/fit-in/32x32/filters:quality(80)/{key}"), &[WEBP]).await.assert(200);
    let other = app.bytes(&format!("/img/fit-in/32x32/filters:quality(70)/{key}"), &[WEBP]).await.assert(200);
    assert_eq!((same.header("etag") == etag, other.header("etag") == etag, same.body == answer.body), (true, false, true));
}

#[actix_web::test]
async fn conditional_requests_and_head_work_and_ranges_do_not() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.jpg", "image/jpeg", &jpeg(64, 32)).await;
    let path = format!("/img/fit-in/32x32/{key}");
    let whole = app.bytes(&path, &[]).await.assert(200);
    let (etag, modified) = (whole.header("etag").to_owned(), whole.header("last-modified").to_owned());
    let unchanged = app.bytes(&path, &[("If-None-Match", &etag)]).await.assert(304);
    assert_eq!((unchanged.body.len(), unchanged.header("etag")), (0, etag.as_str()));
    app.bytes(&path, &[("If-Modified-Since", &modified)]).await.assert(304);
    app.bytes(&path, &[("If-None-Match", "\"x\"")]).await.assert(200);
    app.bytes(&path, &[("If-Match", "\"x\"")]).await.assert_error(412, "file/precondition-failed");
    app.bytes(&path, &[("If-Match", &etag)]).await.assert(200);
    let head = app.bytes_by("HEAD", &path, &[]).await.assert(200);
    assert_eq!((head.body.len(), head.header("content-length")), (0, whole.body.len().to_string().as_str()));
    assert_eq!(head.header("etag"), etag);
    let ranged = app.bytes(&path, &[("Range", "bytes=0-9")]).await.assert(200);
    assert_eq!((ranged.body, ranged.headers.get("content-range")), (whole.body, None));
}

#[actix_web::test]
async fn other_methods_are_405_and_a_preflight_is_answered() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.jpg", "image/jpeg", &jpeg(64, 32)).await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = app.bytes_by(method, &format!("/img/{key}"), &[]).await;
        answer.assert_error(405, "common/method-not-allowed");
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
    let headers = [("Origin", "http://localhost:3000"), ("Access-Control-Request-Method", "GET")];
    let answer = app.bytes_by("OPTIONS", &format!("/img/{key}"), &headers).await.assert(204);
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:3000");
}

#[actix_web::test]
async fn readable_is_exactly_what_a_plain_url_reads() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    for visibility in ["public", "private", "protected", "shared"] {
        let file = pictures::store(&mina, "a.jpg", "image/jpeg", visibility, &jpeg(64, 32)).await;
        let key = file["key"].as_str().unwrap();
        let (plain, made) = (app.bytes(&format!("/storage/{key}"), &[]).await, app.bytes(&format!("/img/10x10/{key}"), &[]).await);
        assert_eq!(plain.status, if visibility == "public" { 200 } else { 403 });
        assert_eq!(plain.status, made.status, "{visibility}");
        if visibility != "public" {
            assert_eq!(made.assert_error(403, "file/access-denied")["error"]["s3Code"], "AccessDenied");
            let signed = file["url"].as_str().unwrap();
            app.bytes(signed, &[]).await.assert(200);
            app.bytes(&signed.replace("/storage/", "/img/"), &[]).await.assert_error(403, "file/access-denied");
        }
    }
    let presign = json!({ "filename": "a.jpg", "contentType": "image/jpeg" });
    let open = pictures::upload(&mina, presign.clone(), &jpeg(64, 32)).await;
    let answer = app.bytes(&format!("/img/10x10/{}", open["key"].as_str().unwrap()), &[]).await.assert(200);
    assert_eq!(answer.header("cache-control"), "private, no-cache");
    let pending = mina.post("/v1/files/presigned-url", presign).await.assert(200);
    let answer = app.bytes(&format!("/img/10x10/{}", pending["key"].as_str().unwrap()), &[]).await;
    assert_eq!(answer.assert_error(404, "file/not-found")["error"]["s3Code"], "NoSuchKey");
}

#[actix_web::test]
async fn a_change_of_access_bites_at_once_although_the_result_is_cached() {
    let app = TestApp::start().await;
    let mina = app.user("mina", "user").await;
    let file = pictures::store(&mina, "a.jpg", "image/jpeg", "public", &jpeg(64, 32)).await;
    let (id, path) = (file["id"].as_str().unwrap(), format!("/img/10x10/{}", file["key"].as_str().unwrap()));
    let first = app.bytes(&path, &[]).await.assert(200);
    mina.patch(&format!("/v1/files/{id}"), json!({ "visibility": "private" })).await.assert(200);
    app.bytes(&path, &[]).await.assert_error(403, "file/access-denied");
    app.bytes(&path, &[("If-None-Match", first.header("etag"))]).await.assert_error(403, "file/access-denied");
    mina.patch(&format!("/v1/files/{id}"), json!({ "visibility": "public" })).await.assert(200);
    assert_eq!(app.bytes(&path, &[]).await.assert(200).body, first.body);
    mina.delete(&format!("/v1/files/{id}")).await.assert(200);
    app.bytes(&path, &[]).await.assert_error(404, "file/not-found");
    assert_eq!(cached(&app), 0, "nothing remains");
}

/// Files in the cache of results.
fn cached(app: &TestApp) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.flatten().map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&app.backend.data_dir().join("cache/img"))
}

#[actix_web::test]
async fn results_are_cached_on_disk_and_outlive_a_restart() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.jpg", "image/jpeg", &jpeg(64, 32)).await;
    let path = format!("/img/10x10/{key}");
    let first = app.bytes(&path, &[]).await.assert(200);
    app.bytes(&path, &[]).await.assert(200);
    app.bytes(&path.replace("/10x10/", "/10x10/filters:quality(80)/"), &[]).await.assert(200);
    assert_eq!(cached(&app), 1);
    let app = app.restart().await;
    let again = app.bytes(&path, &[]).await.assert(200);
    assert_eq!((again.header("etag"), &again.body), (first.header("etag"), &first.body));
    assert_eq!(cached(&app), 1);
    std::fs::remove_dir_all(app.backend.data_dir().join("cache")).unwrap();
    assert_eq!(app.bytes(&path, &[]).await.assert(200).body, first.body);
}

#[actix_web::test]
async fn the_least_recently_used_results_go_when_512_mib_are_full() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.jpg", "image/jpeg", &jpeg(64, 32)).await;
    app.stop().await;
    let folder = app.backend.data_dir().join("cache/img").join(app.environment.id()).join("0".repeat(32));
    std::fs::create_dir_all(&folder).unwrap();
    for (name, age) in [("old", 2000), ("new", 1000)] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        // Holes, that take no room on the disk.
        file.set_len(256 * 1024 * 1024).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(age)).unwrap();
    }
    let app = app.restart().await;
    app.bytes(&format!("/img/10x10/{key}"), &[]).await.assert(200);
    assert_eq!((folder.join("old").exists(), folder.join("new").exists(), cached(&app)), (false, true, 2));
}

#[actix_web::test]
async fn many_who_ask_for_the_same_at_once_get_the_same() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.jpg", "image/jpeg", &jpeg(640, 320)).await;
    let path = format!("/img/300x300/smart/{key}");
    let answers = futures_util::future::join_all((0..24).map(|_| app.bytes(&path, &[]))).await;
    let first = &answers[0].body;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == *first));
    assert_eq!(cached(&app), 1);
}

#[actix_web::test]
async fn a_large_source_is_fine_and_too_many_pixels_are_not() {
    let app = TestApp::start().await;
    let key = pictures::public(&app, "a.png", "image/png", &pictures::file(&quarters(5000, 2000), ImageFormat::Png)).await;
    assert_eq!(decoded(&app.bytes(&format!("/img/fit-in/50x50/{key}"), &[]).await.assert(200)).dimensions(), (50, 20));
    let grey = image::GrayImage::new(7100, 7100);
    let mut bytes = std::io::Cursor::new(Vec::new());
    grey.write_to(&mut bytes, ImageFormat::Png).unwrap();
    let key = pictures::public(&app, "b.png", "image/png", &bytes.into_inner()).await;
    app.bytes(&format!("/img/fit-in/50x50/{key}"), &[]).await.assert_error(400, "file/invalid-format");
    let long = pictures::public(&app, "c.png", "image/png", &pictures::png(17_000, 2)).await;
    assert_eq!(app.bytes(&format!("/img/{long}"), &[WEBP]).await.assert(200).header("content-type"), "image/png");
    app.bytes(&format!("/img/filters:format(webp)/{long}"), &[]).await.assert_error(400, "file/invalid-transform");
    app.bytes(&format!("/img/0x4096/{long}"), &[]).await.assert_error(400, "file/invalid-transform");
}
