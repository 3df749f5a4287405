"""Factors between internal units (ASE's: eV, Å, u; time Å·sqrt(u/eV)) and those people read.

``value * fs`` converts into internal units, ``value / fs`` out of them. Constants: CODATA 2014, as in ASE.
"""

import math

ANGSTROM = 1.0
EV = 1.0
KCAL_PER_MOL = 0.04336410390059322  # eV
KJ_PER_MOL = KCAL_PER_MOL / 4.184
HARTREE = 27.211386024367243  # eV
BOHR = 0.5291772105638411  # Å
COULOMB = 14.399645351950548  # e²/(4πε₀) in eV·Å
FINE_STRUCTURE = 0.007297352566206496
KB = 8.617330337217213e-05  # Boltzmann constant, eV/K
HBAR = 0.06465415105180661  # eV · internal time
PS = 98.22694788464064
FS = PS / 1000
DEBYE = 0.20819433442462576  # e·Å
GPA = 0.006241509125883258  # eV/Å³
INVERSE_CM = 0.0001239841973964072  # photon energy of 1 cm⁻¹ in eV

DEGREE = math.pi / 180
