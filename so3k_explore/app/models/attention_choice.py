"""What is looked at: which matrix, between which parts, of which structures."""

from typing import TYPE_CHECKING, Any

import param

if TYPE_CHECKING:
    from so3k_explore.analysis.attention_blocks import Blocks
    from so3k_explore.analysis.attention_coefficients import Attention, Channel
    from so3k_explore.io.molecule import Molecule

QUANTITIES = {
    "Signed": "signed",
    "Magnitude": "magnitude",
    "Contribution": "contribution",
    "Rollout": "rollout",
    "Weighted rollout": "weighted rollout",
}
BRANCHES = {"Features (invariant)": "invariant", "Directions (equivariant)": "equivariant"}
ATOMS, HEAVY, RESIDUES = "atoms", "heavy atoms", "residues"
ONE, BESIDE, DIFFERENCE, FAMILIES = "one", "beside", "difference", "families"
SHOWN = {
    "What is in the viewer": ONE,
    "Beside the second chosen minimum": BESIDE,
    "Second chosen minimum minus this one": DIFFERENCE,
    "Second family minus the first": FAMILIES,
}
ALL = -1  # layers, heads or degrees
LARGE = 300  # atoms from which residues are shown at first


class AttentionChoice(param.Parameterized):
    """The controls of the tab."""

    quantity = param.Selector(default="signed", objects=QUANTITIES, label="Quantity", doc="What the entries are.")
    branch = param.Selector(default="invariant", objects=BRANCHES, label="Branch", doc="What is gathered.")
    layer = param.Selector(default=ALL, objects={"All layers": ALL}, label="Layer", doc="Of the network.")
    head = param.Selector(default=ALL, objects={"All heads": ALL}, label="Head", doc="Or degree.")
    reduction = param.Selector(default=ATOMS, objects=[ATOMS, HEAVY], label="Between", doc="What rows and columns are.")
    shown = param.Selector(default=ONE, objects=SHOWN, label="Show", doc="One structure, or what two differ by.")
    threshold = param.Number(0.25, bounds=(0.0, 1.0), label="Threshold", doc="Of cylinders, as a share of the largest.")
    cylinders = param.Boolean(True, label="Cylinders", doc="Draw pairs above the threshold in the viewer.")

    @property
    def channel(self) -> "Channel":
        """The matrix that is meant; what a quantity does not have is left out."""
        from so3k_explore.analysis.attention_coefficients import Channel

        layer, head = (None if index == ALL else index for index in (self.layer, self.head))
        if not self.has_layers:
            return Channel(self.quantity)
        if not self.has_heads:
            return Channel(self.quantity, layer=layer)
        return Channel(self.quantity, self.branch, layer, head)

    @property
    def has_layers(self) -> bool:
        """Whether one layer can be chosen."""
        return not self.quantity.endswith("rollout")

    @property
    def has_heads(self) -> bool:
        """Whether branch and head can be chosen."""
        return self.quantity in ("signed", "magnitude")

    def suit_molecule(self, molecule: "Molecule") -> None:
        """Offers the parts that a molecule has; large ones are shown between residues at first."""
        offered = [ATOMS, HEAVY, *([RESIDUES] if molecule.residues else [])]
        large = molecule.n_atoms > LARGE
        chosen = self.reduction if self.reduction in offered and not large else offered[-1] if large else ATOMS
        self.param.reduction.objects = offered
        self.reduction = chosen

    def suit_network(self, seen: "Attention") -> None:
        """Offers the layers and heads that a network has."""
        self._offer("layer", "Layer", range(len(seen.invariant)))
        if self.branch == "invariant":
            self._offer("head", "Head", range(seen.invariant.shape[1]))
        else:
            self._offer("head", "Degree", seen.degrees)

    def blocks(self, molecule: "Molecule", reduction: str = "") -> "Blocks":
        """The rows and columns of a molecule, as chosen here unless a reduction is given."""
        from so3k_explore.analysis.attention_blocks import blocks

        return blocks(reduction or self.reduction, molecule.numbers, molecule.bonds)

    def _offer(self, name: str, noun: str, numbers: Any) -> None:
        first = 0 if noun == "Degree" else 1
        objects = {f"All {noun.lower()}s": ALL} | {f"{noun} {n + first}": k for k, n in enumerate(numbers)}
        if objects == self.param[name].objects:
            return
        chosen = getattr(self, name)
        self.param[name].objects = objects
        setattr(self, name, chosen if chosen in objects.values() else ALL)
