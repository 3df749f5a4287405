import dataclasses

import pytest

from so3k_explore.exploration import MinimaSearch
from so3k_explore.exploration.identity import CHIRALITIES as KNOWN
from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import CHIRALITIES, SETTINGS, DynamicsSettings, MinimaSettings, settings_from_json


@pytest.mark.parametrize("cls", SETTINGS.values(), ids=lambda cls: cls.kind)
def test_every_setting_explains_itself(cls: type[Settings]) -> None:
    for field in dataclasses.fields(cls):
        assert field.metadata["help"].strip()
        assert not field.metadata["help"].endswith(".")


def test_an_unknown_kind_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ValueError, match="Known are: dynamics, relax"):
        settings_from_json("cooking", {})


def test_settings_that_do_not_go_together_are_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"must be at least one `timestep` of 0\.5 fs, got 0\.1 fs"):
        DynamicsSettings(frame_interval=0.1)
    with pytest.raises(ValueError, match="choose `nve`"):
        DynamicsSettings(temperature=0)


def test_without_a_thermostat_the_temperature_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="no thermostat"):
        DynamicsSettings(thermostat="nve").changed({"temperature": 500})


def test_a_duration_is_a_whole_number_of_frames() -> None:
    settings = DynamicsSettings(duration=0.1005, timestep=0.5, frame_interval=10)
    assert settings.steps_per_frame == 20
    assert settings.total_steps == 220
    assert DynamicsSettings(duration=0.1).total_steps == 200


def test_settings_of_earlier_versions_are_understood() -> None:
    read = lambda stored: settings_from_json("dynamics", {"store_velocities": stored})
    assert read(True) == DynamicsSettings(record=("velocities",))
    assert read(False) == DynamicsSettings()


def test_only_what_can_be_recorded_is() -> None:
    with pytest.raises(ValueError, match="`record` must be one of velocities, dipoles, got 'forces'"):
        DynamicsSettings(record=("velocities", "forces"))


def test_all_minima_are_never_sure_to_be_known() -> None:
    assert MinimaSettings(coverage=0.99).coverage == 0.99
    for share in (0, 1, 99):
        with pytest.raises(ValueError, match="`coverage` must be"):
            MinimaSettings(coverage=share)


def test_words_for_mirror_images_are_those_of_exploration() -> None:
    assert CHIRALITIES == KNOWN


def test_defaults_of_the_search_are_those_of_exploration() -> None:
    search, settings = MinimaSearch(), MinimaSettings()
    found = {name: getattr(search, name, None) for name in settings.to_json()}
    assert settings.to_json() == found | {"chirality": search.identity.chirality}
    values = {name: value for name, value in settings.to_json().items() if name != "chirality"}
    assert MinimaSearch(**values) == search
