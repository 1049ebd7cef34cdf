"""The official Python SDK against a server: python_sdk.py URL TOKEN DATA_DIR PROGRAM"""

import asyncio
import sys
import time
import traceback

import mcp
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

BASE, TOKEN, DATA_DIR, PROGRAM = sys.argv[1:]
PATIENCE = 20


def over_http(token=TOKEN):
    client = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
    return streamable_http_client(f"{BASE}/mcp", http_client=client)


async def walk(client):
    """What every client does first, whatever carries it."""
    assert "get_context" in client.instructions
    tools = (await client.list_tools()).tools
    assert any(tool.name == "get_context" for tool in tools)
    context = await client.call_tool("get_context", {})
    assert context.content[0].text.startswith("## Your Session"), context
    projects = await client.call_tool("backend_project_list", {})
    assert not projects.is_error and projects.structured_content["items"], projects
    refused = await client.call_tool("backend_table_get", {"tableId": "nothing"})
    assert refused.is_error
    try:
        await client.call_tool("no_such_tool", {})
        raise AssertionError("an unknown tool should be an error")
    except MCPError as error:
        assert error.error.code == -32602, error
    resources = (await client.list_resources()).resources
    assert (await client.read_resource(str(resources[0].uri))).contents[0].text
    assert (await client.list_resource_templates()).resource_templates
    assert (await client.list_prompts()).prompts
    return projects.structured_content["items"][0]


async def new_table(client, project):
    body = {"projectId": project["id"], "environment": "dev", "tableName": f"docks_{time.time_ns()}", "schema": {"name": "string"}}
    made = await client.call_tool("backend_table_create", {"body": body})
    assert not made.is_error, made


async def with_sessions():
    async with Client(over_http(), mode="legacy") as client:
        assert client.protocol_version == "2025-11-25", client.protocol_version
        assert client.server_info.name == "bkend"
        await walk(client)
        await client.send_ping()


async def without_sessions():
    async with Client(over_http(), mode="auto") as client:
        assert client.protocol_version == "2026-07-28", client.protocol_version
        await walk(client)


async def listening():
    async with Client(over_http(), mode="auto") as client:
        project = await walk(client)
        async with client.listen(resources_list_changed=True) as changes:
            await new_table(client, project)
            event = await asyncio.wait_for(anext(aiter(changes)), PATIENCE)
            assert type(event).__name__ == "ResourcesListChanged", event


async def wrong_token():
    try:
        async with Client(over_http("pat_" + "0" * 64), mode="legacy"):
            pass
    except BaseException:  # noqa: BLE001 - groups of errors are no Exception
        return
    raise AssertionError("a token that is no good should be refused")


async def stdio(mode, version):
    server = StdioServerParameters(command=PROGRAM, args=["--data-dir", DATA_DIR, "mcp"])
    async with Client(server, mode=mode) as client:
        assert client.protocol_version == version, client.protocol_version
        await walk(client)


TESTS = {
    "Streamable HTTP with sessions": with_sessions,
    "Streamable HTTP without sessions (2026-07-28)": without_sessions,
    "subscriptions/listen": listening,
    "a token that is no good": wrong_token,
    "stdio with a session": lambda: stdio("legacy", "2025-11-25"),
    "stdio without sessions (2026-07-28)": lambda: stdio("auto", "2026-07-28"),
}

failed = 0
for name, test in TESTS.items():
    try:
        asyncio.run(asyncio.wait_for(test(), 120))
        print(f"ok - {name}", flush=True)
    except BaseException:  # noqa: BLE001
        failed += 1
        print(f"not ok - {name}\n{traceback.format_exc()}", flush=True)
print(f"python {getattr(mcp, '__version__', '')}: {len(TESTS) - failed} passed")
sys.exit(failed > 0)
