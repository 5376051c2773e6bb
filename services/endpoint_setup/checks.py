"""Everything that can be known to be wrong with a draft before it is sent: each thing a sentence at its field."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from services.endpoint_setup.draft import block, items, value_at
from services.endpoint_setup.entity_checks import entity_problems
from services.endpoint_setup.fields import walk
from services.endpoint_setup.problems import Problem, quoted
from services.endpoint_setup.schema import CREATE, PLAINTEXT
from services.endpoint_setup.secret_fields import PLACEHOLDER, begins_as_reference, is_secret
from services.endpoint_setup.shape_checks import missing, shape_problems
from services.endpoint_setup.traffic_checks import traffic_problems
from services.endpoints import EndpointDetail, get_endpoint_detail
from services.errors import NotFound
from services.secret_scopes import (
    Path,
    SecretReference,
    Unresolved,
    looks_like_key,
    references_in,
    unresolved_references,
)
from services.workspace import Workspace

MAX_PROBLEMS = 100
MAX_TAGS, MAX_TAG_KEY, MAX_TAG_VALUE = 20, 127, 255
RESERVED_PREFIX = "databricks-"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", re.ASCII)
# Texts for people, and lists of words, in which "<...>" is no placeholder.
_FREE = frozenset({"description", "tags", "ai_gateway"})


def problems(body: Any, *, updating: bool = False) -> list[Problem]:
    """What is wrong with *body*, those that keep it from being sent first; at most MAX_PROBLEMS, one for each place.

    *body* is any JSON; this never raises. *updating*: the endpoint is there, so its name is what it is.
    """
    if not isinstance(body, dict):
        return [Problem((), "The body must be a JSON object.", "Begin with { and end with }.")]
    found: dict[Path, Problem] = {}
    for one in islice(_found(body, updating), MAX_PROBLEMS * 10):
        if one.path not in found or (one.blocks and not found[one.path].blocks):
            found[one.path] = one
    return sorted(found.values(), key=lambda one: not one.blocks)[:MAX_PROBLEMS]


def _found(body: Mapping[str, Any], updating: bool) -> Iterator[Problem]:
    yield from _keys_in_the_clear(body)
    yield from _placeholders(body)
    if not updating:
        yield from name_problems(body.get("name"))
    yield from entity_problems(body)
    yield from traffic_problems(body)
    yield from _tags(body)
    yield from _older_fields(body)
    yield from shape_problems(body, CREATE)


def name_problems(name: Any) -> Iterator[Problem]:
    """Whether a new endpoint may be called so."""
    at: Path = ("name",)
    if not isinstance(name, str) or not name:
        if name in (None, ""):
            yield missing(at, "The endpoint's name")
    elif len(name) > 63:
        yield Problem(at, f"The name has {len(name):,} characters; at most 63 are possible.", "Shorten it.")
    elif re.search(r"[^A-Za-z0-9_-]", name):
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")
        odd = next(iter(re.findall(r"[^A-Za-z0-9_-]", name)))
        what = "a space" if odd.isspace() else quoted(odd)
        hint = "Letters, digits, “-” and “_” are possible."
        yield Problem(at, f"The name has {what} in it.", hint, plain if _NAME.fullmatch(plain) else "")
    elif not _NAME.fullmatch(name):
        yield Problem(at, "The name must begin and end with a letter or a digit.", "Change its ends.", name.strip("-_"))
    elif name.lower().startswith(RESERVED_PREFIX):
        yield Problem(
            at, f"Names that begin with “{RESERVED_PREFIX}” are the platform's own.", "Choose another beginning."
        )


def _keys_in_the_clear(body: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value in walk(body):
        last = path[-1] if path else ""
        if isinstance(last, str) and last.endswith(PLAINTEXT) and value is not None:
            hint = f"Store it as a secret, and put its reference into {quoted(last.removesuffix(PLAINTEXT))}."
            yield Problem(path, "This app sends no key in the clear.", hint)
        elif isinstance(value, str) and not is_secret(path) and looks_like_key(value):
            hint = "Store it as a secret; where a reference is possible, put that here."
            yield Problem(path, "This looks like a key, and everyone who sees the endpoint would see it.", hint)


def _placeholders(body: Mapping[str, Any]) -> Iterator[Problem]:
    for path, value in walk(body):
        if not isinstance(value, str) or (path and path[0] in _FREE):
            continue
        found = PLACEHOLDER.search(value)
        # In a secret field, what is no reference may be a key, and is not repeated.
        if found and (not is_secret(path) or begins_as_reference(value) or found[0] == value.strip()):
            choose = ", or choose a secret" if is_secret(path) else ""
            yield Problem(path, f"{quoted(found[0].strip())} is a placeholder: put the real name there{choose}.")


def _tags(body: Mapping[str, Any]) -> Iterator[Problem]:
    tags = items(body.get("tags"))
    if len(tags) > MAX_TAGS:
        yield Problem(("tags",), f"There are {len(tags)} tags; at most {MAX_TAGS} are possible.", "Take some out.")
    seen: set[str] = set()
    for place, tag in enumerate(tags):
        key, value = block(tag).get("key"), block(tag).get("value")
        if isinstance(key, str):
            if len(key) > MAX_TAG_KEY:
                yield Problem(
                    ("tags", place, "key"), f"A tag's key has at most {MAX_TAG_KEY} characters.", "Shorten it."
                )
            if key in seen:
                yield Problem(("tags", place, "key"), f"Two tags have the key {quoted(key)}.", "Take one out.")
            seen.add(key)
        if isinstance(value, str) and len(value) > MAX_TAG_VALUE:
            yield Problem(
                ("tags", place, "value"), f"A tag's value has at most {MAX_TAG_VALUE} characters.", "Shorten it."
            )


def _older_fields(body: Mapping[str, Any]) -> Iterator[Problem]:
    if value_at(body, ("config", "served_models")) is not None:
        yield Problem(
            ("config", "served_models"),
            "served_models is the older name of served_entities; the form does not show it.",
            "Move it to served_entities, with entity_name and entity_version.",
            blocks=bool(value_at(body, ("config", "served_entities"))),
        )


# --- what only the workspace knows


def references(body: Any) -> list[tuple[Path, SecretReference]]:
    """The secret references in a body, each with its path."""
    return sorted(references_in(body), key=lambda found: [str(step) for step in found[0]])


def missing_references(workspace: Workspace, body: Any) -> list[Problem]:
    """A problem for each reference in *body* that resolves to nothing the identity may read.

    Only what is not there keeps the body back. What could not be looked up is a caution: the workspace looks itself.
    """
    found = references(body)
    unresolved = unresolved_references(workspace, {reference for _, reference in found})
    return [_missing(path, unresolved[reference]) for path, reference in found if reference in unresolved]


def _missing(path: Path, found: Unresolved) -> Problem:
    if found.missing:
        return Problem(path, found.sentence, "Store the key there, or choose another secret.")
    return Problem(path, found.sentence, "The workspace checks it when it is sent.", blocks=False)


def existing(workspace: Workspace, name: str) -> EndpointDetail | None:
    """The endpoint of that name, or None. Raises PlaygroundError, also where it is there and may not be seen."""
    try:
        return get_endpoint_detail(workspace, name)
    except NotFound:
        return None
