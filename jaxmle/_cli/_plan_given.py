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
    document["next"] = _next(reading, document, goal)
    show(document, reading.as_json, plan_table)
    return 0 if document["reached"] else 1


def _next(reading: Reading, document: Document, goal: dict[str, Any]) -> str | None:
    """What to type next, where a design says enough for it."""
    from jaxmle._documents import shell_line

    design = document["settings"].get("label_design")
    if design is None or reading.file is None or reading.where or not document["reached"]:
        return None
    n, split = document["n_labels"], document["split"]
    more = [word for file in reading.human_file or () for word in ("--human-file", file)]
    more += [] if reading.human_combine is None else ["--human-combine", reading.human_combine]
    if not n:
        asked = ["estimate"] if goal["limit"] is None else ["certify", "--limit", f"{goal['limit']:g}"]
        if goal["limit"] is not None and goal["method"] == "profile":
            asked += ["--method", "profile"]
        asked += _claims(reading)
        return shell_line("jaxmle", asked[0], reading.file, "--design", design["file"], *more, *asked[1:])
    how = ["--labels", str(n)]
    if design["kind"] == "by-slice":
        how = ["--plan", "plan.json"]
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
