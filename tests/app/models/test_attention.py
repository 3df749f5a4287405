"""The models of the tab Attention, with a small network that answers at once."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from so3k_explore.analysis.attention import attention
from so3k_explore.analysis.attention_blocks import blocks
from so3k_explore.analysis.attention_coefficients import attention_map
from so3k_explore.analysis.attention_families import attention_space
from so3k_explore.analysis.attention_verdict import Agreement
from so3k_explore.app.models import attention as attention_module
from so3k_explore.app.models import attention_families as families_module
from so3k_explore.app.models import faithfulness as faithfulness_module
from so3k_explore.app.models.attention_choice import BESIDE, DIFFERENCE, FAMILIES, HEAVY
from so3k_explore.app.models.attention_pictures import cylinders
from so3k_explore.app.models.session import Session
from so3k_explore.exploration.attention import attention_along
from so3k_explore.exploration.landscape import Landscape
from so3k_explore.jobs.attention_helper import AttentionQuestion, Families
from so3k_explore.jobs.single_point import SinglePointError
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.system import System
from tests.app.models.fakes import FakeRun, FakeRuns, fake_point
from tests.potentials import MIDDLE

TABLE = tuple(
    Agreement("magnitude", reference, 0.9, partial, 0.2, 50, 10)
    for reference, partial in (("masked", 0.3), ("Hessian", 0.5))
)
MODEL = "so3k-peptide-gfn2"


@cache
def random_network() -> So3krates:
    return So3krates.create(4, replace(MIDDLE, cutoff=5.0), dtype=jnp.float64)


def system_of(question: AttentionQuestion) -> System:
    return System.create(question.structure.positions, question.structure.numbers)


def answer(question: AttentionQuestion) -> Any:
    return attention(random_network(), system_of(question))


def sorted_families(question: AttentionQuestion) -> Families:
    with Landscape(question.landscape) as landscape:
        minima = landscape.minima()
        parts = blocks(question.reduction, landscape.numbers, landscape.bonds)
        maps = attention_along(random_network(), landscape.system(1), minima.positions, landscape.bonds, None, parts)
    space = attention_space(maps, families=2)
    return Families(minima.ids, maps, parts.names, space, {"torsions": (0.5, 0.01, 2)})


@pytest.fixture
def butane_run(butane: Any, tmp_path: Any) -> FakeRun:
    rng = np.random.default_rng(0)
    landscape = Landscape(tmp_path / "landscape.db")
    landscape.bind(butane)
    for number in range(8):
        size = 1.0 if number % 2 else 1.1
        landscape.add(0.01 * number, size * butane.positions + 0.02 * rng.normal(size=butane.positions.shape))
    return FakeRun("search", butane, kind="minima", state="done", found=landscape, model=MODEL, folder=tmp_path)


@pytest.fixture
def session(butane: Any, butane_run: FakeRun, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Session:
    monkeypatch.setenv("SO3K_HOME", str(tmp_path))
    monkeypatch.delenv("SO3K_MODELS", raising=False)
    monkeypatch.setattr(attention_module, "_answer", answer)
    monkeypatch.setattr(faithfulness_module, "_judge", lambda question: TABLE)
    monkeypatch.setattr(faithfulness_module, "REST_SECONDS", 0.0)
    monkeypatch.setattr(families_module, "_answer", sorted_families)
    runs: Any = FakeRuns(butane_run)
    return Session(lambda: runs, butane, fake_point)


@pytest.fixture
def at_rest(settle: Callable[[Session], None]) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        for _ in range(2):
            session.attention._next = 0.0
            settle(session)

    return run


def opened(session: Session, at_rest: Callable[[Session], None], run: str = "") -> Session:
    session.open(run=run, tab="attention")
    at_rest(session)
    session.tab = "attention"
    at_rest(session)
    return session


def test_the_matrix_is_that_of_the_structure_in_the_viewer(session: Session, at_rest: Any, butane: Any) -> None:
    opened(session, at_rest)
    (picture,) = session.attention.pictures
    expected = attention_map(attention(random_network(), butane.system))
    np.testing.assert_allclose(picture.matrix, expected, atol=1e-5)
    assert picture.names[0] == "C1"
    session.attention.choice.reduction = HEAVY
    assert session.attention.pictures[0].matrix.shape == (4, 4)


def test_nothing_is_asked_while_nobody_looks(session: Session, at_rest: Any) -> None:
    session.open(tab="molecule")
    at_rest(session)
    assert session.attention.pictures == []
    session.scene.color = "attention"
    at_rest(session)
    assert session.scene.attention is not None
    assert session.scene.attention.shape == (14,)


def test_layers_heads_and_degrees_are_those_of_the_network(session: Session, at_rest: Any) -> None:
    choice = opened(session, at_rest).attention.choice
    assert list(choice.param.layer.objects) == [-1, 0, 1]
    assert list(choice.param["head"].names) == ["All heads", "Head 1", "Head 2"]
    choice.branch = "equivariant"
    assert list(choice.param["head"].names) == ["All degrees", "Degree 1", "Degree 2", "Degree 3"]
    choice.head, choice.layer = 2, 1
    one = session.attention.pictures[0].matrix
    choice.quantity = "rollout"
    np.testing.assert_allclose(session.attention.pictures[0].matrix.sum(axis=1), 1.0, atol=1e-10)
    choice.quantity = "signed"
    np.testing.assert_array_equal(session.attention.pictures[0].matrix, one)


def test_cylinders_join_pairs_above_the_threshold(session: Session, at_rest: Any) -> None:
    opened(session, at_rest)
    shares = [abs(weight) for *_, weight in session.scene.edges]
    assert max(shares) == 1.0
    assert min(shares) >= 0.25
    before = len(shares)
    session.attention.choice.threshold = 0.9
    assert 1 <= len(session.scene.edges) < before
    session.attention.choice.cylinders = False
    assert session.scene.edges == []


def test_the_stronger_direction_makes_the_cylinder() -> None:
    matrix = np.array([[9.0, 0.5, 0.0], [-1.0, 9.0, 0.1], [0.0, 0.0, 9.0]])
    assert cylinders(matrix, [4, 7, 2], 0.3) == [(4, 7, -1.0)]
    assert cylinders(matrix, [4, 7, 2], 0.0) == [(4, 7, -1.0), (7, 2, 0.1)]
    assert cylinders(np.zeros((3, 3)), [4, 7, 2], 0.0) == []


def test_an_entry_is_picked_in_the_viewer_and_two_picked_atoms_mark_their_entry(session: Session, at_rest: Any) -> None:
    model = opened(session, at_rest).attention
    model.mark(2, 1)
    assert session.scene.picked == [2, 1]
    assert model.marked == (2, 1)
    session.scene.picked = [0, 3]
    assert model.marked == (0, 3)
    session.scene.picked = [0]
    assert model.marked is None
    model.mark(1, 1)
    assert session.scene.picked == [1]


def test_the_verdict_comes_with_the_picture_and_says_when_it_is_low(session: Session, at_rest: Any) -> None:
    faithfulness = opened(session, at_rest).attention.faithfulness
    assert faithfulness.rows()[0][:2] == ("magnitude", "masked")
    assert faithfulness.verdict("signed").startswith("Faithfulness low")


def test_a_pair_potential_is_explained_with_what_works(session: Session, at_rest: Any, butane_run: FakeRun) -> None:
    butane_run.model = "lennard-jones"
    model = opened(session, at_rest, "search").attention
    assert model.reason.startswith("lennard-jones has no attention")
    assert "Choose a SO3krates model in card 2" in model.reason
    assert model.pictures == []


def test_a_failure_is_a_sentence_and_the_next_structure_is_tried(
    session: Session, at_rest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(question: AttentionQuestion) -> Any:
        raise SinglePointError("The model file has gone.")

    monkeypatch.setattr(session.attention, "_answer", fail)
    opened(session, at_rest)
    assert session.attention.reason == "The model file has gone."
    monkeypatch.setattr(session.attention, "_answer", answer)
    structure = session.scene.structure
    assert structure is not None
    session.scene.live = structure.positions + 0.01
    at_rest(session)
    assert session.attention.reason == ""
    assert session.attention.pictures


def test_two_minima_are_shown_side_by_side_and_as_a_difference(session: Session, at_rest: Any) -> None:
    model = opened(session, at_rest, "search").attention
    session.selection.choose([1, 2])
    model.choice.shown = BESIDE
    at_rest(session)
    one, other = model.pictures
    assert (one.title, other.title) == ("Minimum 1 of 8", "Minimum 2")
    assert one.limit == other.limit
    model.choice.shown = DIFFERENCE
    (picture,) = model.pictures
    np.testing.assert_allclose(picture.matrix, other.matrix - one.matrix, atol=1e-12)
    session.selection.choose([1])
    at_rest(session)
    assert len(model.pictures) == 1


def test_minima_are_sorted_and_two_families_compared(session: Session, at_rest: Any) -> None:
    opened(session, at_rest, "search")
    families = session.attention_families
    assert families.found is not None
    assert sorted(np.bincount(families.found.space.labels).tolist()) == [4, 4]
    assert (families.first, families.second) == (0, 1)
    first = families.separating[0]
    assert first[2] != 0
    session.attention.choice.shown = FAMILIES
    (picture,) = session.attention.pictures
    one, other = (families.found.maps[families.found.space.labels == k].mean(axis=0) for k in range(2))
    np.testing.assert_allclose(picture.matrix, other - one, atol=1e-6)
    entry = families.entry(0)
    assert entry is not None
    assert (picture.names[entry[0]], picture.names[entry[1]]) == first[:2]
    families.second = 0
    assert families.separating == []


def test_sorting_needs_a_search_with_minima(session: Session, at_rest: Any) -> None:
    opened(session, at_rest)
    assert session.attention_families.reason.startswith("Show a search for minima")
    session.runs.shown = "search"
    at_rest(session)
    session.tab = "attention"
    at_rest(session)
    assert session.attention_families.reason == ""
    assert session.attention_families.found is not None
