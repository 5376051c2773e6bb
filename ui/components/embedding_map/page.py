"""A map as one HTML file: needs no server, no network, no CDN."""

import base64
import functools
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ui.components.embedding_map.colours import in_the_browser
from ui.components.embedding_map.points import (
    LegendEntry,
    MapPoints,
    Scale,
    pack_classes,
    pack_coordinates,
    pack_texts,
)

_SCRIPT = Path(__file__).parent / "built" / "page.js"
MOST_TEXT_BYTES = 5_000_000
_HEIGHT = 760

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ --st-background-color: #ffffff; --st-secondary-background-color: #f4f6f9; --st-text-color: #101820;
  --st-border-color: #cfd8e3; --st-primary-color: #0b6bcb; --st-font: system-ui, sans-serif; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --st-background-color: #11161d; --st-secondary-background-color: #1a212b; --st-text-color: #e6edf5;
    --st-border-color: #334155; --st-primary-color: #1f6feb; color-scheme: dark; }}
}}
body {{ margin: 0 auto; padding: 16px; max-width: 1400px; font: 16px/1.5 var(--st-font); color: var(--st-text-color);
  background: var(--st-background-color); overflow-wrap: anywhere; }}
h1 {{ font-size: 1.4rem; margin: 0 0 0.5rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{caption}</p>
<div id="map"></div>
<noscript>The map needs JavaScript.</noscript>
<script type="application/json" id="map-data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def render_html(
    points: MapPoints,
    texts: Sequence[str] | None = None,
    *,
    title: str,
    caption: str = "",
    legend: Sequence[LegendEntry] = (),
    scale: Scale | None = None,
) -> str:
    """The map with everything in it, under a Content-Security-Policy of its own: one script, which asks for nothing.

    *texts* are shown at the pointer, in full, as long as all of them weigh at most MOST_TEXT_BYTES; else none.
    """
    parts = {"coordinates": pack_coordinates(points), "classes": pack_classes(points)}
    shown = points.texts if texts is None else texts
    if shown is not None and sum(map(len, shown)) <= MOST_TEXT_BYTES:
        packed = pack_texts(shown, MOST_TEXT_BYTES)
        if len(packed) <= MOST_TEXT_BYTES:
            parts["texts"] = packed
    data = {
        "parts": {part: part for part in parts},
        "label": title,
        "legend": [asdict(entry) for entry in legend],
        "scale": asdict(scale) if scale else None,
        "marked": [],
        "lines": [],
        "dimmed": False,
        "focus": None,
        "notes": {},
        "caption": caption or title,
        "height": _HEIGHT,
        "colours": in_the_browser(),
    }
    encoded = {part: base64.b64encode(content).decode() for part, content in parts.items()}
    script, digest = _script()
    return _PAGE.format(
        title=html.escape(title),
        caption=html.escape(caption),
        data=json.dumps({"data": data, "parts": encoded}, allow_nan=False).replace("<", "\\u003c"),
        script=script,
        hash=digest,
    )


@functools.cache
def _script() -> tuple[str, str]:
    """The bundle, and the hash of it that the policy lets run."""
    script = _SCRIPT.read_text(encoding="utf-8").strip()
    return script, base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
