import numpy as np

from so3k_explore.app.panes import MoleculePane, PlayerBar
from so3k_explore.app.theme import ICONS


def test_the_bar_appears_with_the_frames_and_shows_whether_they_play() -> None:
    pane = MoleculePane()
    bar = PlayerBar(pane)
    bar.suit(conformers=True)
    assert not bar._row.visible
    pane.show(np.array([2, 2]), np.array([[0.0, 0, 0], [0, 0, 3]]), np.zeros((0, 2), int))
    pane.set_frames(np.zeros((5, 2, 3)))
    assert bar._row.visible
    assert (bar._slider.end, bar._slider.label, pane.fps) == (4, "Conformer", 6.0)
    pane.playing = True
    assert bar._play.icon == ICONS["pause"]
