"""`jaxmle plan --given`: how many more labels, with those at hand."""

from dataclasses import fields, replace
from itertools import count
from pathlib import Path
from typing import Any

from jaxmle._cli._reading import Reading
from jaxmle._cli._show import show
from jaxmle._types import Document


def plan_given(reading: Reading, **goal: Any) -> int:
    """Plan further labels of a file, of each of its slices where there are any; return the exit status."""
    if reading.design is not None and not reading.by:
        from jaxmle._data import LabelDesign

        # What was drawn by slice is planned by slice: nothing else could be drawn after it.
        reading = replace(reading, by=list(LabelDesign.load(reading.design).by))
    table, analysis = reading.read()
    if reading.labels == "by-verdict":
        analysis = replace(analysis, labels="by-verdict")
    from jaxmle._documents import plan_given_document
    from jaxmle._terminal import plan_table

    document = plan_given_document(table, analysis, source=reading.source, progress=True, **goal)
    document["no_next"] = reason = _nothing_next(reading, document)
    document["next"] = None if reason else _next(reading, document, goal)
    show(document, reading.as_json, plan_table)
    return 0 if document["reached"] else 1


def _nothing_next(reading: Reading, document: Document) -> str | None:
    """Why nothing can be typed next, or None where something can."""
    settings = document["settings"]
    design, by = settings.get("label_design"), settings["by"]
    if reading.file is None:
        return "counts name no items to draw"
    if design is None:
        return "no --design says how the labels at hand were drawn; `jaxmle draw` begins one"
    if reading.where:
        return "the design drew from other items than --where keeps: plan without it"
    if design["kind"] == "by-slice" and set(by) != set(design["by"]):
        return f"labels were drawn by {', '.join(design['by'])}: plan with --by of these columns alone"
    if document["reached"]:
        return None
    if not any(one["reached"] and one["n_labels"] for one in document["slices"]):
        if any(one["reached"] for one in document["slices"]):
            return "slices that reach the goal need no further label, and elsewhere none reaches it"
        slices = ", nor does any in a slice by itself" if document["slices"] else ""
        return f"no number of labels reaches the goal{slices}"
    if design["kind"] == "by-verdict":
        return "labels that were drawn by verdict cannot go on by slice"
    return None


def _next(reading: Reading, document: Document, goal: dict[str, Any]) -> str:
    """What to type next: by slice, those that reach the goal where not all do."""
    from jaxmle._documents import shell_line

    design, by = document["settings"]["label_design"], document["settings"]["by"]
    assert reading.file is not None  # else nothing comes next
    n, split = document["n_labels"], document["split"]
    more = [word for file in reading.human_file or () for word in ("--human-file", file)]
    more += [] if reading.human_combine is None else ["--human-combine", reading.human_combine]
    if n == 0:
        asked = ["estimate"] if goal["limit"] is None else ["certify", "--limit", f"{goal['limit']:g}"]
        if goal["limit"] is not None and goal["method"] == "profile":
            asked += ["--method", "profile"]
        asked += _claims(reading)
        return shell_line("jaxmle", asked[0], reading.file, "--design", design["file"], *more, *asked[1:])
    how = ["--labels", str(n)]
    if design["kind"] == "by-slice" or n is None:
        # Columns of another order than the design's would be other slices to it.
        named = design["by"] if design["kind"] == "by-slice" else by
        columns = [] if list(by) == design["by"] else [word for one in named for word in ("--by", one)]
        how = [*columns, "--plan", "plan.json"]
    elif split is not None:
        how += ["--by-verdict", "--flagged", str(split["flagged"])]
    out = str(_free(Path(design["file"])))
    return shell_line("jaxmle", "draw", reading.file, "--design", design["file"], *how, *more, "--out", out)


def _claims(reading: Reading) -> list[str]:
    """What the plan took for granted, where it is not what any command does."""
    given: dict[str, object] = {
        "--bounds": reading.bounds,
        "--judge-name": reading.judge_name,
        "--rubric": reading.rubric,
        "--max-age": reading.max_age,
        "--date": reading.date,
        "--tpr": None if reading.tpr == "0:1" else reading.tpr,
        "--fpr": None if reading.fpr == "0:1" else reading.fpr,
    }
    said = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    usual = next(one.default for one in fields(Reading) if one.name == "confidence")
    return said if reading.confidence == usual else [*said, "--confidence", f"{reading.confidence:g}"]


def _free(design: Path) -> Path:
    """A name for the next queue: "queue2.csv" after "queue.json", "queue3.csv" after "queue2.json"."""
    stem = design.stem.rstrip("0123456789")
    first = int(design.stem[len(stem) :] or 1) + 1
    names = (design.with_name(f"{stem}{place}.csv") for place in count(first))
    return next(one for one in names if not one.exists() and not one.with_suffix(".json").exists())
