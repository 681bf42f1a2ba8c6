"""What every number of labels would give."""

from typing import TYPE_CHECKING

import numpy as np

from jaxmle._data import percent
from jaxmle._planning import Plan
from jaxmle._plots._axes import BLUE, GREY, VERMILLION, axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_plan(plan: Plan, *, ax: "Axes | None" = None) -> "Axes":
    """Draw the expected width or power against the number of human labels.

    Args:
        plan: From `plan`.
        ax: Where to draw; a new pyplot figure by default.

    Returns:
        The axes: labels on a logarithmic scale, width or power in percent, two standard errors of the
        simulation as a band, the goal as a line and the plan as a point.

    Raises:
        ImportError: matplotlib is not installed.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from jaxmle import plan, plot_plan
        >>> rates = {"failure_rate": 0.1, "judge_tpr": 0.9, "judge_fpr": 0.05, "n_unlabeled": 10_000}
        >>> ax = plot_plan(plan(**rates, target_width=0.05, simulate=False), ax=Figure().subplots())
        >>> ax.get_xlabel()
        'Human labels'
    """
    ax = axes_or_new(ax, 7, 4)
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    labels, value, error = (np.asarray(x)[1:] for x in plan.curve)
    ax.fill_between(labels, value - 2 * error, value + 2 * error, color=BLUE, alpha=0.2, linewidth=0)
    ax.plot(labels, value, color=BLUE, linewidth=2)
    ax.axhline(plan.target, color=VERMILLION, linestyle="--", linewidth=1.5)
    ax.annotate(
        f"goal {percent(plan.target)}",
        (1, plan.target),
        xycoords=ax.get_yaxis_transform(),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=VERMILLION,
    )
    if plan.n_labels:
        ax.plot(plan.n_labels, plan.value, "o", color=BLUE, markersize=8, zorder=3)
        # Above a falling curve and below a rising one there is room to the right of the point.
        ax.annotate(
            f"{plan.n_labels:,} labels",
            (plan.n_labels, plan.value),
            xytext=(8, 12 if plan.goal == "width" else -16),
            textcoords="offset points",
            color=BLUE,
        )
    human = next((one for one in plan.options if one.design == "human only"), None)
    if human and human.n_labels and human.value is not None and human.n_labels <= 10 * labels[-1]:
        ax.plot(human.n_labels, human.value, "s", color=GREY, markersize=7, zorder=3)
        inwards = -1 if human.n_labels > labels[-1] / 5 else 1
        ax.annotate(
            f"{human.n_labels:,} without the judge",
            (human.n_labels, human.value),
            xytext=(8 * inwards, -16 if plan.goal == "width" else 8),
            textcoords="offset points",
            ha="left" if inwards > 0 else "right",
            color=GREY,
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Human labels")
    interval = f"Mean width of the {100 * plan.confidence:g}% interval"
    certified = f"Probability to certify below {percent(plan.limit)}" if plan.limit is not None else ""
    ax.set_ylabel(certified or interval)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
