from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.dataset_formats import read_dataset, write_extxyz
from so3k_explore.io.datasets import Dataset, DatasetError, Frame, concatenate, from_frames, load_dataset, save_dataset
from so3k_explore.units import BOHR, KCAL_PER_MOL


def labelled(count: int = 3) -> Dataset:
    rng = np.random.default_rng(1)
    frames = [
        Frame(
            numbers=np.array([8, 1, 1, 6])[: 3 + k % 2],
            positions=rng.normal(size=(3 + k % 2, 3)),
            energy=-float(k),
            forces=rng.normal(size=(3 + k % 2, 3)),
            molecule=f"m{k % 2}",
            source="md 300 K",
            group=k,
            charge=float(k % 2),
            spin=1.0,
            dipole=rng.normal(size=3),
            charges=rng.normal(size=3 + k % 2),
        )
        for k in range(count)
    ]
    return from_frames(frames, "GFN2-xTB")


def same(one: Dataset, two: Dataset, tolerance: float = 0.0) -> bool:
    if (len(one), one.level) != (len(two), two.level):
        return False
    pairs = (pair for k in range(len(one)) for pair in zip(one[k], two[k], strict=True))
    return all(
        left == right
        if isinstance(left, str) or left is None or right is None
        else np.allclose(left, right, rtol=1e-7, atol=tolerance)
        for left, right in pairs
    )


def test_a_data_set_comes_back_from_its_file(tmp_path: Path) -> None:
    assert same(load_dataset(save_dataset(tmp_path / "d.npz", labelled())), labelled())


def test_extended_xyz_holds_everything(tmp_path: Path) -> None:
    assert same(read_dataset(write_extxyz(tmp_path / "d.xyz", labelled())), labelled(), 1e-7)


def test_frames_are_selected_with_their_atoms() -> None:
    data = labelled(4)
    chosen = data.select([3, 1])
    assert same(chosen, from_frames([data[3], data[1]], data.level))


def test_groups_of_joined_sets_stay_apart() -> None:
    both = concatenate([labelled(), labelled()])
    assert both.groups.tolist() == [0, 1, 2, 3, 4, 5]


def test_mixed_levels_of_theory_are_refused() -> None:
    other = from_frames([labelled()[0]], "PBE")
    with pytest.raises(DatasetError, match=r"One level of theory.*'GFN2-xTB', 'PBE'"):
        concatenate([labelled(), other])


def test_labels_that_are_not_numbers_are_refused_with_their_frame() -> None:
    bad = labelled()[1]._replace(forces=np.full((4, 3), np.nan))
    with pytest.raises(DatasetError, match=r"`forces`.*frame 1 \(m1\)"):
        from_frames([labelled()[0], bad], "GFN2-xTB")


def test_foreign_arrays_need_units_and_are_converted(tmp_path: Path) -> None:
    file = tmp_path / "md17.npz"
    forces = np.ones((2, 3, 3))
    np.savez(file, R=np.ones((2, 3, 3)), z=np.array([8, 1, 1]), E=np.array([[1.0], [2.0]]), F=forces)
    with pytest.raises(DatasetError, match="`energy_unit`, one of eV, kcal/mol"):
        read_dataset(file)
    data = read_dataset(file, energy_unit="kcal/mol", length_unit="Bohr")
    np.testing.assert_allclose(data.energies, [KCAL_PER_MOL, 2 * KCAL_PER_MOL])
    np.testing.assert_allclose(data.forces, KCAL_PER_MOL / BOHR)
    np.testing.assert_allclose(data.positions, BOHR)


def test_a_trajectory_without_groups_is_cut_into_stretches(tmp_path: Path) -> None:
    many = tmp_path / "many.npz"
    positions = np.ones((250, 1, 3))
    np.savez(many, R=positions, z=np.array([1]), E=np.zeros(250), F=positions)
    groups = read_dataset(many, energy_unit="eV", length_unit="Bohr").groups
    assert groups.tolist() == sorted(groups)
    assert np.unique(groups, return_counts=True)[1].tolist() == [3, 2] * 50
    lattice = "Properties=species:S:1:pos:R:3:forces:R:3 energy=1.0"
    (tmp_path / "few.xyz").write_text(f"1\n{lattice}\nH 0 0 0 0 0 0\n" * 3)
    assert read_dataset(tmp_path / "few.xyz").groups.tolist() == [0, 1, 2]


def test_a_file_that_states_its_units_needs_no_more_and_padding_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "padded.npz"
    np.savez(
        file,
        R=np.ones((1, 3, 3)), z=np.array([[8, 1, 0]]), E=np.ones(1), F=np.zeros((1, 3, 3)),
        e_unit=np.array("kcal/mol"), r_unit=np.array("Ang"), theory=np.array("PBE0"),
    )  # fmt: skip
    data = read_dataset(file)
    assert data.numbers.tolist() == [8, 1]
    assert data.level == "PBE0"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"text"])
def test_damaged_files_are_explained(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "d.npz"
    file.write_bytes(content)
    with pytest.raises(DatasetError, match="damaged"):
        read_dataset(file)


def test_a_pickle_is_never_executed(tmp_path: Path) -> None:
    file = tmp_path / "p.npz"
    np.savez(file, R=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DatasetError, match="not a safe"):
        read_dataset(file)


def test_structures_without_labels_are_named(tmp_path: Path) -> None:
    file = tmp_path / "bare.xyz"
    file.write_text("1\n\nH 0 0 0\n")
    with pytest.raises(DatasetError, match=r"frame 0 .* lacks energy and forces"):
        read_dataset(file)
