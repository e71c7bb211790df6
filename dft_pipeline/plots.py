"""Plots of what was measured, as SVG: the same numbers give the same bytes."""

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from dft_pipeline.values.reading import ALL

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
GROUPS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MOST_PANELS = 12
PANELS_ACROSS = 2  # as many as a dialog of the web UI shows
MOST_TICKS = 10
PANEL = (4, 4.4)  # inches


def calibration_plot(scores: pl.DataFrame, chosen: float, title: str, subtitle: str) -> bytes:
    """Precision, recall and F1 (`scores`: threshold, precision, recall, f1) over thresholds, as SVG."""

    def draw(figure: "Figure") -> None:
        axes = figure.add_subplot()
        _draw(axes, scores, chosen)
        axes.set_title(f"{subtitle}\n", fontsize=9, color=FAINT, loc="left")
        figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")

    return _svg(draw, INCHES)


def coverage_plot(rows: pl.DataFrame, enough: float) -> bytes:
    """Coverage by group and mean wisdom over h, a panel per case (table `coverage_by_h`), as SVG.

    Of more than MOST_PANELS cases the first are drawn, and the title says so.
    """
    cases = sorted(rows["case_id"].unique())
    shown, groups = cases[:MOST_PANELS], sorted(rows["group"].unique(), key=lambda name: (name != ALL, name))
    across = max(min(len(shown), PANELS_ACROSS), 1)
    down = max(-(-len(shown) // across), 1)

    def draw(figure: "Figure") -> None:
        grid = figure.add_gridspec(2 * down, across, height_ratios=[3, 1] * down)
        labels: dict[str, Artist] = {}
        for place, case in enumerate(shown):
            row, column = divmod(place, across)
            upper = figure.add_subplot(grid[2 * row, column])
            lower = figure.add_subplot(grid[2 * row + 1, column], sharex=upper)
            _draw_case(upper, lower, rows.filter(case_id=case), groups, enough)
            upper.set_title(case, fontsize=10, fontweight="bold", loc="left")
            if column == 0:
                upper.set_ylabel("share who support a chosen value")
                lower.set_ylabel("mean wisdom")
            handles, names = upper.get_legend_handles_labels()
            labels |= dict(zip(names, handles, strict=True))
        if labels:
            figure.legend([*labels.values()], [*labels], loc="outside lower left", ncols=4, frameon=False)
        left_out = f" (the first {len(shown)} of {len(cases)} cases)" if len(cases) > len(shown) else ""
        figure.suptitle(f"What each h costs in legitimacy{left_out}", fontweight="bold", x=0.01, ha="left")

    return _svg(draw, (PANEL[0] * across, PANEL[1] * down + 1))


def _svg(draw: Callable[["Figure"], None], inches: tuple[float, float]) -> bytes:
    # Half a second, for those who draw alone.
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE], after_reset=True):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata=NO_METADATA)
    return drawn.getvalue()


def _draw_case(
    upper: "Axes", lower: "Axes", of_case: pl.DataFrame, groups: Sequence[str], enough: float
) -> None:
    """Above, coverage of everybody and of each group, and in grey what edges carry; below, wisdom."""
    everybody = _over_h(of_case, ALL)
    places = everybody["place"]
    for place, group in enumerate(groups):
        of_group = _over_h(of_case, group)
        colour, width = ("#222222", 2.4) if group == ALL else (GROUPS[(place - 1) % len(GROUPS)], 1.3)
        upper.plot(of_group["place"], of_group["coverage"], "o-", color=colour, lw=width, ms=4, label=group)
    carried = everybody["carried_coverage"]
    upper.plot(places, carried, "--", color=FAINT, lw=1.2, label="all, carried along edges")
    upper.axhline(enough, color=FAINT, lw=1, ls=":")
    for place in everybody.filter("is_recommended")["place"]:
        upper.axvline(place, color="#F0E442", lw=8, alpha=0.5, zorder=0, label="recommended h")
    upper.set_ylim(-0.02, 1.02)
    upper.tick_params(labelbottom=False)
    lower.plot(places, everybody["wisdom"], "s-", color="#222222", lw=1.3, ms=4)
    ticks = everybody.reverse().gather_every(-(-len(everybody) // MOST_TICKS))
    lower.set_xticks(ticks["place"], ["all" if h is None else str(h) for h in ticks["h"]])
    lower.set_xlabel("h: edges along which support is carried")
    lower.margins(y=0.3)
    lower.set_ylim(bottom=0)
    _unframed(upper)
    _unframed(lower)


def _over_h(of_case: pl.DataFrame, group: str) -> pl.DataFrame:
    """A group's rows in the order of h, `all` last, with their `place`; figures as numbers."""
    figures = pl.col("coverage", "carried_coverage", "wisdom").fill_null(float("nan"))
    return (
        of_case.filter(group=group).sort("h", nulls_last=True).with_row_index("place").with_columns(figures)
    )


def _unframed(axes: "Axes") -> None:
    axes.grid(color="#DDDDDD", lw=0.7)
    axes.spines[["top", "right"]].set_visible(False)


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
    _unframed(axes)
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
