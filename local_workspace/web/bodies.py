"""Reading a request: a body or a query string into a record, refused in one sentence where it is wrong.

A route names its record twice, once for the reader and once for the OpenAPI description:

    @router.post("/scopes/create", openapi_extra=takes(CreateScope))
    async def create_scope(request: Request) -> dict[str, Any]:
        body = await read(CreateScope, request)
"""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from local_workspace.refusals import RefusalError, bad_request
from local_workspace.web.json_bodies import parse_object

Text = Annotated[str, Field(strict=True)]
Integer = Annotated[int, Field(strict=True)]
Switch = Annotated[bool, Field(strict=True)]


class Body(BaseModel):
    """A part of a request. A field nobody knows is refused, as the platform's strict endpoints do."""

    model_config = ConfigDict(extra="forbid")


class LenientBody(BaseModel):
    """A part of a request of the control plane, where unknown fields are ignored: newer clients send newer fields."""

    model_config = ConfigDict(extra="ignore")


AnyBody = TypeVar("AnyBody", bound=BaseModel)

FORM = "application/x-www-form-urlencoded"


async def read(kind: type[AnyBody], request: Request) -> AnyBody:
    """The request's JSON body as a record of `kind`. Raises RefusalError (400)."""
    content_type = request.headers.get("content-type", "")
    # What curl says of `--data` unless told otherwise; the platform's own examples of its secrets API leave it at that.
    stated = "" if content_type.lower().strip() == FORM else content_type
    return checked(kind, parse_object(await request.body(), stated))


def read_query(kind: type[AnyBody], request: Request) -> AnyBody:
    """The request's query string as a record of `kind`, the last of a repeated name. Raises RefusalError (400)."""
    return checked(kind, dict(request.query_params))


def takes(kind: type[BaseModel]) -> dict[str, Any]:
    """What FastAPI's `openapi_extra` needs to describe a body of `kind`."""
    return _described(schema_of(kind))


def takes_any(*kinds: type[BaseModel]) -> dict[str, Any]:
    """What FastAPI's `openapi_extra` needs to describe a body of any of `kinds`."""
    return _described({"anyOf": [schema_of(kind) for kind in kinds]})


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def schema_of(kind: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of `kind`, in one piece."""
    return _inlined(kind.model_json_schema(ref_template="#/components/schemas/{model}"))


def takes_query(kind: type[BaseModel]) -> dict[str, Any]:
    """What FastAPI's `openapi_extra` needs to describe a query string of `kind`."""
    schema = schema_of(kind)
    required = schema.get("required", [])
    fields = schema.get("properties", {}).items()
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": field} for name, field in fields
        ]
    }


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without `$defs`: each reference replaced by what it names, once a level (records here do not recurse)."""
    definitions = schema.pop("$defs", {})

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return replaced(definitions[value["$ref"].rsplit("/", 1)[-1]])
            return {name: replaced(item) for name, item in value.items()}
        return [replaced(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = replaced(schema)
    return found


def checked(kind: type[AnyBody], body: dict[str, Any]) -> AnyBody:
    """`body` as a record of `kind`. Raises RefusalError (400) with a sentence about the first thing that is wrong."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _readable(error) from error


def _readable(error: ValidationError) -> RefusalError:
    """One sentence about the error that explains most: the wrong kind of thing, then an unknown field, then the deepest."""
    problems = error.errors(include_url=False, include_input=False)
    kinds = [problem for problem in problems if problem["loc"][-1:] in {("type",), ("role",)}]
    unknown = [problem for problem in problems if problem["type"] == "extra_forbidden"]
    same_field = [problem for problem in problems if problem["loc"][:1] == problems[0]["loc"][:1]]
    worst = (kinds or unknown or sorted(same_field, key=lambda problem: -len(_place(problem["loc"]))))[0]
    place = _place(worst["loc"])
    return bad_request(_sentence(place, [problem for problem in problems if _place(problem["loc"]) == place]))


def _place(location: tuple[int | str, ...]) -> str:
    """`("messages", 0, "content", "constrained-str")` as `messages[0].content`: the names of types are not places."""
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").isalnum() and step.lower() == step and step not in {"str", "int", "float"}:
            text += f".{step}" if text else step
    return text[:200]


def _sentence(place: str, alternatives: list[Any]) -> str:
    problem = alternatives[0]
    kind = problem["type"]
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    if kind == "missing":
        return f"The field '{place}' is missing."
    if kind == "extra_forbidden":
        return f"Unknown field '{place}' in the request body."
    wanted = " or ".join(dict.fromkeys(_wanted(each) for each in alternatives))
    return f"The field '{place}' must be {wanted}."


def _wanted(problem: dict[str, Any]) -> str:
    limits = {name: f"{it:g}" if isinstance(it, float) else it for name, it in problem.get("ctx", {}).items()}
    wordings = {
        "string_type": "a string",
        "string_too_short": "a string that is not empty",
        "string_too_long": "a string of at most {max_length} characters",
        "int_type": "an integer",
        "int_parsing": "an integer",  # of a query string
        "float_type": "a number",
        "bool_type": "true or false",
        "list_type": "a list",
        "dict_type": "an object",
        "model_type": "an object",
        "model_attributes_type": "an object",
        "too_short": "a list that is not empty",
        "too_long": "a list of at most {max_length} items",
        "greater_than_equal": "at least {ge}",
        "greater_than": "greater than {gt}",
        "less_than_equal": "at most {le}",
        "less_than": "less than {lt}",
        "literal_error": "{expected}",
    }
    return wordings.get(problem["type"], "valid").format(**limits)
