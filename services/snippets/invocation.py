"""One invocation as code, from its body, in the clients that can make it. Pure, and never with a credential."""

import json
from collections.abc import Mapping
from typing import Any

from services.endpoints import CHAT_TASKS
from services.errors import BadInput
from services.invocation import invocation_path
from services.snippets.chat import DIALECTS
from services.snippets.python_source import keyword_lines, literal
from services.snippets.snippet import Snippet

MOST = 200_000
"""Characters of a body that is written into code."""
_HEAD = "# DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace and who.\n"
_FILES = {"bash": "invoke.sh", "python": "invoke.py"}

Body = Mapping[str, Any]


def invocation_snippets(endpoint: str, body: Body, task: str = "") -> list[Snippet]:
    """The call in each client. Raises BadInput for a body that is too large to be read as code."""
    if len(json.dumps(body)) > MOST:
        raise BadInput(
            "This body is too large for code.", "Save the body as a file, and send that with curl --data @file."
        )
    if task in CHAT_TASKS and isinstance(body.get("messages"), list):
        return [_named(Snippet(one.name, one.language, one.write(endpoint, body), one.install)) for one in DIALECTS]
    path, streams = invocation_path(endpoint), body.get("stream") is True
    found = [
        Snippet("curl", "bash", _curl(path, body)),
        Snippet("requests", "python", _requests(path, body, streams), "pip install requests"),
        Snippet("databricks-sdk", "python", _sdk(path, body, streams), "pip install databricks-sdk"),
        Snippet("mlflow.deployments", "python", _mlflow(endpoint, body, streams), 'pip install "mlflow>=3"'),
    ]
    langchain = _langchain(endpoint, body, task)
    return [_named(one) for one in (*found, *([langchain] if langchain else []))]


def _named(snippet: Snippet) -> Snippet:
    return Snippet(
        snippet.dialect,
        snippet.language,
        snippet.code,
        snippet.install,
        snippet.note,
        _FILES.get(snippet.language, "invoke.txt"),
    )


def _curl(path: str, body: Body) -> str:
    return (
        f'curl --no-buffer --fail-with-body "${{DATABRICKS_HOST%/}}{path}" \\\n'
        '  --header "Authorization: Bearer $DATABRICKS_TOKEN" \\\n'
        '  --header "Content-Type: application/json" \\\n'
        "  --data-binary @- <<'JSON'\n"
        f"{json.dumps(body, ensure_ascii=False)}\n"
        "JSON\n"
    )


def _requests(path: str, body: Body, streams: bool) -> str:
    return (
        "import os\n\nimport requests\n\n"
        f"body = {literal(dict(body))}\n"
        "reply = requests.post(\n"
        f'    os.environ["DATABRICKS_HOST"].rstrip("/") + {path!r},\n'
        '    headers={"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]},\n'
        "    json=body,\n" + ("    stream=True,\n" if streams else "") + "    timeout=600,\n)\n"
        "reply.raise_for_status()\n"
        + (_EVENTS.format(lines="reply.iter_lines()") if streams else "print(reply.json())\n")
    )


def _sdk(path: str, body: Body, streams: bool) -> str:
    head = (
        _HEAD
        + "# serving_endpoints.query() cannot say everything that a body can, so this uses the client below it.\n"
        + "from databricks.sdk import WorkspaceClient\n\n"
        + f"body = {literal(dict(body))}\n"
        + "client = WorkspaceClient().api_client\n"
    )
    if not streams:
        return head + f'print(client.do("POST", {path!r}, body=body))\n'
    return (
        head
        + f'reply = client.do("POST", {path!r}, body=body, raw=True)\n'
        + 'with reply["contents"] as contents:\n'
        + '    rest = b""\n'
        + "    while chunk := contents.read(1024):\n"
        + '        *lines, rest = (rest + chunk).split(b"\\n")\n'
        + "        for line in lines:\n"
        + '            if line.startswith(b"data: ") and line != b"data: [DONE]":\n'
        + "                print(line[6:].decode())\n"
    )


def _mlflow(endpoint: str, body: Body, streams: bool) -> str:
    inputs = {name: value for name, value in body.items() if not (streams and name == "stream")}
    head = (
        _HEAD
        + "from mlflow.deployments import get_deploy_client\n\n"
        + 'client = get_deploy_client("databricks")\n'
        + f"body = {literal(inputs)}\n"
    )
    if streams:  # predict_stream adds the field itself
        return head + f"for event in client.predict_stream(endpoint={endpoint!r}, inputs=body):\n    print(event)\n"
    return head + f"print(client.predict(endpoint={endpoint!r}, inputs=body))\n"


def _langchain(endpoint: str, body: Body, task: str) -> Snippet | None:
    """Where a class of LangChain sends just this body; None where none can."""
    if task == "llm/v1/embeddings":
        return _langchain_embeddings(endpoint, body)
    records = body.get("dataframe_records")
    if task or set(body) != {"dataframe_records"} or not isinstance(records, list) or len(records) != 1:
        return None
    if not isinstance(records[0], dict):
        return None
    record = dict(records[0])
    prompt, stop = record.pop("prompt", None), record.pop("stop", None)
    if not isinstance(prompt, str) or not (stop is None or (isinstance(stop, list) and stop)):
        return None
    arguments = {"endpoint_name": endpoint, **({"extra_params": record} if record else {})}
    stops = f", stop={literal(stop)}" if stop else ""
    return Snippet(
        "LangChain",
        "python",
        _HEAD
        + "from langchain_community.llms import Databricks\n\n"
        + f"llm = Databricks(\n{keyword_lines(arguments)})\n"
        + f"print(llm.invoke({literal(prompt)}{stops}))\n",
        'pip install "langchain-community<0.4" mlflow',
        "The class itself wraps the record. It is deprecated, and has no successor for models of one's own.",
    )


def _langchain_embeddings(endpoint: str, body: Body) -> Snippet | None:
    texts = body.get("input")
    if set(body) != {"input"} or not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        return None
    return Snippet(
        "databricks-langchain",
        "python",
        _HEAD
        + "from databricks_langchain import DatabricksEmbeddings\n\n"
        + f"embeddings = DatabricksEmbeddings(endpoint={endpoint!r})\n"
        + f"print(embeddings.embed_documents({literal(texts)}))\n",
        'pip install databricks-langchain "mcp<2"',
    )


_EVENTS = """\
for line in {lines}:
    if line.startswith(b"data: ") and line != b"data: [DONE]":
        print(line[6:].decode())
"""
