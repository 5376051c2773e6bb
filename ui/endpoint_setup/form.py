"""The form of a draft: what is to be served, under which name, and how the traffic is split."""

import streamlit as st

from services.endpoint_setup import (
    ENDPOINT_FIELDS,
    ENTITIES,
    PROVIDERS,
    ROUTES,
    EntityKind,
    PlacedField,
    even_split,
    names_of,
    new_entity,
    shares_of,
    value_at,
    with_entity,
    with_shares,
    with_value,
)
from ui.connecting import endpoints
from ui.endpoint_setup.draft import Draft
from ui.endpoint_setup.echoes import put_in, show
from ui.endpoint_setup.entity_form import entity_form
from ui.endpoint_setup.field_widgets import Sheet, draw_field, draw_problems
from ui.errors import showing_errors
from ui.foreign_text import code, literal
from ui.navigation import link_to
from ui.session import entered, take

KINDS = {
    EntityKind.EXTERNAL: ("External model", "At OpenAI, Anthropic…"),
    EntityKind.CUSTOM: ("Custom MLflow model", "From the registry"),
    EntityKind.FOUNDATION: ("Foundation model", "Provisioned throughput"),
}
MOST_ENTITIES = 15
MOST_LINKS = 30
_GATEWAY = {
    "Track usage": ("usage_tracking_config", {"enabled": True}),
    "Limit calls": ("rate_limits", [{"calls": 100, "key": "user", "renewal_period": "minute"}]),
    "Fall back": ("fallback_config", {"enabled": True}),
}


def setup_form(sheet: Sheet) -> None:
    """Draw the form."""
    if sheet.draft.creates:
        _draw_kind(sheet)
        if sheet.draft.kind is EntityKind.FOUNDATION:
            _draw_pay_per_token(sheet)
        _draw_endpoint(sheet)
    count = len(names_of(sheet.draft.body))
    st.markdown("## What it serves" if count < 2 else f"## What it serves: {count} served entities")
    draw_problems(sheet, ("config",))
    draw_problems(sheet, ENTITIES)
    for index in range(count):
        entity_form(sheet, index)
    if count < MOST_ENTITIES:
        st.button(
            "Add a served entity",
            key="setup.add-entity",
            icon=":material/add:",
            on_click=_add_entity,
            args=(sheet.draft,),
            disabled=sheet.disabled,
        )
    if count > 1:
        _draw_traffic(sheet)
    if sheet.draft.creates:
        _draw_tags(sheet)
        _draw_gateway(sheet)


def _draw_kind(sheet: Sheet) -> None:
    key, kinds = "setup.kind", list(KINDS)
    st.radio(
        "What is to be served?",
        kinds,
        key=show(key, sheet.draft.kind),
        format_func=lambda kind: KINDS[kind][0],
        captions=[KINDS[kind][1] for kind in kinds],
        horizontal=True,
        on_change=_use_kind,
        args=(sheet.draft, key),
        disabled=sheet.disabled,
    )


def _use_kind(draft: Draft, key: str) -> None:
    chosen = entered(key)
    if put_in(key) and isinstance(chosen, EntityKind):
        draft.use_kind(chosen)


def _draw_pay_per_token(sheet: Sheet) -> None:
    """Those that are paid per token are there without being created."""
    with showing_errors(), st.container(border=True):
        there = [one for one in endpoints(sheet.workspace) if one.providers == ("foundation",)]
        st.markdown(
            "**Paid per token:** these are there already, nothing needs to be created."
            if there
            else "**Paid per token:** this workspace has none that you may see."
        )
        with st.container(horizontal=True):
            for one in there[:MOST_LINKS]:
                link_to("endpoint", literal(one.name), endpoint=one.name)
        st.caption("Below: throughput of your own for a foundation model, paid by the hour.")


def _draw_endpoint(sheet: Sheet) -> None:
    plain = [one for one in ENDPOINT_FIELDS if not one.advanced]
    for column, field in zip(st.columns(len(plain)), plain, strict=True):
        with column:
            draw_field(sheet, PlacedField((field.name,), field))


def _add_entity(draft: Draft) -> None:
    draft.change(with_entity(draft.body, new_entity(draft.kind, PROVIDERS[0])))


