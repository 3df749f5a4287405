"""Attention is answered by a process of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.attention import attention
from so3k_explore.exploration.attention import landscape_attention
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.io.structures import load_molecule
from so3k_explore.jobs.attention_helper import (
    ATTENTION,
    FAITHFULNESS,
    FAMILIES,
    AttentionQuestion,
    attention_answers,
    slow_answers,
)
from so3k_explore.jobs.single_point import SinglePointError
from so3k_explore.potentials.registry import load_potential

MODEL = "so3k-peptide-gfn2"
METHANOL = load_molecule("CO")
SHAKEN = METHANOL.positions[None] + 0.03 * np.random.default_rng(0).normal(size=(8, METHANOL.n_atoms, 3))


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    yield
    attention_answers.close()
    slow_answers.close()


def about(what: str, model: str = MODEL, **options: Any) -> AttentionQuestion:
    return AttentionQuestion.about(what, METHANOL, model, SHAKEN[0], precision="float64", **options)


def test_attention_comes_back_as_it_is_computed_here() -> None:
    found = attention_answers(about(ATTENTION))
    expected = attention(load_potential(MODEL, "float64"), METHANOL.system.replace(positions=jnp.asarray(SHAKEN[0])))
    np.testing.assert_array_equal(found.receivers, expected.receivers)
    np.testing.assert_allclose(found.invariant, expected.invariant, atol=1e-10)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-10)
    assert found.degrees == expected.degrees


def test_families_of_a_landscape_come_back_with_maps_and_agreement(tmp_path: Path) -> None:
    with Landscape(tmp_path / "landscape.db") as landscape:
        landscape.bind(METHANOL)
        for number, positions in enumerate(SHAKEN):
            landscape.add(0.01 * number, positions)
        expected = landscape_attention(landscape, load_potential(MODEL, "float64"))
    question = about(FAMILIES, landscape=str(tmp_path / "landscape.db"), minima=len(SHAKEN))
    found = slow_answers(question)
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_allclose(found.maps, expected.maps, atol=1e-6)
    np.testing.assert_array_equal(found.space.labels, expected.labels)
    assert found.names == ("C1", "O2")
    assert all(len(row) == 3 for row in found.agreement.values())


def test_faithfulness_comes_back_as_a_table_and_what_is_impossible_in_words() -> None:
    table = slow_answers(about(FAITHFULNESS))
    assert {row.reference for row in table} == {"masked", "Hessian"}
    with pytest.raises(SinglePointError, match="LennardJones has no attention"):
        attention_answers(about(ATTENTION, "lennard-jones"))
