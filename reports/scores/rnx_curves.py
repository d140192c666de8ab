"""R_NX over neighbourhood sizes as lines of an SVG: at which scale is each setting better than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from steadymap.reports.wording import spell_configuration

CURVE = "r_nx"
WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 34


@dataclass(frozen=True)
class Curve:
    """One setting's mean over seeds: title, reducer, its points as SVG coordinates, and its highest value."""

    title: str
    reducer: str
    points: str
    peak_k: int
    peak: float


@dataclass(frozen=True)
class CurveChart:
    """Lines and ticks of a chart; a tick is its text and its place."""

    curves: tuple[Curve, ...]
    across: tuple[tuple[str, float], ...]
    up: tuple[tuple[str, float], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    bottom: int = HEIGHT - BOTTOM


def draw_curves(cells: pd.DataFrame, scores: pd.DataFrame) -> CurveChart | None:
    """Lay out the curve of every setting; None where there is none."""
    values = scores[scores["score"] == CURVE].merge(cells[["cell", "configuration", "reducer"]], on="cell")
    if values.empty:
        return None
    means = values.groupby(["configuration", "reducer", "k"], sort=False, observed=True)["value"].mean().reset_index()
    scale = _Scale(int(means["k"].min()), int(means["k"].max()), min(0.0, float(means["value"].min())))
    curves = [
        _curve(str(name), str(reducer), line.sort_values("k"), scale)
        for (name, reducer), line in means.groupby(["configuration", "reducer"], sort=False)
    ]
    sizes = [size for exponent in range(7) for size in (10**exponent, 3 * 10**exponent)]
    return CurveChart(
        curves=tuple(curves),
        across=tuple((f"{size:,}", scale.x(size)) for size in sizes if scale.first <= size <= scale.last),
        up=tuple(
            (f"{tenths / 10:g}", scale.y(tenths / 10)) for tenths in range(-10, 11, 2) if tenths / 10 >= scale.low
        ),
    )


def _curve(name: str, reducer: str, line: pd.DataFrame, scale: _Scale) -> Curve:
    points = " ".join(
        f"{scale.x(k):.1f},{scale.y(value):.1f}" for k, value in zip(line["k"], line["value"], strict=True)
    )
    top = line.loc[line["value"].idxmax()]
    return Curve(spell_configuration(name), reducer, points, int(top["k"]), float(top["value"]))


@dataclass(frozen=True)
class _Scale:
    """Neighbourhood sizes on a logarithmic axis, values on a linear one that ends at 1."""

    first: int
    last: int
    low: float

    def x(self, size: float) -> float:
        span = math.log(self.last / self.first) or 1.0
        return LEFT + (WIDTH - LEFT - RIGHT) * math.log(size / self.first) / span

    def y(self, value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value) / (1 - self.low)
