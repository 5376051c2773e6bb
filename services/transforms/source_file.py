"""A transform as a ``.py`` file: read and named. Never run or compiled here. Pure."""

import re

from services.errors import BadInput
from services.transforms.library import MOST_SOURCE, check_text

MOST_STEM = 60
_NOT_SAFE = re.compile(r"[^\w-]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)?", re.IGNORECASE)
"""Names that Windows gives to devices; and none at all."""


def read_source(content: bytes) -> str:
    """The text of a file, its lines ending in LF. Raises BadInput for what is too large, or no UTF-8 text."""
    if len(content) > MOST_SOURCE:
        raise BadInput(
            f"The file has {len(content):,} bytes; {MOST_SOURCE:,} are taken at most.", "Choose the .py file itself."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadInput(_no_text(content, wrong), "Save it as UTF-8, then choose it again.") from wrong
    check_text(text)
    if not text.strip():
        raise BadInput("The file is empty.", "Choose one that defines transform_input or transform_output.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _no_text(content: bytes, wrong: UnicodeDecodeError) -> str:
    if wrong.end >= len(content) and wrong.reason.startswith("unexpected end"):
        return "The file ends in the middle of a character: half of it seems to be missing."
    line = content.count(b"\n", 0, wrong.start) + 1
    return f"The file is not UTF-8 text: line {line} holds other bytes."


def file_name(name: str) -> str:
    """What a transform of that name is called as a file, on any system."""
    stem = _NOT_SAFE.sub("_", name).strip("_-")[:MOST_STEM].strip("_-").lower()
    return f"{'transform_' if _RESERVED.fullmatch(stem) else ''}{stem}".strip("_") + ".py"
