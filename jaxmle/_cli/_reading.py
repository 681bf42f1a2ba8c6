"""The options that say what the rows are, shared by all commands that read verdicts."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from jaxmle._cli._calibration import calibration
from jaxmle._cli._options import (
    AS_JSON,
    COMBINE,
    COUNTS,
    DATE,
    DESIGN,
    FAILURE,
    HUMAN_FAILURE,
    HUMAN_THRESHOLD,
    JUDGE_FAILURE,
    JUDGE_NAME,
    JUDGE_THRESHOLD,
    MAX_AGE,
    NO_CACHE,
    PASSES,
    RUBRIC,
    check_choice,
    check_rates,
    confidence_level,
    keep_compiled,
    option,
    parse_counts,
    parse_range,
)
from jaxmle._tables import (
    Combining,
    Roles,
    by_rater,
    count_designed,
    count_rows,
    designed,
    meaning_of,
    open_panel,
)

# What can be said of rows alone.
_OF_ROWS: tuple[str, ...] = (
    "file",
    "judge",
    "human",
    "by",
    "reference",
    "reference_by",
    "same_population",
    "where",
    "human_file",
    "design",
    "id",
    "weight",
    "cluster",
)
_OF_ROWS += ("combine", "human_combine", "missing", "human_where", "on_invalid")
_OF_ROWS += ("failure", "judge_failure", "human_failure", "passes", "judge_threshold", "human_threshold")
_RANGE = "LO:HI, also LO: or :HI, or one number if it is known."


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What rows to read, what they mean, and what the user says of them."""

    file: Annotated[
        str | None,
        typer.Argument(
            help="CSV, TSV, JSONL or Parquet, one row an item; a quoted pattern for several files; "
            "- for standard input.",
            metavar="FILE",
        ),
    ] = None
    judge: Annotated[
        list[str] | None,
        option(
            "Column of judge verdicts; an eval log with one score needs none (repeatable, with --combine)."
        ),
    ] = None
    human: Annotated[
        list[str] | None,
        option(
            "Column of human verdicts, blank, NA, null or -1 if unlabelled (repeatable: --human-combine)."
        ),
    ] = None
    counts: Annotated[str | None, COUNTS] = None
    by: Annotated[list[str] | None, option("Slice by this column (repeatable).")] = None
    tpr: Annotated[str, option(f"Known range of P(judge flags it | failure): {_RANGE}", metavar="LO:HI")] = (
        "0:1"
    )
    fpr: Annotated[str, option(f"Known range of P(judge flags it | pass): {_RANGE}", metavar="LO:HI")] = "0:1"
    failure_rate: Annotated[str, option(f"Known range of the failure rate: {_RANGE}", metavar="LO:HI")] = (
        "0:1"
    )
    bounds: Annotated[
        Path | None,
        option(
            "A calibration file (.json) that `jaxmle bounds --save` wrote; or bounds by slice: a table with "
            "the --by columns and tpr_low, tpr_high, fpr_low, fpr_high.",
            metavar="FILE",
        ),
    ] = None
    judge_name: Annotated[str | None, JUDGE_NAME] = None
    rubric: Annotated[Path | None, RUBRIC] = None
    max_age: Annotated[int | None, MAX_AGE] = None
    date: Annotated[str | None, DATE] = None
    reference: Annotated[
        str | None,
        option(
            "Bound the judge's rates by another file with the same columns, humans having labelled it; they "
            "allow for how far published judges differ between data sets.",
            metavar="FILE",
        ),
    ] = None
    reference_by: Annotated[
        str | None,
        option(
            "Column of --reference that tells models, kinds of questions or months apart: bounds then "
            "predict the rates of a new one, as in `jaxmle bounds`."
        ),
    ] = None
    same_population: Annotated[
        bool,
        option(
            "The reference is a sample of the same: this judge on this task, as with last week's labels. "
            "Bounds then allow for sampling alone.",
            name="--same-population",
            metavar=None,
        ),
    ] = False
    failure: Annotated[list[str] | None, FAILURE] = None
    judge_failure: Annotated[list[str] | None, JUDGE_FAILURE] = None
    human_failure: Annotated[list[str] | None, HUMAN_FAILURE] = None
    passes: Annotated[list[str] | None, PASSES] = None
    judge_threshold: Annotated[str | None, JUDGE_THRESHOLD] = None
    human_threshold: Annotated[str | None, HUMAN_THRESHOLD] = None
    where: Annotated[
        str | None,
        option(
            "Use only the rows that meet this SQL condition. Columns of CSV, TSV are text: turn::int >= 9.",
            metavar="SQL",
        ),
    ] = None
    on_invalid: Annotated[
        str, option("Verdicts that are neither failure nor pass: error, or drop.", metavar="WHAT")
    ] = "error"
    combine: Annotated[str | None, COMBINE] = None
    human_combine: Annotated[
        str | None,
        option("Several humans: the same; without it they must agree.", metavar="RULE"),
    ] = None
    missing: Annotated[
        str,
        option("A judge that gave no verdict said: nothing (drop), failure or pass.", metavar="WHAT"),
    ] = "drop"
    human_file: Annotated[
        list[str] | None,
        option(
            "Human verdicts in a file of their own, joined by --id (repeatable, with --human-combine: one of "
            "each rater, all with the column --human).",
            metavar="FILE",
        ),
    ] = None
    human_where: Annotated[
        str | None, option("Use only the rows of --human-file that meet this condition.", metavar="SQL")
    ] = None
    design: Annotated[Path | None, DESIGN] = None
    id: Annotated[list[str] | None, option("Column that names an item, in both files (repeatable).")] = None
    weight: Annotated[str | None, option("Column of item weights.")] = None
    cluster: Annotated[
        str | None, option("Column of what belongs together: prompt, conversation, epoch.")
    ] = None
    calibration: Annotated[
        str,
        option(
            "internal: labelled items belong to the judged ones, chosen at random or by verdict. "
            "external: from elsewhere, or chosen by their true label.",
            metavar="DESIGN",
        ),
    ] = "internal"
    labels: Annotated[
        str,
        option("How items were chosen for labelling: random, or by-verdict of the judge.", metavar="HOW"),
    ] = "random"
    confidence: Annotated[
        float, option("Confidence, such as 0.95.", metavar="LEVEL", parser=confidence_level)
    ] = 0.95
    min_labels: Annotated[int, option("Mark slices with fewer labels than this.", metavar="N", min=0)] = 10
    seed: Annotated[int, option("Seed of the simulation.", metavar="N", min=0, max=2**63 - 1)] = 0
    as_json: Annotated[bool, AS_JSON] = False
    no_cache: Annotated[bool, NO_CACHE] = False

    @property
    def inputs(self) -> list[str | Path | None]:
        """The files that are read."""
        files = self.human_file or []
        return [self.file, *files, self.bounds, self.rubric, self.reference, self.design]

    @property
    def human_source(self) -> str | list[str] | None:
        """The file of labels, or those of several raters."""
        files = self.human_file or None
        return files[0] if files and len(files) == 1 else files

    @property
    def source(self) -> str:
        """Where the counts are from, in words."""
        return self.file or f"counts {self.counts}"

    def read(self) -> tuple[Any, Any]:
        """Check the options, count the rows, and gather the analysis."""
        pairs, saved = self.said_of_data()
        by = tuple(dict.fromkeys(self.by or ()))
        if self.counts is not None:
            return self._read_counts(pairs, saved)
        if self.file is None:
            raise ValueError("name the FILE of verdicts, or give --counts in place of it.")
        if not self.human and self.design is None:
            raise ValueError(
                "Missing option '--human': the column of human verdicts. `jaxmle doctor FILE` guesses it."
            )
        check_choice("--missing", self.missing)
        source, human_source, where, id = self.file, self.human_source, self.where, tuple(self.id or ())
        judges, humans = tuple(self.judge or ()), tuple(self.human or ())
        drawn = self._drawn(judges, humans, id)
        if drawn:
            source, human_source, where, id = drawn.source, drawn.human_source, drawn.where, drawn.id
            judges, humans = drawn.judges, drawn.humans
        human_source, humans = by_rater(human_source, humans, id, self.human_where)
        combining = Combining(judges, humans, self.combine, self.human_combine, cast(Any, self.missing))
        roles = Roles(next(iter(judges), ""), humans[0], by, self.weight, self.cluster, where)
        keep_compiled(not self.no_cache)
        from jaxmle._data import Bounds

        meaning = self.meaning
        if drawn:
            meaning = meaning_of(drawn.design, meaning, in_rows=human_source is None)
        given = Bounds(**pairs)
        opened, roles, panel = open_panel(
            source,
            roles,
            combining,
            human_source=human_source,
            id=id,
            human_where=self.human_where,
            **meaning,
        )
        progress = None
        if drawn:
            table, progress = count_designed(opened, roles, drawn, **meaning)
        else:
            table = count_rows(opened, roles, **meaning)
        table = replace(table, panel=panel)
        if self.reference:
            counts = self.elsewhere(
                "--reference", self.reference, self.reference_by, judges or (roles.judge,)
            )
            rates = (
                Bounds.from_references(counts)
                if self.reference_by
                else Bounds.from_reference(counts[0], same_population=self.same_population)
            )
            given = Bounds(failure_rate=given.failure_rate, tpr=rates.tpr, fpr=rates.fpr)
        return table, self._settings(table, given, list(by), saved, drawn, progress)

    def _drawn(self, judges: tuple[str, ...], humans: tuple[str, ...], id: tuple[str, ...]) -> Any:
        """What --design says of the rows, or None."""
        if self.design is None:
            return None
        if self.calibration != "internal":
            raise ValueError("--design is of judged items: leave --calibration external out.")
        return designed(
            self.design,
            self.file,
            judges=judges,
            humans=humans,
            id=id,
            human_source=self.human_source,
            where=self.where,
        )

    def said_of_data(self) -> tuple[dict[str, tuple[float, float]], Any]:
        """Check what is said of the data: ranges of the rates, and the calibration file if there is one."""
        check_choice("--calibration", self.calibration)
        check_choice("--labels", self.labels)
        check_choice("--on-invalid", self.on_invalid)
        if not 0 < self.confidence < 1:
            raise ValueError(
                f"--confidence must lie strictly between 0 and 1, such as 0.95; got {self.confidence:g}."
            )
        ranges = {"failure_rate": self.failure_rate, "tpr": self.tpr, "fpr": self.fpr}
        pairs = {name: parse_range(f"--{name.replace('_', '-')}", text) for name, text in ranges.items()}
        if self.reference and (self.tpr, self.fpr) != ("0:1", "0:1"):
            raise ValueError("--reference takes the place of --tpr and --fpr: give one or the other.")
        if self.reference_by and not self.reference:
            raise ValueError("--reference-by goes with --reference.")
        if self.same_population and (not self.reference or self.reference_by):
            raise ValueError("--same-population is said of one --reference, without --reference-by.")
        check_rates(pairs["tpr"], pairs["fpr"])
        saved = self._calibration()
        return pairs, saved

    def said_of_rows(self) -> list[str]:
        """The options that say something of rows, as they are written."""
        usual = {one.name: one.default for one in fields(self)}
        return [
            {"file": "FILE", "passes": "--pass"}.get(name, f"--{name.replace('_', '-')}")
            for name in _OF_ROWS
            if getattr(self, name) != usual[name]
        ]

    @property
    def meaning(self) -> dict[str, Any]:
        """What words and scores mean, and what to do with others."""
        return {
            "failure": self.failure or (),
            "judge_failure": self.judge_failure or (),
            "human_failure": self.human_failure or (),
            "passes": self.passes or (),
            "judge_threshold": self.judge_threshold,
            "human_threshold": self.human_threshold,
            "on_invalid": self.on_invalid,
        }

    def elsewhere(self, option: str, source: str, by: str | None, judges: tuple[str, ...]) -> Any:
        """Counts of another file with the same columns, humans having labelled it: an element a part."""
        humans, missing = tuple(self.human or ()), cast(Any, self.missing)
        opened, roles, _ = open_panel(
            source,
            Roles(judges[0], humans[0], (by,) if by else ()),
            Combining(judges, humans, self.combine, self.human_combine, missing),
            **self.meaning,
        )
        counts = count_rows(opened, roles, **self.meaning).counts
        if not counts.n_labeled.any():
            raise ValueError(f"{option}: {source!r} has no row with both a human and a judge verdict.")
        return counts

    def _read_counts(self, pairs: dict[str, tuple[float, float]], saved: Any) -> tuple[Any, Any]:
        """The table and the analysis of counts by hand, which leave nothing to say of rows."""
        if said := self.said_of_rows():
            raise ValueError(f"--counts stands in place of a file of verdicts: leave {said[0]} out.")
        values = parse_counts("--counts", cast(str, self.counts))
        keep_compiled(not self.no_cache)
        from jaxmle._data import Bounds, Counts
        from jaxmle._tables import SliceCounts

        table = SliceCounts.of_counts(Counts(*values))
        return table, self._settings(table, Bounds(**pairs), [], saved)

    def _calibration(self) -> Any:
        """What --bounds names if it is a calibration file, as in `calibration`; else None."""
        saved = calibration(
            self.bounds,
            judge_name=self.judge_name,
            rubric=self.rubric,
            max_age=self.max_age,
            date=self.date,
        )
        if saved and (self.reference or (self.tpr, self.fpr) != ("0:1", "0:1")):
            raise ValueError(
                f"the calibration file --bounds {str(self.bounds)!r} takes the place of --tpr, --fpr and "
                "--reference: give one or the other."
            )
        return saved

    def _settings(
        self, table: Any, given: Any, by: list[str], saved: Any, drawn: Any = None, progress: Any = None
    ) -> Any:
        from jaxmle._documents import AnalysisSettings, design_origin, known_bounds

        origin = None
        if saved:
            learnt, origin, notes = saved
            bounds = replace(given, tpr=learnt.bounds.tpr, fpr=learnt.bounds.fpr)
        else:
            bounds, notes = known_bounds(table, given, self.bounds)
        labels, design = self.labels, None
        if drawn:
            labels = drawn.design.labels
            design, more = design_origin(drawn.design, str(self.design), progress, self.where)
            notes = [*notes, *more]
        return AnalysisSettings(
            bounds_from=origin,
            label_design=design,
            bounds=bounds,
            by=by,
            calibration=cast(Any, self.calibration),
            labels=cast(Any, labels),
            confidence=self.confidence,
            seed=self.seed,
            min_labels=self.min_labels,
            notes=notes,
        )
