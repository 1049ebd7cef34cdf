"""Counts the tokens of `tools/list` and `get_context`, and times calls. Started by `mcp-tokens.sh`."""

import json
import statistics
import sys
import time
import urllib.request

import bpe_openai

MAX_LIST, AIM_LIST, MAX_CONTEXT = 6000, 5000, 1500
MAX_DESCRIPTION, MAX_PROPERTY = 60, 25
ready = json.load(open(sys.argv[1]))
operator = open(sys.argv[2]).read().strip()
headers = {"Authorization": f"Bearer {operator}", "Content-Type": "application/json"}
encodings = {name: bpe_openai.get_encoding(name) for name in ("o200k_base", "cl100k_base")}


def rpc(method, params=None):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
    request = urllib.request.Request(ready["url"] + "/mcp", json.dumps(body).encode(), headers)
    answer = urllib.request.urlopen(request)
    headers.setdefault("Mcp-Session-Id", answer.headers.get("Mcp-Session-Id") or "")
    return json.load(answer)["result"]


def call(name, **arguments):
    result = rpc("tools/call", {"name": name, "arguments": arguments})
    assert not result.get("isError"), result
    return result.get("structuredContent") or result["content"][0]["text"]


def tokens(text):
    return {name: len(encoding.encode(text)) for name, encoding in encodings.items()}


def median(work, rounds=150):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def minified(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


rpc("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tokens", "version": "1"}})
place = {"projectId": ready["projectId"], "environment": "dev"}
for name in "authors posts comments tags likes orders products customers invoices reviews".split():
    table = call("backend_table_create", tableName=name, schema={"title": "string", "views": "int"}, **place)
call("backend_data_seed", tables={"posts": [{"title": f"post {n}", "views": n} for n in range(1000)]}, **place)

tools = rpc("tools/list")["tools"]
listed = [{key: value for key, value in tool.items() if key != "outputSchema"} for tool in tools]
whole, without, context = tokens(minified(tools)), tokens(minified(listed)), tokens(call("get_context"))
print(f"tools/list, {len(tools)} tools, without output schemas: {without} (aim {AIM_LIST}, at most {MAX_LIST})")
print(f"tools/list with output schemas: {whole}")
print(f"get_context of a project with 10 tables: {context} (at most {MAX_CONTEXT})")


def described(schema, where):
    for name, member in schema.get("properties", {}).items():
        yield f"{where}.{name}", member["description"]
        yield from described(member, f"{where}.{name}")


longest = [(max(tokens(tool["description"]).values()), tool["name"]) for tool in tools]
properties = [(max(tokens(text).values()), where) for tool in tools for where, text in described(tool["inputSchema"], tool["name"])]
print("longest descriptions:", sorted(longest)[-3:], "of properties:", sorted(properties)[-3:])
if "--each" in sys.argv:
    for tool in sorted(listed, key=lambda tool: -max(tokens(minified(tool)).values())):
        print(max(tokens(minified(tool)).values()), tool["name"])
print(f"p50 of tools/list: {median(lambda: rpc('tools/list')):.2f} ms")
for name, arguments in {
    "backend_project_list": {},
    "backend_table_list": place,
    "backend_table_get": {"tableId": table["id"]},
    "backend_data_list": {"tableName": "posts", "andFilters": {"views": {"$gte": 500}}, **place},
    "backend_data_create": {"tableName": "likes", "data": {"title": "a"}, **place},
    "get_context": {},
}.items():
    print(f"p50 of tools/call {name}: {median(lambda: call(name, **arguments)):.2f} ms")

over = max(without.values()) > MAX_LIST or max(context.values()) > MAX_CONTEXT
over = over or max(longest)[0] > MAX_DESCRIPTION or max(properties)[0] > MAX_PROPERTY
sys.exit("too many tokens" if over else 0)
