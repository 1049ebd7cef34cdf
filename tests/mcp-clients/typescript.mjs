// The official TypeScript SDK against a server: node typescript.mjs <url> <personal access token> <data directory> <program>
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { ResourceListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const [base, token, dataDir, program] = process.argv.slice(2);
const endpoint = new URL(`${base}/mcp`);
let passed = 0;

async function test(name, run) {
  try {
    await run();
    passed += 1;
    console.log(`ok - ${name}`);
  } catch (error) {
    console.log(`not ok - ${name}\n${error.stack}`);
    process.exitCode = 1;
  }
}

const newClient = () => new Client({ name: "typescript-sdk", version: "1.0.0" });
const withToken = (value) => new StreamableHTTPClientTransport(endpoint, { requestInit: { headers: { Authorization: `Bearer ${value}` } } });

async function connect(transport) {
  const client = newClient();
  await client.connect(transport);
  return client;
}

/** What every client does first, whatever carries it. */
async function walk(client) {
  assert.equal(client.getServerVersion().name, "bkend");
  assert.ok(client.getInstructions().includes("get_context"));
  const { tools } = await client.listTools();
  assert.ok(tools.some((tool) => tool.name === "get_context"));
  const context = await client.callTool({ name: "get_context", arguments: {} });
  assert.ok(context.content[0].text.startsWith("## Your Session"));
  const projects = await client.callTool({ name: "backend_project_list", arguments: {} });
  assert.ok(!projects.isError && projects.structuredContent.items.length >= 1);
  const refused = await client.callTool({ name: "backend_table_get", arguments: { tableId: "nothing" } });
  assert.equal(refused.isError, true);
  await assert.rejects(client.callTool({ name: "no_such_tool", arguments: {} }), (error) => error.code === -32602);
  const { resources } = await client.listResources();
  const read = await client.readResource({ uri: resources[0].uri });
  assert.ok(JSON.parse(read.contents[0].text));
  assert.ok((await client.listResourceTemplates()).resourceTemplates.length > 0);
  const { prompts } = await client.listPrompts();
  assert.ok(prompts.length > 0);
  assert.deepEqual(await client.ping(), {});
  return projects.structuredContent.items[0];
}

await test("Streamable HTTP with a personal access token", async () => {
  const transport = withToken(token);
  const client = await connect(transport);
  assert.ok(transport.sessionId);
  await walk(client);
  await transport.terminateSession();
  await client.close();
});

await test("a session hears that lists of resources have changed", async () => {
  const client = await connect(withToken(token));
  const heard = new Promise((resolve) => client.setNotificationHandler(ResourceListChangedNotificationSchema, resolve));
  // The SDK opens its stream after the answer to initialize.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const project = (await client.callTool({ name: "backend_project_list", arguments: {} })).structuredContent.items[0];
  const body = { projectId: project.id, environment: "dev", tableName: `boats_${Date.now()}`, schema: { name: "string" } };
  const made = await client.callTool({ name: "backend_table_create", arguments: { body } });
  assert.ok(!made.isError, JSON.stringify(made));
  await Promise.race([heard, new Promise((_, reject) => setTimeout(() => reject(new Error("nothing was heard")), 20_000))]);
  await client.close();
});

await test("a token that is no good is an error, not a hang", async () => {
  await assert.rejects(connect(withToken(`pat_${"0".repeat(64)}`)));
});

await test("stdio", async () => {
  const client = await connect(new StdioClientTransport({ command: program, args: ["--data-dir", dataDir, "mcp"], stderr: "ignore" }));
  await walk(client);
  await client.close();
});

const readable = (text) => text.replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16))).replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** A person with a browser: signs in with a one-time link and approves the form. */
async function approve(address, operator) {
  const jar = new Map();
  const go = async (url, options = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(url, { redirect: "manual", ...options, headers: { ...options.headers, ...(cookie && { Cookie: cookie }) } });
    for (const line of answer.headers.getSetCookie()) {
      const [name, ...value] = line.split(";")[0].split("=");
      jar.set(name, value.join("="));
    }
    return answer;
  };
  const json = { "Content-Type": "application/json" };
  const link = await (await go(`${base}/management/v1/server/login-links`, { method: "POST", body: "{}", headers: { ...json, Authorization: `Bearer ${operator}` } })).json();
  const body = JSON.stringify({ token: link.url.split("#")[1] });
  await go(`${base}/management/v1/auth/link`, { method: "POST", body, headers: { ...json, Origin: base } });
  let page = await go(address);
  while (page.status >= 300 && page.status < 400) {
    page = await go(new URL(page.headers.get("location"), base));
  }
  const html = await page.text();
  assert.equal(page.status, 200, html);
  const form = new URLSearchParams();
  const attribute = (tag, name) => {
    const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
    return value === undefined ? undefined : readable(value);
  };
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    const kind = attribute(tag, "type") ?? "text";
    const name = attribute(tag, "name");
    if (name && (kind === "hidden" || (kind === "checkbox" && /\bchecked\b/.test(tag)))) form.append(name, attribute(tag, "value") ?? "on");
  }
  const select = /<select\b[^>]*name="([^"]+)"[^>]*>([\s\S]*?)<\/select>/.exec(html);
  if (select) form.append(select[1], readable(/<option\b[^>]*value="([^"]+)"/.exec(select[2])[1]));
  const buttons = [...html.matchAll(/<button\b[^>]*>[\s\S]*?<\/button>/g)].map(([tag]) => tag);
  const authorize = buttons.find((tag) => tag.includes("Authorize"));
  if (attribute(authorize, "name")) form.append(attribute(authorize, "name"), attribute(authorize, "value") ?? "");
  const answer = await go(`${base}/mcp/oauth/authorize`, {
    method: "POST",
    body: form,
    headers: { "Content-Type": "application/x-www-form-urlencoded", Origin: base },
  });
  assert.equal(answer.status, 303, await answer.text());
  return new URL(answer.headers.get("location"));
}

/** The SDK's own client of the authorization server, with a person in place of the browser. */
class Provider {
  redirectUrl = "http://localhost:49190/callback";
  clientMetadata = { client_name: "TypeScript SDK", redirect_uris: [this.redirectUrl], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" };
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.saved;
  saveTokens = (tokens) => void (this.saved = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  redirectToAuthorization = (address) => void (this.address = address);
}

await test("OAuth with the SDK's own helper: discovery, registration, approval, token, tools, refresh", async () => {
  const operator = process.env.OPERATOR_TOKEN;
  const provider = new Provider();
  const first = new StreamableHTTPClientTransport(endpoint, { authProvider: provider });
  await assert.rejects(newClient().connect(first), /Unauthorized/);
  assert.ok(provider.client.client_id.startsWith("dyn-"));
  const back = await approve(provider.address, operator);
  assert.equal(back.searchParams.get("iss"), `${base}/mcp`);
  await first.finishAuth(back.searchParams.get("code"));
  const client = await connect(new StreamableHTTPClientTransport(endpoint, { authProvider: provider }));
  await walk(client);
  const before = provider.saved;
  assert.equal(await auth(provider, { serverUrl: endpoint }), "AUTHORIZED");
  assert.notEqual(provider.saved.refresh_token, before.refresh_token);
  await walk(client);
  await client.close();
});

console.log(`typescript: ${passed} passed`);
