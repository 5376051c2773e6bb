"""One served entity as a section of the form: an external model, a registered model, or one with provisioned throughput."""

import streamlit as st

from services.endpoint_setup import (
    ENTITIES,
    PROVIDERS,
    TASKS,
    EntityKind,
    FieldKind,
    PlacedField,
    Provider,
    entity_fields,
    kind_of,
    name_of,
    names_of,
    provider_named,
    value_at,
    variant_of,
    with_provider,
    with_value,
    with_variant,
    without_entity,
)
from ui.endpoint_setup.draft import Draft
from ui.endpoint_setup.echoes import put_in, show
from ui.endpoint_setup.field_widgets import Sheet, draw_field, draw_problems
from ui.endpoint_setup.model_browser import model_browser
from ui.foreign_text import code, literal
from ui.session import entered

TASK_LABELS = {
    "llm/v1/chat": "Chat (llm/v1/chat)",
    "llm/v1/completions": "Completions (llm/v1/completions)",
    "llm/v1/embeddings": "Embeddings (llm/v1/embeddings)",
}


def entity_form(sheet: Sheet, index: int) -> None:
    """Draw the served entity at *index*."""
    draft, entity = sheet.draft, value_at(sheet.draft.body, (*ENTITIES, index))
    alone = len(names_of(draft.body)) == 1
    with st.container(border=True, key=f"setup-entity-{index}"):
        if not alone:
            _draw_head(sheet, index, name_of(entity))
        kind = kind_of(entity)
        if kind is EntityKind.EXTERNAL:
            _draw_provider(sheet, index)
        elif kind is EntityKind.CUSTOM:
            model_browser(sheet, index)
        _draw_fields(sheet, entity_fields(draft.body, index), index)
        draw_problems(sheet, (*ENTITIES, index))


def _draw_head(sheet: Sheet, index: int, name: str) -> None:
    title, remove = st.columns([2, 1], vertical_alignment="center")
    title.markdown(f"**Served entity {index + 1}** {code(name)}")
    remove.button(
        f"Remove entity {index + 1}",
        key=f"setup.remove.{index}",
        icon=":material/delete:",
        type="tertiary",
        on_click=_remove,
        args=(sheet.draft, index),
        disabled=sheet.disabled,
    )


def _remove(draft: Draft, index: int) -> None:
    draft.change(without_entity(draft.body, index))


def _draw_provider(sheet: Sheet, index: int) -> None:
    at = (*ENTITIES, index, "external_model")
    said = value_at(sheet.draft.body, (*at, "provider"))
    provider = provider_named(said)
    names = [one.name for one in PROVIDERS]
    shown = said if isinstance(said, str) else None
    left, right = st.columns(2)
    key = f"setup.provider.{index}"
    left.selectbox(
        "Provider",
        names if shown in (None, *names) else [*names, shown],
        key=show(key, shown),
        format_func=_provider_label,
        on_change=_use_provider,
        args=(sheet.draft, index, key),
        disabled=sheet.disabled,
    )
    with right:
        _draw_task(sheet, index, provider)
    draw_problems(sheet, (*at, "provider"))
    draw_problems(sheet, (*at, "task"))
    if provider is None:
        st.caption("The form knows the fields of this provider no better than you: write them in the JSON.")
        return
    if provider.note:
        st.caption(literal(provider.note))
    _draw_variant(sheet, index, provider)


def _provider_label(name: str) -> str:
    provider = provider_named(name)
    return provider.label if provider else name


def _use_provider(draft: Draft, index: int, key: str) -> None:
    provider = provider_named(entered(key))
    if put_in(key) and provider is not None:
        draft.change(with_provider(draft.body, index, provider))


def _draw_task(sheet: Sheet, index: int, provider: Provider | None) -> None:
    path = (*ENTITIES, index, "external_model", "task")
    said = value_at(sheet.draft.body, path)
    shown = said if isinstance(said, str) else None
    tasks = provider.tasks if provider else TASKS
    key = f"setup.task.{index}"
    st.selectbox(
        "Task",
        tasks if shown in (None, *tasks) else [*tasks, shown],
        key=show(key, shown),
        format_func=lambda task: TASK_LABELS.get(task, task),
        on_change=_use_task,
        args=(sheet.draft, index, key),
        disabled=sheet.disabled,
    )


def _use_task(draft: Draft, index: int, key: str) -> None:
    if put_in(key):
        draft.change(with_value(draft.body, (*ENTITIES, index, "external_model", "task"), entered(key)))


def _draw_variant(sheet: Sheet, index: int, provider: Provider) -> None:
    if len(provider.variants) == 1:
        return
    block = value_at(sheet.draft.body, (*ENTITIES, index, "external_model", provider.config_key))
    names = [one.name for one in provider.variants]
    key = f"setup.variant.{index}"
    st.radio(
        "Signs in with",
        names,
        key=show(key, variant_of(provider, block).name),
        horizontal=True,
        on_change=_use_variant,
        args=(sheet.draft, index, provider, key),
        disabled=sheet.disabled,
    )


def _use_variant(draft: Draft, index: int, provider: Provider, key: str) -> None:
    chosen = next((one for one in provider.variants if one.name == entered(key)), None)
    if put_in(key) and chosen is not None:
        draft.change(with_variant(draft.body, index, chosen))


def _draw_fields(sheet: Sheet, fields: tuple[PlacedField, ...], index: int) -> None:
    """The fields: short ones two a row, secrets and maps over the whole width, what most people leave alone folded away."""
    plain = [one for one in fields if not one.field.advanced]
    _draw_rows(sheet, plain)
    advanced = [one for one in fields if one.field.advanced]
    if advanced:
        told = any(value_at(sheet.draft.body, one.path) not in (None, "") for one in advanced)
        with st.expander("More fields", key=f"setup.more.{index}", expanded=told and sheet.draft.tried):
            _draw_rows(sheet, advanced)


def _draw_rows(sheet: Sheet, fields: list[PlacedField]) -> None:
    wide = [one for one in fields if one.field.kind in (FieldKind.SECRET, FieldKind.MAP)]
    short = [one for one in fields if one not in wide]
    for start in range(0, len(short), 2):
        for column, one in zip(st.columns(2), short[start : start + 2], strict=False):
            with column:
                draw_field(sheet, one)
    for one in wide:
        draw_field(sheet, one)
