from pathlib import Path

import numpy as np
import pytest

from so3k_explore.exploration.comparison import compare_landscapes
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.geometry.rotations import random_rotation
from so3k_explore.io.library import named


def of_butane(path: Path, energies: list[float], moved: float) -> Landscape:
    """Conformers made by stretching, the same ones in every landscape, turned and a little moved."""
    import jax

    butane, rng = named("butane"), np.random.default_rng(round(100 * moved))
    landscape = Landscape.open(path)
    landscape.bind(butane)
    for k, energy in enumerate(energies):
        turn = np.asarray(random_rotation(jax.random.key(k)))
        positions = butane.positions * (1 + 0.3 * k) + moved * rng.normal(size=butane.positions.shape)
        landscape.add(energy, positions @ turn.T + 3.0)
    return landscape


def test_common_minima_are_found_by_structure_though_energies_differ(tmp_path: Path) -> None:
    one = of_butane(tmp_path / "one.db", [-5.0, -4.9, -4.7], 0.0)
    other = of_butane(tmp_path / "other.db", [10.3, 10.0], 0.02)
    found = compare_landscapes(one, other)
    assert found.different == ""
    assert sorted(found.pairs.tolist()) == [[1, 1], [2, 2]]
    by_pair = dict(zip(found.pairs[:, 0].tolist(), found.energies.tolist(), strict=True))
    np.testing.assert_allclose(by_pair[1], [0.0, 0.3])
    np.testing.assert_allclose(by_pair[2], [0.1, 0.0])
    assert found.energy_error == pytest.approx(0.2)
    assert found.rmsd.max() < 0.1
    assert (len(found.one.ids), len(found.other.ids)) == (3, 2)


def test_another_molecule_is_compared_in_numbers_only(tmp_path: Path) -> None:
    one = of_butane(tmp_path / "one.db", [0.0, 0.1], 0.0)
    other = Landscape.open(tmp_path / "other.db")
    cluster = named("lj7")
    other.bind(cluster)
    other.add(1.0, cluster.positions)
    found = compare_landscapes(one, other)
    assert "other atoms" in found.different
    assert len(found.pairs) == 0
    assert np.isnan(found.energy_error)
    assert (found.one.coverage.minima, found.other.coverage.minima) == (2, 1)


def test_an_empty_landscape_has_nothing_in_common(tmp_path: Path) -> None:
    one = of_butane(tmp_path / "one.db", [0.0], 0.0)
    other = of_butane(tmp_path / "other.db", [], 0.0)
    found = compare_landscapes(one, other)
    assert len(found.pairs) == len(found.other.ids) == 0
