"""Molecules side by side in one graph of fixed size, so that training compiles once.

An epoch is a random order of the frames, cut into batches that fill the capacities as far as whole molecules allow. The
order depends on the seed and the number of the epoch alone, so a resumed run sees the same batches.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from so3k_explore.geometry.graph import Graph, Pairs
from so3k_explore.geometry.neighbors import find_neighbors
from so3k_explore.io.datasets import Dataset, DatasetError
from so3k_explore.system import System
from so3k_explore.typing import Replaceable, pytree


@pytree
class Batch(Replaceable):
    """Structures and their labels. The last molecule owns the padding atoms and counts nothing.

    Further axes come first: of steps, then of devices.
    """

    positions: Float[Array, "*batches atoms 3"]  # Å
    numbers: Int[Array, "*batches atoms"]
    molecules: Int[Array, "*batches atoms"]
    charge: Float[Array, "*batches molecules"]  # e
    spin: Float[Array, "*batches molecules"]
    sizes: Int[Array, "*batches molecules"]  # number of atoms, 0 for padding
    receivers: Int[Array, "*batches edges"]
    senders: Int[Array, "*batches edges"]
    mask: Bool[Array, "*batches edges"]
    energies: Float[Array, "*batches molecules"]  # eV, without the shifts of the elements
    forces: Float[Array, "*batches atoms 3"]  # eV/Å
    far: Int[Array, "*batches 2 pairs"] | None = None  # unordered long-range pairs; padding points at the last atom
    dipoles: Float[Array, "*batches molecules 3"] | None = None  # e·Å
    charges: Float[Array, "*batches atoms"] | None = None  # e
    images: Float[Array, "*batches edges 3"] | None = None  # Å, from the sender to its periodic image
    volumes: Float[Array, "*batches molecules"] | None = None  # Å³, 0 without a cell
    stresses: Float[Array, "*batches molecules 3 3"] | None = None  # eV/Å³

    def graph(self, positions: Float[Array, "atoms 3"], strain: Float[Array, "molecules 3 3"] | None = None) -> Graph:
        """The graph at other positions of the same atoms, each molecule strained with its box."""
        unit = jnp.asarray([[1.0, 0.0, 0.0]], positions.dtype)
        vectors = positions[self.senders] - positions[self.receivers]
        if self.images is not None:
            vectors = vectors + self.images
        if strain is not None:
            vectors = vectors + jnp.einsum("ei,eij->ej", vectors, strain[self.molecules[self.receivers]])
        far = None
        if self.far is not None:
            i, j = self.far
            real = i != j
            apart = jnp.where(real[:, None], positions[j] - positions[i], unit)
            far = Pairs(receivers=i, senders=j, displacements=apart, mask=real)
        return Graph(
            positions=positions,
            numbers=self.numbers,
            charge=self.charge,
            spin=self.spin,
            receivers=self.receivers,
            senders=self.senders,
            displacements=jnp.where(self.mask[:, None], vectors, unit),
            mask=self.mask,
            long_range=far,
            molecules=self.molecules,
        )


@dataclass(frozen=True)
class Capacity:
    """Shape of a batch."""

    molecules: int
    atoms: int
    edges: int
    pairs: int = 0  # long-range


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches of a data set for a potential with these cutoffs (Å)."""

    dataset: Dataset
    cutoff: float
    molecules: int  # of a batch at most
    long_range: bool = False
    shifts: Float[np.ndarray, "numbers"] | None = None  # eV by atomic number, taken off the energies
    dtype: type = np.float32

    def __post_init__(self) -> None:
        if len(self.dataset) == 0:
            raise DatasetError("A data set with at least one frame is expected, got an empty one. Check the split.")
        if self.long_range and self.dataset.periodic.any():
            raise DatasetError(
                "A potential with long-range terms learns from molecules only, got periodic structures. "
                "Leave them out, or train a So3krates network without long-range terms."
            )

    @cached_property
    def edges(self) -> list[Int[np.ndarray, "2 edges"]]:
        """Directed pairs of every frame, sorted by receiver."""
        return [pairs for pairs, _ in self._listed]

    @cached_property
    def _listed(self) -> list[tuple[Int[np.ndarray, "2 edges"], Float[np.ndarray, "edges 3"] | None]]:
        """Pairs of every frame, and for periodic ones how far the image is from the sender, Å."""
        data, bounds = self.dataset, itertools.pairwise(self.dataset.offsets)
        return [
            _images(data[k].system, self.cutoff) if periodic else (_pairs(data.positions[a:b], self.cutoff), None)
            for k, ((a, b), periodic) in enumerate(zip(bounds, data.periodic, strict=True))
        ]

    @cached_property
    def capacity(self) -> Capacity:
        """What `molecules` frames need on average, with some room, but no more than that many of the largest need."""
        sizes = self.dataset.sizes
        counts = np.array([pairs.shape[1] for pairs in self.edges])

        def room(values: Int[np.ndarray, "frames"]) -> int:
            largest = np.sort(values)[::-1][: self.molecules]
            return _rounded(float(max(largest[0], min(values.mean() * self.molecules * 1.1, largest.sum()))))

        far = room(sizes * (sizes - 1) // 2) if self.long_range else 0
        return Capacity(self.molecules, room(sizes) + 1, room(counts), far)

    def epoch(self, seed: int, number: int) -> list[Int[np.ndarray, "frames"]]:
        """Frames of each batch, in random order."""
        order = np.random.default_rng([seed, number]).permutation(len(self.dataset))
        return list(self._packed(order))

    def in_order(self) -> Iterator[Int[np.ndarray, "frames"]]:
        """All frames once, in their order."""
        yield from self._packed(np.arange(len(self.dataset)))

    def _packed(self, order: Int[np.ndarray, "frames"]) -> Iterator[Int[np.ndarray, "frames"]]:
        limit, sizes = self.capacity, self.dataset.sizes
        batch: list[int] = []
        used = np.zeros(3, int)
        for frame in order.tolist():
            size = int(sizes[frame])
            needs = np.array([size, self.edges[frame].shape[1], size * (size - 1) // 2 if self.long_range else 0])
            full = used + needs > (limit.atoms - 1, limit.edges, limit.pairs)
            if batch and (full.any() or len(batch) == limit.molecules):
                yield np.array(batch)
                batch, used = [], np.zeros(3, int)
            batch.append(frame)
            used += needs
        if batch:
            yield np.array(batch)

    def collate(self, frames: Sequence[int] | Int[np.ndarray, "frames"]) -> Batch:
        """One batch of these frames."""
        limit, data = self.capacity, self.dataset
        chosen = data.select(np.asarray(frames, int))
        atoms, count = len(chosen.numbers), len(chosen)
        owner = np.full(limit.atoms, limit.molecules, np.int32)
        owner[:atoms] = np.repeat(np.arange(count), chosen.sizes)
        starts = chosen.offsets[:-1]
        listed = [self._listed[frame] for frame in frames]
        pairs = np.concatenate([edges + start for (edges, _), start in zip(listed, starts, strict=True)], axis=1)
        receivers, senders = (_filled(row, limit.edges, limit.atoms - 1, np.int32) for row in pairs)
        energies = chosen.energies if self.shifts is None else chosen.energies - _shift_sums(chosen, self.shifts)
        of_molecules = lambda values: _filled(values, limit.molecules + 1, 0, self.dtype)
        of_atoms = lambda values: _filled(values, limit.atoms, 0, self.dtype)
        return Batch(
            positions=of_atoms(chosen.positions),
            numbers=_filled(chosen.numbers, limit.atoms, 0, np.int32),
            molecules=jnp.asarray(owner),
            charge=of_molecules(chosen.charge),
            spin=of_molecules(chosen.spin),
            sizes=_filled(chosen.sizes, limit.molecules + 1, 0, np.int32),
            receivers=receivers,
            senders=senders,
            mask=jnp.asarray(np.arange(limit.edges) < pairs.shape[1]),
            energies=of_molecules(energies),
            forces=of_atoms(chosen.forces),
            far=_far_pairs(chosen, limit) if self.long_range else None,
            dipoles=None if chosen.dipoles is None else of_molecules(chosen.dipoles),
            charges=None if chosen.charges is None else of_atoms(chosen.charges),
            images=None if chosen.cells is None else _filled(_all_images(listed), limit.edges, 0, self.dtype),
            volumes=None if chosen.cells is None else of_molecules(np.abs(np.linalg.det(chosen.cells))),
            stresses=None if chosen.stresses is None else of_molecules(chosen.stresses),
        )


def stacked(batches: Sequence[Batch]) -> Batch:
    """Batches of the same shape, one after the other along a new leading axis."""
    return jax.tree.map(lambda *leaves: np.stack(leaves), *batches)


def _pairs(positions: Float[np.ndarray, "atoms 3"], cutoff: float) -> Int[np.ndarray, "2 edges"]:
    square = ((positions[:, None, :] - positions[None, :, :]) ** 2).sum(axis=-1)
    np.fill_diagonal(square, math.inf)
    return np.stack(np.nonzero(square < cutoff**2)).astype(np.int32)


def _images(system: System, cutoff: float) -> tuple[Int[np.ndarray, "2 edges"], Float[np.ndarray, "edges 3"]]:
    """Pairs in a periodic box, and how far the image is from the sender."""
    found = find_neighbors(system, cutoff, skin=0.0).short
    real, cell = np.asarray(found.mask), np.asarray(system.cell, float)
    pairs = np.stack([np.asarray(found.receivers)[real], np.asarray(found.senders)[real]]).astype(np.int32)
    return pairs, np.asarray(found.shifts, float)[real] @ cell


def _all_images(listed: Sequence[tuple[np.ndarray, np.ndarray | None]]) -> Float[np.ndarray, "edges 3"]:
    return np.concatenate([np.zeros((pairs.shape[1], 3)) if images is None else images for pairs, images in listed])


def _far_pairs(chosen: Dataset, limit: Capacity) -> Int[Array, "2 pairs"]:
    found = [
        np.stack(np.triu_indices(size, 1)) + start for size, start in zip(chosen.sizes, chosen.offsets, strict=False)
    ]
    return jnp.stack([_filled(row, limit.pairs, limit.atoms - 1, np.int32) for row in np.concatenate(found, axis=1)])


def _shift_sums(dataset: Dataset, shifts: Float[np.ndarray, "numbers"]) -> Float[np.ndarray, "frames"]:
    return np.add.reduceat(shifts[dataset.numbers], dataset.offsets[:-1])


def _filled(values: np.ndarray, length: int, padding: float | int, dtype: type) -> Array:
    filled = np.full((length, *values.shape[1:]), padding, dtype)
    filled[: len(values)] = values
    return jnp.asarray(filled)


def _rounded(value: float, step: int = 32) -> int:
    return math.ceil(value / step) * step
