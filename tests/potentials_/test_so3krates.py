import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.geometry.graph import build_graph
from so3k_explore.geometry.neighbors import find_neighbors
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.protocol import Potential
from so3k_explore.potentials.so3krates import Architecture, So3krates, architecture_from_json, unordered_pairs
from so3k_explore.system import System
from tests.molecules import ETHANOL
from tests.potentials import SMALL


def test_it_is_a_potential() -> None:
    assert isinstance(So3krates.create(0, SMALL), Potential)


def test_each_pair_is_kept_once_with_its_displacement() -> None:
    graph = build_graph(ETHANOL, find_neighbors(ETHANOL, 2.5))
    pairs = unordered_pairs(graph)
    found = {(int(i), int(j)) for i, j in zip(pairs.receivers[pairs.mask], pairs.senders[pairs.mask], strict=True)}
    directed = {(int(i), int(j)) for i, j in zip(graph.receivers[graph.mask], graph.senders[graph.mask], strict=True)}
    assert found == {(i, j) for i, j in directed if i < j}
    assert int(pairs.mask.sum()) * 2 == int(graph.mask.sum())
    expected = ETHANOL.positions[pairs.senders] - ETHANOL.positions[pairs.receivers]
    np.testing.assert_allclose(pairs.displacements[pairs.mask], expected[pairs.mask], atol=1e-14)
    assert (np.diff(pairs.receivers) >= 0).all()


def test_images_of_an_atom_are_kept_once() -> None:
    box = System.create([[0.1, 0.2, 0.3]], [18], cell=np.diag([2.0, 2.1, 2.2]))
    graph = build_graph(box, find_neighbors(box, 3.5))
    pairs = unordered_pairs(graph)
    kept = np.asarray(pairs.displacements[pairs.mask])
    everything = np.concatenate([kept, -kept])
    assert len(np.unique(everything.round(8), axis=0)) == int(graph.mask.sum()) == len(everything)


def test_total_charge_and_spin_matter_only_where_they_are_embedded() -> None:
    for embedded in (True, False):
        sizes = Architecture(8, 1, 1, (1,), 2.2, 6, average_neighbors=2.0, charge_and_spin=embedded)
        potential = So3krates.create(0, sizes, jnp.float64)
        neutral, _ = energy_and_forces(potential, ETHANOL)
        ion, _ = energy_and_forces(potential, ETHANOL.replace(charge=jnp.asarray(1.0)))
        radical, _ = energy_and_forces(potential, ETHANOL.replace(spin=jnp.asarray(1.0)))
        assert bool(abs(ion - neutral) > 1e-6) == embedded
        assert bool(abs(radical - neutral) > 1e-6) == embedded


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"features": 30}, "multiple of `heads` = 4"),
        ({"layers": 0}, "`layers` must be positive, got 0"),
        ({"cutoff": -1.0}, r"`cutoff` must be positive, got -1\.0"),
        ({"degrees": [3, 1]}, "increasing"),
        ({"radial_basis": "wavelets"}, "one of .*bernstein"),
        ({"widht": 3}, "Unknown hyper-parameter 'widht'; known are .*features"),
    ],
)
def test_impossible_architectures_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        architecture_from_json(values)
