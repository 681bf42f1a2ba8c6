"""Where between two bounds the verdict flips."""

from typing import Any

import numpy as np

from jaxmle._decisions._answers import OK, UNIDENTIFIED, Answers, Question

# Each round cuts a piece into so many; three of them tell the place to 1/4096 of a step of the grid.
_CUTS = 16
_ROUNDS = 3


def flips(answers: Answers) -> Any:
    """Whether the verdict differs between neighbours, both of which have one, along the last axis."""
    said = (answers.status == OK) | (answers.status == UNIDENTIFIED)
    return said[..., 1:] & said[..., :-1] & (answers.certified[..., 1:] != answers.certified[..., :-1])


def tipping_share(question: Question, start: Any, stop: Any) -> Any:
    """Share of the way from the bounds ``start`` to ``stop`` at which the verdict flips.

    Args:
        question: What is asked; it has a limit.
        start: Bounds of shape ``(K, 6)``.
        stop: Bounds of shape ``(K, 6)``, with the other verdict.

    Returns:
        Shares in [0, 1], shape ``(K,)``.
    """
    size = len(start)
    if not size:
        return np.zeros(0)
    before = question.answers(start).certified
    low, width = np.zeros(size), np.ones(size)
    steps = np.arange(1, _CUTS) / _CUTS
    for _ in range(_ROUNDS):
        share = low[:, None] + width[:, None] * steps
        ends = start[:, None] + share[..., None] * (stop - start)[:, None]
        same = question.answers(ends.reshape(-1, 6)).certified.reshape(share.shape) == before[:, None]
        # Pieces whose ends agree with the start, up to the first that does not.
        passed = np.cumprod(same, axis=1).sum(1)
        low += width * passed / _CUTS
        width /= _CUTS
    return low + width / 2
