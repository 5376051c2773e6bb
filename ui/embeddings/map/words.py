"""Figures of maps as a person would say them."""

from services.embeddings.records import Algorithm, Faithfulness, Layout


def spell_seconds(seconds: float) -> str:
    """How long: “about 8 s”, “about 4 min”."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min"
    return f"about {seconds / 3600:.1f} h"


def spell_overlap(found: Faithfulness) -> str:
    """What a person can expect of a point's surroundings."""
    near = found.overlap * found.k
    count = "fewer than one" if near < 0.95 else f"{near:.0f}"
    verb = "stand" if near >= 1.5 else "stands"
    return f"Of a text's {found.k} nearest, {count} {verb} near it here"


def spell_trust(found: Faithfulness) -> str:
    """Whether those that stand together can be believed to be alike."""
    trust = found.trustworthiness
    if trust >= 0.93:
        return "Points that stand together are mostly alike."
    if trust >= 0.83:
        return "Points that stand together are often alike; look at a point's true neighbours before you rely on it."
    if trust >= 0.7:
        return "Points that stand together are alike only here and there."
    return "That two points stand together says next to nothing."


def spell_parameters(layout: Layout) -> str:
    """What makes the picture again, in one line."""
    said = [
        f"{name.replace('_', ' ')} {_value(value)}" for name, value in layout.parameters.items() if value is not None
    ]
    return "; ".join(said)


def spell_explained(layout: Layout) -> str:
    """Of PCA: how much of the variance the axes have."""
    if layout.algorithm is not Algorithm.PCA or not sum(layout.explained or ()):
        return ""
    shares = " + ".join(f"{share * 100:.0f}\u00a0%" for share in layout.explained)
    return f"Its axes have {shares} of the variance, {sum(layout.explained) * 100:.0f}\u00a0% in all."


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
