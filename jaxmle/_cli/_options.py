"""Values of options, and the cache of compiled code."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

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
