"""Which engine a job runs on."""

import sys
from typing import Literal, get_args

from jaxmle._arrays import loaded_jax

Engine = Literal["numpy", "jax"]
ENGINES: tuple[str, ...] = get_args(Engine)

# Fits that NumPy makes in about a second on one core.
_A_SECOND = 600_000


def check_engine(engine: str | None) -> None:
    """Raise ``ValueError`` unless ``engine`` is None or names one."""
    if engine is not None and engine not in ENGINES:
        choices = " or ".join(map(repr, ENGINES))
        raise ValueError(
            f"`engine` must be {choices}, or None for the size of the job to decide; got {engine!r}."
        )


def chosen_engine(n_fits: int, engine: Engine | None, *, compile_seconds: int = 1) -> Engine:
    """Decide where ``n_fits`` fits are made.

    What was asked for; else JAX where it has started on an accelerator; else NumPy, unless that would take
    longer than JAX takes to compile, ``compile_seconds`` of a processor. On CPUs the answer does not
    depend on whether somebody has imported JAX. Results of the two engines agree to rounding.
    """
    if engine is not None:
        return engine
    if _on_accelerator():
        return "jax"
    return "numpy" if n_fits <= _A_SECOND * compile_seconds else "jax"


def _on_accelerator() -> bool:
    """Whether JAX runs on one. Asking must not start it: a program may have to set up its devices first."""
    jax, bridge = loaded_jax(), sys.modules.get("jax._src.xla_bridge")
    started = getattr(bridge, "backends_are_initialized", None)
    return bool(jax is not None and started is not None and started() and jax.default_backend() != "cpu")
