"""The colours of maps, for whatever else shows the same classes: tables, bars."""

PALETTE: tuple[str, ...] = (
    "#2f7fe0", "#eba506", "#ba0103", "#18c6c0", "#992196", "#bc6f85",
    "#163df5", "#9099f8", "#c06103", "#df0cbc", "#036e59", "#f97c70",
    "#24b46c", "#8709cf", "#635a2d", "#c67ecf", "#a29900", "#c62d75", "#638748", "#876399",
)  # fmt: skip
"""Found by search: as far apart as possible (in OKLab) for full, red-weak, green-weak and blue-weak sight (as Machado, Oliveira
and Fernandes simulate it, 2009), while each stands out from the light and the dark background. The first twelve are farthest
apart."""
SCALE_LIGHT: tuple[str, ...] = ("#c3d4e6", "#6fb3c9", "#2f83a8", "#3a4f96", "#2c1a56")
SCALE_DARK: tuple[str, ...] = ("#33456a", "#27698a", "#2aa198", "#9ccf5b", "#fdf28b")
"""From low to high, evenly spaced; the high end stands out from its background."""
UNKNOWN_COLOUR = "#8a94a3"


def colour_of(number: int) -> str:
    """Of the class with that number; they repeat after the palette's last."""
    return PALETTE[number % len(PALETTE)] if number < 254 else UNKNOWN_COLOUR


def in_the_browser() -> dict[str, object]:
    """What the bundle is told of them."""
    return {"palette": PALETTE, "light": SCALE_LIGHT, "dark": SCALE_DARK, "unknown": UNKNOWN_COLOUR}
