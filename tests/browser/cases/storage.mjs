// Stored files in a browser: nothing in one runs, and pages of other origins upload and download.
import assert from "node:assert/strict";

const secret = (server) => ({ "x-api-key": server.secretKey });

async function presign(api, server, filename, contentType, more = {}) {
  const { status, body, text } = await api("POST", "/v1/files/presigned-url", { filename, contentType, visibility: "public", ...more }, secret(server));
  assert.equal(status, 200, text);
  return body;
}

/** Uploads text and answers its plain address. */
async function stored(api, server, filename, contentType, text) {
  const begun = await presign(api, server, filename, contentType);
  const answer = await fetch(begun.url, { method: "PUT", headers: { "content-type": contentType }, body: text });
  assert.equal(answer.status, 200, await answer.text());
  return begun.url.split("?")[0];
}

export default {
  "no script in a stored file runs, however the file is opened": async ({ context, page, app, api, server, expected }) => {
    // The sandbox tells what it has blocked, and a refused download is an error of the frame.
    expected.push(/sandbox|Content Security Policy|MIME type|ERR_ABORTED|Download|favicon/i);
    const calls = [];
    context.on("request", (request) => request.url().includes("ran=") && calls.push(request.url()));
    const call = (name) => `new Image().src = ${JSON.stringify(`${server.url}/healthz?ran=${name}`)}; document.title = "ran"`;
    const html = (name) => `<!doctype html><html><body onload='${call(name)}'><script>${call(name)}</script></body></html>`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30" onload='${call("svg-onload")}'><rect width="40" height="30"/><script>${call("svg")}</script></svg>`;
    const xhtml = `<html xmlns="http://www.w3.org/1999/xhtml"><body><script>${call("xml")}</script></body></html>`;
    const files = {
      svg: await stored(api, server, "a.svg", "image/svg+xml", svg),
      text: await stored(api, server, "a.html", "text/plain", html("text")),
      png: await stored(api, server, "a.png", "image/png", html("png")),
      pdf: await stored(api, server, "a.pdf", "application/pdf", html("pdf")),
      xml: await stored(api, server, "a.xml", "application/xml", xhtml),
      video: await stored(api, server, "a.mp4", "video/mp4", html("video")),
      unknown: await stored(api, server, "a.bin", "application/octet-stream", html("unknown")),
      css: await stored(api, server, "a.css", "text/css", html("css")),
    };
    for (const url of Object.values(files)) {
      // What is saved instead of shown ends the navigation.
      await page.goto(url).catch(() => null);
      await page.waitForTimeout(150);
      assert.notEqual(await page.title().catch(() => ""), "ran", url);
    }
    await page.goto(app);
    for (const url of Object.values(files)) {
      await page.evaluate((src) => {
        for (const tag of ["iframe", "embed", "script"]) document.body.append(Object.assign(document.createElement(tag), { src }));
      }, url);
    }
    await page.waitForTimeout(1000);
    assert.deepEqual(calls, [], "a stored file acted");
    const width = await page.evaluate(
      (src) => new Promise((done) => Object.assign(new Image(), { onload: (event) => done(event.target.naturalWidth), onerror: () => done(0), src })),
      files.svg,
    );
    assert.equal(width, 40, "an SVG still renders as a picture");
  },

  "a page of another origin uploads with progress and reads the answer": async ({ page, app, api, server, expected }) => {
    expected.push(/400/);
    await page.goto(app);
    const put = (url, size) =>
      page.evaluate(
        ({ url, size }) =>
          new Promise((done) => {
            const events = [];
            const request = new XMLHttpRequest();
            request.upload.onprogress = (event) => events.push([event.loaded, event.total]);
            request.onloadend = () => done({ status: request.status, etag: request.getResponseHeader("ETag"), text: request.responseText, events });
            request.open("PUT", url);
            request.setRequestHeader("Content-Type", "application/zip");
            request.send(new Uint8Array(size).fill(7));
          }),
        { url, size },
      );
    const size = 48 * 1024 * 1024;
    const begun = await presign(api, server, "a.zip", "application/zip", { fileSize: size });
    const done = await put(begun.url, size);
    assert.equal(done.status, 200, done.text);
    assert.match(done.etag, /^"[0-9a-f]{32}"$/);
    // Browsers tell of progress every 50 ms: a fast machine may be done before the second time.
    assert.ok(done.events.length > 0, "there is progress to show");
    assert.deepEqual(done.events.at(-1), [size, size]);

    const small = await presign(api, server, "a.zip", "application/zip", { fileSize: 10 });
    const refused = await put(small.url, 4 * 1024 * 1024);
    assert.equal(refused.status, 400, refused.text);
    assert.equal(JSON.parse(refused.text).error.code, "file/file-too-large");

    const read = await page.evaluate(async (url) => {
      const answer = await fetch(url, { headers: { Range: "bytes=0-9" } });
      return { status: answer.status, range: answer.headers.get("Content-Range"), length: (await answer.arrayBuffer()).byteLength };
    }, begun.url.split("?")[0]);
    assert.deepEqual(read, { status: 206, range: `bytes 0-9/${size}`, length: 10 });
  },
};
