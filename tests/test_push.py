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

    for wall in (0.3, 1.2, 1.9, 1.95):

        def walled(index, push, wall=wall):
            return np.minimum(push, wall), np.minimum(push, wall) ** 2

        found = pushed_end(walled, np.array([3.84]), 1e12)
        assert found.at_bound.all()
        assert found.converged.all()
        assert found.value == pytest.approx(wall)
