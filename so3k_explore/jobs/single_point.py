"""Energy, largest force and partial charges of one structure, computed in a process of its own.

A page wants these numbers at once and beside everything else. Compiling a network in the page's process would hold up
its threads, and opening the accelerator there would take memory from the runs; the helper process works on the CPU, at
low priority, and ends when nobody has asked for a while or its parent is gone.

Questions and answers are lines of JSON on the helper's standard input and output.
"""

import functools
import json
import os
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from so3k_explore.io.molecule import Molecule

if TYPE_CHECKING:
    from so3k_explore.system import System

IDLE = 600.0  # s without a question after which the helper ends
KEPT = 64  # answers remembered
XLA = "--xla_backend_optimization_level=0"  # compiled for one structure: that takes longer than the sums


class SinglePointError(RuntimeError):
    """A structure could not be evaluated; the message is for the user."""


@dataclass(frozen=True)
class Question:
    """A structure, and the model that is asked about it."""

    model: str
    precision: str  # "float32" or "float64"
    long_range_cutoff: float | None  # Å; None: all pairs
    positions: list[list[float]]  # (atoms, 3), Å
    numbers: list[int]
    charge: float  # e
    spin: float
    cell: list[list[float]] | None  # Å

    @classmethod
    def about(
        cls,
        molecule: Molecule,
        model: str,
        *,
        positions: np.ndarray | None = None,
        precision: str = "float32",
        long_range_cutoff: float | None = None,
    ) -> "Question":
        """About a molecule, at other positions if these are given."""
        system = molecule.system
        at = molecule.positions if positions is None else positions
        return cls(
            model=model,
            precision=precision,
            long_range_cutoff=long_range_cutoff,
            positions=np.asarray(at, float).tolist(),
            numbers=molecule.numbers.tolist(),
            charge=molecule.charge,
            spin=float(system.spin),
            cell=None if system.cell is None else np.asarray(system.cell, float).tolist(),
        )


@dataclass(frozen=True, eq=False)
class SinglePoint:
    """What a model says about one structure."""

    energy: float  # eV
    max_force: float  # eV/Å
    charges: np.ndarray | None  # (atoms,), e; None: the model knows no charges


def evaluate(question: Question) -> SinglePoint:
    """The answer, computed in this process."""
    from so3k_explore.observables.charges import charges, has_charges
    from so3k_explore.observables.forces import energy_and_forces, forces_norm, neighbors_for

    with known_potential(question) as (potential, system):
        neighbors = neighbors_for(potential, system, skin=0.0)
        energy, forces = energy_and_forces(potential, system, neighbors)
        said = np.asarray(charges(potential, system, neighbors), float) if has_charges(potential) else None
        return SinglePoint(float(energy), float(forces_norm(forces)), said)


@contextmanager
def known_potential(question: Question) -> "Iterator[tuple[Any, System]]":
    """The potential and the structure that a question is about, in its precision."""
    import jax
    import jax.numpy as jnp

    from so3k_explore.jobs.job import fingerprint
    from so3k_explore.potentials.registry import model_info
    from so3k_explore.system import System

    weights = fingerprint(model_info(question.model).path)
    with jax.enable_x64(question.precision == "float64"):
        potential = _potential(question.model, weights, question.precision, question.long_range_cutoff)
        system = System.create(
            question.positions, question.numbers, charge=question.charge, spin=question.spin, cell=question.cell
        ).astype(jnp.float64 if question.precision == "float64" else jnp.float32)
        yield potential, system


@functools.lru_cache(maxsize=2)
def _potential(model: str, weights: str | None, precision: str, long_range_cutoff: float | None) -> Any:
    """The potential; `weights` is the fingerprint of its file, so that a file that was replaced is read again."""
    from so3k_explore.potentials.registry import load_potential

    return load_potential(model, precision=precision, long_range_cutoff=long_range_cutoff)


class Helper:
    """Asks a process, which is started by the first question, and remembers the latest answers."""

    def __init__(self, module: str, parse: Callable[[str], Any], *, kept: int = KEPT, xla: str = "") -> None:
        """`module` runs `answer_questions`; `parse` reads an answer; `xla` are flags for its compiler."""
        self._module, self._parse, self._kept, self._xla = module, parse, kept, xla
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._known: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, question: Any) -> Any:
        """The answer to a question, a dataclass of JSON values; waits for it.

        Raises:
            SinglePointError: the model cannot be loaded or does not fit the structure, or the helper has died.
        """
        line = json.dumps(asdict(question))
        with self._lock:
            if line not in self._known:
                self._known[line] = self._ask(line)
            self._known.move_to_end(line)
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
            return self._known[line]

    def close(self) -> None:
        """Ends the helper; the next question starts another."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not read any more
                pipe.close()  # pyright: ignore[reportOptionalMemberAccess]
        process.wait()

    def _ask(self, line: str) -> Any:
        for _ in range(2):  # a helper that has ended in the meantime is replaced
            helper = self._process = self._process or _start(self._module, self._xla)
            assert helper.stdin is not None
            assert helper.stdout is not None
            answer = ""
            with suppress(BrokenPipeError):
                helper.stdin.write(line + "\n")
                helper.stdin.flush()
                answer = helper.stdout.readline()
            if answer:
                return self._parse(answer)
            self._end()
        raise SinglePointError("The structure could not be evaluated: the process that computes it has died.")


def _start(module: str, xla: str) -> "subprocess.Popen[str]":
    package = str(Path(__file__).parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": os.pathsep.join(paths)}
    environment["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {xla}".strip()
    return subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    )


def _parsed(answer: str) -> SinglePoint:
    content = json.loads(answer)
    if "error" in content:
        raise SinglePointError(content["error"])
    charges = content["charges"]
    return SinglePoint(content["energy"], content["max_force"], None if charges is None else np.asarray(charges))


class SinglePoints(Helper):
    """Asks for energies, forces and charges."""

    def __init__(self) -> None:
        super().__init__("so3k_explore.jobs.single_point", _parsed, xla=XLA)


single_points = SinglePoints()
"""The helper of this process."""


def _answer(line: str) -> dict[str, Any]:
    try:
        found = evaluate(Question(**json.loads(line)))
    except Exception as error:  # whatever it is, the page says it and goes on
        return {"error": str(error) or type(error).__name__}
    return {**asdict(found), "charges": None if found.charges is None else found.charges.tolist()}


def main() -> None:
    """Answers questions about single structures."""
    answer_questions(_answer)


def answer_questions(answer: Callable[[str], dict[str, Any]]) -> None:
    """Answers lines until standard input ends or nobody asks."""
    from so3k_explore.jobs.preload import make_way, use_compilation_cache

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that a library prints is taken for an answer
    make_way()
    use_compilation_cache()
    timer = _restarted(None)
    for line in sys.stdin:
        timer.cancel()
        answers.write(json.dumps(answer(line)) + "\n")
        answers.flush()
        timer = _restarted(timer)
    timer.cancel()


def _restarted(timer: threading.Timer | None) -> threading.Timer:
    """A timer that ends the process when nothing comes for `IDLE` seconds."""
    if timer is not None:
        timer.cancel()
    timer = threading.Timer(IDLE, lambda: os._exit(0))
    timer.daemon = True
    timer.start()
    return timer


if __name__ == "__main__":
    main()
