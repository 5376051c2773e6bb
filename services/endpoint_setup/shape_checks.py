"""A body against the fields that the platform knows: wrong types, unknown fields, what is missing. Pure."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from services.endpoint_setup.problems import Problem, quoted
from services.endpoint_setup.schema import PLAINTEXT, Choice, ListOf, Object, Scalar, Shape, Texts
from services.secret_scopes import Path

_CLOSE = 0.75
"""How alike two names must be to be taken for one mistyped."""


def shape_problems(value: Any, shape: Shape, path: Path = (), *, whole: bool = True) -> Iterator[Problem]:
    """What in *value* is not of that shape, and, of a *whole* one, what is missing. null counts as not there."""
    if value is None:
        return
    if isinstance(shape, Object):
        yield from _in_object(value, shape, path, whole)
    elif isinstance(shape, ListOf):
        yield from _in_list(value, shape, path, whole)
    elif isinstance(shape, Choice):
        yield from choice_problems(value, shape.of, path)
    elif isinstance(shape, Texts):
        yield from _in_texts(value, path)
    elif not _is(value, shape):
        yield _wrong(value, shape.value, path)


def choice_problems(value: Any, choices: tuple[str, ...], path: Path) -> Iterator[Problem]:
    """Whether *value* is one of *choices*. What is like none of them is a caution only."""
    if not isinstance(value, str):
        yield _wrong(value, Scalar.TEXT.value, path)
    elif value and value not in choices:
        near = _near(value, choices)
        hint = f"Did you mean “{near}”?" if near else f"Known are {', '.join(choices)}. It is sent as it is."
        yield Problem(path, f"{quoted(value)} is not known here.", hint, near, blocks=bool(near))


def _in_object(value: Any, shape: Object, path: Path, whole: bool) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(value, "an object in braces", path)
        return
    for name in shape.fields:
        if whole and name in shape.required and value.get(name) in (None, ""):
            yield missing((*path, name))
        yield from shape_problems(value.get(name), shape.fields[name], (*path, name), whole=whole)
    yield from _unknown(value, shape, path)


def _unknown(value: Mapping[str, Any], shape: Object, path: Path) -> Iterator[Problem]:
    known = [name for name in shape.fields if not name.endswith(PLAINTEXT)]
    for name in value:
        if name in shape.fields:
            continue
        near = _near(name, [one for one in known if one not in value])
        hint = f"Did you mean “{near}”?" if near else "The platform may ignore it; it is sent as it is."
        sentence = f"The field {quoted(name)} is not known here."
        yield Problem((*path, name), sentence, hint, near, blocks=bool(near), renames=True)


def _in_list(value: Any, shape: ListOf, path: Path, whole: bool) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _wrong(value, "a list in brackets", path)
        return
    for place, one in enumerate(value):
        if one is None:
            yield _wrong(one, "something", (*path, place))
        yield from shape_problems(one, shape.of, (*path, place), whole=whole)


def _in_texts(value: Any, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong(value, "an object in braces", path)
        return
    for name, one in value.items():
        if not isinstance(one, str):
            yield _wrong(one, Scalar.TEXT.value, (*path, name))


def missing(path: Path, label: str = "", hint: str = "Fill it in.") -> Problem:
    """What says that something is missing; *label* is what people call it, *hint* what to do."""
    return Problem(path, f"{label or path[-1]} is missing.", hint)


def _wrong(value: Any, wanted: str, path: Path) -> Problem:
    kind = "a text" if isinstance(value, str) else quoted(value)
    return Problem(path, f"This is {kind}; it must be {wanted}.", "Change it in the JSON.")


def _is(value: Any, scalar: Scalar) -> bool:
    if scalar is Scalar.TEXT:
        return isinstance(value, str)
    if scalar is Scalar.SWITCH:
        return isinstance(value, bool)
    kinds = int if scalar is Scalar.WHOLE else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool)


def _near(name: str, known: Iterable[str]) -> str:
    """The known name that was likely meant, or empty."""
    by_plain = {one.lower().replace("-", "_"): one for one in known}
    found = difflib.get_close_matches(name[:80].lower().replace("-", "_"), by_plain, 1, _CLOSE)
    return by_plain[found[0]] if found else ""
