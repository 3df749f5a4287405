import dataclasses
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.io.datasets import Dataset, DatasetError, Frame, concatenate, from_frames
from so3k_explore.io.structures import load_molecule
from so3k_explore.training.contents import contents
from so3k_explore.training.pictures import draw_contents
from tests.training.data import clusters

PEPTIDE = load_molecule("ala2")


def peptide(frames: int = 3) -> Dataset:
    rng = np.random.default_rng(0)
    return from_frames(
        [
            Frame(
                PEPTIDE.numbers,
                PEPTIDE.positions + rng.normal(scale=0.02, size=PEPTIDE.positions.shape),
                energy=0.1 * number,
                forces=rng.normal(size=PEPTIDE.positions.shape),
                molecule="ala2",
                source="md",
                group=number,
            )
            for number in range(frames)
        ],
        "Lennard-Jones",
    )


def test_everything_is_counted_once() -> None:
    found = contents(concatenate([clusters(12), peptide()]))
    assert (found.frames, found.level) == (15, "Lennard-Jones")
    assert found.molecules == {"cluster 0": 6, "cluster 1": 6, "ala2": 3}
    assert found.elements == {"H": 36, "C": 18, "N": 6, "O": 6, "Ar": 72}
    assert found.sizes.tolist() == [6] * 12 + [22] * 3
    assert found.energies.min() == 0.0
    assert found.energies[-1] == pytest.approx(0.2 / 22)
    assert found.copies == 0
    assert found.backbone.shape == (3, 2)
    assert np.abs(found.backbone - found.backbone.mean(axis=0)).max() < 15


def test_copies_and_what_stands_out_are_named() -> None:
    data = dataclasses.replace(clusters(24), molecules=np.full(24, "cluster"))
    energies = np.array(data.energies)
    energies[7] += 500.0
    odd = dataclasses.replace(data, energies=energies)
    assert set(contents(odd).outliers) - set(contents(data).outliers) == {7}
    assert contents(data).copies == 0
    assert contents(concatenate([data, data.select([3])])).copies == 1


def test_a_wrong_sign_shows() -> None:
    frames, rng = [], np.random.default_rng(1)
    for number in range(4):
        positions = np.array([[0, 0, 0], [1.0 + 0.01 * number, 0, 0]])
        pull = np.array([[1.0, 0, 0], [-1.0, 0, 0]]) * (positions[1, 0] - 0.9)
        frames.append(Frame(np.array([1, 1]), positions, 0.5 * (positions[1, 0] - 0.9) ** 2, pull, "pair"))
    right = from_frames(frames)
    assert contents(right).consistency == pytest.approx(1.0)
    assert contents(dataclasses.replace(right, forces=-right.forces)).consistency == pytest.approx(-1.0)
    far = [frame._replace(positions=frame.positions + rng.normal(size=(2, 3))) for frame in frames]
    assert contents(from_frames(far)).consistency is None


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_picture_is_drawn_with_and_without_peptides(suffix: str, tmp_path: Path) -> None:
    with_peptides = draw_contents(contents(peptide()), tmp_path / f"a{suffix}").read_bytes()
    without = draw_contents(contents(clusters(6)), tmp_path / f"b{suffix}").read_bytes()
    assert with_peptides != without
    assert with_peptides[:5] in (b"\x89PNG\r", b"<?xml")


def test_bad_input_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ending in \.png, \.svg or \.pdf"):
        draw_contents(contents(clusters(2)), tmp_path / "a.gif")
    with pytest.raises(DatasetError, match="no structures"):
        contents(clusters(2).select([]))
