"""Python source around a person's own functions, which stand in it as they are. Pure.

Their source comes first, since ``from __future__`` must, and ours touches none of their names: it is functions that import for
themselves, and whose own names their source does not have.
"""

import re
import textwrap
from itertools import count

from services.driver_proxy import Target, is_private
from services.sandbox import Hook
from services.snippets.driver_proxy import variable_of, variables_of
from services.snippets.python_source import literal
from services.snippets.shaped_call import ShapedCall
from services.transforms.envelope import RECORDS

ENVIRONMENT = "DATABRICKS_HOST and DATABRICKS_TOKEN say which workspace, and who."
SDK_ENVIRONMENT = "DATABRICKS_HOST and DATABRICKS_TOKEN, or a profile, say which workspace, and who."
SECONDS = 600


def free_name(call: ShapedCall, wanted: str) -> str:
    """*wanted*, or something like it that the person's source does not name."""
    names = (wanted if number == 1 else f"{wanted}_{number}" for number in count(1))
    return next(name for name in names if not re.search(rf"\b{name}\b", call.transform.source))


def environment(call: ShapedCall, signed_in: str = ENVIRONMENT) -> str:
    """What the code reads from the environment, as sentences; empty for nothing. *signed_in*: what is said of credentials."""
    names = variables_of(call.asked) if isinstance(call.asked, Target) else ()
    headers = (
        f"{', '.join(names)}: {'values' if len(names) > 1 else 'the value'} of the app's own headers." if names else ""
    )
    return " ".join(part for part in (signed_in if call.signed_in else "", headers) if part)


def headers_note(call: ShapedCall) -> str:
    """Which variables the app's own headers are read from, as a sentence for beside the code; empty for none."""
    names = variables_of(call.asked) if isinstance(call.asked, Target) else ()
    return f"Set {', '.join(names)} too." if names else ""


def script(call: ShapedCall, *parts: str) -> str:
    """The person's functions, then *parts*, with two empty lines between."""
    source = call.transform.source
    if not source.strip():
        return "\n\n".join(parts)
    own = f"# {_one_line(call.transform.label)}: as it was written.\n{source}"
    return "\n\n".join((own if own.endswith("\n") else own + "\n", *parts))


def main(expression: str) -> str:
    """The part that runs when the file does."""
    return f'if __name__ == "__main__":\n    {expression}\n'


def indented(lines: str, levels: int = 1) -> str:
    """The lines, further in."""
    return textwrap.indent(lines, "    " * levels)


def post_source(call: ShapedCall, host: str, signed_in: str, *, streams: bool | None = None) -> str:
    """Lines that send ``request`` once; its ``reply`` may be a refusal. *streams*: whether to read it as it comes.

    *host* and *signed_in* are expressions: the workspace's address without a slash at its end, the headers that sign in.
    """
    headers = headers_source(call, signed_in)
    send = "requests.post(" if call.method == "POST" else f"requests.request(\n    {call.method!r},"
    return (
        f"reply = {send}\n"
        f"    {host + ' + ' if call.signed_in else ''}{call.path!r},\n"
        f"    headers={headers},\n"
        f"    json={body_source(call, 'request')},\n"
        + ("    stream=True,\n" if (call.streams if streams is None else streams) else "")
        + f"    timeout={SECONDS},\n)\n"
    )


def headers_source(call: ShapedCall, signed_in: str) -> str:
    """The request's headers, as an expression; where it stands, ``os`` is imported. Credentials come from the environment."""
    extra = [
        f"{name!r}: " + (f"os.environ[{variable_of(name)!r}]" if is_private(name) else repr(value))
        for name, value in call.headers.items()
    ]
    parts = ([f"**{signed_in}"] if call.signed_in else []) + extra
    return signed_in if call.signed_in and not extra else "{" + ", ".join(parts) + "}"


def shaped_request(call: ShapedCall, value: str) -> str:
    """What ``transform_input`` makes of the request *value*, as an expression."""
    return f"{Hook.INPUT.value}(**{value})" if Hook.INPUT in call.hooks else value


def body_source(call: ShapedCall, request: str) -> str:
    """The body around the request *request*, as an expression."""
    if not call.is_record:
        return request
    return f"{{**{literal(call.beside)}, {RECORDS!r}: [{request}]}}" if call.beside else f"{{{RECORDS!r}: [{request}]}}"


def opened_reply(call: ShapedCall) -> str:
    """Lines that make ``response``, the whole reply, into what ``transform_output`` is given; empty where it is the same."""
    if call.envelope.open_reply({"predictions": [None]}) is not None or Hook.OUTPUT not in call.hooks:
        return ""
    return (
        'if isinstance(response, dict) and "predictions" in response:  # the first of them, as LangChain takes it\n'
        '    response = response["predictions"]\n'
        "    response = response[0] if isinstance(response, list) and response else response\n"
    )


def shaped_reply(call: ShapedCall) -> str:
    """What ``transform_output`` makes of ``response``, as an expression."""
    return f"{Hook.OUTPUT.value}(response)" if Hook.OUTPUT in call.hooks else "response"


def reply_source(call: ShapedCall, whole: str) -> str:
    """The reply as one value, as an expression; *whole* is the name of the function for streams."""
    return f"{whole}(reply)" if call.streams else "reply.json()"


def _one_line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
