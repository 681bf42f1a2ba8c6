import numpy as np
import pytest

from jaxmle._pooling._push import pushed_end


def test_pushes_end_where_the_cut_off_is_lost_past_a_jump_and_at_a_bound():
    scale, size = np.array([1e-3, 1.0, 1e4]), 3

    def parabola(index, push):
        # The maximum of push * x - x^2 / (2 scale^2) costs (push * scale)^2.
        return push * scale[index] ** 2, (push * scale[index]) ** 2

    found = pushed_end(parabola, np.full(size, 3.84), 1e12)
    assert found.converged.all()
    assert not found.at_bound.any()
    np.testing.assert_allclose(found.value, np.sqrt(3.84) * scale, rtol=1e-3)

    def jumping(index, push):
        # No push ends between 1 and 2: the cut-off is lost somewhere in the jump.
        return np.where(push < 5, 1.0, 2.0), np.where(push < 5, 1.0, 9.0)

    found = pushed_end(jumping, np.array([3.84]), 1e12)
    assert found.converged.all()
    assert found.value == 2.0

    def walled(index, push):
        return np.minimum(push, 0.3), np.minimum(push, 0.3) ** 2

    found = pushed_end(walled, np.array([3.84]), 1e6)
    assert found.at_bound.all()
    assert found.value == pytest.approx(0.3)
