"""Draw the plots as SVG on white, readable on light and dark pages."""

from __future__ import annotations

from importlib import import_module
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.bench.measure import Spread
    from lab.bench.report import Plot, Section

OURS: Final = "#c2410c"
THEIRS: Final = "#64748b"
LINES: Final = ("#1d4ed8", "#64748b", "#0f766e", "#7c3aed", "#a16207", "#0284c7", "#be185d", "#4d7c0f")
STYLE: Final = {
    "svg.hashsalt": "aurashot",
    "svg.fonttype": "path",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e2e8f0",
}


def draw(section: Section, folder: Path) -> None:
    """Draw the plot of a section as `<name>.svg`."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    with matplotlib.rc_context(STYLE):
        plot = section.plot
        height = 4.2 if plot.x else 0.9 + 0.34 * len(plot.series)
        figure, axes = pyplot.subplots(figsize=(7.5, height), layout="constrained")
        (_lines if plot.x else _bars)(axes, plot)
        figure.savefig(folder / f"{section.name}.svg", facecolor="white", metadata={"Date": None})
        pyplot.close(figure)


def _bars(axes: Any, plot: Plot) -> None:
    names = list(plot.series)[::-1]
    spreads = [plot.series[name][0] for name in names]
    bars = axes.barh(
        names,
        [spread.median for spread in spreads],
        height=0.68,
        color=[OURS if _is_ours(name) else THEIRS for name in names],
    )
    axes.errorbar([s.median for s in spreads], names, xerr=_errors(spreads), fmt="none", ecolor="#0f172a", elinewidth=1)
    edge = max(spread.high for spread in spreads)
    for bar, spread in zip(bars, spreads, strict=True):
        middle = bar.get_y() + bar.get_height() / 2
        axes.text(spread.high + edge * 0.012, middle, _label(spread.median), va="center", fontsize=9)
    axes.set_xlim(0, edge * 1.1)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(plot.axis)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def _lines(axes: Any, plot: Plot) -> None:
    colors = cycle(LINES)
    for name, spreads in plot.series.items():
        axes.errorbar(
            plot.x[: len(spreads)],
            [spread.median for spread in spreads],
            yerr=_errors(spreads),
            color=OURS if _is_ours(name) else next(colors),
            linewidth=2.4 if _is_ours(name) else 1.3,
            linestyle="-" if name == "aurashot" or not _is_ours(name) else "--",
            marker="o",
            markersize=3.5,
            label=name,
        )
    if plot.logarithmic:
        axes.set_xscale("log", base=2)
        axes.set_xticks(plot.x, [f"{value:,.0f}" for value in plot.x])
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(plot.x_axis)
    axes.set_ylabel(plot.axis)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)


def _label(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _is_ours(name: str) -> bool:
    return name.startswith("aurashot")


def _errors(spreads: Sequence[Spread]) -> list[list[float]]:
    return [[spread.median - spread.low for spread in spreads], [spread.high - spread.median for spread in spreads]]
