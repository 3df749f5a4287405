import dataclasses
import json

import pytest

from so3k_explore.exploration import MinimaSearch
from so3k_explore.jobs.settings import SETTINGS, DynamicsSettings, MinimaSettings, Settings, settings_from_json


@pytest.mark.parametrize("cls", SETTINGS.values(), ids=lambda cls: cls.kind)
def test_settings_survive_a_file(cls: type[Settings]) -> None:
    settings = cls()
    assert settings_from_json(cls.kind, json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize("cls", SETTINGS.values(), ids=lambda cls: cls.kind)
def test_every_setting_explains_itself(cls: type[Settings]) -> None:
    for field in dataclasses.fields(cls):
        assert field.metadata["help"].strip()
        assert not field.metadata["help"].endswith(".")


def test_an_unknown_setting_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"Unknown settings for dynamics: `temprature`.*temperature"):
        settings_from_json("dynamics", {"temprature": 300})


def test_an_unknown_kind_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ValueError, match="Known are: dynamics, relax"):
        settings_from_json("cooking", {})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"walkers": 0}, "`walkers` must be at least 1, got 0"),
        ({"walkers": 1.5}, "`walkers` must be a whole number, got 1.5"),
        ({"timestep": -0.5}, "`timestep` must be above 0 fs, got -0.5 fs"),
        ({"temperature": float("nan")}, "`temperature` must be a finite number, got nan"),
        ({"temperature": "hot"}, "`temperature` must be a finite number, got 'hot'"),
        ({"thermostat": "fridge"}, "must be one of langevin, nose-hoover, nve, got 'fridge'"),
        ({"guard": 1}, "`guard` must be true or false, got 1"),
        ({"frame_interval": 0.1}, "must be at least one `timestep` of 0.5 fs, got 0.1 fs"),
        ({"temperature": 0}, "choose `nve`"),
    ],
)
def test_a_value_that_is_not_allowed_is_told_in_a_sentence(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=r".*".join(map(str, [sentence.replace("`", ".")]))):
        DynamicsSettings.from_json(values)


def test_whole_numbers_are_welcome_where_a_number_is_asked_for() -> None:
    assert isinstance(DynamicsSettings(temperature=400).temperature, float)


def test_only_live_settings_change_in_a_going_run() -> None:
    settings = DynamicsSettings()
    assert settings.changed({"temperature": 500, "walkers": 3}) == DynamicsSettings(temperature=500.0, walkers=3)
    with pytest.raises(ValueError, match="accepts new values of walkers, temperature, duration, got timestep"):
        settings.changed({"timestep": 1.0})


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


def test_defaults_of_the_search_are_those_of_exploration() -> None:
    search, settings = MinimaSearch(), MinimaSettings()
    assert settings.to_json() == {name: getattr(search, name) for name in settings.to_json()}
    assert MinimaSearch(**settings.to_json()) == search
