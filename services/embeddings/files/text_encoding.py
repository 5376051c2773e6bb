"""Bytes as text, and what was assumed where they do not say how they are to be read. Pure."""

import codecs

from services.errors import BadInput

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", ""),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
_AROUND = 500_000
"""Bytes looked at on either side of what is no UTF-8."""
_AS_UTF8 = "Save it as “CSV UTF-8” or, in an editor, with the encoding UTF-8."


def decoded(content: bytes) -> tuple[str, str]:
    """The text, and how it was read where that is not UTF-8.

    A mark at the beginning decides; else it is UTF-8, or where that fails CP949, in which Korean Windows saves, if most of it
    is Korean then. Raises BadInput for anything else.
    """
    for mark, codec, said in _MARKS:
        if content.startswith(mark):
            return _checked(_strictly(content, codec)), said
    try:
        return _checked(content.decode()), ""
    except UnicodeDecodeError as failed:
        korean = _korean(content, failed.start)
        if korean is None:
            raise _no_text(content, failed) from failed
        return _checked(korean), "CP949 (Korean Windows)"


def _strictly(content: bytes, codec: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError as failed:
        raise _no_text(content, failed) from failed


def _korean(content: bytes, at: int) -> str | None:
    """None where it is rather UTF-8 with a fault, or nothing that is Korean."""
    near = content[max(0, at - _AROUND) : at + _AROUND].decode(errors="replace")
    faults = near.count("�")
    others = sum(not letter.isascii() for letter in near) - faults
    if others > faults:
        return None
    try:
        text = content.decode("cp949")
    except UnicodeDecodeError:
        return None
    foreign = [letter for letter in text[: 2 * _AROUND] if not letter.isascii()]
    syllables = sum("가" <= letter <= "힣" for letter in foreign)
    return text if syllables * 2 > len(foreign) else None


def _checked(text: str) -> str:
    at = text.find("\0")
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        raise BadInput(f"Line {line:,} holds a NUL character, so this is no text file, or a damaged one.", _AS_UTF8)
    return text


def _no_text(content: bytes, failed: UnicodeDecodeError) -> BadInput:
    line = content.count(b"\n", 0, failed.start) + 1
    return BadInput(f"Line {line:,} holds bytes that are no UTF-8 text: half a letter, or another encoding.", _AS_UTF8)
