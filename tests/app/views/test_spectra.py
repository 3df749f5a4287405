"""The tab Spectra follows its model, without a browser."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.document import Document

from so3k_explore.app.models.session import Session
from so3k_explore.app.models.spectra_pictures import NO_DIPOLES, Lines, Spectra
from so3k_explore.app.panes.spectrum import BAND, CHOSEN, DYNAMICS, HARMONIC, STICKS, SpectrumChart
from so3k_explore.app.views.spectra import SpectraTab, described
from so3k_explore.app.views.viewer import ViewerView
from so3k_explore.io.library import named
from so3k_explore.io.trajectories import read_trajectory
from tests.app.models.test_spectra import harmonic, trajectory


def lines(*all_: Any) -> Lines:
    found = all_ or (harmonic(),)
    return Lines("a cluster", found[0], found, np.full(len(found), 1 / len(found)), 300.0)


def test_the_tab_shows_spectra_lines_and_what_is_missing(session: Session, tmp_path: Path) -> None:
    from so3k_explore.io.following import power_spectrum_of

    tab, model = SpectraTab(session), session.spectra
    assert tab.__panel__().get_root(Document()) is not None
    assert "when a run of dynamics is shown" in tab._power.empty
    assert not tab._power.filled
    with read_trajectory(trajectory(tmp_path / "t.h5", named("lj7"), 600, velocities=True)) as frames:
        power = power_spectrum_of(frames, resolution=60)
    model.spectra = Spectra(600, power, None, "", NO_DIPOLES)
    assert tab._power.filled
    assert "resolution 60 cm⁻¹, 15.0 degrees of freedom" in tab._power.title
    assert tab._power._columns[DYNAMICS]["x"].max() <= 4200
    assert len(tab._power._columns[BAND]["x"]) == 2 * len(tab._power._columns[DYNAMICS]["x"])
    assert tab._infrared.empty == NO_DIPOLES
    model.lines = lines()
    assert tab._infrared.filled  # by the harmonic lines
    sticks = tab._infrared._columns[STICKS]
    assert sticks["label"][1] == "mode 2: 1200 cm⁻¹, 5.0 km/mol"
    np.testing.assert_allclose(sticks["y1"] / sticks["y1"][1], [0.2, 1.0, 0.0], atol=1e-6)
    assert tab._power._columns[HARMONIC]["y"].sum() * 2 == pytest.approx(3, rel=0.02)
    assert len(tab._table._table.value) == 3
    model.lines = None
    assert not tab._infrared.filled
    assert not tab._table.filled


def test_a_click_on_a_line_or_a_row_plays_its_mode(session: Session) -> None:
    tab, model = SpectraTab(session), session.spectra
    session.molecule.open_text("lj7")
    session.background.wait()
    model.lines = lines()
    tab._tapped(2000.0)
    assert model.mode is None
    tab._tapped(1210.0)
    assert model.mode == 1
    assert tab._power._columns[CHOSEN]["x0"].tolist() == [1200.0]
    assert not tab._stop.disabled
    tab._table._table.selection = [2]
    assert model.mode == 2
    assert tab._table._table.selection == [2]
    tab._stop.clicks += 1
    assert model.mode is None
    assert tab._stop.disabled


def test_the_viewer_plays_the_mode(session: Session) -> None:
    viewer, model = ViewerView(session), session.spectra
    session.molecule.open_text("lj7")
    session.background.wait()
    model.lines = lines()
    model.play(0)
    assert viewer.pane.playing
    assert viewer.pane.n_frames == 24
    model.play(1)
    assert viewer.pane.playing
    viewer.pane.playing = False
    assert not session.scene.playing
    model.stop()
    assert viewer.pane.n_frames == 0


def test_the_axis_can_run_backwards() -> None:
    chart = SpectrumChart("Spectrum", "density", highest=4000.0, on_tap=lambda x: None)
    chart.__panel__().get_root(Document())
    (figure,) = chart._figures
    assert (figure.x_range.start, figure.x_range.end) == (0, 4000)
    chart.reverse(True)
    chart.set_harmonic([0.0, 4000.0], [0.0, 2.0], [1200.0], [1.0], ["a line"])
    assert (figure.x_range.start, figure.x_range.end) == (4000, 0)
    assert figure.y_range.end > 2
    chart.reverse(False)
    assert (figure.x_range.start, figure.x_range.end) == (0, 4000)


def test_words_about_lines_say_what_is_wrong_with_them() -> None:
    assert "1 imaginary: this is no minimum" in described(lines(harmonic(lowest=-40.0)))
    pair = lines(harmonic(), harmonic())
    assert "weighted by harmonic free energies at 300 K" in described(pair)
    assert "a share of 50 %" in described(pair)
