"""How an endpoint wants to be asked: by its task, its OpenAPI document, or the signature of the model that it serves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from services.endpoints import EndpointDetail
from services.errors import NotFound, PermissionDenied, Rejected
from services.foreign_json import as_dict, as_list
from services.invocation.bodies import MAX_TOKENS, read_openapi, test_body
from services.invocation.fields import Field, Kind
from services.invocation.samples import example_of
from services.invocation.schema_fields import field_of_column, field_of_schema, resolved
from services.invocation.task_fields import OF_TASK, PROMPT_COLUMNS, PROMPT_EXTRAS
from services.registered_models import (
    ModelVersion,
    RegisteredModel,
    Registry,
    Signature,
    get_signature,
    list_versions,
)
from services.workspace import Workspace

MOST_FIELDS = 2_000
"""Of a schema; what is beyond stays to be written as JSON."""
_UNITY_CATALOG_DOTS = 2

Body = dict[str, Any]


class Form(StrEnum):
    """One way to write a body; the value is for people."""

    PROMPT = "Prompt"
    """``dataframe_records`` with one record: LangChain's way to ask a model of one's own."""
    RECORDS = "dataframe_records"
    SPLIT = "dataframe_split"
    INPUTS = "inputs"
    INSTANCES = "instances"
    FIELDS = "Fields"
    """The fields of the body itself: chat, completions, embeddings, and any other schema."""


ROWS = (Form.RECORDS, Form.SPLIT, Form.INPUTS, Form.INSTANCES)


@dataclass(frozen=True)
class Example:
    """A body to begin with."""

    name: str
    body: Body


@dataclass(frozen=True)
class Interface:
    """How an endpoint wants to be asked, as far as is known."""

    forms: tuple[Form, ...]
    """At least one; the first is where a person begins."""
    fields: tuple[Field, ...] = ()
    """The columns or tensors of the model; of Form.FIELDS the fields of the body."""
    params: tuple[Field, ...] = ()
    """What goes into ``params``."""
    tensors: bool = False
    """Whether ``inputs`` and ``instances`` hold arrays of any depth, or values without names, in place of rows."""
    extras: tuple[Field, ...] = ()
    """Keys of the record that a model without a signature may know."""
    examples: tuple[Example, ...] = ()
    source: str = ""
    """What this is known from, in words. Of others: draw it as such."""
    task: str = ""
    known: bool = True
    """Whether anything said it; else a person has to know."""


def get_interface(workspace: Workspace, detail: EndpointDetail) -> Interface:
    """How that endpoint wants to be asked. Raises PlaygroundError when the workspace does not answer."""
    endpoint = detail.endpoint
    if endpoint.task in OF_TASK:
        return interface_of_task(detail)
    document = read_openapi(workspace, endpoint.name)
    found = interface_of_openapi(detail, document) if document else None
    return found or _of_signature(workspace, detail) or UNKNOWN


def interface_of_task(detail: EndpointDetail) -> Interface:
    """That of a task of the platform."""
    task = detail.endpoint.task
    tested = test_body(detail, None)
    examples = (Example("A short one", tested[1]),) if tested else ()
    return Interface((Form.FIELDS,), OF_TASK[task], examples=examples, source=f"its task, {task}", task=task)


def interface_of_openapi(detail: EndpointDetail, document: Mapping[str, Any]) -> Interface | None:
    """That of an OpenAPI document; None where it says nothing about a JSON body."""
    for media in _json_media(document):
        schema = resolved(media.get("schema"), document)
        branches = [resolved(one, document) for one in as_list(schema.get("oneOf")) or as_list(schema.get("anyOf"))]
        forms = _forms_of(branches or [schema], document)
        if forms:
            return _with_examples(_of_forms(forms, document), detail, document, media)
        fields = _fields_of(schema, document)
        if fields:
            interface = Interface((Form.FIELDS,), fields, source="its OpenAPI document")
            return _with_examples(interface, detail, document, media)
    return None


def interface_of_signature(signature: Signature, of: str) -> Interface:
    """That of a registered model's signature; *of* says whose."""
    fields = tuple(field_of_column(one) for one in signature.inputs[:MOST_FIELDS])
    params = tuple(field_of_column(one, required=False) for one in signature.params)
    tensors = any("tensor" in one.type for one in signature.inputs) or not all(one.name for one in signature.inputs)
    forms = (Form.INPUTS, Form.INSTANCES) if tensors else _row_forms(fields)
    return Interface(forms, fields, params, tensors, source=f"the signature of {of}")


def _row_forms(columns: tuple[Field, ...]) -> tuple[Form, ...]:
    return (Form.PROMPT, *ROWS) if takes_prompt(columns) else ROWS


def takes_prompt(columns: tuple[Field, ...]) -> bool:
    """Whether these are the inputs of the prompt and stop contract: ``prompt``, and else nothing that is needed."""
    texts = (Kind.TEXT, Kind.LONG_TEXT)
    return any(one.name == "prompt" and one.kind in texts for one in columns) and not any(
        one.required and one.name != "prompt" for one in columns
    )


