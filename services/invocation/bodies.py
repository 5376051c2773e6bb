"""The smallest sensible body for trying an endpoint: by its task, or from the schema that it publishes."""

from collections.abc import Mapping
from typing import Any

from services.endpoints import CHAT_TASKS, EndpointDetail, endpoint_path
from services.errors import NotFound, Rejected
from services.foreign_json import as_dict, as_list
from services.invocation.request import invocation_path
from services.invocation.samples import HELLO, MOST_VALUES, Schema, example_of, sample
from services.workspace import Workspace

MAX_TOKENS = 16
_MESSAGES = {"messages": [{"role": "user", "content": HELLO}]}
# An agent's own schema has no max_tokens.
_OF_TASK: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(CHAT_TASKS, _MESSAGES),
    "llm/v1/chat": {**_MESSAGES, "max_tokens": MAX_TOKENS},
    "llm/v1/completions": {"prompt": HELLO, "max_tokens": MAX_TOKENS},
    "llm/v1/embeddings": {"input": [HELLO]},
    "agent/v1/responses": {"input": [{"role": "user", "content": HELLO}]},
}
_FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")
"""In the order in which they are chosen: the first is the shortest to read with several columns."""

Wire = dict[str, Any]


def get_test_body(workspace: Workspace, detail: EndpointDetail) -> tuple[str, Wire] | None:
    """``test_body`` of that endpoint. Its schema is asked for only where its task does not say enough.

    Raises PlaygroundError.
    """
    endpoint = detail.endpoint
    return test_body(detail, None if endpoint.task in _OF_TASK else read_openapi(workspace, endpoint.name))


def read_openapi(workspace: Workspace, name: str) -> Wire | None:
    """The endpoint's OpenAPI document; None where it has none: not ready, or a model without a signature.

    Raises PlaygroundError.
    """
    try:
        document = workspace.get(endpoint_path(name, "openapi"), name=f"the schema of {name}")
    except (NotFound, Rejected):
        return None
    return document if isinstance(document, dict) else None


def test_body(detail: EndpointDetail, openapi: Mapping[str, Any] | None) -> tuple[str, Wire] | None:
    """Where to post a test call, and its body: cheap, and as the endpoint's task or its *openapi* document wants it.

    None where neither says how it wants to be asked.
    """
    path = invocation_path(detail.endpoint.name)
    if detail.endpoint.task in _OF_TASK:
        return path, dict(_OF_TASK[detail.endpoint.task])
    body = _from_openapi(openapi or {})
    return (path, body) if body else None


def _from_openapi(document: Mapping[str, Any]) -> Wire | None:
    for item in as_dict(document.get("paths")).values():
        content = as_dict(as_dict(as_dict(as_dict(item).get("post")).get("requestBody")).get("content"))
        media = as_dict(content.get("application/json"))
        body = example_of(media) or _from_schema(as_dict(media.get("schema")))
        if isinstance(body, dict) and body:
            return body
    return None


def _from_schema(schema: Schema) -> Any:
    among = as_list(schema.get("oneOf")) or as_list(schema.get("anyOf")) or [schema]
    by_form = {
        form: as_dict(as_dict(one).get("properties"))
        for one in among
        for form in _FORMS
        if form in as_dict(as_dict(one).get("properties"))
    }
    if not by_form:
        return sample(schema)
    form = next(form for form in _FORMS if form in by_form)
    asked, beside = by_form[form][form], as_dict(by_form[form].get("params"))
    given = example_of(as_dict(asked))
    if given is None:
        given = _split(as_dict(asked), by_form) if form == "dataframe_split" else sample(asked)
    few = "max_tokens" in as_dict(beside.get("properties"))
    return {form: given} | ({"params": {"max_tokens": MAX_TOKENS}} if few else {})


def _split(schema: Schema, by_form: Mapping[str, Schema]) -> Wire:
    """One row. What its values are, the schema of the same row as a record says better, where there is one."""
    parts = as_dict(schema.get("properties"))
    columns = [
        one for one in as_list(as_dict(as_dict(parts.get("columns")).get("items")).get("enum")) if isinstance(one, str)
    ]
    typed = as_list(as_dict(as_dict(parts.get("data")).get("items")).get("prefixItems"))
    record = as_dict(as_dict(as_dict(by_form.get("dataframe_records")).get("dataframe_records")).get("items"))
    known = as_dict(record.get("properties"))
    needed = as_list(record.get("required")) or columns
    schemas = [known.get(name, typed[place] if place < len(typed) else {}) for place, name in enumerate(columns)]
    room = MOST_VALUES // max(1, len(columns))
    row = [sample(one, short=name not in needed, room=room) for name, one in zip(columns, schemas, strict=True)]
    return {"columns": columns, "data": [row]}
