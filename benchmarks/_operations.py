"""Operations in a program, and how many of them a device does at most."""

import time
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np

_CHEAP = {"add", "sub", "mul", "neg", "max", "min", "abs", "square"}
_DEAR = {"div", "sqrt", "log"}


def operations(function, arguments, turns=()):
    """Count floating-point operations of a traced program of elementwise steps, by kind and per element.

    Additions, multiplications, maxima and the like are "cheap", divisions, roots and logarithms "dear";
    comparisons and selections are "select". Loops of known length count in full; of a `cond` the longest
    branch counts; ``turns`` says how often each loop of unknown length is gone through, in their order.
    """
    size = jax.tree.leaves(arguments)[0].shape[0]
    total = _count(jax.make_jaxpr(function)(*arguments).jaxpr, iter(turns))
    return {kind: total[kind] / size for kind in ("cheap", "dear", "select")}


def _count(jaxpr, turns):
    total: Counter[str] = Counter()
    for step in jaxpr.eqns:
        name, work = step.primitive.name, max((v.aval.size for v in step.outvars), default=0)
        inner = [p.jaxpr for p in step.params.values() if hasattr(p, "jaxpr")]
        inner += [p for p in step.params.values() if hasattr(p, "eqns")]
        if name == "while":
            times = next(turns)
            for part in (step.params["cond_jaxpr"], step.params["body_jaxpr"]):
                total += Counter({kind: times * n for kind, n in _count(part.jaxpr, turns).items()})
            continue
        if name == "cond":
            branches = [_count(branch.jaxpr, turns) for branch in step.params["branches"]]
            total += max(branches, key=Counter.total)
        elif inner:
            times = step.params.get("length", 1)
            for part in inner:
                total += Counter({kind: times * n for kind, n in _count(part, turns).items()})
        elif name == "integer_pow":
            total["cheap"] += work * (abs(step.params["y"]).bit_length() - 1)
        elif name.startswith("reduce_"):
            total["cheap"] += step.invars[0].aval.size
        elif name in _CHEAP or name in _DEAR:
            total["cheap" if name in _CHEAP else "dear"] += work
        elif name in {
            "select_n",
            "lt",
            "le",
            "gt",
            "ge",
            "eq",
            "ne",
            "and",
            "or",
            "not",
            "is_finite",
            "clamp",
        }:
            total["select"] += work
    return total


def peak_rates(dtype):
    """Multiply-adds (two operations each) and divisions that XLA reaches at best on this device.

    Per second of a GPU, and per processor second of one CPU core, which other work on the machine hardly
    changes: the best of a few shapes of chains ``x = a x + b`` and ``x = 1 / (x + b)`` that never leave the
    cache.
    """
    return tuple(max(_rate(dtype, divide, *shape) for shape in _shapes()) for divide in (False, True))


def _shapes():
    """Elements and independent chains of each."""
    return ((1 << 9, 4), (1 << 9, 8), (1 << 12, 1)) if jax.default_backend() == "cpu" else ((1 << 22, 4),)


def _rate(dtype, divide, size, chains):
    from jaxmle._engine import program as compiled

    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    rounds, written_out = 128, 8

    def body(_, values):
        for _ in range(written_out):
            values = [1 / (v + 0.5) if divide else v * 0.999 + 0.001 for v in values]
        return values

    def kernel(x):
        return sum(jax.lax.fori_loop(0, rounds, body, [x + i for i in range(chains)]))

    x = jnp.asarray(np.linspace(0.5, 1.5, size), dtype)
    program = compiled(kernel, "jax")
    program(x).block_until_ready()
    calls = max(1, (1 << 18) // (size * chains))
    times = []
    for _ in range(20):
        started = clock()
        jax.block_until_ready([program(x) for _ in range(calls)])
        times.append(clock() - started)
    return calls * rounds * written_out * chains * size * (1 if divide else 2) / min(times)
