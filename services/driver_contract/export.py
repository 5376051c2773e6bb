"""The contract as a pytest file that runs elsewhere, with nothing of Brickyard in it."""

import inspect
import pprint
import shlex
from collections.abc import Collection
from urllib.parse import urlsplit

from services.driver_contract import exported
from services.driver_contract.load_rules import LONG_PROMPT, LONG_TOKENS, OTHER_PROMPT
from services.driver_contract.records import EXTRAS, Limits, Rule
from services.driver_contract.stop_rules import PROMPT
from services.driver_contract.stops import ABSENT
from services.driver_proxy.target import Target, Via, is_private, url_of
from services.snippets.driver_proxy import variable_of, variables_of
from services.snippets.snippet import Snippet

ANY_DRIVER = "127.0.0.1"
"""The driver as it sees itself, for a file that is to run there."""
_NOT_EXPORTED = {Rule.ATTACH, Rule.ADDRESS}
"""Calling the app shows the one; from outside the driver the other cannot be told."""
_IMPORTS = """import functools
import os
import re
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import SkipTest

import requests
"""


def pytest_file(
    target: Target, rules: Collection[Rule] | None = None, *, host: str = "", driver_address: str = ""
) -> Snippet:
    """Tests of *rules*, all where none are named. *host* and *driver_address* stand in its first lines as examples.

    Raises BadInput for a target that cannot be called. No credential is in it: it reads the environment.
    """
    chosen = [rule for rule in Rule if (rules is None or rule in rules) and rule not in _NOT_EXPORTED]
    tests = [getattr(exported, f"test_{rule.value}") for rule in chosen]
    sources = [inspect.getsource(part) for part in (*exported.STOPS, *exported.PARTS, *tests)]
    code = "\n\n".join(
        [_head(target, host, driver_address) + _constants(target), *(one.rstrip() + "\n" for one in sources)]
    )
    return Snippet(
        dialect="pytest",
        language="python",
        code=code,
        install="pip install pytest requests",
        note="It calls the app about as often as the check here does. Set the environment variables that its first lines name.",
        file_name="test_driver_app.py",
    )


def _head(target: Target, host: str, driver_address: str) -> str:
    lines = ['"""What LangChain\'s Databricks needs of an app on a cluster\'s driver.', ""]
    if target.via is Via.PROXY:
        lines += [f"    export DATABRICKS_HOST={_plain(host) or 'https://...'} DATABRICKS_TOKEN=..."]
    else:
        lines += [f"    export DRIVER_URL={_quoted(url_of(target, driver_address=driver_address))}"]
    lines += [f"    export {name}=..." for name in variables_of(target)]
    lines += [
        "    pytest test_driver_app.py",
        "",
        "On the driver itself set DRIVER_URL, such as http://127.0.0.1:7777/, to call the app without the proxy and",
        "without credentials.",
        '"""',
    ]
    return "\n".join(lines) + "\n\n" + _IMPORTS


def _constants(target: Target) -> str:
    path = url_of(target) if target.via is Via.PROXY else urlsplit(url_of(target, driver_address="driver")).path
    values = {
        "PATH": path,
        "PORT": target.port,
        "CLUSTER_ID": target.cluster_id,
        "SECONDS": Limits().answer_seconds,
        "EXTRAS": EXTRAS,
        "ABSENT": ABSENT,
        "PROMPT": PROMPT,
        "OTHER_PROMPT": OTHER_PROMPT,
        "LONG_PROMPT": LONG_PROMPT,
        "LONG_TOKENS": LONG_TOKENS,
        "FIT_MODES": exported.FIT_MODES,
        "SHARED_MODES": exported.SHARED_MODES,
        "TAKEN_PORTS": exported.TAKEN_PORTS,
    }
    lines = [f"{name} = {pprint.pformat(value, width=100)}" for name, value in values.items()]
    headers = ", ".join(f"{name!r}: {_value(name, value)}" for name, value in target.headers)
    return "\n" + "\n".join([*lines, f"HEADERS = {{{headers}}}", "TIMES: list[float] = []"]) + "\n"


def _value(name: str, value: str) -> str:
    return f'os.environ["{variable_of(name)}"]' if is_private(name) else repr(value)


def _quoted(url: str) -> str:
    """A URL fit for a shell line within a docstring."""
    return shlex.quote(url).replace("\\", "\\\\").replace('"', '\\"')


def _plain(host: str) -> str:
    """A host fit for a docstring and a shell line."""
    return host if all(one.isalnum() or one in ":/.-_[]" for one in host) else ""
