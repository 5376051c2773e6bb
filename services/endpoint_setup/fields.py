"""Fields of a form, as data: what the form draws, the checks check and the JSON holds. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.secret_scopes import Path


class FieldKind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    URL = "url"
    SECRET = "secret"  # noqa: S105 — a kind of field; it holds a secret reference
    CHOICE = "choice"
    WHOLE = "whole number"
    SWITCH = "switch"
    MAP = "map"
    """Names and texts; a text may be a secret reference: environment variables."""


@dataclass(frozen=True)
class FormField:
    """One field."""

    name: str
    """As the API has it."""
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    placeholder: str = ""
    help: str = ""
    minimum: int | None = None
    """The least a whole number may be."""
    advanced: bool = False
    """Whether most people leave it as it is, so that it can be folded away."""

    @property
    def secret(self) -> bool:
        """Given as a secret reference. The API also takes ``<name>_plaintext``, which this app never sends."""
        return self.kind is FieldKind.SECRET

    @property
    def url(self) -> bool:
        """Whether it holds an http or https URL."""
        return self.kind is FieldKind.URL


@dataclass(frozen=True)
class PlacedField:
    """A field, and where in a body it stands."""

    path: Path
    field: FormField


def text(
    name: str,
    label: str,
    *,
    required: bool = False,
    placeholder: str = "",
    note: str = "",
    choices: tuple[str, ...] = (),
    advanced: bool = False,
) -> FormField:
    """A text, or one of *choices*."""
    kind = FieldKind.CHOICE if choices else FieldKind.TEXT
    return FormField(name, label, kind, required, choices, placeholder, note, advanced=advanced)


def url(name: str, label: str, *, required: bool = False, placeholder: str = "", note: str = "") -> FormField:
    """A URL."""
    return FormField(name, label, FieldKind.URL, required, (), placeholder, note)


def secret(name: str, label: str, *, note: str = "") -> FormField:
    """A secret reference, always needed."""
    return FormField(name, label, FieldKind.SECRET, required=True, help=note)


def whole(name: str, label: str, *, required: bool = False, note: str = "", minimum: int = 0) -> FormField:
    """A whole number."""
    return FormField(name, label, FieldKind.WHOLE, required, help=note, minimum=minimum, advanced=not required)


def switch(name: str, label: str, *, note: str = "", advanced: bool = False) -> FormField:
    """On or off."""
    return FormField(name, label, FieldKind.SWITCH, help=note, advanced=advanced)


def emptied(field: FormField) -> Any:
    """What stands in a body for a field that was emptied: "" where it must be there, so that it is seen to be missing."""
    return "" if field.required and field.kind is not FieldKind.WHOLE else None


def walk(wire: Any) -> Iterator[tuple[Path, Any]]:
    """Every value in a JSON value with the path to it, outer ones first. Any depth."""
    waiting: list[tuple[Path, Any]] = [((), wire)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if isinstance(value, dict):
            waiting += [((*path, name), inner) for name, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*path, place), value[place]) for place in reversed(range(len(value)))]
