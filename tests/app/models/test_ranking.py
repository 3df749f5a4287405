"""Minima as the page draws them."""

import numpy as np

from so3k_explore.app.models.minima import Ranking
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.library import named


def test_minima_are_drawn_where_the_molecule_is() -> None:
    molecule = named("butane")
    with Landscape() as landscape:
        landscape.bind(molecule)
        for k in range(3):
            landscape.add(-float(k), np.asarray(molecule.positions) + 7.0 + 0.5 * k)
        ranked = Ranking(molecule).rank(landscape.minima())
    expected = np.asarray(molecule.positions).mean(axis=0)
    np.testing.assert_allclose(ranked.positions.mean(axis=1), np.tile(expected, (3, 1)), atol=1e-3)
