"""The molecules behind the bundled model: neutral, closed shell, made of H, C, N and O.

``tables/molecules.csv`` names each with a SMILES, a sequence, or two such texts joined by ``&`` for close pairs.
The families follow what the model is for: organic groups, then what peptides, sugars and fatty acids make of them, and
many conformers of flexible ones, for their relative energies.
"""

import csv
import functools
from dataclasses import replace
from importlib import resources

from so3k_explore.training.sampling import Plan, Sample

_TEST = Plan(conformers=2, temperatures=(300.0, 500.0), relaxed=1, displaced=0, compressed=0)
_RIGID = Plan(conformers=2)
_FEATURED_ALKANE = Plan(
    conformers=30, temperatures=(300.0,), relaxed=10, relaxation_steps=150, displaced=1, compressed=0
)
_FEATURED_PEPTIDE = Plan(
    conformers=40, temperatures=(300.0, 500.0), frames=20, relaxed=5, relaxation_steps=80, displaced=1, compressed=0
)
PLANS = {
    "small": _RIGID,
    "aromatics": _RIGID,
    "pairs": Plan(conformers=6, temperatures=(300.0, 800.0), displaced=1),
    "peptides": Plan(conformers=4, frames=10, relaxed=5, relaxation_steps=60),
    "two residues": Plan(conformers=4, frames=10, displaced=2),
    "conformers": Plan(
        conformers=16,
        temperatures=(300.0,),
        frames=6,
        relaxed=6,
        relaxation_steps=100,
        displaced=1,
        compressed=0,
    ),
    "featured": _FEATURED_ALKANE,
    "unseen": _TEST,
    "same molecules": Plan(
        conformers=5, temperatures=(300.0, 500.0), frames=10, stride=20, relaxed=1, displaced=0, compressed=0
    ),
    "large unseen": Plan(conformers=2, temperatures=(300.0, 500.0), frames=6, relaxed=1, displaced=0, compressed=0),
}
"""How families are sampled; those not named follow the defaults of `Plan`."""

FOCUS_PLANS = {
    "hexane": Plan(conformers=12, frames=12, relaxed=6, relaxation_steps=80),
    "Ac-Ala-NHMe": Plan(conformers=20, frames=16, relaxed=6, relaxation_steps=80),
    "Ac-Ala3-NHMe": Plan(conformers=12, frames=16, relaxed=6, relaxation_steps=60),
    "glucose": Plan(conformers=8, frames=10),
}
"""Molecules of the family ``focus``, those that people will try first, are sampled more than others."""

FEATURED_PLANS = {
    "butane-featured": replace(_FEATURED_ALKANE, conformers=10),
    "pentane-featured": replace(_FEATURED_ALKANE, conformers=15),
    "Ac-Ala-featured": _FEATURED_PEPTIDE,
    "Ac-Ala3-featured": _FEATURED_PEPTIDE,
}
"""Those whose conformers are promised to be right are sampled most; longer alkanes follow the plan of their family."""


PARTS = {
    "base": lambda family: family not in ("unseen", "large unseen", "same molecules", "conformers", "featured"),
    "conformers": lambda family: family == "conformers",
    "featured": lambda family: family == "featured",
    "unseen": lambda family: family in ("unseen", "large unseen"),
    "same molecules": lambda family: family == "same molecules",
}
"""What families are for: to learn from, to refine with, and to test with molecules that are new and that are not."""


@functools.cache
def samples(part: str) -> tuple[Sample, ...]:
    """The molecules of one of `PARTS`."""
    text = (resources.files("so3k_explore.training") / "tables" / "molecules.csv").read_text()
    special = FOCUS_PLANS | FEATURED_PLANS
    return tuple(
        Sample(row["name"], row["text"], special.get(row["name"], PLANS.get(row["family"], Plan())))
        for row in csv.DictReader(text.splitlines())
        if PARTS[part](row["family"])
    )
