from typing import Any

import numpy as np
import pytest

from so3k_explore.io.datasets import Dataset, DatasetError, Frame, concatenate, from_frames
from so3k_explore.training.splits import check_forces, distinct, force_consistency, reasonable, split


def springs(frames: int = 40, sign: float = 1.0, scale: float = 1.0) -> Dataset:
    """A diatomic with a spring of 30 eV/Å², moving a little from frame to frame; four trajectories, two molecules."""
    made = []
    for k in range(frames):
        length = 1.0 + 0.05 * np.sin(0.7 * k)
        pull = 30.0 * (length - 1.0)
        made.append(
            Frame(
                numbers=np.array([1, 1]),
                positions=np.array([[0.0, 0, 0], [length, 0, 0]]),
                energy=15.0 * (length - 1.0) ** 2 * scale,
                forces=sign * np.array([[pull, 0, 0], [-pull, 0, 0]]),
                molecule=f"spring {2 * k // frames}",
                group=4 * k // frames,
            )
        )
    return from_frames(made, "spring")


def test_a_split_keeps_whole_groups_and_whole_molecules_together() -> None:
    data = springs(80)
    parts = split(data, validation=0.5, test=0.0, held_out=["spring 1"], seed=1)
    assert sorted(np.concatenate(parts).tolist()) == list(range(80))
    assert set(data.molecules[parts.unseen]) == {"spring 1"}
    assert len(parts.training) == len(parts.validation) == 20
    assert not set(data.groups[parts.training]) & set(data.groups[parts.validation])


def test_what_comes_later_does_not_change_what_earlier_frames_are_for() -> None:
    apart = lambda data: from_frames([data[k]._replace(group=k) for k in range(len(data))], data.level)
    before = apart(springs(40))
    after, generations = concatenate([before, apart(springs(20))]), np.repeat([0, 1], [40, 20])
    one, other = split(before, validation=0.3), split(after, validation=0.3, generations=generations)
    assert [part[part < 40].tolist() for part in other] == [part.tolist() for part in one]
    assert len(other.validation) == len(one.validation) + 6
    mixed = split(after, validation=0.3)
    assert set(mixed.validation) & set(one.training)


def test_a_split_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(DatasetError, match="Nothing is left"):
        split(springs(), held_out=["spring 0", "spring 1"])
    with pytest.raises(DatasetError, match="benzene"):
        split(springs(), held_out=["benzene"])


def test_forces_that_are_the_slope_of_the_energy_pass() -> None:
    assert force_consistency(springs()) == pytest.approx(1.0, abs=1e-6)
    check_forces(springs())


@pytest.mark.parametrize(("change", "words"), [({"sign": -1.0}, "gradients"), ({"scale": 23.06}, "units")])
def test_gradients_and_mixed_units_are_noticed(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        check_forces(springs(**change))


def test_outliers_and_copies_are_found() -> None:
    data = springs(4)
    twice = from_frames([data[0], data[0], data[1], data[2]], "spring")
    assert distinct(twice).tolist() == [0, 2, 3]
    wild = from_frames([data[0], data[1]._replace(forces=data[1].forces * 1e4 + 100.0)], "spring")
    assert reasonable(wild).tolist() == [0]
