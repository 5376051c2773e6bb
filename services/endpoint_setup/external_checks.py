"""Whether an external model can be called: its provider's block, and the one way to sign in that it is of. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from services.endpoint_setup.fields import FormField
from services.endpoint_setup.problems import Problem
from services.endpoint_setup.providers import PROVIDERS, TASKS, Provider, Variant, provider_named, variant_of
from services.endpoint_setup.schema import PLAINTEXT
from services.endpoint_setup.secret_fields import secret_problem
from services.endpoint_setup.shape_checks import choice_problems, missing
from services.secret_scopes import Path

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def external_problems(external: Mapping[str, Any], at: Path) -> Iterator[Problem]:
    """What is wrong with the block ``external_model`` at *at*."""
    labels = {"provider": "The provider", "name": "The model's name", "task": "The task"}
    for name, label in labels.items():
        if external.get(name) in (None, ""):
            yield missing((*at, name), label, "Fill it in." if name == "name" else "Choose one.")
    provider, task = provider_named(external.get("provider")), external.get("task")
    if isinstance(task, str) and task:
        yield from _task(task, provider, (*at, "task"))
    if provider is None:
        return
    yield from _other_blocks(external, provider, at)
    config = external.get(provider.config_key)
    if config is None:
        hint = "Choose the provider again, or fill it in."
        yield Problem((*at, provider.config_key), f"{provider.config_key} is missing.", hint)
    elif isinstance(config, dict):
        yield from _provider_block(provider, config, (*at, provider.config_key))


def _task(task: str, provider: Provider | None, at: Path) -> Iterator[Problem]:
    yield from choice_problems(task, TASKS, at)
    if provider and task in TASKS and task not in provider.tasks:
        sentence = f"{provider.label} is not known to offer {task}."
        yield Problem(at, sentence, f"Known of it: {', '.join(provider.tasks)}.", blocks=False)


def _other_blocks(external: Mapping[str, Any], provider: Provider, at: Path) -> Iterator[Problem]:
    for other in PROVIDERS:
        if other is not provider and external.get(other.config_key) is not None:
            sentence = f"This block is for {other.label}, and the provider is {provider.label}."
            yield Problem((*at, other.config_key), sentence, "Take it out.")


def _provider_block(provider: Provider, config: dict[str, Any], at: Path) -> Iterator[Problem]:
    variant = variant_of(provider, config)
    yield from _fixed(provider, config, at)
    yield from _foreign(provider, variant, config, at)
    yield from _fields(config, variant.fields, at)
    if variant.block:
        inner = config.get(variant.block)
        if inner is None:
            others = " or ".join(one.block for one in provider.variants)
            yield Problem((*at, variant.block), f"How to sign in is missing: {others}.", "Choose one of them.")
        elif isinstance(inner, dict):
            yield from _fields(inner, variant.inner, (*at, variant.block))


def _fixed(provider: Provider, config: Mapping[str, Any], at: Path) -> Iterator[Problem]:
    """Whether fields that choose the variant have one of their known values."""
    for name in sorted({name for variant in provider.variants for name in variant.fixed}):
        value = config.get(name)
        values = [variant.fixed[name] for variant in provider.variants if name in variant.fixed]
        values += [
            one
            for variant in provider.variants
            for field in variant.fields
            if field.name == name
            for one in field.choices
        ]
        if isinstance(value, str):
            yield from choice_problems(value.lower(), tuple(values), (*at, name))


def _foreign(provider: Provider, variant: Variant, config: Mapping[str, Any], at: Path) -> Iterator[Problem]:
    """Fields of another variant. One that the other needs excludes this variant; the rest may be allowed all the same."""
    needed = {one.name for other in provider.variants for one in other.fields if one.required and other is not variant}
    needed |= {other.block for other in provider.variants}
    for name in provider.names - variant.names:
        given = name if config.get(name) is not None else name + PLAINTEXT
        if config.get(given) is not None:
            yield Problem(
                (*at, given),
                f"{given} does not go with “{variant.name}”.",
                "Take it out, or choose the other way to sign in.",
                blocks=name in needed,
            )


def _fields(given: Mapping[str, Any], fields: tuple[FormField, ...], at: Path) -> Iterator[Problem]:
    for field in fields:
        path, value = (*at, field.name), given.get(field.name)
        empty = value is None or (isinstance(value, str) and not value.strip())
        in_clear = field.secret and given.get(field.name + PLAINTEXT) is not None
        if in_clear and not empty:
            sentence = f"Both {field.name} and {field.name}{PLAINTEXT} are there; they exclude each other."
            yield Problem(path, sentence, f"Take {field.name}{PLAINTEXT} out.")
        if empty and field.required and not in_clear:
            choose = "Choose one, or store one below." if field.secret else "Choose one." if field.choices else ""
            yield missing(path, field.label, choose or "Fill it in.")
        elif not empty:
            yield from _filled(field, value, path)


def _filled(field: FormField, value: Any, path: Path) -> Iterator[Problem]:
    if field.secret and (wrong := secret_problem(path, value)):
        yield wrong
    elif isinstance(value, str) and field.url:
        yield from _url(value, path)
    elif isinstance(value, str) and field.choices and "type" not in field.name:
        yield from choice_problems(value.lower(), field.choices, path)


def _url(text: str, path: Path) -> Iterator[Problem]:
    try:
        parts = urlsplit(text)
        host, usable = parts.hostname or "", parts.scheme in ("http", "https") and (parts.port or 1) > 0
    except ValueError:  # a port over 65535, or a bracket left open
        host, usable = "", False
    if not usable or not host or any(one.isspace() for one in text):
        yield Problem(path, "This is no URL.", "Write it as https://api.example.com/v1.")
        return
    if parts.username is not None or parts.password is not None:
        yield Problem(
            path, "There is a user name or a password in this URL.", "Take it out: it would be shown to everyone."
        )
    if path[-1] == "custom_provider_url" and parts.scheme == "http":
        here = host in _LOOPBACK
        sentence = (
            "The platform takes https only here."
            if not here
            else "Only the local workspace takes http, to this machine."
        )
        yield Problem(path, sentence, "Change http to https.", "https" + text[4:], blocks=not here)
