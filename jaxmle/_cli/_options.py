"""Values of options, and the cache of compiled code."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import typer

FAILURE = typer.Option(
    help="The verdict that counts as failure, in both columns (repeatable).", metavar="WORD"
)
JUDGE_FAILURE = typer.Option(help="The same in the judge's column alone (repeatable).", metavar="WORD")
HUMAN_FAILURE = typer.Option(help="The same in the human's column alone (repeatable).", metavar="WORD")
PASSES = typer.Option("--pass", help="A verdict that counts as pass (repeatable).", metavar="WORD")
JUDGE_THRESHOLD = typer.Option(help="Graded judge scores: '>=0.5' or '<3' is a failure.", metavar="SCORE")
HUMAN_THRESHOLD = typer.Option(help="Grades that humans gave: '<2' is a failure.", metavar="SCORE")
ADJUSTMENTS = ("none", "holm", "benjamini-hochberg")
METHODS = ("exact", "profile")
JUDGE_RATES = ("per-slice", "common", "partial")
ORDERS = ("key", "estimate", "width")


def parse_range(option: str, text: str) -> tuple[float, float]:
    """Read ``LO:HI``, ``LO:``, ``:HI`` or a single number; `Bounds` checks what it means."""
    low, colon, high = text.partition(":")
    try:
        if not colon:
            return float(low), float(low)
        return float(low or 0), float(high or 1)
    except ValueError:
        raise ValueError(f"{option} must be LO:HI, such as 0.85:0.97; got {text!r}.") from None


def check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ``ValueError`` unless the option names one of its choices."""
    if value not in choices:
        raise ValueError(f"{option} must be one of {', '.join(choices)}; got {value!r}.")


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

    def leave(self) -> None:
        """Give JAX its own settings back, if it has been loaded."""
        self.wanted = False
        if self.before:
            import jax

            for name, value in self.before.items():
                jax.config.update(name, value)
            self.before = {}


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
