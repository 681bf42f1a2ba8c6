"""Which engine a job runs on."""

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

    What was asked for; else JAX where it runs on an accelerator already; else NumPy, unless that would take
    longer than JAX takes to compile, ``compile_seconds`` of a processor. The answer does not depend on
    whether JAX is there on a CPU, and so no result does.
    """
    if engine is not None:
        return engine
    jax = loaded_jax()
    if jax is not None and jax.default_backend() != "cpu":
        return "jax"
    return "numpy" if n_fits <= _A_SECOND * compile_seconds else "jax"
