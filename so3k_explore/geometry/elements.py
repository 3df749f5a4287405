"""Chemical symbols and covalent radii, and formulas made of them."""

from collections import Counter

import numpy as np
from jaxtyping import Int

_SYMBOLS = (
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr "
    "Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir "
    "Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl "
    "Mc Lv Ts Og"
)
SYMBOLS: tuple[str, ...] = tuple(_SYMBOLS.split())
"""Symbol of each atomic number; 0 is padding."""

NOBLE_GASES = frozenset({2, 10, 18, 36, 54, 86, 118})

# Å, atomic numbers 1 to 96: B. Cordero et al., Dalton Trans., 2832 (2008), Table 2 (carbon: sp3; Mn, Fe, Co: low spin).
_RADII = (
    "0.31 0.28 1.28 0.96 0.84 0.76 0.71 0.66 0.57 0.58 1.66 1.41 1.21 1.11 1.07 1.05 1.02 1.06 2.03 1.76 1.70 1.60 "
    "1.53 1.39 1.39 1.32 1.26 1.24 1.32 1.22 1.22 1.20 1.19 1.20 1.20 1.16 2.20 1.95 1.90 1.75 1.64 1.54 1.47 1.46 "
    "1.42 1.39 1.45 1.44 1.42 1.39 1.39 1.38 1.39 1.40 2.44 2.15 2.07 2.04 2.03 2.01 1.99 1.98 1.98 1.96 1.94 1.92 "
    "1.92 1.89 1.90 1.87 1.87 1.75 1.70 1.62 1.51 1.44 1.41 1.36 1.36 1.32 1.45 1.46 1.48 1.40 1.50 1.50 2.60 2.21 "
    "2.15 2.06 2.00 1.96 1.90 1.87 1.80 1.69"
)
COVALENT_RADII = np.array([0.0, *map(float, _RADII.split())] + [1.69] * (len(SYMBOLS) - 97))
"""Covalent radius of each atomic number, Å; elements beyond curium get curium's."""


def symbol(number: int | np.integer) -> str:
    """Chemical symbol of an atomic number."""
    return SYMBOLS[int(number)]


def formula(numbers: Int[np.ndarray, "atoms"]) -> str:
    """Formula in Hill order: carbon, hydrogen, then alphabetical; without carbon all alphabetical."""
    counts = Counter(symbol(int(z)) for z in numbers if z > 0)
    first = [s for s in ("C", "H") if s in counts] if "C" in counts else []
    return "".join(f"{s}{counts[s]}" if counts[s] > 1 else s for s in [*first, *sorted(set(counts) - set(first))])


def formula_text(numbers: Int[np.ndarray, "atoms"], charge: float | int = 0.0) -> str:
    """Formula with subscripts and, for ions, the charge (in e) as superscript: ``C₂H₃O₂⁻``."""
    text = formula(numbers).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
    size = abs(round(charge))
    if size == 0:
        return text
    count = str(size).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")) if size > 1 else ""
    return text + count + ("⁺" if charge > 0 else "⁻")
