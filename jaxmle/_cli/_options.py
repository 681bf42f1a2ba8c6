"""Values of options, and the cache of compiled code."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

import typer


def option(text: str, metavar: str | None = "COL", name: str | None = None, **more: Any) -> Any:
    """An option of a command: what its help says, and what stands for its value there."""
    return typer.Option(*([name] if name else []), help=text, metavar=metavar, **more)


FAILURE = typer.Option(
    help="The verdict that counts as failure, in both columns (repeatable).", metavar="WORD"
)
JUDGE_FAILURE = typer.Option(help="The same in the judge's column alone (repeatable).", metavar="WORD")
HUMAN_FAILURE = typer.Option(help="The same in the human's column alone (repeatable).", metavar="WORD")
PASSES = typer.Option("--pass", help="A verdict that counts as pass (repeatable).", metavar="WORD")
JUDGE_THRESHOLD = typer.Option(help="Graded judge scores: '>=0.5' or '<3' is a failure.", metavar="SCORE")
HUMAN_THRESHOLD = typer.Option(help="Grades that humans gave: '<2' is a failure.", metavar="SCORE")
COMBINE = typer.Option(
    help="Several judges: a failure if any, all, a majority or at least K of those that gave a verdict "
    "say so.",
    metavar="RULE",
)
COUNTS = typer.Option(
    help="In place of FILE, counts by hand: tp,fn,fp,tn,unlabelled flagged,unlabelled passed.",
    metavar="SIX",
)
JUDGE_NAME = typer.Option(
    help="The judge, also NAME@VERSION: kept by --save; a calibration file of another one is refused.",
    metavar="NAME",
)
RUBRIC = typer.Option(
    help="The judge's prompt or rubric: its SHA-256 is kept by --save; a calibration file of another one is "
    "refused.",
    metavar="FILE",
)
AS_JSON = typer.Option("--json", help="Print one JSON document instead of a table.")
NO_CACHE = typer.Option("--no-cache", help="Do not keep compiled code in the user's cache folder.")
DESIGN = typer.Option(
    help="What `jaxmle draw` wrote beside the queue: says columns and how labels were drawn, finds "
    "them beside it, gives weights to slices, and refuses labels of other items.",
    metavar="FILE",
)
MAX_AGE = typer.Option(help="Warn of a calibration file that is older than this.", metavar="DAYS", min=0)
DATE = typer.Option(
    help="Today, such as 2026-03-31, for --save and --max-age; by default the clock's.", metavar="DAY"
)
HUMAN_ERROR = typer.Option(
    help="Rates at which human labels err: LO:HI, or LO:HI,LO:HI for failures that they miss and passes that "
    "they call failures; or agreement, what two raters' disagreement leaves open.",
    metavar="LO:HI",
)
_RULES = ("any", "all", "majority")
# Values of options that have few, by the name of the parameter; a command may have some of its own.
CHOICES = {
    "adjustment": ("none", "holm", "benjamini-hochberg"),
    "calibration": ("internal", "external"),
    "combine": _RULES,
    "engine": ("duckdb", "spark"),
    "human_combine": _RULES,
    "interval": ("profile", "chi-square"),
    "estimate.interval": ("profile", "chi-square", "bootstrap"),
    "judge_rates": ("per-slice", "common", "partial"),
    "compare.judge_rates": ("separate", "common"),
    "labels": ("random", "by-verdict"),
    "method": ("exact", "profile"),
    "missing": ("drop", "failure", "pass"),
    "on_invalid": ("error", "drop"),
    "order": ("key", "estimate", "width"),
    "spending": ("obrien-fleming", "pocock"),
    "target": ("population", "items"),
}
# Beyond it six digits of a percentage show 100.
_MOST_CONFIDENT = 0.999999


def _number(text: str) -> float:
    """A number, also in percent, or with a comma for the point."""
    number = text.strip()
    value = float(number.removesuffix("%").replace(",", "."))
    return value / 100 if number.endswith("%") else value


def _percent(end: str) -> str:
    """An end of a range whose other end is in percent: 75 of 75:90% is 75%; 0.75 and 1 are as they are."""
    try:
        return end if end.endswith("%") or _number(end) <= 1 else f"{end}%"
    except ValueError:
        return end


def rate(text: str | float) -> float:
    """Read a rate, such as 0.05 or 5%, of an option.

    Raises:
        typer.BadParameter: It is none; the message says what was likely meant.
    """
    if not isinstance(text, str):
        return text
    try:
        value = _number(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no rate, such as 0.05 or 5%.") from None
    if not 0 <= value <= 1:
        meant = f": did you mean {value:g}%, which is {value / 100:g}?" if 1 < value <= 100 else "."
        raise typer.BadParameter(f"it must lie between 0 and 1; got {text}{meant}")
    return value


def confidence_level(text: str | float) -> float:
    """Read a confidence, such as 0.95 or 95%, of an option.

    Raises:
        typer.BadParameter: It is none, or so near to 1 that it would be printed as 100%.
    """
    value = rate(text)
    if not 0 < value < 1:
        raise typer.BadParameter(f"it must lie strictly between 0 and 1, such as 0.95; got {text}.")
    if value > _MOST_CONFIDENT:
        raise typer.BadParameter(
            f"it must be at most {_MOST_CONFIDENT}: chances of less than one in a million are those of the "
            f"model, not of data; got {text}."
        )
    return value


def parse_range(option: str, text: str) -> tuple[float, float]:
    """Read ``LO:HI``, ``LO:``, ``:HI`` or a single number, also in percent.

    Raises:
        ValueError: It is none, the wrong way round, or beyond [0, 1].
    """
    first, colon, second = text.partition(":")
    # A percent sign on one end is of both, as people write 75:90%; what is at most 1 is a rate as it is.
    ends = [one.strip() for one in (first, second)]
    if colon and ends[0] and ends[1] and (ends[0] + ends[1]).count("%") == 1:
        first, second = (_percent(one) for one in ends)
    try:
        low = _number(first) if first.strip() or not colon else 0.0
        high = (_number(second) if second.strip() else 1.0) if colon else low
    except ValueError:
        raise ValueError(f"{option} must be LO:HI, such as 0.85:0.97 or 85%:97%; got {text!r}.") from None
    ends = [one.strip().removesuffix("%") for one in (first, second) if one.strip()]
    if 1 < max(low, high) <= 100 and (min(low, high) >= 1 or min(low, high) == 0) and "%" not in text:
        meant = ":".join(f"{end}%" for end in ends)
        raise ValueError(f"{option} must lie between 0 and 1; got {text}: did you mean {meant}?")
    if not (0 <= low <= 1 and 0 <= high <= 1):
        raise ValueError(f"{option} must lie between 0 and 1; got {text}.")
    if low > high:
        raise ValueError(f"{option} must be LO:HI with LO <= HI; got {text}: did you mean {high:g}:{low:g}?")
    return low, high


def parse_human_error(
    text: str | None,
) -> tuple[tuple[float, float], tuple[float, float]] | Literal["agreement"] | None:
    """Read ``LO:HI`` for both kinds of error, or one range for each: failures missed, false alarms.

    Raises:
        ValueError: It is neither.
    """
    if text is None:
        return None
    if text.strip() == "agreement":
        return "agreement"
    parts = text.split(",")
    if len(parts) > 2:
        raise ValueError(f"--human-error must be LO:HI, LO:HI,LO:HI or agreement; got {text!r}.")
    ranges = [parse_range("--human-error", part) for part in parts]
    if ranges[0][1] + ranges[-1][1] >= 1:
        raise ValueError(f"--human-error: both rates must add up to less than 1; got {text}.")
    return ranges[0], ranges[-1]


def check_rates(tpr: tuple[float, float], fpr: tuple[float, float]) -> None:
    """Raise ``ValueError`` where the bounds say that the judge flags passes more than failures."""
    if tpr[1] < fpr[0]:
        ranges = [f"{low:g}:{high:g}" for low, high in (tpr, fpr)]
        raise ValueError(
            f"--tpr {ranges[0]} lies below --fpr {ranges[1]}: the judge would flag passes more often than "
            f"failures; did you mean --tpr {ranges[1]} --fpr {ranges[0]}? If its verdicts are turned round, "
            "say which is the failure with --judge-failure."
        )


def parse_counts(option: str, text: str) -> tuple[int, ...]:
    """Read six whole numbers, in the order of `Counts`."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 6 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(
            f"{option} must be six whole numbers, as in 4,1,2,43,900,9100: tp, fn, fp, tn, unlabelled "
            f"flagged, unlabelled passed; got {text!r}."
        )
    found = tuple(map(int, parts))
    if not any(found):
        raise ValueError(f"{option} holds no verdict: all six numbers are zero.")
    return found


