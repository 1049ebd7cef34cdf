// Runs every case of `cases/` in Chromium, one after the other, each in a browser profile of its own.
//
// A file of cases exports an object: the name of each case and a function that gets what it needs:
//   page      a page of a fresh profile; console errors and uncaught exceptions in it fail the case
//   context   that profile
//   server    { url, publishableKey, secretKey, dataDir, program }
//   app       the address of the test app, on an origin of its own (app.html)
//   api       (method, path, body?, headers?) => { status, body, headers }, with the publishable key
//   expected  patterns of console errors that belong to the case: expected.push(/401/)
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv[2] ?? "";
const server = {
  url: JSON.parse(readFileSync(process.env.READY, "utf8")).url,
  publishableKey: process.env.BKEND_PUBLISHABLE_KEY,
  secretKey: process.env.BKEND_SECRET_KEY,
  dataDir: process.env.DATA_DIR,
  program: process.env.BKEND_LOCAL,
};

/** The test app: one page on another port than the server, told where the server is. */
async function serveApp() {
  const page = readFileSync(join(here, "app.html"), "utf8").replace("__CONFIG__", () => JSON.stringify({ api: server.url, key: server.publishableKey }));
  const app = createServer((request, response) => {
    if (!request.url.startsWith("/app")) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" }).end(page);
  });
  await new Promise((done) => app.listen(0, "127.0.0.1", done));
  return { url: `http://localhost:${app.address().port}/app`, close: () => app.close() };
}

async function api(method, path, body, headers = {}) {
  const response = await fetch(server.url + path, {
    method,
    redirect: "manual",
    headers: { "x-api-key": server.publishableKey, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  return { status: response.status, body: json, text, headers: response.headers };
}

/** Runs a case; answers what went wrong. */
async function run(browser, app, body) {
  const context = await browser.newContext();
  context.setDefaultTimeout(20_000);
  const problems = [];
  const expected = [];
  const watch = (page) => {
    page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
    page.on("console", (message) => message.type() === "error" && problems.push(`${message.text()} (${message.location().url})`));
  };
  context.on("page", watch);
  try {
    const page = await context.newPage();
    await body({ page, context, server, app: app.url, api, expected });
  } catch (error) {
    problems.push(error.stack);
  } finally {
    await context.close();
  }
  return problems.filter((problem) => !expected.some((pattern) => pattern.test(problem)));
}

const app = await serveApp();
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-proxy-server"] });
let failed = false;
try {
  for (const file of readdirSync(join(here, "cases")).filter((name) => name.endsWith(".mjs") && name.includes(wanted)).sort()) {
    const cases = (await import(join(here, "cases", file))).default;
    for (const [name, body] of Object.entries(cases)) {
      const problems = await run(browser, app, body);
      failed ||= problems.length > 0;
      console.log(problems.length === 0 ? `ok - ${name}` : `not ok - ${name}\n${problems.join("\n").replace(/^/gm, "    ")}`);
    }
  }
} finally {
  await browser.close();
  app.close();
}
process.exitCode = failed ? 1 : 0;
