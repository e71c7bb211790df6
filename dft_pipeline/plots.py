"""Plots of what was measured, as SVG: the same numbers give the same bytes."""

import io
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (8, 4.8)
# Of the figure's own file: matplotlib would name the moment and draw ids by chance.
NO_METADATA = {"Date": None, "Creator": None}
STYLE = {
    "svg.hashsalt": "dft",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "text.parse_math": False,  # a dollar in a file's name begins no formula
}
# Okabe and Ito's colours, which the colour-blind can tell apart; dashes tell the lines apart in print.
LINES = {"precision": ("#0072B2", "--", 1.6), "recall": ("#D55E00", "-.", 1.6), "f1": ("#222222", "-", 2.4)}
SHOWN = {"f1": "F1"}
FAINT = "#666666"


def calibration_plot(scores: pl.DataFrame, chosen: float, title: str, subtitle: str) -> bytes:
    """Precision, recall and F1 (`scores`: threshold, precision, recall, f1) over thresholds, as SVG."""
    # Half a second, for those who draw alone.
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE], after_reset=True):
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.add_subplot()
        _draw(axes, scores, chosen)
        axes.set_title(f"{subtitle}\n", fontsize=9, color=FAINT, loc="left")
        figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata=NO_METADATA)
    return drawn.getvalue()


def _draw(axes: "Axes", scores: pl.DataFrame, chosen: float) -> None:
    """A curve each; at the chosen threshold a line, points, and their numbers in the legend."""
    there = scores.row(by_predicate=pl.col("threshold") == chosen, named=True)
    thresholds = scores["threshold"].to_numpy()
    for name, (colour, dashes, width) in LINES.items():
        label = f"{SHOWN.get(name, name)} {_number(there[name])}"
        axes.plot(thresholds, scores[name].to_numpy(), dashes, color=colour, lw=width, label=label)
        if there[name] is not None:
            axes.plot([chosen], [there[name]], "o", color=colour, ms=6)
    axes.axvline(chosen, color=FAINT, lw=1.2, ls=":")
    top = axes.get_xaxis_transform()  # across in thresholds, upwards as a share of the axes
    axes.text(chosen, 1.01, f"{chosen:.2f}", transform=top, ha="center", va="bottom", color=FAINT)
    _frame(axes, f"at threshold {chosen:.2f}")


def _frame(axes: "Axes", chosen: str) -> None:
    axes.set_xlabel("threshold: smallest similarity of two cards that are taken as the same value")
    axes.set_ylabel("precision, recall and F1 of pairs")
    axes.set_ylim(-0.02, 1.02)
    axes.grid(color="#DDDDDD", lw=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        title=chosen,
        alignment="left",
        frameon=False,
        handlelength=2.8,
        loc="upper left",
        bbox_to_anchor=(1, 1),
    )


def _number(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.3f}"