def choices_of(name: str, command: str | None = None) -> tuple[str, ...]:
    """Values that an option takes; none where it has no choices, or a command means something else by it."""
    return CHOICES.get(f"{command}.{name}") or CHOICES.get(name, ())


def check_choice(option: str, value: str, command: str | None = None) -> None:
    """Raise ``ValueError`` unless the option names one of its choices; ``command`` if it has its own."""
    choices = choices_of(option.removeprefix("--").replace("-", "_"), command)
    if value not in choices:
        raise ValueError(f"{option} must be one of {', '.join(choices)}; got {value!r}.")


def check_outputs(outputs: Mapping[str, Path | None], inputs: Iterable[str | Path | None]) -> None:
    """Raise ``ValueError`` where an output is one of the inputs, another output, or no place for a file.

    Args:
        outputs: Files to be written, by option.
        inputs: Files and patterns that are read.
    """
    from jaxmle._tables import expand

    taken: dict[str, str] = {}
    for source in inputs:
        # Whether it can be read is for its reader to say.
        with suppress(ValueError):
            for path in [] if source in (None, "-") else expand(str(source)):
                taken[os.path.realpath(path)] = "which is read"
    for option, given in outputs.items():
        if given is None:
            continue
        path = Path(os.path.realpath(given))
        if not path.parent.is_dir():
            raise ValueError(f"{option}: there is no folder {str(given.parent)!r}.")
        if path.is_dir():
            raise ValueError(f"{option}: {str(given)!r} is a folder; give the name of a file.")
        clash = taken.get(str(path)) or next(
            (what for other, what in taken.items() if path.exists() and _is_same(path, Path(other))), None
        )
        if clash:
            raise ValueError(f"{option}: {str(given)!r} is the file {clash}; give another name.")
        if path.is_file() or not path.exists():
            taken[str(path)] = f"that {option} writes"


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names are of one file, as hard links are, and names that differ in case on some systems."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def check_plots(option: str, path: Path | None, instead: str = "") -> None:
    """Raise ``ValueError`` where the option wants plots and matplotlib is missing."""
    if path is None:
        return
    from jaxmle._plots import need_matplotlib

    try:
        need_matplotlib()
    except ImportError as error:
        raise ValueError(f"{option}: {error}{instead}") from None


