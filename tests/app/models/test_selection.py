"""The one selection of a page."""

from so3k_explore.app.models.minima import MinimaModel
from so3k_explore.app.models.selection import Selection


def test_the_first_chosen_minimum_is_looked_at_and_each_counts_once() -> None:
    selection = Selection()
    selection.choose([7, 3, 7])
    assert (selection.focus, selection.selection) == (7, [7, 3])
    selection.choose([3, 5], focus=5)
    assert (selection.focus, selection.selection) == (5, [3, 5])
    selection.choose([])
    assert (selection.focus, selection.selection) == (None, [])


def test_followers_hear_of_each_change_once() -> None:
    selection, heard = Selection(), []
    selection.param.watch(lambda *events: heard.append(selection.focus), ["focus", "selection"])
    selection.choose([2, 4])
    selection.choose([2, 4])
    selection.clear()
    assert heard == [2, None]


def test_a_minimum_can_be_added_and_taken_out_again() -> None:
    selection = Selection()
    for key, expected in ((4, [4]), (9, [9, 4]), (4, [9]), (9, [])):
        selection.add(key)
        assert selection.selection == expected
    assert selection.focus is None


def test_keys_that_are_not_read_yet_have_no_place() -> None:
    selection = Selection()
    model = MinimaModel(selection)
    selection.choose([8])
    assert (model.rank(8), model.ranks()) == (None, [])
