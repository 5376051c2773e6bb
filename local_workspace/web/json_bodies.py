"""From bytes to a JSON object, refusing in a sentence whatever is not one."""

import json
import math
from typing import Any, NoReturn

from local_workspace.refusals import RefusalError, bad_request

MAX_DEPTH = 64


def parse_object(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object in `body`. Raises RefusalError (400) for anything else, and for text no reply could carry."""
    _check_content_type(content_type)
    if not body.strip():
        raise bad_request("The request body is empty; send a JSON object.")
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise bad_request("The request body is not UTF-8 text.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise bad_request(f"The request body is not valid JSON: {error.msg} at {place}.") from error
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:  # Python refuses integers of thousands of digits
        raise bad_request("The request body holds a number that is too long.") from error
    if not isinstance(value, dict):
        raise bad_request(f"The request body must be a JSON object, not {_kind(value)}.")
    _check_values(value)
    return value


def is_json(content_type: str) -> bool:
    """Whether a body of that content type is JSON; one without a content type is taken for it."""
    return content_type.lower().partition(";")[0].strip() in {"", "application/json", "text/json"}


def _check_content_type(content_type: str) -> None:
    kind, _, parameters = content_type.lower().partition(";")
    if not is_json(content_type):
        raise bad_request(f"The content type '{kind.strip()[:80]}' is not supported; send application/json.")
    charset = parameters.replace('"', "").replace(" ", "").removeprefix("charset=")
    if parameters and "charset=" in parameters and not charset.startswith(("utf-8", "utf8")):
        raise bad_request("The request body must be UTF-8; leave charset out or send charset=utf-8.")


def _check_values(value: dict[str, Any]) -> None:
    """Walk without recursion: how deep, and whether every text can be written as UTF-8 again."""
    layer: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in layer:
            if isinstance(item, str):
                _check_text(item)
            elif isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
        if not below:
            return
        layer = below
    raise _too_deep()


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise bad_request("The request body holds half of a character (a lone surrogate such as \\ud800).") from error


def _too_deep() -> RefusalError:
    return bad_request(f"The request body is nested more than {MAX_DEPTH} levels deep.")


def _no_constant(name: str) -> NoReturn:
    raise bad_request(f"The request body holds {name}, which is not valid JSON.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise bad_request("The request body holds a number that is too large.")
    return number


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "null")
