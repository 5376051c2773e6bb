"""One call of an app on a driver as code: any method, any headers, any body or none. Without a transform. Pure.

LangChain's ``Databricks`` is in shaped_seed_era: it can say only a POST of an object with a prompt, at https, org 0 and no path.
"""

import json
import shlex
from typing import Any

from services.driver_proxy import Target, Via, is_private, url_of
from services.snippets.python_source import literal
from services.snippets.snippet import Snippet

_NOTE = "Set DATABRICKS_HOST, with https://, and DATABRICKS_TOKEN."
_DIRECT = "A direct call, on the driver itself: it carries no credentials."


def driver_proxy_snippets(target: Target, body: Any, *, driver_address: str = "") -> tuple[Snippet, ...]:
    """The call as curl and as a script. Raises BadInput for a target that cannot be called.

    *body* is any JSON value, None for none. Values of headers that may be credentials are read from the environment.
    """
    url = url_of(target, driver_address=driver_address)
    note = _DIRECT if target.via is Via.DIRECT else _NOTE
    secrets = variables_of(target)
    note += f" Set {', '.join(secrets)} too." if secrets else ""
    install = "pip install requests"
    return (
        Snippet("curl", "bash", _curl(target, url, body), note=note, file_name="call.sh"),
        Snippet("requests", "python", _requests(target, url, body), install, note, "call.py"),
    )


def variables_of(target: Target) -> tuple[str, ...]:
    """The environment variables that its code reads headers from."""
    return tuple(variable_of(name) for name, _ in target.headers if is_private(name))


def variable_of(header: str) -> str:
    """The environment variable that stands for the header's value in code."""
    return "APP_" + "".join(one if one.isalnum() else "_" for one in header.upper())


def _curl(target: Target, url: str, body: Any) -> str:
    proxied = target.via is Via.PROXY
    # The path may hold $ and quotes, which a shell reads in double ones.
    address = f'"${{DATABRICKS_HOST%/}}"{shlex.quote(url)}' if proxied else shlex.quote(url)
    lines = [f"curl --no-buffer --include --globoff --path-as-is --request {shlex.quote(target.method)} {address}"]
    lines += ['--header "Authorization: Bearer $DATABRICKS_TOKEN"'] if proxied else []
    lines += [_curl_header(name, value) for name, value in _headers(target, body)]
    if body is None:
        return " \\\n  ".join(lines) + "\n"
    return " \\\n  ".join([*lines, "--data-binary @- <<'JSON'\n"]) + f"{json.dumps(body, ensure_ascii=False)}\nJSON\n"


def _curl_header(name: str, value: str) -> str:
    if is_private(name):
        return f'--header {shlex.quote(f"{name}: ")}"${variable_of(name)}"'
    # A header without a value is taken away by curl, unless it ends with a semicolon.
    return f"--header {shlex.quote(f'{name}: {value}' if value else f'{name};')}"


def _requests(target: Target, url: str, body: Any) -> str:
    proxied = target.via is Via.PROXY
    headers = [f"    {name!r}: {_python_value(name, value)},\n" for name, value in _headers(target, body)]
    if proxied:
        headers.insert(0, '    "Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"],\n')
    address = f'os.environ["DATABRICKS_HOST"].rstrip("/") + {url!r}' if proxied else repr(url)
    needs_os = proxied or variables_of(target)
    return (
        ("import json\n" if body is not None else "")
        + ("import os\n" if needs_os else "")
        + "\nimport requests\n\n"
        + (f"body = {literal(body)}\n" if body is not None else "")
        + f"headers = {{\n{''.join(headers)}}}\n"
        + "reply = requests.request(\n"
        + f"    {target.method!r},\n    {address},\n    headers=headers,\n"
        + ("    data=json.dumps(body),\n" if body is not None else "")
        + "    allow_redirects=False,\n    timeout=600,\n)\n"
        + "print(reply.status_code)\nprint(reply.text)\n"
    )


def _headers(target: Target, body: Any) -> list[tuple[str, str]]:
    typed = any(name.lower() == "content-type" for name, _ in target.headers)
    return [*([("Content-Type", "application/json")] if body is not None and not typed else []), *target.headers]


def _python_value(name: str, value: str) -> str:
    return f'os.environ["{variable_of(name)}"]' if is_private(name) else repr(value)