def _draw_traffic(sheet: Sheet) -> None:
    draft, names, shares = sheet.draft, names_of(sheet.draft.body), shares_of(sheet.draft.body)
    st.markdown("## Traffic")
    for index, (name, share) in enumerate(zip(names, shares, strict=True)):
        key = f"setup.share.{index}"
        show(key, share)
        st.slider(
            literal(name) or f"Served entity {index + 1}",
            0,
            100,
            format="%d %%",
            key=key,
            on_change=_use_share,
            args=(draft, index, key),
            disabled=sheet.disabled,
        )
    total = sum(shares)
    with st.container(horizontal=True, vertical_alignment="center"):
        colour = "green" if total == 100 else "red"
        st.markdown(f":{colour}[Together **{total} %**]{'' if total == 100 else ' of 100'}", width="content")
        for label, first in (("Evenly", None), ("90 / 10", 90), ("50 / 50", 50)):
            if first is None or len(names) == 2:
                st.button(
                    label,
                    key=f"setup.split.{label}",
                    on_click=_split,
                    args=(draft, first),
                    disabled=sheet.disabled,
                )
    draw_problems(sheet, ROUTES[:-1], inside=True)


def _use_share(draft: Draft, index: int, key: str) -> None:
    shares, share = shares_of(draft.body), entered(key)
    if put_in(key) and isinstance(share, int):
        shares[index] = share
        if len(shares) == 2:
            shares[1 - index] = 100 - share
        draft.change(with_shares(draft.body, shares))


def _split(draft: Draft, first: int | None) -> None:
    draft.change(even_split(draft.body) if first is None else with_shares(draft.body, [first, 100 - first]))


def _draw_tags(sheet: Sheet) -> None:
    draft = sheet.draft
    tags = value_at(draft.body, ("tags",), [])
    shown = tags if isinstance(tags, list) else []
    with st.expander(f"Tags ({len(shown)})" if shown else "Tags", key="setup.tags", icon=":material/sell:"):
        for index, tag in enumerate(shown):
            left, right = st.columns([1, 1], vertical_alignment="center")
            left.markdown(_tag(tag))
            right.button(
                f"Remove tag {literal(_tag_key(tag))}",
                key=f"setup.tag.{index}.remove",
                icon=":material/delete:",
                type="tertiary",
                on_click=_remove_tag,
                args=(draft, index),
                disabled=sheet.disabled,
            )
        left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
        left.text_input("Key", key="setup.tag.key", autocomplete="off", disabled=sheet.disabled)
        middle.text_input("Value (optional)", key="setup.tag.value", autocomplete="off", disabled=sheet.disabled)
        right.button("Add", key="setup.tag.add", on_click=_add_tag, args=(draft,), disabled=sheet.disabled)
        draw_problems(sheet, ("tags",), inside=True)


def _tag(tag: object) -> str:
    given = tag if isinstance(tag, dict) else {}
    return f"{code(_tag_key(tag))} {code(str(given.get('value') or ''))}"


def _tag_key(tag: object) -> str:
    return str(tag.get("key", "?")) if isinstance(tag, dict) else "?"


def _add_tag(draft: Draft) -> None:
    name = str(entered("setup.tag.key") or "").strip()
    if not name:
        return
    value = take("setup.tag.value").strip()
    take("setup.tag.key")
    tags = value_at(draft.body, ("tags",), [])
    tag = {"key": name} | ({"value": value} if value else {})
    draft.change(with_value(draft.body, ("tags",), [*(tags if isinstance(tags, list) else []), tag]))


def _remove_tag(draft: Draft, index: int) -> None:
    draft.change(with_value(draft.body, ("tags", index), None))


def _draw_gateway(sheet: Sheet) -> None:
    with st.expander("AI gateway, and other fields", key="setup.gateway", icon=":material/tune:"):
        st.caption("A button puts the block into the JSON; change the figures there.")
        with st.container(horizontal=True):
            for label, (name, value) in _GATEWAY.items():
                path = ("ai_gateway", name)
                there = value_at(sheet.draft.body, path) is not None
                st.button(
                    label,
                    key=f"setup.gateway.{name}",
                    icon=":material/check:" if there else ":material/add:",
                    on_click=_put,
                    args=(sheet.draft, path, value),
                    disabled=sheet.disabled or there,
                )
        for field in (one for one in ENDPOINT_FIELDS if one.advanced):
            draw_field(sheet, PlacedField((field.name,), field))
        for name in ("ai_gateway", "rate_limits"):
            draw_problems(sheet, (name,), inside=True)


def _put(draft: Draft, path: tuple[str, ...], value: object) -> None:
    draft.change(with_value(draft.body, path, value))
