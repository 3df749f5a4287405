"""What the viewer shows: one structure or the frames of one walker, with a line that says what it is."""

from dataclasses import dataclass

import numpy as np
import param


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms to draw."""

    numbers: np.ndarray  # (atoms,)
    positions: np.ndarray  # (atoms, 3), Å
    bonds: np.ndarray  # (bonds, 2)
    cell: np.ndarray | None = None  # (3, 3), Å
    charges: np.ndarray | None = None  # (atoms,), e


class Scene(param.Parameterized):
    """The one structure in the middle of the page."""

    structure = param.ClassSelector(class_=Structure, default=None, allow_None=True, doc="Atoms and bonds on show.")
    frames = param.Array(None, allow_None=True, doc="(frames, atoms, 3) in Å that the player plays.")
    times = param.Array(None, allow_None=True, doc="Time of each frame, fs.")
    frame = param.Integer(0, bounds=(0, None), doc="Which of the frames the player shows.")
    title = param.String("", doc="Name of what is shown.")
    detail = param.String("", doc="Energy and label of what is shown.")
    show_overlay = param.Boolean(True, label="Overlay", doc="Draw the other chosen structures over the one shown.")
    overlay = param.List([], doc="Further structures (atoms, 3) in Å, superposed on the one shown.")
    live = param.Array(None, allow_None=True, doc="(atoms, 3) in Å: the frame a run has just computed.")
    walker = param.Integer(0, bounds=(0, None), label="Walker", doc="Which of the independent copies is shown, from 0.")
    walkers = param.Integer(1, bounds=(1, None), doc="How many there are.")
    going = param.Boolean(False, doc="Whether a run is going, so that there is something to follow.")
    follow = param.Boolean(True, label="Live", doc="Show each new frame of a running run as it comes.")

    def show(self, structure: Structure, title: str, detail: str = "") -> None:
        """Shows one structure alone."""
        self.param.update(
            structure=structure, frames=None, times=None, title=title, detail=detail, overlay=[], live=None
        )
