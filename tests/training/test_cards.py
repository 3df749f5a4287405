import numpy as np

from so3k_explore.training.cards import evaluation_text, examination_text
from so3k_explore.training.evaluate import Predictions, report
from tests.training.data import clusters

ORIGIN = {"recipe": "trial", "level": "none", "structures": 1, "molecules": 1, "steps": 1}


def test_a_report_becomes_aligned_tables_in_the_units_of_its_heads() -> None:
    dataset = clusters(4)
    errors = np.array([0.1, 0.3, 0.1, 0.5])  # eV; relative ones are 0 and 0.1 of the two molecules
    found = report(Predictions(dataset, dataset.energies + errors, dataset.forces + 0.02))
    text = evaluation_text(found)
    assert "Reference: Lennard-Jones." in text
    tables = [block.splitlines() for block in text.strip().split("\n\n")[1:]]
    assert all(len({len(line) for line in table}) == 1 for table in tables)
    cells = [cell.strip() for cell in tables[0][2].strip("|").split("|")]
    assert cells[:4] == ["all", "4", "20", "20"]
    assert cells[5:] == ["250", "41.7", "1.15"]
    assert [line.split("|")[1].strip() for line in tables[1][2:]] == ["cluster 0", "cluster 1"]
    assert not any("source" in table[0] for table in tables)


def test_bounds_of_precision_are_never_below_what_was_found() -> None:
    text = examination_text({"origin": ORIGIN, "float32": {"energy": 5.1e-6, "forces": 9.7e-5}})
    assert "energies within 6e-06 eV, forces within 1e-04 eV/Å" in text
    assert "energies within 0e+00 eV" in examination_text(
        {"origin": ORIGIN, "float32": {"energy": 0.0, "forces": 3e-5}}
    )
