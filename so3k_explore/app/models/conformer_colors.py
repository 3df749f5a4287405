"""What the colours of minima mean in the tab Conformers: the family of each, or a number that each has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from so3k_explore.app.models.display import counted, typeset

if TYPE_CHECKING:
    from so3k_explore.app.models.family_pictures import FamilyPicture
    from so3k_explore.app.models.session import Session

FAMILY, ENERGY, RADIUS, HYDROGEN_BONDS, DIPOLE = "family", "energy", "radius", "hydrogen bonds", "dipole"
COLORINGS = {
    "Family": FAMILY,
    "Energy": ENERGY,
    "Radius of gyration": RADIUS,
    "Hydrogen bonds": HYDROGEN_BONDS,
    "Dipole moment": DIPOLE,
}


@dataclass(frozen=True, eq=False)
class Scale:
    """A number of each minimum, and how it is said."""

    values: np.ndarray  # (minima,); NaN where it is not known
    say: Callable[[float], str]

    def label(self, place: int) -> str:
        """What is to be said about one minimum."""
        value = float(self.values[place])
        return self.say(value) if np.isfinite(value) else ""

    @property
    def ends(self) -> tuple[str, str] | None:
        """The smallest and the largest number in words; None while none is known."""
        known = self.values[np.isfinite(self.values)]
        return (self.say(float(known.min())), self.say(float(known.max()))) if len(known) else None


def scale_of(session: "Session", picture: "FamilyPicture") -> Scale | None:
    """The numbers that the reader wants to see in colours; None: families."""
    by = session.families.color
    if by == ENERGY:
        return Scale(picture.minima.energies, lambda value: f"ΔE {session.display.energy_text(value)}")
    if by == RADIUS:
        return Scale(picture.radii, lambda value: f"Rg {typeset(value, 2)} Å")
    if by == HYDROGEN_BONDS:
        return Scale(picture.hydrogen_bonds.astype(float), lambda value: counted(round(value), "hydrogen bond"))
    if by == DIPOLE:
        return Scale(session.dipoles.of(picture.minima.keys), lambda value: f"μ {typeset(value, 2)} D")
    return None
