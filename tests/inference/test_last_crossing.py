"""The search for where p-values come down to a level."""

import numpy as np

from jaxmle._inference._last_crossing import last_crossing
from jaxmle._stats import tail_of_t

REACH = (0.8, 1.25)


def test_ends_of_stretched_normal_tails_are_found_in_three_looks():
    stretch = np.linspace(0.9, 1.1, 11)
    alpha = np.full(11, 0.025)
    looks = []

    def look(place, root):
        looks.append(len(place))
        return root, tail_of_t(root * stretch[place], np.full(len(root), np.inf))

    root, is_found, is_open = last_crossing(look, np.full(11, 1.96), np.full(11, 9.0), alpha, REACH)
    assert is_found.all()
    assert not is_open.any()
    assert len(looks) <= 3
    np.testing.assert_allclose(root * stretch, 1.959964, rtol=0.006)


def test_the_last_of_several_crossings_counts_and_steps_are_enclosed():
    def look(place, root):
        steps = np.where(root < 1.9, 0.02, np.where(root < 2.05, 0.03, 0.001))
        return root, steps

    root, is_found, _ = last_crossing(look, np.array([2.0]), np.array([9.0]), np.array([0.025]), REACH)
    assert is_found.all()
    assert 2.0 <= root[0] <= 2.05 * 1.06


def test_where_p_stays_above_the_level_the_greatest_root_is_the_end_or_a_guess_is_handed_on():
    def look(place, root):
        return root, np.full(len(root), 0.4)

    root, is_found, is_open = last_crossing(
        look, np.array([1.0, 1.0]), np.array([1.1, 5.0]), np.array([0.025, 0.025]), REACH
    )
    np.testing.assert_array_equal(is_found, [True, False])
    np.testing.assert_array_equal(is_open, [True, False])
    np.testing.assert_array_equal(root, [1.1, 1.25])
