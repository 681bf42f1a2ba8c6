"""Which engine a job runs on."""

import os
import sys
from typing import Literal, get_args

from jaxmle._arrays import loaded_jax

Engine = Literal["numpy", "jax"]
ENGINES: tuple[str, ...] = get_args(Engine)

# Fits that NumPy makes in about a second on one core.
_A_SECOND = 600_000


def _started() -> bool:
    """Whether JAX has started. Asking must not start it: a program may have to set up its devices first."""
    jax, bridge = loaded_jax(), sys.modules.get("jax._src.xla_bridge")
    started = getattr(bridge, "backends_are_initialized", None)
    return bool(jax is not None and started is not None and started())


class _Forked:
    """Whether this process was forked from one in which JAX had started: its threads are not here."""

    cut_off = False

    def look(self) -> None:
        self.cut_off = self.cut_off or _started()


_forked = _Forked()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked.look)


def check_threads() -> None:
    """Raise ``ValueError`` in a process that would wait for ever for threads of JAX."""
    if _forked.cut_off:
        raise ValueError(
            "JAX cannot be used here: this process was forked from one that uses it, whose threads a fork "
            "leaves behind, so that it would wait for ever. Start processes by 'spawn', or fit with "
            "engine='numpy' and the default solver."
        )


def check_engine(engine: str | None) -> None:
    """Raise ``ValueError`` unless ``engine`` is None or names one."""
    if engine is not None and engine not in ENGINES:
        choices = " or ".join(map(repr, ENGINES))
        raise ValueError(
            f"`engine` must be {choices}, or None for the size of the job to decide; got {engine!r}."
        )


def chosen_engine(n_fits: int, engine: Engine | None, *, compile_seconds: int = 1) -> Engine:
    """Decide where ``n_fits`` fits are made.

    What was asked for; else NumPy in a process forked from one that uses JAX; else JAX where it has started
    on an accelerator; else NumPy, unless that would take longer than JAX takes to compile,
    ``compile_seconds`` of a processor. On CPUs the answer does not depend on whether somebody has imported
    JAX. Results of the two engines agree to rounding.

    Raises:
        ValueError: JAX is asked for in such a forked process.
    """
    if engine == "jax":
        check_threads()
    if engine is not None:
        return engine
    if _forked.cut_off:
        return "numpy"
    if _on_accelerator():
        return "jax"
    return "numpy" if n_fits <= _A_SECOND * compile_seconds else "jax"


def unless_cpu(engine: Engine) -> Engine:
    """The engine, or NumPy where it would compile for a CPU what runs no quicker there for it."""
    if engine == "jax":
        import jax

        return "numpy" if jax.default_backend() == "cpu" else engine
    return engine


def engine_of_process() -> str:
    """What decides about the engine in this process: "numpy", JAX's accelerator, or else "size"."""
    if _forked.cut_off:
        return "numpy"
    return str(loaded_jax().default_backend()) if _on_accelerator() else "size"


def _on_accelerator() -> bool:
    """Whether JAX runs on one."""
    return _started() and loaded_jax().default_backend() != "cpu"
