"""Where plots are drawn, in which colours, and how texts and rates are written on them."""

import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jaxmle._data import percent, printable
from jaxmle._engine import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that colour-blind people tell apart: Okabe and Ito, Color Universal Design (2008).
BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6E6E6E"
_LONGEST = 40


def axes_or_new(ax: "Axes | None", width: float, height: float) -> "Axes":
    """Return the axes given, or those of a new pyplot figure (in inches), which notebooks show.

    Raises:
        ImportError: matplotlib is not installed.
    """
    need_matplotlib()
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")[1]


def axes_for_file(width: float, height: float) -> "Axes":
    """Axes of a new figure (in inches) that no window and no global state knows of.

    Raises:
        ImportError: matplotlib is not installed.
    """
    need_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained").subplots()


def save(ax: "Axes", target: Path | str | IO[str] | IO[bytes], **options: Any) -> None:
    """Write the figure of ``ax`` to a path or an open file, in the format of the path's ending.

    Raises:
        ValueError: matplotlib does not know the ending.
        OSError: The file cannot be written.
    """
    with warnings.catch_warnings():
        # Names may hold letters that no font at hand has: a box stands for them.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = ax.get_figure(root=True)
        assert figure is not None
        if not isinstance(target, Path):
            figure.savefig(target, **options)
            return
        with whole_file(target) as partial:
            figure.savefig(str(partial), **options)


def need_matplotlib() -> None:
    """Raise ``ImportError`` with what to do unless matplotlib is installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ImportError("plots need matplotlib, which is not installed: pip install '.[plots]'") from None


def literal(text: object) -> str:
    """Text from the data as it stands: no formulas between dollar signs, no control characters, not long."""
    return printable(str(text), _LONGEST).replace("$", r"\$")


def rates_on_x(ax: "Axes", label: str = "Failure rate") -> None:
    """Write the ticks of the x-axis in percent, and lighten the frame."""
    from matplotlib.ticker import PercentFormatter

    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel(label)
    ax.spines[["top", "right"]].set_visible(False)


def limit_line(ax: "Axes", limit: float | None) -> None:
    """Draw the limit as a vertical line that names itself."""
    if limit is None:
        return
    ax.axvline(limit, color=VERMILLION, linestyle="--", linewidth=1.5, zorder=1)
    ax.annotate(
        f"limit {percent(limit)}",
        (limit, 1),
        xycoords=ax.get_xaxis_transform(),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=VERMILLION,
        fontsize="small",
    )
