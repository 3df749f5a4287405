import pytest

from so3k_explore.exploration.pictures import draw_tree
from so3k_explore.exploration.tree_building import disconnectivity_tree
from tests.exploration.test_tree import muller_brown, random_passes


@pytest.mark.parametrize("name", ["tree.svg", "tree.png"])
def test_a_tree_becomes_a_picture(tmp_path, name):
    tree = disconnectivity_tree(*random_passes(30, 25, seed=1))
    path = draw_tree(tree, tmp_path / name, "thirty minima")
    assert path.stat().st_size > 5000


def test_numbers_of_minima_and_units_stand_in_the_picture(tmp_path):
    text = draw_tree(muller_brown(), tmp_path / "tree.svg", "Müller and Brown").read_text()
    assert "<!-- energy / (kcal/mol) -->" in text
    assert all(f"<!-- {number} -->" in text for number in (1, 2, 3))


def test_other_kinds_of_pictures_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ending in \.png, \.svg, \.pdf, got tree.docx"):
        draw_tree(muller_brown(), tmp_path / "tree.docx")
    with pytest.raises(ValueError, match="at least one minimum"):
        draw_tree(disconnectivity_tree([], [], [], []), tmp_path / "tree.svg")
