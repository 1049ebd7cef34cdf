// Signing in through the simulated providers, as a person does it.
import assert from "node:assert/strict";

const status = (page) => page.locator("#status");

async function signedIn(page, text) {
  await page.waitForFunction((wanted) => document.getElementById("status")?.textContent.includes(wanted), text);
  return JSON.parse((await page.locator("#me").textContent()) || "null");
}

export default {
  "a person signs in with a ready identity of the simulated Google": async ({ page, app, server }) => {
    await page.goto(app);
    await page.click("#google");
    await page.waitForURL(`${server.url}/v1/auth/simulator/google/**`);
    assert.match(await page.locator("h1").textContent(), /Simulated Google/);
    await page.getByRole("button", { name: /Mina Kim/ }).click();
    const me = await signedIn(page, "signed in as mina.kim@example.com, new");
    assert.equal(me.name, "Mina Kim");
    assert.ok(me.emailVerified);
    assert.deepEqual(me.accounts.map((account) => account.provider), ["google"]);
    assert.equal(new URL(page.url()).search, "", "no token stays in the address");

    await page.click("#google");
    await page.getByRole("button", { name: /Mina Kim/ }).click();
    await signedIn(page, "signed in as mina.kim@example.com, known");
  },

  "somebody new types an address at the simulated GitHub and is offered next time": async ({ page, app }) => {
    await page.goto(`${app}?fragment`);
    await page.click("#github");
    await page.getByLabel("E-mail").fill("sora@harbor.test");
    await page.getByLabel("Name").fill("Sora");
    await page.getByRole("button", { name: "Continue" }).click();
    const me = await signedIn(page, "signed in as sora@harbor.test, new");
    assert.equal(me.name, "Sora");
    await page.click("#github");
    await page.getByRole("button", { name: /Sora.*sora@harbor\.test/ }).click();
    await signedIn(page, "signed in as sora@harbor.test, known");
  },

  "a person who declines comes back to the app without a session": async ({ page, app }) => {
    await page.goto(app);
    await page.click("#google");
    await page.getByRole("button", { name: "Cancel" }).click();
    await signedIn(page, "refused: access_denied");
    assert.equal(await status(page).textContent(), "refused: access_denied");
    assert.equal(await page.locator("#me").textContent(), "");
  },

  "an address that cannot be used may be corrected on the page": async ({ page, app, expected }) => {
    // A refused form is answered with 400.
    expected.push(/400/);
    await page.goto(app);
    await page.click("#google");
    await page.getByLabel("E-mail").fill("nobody@nowhere");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("E-mail").inputValue(), "nobody@nowhere");
    await page.getByLabel("E-mail").fill("nari@harbor.test");
    await page.getByRole("button", { name: "Continue" }).click();
    await signedIn(page, "signed in as nari@harbor.test, new");
  },

  "the page works without JavaScript and on a narrow screen": async ({ context, server, api, app }) => {
    const browser = context.browser();
    const plain = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 320, height: 640 } });
    try {
      const page = await plain.newPage();
      const { body } = await api("GET", `/v1/auth/google/authorize?redirect=${encodeURIComponent(app)}&state=s`);
      await page.goto(body.authorizationUrl);
      assert.ok(page.url().startsWith(server.url));
      const [content, view] = [await page.locator("main").boundingBox(), page.viewportSize()];
      assert.ok(content.width <= view.width, "nothing is wider than the screen");
      await page.getByRole("button", { name: /Joon Park/ }).click();
      await page.waitForURL(/accessToken=/);
    } finally {
      await plain.close();
    }
  },

  "a page of another origin can neither post the form nor frame the page": async ({ page, server, api, app, expected }) => {
    expected.push(/403/, /frame/i, /X-Frame-Options/);
    const { body } = await api("GET", `/v1/auth/google/authorize?redirect=${encodeURIComponent(app)}&state=s`);
    const html = await (await fetch(body.authorizationUrl)).text();
    const ticket = /name="ticket" value="([0-9a-f]{64})"/.exec(html)[1];
    await page.goto(app);
    await page.evaluate(
      ([action, ticket]) => {
        const form = document.createElement("form");
        form.method = "post";
        form.action = action;
        for (const [name, value] of [["ticket", ticket], ["email", "mina.kim@example.com"], ["decision", "approve"]]) {
          const input = document.createElement("input");
          [input.name, input.value] = [name, value];
          form.append(input);
        }
        document.body.append(form);
        form.submit();
      },
      [`${server.url}/v1/auth/simulator/google/o/oauth2/v2/auth`, ticket],
    );
    await page.getByText("common/origin-denied").waitFor();

    await page.goto(app);
    await page.evaluate((source) => {
      const frame = document.createElement("iframe");
      frame.src = source;
      document.body.append(frame);
      return new Promise((loaded) => (frame.onload = loaded));
    }, body.authorizationUrl);
    assert.equal(await page.frameLocator("iframe").getByRole("button", { name: /Mina Kim/ }).count(), 0);
  },
};
