"""Find a registered model and its version, and see what it takes."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

import streamlit as st

from services.endpoint_setup import entity_fields, with_field
from services.registered_models import (
    Column,
    ModelPage,
    ModelVersion,
    RegisteredModel,
    Registry,
    Signature,
    SignatureAnswer,
    get_signature,
    list_models,
    list_versions,
)
from services.workspace import Workspace
from ui.endpoint_setup.draft import Draft
from ui.endpoint_setup.field_widgets import Sheet
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.session import remembered

Found = TypeVar("Found")


@dataclass
class Browsed:
    """What this tab has read of the registries, by workspace; failures are not kept."""

    known: WeakKeyDictionary[Workspace, dict[Hashable, object]] = field(default_factory=WeakKeyDictionary)
    tokens: WeakKeyDictionary[Workspace, dict[Hashable, list[str]]] = field(default_factory=WeakKeyDictionary)
    """The pages that were asked for beyond the first, by workspace, registry and search."""

    def of(self, workspace: Workspace, what: Hashable, ask: Callable[[], Found], words: str) -> Found:
        """What was read before, else what *ask* reads now. Raises PlaygroundError."""
        here = self.known.setdefault(workspace, {})
        if what not in here:
            with st.spinner(words, show_time=True):
                here[what] = ask()
        found: Found = here[what]  # type: ignore[assignment]  # each key holds what its own question gave
        return found

    def forget(self) -> None:
        """Read again at the next use."""
        self.known.clear()
        self.tokens.clear()


def model_browser(sheet: Sheet, index: int) -> None:
    """Draw a way to choose the model that the served entity at *index* is of."""
    key = f"setup.models.{index}"
    label, icon = "Find it in the registry", ":material/search:"
    with st.expander(label, key=key, icon=icon, on_change="rerun") as browser:
        if browser.open:
            with showing_errors():
                _browse(sheet, index, key)


def _browse(sheet: Sheet, index: int, key: str) -> None:
    browsed = remembered(Browsed)
    left, right, again = st.columns([3, 3, 2], vertical_alignment="bottom")
    registry = left.selectbox("Registry", list(Registry), key=f"{key}.registry", index=1) or Registry.WORKSPACE
    search = right.text_input("Part of its name", key=f"{key}.search", autocomplete="off").strip()
    again.button("Read again", key=f"{key}.again", icon=":material/refresh:", on_click=browsed.forget)
    models = _models(sheet.workspace, browsed, registry, search, key)
    if not models:
        return
    chosen = st.selectbox(
        f"Model ({len(models)} found)",
        models,
        index=None,
        key=f"{key}.model.{registry.name}",
        format_func=lambda model: model.name,
        placeholder="Choose a model",
    )
    if chosen is None:
        return
    if chosen.description:
        st.caption(literal(chosen.description))
    _draw_versions(sheet, index, key, browsed, chosen)


def _models(workspace: Workspace, browsed: Browsed, registry: Registry, search: str, key: str) -> list[RegisteredModel]:
    asked = (registry, search.lower())
    tokens = browsed.tokens.setdefault(workspace, {}).setdefault(asked, [""])
    pages: list[ModelPage] = [
        browsed.of(
            workspace,
            (*asked, token),
            lambda token=token: list_models(workspace, registry, search, token),  # type: ignore[misc]  # a default binds it now
            f"Reading {registry.value}",
        )
        for token in tokens
    ]
    models = [model for page in pages for model in page.models]
    last = pages[-1]
    if last.note:
        st.caption(literal(last.note))
    elif not models:
        st.caption("No model has this in its name." if search else "There is no registered model that you may see.")
    if last.next_token:
        st.button("More models", key=f"{key}.next", on_click=tokens.append, args=(last.next_token,))
    return models


def _draw_versions(sheet: Sheet, index: int, key: str, browsed: Browsed, model: RegisteredModel) -> None:
    workspace = sheet.workspace
    versions = browsed.of(
        workspace, (model.registry, model.name), lambda: list_versions(workspace, model), "Reading its versions"
    )
    if not versions:
        st.caption("This model has no version yet.")
        return
    version = st.selectbox("Version", versions, key=f"{key}.version.{model.registry.name}", format_func=_version_label)
    if version is None:
        return
    if version.description:
        st.caption(literal(version.description))
    answer = browsed.of(
        workspace,
        (model.registry, model.name, version.version),
        lambda: get_signature(workspace, version),
        "Reading its signature",
    )
    _draw_signature(answer)
    ready = version.status == "READY"
    st.button(
        f"Serve version {literal(version.version)}",
        key=f"{key}.use",
        icon=":material/check:",
        on_click=_use,
        args=(sheet.draft, index, version),
        disabled=sheet.disabled or not ready,
    )
    if not ready:
        st.caption(f":material/lock: It cannot be served: {literal(version.status)}")


def _version_label(version: ModelVersion) -> str:
    parts = [version.version, version.stage, *(f"@{alias}" for alias in version.aliases)]
    return " · ".join(part for part in parts if part)


def _draw_signature(answer: SignatureAnswer) -> None:
    if answer.signature is None:
        st.caption(literal(answer.sentence))
        return
    signature = answer.signature
    for label, columns in _parts(signature):
        if columns:
            st.markdown(f"**{label}:** {', '.join(_column(one) for one in columns)}")


def _parts(signature: Signature) -> tuple[tuple[str, Sequence[Column]], ...]:
    return ("Takes", signature.inputs), ("Params", signature.params), ("Gives", signature.outputs)


def _column(column: Column) -> str:
    default = f" = {literal(str(column.default))}" if column.default is not None else ""
    optional = "" if column.required else ", optional"
    return f"{code(column.name)} {literal(column.type)}{default}{optional}".strip()


def _use(draft: Draft, index: int, version: ModelVersion) -> None:
    body = draft.body
    for name, value in (("entity_name", version.model), ("entity_version", version.version)):
        placed = next(one for one in entity_fields(body, index) if one.field.name == name)
        body = with_field(body, placed, value)
    draft.change(body)
