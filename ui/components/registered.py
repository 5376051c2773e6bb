"""Components of ours as Streamlit knows them: their bundles are served from this server."""

import functools
from pathlib import Path

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest
from streamlit.components.v2.types import ComponentRenderer

_OURS = "brickyard"


def renderer(name: str, home: Path) -> ComponentRenderer:
    """What draws the component *name*, whose bundle is ``built/<name>-*.js`` in *home*.

    By a manifest: JavaScript that is given as text runs from a ``blob:`` address, which the Content-Security-Policy refuses.
    Streamlit reads manifests from installed packages only, and Brickyard is none.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(f"{_OURS}.{name}") is None:
        manager.register_from_manifest(ComponentManifest(_OURS, "1", [ComponentConfig(name, asset_dir="built")]), home)
    return _component(name)


@functools.cache
def _component(name: str) -> ComponentRenderer:
    return st.components.v2.component(f"{_OURS}.{name}", js=f"{name}-*.js")
