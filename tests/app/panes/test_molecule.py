import numpy as np
import pytest

from so3k_explore.app.panes.molecule import BLOCK_BYTES, MoleculePane, color_codes
from tests.browser.apps.structures import ETHANOL as POSITIONS
from tests.browser.apps.structures import ETHANOL_BONDS as BONDS
from tests.browser.apps.structures import ETHANOL_NUMBERS as NUMBERS

SENT: list[dict] = []


class Recorder(MoleculePane):
    """Keeps the messages that would go to the browser."""

    def _send_msg(self, data: dict) -> None:
        SENT.append(data)


@pytest.fixture
def pane() -> Recorder:
    SENT.clear()
    pane = Recorder()
    pane.show(NUMBERS, POSITIONS, BONDS)
    return pane


def test_the_structure_is_sent_with_exactly_the_given_bonds(pane: Recorder) -> None:
    assert pane.n_atoms == 9
    assert np.frombuffer(pane.structure["bonds"], np.uint32).reshape(-1, 2).tolist() == BONDS.tolist()
    np.testing.assert_array_equal(
        np.frombuffer(pane.structure["positions"], np.float32), POSITIONS.astype("f4").ravel()
    )


def test_showing_the_same_structure_again_is_still_a_change(pane: Recorder) -> None:
    before = pane.structure
    pane.show(NUMBERS, POSITIONS, BONDS)
    assert pane.structure != before


def test_a_new_structure_drops_what_belonged_to_the_old_one(pane: Recorder) -> None:
    pane.set_frames(np.stack([POSITIONS] * 3))
    pane.set_atom_colors(np.full(9, 0xFF0000))
    pane.set_edges(np.array([[0, 1]]))
    pane.overlays = [(POSITIONS, "#0072B2", 0.5)]
    pane.picked = [1, 2]
    pane.show(NUMBERS[:3], POSITIONS[:3], BONDS[:2])
    assert (pane.n_frames, pane.atom_colors, pane.edges, pane.overlays, pane.picked) == (0, b"", {}, [], [])


def test_a_cluster_without_bonds_is_drawn_at_the_scale_of_its_neighbours() -> None:
    pane = MoleculePane()
    lattice = 1.1 * np.array(np.meshgrid(*[np.arange(2)] * 3)).reshape(3, -1).T
    pane.show(np.full(8, 18), lattice, np.zeros((0, 2), int))
    assert pane.structure["spacing"] == pytest.approx(1.1, rel=1e-6)


def test_frames_travel_in_blocks_below_the_limit_and_arrive_complete(pane: Recorder) -> None:
    frames = np.random.default_rng(0).normal(size=(50_000, 9, 3)).astype("f4")
    pane.set_frames(frames)
    start = 0
    while start < pane.n_frames:
        pane._handle_msg({"kind": "need_block", "frames_id": pane.frames_id, "start": start})
        start += SENT[-1]["count"]
    blocks = [message["data"] for message in SENT]
    assert len(blocks) == 2
    assert max(map(len, blocks)) <= BLOCK_BYTES
    np.testing.assert_array_equal(np.frombuffer(b"".join(blocks), "f4").reshape(frames.shape), frames)


def test_blocks_of_forgotten_frames_are_not_sent(pane: Recorder) -> None:
    pane.set_frames(POSITIONS[None])
    pane._handle_msg({"kind": "need_block", "frames_id": pane.frames_id - 1, "start": 0})
    assert SENT == []


def test_a_live_frame_is_a_message_and_changes_no_parameter(pane: Recorder) -> None:
    before = pane.param.values()
    pane.push_frame(POSITIONS + 1)
    assert [{"kind": "live", "positions": (POSITIONS + 1).astype("f4").tobytes()}] == SENT
    assert pane.param.values() == before


def test_a_notebook_gets_the_library_from_python(pane: Recorder) -> None:
    pane._handle_msg({"kind": "need_ngl"})
    assert "NGL" in SENT[0]["source"]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda pane: pane.show(NUMBERS, POSITIONS[:3], BONDS), r"shape \(atoms, 3\) for 9"),
        (lambda pane: pane.show(NUMBERS, POSITIONS, np.array([[0, 9]])), "atoms 0 to 8, got 9"),
        (lambda pane: pane.set_frames(np.zeros((2, 8, 3))), r"\(frames, 9, 3\), got \(2, 8, 3\)"),
        (lambda pane: pane.push_frame(np.zeros((8, 3))), r"\(9, 3\), got \(8, 3\)"),
        (lambda pane: pane.set_atom_colors(np.zeros(3)), r"\(9,\), got \(3,\)"),
        (lambda pane: pane.set_edges(np.array([[0, 12]])), "atoms 0 to 8, got 12"),
        (lambda pane: setattr(pane, "overlays", [(np.zeros((3, 3)), "#000000", 1.0)]), r"\(9, 3\), got \(3, 3\)"),
    ],
)
def test_wrong_shapes_are_refused_with_what_was_expected(pane: Recorder, act, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        act(pane)


def test_colours_become_the_integers_that_the_viewer_takes() -> None:
    assert color_codes(["#0072B2", "#ff0000"]).tolist() == [0x0072B2, 0xFF0000]


def test_the_component_can_be_put_on_a_page(pane: Recorder) -> None:
    assert "class Scene" in pane.get_root().properties_with_values()["esm"]
