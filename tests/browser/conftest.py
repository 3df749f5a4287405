"""A real Chromium against a real server: one browser and one server per page for all tests, a fresh context for each.

The browser resolves no names but the loopback's, and a test fails on any console error, page error, failed or external
request, and on any traceback in the server's log. ``UI_TIMEOUT_SCALE`` stretches every wait on slow machines.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.browser.get_browser import ADVICE, find_browser

ROOT = Path(__file__).parents[2]
APPS = Path(__file__).parent / "apps"
SCALE = float(os.environ.get("UI_TIMEOUT_SCALE", "1"))
TIMEOUT = 400.0 * SCALE  # seconds; only a failure takes that long
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",  # composing pages on a software renderer costs a core; what WebGL draws is as before
    "--ignore-gpu-blocklist",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
)
# A page went away while the server was writing to it, or while its last message was on the way.
CLOSED_TAB = ("WebSocketClosedError", "StreamClosedError", "assert self._session is not None")
LOCAL = ("http://localhost", "ws://localhost", "http://127.0.0.1", "ws://127.0.0.1", "blob:", "data:", "about:")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every wait of a browser test ends by itself; all of them together may take long where cores are few."""
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(5 * TIMEOUT))


def expect(shown: Any) -> Any:
    """Playwright's assertions, which wait: `expect(locator).to_be_visible()`."""
    from playwright.sync_api import expect as playwright_expect

    return playwright_expect(shown)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A server in a process of its own. `forgive` lists texts that a log line may contain although it is an error."""

    command: list[str]
    url: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    forgive: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Server":
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "BOKEH_RESOURCES": "server", "JAX_PLATFORMS": "cpu"}
        environment["SO3K_REHEARSE"] = "0"  # what no test waits for would slow all others down
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env={**environment, **self.environment}
            )
        deadline = time.monotonic() + 2 * TIMEOUT
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"The server did not start:\n{self.log.read_text()}")
            time.sleep(0.2)
        return self

    def _answers(self) -> bool:
        """Whether the server answers; asked for a page, it would make a session each time."""
        try:
            urllib.request.urlopen(f"{self.url}/favicon.ico", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)
        self.process = None

    def complaints(self) -> list[str]:
        """Tracebacks in the log, and lines marked as errors, except what `forgive` and a closed tab explain."""
        lines = self.log.read_text(errors="replace").splitlines()
        bad = [line for line in lines if "ERROR" in line]
        for number, line in enumerate(lines):
            if "Traceback" in line:
                ends = (k for k in range(number + 1, len(lines)) if lines[k] and not lines[k].startswith((" ", "\t")))
                bad.append("\n".join(lines[number : next(ends, len(lines)) + 1]))
        return [text for text in bad if not any(known in text for known in (*CLOSED_TAB, *self.forgive))]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Function that starts `panel serve` for a script, or any `command` with ``{port}`` in it, and stops it at the end.

    A second call with the same arguments returns the running server.
    """
    servers: dict[str, Server] = {}

    def start(
        script: Path | None = None, *, command: list[str] | None = None, environment: dict[str, str] | None = None
    ) -> Server:
        key = repr((script, command, environment))
        if key in servers:
            return servers[key]
        port = free_port()
        if command is None:
            panel = [sys.executable, "-m", "panel", "serve", str(script), "--address", "localhost", "--port", "{port}"]
            command = [*panel, "--allow-websocket-origin", "localhost:{port}"]
        command = [part.format(port=port) for part in command]
        log = tmp_path_factory.mktemp("server") / "log.txt"
        servers[key] = Server(command, f"http://localhost:{port}", log, environment or {}).start()
        return servers[key]

    yield start
    for server in servers.values():
        server.stop()
    complaints = [line for server in servers.values() for line in server.complaints()]
    assert not complaints, "\n".join(server.log.read_text() for server in servers.values())


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium with software graphics, the same on every machine."""
    path = find_browser()
    if path is None:
        pytest.skip(ADVICE)
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Browser tests need: pip install playwright")
    playwright_api.expect.set_options(timeout=1000 * TIMEOUT)
    with playwright_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGUMENTS))
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """What a page complained about. `expect` names texts that a test causes on purpose."""

    problems: list[str] = field(default_factory=list)
    expect: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("console", lambda text: text.type == "error" and self.problems.append(f"console: {text.text}"))
        page.on("requestfailed", lambda request: self.problems.append(f"failed: {request.url} {request.failure}"))
        page.on(
            "request", lambda request: request.url.startswith(LOCAL) or self.problems.append(f"external: {request.url}")
        )

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(text in problem for text in self.expect)]


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def new_page(browser: Any, watched: Watched) -> Iterator[Callable[..., Any]]:
    """Function that opens a page (a browser window of its own); the test fails when any of them complained."""
    contexts = []

    def open_page(width: int = 1100, height: int = 800, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, device_scale_factor=1, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * TIMEOUT)
        watched.watch(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watched.unexpected() == []


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    return new_page()
