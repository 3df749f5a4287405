"""Potentials that give the same energies have the same fingerprint, however they were loaded, and no others do."""

import dataclasses
from typing import Any

import jax
import numpy as np

from so3k_explore.potentials.checkpoints import load_checkpoint, save_potential
from so3k_explore.potentials.compression import compressed
from so3k_explore.potentials.fingerprint import fingerprint
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.protocol import Sum
from so3k_explore.potentials.registry import load_potential
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from so3k_explore.typing import pytree, static
from tests.potentials import MIDDLE, POTENTIALS, SMALL


def moved(potential: Any, name: str) -> Any:
    """The same with one parameter a little larger."""
    add = lambda path, leaf: leaf + 1e-3 if name in jax.tree_util.keystr(path) else leaf
    return potential.replace(params=jax.tree_util.tree_map_with_path(add, potential.params))


def test_precision_and_series_make_no_other_model() -> None:
    loaded: list[Any] = [load_potential("so3k-peptide-gfn2"), load_potential("so3k-peptide-gfn2", exact=True)]
    with jax.enable_x64(True):
        loaded.append(load_potential("so3k-peptide-gfn2", "float64"))
    assert loaded[0].architecture != loaded[1].architecture, "series and networks"
    assert len({fingerprint(potential) for potential in loaded}) == 1


def test_a_file_keeps_the_fingerprint(tmp_path: Any) -> None:
    potential = So3krates.create(3, SMALL)
    path = save_potential(tmp_path / "model.npz", potential)
    assert fingerprint(load_checkpoint(path).potential()) == fingerprint(potential)
    assert fingerprint(moved(potential, "offset")) != fingerprint(potential)


def test_models_are_told_apart() -> None:
    network = So3krates.create(3, MIDDLE)
    longer = network.replace(architecture=dataclasses.replace(MIDDLE, cutoff=MIDDLE.cutoff + 0.1))
    written_otherwise = ("so3krates, compressed", "so3lr, cutoff")
    apart = [
        *(known.potential for known in POTENTIALS if known.name not in written_otherwise),
        network,
        longer,
        moved(network, "offset"),
        LennardJones(epsilon=2.0),
        LennardJones(sigma=2.0),
        Sum((LennardJones(), LennardJones(epsilon=0.3))),
    ]
    letters = [fingerprint(potential) for potential in apart]
    assert all(len(word) == 16 for word in letters)
    assert len(set(letters)) == len(apart)
    assert fingerprint(compressed(network)) == fingerprint(network)


def test_numbers_may_be_arrays_and_the_long_range_cutoff_is_told_beside() -> None:
    assert fingerprint(LennardJones(epsilon=np.float64(0.3))) == fingerprint(LennardJones(epsilon=0.3))
    near, far = (So3lr.create(1, SMALL, cutoff) for cutoff in (6.0, float("inf")))
    assert fingerprint(near) == fingerprint(far) != fingerprint(So3krates.create(1, SMALL))


@pytree
class Scaled(LennardJones):
    """Of somebody else: with a function inside."""

    scale: Any = static(default=np.sqrt)


def test_what_cannot_be_seen_through_has_none() -> None:
    assert fingerprint(Scaled()) == ""
    assert fingerprint(Sum((LennardJones(), Scaled()))) == ""
