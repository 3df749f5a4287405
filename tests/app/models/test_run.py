import pytest

from so3k_explore.app.models.background import Background
from so3k_explore.app.models.molecule import MoleculeModel
from so3k_explore.app.models.potential import PotentialModel
from so3k_explore.app.models.run import RunModel, form_of
from so3k_explore.jobs.settings import SETTINGS


@pytest.mark.parametrize("kind", SETTINGS)
def test_an_untouched_form_gives_the_default_settings(kind: str) -> None:
    assert form_of(SETTINGS[kind]).settings() == SETTINGS[kind]()


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_field_has_a_help_text(kind: str) -> None:
    form = form_of(SETTINGS[kind])
    assert all(form.param[name].doc for name in form.names())


def test_the_form_refuses_what_the_settings_refuse() -> None:
    form = form_of(SETTINGS["dynamics"])
    with pytest.raises(ValueError, match="walkers"):
        form.param.update(walkers=0)


def test_settings_that_do_not_fit_together_are_an_obstacle() -> None:
    background = Background()
    model = RunModel(MoleculeModel(background), PotentialModel(background))
    assert model.obstacle == "Choose a molecule first."


def test_temperatures_follow_the_model_until_they_are_set_by_hand() -> None:
    background = Background()
    model = RunModel(MoleculeModel(background), PotentialModel(background))
    form = model.forms["dynamics"]
    model.suit("lennard-jones")
    assert form.param.values()["temperature"] == 1500.0
    model.suit("so3lr")
    assert form.param.values()["temperature"] == 300.0
    form.param.update(temperature=350.0)
    model.suit("lennard-jones")
    assert form.param.values()["temperature"] == 350.0


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_form_takes_the_settings_of_a_run_and_gives_them_back(kind: str) -> None:
    form, usual = form_of(SETTINGS[kind]), SETTINGS[kind]()
    form.fill(usual)
    assert form.settings() == usual


def test_frames_become_dense_when_spectra_are_wanted() -> None:
    background = Background()
    form = RunModel(MoleculeModel(background), PotentialModel(background)).forms["dynamics"]
    assert form.param["record"].label == "Record for spectra"
    form.param.update(record=["velocities"])
    assert form.settings().to_json()["frame_interval"] == 2.0
    form.param.update(record=[])
    assert form.settings().to_json()["frame_interval"] == 10.0
    form.param.update(frame_interval=1.0)
    form.param.update(record=["velocities", "dipoles"])
    assert form.settings().to_json()["frame_interval"] == 1.0
