"""``so3k doctor``: whether everything that is needed is here, and what to do about what is not."""

import argparse
import os
import platform
from collections.abc import Callable
from pathlib import Path

from so3k_explore.cli.options import add_folder, add_json
from so3k_explore.cli.terminal import show, show_json


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Only where runs are."""
    add_folder(parser)
    add_json(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Makes every check; 1 when something does not work."""
    checks: dict[str, Callable[[], str]] = {
        "versions": _versions,
        "device": _device,
        "runs": lambda: _runs(arguments.runs),
        "cache": _cache,
        "models": _models,
        "viewer": _viewer,
    }
    found = {}
    for title, check in checks.items():
        try:
            found[title] = (True, check())
        except Exception as error:
            found[title] = (False, str(error))
    if arguments.json:
        show_json({title: {"ok": fine, "message": message} for title, (fine, message) in found.items()})
    else:
        show("\n".join(f"{'ok     ' if fine else 'PROBLEM'} {title}: {text}" for title, (fine, text) in found.items()))
    return 0 if all(fine for fine, _ in found.values()) else 1


def _versions() -> str:
    from so3k_explore.jobs.job import versions

    return ", ".join(f"{name} {number}" for name, number in versions().items()) + f", {platform.platform()}"


def _device() -> str:
    import jax.numpy as jnp

    from so3k_explore.jobs.reporter import device_name

    if float(jnp.arange(4.0) @ jnp.ones(4)) != 6.0:
        raise RuntimeError("JAX computes wrong numbers on this device. Reinstall it: pip install --force-reinstall jax")
    return device_name()


def _runs(given: Path | None) -> str:
    from so3k_explore.jobs import Runs
    from so3k_explore.jobs.engine import running_engine

    runs = Runs(given)
    engine = running_engine(runs.root)
    workers = "no background workers" if engine is None else f"background workers at {engine['address']}"
    return f"{len(runs.list())} in {runs.root}, {workers}"


def _cache() -> str:
    from platformdirs import user_cache_path

    home = Path(os.environ.get("SO3K_HOME") or user_cache_path("so3k_explore"))
    home.mkdir(parents=True, exist_ok=True)
    if not os.access(home, os.W_OK):
        raise RuntimeError(f"{home} cannot be written. Change its permissions or set SO3K_HOME to another folder.")
    return str(home)


def _models() -> str:
    from so3k_explore.potentials.registry import list_models

    models = list_models()
    missing = [info.name for info in models if not info.installed]
    installed = ", ".join(info.name for info in models if info.installed)
    return installed + (f"; not installed: {', '.join(missing)} (so3k models get {missing[0]})" if missing else "")


def _viewer() -> str:
    from so3k_explore.app.panes.nglview_assets import ngl_bundle

    return f"NGL from {ngl_bundle()}"
