import os
import time

import pytest

from so3k_explore.io.processes import SINGLE_THREAD, Crew, ProcessEndedError


def about(number: int) -> tuple[int, int, tuple[str | None, ...]]:
    print("not an answer")  # noqa: T201 - programs of others do this
    return number, os.getpid(), tuple(os.environ.get(name) for name in SINGLE_THREAD)


def trouble(what: str) -> str:
    if what == "crash":
        os._exit(3)
    if what == "wait":
        time.sleep(600)
    if what == "raise":
        raise ValueError("no good")
    return what


def test_processes_answer_in_order_with_one_thread_each() -> None:
    with Crew(2) as crew:
        found = list(crew.map(about, range(4)))
    assert [number for number, _, _ in found] == [0, 1, 2, 3]
    assert os.getpid() not in {process for _, process, _ in found}
    assert {threads for _, _, threads in found} == {("1", "1", "1")}


def test_a_crash_costs_one_task_and_closing_does_not_wait() -> None:
    crew = Crew(1)
    failing = [crew.submit(trouble, what) for what in ("raise", "crash")]
    assert isinstance(failing[0].exception(60), ValueError)
    assert "code 3" in str(failing[1].exception(60))
    assert crew.submit(trouble, "again").result(300) == "again"
    long, never = crew.submit(trouble, "wait"), crew.submit(trouble, "never")
    while not long.running():
        time.sleep(0.01)
    began = time.monotonic()
    crew.close()
    assert isinstance(long.exception(30), ProcessEndedError)
    assert time.monotonic() - began < 30
    assert never.cancelled()
    with pytest.raises(RuntimeError):
        crew.submit(trouble, "late")
