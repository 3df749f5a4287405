"""The way between two minima, with a real landscape."""

from collections.abc import Callable

import pytest

from so3k_explore.app.models.session import Session
from tests.app.models.landscapes import settle_all

Settle = Callable[[Session], None]


def test_the_way_between_two_chosen_minima_is_a_film(shown: Session, settle: Settle) -> None:
    shown.selection.choose([1, 3])
    settle_all(shown, settle)
    way = shown.way.way
    assert way is not None
    assert [(stop.kind, stop.number) for stop in way.stops] == [
        ("minimum", 1),
        ("saddle", 1),
        ("minimum", 2),
        ("bound", 0),
        ("minimum", 3),
    ]
    assert way.barrier == pytest.approx(0.6)
    assert "at most 13.84 kcal/mol there, 9.22 kcal/mol back" in shown.way.sentence
    shown.way.play()
    assert shown.scene.frames is way.frames
    shown.scene.frame = 3
    assert (shown.way.frame, shown.selection.selection) == (3, [1, 3])
    shown.minima.param.trigger("minima")  # a search finds something: the film goes on
    assert shown.scene.frames is way.frames
    shown.selection.choose([2])
    assert shown.way.frame is None
    assert shown.way.way is None


def test_minima_that_nothing_joins_have_no_way(shown: Session, settle: Settle) -> None:
    shown.selection.choose([1, 4])
    settle_all(shown, settle)
    assert shown.way.way is None
    assert "No way between these two minima is known" in shown.way.sentence
