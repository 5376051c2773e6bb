"""The bytes of a request's body, or the reason why there can be none. Pure."""

import json
from typing import Any

from services.errors import BadInput

MAX_BODY = 4 * 1024 * 1024
"""Bytes. The platform's limit for foundation, external and agent endpoints is 4 MB."""
MAX_CUSTOM_BODY = 16 * 1024 * 1024
"""The same for custom models."""


def encoded(body: Any, *, most: int = MAX_BODY, shorter: str = "Send less at a time.") -> bytes:
    """The body as JSON in UTF-8. Raises BadInput for what neither can hold, and for more than *most* bytes.

    *shorter* says what a person can do about the latter.
    """
    try:
        content = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as half:
        raise BadInput("The request holds half a character.", "Type or paste it again.") from half
    except RecursionError as deep:
        raise BadInput("The request is nested too deep.", "Flatten what was put in as JSON.") from deep
    except ValueError as infinite:
        raise BadInput(
            "The request holds a number that JSON cannot write.", "Make it a finite one, such as 1e300."
        ) from infinite
    if len(content) > most:
        raise BadInput(
            f"The request has {len(content):,} bytes; endpoints take {most // (1024 * 1024)} MB.",
            shorter,
        )
    return content