class _CompiledCode:
    """The user's cache folder as the place of compiled programs while a command runs."""

    settings: ClassVar[dict[str, Any]] = {
        "jax_compilation_cache_dir": None,
        "jax_persistent_cache_min_compile_time_secs": 0.05,
    }

    def __init__(self) -> None:
        self.wanted = False
        self.before: dict[str, Any] = {}

    def use(self, jax: ModuleType) -> None:
        """Name the folder to JAX."""
        folder = _cache_folder() / "jaxmle" / "compiled"
        if not self.wanted or self.before:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            return  # a home that cannot be written to costs a second, not the answer
        self.before = {name: getattr(jax.config, name) for name in self.settings}
        for name, value in (self.settings | {"jax_compilation_cache_dir": str(folder)}).items():
            jax.config.update(name, value)
        _forget_cache()

    def leave(self) -> None:
        """Give JAX its own settings back, if it has been loaded."""
        self.wanted = False
        if self.before:
            import jax

            for name, value in self.before.items():
                jax.config.update(name, value)
            self.before = {}
            _forget_cache()


def _forget_cache() -> None:
    """Have JAX look at its settings again: it keeps to the folder that it first wrote to."""
    from jax.experimental.compilation_cache.compilation_cache import reset_cache

    reset_cache()


_compiled_code = _CompiledCode()


@contextmanager
def own_settings() -> Iterator[None]:
    """Leave the settings of JAX as they were before the block."""
    try:
        yield
    finally:
        _compiled_code.leave()


def keep_compiled(wanted: bool) -> None:
    """Let JAX, where it is used, keep programs in the user's cache folder: the next start is quicker."""
    _compiled_code.wanted = wanted
    if wanted:
        from jaxmle._arrays import when_jax_loads

        when_jax_loads(_compiled_code.use)


def _cache_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
