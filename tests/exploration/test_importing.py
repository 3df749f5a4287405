import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.exploration.importing import import_structures, read_structures
from so3k_explore.exploration.landscape import Landscape, LandscapeError
from so3k_explore.io.export import write_structures
from so3k_explore.io.molecule import Molecule, StructureError
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.system import System
from so3k_explore.typing import pytree
from tests.exploration.molecules import cluster, ethanol
from tests.exploration.searches import LJ7_MINIMA

LJ = LennardJones()


@pytree
class Charged(LennardJones):
    """Every atom has the energy of the total charge beside that of its pairs."""

    def __call__(self, graph):
        return super().__call__(graph) + graph.charge


@pytest.fixture(scope="module")
def seven(reference):
    """The four minima of seven atoms."""
    return np.load(reference / "landscapes" / "lj7_minima.npz")


def structures(frames, energies=None):
    rows = [None] * len(frames) if energies is None else energies
    bare = np.zeros((0, 2), int)
    made = [Molecule("lj7", System.create(frame, [18] * 7), bare, "test") for frame in frames]
    return list(zip(made, rows, strict=True))


def shaken(frames, seed=0):
    return frames + np.random.default_rng(seed).normal(scale=0.03, size=frames.shape)


def minima_of(seven):
    name = next(name for name in seven.files if seven[name].ndim == 3)
    return seven[name]


def test_shaken_minima_relax_to_the_minima_they_were(seven):
    frames = minima_of(seven)
    with Landscape() as landscape:
        twice = np.concatenate([shaken(frames), shaken(frames, seed=1)])
        found = import_structures(landscape, structures(twice), LJ)
        assert (found.added, found.known, found.refused) == ((1, 2, 3, 4), 4, ())
        np.testing.assert_allclose(np.sort(landscape.minima().energies), LJ7_MINIMA, atol=1e-5)
        assert set(landscape.minima().strategies) == {"import"}
        again = import_structures(landscape, structures(shaken(frames, seed=2)), LJ)
        assert (again.added, again.known) == ((), 4)


def test_structures_may_stay_as_they_are(seven):
    frames = shaken(minima_of(seven))
    with Landscape() as landscape:
        found = import_structures(landscape, structures(frames), LJ, relax=False)
        np.testing.assert_array_equal(landscape.minima().positions, frames)
        assert len(found.added) == 4
        assert (landscape.minima().energies > -16.5).all()
    with Landscape() as landscape:
        import_structures(landscape, structures(frames, [1.0, 2.0, 3.0, 4.0]), relax=False)
        assert landscape.minima().energies.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_energies_of_nobody_knows_which_model_are_not_mixed_with_those_of_a_model(seven):
    frames = minima_of(seven)
    with Landscape() as landscape:
        import_structures(landscape, structures(frames[:1]), LJ)
        with pytest.raises(LandscapeError, match=r"was made with the model LennardJones .* Give that model"):
            import_structures(landscape, structures(frames, [1.0, 2.0, 3.0, 4.0]), relax=False)
        assert len(landscape) == 1


def test_what_is_no_minimum_of_this_molecule_is_refused_with_the_reason(seven):
    frames = minima_of(seven)
    line = np.zeros((7, 3))
    line[:, 0] = 1.12 * np.arange(7)
    far = frames[0].copy()
    far[0] += 40.0
    strangers = [(cluster(6), None), (ethanol(), None)]
    with Landscape() as landscape:
        found = import_structures(landscape, [*structures([frames[0], line, far]), *strangers], LJ)
        assert found.added == (1,)
        text = " | ".join(found.refused)
        assert "structure 1: a saddle: lowest frequency" in text
        assert "structure 2: not relaxed: evaporated" in text
        assert "structure 3: it is Ar6, the landscape is of Ar7" in text
        assert len(landscape.set_aside_structures()) == 2


def test_charge_and_spin_are_those_of_the_landscape():
    """Files often do not say them."""
    ion = cluster(3).replace(system=cluster(3).system.replace(charge=jnp.asarray(2.0)))
    other = cluster(3, seed=2)
    with Landscape() as landscape:
        landscape.bind(ion)
        landscape.add(float(energy_and_forces(Charged(), ion.system)[0]), ion.positions)
        import_structures(landscape, [(other, None)], Charged(), relax=False)
        neutral = float(energy_and_forces(LJ, other.system)[0])
        assert landscape.minima().energies[1] == pytest.approx(neutral + 3 * 2.0)


def test_atoms_in_another_order_are_told_from_other_atoms():
    water = np.array([[0, 0, 0.119], [0, 0.763, -0.477], [0, -0.763, -0.477]])
    one, other = (
        (Molecule("water", System.create(water[order], np.array([8, 1, 1])[order]), np.zeros((0, 2), int), "test"), 0.0)
        for order in ([0, 1, 2], [1, 0, 2])
    )
    with Landscape() as landscape:
        found = import_structures(landscape, [one, other], relax=False)
        assert found.refused == ("structure 1: its atoms are in another order than those of the landscape",)


def test_without_energies_a_potential_is_asked_for(seven):
    with Landscape() as landscape:
        with pytest.raises(ValueError, match="`relax=False` and structures that have energies"):
            import_structures(landscape, structures(minima_of(seven)), relax=False)
        with pytest.raises(ValueError, match="no structure to import"):
            import_structures(landscape, [], LJ)


def test_a_folder_is_read_file_by_file_with_energies(tmp_path):
    for name, energy in (("b.xyz", 2.0), ("a.sdf", 1.0)):
        write_structures(tmp_path / name, [ethanol().system], energies=[energy])
    (tmp_path / "notes.txt").write_text("nothing")
    found = read_structures(tmp_path)
    assert [(molecule.name, energy) for molecule, energy in found] == [("a", 1.0), ("b", 2.0)]
    (tmp_path / "empty").mkdir()
    with pytest.raises(StructureError, match="holds no file of structures"):
        read_structures(tmp_path / "empty")
