"""What the viewer shows: one structure or the frames of one walker, with a line that says what it is."""

from dataclasses import dataclass

import numpy as np
import param

from so3k_explore.app.models.display import typeset

COLORS = {"Element": "element", "Charge": "charge", "Attention": "attention"}


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms to draw."""

    numbers: np.ndarray  # (atoms,)
    positions: np.ndarray  # (atoms, 3), Å
    bonds: np.ndarray  # (bonds, 2)
    cell: np.ndarray | None = None  # (3, 3), Å


class Scene(param.Parameterized):
    """The one structure in the middle of the page."""

    structure = param.ClassSelector(class_=Structure, default=None, allow_None=True, doc="Atoms and bonds on show.")
    frames = param.Array(None, allow_None=True, doc="(frames, atoms, 3) in Å that the player plays.")
    times = param.Array(None, allow_None=True, doc="Time of each frame, fs.")
    frame = param.Integer(0, bounds=(0, None), doc="Which of the frames the player shows.")
    playing = param.Boolean(False, doc="Whether the player plays.")
    film = param.Boolean(False, doc="Whether the frames are a film asked for: they stay until something is chosen.")
    title = param.String("", doc="Name of what is shown.")
    detail = param.String("", doc="Energy and label of what is shown.")
    show_overlay = param.Boolean(True, label="Overlay", doc="Draw the other chosen structures over the one shown.")
    overlay = param.List([], doc="Further structures (atoms, 3) in Å, superposed on the one shown.")
    charges = param.Array(None, allow_None=True, doc="(atoms,) in e: partial charges of what is shown.")
    no_charges = param.String("", doc="Why there are none.")
    attention = param.Array(None, allow_None=True, doc="(atoms,): how much each atom is listened to.")
    edges = param.List([], doc="Cylinders: two atoms, and what joins them as a share from -1 to 1.")
    color = param.Selector(default="element", objects=COLORS, label="Colour by", doc="Of the atoms.")
    picked = param.List([], item_type=int, doc="Atoms that the reader has clicked, from 0.")
    live = param.Array(None, allow_None=True, doc="(atoms, 3) in Å: the frame a run has just computed.")
    walker = param.Integer(0, bounds=(0, None), label="Walker", doc="Which of the independent copies is shown, from 0.")
    walkers = param.Integer(1, bounds=(1, None), doc="How many there are.")
    going = param.Boolean(False, doc="Whether a run is going, so that there is something to follow.")
    follow = param.Boolean(True, label="Live", doc="Show each new frame of a running run as it comes.")

    def show(self, structure: Structure, title: str, detail: str = "") -> None:
        """Shows one structure alone; charges stay until others are known, unless the atoms are others."""
        before = self.structure
        same = before is not None and np.array_equal(before.numbers, structure.numbers)
        self.param.update(
            **{"structure": structure, "frames": None, "times": None, "title": title, "detail": detail},
            **{"overlay": [], "live": None, "film": False, "charges": self.charges if same else None},
            **{} if same else {"attention": None, "edges": []},
        )

    @property
    def positions(self) -> np.ndarray | None:
        """What is drawn now, (atoms, 3) in Å."""
        if self.live is not None:
            return self.live
        if self.frames is not None and self.frame < len(self.frames):
            return self.frames[self.frame]
        return None if self.structure is None else self.structure.positions

    def atom_text(self) -> str:
        """Number, element and charge of the atom that was clicked; empty unless it is one."""
        if self.structure is None or len(self.picked) != 1:
            return ""
        from ase.data import atomic_names, chemical_symbols

        atom = self.picked[0]
        number = int(self.structure.numbers[atom])
        known = f"{typeset(float(self.charges[atom]), 3)} e" if self.charges is not None else ""
        words = (f"Atom {atom + 1}", f"{atomic_names[number]} ({chemical_symbols[number]})", known or self.no_charges)
        return " · ".join(word for word in words if word)
