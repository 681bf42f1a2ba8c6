"""A few parameters in a box: jaxopt's projected gradient along Newton directions.

For smooth likelihoods of two to five parameters whose gradient and Hessian are cheap but which are not
convex programs. jaxopt's `ProjectedGradient` is the loop and optax's `projection_box` the projection; as in
`jaxmle._solvers._projected_gradient` the "gradient" it is given is the difference to the next point: Newton's
step or, where that gains too little, the best of a fixed list, so that no line search has to end under vmap.
Newton's direction is over the parameters that their bounds leave free (Bertsekas, SIAM J. Control Optim. 20,
1982), with the absolute eigenvalues of the Hessian where it is not negative definite (Nocedal and Wright,
Numerical Optimization, section 3.4).
"""

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from optax.projections import projection_box

from jaxmle._solvers._symmetric import eigen

# Shares of the Newton step to try.
_LENGTHS = (1.0, 0.5, 0.2, 0.05, 0.005)


class BoxMaximum(NamedTuple):
    """What was found in a box.

    Attributes:
        x: The point, shape ``(P,)``.
        value: The objective there.
        gain: What one more step promises to first order, the evidence of convergence; >= 0.
        hessian: Second derivatives there, shape ``(P, P)``.
    """

    x: Any
    value: Any
    gain: Any
    hessian: Any


def maximize_in_box(
    value: Callable[[Any], Any],
    derivatives: Callable[[Any], tuple[Any, Any, Any]],
    start: Any,
    low: Any,
    high: Any,
    *,
    tolerance: Any,
    max_steps: int = 60,
) -> BoxMaximum:
    """Climb from ``start`` to a local maximum within ``[low, high]``.

    Args:
        value: Objective of a point of shape ``(P,)``.
        derivatives: The objective, its gradient and its Hessian.
        start: First point, shape ``(P,)``.
        low: Lower ends, shape ``(P,)``.
        high: Upper ends.
        tolerance: Promised gain below which it stops.
        max_steps: Most steps.

    Returns:
        The point and the evidence; whether it is the global maximum only other starts can tell.
    """

    def climb(x: Any, _: Any) -> tuple[Any, Any]:
        here, gradient, hessian = derivatives(x)
        steps, gain = _directions(x, gradient, hessian, low, high)
        newton = projection_box(x + steps[0], low, high)
        reached = value(newton)

        def search() -> tuple[Any, Any]:
            moves = jnp.concatenate([share * steps for share in _LENGTHS])
            trials = jax.vmap(lambda move: projection_box(x + move, low, high))(moves)
            values = jax.vmap(value)(trials)
            values = jnp.where(jnp.isfinite(values), values, -jnp.inf)
            best = jnp.argmax(values)
            return trials[best], values[best]

        # Newton's step promises half of slope times step; where it keeps half of that, nothing else is tried.
        promised = 0.5 * (newton - x) @ gradient
        good = reached - here > 0.5 * jnp.maximum(promised, 0.0)
        trial, reached = jax.lax.cond(good, lambda: (newton, reached), search)
        go = (gain > tolerance) & (reached > here)
        return -here, jnp.where(go, x - trial, 0.0)

    solver = _projected_gradient()(
        fun=climb,
        projection=lambda x, box: projection_box(x, *box),
        value_and_grad=True,
        stepsize=1.0,
        maxiter=max_steps,
        tol=0.0,
        acceleration=False,
        implicit_diff=True,  # otherwise jaxopt unrolls all steps
    )
    x = solver.run(projection_box(start, low, high), (low, high), None).params
    here, gradient, hessian = derivatives(x)
    return BoxMaximum(x, here, _directions(x, gradient, hessian, low, high)[1], hessian)


@cache
def _projected_gradient() -> Any:
    """Import jaxopt where it is used: that takes as long as importing JAX."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # "JAXopt is no longer maintained"
        from jaxopt import ProjectedGradient
    return ProjectedGradient


def _directions(x: Any, gradient: Any, hessian: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """Newton and scaled gradient steps over the free parameters, ``(2, P)``, and the gain they promise.

    A Newton step that is cut at a bound may lead nowhere; the gradient, cut likewise, leads up if it can.
    """
    held = ((x <= low) & (gradient < 0)) | ((x >= high) & (gradient > 0)) | (low >= high)
    free = ~held
    slope = jnp.where(free, gradient, 0.0)
    scale = 1 / jnp.sqrt(jnp.maximum(jnp.abs(jnp.diagonal(hessian)), np.finfo(x.dtype).tiny ** 0.25))
    scale = jnp.where(free, scale, 0.0)
    values, vectors = eigen(hessian * scale[:, None] * scale)
    # Directions that nothing bears on are left alone rather than followed without end.
    size = jnp.maximum(jnp.abs(values), 1e-9)
    step = scale * (vectors @ ((vectors.T @ (scale * slope)) / size))
    steps = jnp.stack([step, scale**2 * slope])
    reached = jax.vmap(lambda one: projection_box(x + one, low, high) - x)(steps)
    return steps, jnp.maximum(jnp.max(reached @ slope), 0.0)
