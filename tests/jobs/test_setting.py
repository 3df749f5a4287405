import json

import pytest

from so3k_explore.jobs.setting import Settings
from so3k_explore.jobs.settings import SETTINGS, DynamicsSettings, settings_from_json


@pytest.mark.parametrize("cls", SETTINGS.values(), ids=lambda cls: cls.kind)
def test_settings_survive_a_file(cls: type[Settings]) -> None:
    settings = cls()
    assert settings_from_json(cls.kind, json.loads(json.dumps(settings.to_json()))) == settings


def test_an_unknown_setting_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(ValueError, match=r"Unknown settings for dynamics: `temprature`.*temperature"):
        settings_from_json("dynamics", {"temprature": 300})


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
