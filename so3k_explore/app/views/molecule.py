"""Tab Molecule: what is known before anything runs."""

from so3k_explore.app.models import properties
from so3k_explore.app.models.session import Session
from so3k_explore.app.panes.tables import TableCard
from so3k_explore.app.views.part import Part, pictures

FIRST = 2  # properties above the energy
NOTHING = "Choose a molecule in card 1."


class MoleculeTab(Part):
    """Properties, torsions, bonds and problems of the molecule."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._properties = TableCard("Molecule", ["Property", "Value"], empty=NOTHING)
        self._torsions = TableCard(
            "Torsions", ["Torsion", "Angle / °"], empty="No bond of this molecule can turn freely."
        )
        self._bonds = TableCard("Bonds", ["Atoms", "Length / Å"], empty="No bonds: the atoms only attract each other.")
        self._notes = TableCard("To know before a run", ["Kind", "What"], empty="Nothing stands against a run.")
        self._layout = pictures(self._properties, self._torsions, self._bonds, self._notes)
        self.session.molecule.param.watch(lambda *_: self._draw(), "molecule")
        self.session.molecule.param.watch(lambda *_: self._note(), ["molecule", "problems"])
        self.session.point.param.watch(lambda *_: self._tabulate(), ["answer", "waiting", "reason"])
        self._draw()

    def _tabulate(self) -> None:
        molecule = self.session.molecule.molecule
        if molecule is not None:
            rows = properties.properties(molecule)
            _fill(self._properties, rows[:FIRST] + properties.energies(self.session.point) + rows[FIRST:])

    def _draw(self) -> None:
        molecule = self.session.molecule.molecule
        if molecule is None:
            return
        self._tabulate()
        _fill(self._torsions, properties.torsions(molecule))
        _fill(self._bonds, properties.bonds(molecule))

    def _note(self) -> None:
        molecule = self.session.molecule
        rows = [(problem.severity, problem.message) for problem in molecule.problems]
        rows += [("note", note) for note in molecule.molecule.notes] if molecule.molecule is not None else []
        _fill(self._notes, rows)


def _fill(table: TableCard, rows: list[properties.Row]) -> None:
    columns = zip(*rows, strict=True) if rows else [()] * len(table.columns)
    table.set({name: list(column) for name, column in zip(table.columns, columns, strict=True)})