def _of_signature(workspace: Workspace, detail: EndpointDetail) -> Interface | None:
    """From the registry, where one entity is served and may be looked up."""
    entities = detail.config.entities if detail.config else ()
    wire = entities[0].wire if entities else {}
    model, number = str(wire.get("entity_name") or ""), str(wire.get("entity_version") or "")
    if not model or not number:
        return None
    dotted = model.count(".") == _UNITY_CATALOG_DOTS
    for registry in (Registry.UNITY_CATALOG, Registry.WORKSPACE) if dotted else (Registry.WORKSPACE,):
        version = _version(workspace, registry, model, number)
        answer = get_signature(workspace, version) if version else None
        if answer and answer.signature:
            return interface_of_signature(answer.signature, f"version {number} of {model}")
    return None


def _version(workspace: Workspace, registry: Registry, model: str, number: str) -> ModelVersion | None:
    try:
        versions = list_versions(workspace, RegisteredModel(registry, model))
    except (NotFound, PermissionDenied, Rejected):
        return None  # whoever may ask the endpoint may not see its model
    return next((one for one in versions if one.version == number), None)


def _json_media(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in as_dict(document.get("paths")).values():
        content = as_dict(as_dict(as_dict(as_dict(item).get("post")).get("requestBody")).get("content"))
        if "application/json" in content:
            yield as_dict(content["application/json"])


def _forms_of(branches: list[dict[str, Any]], document: Mapping[str, Any]) -> dict[Form, dict[str, Any]]:
    """Of each form that there is, the fields of its body."""
    return {
        form: properties
        for branch in branches
        for properties in (as_dict(resolved(branch, document).get("properties")),)
        for form in ROWS
        if form.value in properties
    }


def _of_forms(forms: Mapping[Form, dict[str, Any]], document: Mapping[str, Any]) -> Interface:
    columns = _columns_of(forms, document)
    beside = next((as_dict(one["params"]) for one in forms.values() if "params" in one), {})
    params = _fields_of(resolved(beside, document), document)
    if columns:
        prompt = (Form.PROMPT,) if Form.RECORDS in forms and takes_prompt(columns) else ()
        there = (*prompt, *(form for form in ROWS if form in forms))
        return Interface(there, columns, params, source="its OpenAPI document")
    fields, there = _tensors_of(forms, document), tuple(form for form in (Form.INPUTS, Form.INSTANCES) if form in forms)
    if not there:  # rows of which nothing is told
        return Interface(tuple(form for form in ROWS if form in forms), (), params, source="its OpenAPI document")
    return Interface(there, fields, params, tensors=True, source="its OpenAPI document")


def _columns_of(forms: Mapping[Form, dict[str, Any]], document: Mapping[str, Any]) -> tuple[Field, ...]:
    if Form.RECORDS in forms:
        records = resolved(forms[Form.RECORDS][Form.RECORDS.value], document)
        return _fields_of(resolved(records.get("items"), document), document)
    if Form.SPLIT not in forms:
        return ()
    parts = as_dict(resolved(forms[Form.SPLIT][Form.SPLIT.value], document).get("properties"))
    names = as_list(as_dict(as_dict(parts.get("columns")).get("items")).get("enum"))
    typed = as_list(as_dict(as_dict(parts.get("data")).get("items")).get("prefixItems"))
    return tuple(
        field_of_schema(str(name), typed[place] if place < len(typed) else {}, document, required=False)
        for place, name in enumerate(names[:MOST_FIELDS])
    )


def _tensors_of(forms: Mapping[Form, dict[str, Any]], document: Mapping[str, Any]) -> tuple[Field, ...]:
    given = resolved(as_dict(forms.get(Form.INPUTS)).get(Form.INPUTS.value), document)
    return _fields_of(given, document) or (field_of_schema("", given, document, required=True),)


def _fields_of(schema: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[Field, ...]:
    needed = {one for one in as_list(schema.get("required")) if isinstance(one, str)}
    parts = list(as_dict(schema.get("properties")).items())[:MOST_FIELDS]
    return tuple(field_of_schema(name, one, document, required=name in needed) for name, one in parts)


def _with_examples(
    interface: Interface, detail: EndpointDetail, document: Mapping[str, Any], media: Mapping[str, Any]
) -> Interface:
    """The examples that the document gives, and one that fits its schema."""
    given = [Example(name, value) for name, value in _named_examples(media)]
    sampled = test_body(detail, document)
    made = [Example("One row that fits", sampled[1])] if sampled and not example_of(media) else []
    prompts = list(PROMPTS) if Form.PROMPT in interface.forms else []
    return replace(interface, examples=(*given, *prompts, *made))


def _named_examples(media: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    if isinstance(media.get("example"), dict):
        yield "The model's own example", media["example"]
    for name, one in as_dict(media.get("examples")).items():
        value = as_dict(one).get("value")
        if isinstance(value, dict):
            yield str(as_dict(one).get("summary") or name), value


def _prompt(name: str, record: Body, **beside: Any) -> Example:
    return Example(name, {"dataframe_records": [record]} | beside)


PROMPTS = (
    _prompt("A prompt", {"prompt": "How are you?"}),
    _prompt("A prompt that stops", {"prompt": "How are you?", "stop": ["."]}),
)
UNKNOWN = Interface(
    (Form.PROMPT, *ROWS),
    PROMPT_COLUMNS,
    extras=PROMPT_EXTRAS,
    examples=(
        *PROMPTS,
        _prompt(
            "A prompt with a temperature", {"prompt": "How are you?", "temperature": 0.1, "max_tokens": MAX_TOKENS}
        ),
    ),
    known=False,
)
