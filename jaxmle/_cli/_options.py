"""Values of options, and the cache of compiled code."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxmle._data import Calibration

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
    from jaxmle._plots._axes import need_matplotlib

    try:
        need_matplotlib()
    except ImportError as error:
        raise ValueError(f"{option}: {error}{instead}") from None


@contextmanager
def prepared(calibration: "Calibration", n_slices: int, *, intervals: bool) -> Iterator[None]:
    """Get the solver compiled, or its code loaded, while the rows of a file are counted.

    ``n_slices`` is a guess: programs are compiled for powers of two.
    """
    from jaxmle import Counts, fit, profile_interval

    counts = Counts(*([1] * n_slices for _ in range(6)))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(fit, counts, calibration=calibration)
        if intervals:
            pool.submit(profile_interval, counts, calibration=calibration, calibrate=False)
        yield


def use_cache(wanted: bool) -> None:
    """Let JAX keep compiled programs in the user's cache folder, so that the next start is quick."""
    import jax

    if not wanted:
        return
    folder = _cache_folder() / "jaxmle" / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a home that cannot be written to costs a second, not the answer
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.05)


def _cache_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
