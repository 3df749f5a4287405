"""What a worker says about itself: state, progress, speed, and a sign of life every second."""

import os
import platform
import socket
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from so3k_explore.jobs.store import RunFolder

INTERVAL = 0.1  # s between two writings of the status at most
HEARTBEAT = 1.0  # s between two writings at least
WINDOW = 5.0  # s over which speed is averaged


class Speedometer:
    """Rates of counters over the last seconds."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, ...]] = deque()

    def reset(self) -> None:
        """Forgets the past, e.g. after a pause."""
        self._points.clear()

    def add(self, steps: int, calls: int, time_fs: float, progress: float | None) -> None:
        """Takes the counters of this moment."""
        now = time.monotonic()
        self._points.append((now, steps, calls, time_fs, progress or 0.0))
        while len(self._points) > 2 and now - self._points[1][0] > WINDOW:
            self._points.popleft()

    def rates(self) -> dict[str, float]:
        """Steps and calls of the potential per second, and simulated nanoseconds a day; empty without a past."""
        if len(self._points) < 2:
            return {}
        steps, calls, time_fs, _ = self._differences()
        rates = {"steps_per_second": steps, "calls_per_second": calls}
        return rates | ({"ns_per_day": time_fs * 86400e-6} if time_fs else {})

    def seconds_left(self) -> float | None:
        """Until all is done, if it goes on as in the last seconds; None when there is no telling."""
        if len(self._points) < 2:
            return None
        rate, done = self._differences()[-1], self._points[-1][-1]
        return (1 - done) / rate if rate > 0 else None

    def _differences(self) -> list[float]:
        (start, *before), (end, *after) = self._points[0], self._points[-1]
        seconds = max(end - start, 1e-9)
        return [(b - a) / seconds for a, b in zip(before, after, strict=True)]


class Reporter:
    """Keeps ``status.json`` of a run up to date, from a thread of its own when nothing else happens."""

    def __init__(self, folder: RunFolder, **values: Any) -> None:
        self.folder = folder
        self.speed = Speedometer()
        self._values = {**values, "host": socket.gethostname(), "pid": os.getpid(), "started": time.time()}
        self._lock = threading.Lock()
        self._written = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self, message: str) -> None:
        """Says that the run is starting."""
        self.say("starting", message)
        self._thread.start()

    def say(self, state: str, message: str = "", **values: Any) -> None:
        """Writes a new state at once."""
        with self._lock:
            self._values |= {"state": state, "message": message, **values}
            self._write()

    def progress(self, **values: Any) -> None:
        """Takes new numbers, and writes them unless that was done a moment ago."""
        with self._lock:
            self._values |= values
            if time.monotonic() - self._written > INTERVAL:
                self._write()

    def end(self, state: str, message: str, **values: Any) -> None:
        """The last word."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        with suppress(OSError):
            self.say(state, message, **values)

    def _write(self) -> None:
        self._written = time.monotonic()
        self.folder.write_status(self._values)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT / 2):
            with self._lock, suppress(OSError):  # a full disk is told by the thread that works
                if time.monotonic() - self._written > HEARTBEAT:
                    self._write()


def device_name() -> str:
    """The device that JAX computes on, for people."""
    import jax

    device = jax.devices()[0]
    if device.platform == "cpu":
        return f"CPU ({os.cpu_count()} cores, {platform.machine()})"
    return f"{device.device_kind} ({device.platform})"
