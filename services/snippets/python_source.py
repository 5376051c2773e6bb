"""Python source of JSON values."""

import pprint
import textwrap
from collections.abc import Mapping
from typing import Any


def literal(value: Any) -> str:
    """The value as Python writes it."""
    return pprint.pformat(value, width=100, sort_dicts=False)


def keyword_lines(arguments: Mapping[str, Any]) -> str:
    """``name=value,`` for each, a line each, for a call that spreads over several lines."""
    return "".join(textwrap.indent(f"{name}={literal(value)},\n", "    ") for name, value in arguments.items())
