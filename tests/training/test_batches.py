import jax
import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.io.datasets import Dataset, DatasetError, Frame, from_frames
from so3k_explore.observables.forces import energy_and_forces
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.training.batches import Batches
from so3k_explore.training.loss import predict
from tests.molecules import ETHANOL
from tests.potentials import MIDDLE, REPELLING, so3krates


def ethanols(count: int = 7) -> Dataset:
    """Ethanol, and every second time only its first six atoms, with made-up labels."""
    rng = np.random.default_rng(0)
    frames = []
    for number in range(count):
        atoms = 9 if number % 2 else 6
        frames.append(
            Frame(
                numbers=np.asarray(ETHANOL.numbers)[:atoms],
                positions=np.asarray(ETHANOL.positions)[:atoms] + rng.normal(scale=0.05, size=(atoms, 3)),
                energy=float(number),
                forces=rng.normal(size=(atoms, 3)),
                molecule="ethanol",
                charge=float(number % 3 - 1),
            )
        )
    return from_frames(frames, "made up")


@pytest.mark.parametrize("kind", ["so3krates", "so3lr"])
def test_molecules_side_by_side_have_the_energies_and_forces_they_have_alone(kind: str) -> None:
    potential = so3krates(REPELLING, 1) if kind == "so3krates" else So3lr.create(2, MIDDLE, dtype=jnp.float64)
    data = ethanols()
    batches = Batches(data, potential.cutoff, 4, long_range=kind == "so3lr", dtype=np.float64)
    for frames in batches.in_order():
        batch = jax.tree.map(jnp.asarray, batches.collate(frames))
        predicted = jax.jit(predict, static_argnames="charges")(potential, batch, charges=kind == "so3lr")
        start = 0
        for place, frame in enumerate(frames.tolist()):
            system = data[frame].system
            energy, forces = energy_and_forces(potential, system)
            np.testing.assert_allclose(predicted.energies[place], energy, atol=1e-9)
            np.testing.assert_allclose(predicted.forces[start : start + system.n_atoms], forces, atol=1e-9)
            if predicted.charges is not None:
                total = predicted.charges[start : start + system.n_atoms].sum()
                np.testing.assert_allclose(total, system.charge, atol=1e-9)
            start += system.n_atoms


def test_an_epoch_holds_every_frame_once_and_depends_on_seed_and_number_alone() -> None:
    batches = Batches(ethanols(23), 4.0, 4)
    epoch = batches.epoch(3, 1)
    assert sorted(np.concatenate(epoch).tolist()) == list(range(23))
    assert max(map(len, epoch)) <= 4
    assert [part.tolist() for part in batches.epoch(3, 1)] == [part.tolist() for part in epoch]
    assert np.concatenate(batches.epoch(3, 2)).tolist() != np.concatenate(epoch).tolist()


def test_shifts_of_the_elements_are_taken_off_the_energies() -> None:
    data = ethanols(3)
    shifts = np.zeros(119)
    shifts[[1, 6, 8]] = 1.0, 10.0, 100.0
    batches = Batches(data, 4.0, 3, shifts=shifts, dtype=np.float64)
    batch = batches.collate([0, 1, 2])
    expected = [data[k].energy - shifts[data[k].numbers].sum() for k in range(3)]
    np.testing.assert_allclose(np.asarray(batch.energies)[:3], expected)


def test_an_empty_split_is_refused() -> None:
    with pytest.raises(DatasetError, match="at least one frame"):
        Batches(ethanols(3).select([]), 4.0, 3)


def test_batches_have_no_more_room_than_their_largest_frames_need() -> None:
    same, mixed = Batches(ethanols(20).select(slice(1, None, 2)), 4.0, 4), Batches(ethanols(20), 4.0, 2)
    edges = max(pairs.shape[1] for pairs in same.edges)
    assert same.capacity.atoms == 64 + 1  # 4 x 9 in steps of 32, and one that owns nothing
    assert 4 * edges <= same.capacity.edges < 4 * edges + 32
    assert mixed.capacity.atoms == 32 + 1
    assert [len(frames) for frames in same.epoch(0, 0)] == [4, 4, 2]
