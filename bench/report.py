"""The table: one row a figure, Brickyard beside its peers."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

OURS = "brickyard"


@dataclass
class Row:
    name: str
    unit: str
    figures: dict[str, float | None]  # by subject; None: could not be measured
    against: str = "write_stream"  # the peer that the ratio is taken to
    aim: str = ""
    aim_is_met: Callable[["Row"], bool] | None = None

    @property
    def ours(self) -> float | None:
        return self.figures.get(OURS)

    @property
    def ratio(self) -> float | None:
        peer = self.figures.get(self.against)
        return self.ours / peer if self.ours is not None and peer else None

    @property
    def verdict(self) -> str:
        if self.aim_is_met is None:
            return ""
        if OURS not in self.figures:
            return "-"
        return "met" if self.ours is not None and self.aim_is_met(self) else "NOT MET"

    def to_json(self) -> dict:
        fields = asdict(self)
        del fields["aim_is_met"]
        return fields | {"ratio": self.ratio, "verdict": self.verdict}


def at_most(limit: float) -> dict:
    """Arguments of a Row whose own figure may not exceed a limit."""
    return {"aim": f"<= {limit:g}", "aim_is_met": lambda row: row.ours <= limit}


def ratio_at_most(limit: float, lower_than: tuple[str, ...] = ()) -> dict:
    """Arguments of a Row that is compared with its peer, and may have to be below others as well."""

    def met(row: Row) -> bool:
        others = [row.figures[name] for name in lower_than if row.figures.get(name) is not None]
        return row.ratio is not None and row.ratio <= limit and all(row.ours < other for other in others)

    return {"aim": f"<= {limit:g}x" + (", lowest" if lower_than else ""), "aim_is_met": met}


def median(figures: list[float | None]) -> float | None:
    present = [figure for figure in figures if figure is not None]
    return statistics.median(present) if present else None


def in_words(figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


HEADINGS = ("measure", "unit", "Brickyard", "peers", "ratio", "aim", "")


def cells(row: Row) -> tuple[str, ...]:
    peers = ", ".join(f"{name} {in_words(figure)}" for name, figure in row.figures.items() if name != OURS)
    ratio = f"{row.ratio:.2g}x" if row.ratio is not None else ""
    return row.name, row.unit, in_words(row.ours), peers, ratio, row.aim, row.verdict


def table(rows: list[Row]) -> str:
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    drawn = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    drawn.insert(1, "-" * max(map(len, drawn)))
    return "\n".join(drawn)


def machine() -> dict:
    return {
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def write_json(path: Path, rows: list[Row], notes: list[str], started: dict, quick: bool):
    table_rows = [row.to_json() for row in rows]
    figures = {"quick": quick, "start": started, "end": machine(), "rows": table_rows, "notes": notes}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")
