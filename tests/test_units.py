import ase.units
import numpy as np
import pytest

from so3k_explore import units


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (units.KCAL_PER_MOL, ase.units.kcal / ase.units.mol),
        (units.KJ_PER_MOL, ase.units.kJ / ase.units.mol),
        (units.HARTREE, ase.units.Hartree),
        (units.BOHR, ase.units.Bohr),
        (units.COULOMB, ase.units.Hartree * ase.units.Bohr),
        (units.FINE_STRUCTURE, ase.units.alpha),
        (units.KB, ase.units.kB),
        (units.HBAR, ase.units._hbar * ase.units.J * ase.units.s),
        (units.PS, 1000 * ase.units.fs),
        (units.FS, ase.units.fs),
        (units.DEBYE, ase.units.Debye),
        (units.GPA, ase.units.GPa),
        (units.INVERSE_CM, ase.units.invcm),
    ],
    ids=lambda value: f"{value:.6g}",
)
def test_factors_agree_with_ase(ours: float, theirs: float) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_the_internal_time_unit_follows_from_the_others() -> None:
    # 1 Å·sqrt(u/eV): an atom of 1 u with 1 eV of kinetic energy flies sqrt(2) Å in it.
    speed = np.sqrt(2 * ase.units._e / ase.units._amu)  # m/s
    np.testing.assert_allclose(speed * 1e10 * 1e-15 / units.FS, np.sqrt(2), rtol=1e-7)
