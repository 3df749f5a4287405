"""Attention over the minima of a landscape against what might explain it."""

import numpy as np
import pytest

from so3k_explore.analysis.attention_blocks import blocks
from so3k_explore.analysis.attention_coefficients import Channel
from so3k_explore.analysis.attention_families import attention_space
from so3k_explore.analysis.canonical import canonical_positions
from so3k_explore.exploration.attention import LandscapeAttention, correlations
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.library import named


@pytest.fixture(scope="module")
def landscape():
    butane = named("butane")
    rng = np.random.default_rng(0)
    with Landscape() as made:
        made.bind(butane)
        for energy in rng.normal(size=12):
            made.add(energy, butane.positions + rng.normal(scale=0.3, size=butane.positions.shape))
        yield made


def seen(landscape, maps):
    found, parts = landscape.minima(), blocks("heavy atoms", landscape.numbers, landscape.bonds)
    return LandscapeAttention(found.ids, found.energies, maps, Channel("magnitude"), parts, attention_space(maps))


def distances(landscape):
    parts = blocks("heavy atoms", landscape.numbers, landscape.bonds)
    ordered = canonical_positions(landscape.minima().positions, landscape.numbers, landscape.bonds)
    centres = np.stack([ordered[:, parts.atoms(block)].mean(axis=1) for block in range(4)], axis=1)
    return np.linalg.norm(centres[:, :, None] - centres[:, None], axis=-1)


def test_attention_that_falls_with_distance_is_found_out(landscape):
    maps = np.exp(-distances(landscape)) + np.eye(4)[None] * np.arange(12)[:, None, None]
    found = correlations(landscape, seen(landscape, maps))
    assert set(found) == {"distance", "hydrogen bonds", "energy"}
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(found["distance"].rho[off], -1)
    assert (found["distance"].rates[off] < 1e-3).all()
    assert np.isnan(found["hydrogen bonds"].rho).all()  # butane has none
    assert (found["energy"].rates[off] > 0.05).any()


def test_attention_that_follows_energy_or_charges_is_found_out(landscape):
    charges = np.random.default_rng(1).normal(size=(12, 14))
    parts = blocks("heavy atoms", landscape.numbers, landscape.bonds)
    total = np.stack([charges[:, parts.atoms(block)].sum(axis=1) for block in range(4)], axis=1)
    maps = total[:, :, None] * total[:, None, :]
    maps[:, 0, 1] = landscape.minima().energies
    found = correlations(landscape, seen(landscape, maps), charges)
    assert found["energy"].rho[0, 1] == pytest.approx(1)
    assert found["charges"].rho[2, 3] == pytest.approx(1)
    assert abs(found["charges"].rho[0, 1]) < 0.9
