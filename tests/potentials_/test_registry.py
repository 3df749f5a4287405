import logging
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from so3k_explore.potentials import published, registry
from so3k_explore.potentials.cards import model_card
from so3k_explore.potentials.checkpoints import save_potential
from so3k_explore.potentials.downloads import DownloadError
from so3k_explore.potentials.errors import CheckpointError, ModelNotFoundError
from so3k_explore.potentials.lennard_jones import LennardJones
from so3k_explore.potentials.registry import (
    add_model,
    default_model,
    fetch_model,
    list_models,
    load_potential,
    model_info,
)
from so3k_explore.potentials.so3krates import So3krates
from so3k_explore.potentials.so3lr import So3lr
from tests.potentials import GAPPED, MIDDLE, REPELLING


@cache
def small_so3lr() -> So3lr:
    return So3lr.create(1, MIDDLE)


@cache
def small_so3krates() -> So3krates:
    return So3krates.create(1, GAPPED)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SO3K_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SO3K_MODELS", raising=False)
    monkeypatch.setattr(registry, "PRETRAINED", tmp_path / "nothing")
    return tmp_path / "home"


def test_lennard_jones_is_always_there() -> None:
    assert isinstance(load_potential("lennard-jones"), LennardJones)
    assert [(info.name, info.installed) for info in list_models()] == [("lennard-jones", True), ("so3lr", False)]


def test_a_model_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(ModelNotFoundError, match="so3k models get so3lr"):
        load_potential("so3lr")
    with pytest.raises(ModelNotFoundError, match="Known models: lennard-jones, so3lr"):
        load_potential("nonsense")


def test_only_two_precisions_exist() -> None:
    with pytest.raises(ValueError, match="float32"):
        load_potential("lennard-jones", "float16")


def test_an_added_model_is_listed_and_loaded_by_its_name(tmp_path: Path) -> None:
    path = save_potential(tmp_path / "mine.npz", small_so3krates(), description="my model")
    info = add_model(path)
    assert (info.name, info.kind, info.installed, info.description) == ("mine", "so3krates", True, "my model")
    assert info.parameters > 0
    path.unlink()
    assert isinstance(load_potential("mine"), So3krates)
    with pytest.raises(ValueError, match="belongs to another model"):
        add_model(model_info("mine").path or path, name="so3lr")


def test_who_knows_charges_is_known_without_loading(tmp_path: Path) -> None:
    for name, potential in (("plain", small_so3krates()), ("charged", small_so3lr())):
        add_model(save_potential(tmp_path / f"{name}.npz", potential))
    assert {info.name: info.charges for info in list_models()} == {
        **{"lennard-jones": False, "plain": False},
        **{"so3lr": True, "charged": True},
    }


def test_folders_of_the_environment_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = tmp_path / "extra"
    save_potential(extra / "a" / "model.npz", small_so3krates())
    save_potential(extra / "b.npz", small_so3lr())
    (extra / "unrelated").mkdir()
    np.savez(extra / "other.npz", x=np.ones(2))
    monkeypatch.setenv("SO3K_MODELS", str(extra))
    assert {info.name: info.kind for info in list_models() if info.installed} == {
        "lennard-jones": "lennard-jones",
        "a": "so3krates",
        "b": "so3lr",
    }
    potential = load_potential("b", long_range_cutoff=9.0)
    assert isinstance(potential, So3lr)
    assert potential.long_range_cutoff == 9.0


def test_the_default_model_knows_the_elements(tmp_path: Path) -> None:
    assert default_model([18, 18, 0]) == "lennard-jones"
    with pytest.raises(ModelNotFoundError, match="so3lr knows these elements, but is not on this machine"):
        default_model([1, 8])
    with pytest.raises(ModelNotFoundError, match="No model knows all of the elements H, Fe"):
        default_model([26, 1])
    add_model(save_potential(tmp_path / "mine.npz", small_so3lr()))
    assert default_model([1, 8]) == "mine"


def test_the_published_model_is_fetched_from_a_file(reference: Path, home: Path) -> None:
    path = fetch_model("so3lr", from_file=reference / "so3lr" / "params.pkl")
    assert path == home / "models" / "so3lr.npz"
    info = model_info("so3lr")
    assert (info.installed, info.published, info.parameters) == (True, True, 530_238)
    assert default_model([1, 6, 8]) == "so3lr"
    fetched, original = load_potential("so3lr"), load_potential(reference / "so3lr")
    assert isinstance(fetched, So3lr)
    assert isinstance(original, So3lr)
    np.testing.assert_array_equal(
        fetched.params["transformer"]["embedding"]["elements"]["embedding"],
        original.params["transformer"]["embedding"]["elements"]["embedding"],
    )


def test_another_file_is_taken_but_never_passes_for_the_published_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        fetch_model("so3lr", from_file=save_potential(tmp_path / "mine.npz", small_so3lr()))
    assert "does not hold the published parameters" in caplog.text
    assert not model_info("so3lr").published
    assert "Not the published parameters" in model_card(model_info("so3lr"))


def served(monkeypatch: pytest.MonkeyPatch, url: str, sha256: str | None = None) -> None:
    import dataclasses

    facts = published.PUBLISHED["so3lr"]
    changed = dataclasses.replace(facts, url=url, sha256=facts.sha256 if sha256 is None else sha256)
    monkeypatch.setitem(published.PUBLISHED, "so3lr", changed)


def test_a_download_is_checked_and_reports_its_progress(reference: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, (reference / "so3lr" / "params.pkl").resolve().as_uri())
    seen: list[float] = []
    fetch_model("so3lr", progress=lambda fraction, sentence: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert model_info("so3lr").published


def test_a_download_of_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (tmp_path / "params.pkl").write_bytes(b"not it")
    served(monkeypatch, (tmp_path / "params.pkl").as_uri())
    with pytest.raises(CheckpointError, match="not the published file: expected SHA-256 1c481bd2"):
        fetch_model("so3lr")
    assert not model_info("so3lr").installed


def test_without_a_connection_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, "http://127.0.0.1:9/params.pkl")
    with pytest.raises(DownloadError, match=r"could not be fetched .* --from-file"):
        fetch_model("so3lr")


def test_the_card_says_what_a_user_must_know() -> None:
    card = model_card(model_info("so3lr"))
    for words in ("H, C, N, O, F, P, S, Cl", "530 238", "all pairs", "same atoms", "MIT", "1e-5 eV", "not on energies"):
        assert words in card, words
    assert "any" in model_card(model_info("lennard-jones"))


def test_listing_models_loads_no_framework() -> None:
    code = (
        "import sys; from so3k_explore.potentials.registry import list_models; list_models(); "
        "assert not {'jax', 'flax', 'panel'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=800)


def test_a_bundled_model_comes_before_those_of_the_user_except_for_ions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = tmp_path / "bundled"
    save_potential(bundled / "ours.npz", So3krates.create(1, REPELLING).replace(elements=frozenset({1, 6, 8})))
    monkeypatch.setattr(registry, "PRETRAINED", bundled)
    add_model(save_potential(tmp_path / "mine.npz", small_so3lr()))
    assert [info.name for info in list_models()] == ["lennard-jones", "ours", "so3lr", "mine"]
    assert model_info("ours").ions is False
    assert default_model([1, 6]) == "ours"
    assert default_model([1, 6], charge=1.0) == "mine"
    assert default_model([1, 16]) == "mine"
    assert isinstance(load_potential("ours"), So3krates)
    with pytest.raises(ValueError, match="belongs to another model"):
        add_model(tmp_path / "mine.npz", name="ours")
