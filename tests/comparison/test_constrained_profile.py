import numpy as np
import pytest

from jaxmle._comparison._constrained_profile import constrained_end


def test_multipliers_end_where_the_cut_off_is_lost_past_a_jump_and_at_a_bound():
    scale, size = np.array([1e-3, 1.0, 1e4]), 3

    def parabola(index, multiplier):
        # The maximum of multiplier * x - x^2 / (2 scale^2) costs (multiplier * scale)^2.
        return multiplier * scale[index] ** 2, (multiplier * scale[index]) ** 2

    found = constrained_end(parabola, np.full(size, 3.84), 1e12)
    assert found.converged.all()
    assert not found.at_bound.any()
    np.testing.assert_allclose(found.value, np.sqrt(3.84) * scale, rtol=1e-3)

    def jumping(index, multiplier):
        # No multiplier ends between 1 and 2: the cut-off is lost somewhere in the jump.
        return np.where(multiplier < 5, 1.0, 2.0), np.where(multiplier < 5, 1.0, 9.0)

    found = constrained_end(jumping, np.array([3.84]), 1e12)
    assert found.converged.all()
    assert found.value == 2.0

    for wall in (0.3, 1.2, 1.9, 1.95):

        def walled(index, multiplier, wall=wall):
            return np.minimum(multiplier, wall), np.minimum(multiplier, wall) ** 2

        found = constrained_end(walled, np.array([3.84]), 1e12)
        assert found.at_bound.all()
        assert found.converged.all()
        assert found.value == pytest.approx(wall)
