"""How numbers are shown: the unit of energy, and the words around numbers."""

import math

import numpy as np
import param

from so3k_explore import units

ENERGY_UNITS = {"kcal/mol": units.KCAL_PER_MOL, "kJ/mol": units.KJ_PER_MOL, "eV": units.EV}
MINUS, DASH, TIMES = "\N{MINUS SIGN}", "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"


class Display(param.Parameterized):
    """What the reader has chosen about the page, not about the physics."""

    energy_unit = param.Selector(
        default="kcal/mol", objects=list(ENERGY_UNITS), label="Energies in", doc="Unit of every energy on the page."
    )
    dark = param.Boolean(False, label="Dark", doc="Whether the page is dark.")

    def energies(self, values: np.ndarray) -> np.ndarray:
        """Energies given in eV, in the chosen unit."""
        return np.asarray(values, float) / ENERGY_UNITS[self.energy_unit]

    def energy_text(self, value: float) -> str:
        """An energy difference given in eV, with its unit."""
        digits = 3 if self.energy_unit == "eV" else 2
        return f"{typeset(value / ENERGY_UNITS[self.energy_unit], digits)} {self.energy_unit}"


def typeset(value: float | int, digits: int) -> str:
    """A number with a true minus sign, and without a negative zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)


def grouped(number: int) -> str:
    """`42`, `12 000`."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def counted(number: int, noun: str) -> str:
    """`1 atom`, `42 atoms`, `12 000 atoms`."""
    plural = "minima" if noun == "minimum" else f"{noun}s"
    return f"{grouped(number)} {noun if number == 1 else plural}"


def lasting(seconds: float | int) -> str:
    """A waiting time rounded the way people say it: `8 s`, `12 min`, `3 h`, `2 days`."""
    for size, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"


def simulated(femtoseconds: float | int) -> str:
    """A simulated time in the unit that keeps the number readable: fs, ps or ns."""
    for size, name in ((1e6, "ns"), (1e3, "ps")):
        if abs(femtoseconds) >= size:
            return f"{femtoseconds / size:.2f} {name}"
    return f"{femtoseconds:.1f} fs"


def speed_text(speed: dict[str, float]) -> str:
    """Speeds by unit, `{"steps/s": 153.2}`, as one line."""
    return " · ".join(f"{_rounded(value)} {unit}" for unit, value in speed.items() if value > 0)


def _rounded(value: float | int) -> str:
    """Three digits, without an exponent."""
    digits = max(0, 2 - math.floor(math.log10(value)))
    return f"{round(value, 2 - math.floor(math.log10(value))):,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
