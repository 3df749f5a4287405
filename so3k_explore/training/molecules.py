"""The molecules behind the bundled model: neutral, closed shell, made of H, C, N and O.

``tables/molecules.csv`` names each with a SMILES, a sequence, or two such texts joined by ``&`` for close pairs.
The families follow what the model is for: organic groups, then what peptides, sugars and fatty acids make of them.
"""

import csv
import functools
from importlib import resources

from so3k_explore.training.sampling import Plan, Sample

_TEST = Plan(conformers=2, temperatures=(300.0, 500.0), relaxed=1, displaced=0, compressed=0)
_RIGID = Plan(conformers=2)
PLANS = {
    "small": _RIGID,
    "aromatics": _RIGID,
    "pairs": Plan(conformers=6, temperatures=(300.0, 800.0), displaced=1),
    "peptides": Plan(conformers=4, frames=10, relaxed=5, relaxation_steps=60),
    "two residues": Plan(conformers=4, frames=10, displaced=2),
    "held out": _TEST,
    "held out, large": Plan(conformers=2, temperatures=(300.0, 500.0), frames=6, relaxed=1, displaced=0, compressed=0),
}
"""How families are sampled; those not named follow the defaults of `Plan`."""

FOCUS_PLANS = {
    "hexane": Plan(conformers=12, frames=12, relaxed=6, relaxation_steps=80),
    "Ac-Ala-NHMe": Plan(conformers=20, frames=16, relaxed=6, relaxation_steps=80),
    "Ac-Ala3-NHMe": Plan(conformers=12, frames=16, relaxed=6, relaxation_steps=60),
    "glucose": Plan(conformers=8, frames=10),
}
"""Molecules of the family ``focus``, those that people will try first, are sampled most."""


@functools.cache
def samples(*, held_out: bool = False) -> tuple[Sample, ...]:
    """What the model learns from, or the molecules that it never sees and is tested with."""
    text = (resources.files("so3k_explore.training") / "tables" / "molecules.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    return tuple(
        Sample(row["name"], row["text"], FOCUS_PLANS.get(row["name"], PLANS.get(row["family"], Plan())))
        for row in rows
        if row["family"].startswith("held out") == held_out
    )
