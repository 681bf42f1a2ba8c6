"""A card with a verdict, for a release note: one drawing, readable by itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxmle._data import printable
from jaxmle._documents import (
    bounds_text,
    errors_text,
    estimate_text,
    interval_that_holds,
    percent,
    record_name,
    verdict_line,
)
from jaxmle._page._head import rate_name
from jaxmle._page._tables import ends_text
from jaxmle._plots import BLUE, axes_for_file, rates_on_x, save
from jaxmle._types import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches; pixels an inch of a PNG, which screens of phones show sharp.
_WIDTH, _HEIGHT, _DPI = 8.0, 4.2, 200
# Those of a page in the light.
_PASS, _FAIL, _LIMIT, _TEXT, _SOFT = "#00664a", "#a83200", "#b84a00", "#1a1a1a", "#595959"
_LONGEST, _LONGEST_NAME, _FEW_NAMED = 100, 20, 3


def write_card(document: Document, path: Path, title: str | None = None) -> None:
    """Draw a card and write it, the same bits for the same document and version of matplotlib.

    Args:
        document: From `report_document`.
        path: File that ends in .svg or .png.
        title: Its first line; where the rows are from by default.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    import matplotlib

    said = f"{_verdict(document)}. {' '.join(_lines(document))}"
    nobody = {"Date": None, "Creator": None}
    described = {"Title": said, **nobody} if path.suffix == ".svg" else {"Title": said, "Software": None}
    # Nobody's own settings; letters as outlines look alike everywhere, and are the title of the file too.
    plain: dict[Any, Any] = {
        name: value for name, value in matplotlib.rcParamsDefault.items() if name != "backend"
    }
    with matplotlib.rc_context(plain | {"svg.fonttype": "path", "svg.hashsalt": "jaxmle"}):
        ax = _drawn(document, title or document["source"])
        save(ax, path, dpi=_DPI, metadata=described)


def _verdict(document: Document) -> str:
    certificate = document["certificate"]
    if certificate:
        return verdict_line(certificate)
    estimate = document["estimate"]
    return f"Failure rate {estimate_text(estimate['total'])}{errors_text(estimate['settings'])}"


def _lines(document: Document) -> list[str]:
    """What stands beside the rate, in sentences."""
    estimate, certificate = document["estimate"], document["certificate"]
    settings, total = estimate["settings"], estimate["total"]
    level = f"{100 * settings['confidence']:g}%"
    lines = [f"{level} interval {ends_text(interval_that_holds(total))}."]
    if certificate:
        verdict, asked = certificate["total"], certificate["settings"]
        failing = [record_name(one) for one in certificate["slices"] if not one["certified"]]
        named = ", ".join(printable(name, _LONGEST_NAME) for name in failing[:_FEW_NAMED])
        upper, limit = percent(verdict["upper_limit"]), percent(asked["limit"])
        lines.append(f"Upper limit {upper} ({asked['method']}), limit {limit}.")
        if failing:
            more = f" and {len(failing) - _FEW_NAMED:,} more" if len(failing) > _FEW_NAMED else ""
            lines.append(f"Not shown for {named}{more}.")
    lines.append(f"{total['n_labeled']:,.8g} human labels, {total['n_unlabeled']:,.8g} verdicts without one.")
    known = bounds_text(settings)
    return [*lines, f"{known[0].upper()}{known[1:]}."]


def _drawn(document: Document, title: str) -> "Axes":
    from matplotlib.patches import Rectangle

    color = {None: BLUE, True: _PASS, False: _FAIL}[document["certified"]]
    ax = axes_for_file(_WIDTH, _HEIGHT)
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.set_layout_engine("none")
    figure.add_artist(Rectangle((0, 0), 0.02, 1, transform=figure.transFigure, color=color))
    ax.set_position((0.07, 0.19, 0.86, 0.15))

    def write(x: float, y: float, text: str, size: float, fits: int, **how: Any) -> None:
        """A line; it is written smaller where it has more letters than fit."""
        shown = printable(text, _LONGEST)
        size *= min(1, fits / len(shown))
        figure.text(x, y, shown, fontsize=size, parse_math=False, va="top", **how)

    estimate, verdict = document["estimate"], _verdict(document)
    rate = estimate_text(estimate["total"])
    write(0.07, 0.94, title, 10, 75, color=_SOFT)
    write(0.07, 0.87, verdict, 15, 56, color=color, weight="bold")
    write(0.07, 0.75, rate, 38, 7, color=_TEXT, weight="bold")
    write(0.07, 0.59, rate_name(estimate["settings"]).lower(), 10, 30, color=_SOFT)
    for row, line in enumerate(_lines(document)):
        write(0.42, 0.74 - 0.065 * row, line, 10, 50, color=_TEXT)
    _bar(ax, document)
    made = f"jaxmle {document['version']}, constrained maximum likelihood"
    write(0.93, 0.06, made, 7, 80, color=_SOFT, ha="right")
    return ax


def _bar(ax: "Axes", document: Document) -> None:
    """The interval and the limit on a line of rates."""
    total, certificate = document["estimate"]["total"], document["certificate"]
    rate, ends = total["failure_rate"], interval_that_holds(total)
    ax.plot([ends["low"], ends["high"]], [0, 0], color=BLUE, linewidth=7, solid_capstyle="butt")
    if rate["estimate"] is not None and "human_error" not in total:
        ax.plot(
            rate["estimate"], 0, "o", color="white", markeredgecolor=BLUE, markeredgewidth=2.5, markersize=9
        )
    right = ends["high"]
    if certificate:
        limit = certificate["settings"]["limit"]
        ax.axvline(limit, color=_LIMIT, linestyle="--", linewidth=1.5)
        ax.annotate(
            f"limit {percent(limit)}", (limit, 1), xycoords=ax.get_xaxis_transform(), xytext=(0, 3),
            textcoords="offset points", ha="center", color=_LIMIT, fontsize=9,
        )  # fmt: skip
        right = max(right, limit)
    ax.set_xlim(0, min(1.0, 1.15 * right) or 1.0)
    ax.set_ylim(-1, 1)
    ax.set_yticks([])
    rates_on_x(ax, "")
    ax.spines["left"].set_visible(False)
