"""Whether each served entity can be served: what its kind needs, and what excludes what. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from services.endpoint_setup.draft import block, items, value_at
from services.endpoint_setup.entity_forms import (
    CUSTOM_FIELDS,
    ENTITIES,
    MODEL_UNIT_FIELDS,
    THROUGHPUT_FIELDS,
    WORKLOAD_SIZES,
    EntityKind,
    by_model_units,
    kind_of,
)
from services.endpoint_setup.external_checks import external_problems
from services.endpoint_setup.fields import FormField
from services.endpoint_setup.problems import Problem, quoted
from services.endpoint_setup.schema import PROVISIONED_CREATE, PROVISIONED_ENTITY
from services.endpoint_setup.secret_fields import NO_SECRET, secret_problem
from services.endpoint_setup.shape_checks import choice_problems, missing
from services.endpoint_setup.traffic import name_of
from services.secret_scopes import Path

MAX_ENTITIES = 15
"""The documentation says 10; 15 is what an issue of the SDK reports."""
_ENTITY_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OF_REGISTERED = (
    "entity_name",
    "entity_version",
    "workload_size",
    "workload_type",
    "scale_to_zero_enabled",
    "environment_vars",
    "instance_profile_arn",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
)
_KINDS = {
    EntityKind.EXTERNAL: "an external model",
    EntityKind.FOUNDATION: "a foundation model",
    EntityKind.CUSTOM: "a registered model",
}


def entity_problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the served entities, each and together."""
    entities = items(value_at(body, ENTITIES))
    asked = value_at(body, ENTITIES)
    if asked in (None, []) and not items(value_at(body, ("config", "served_models"))):
        yield Problem(ENTITIES, "Nothing is served yet.", "Choose a model.")
    if len(entities) > MAX_ENTITIES:
        yield Problem(
            ENTITIES,
            f"There are {len(entities)} served entities; at most {MAX_ENTITIES} are possible.",
            "Take some out.",
        )
    for place, entity in enumerate(entities):
        if isinstance(entity, dict):
            yield from _one_entity(entity, (*ENTITIES, place))
    yield from _together(entities)
    if by_model_units(body.get("config")):
        yield from _model_units_only(body, entities)


def _one_entity(entity: dict[str, Any], at: Path) -> Iterator[Problem]:
    name, kind = entity.get("name"), kind_of(entity)
    if isinstance(name, str) and name and not _ENTITY_NAME.fullmatch(name):
        yield Problem(
            (*at, "name"), f"The name {quoted(name)} cannot be used.", "1 to 63 letters, digits, “-” and “_”."
        )
    if kind is EntityKind.EXTERNAL:
        for field in _OF_REGISTERED:
            if entity.get(field) not in (None, False, {}):
                yield Problem((*at, field), f"An external model has no {field}.", "Take it out.")
        external = entity["external_model"]
        if isinstance(external, dict):
            yield from external_problems(external, (*at, "external_model"))
    else:
        yield from _registered(entity, kind, at)


def _registered(entity: Mapping[str, Any], kind: EntityKind, at: Path) -> Iterator[Problem]:
    units = "provisioned_model_units" in entity
    fields = CUSTOM_FIELDS if kind is EntityKind.CUSTOM else MODEL_UNIT_FIELDS if units else THROUGHPUT_FIELDS
    for one in _required(entity, fields, at):
        # Of what can be served only a feature spec has no version, and its name looks like a model's.
        is_version = one.path[-1] == "entity_version"
        yield replace(one, hint="Only a feature spec has none.", blocks=False) if is_version else one
    for field in fields:
        value = entity.get(field.name)
        least = field.minimum
        if least is not None and isinstance(value, int) and not isinstance(value, bool) and value < least:
            yield Problem((*at, field.name), f"{field.label}: at least {least}.", "Raise it.")
    yield from _sizes(entity, at)
    for name, value in block(entity.get("environment_vars")).items():
        yield from _variable(name, value, (*at, "environment_vars", name))


def _variable(name: str, value: Any, at: Path) -> Iterator[Problem]:
    """What is wrong with an environment variable, by its name: there are many at one place of the form."""
    if sentence := why_no_variable(name):
        yield Problem(at, sentence, "Remove it, and add it under another name.")
    elif value == NO_SECRET:
        yield Problem(at, f"{name}: no secret is chosen yet.", "Choose one, or store one below.")
    elif isinstance(value, str) and "secrets/" in value and (wrong := secret_problem(at, value)):
        yield replace(wrong, sentence=f"{name}: {wrong.sentence}")


def why_no_variable(name: str) -> str:
    """Why an environment variable cannot be called so, as a sentence; empty where it can."""
    if _VARIABLE.fullmatch(name):
        return ""
    return f"No variable can be called {quoted(name)}: letters, digits and “_” are possible, and no digit at the beginning."


def _sizes(entity: Mapping[str, Any], at: Path) -> Iterator[Problem]:
    if (size := entity.get("workload_size")) is not None:
        yield from choice_problems(size, WORKLOAD_SIZES, (*at, "workload_size")) if isinstance(size, str) else ()
    for what in ("concurrency", "throughput"):
        low, high = entity.get(f"min_provisioned_{what}"), entity.get(f"max_provisioned_{what}")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield Problem(
                (*at, f"min_provisioned_{what}"),
                f"The least {what} is more than the most.",
                "Lower it, or raise the most.",
            )
        if what == "concurrency" and size and (low, high) != (None, None):
            yield Problem(
                (*at, "workload_size"), "A workload size and a concurrency exclude each other.", "Take one out."
            )


def _required(given: Mapping[str, Any], fields: tuple[FormField, ...], at: Path) -> Iterator[Problem]:
    for field in fields:
        value = given.get(field.name)
        if field.required and (value is None or (isinstance(value, str) and not value.strip())):
            yield missing((*at, field.name), field.label)


def _together(entities: list[Any]) -> Iterator[Problem]:
    kinds = [kind_of(one) for one in entities if isinstance(one, dict)]
    if len(set(kinds)) > 1:
        found = " and ".join(_KINDS[kind] for kind in dict.fromkeys(kinds))
        yield Problem(ENTITIES, f"One endpoint cannot serve {found}.", "Make an endpoint for each.")
    tasks = [block(block(one).get("external_model")).get("task") for one in entities]
    known = list(dict.fromkeys(task for task in tasks if isinstance(task, str) and task))
    if len(known) > 1:
        place = tasks.index(known[1])
        shown = ", ".join(quoted(task) for task in known[:3])
        yield Problem(
            (*ENTITIES, place, "external_model", "task"),
            f"The external models have different tasks: {shown}.",
            "One endpoint has one task.",
        )
    names = [name_of(one) for one in entities]
    for place, name in enumerate(names):
        if name and name in names[:place]:
            yield Problem(
                (*ENTITIES, place, "name"),
                f"Two served entities are called {quoted(name)}.",
                "Give one of them another name.",
            )


def _model_units_only(body: Mapping[str, Any], entities: list[Any]) -> Iterator[Problem]:
    """Provisioned model units have a path of their own, which takes fewer fields."""
    for name, value in body.items():
        if name not in PROVISIONED_CREATE and value is not None:
            yield Problem((name,), f"{quoted(name)} cannot be given with provisioned model units.", "Take it out.")
    for place, entity in enumerate(entities):
        for name, value in block(entity).items():
            if name not in PROVISIONED_ENTITY and value is not None:
                yield Problem(
                    (*ENTITIES, place, name),
                    f"{quoted(name)} cannot be given with provisioned model units.",
                    "Take it out.",
                )
