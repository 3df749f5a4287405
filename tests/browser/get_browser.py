"""Makes sure that a Chromium is there for the browser tests: uses what is installed, else tries to get one.

Without success it says what to install. The tests are then skipped with that reason, but on a build server (``CI``
set) this is a failure, because there nobody would notice.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
ADVICE = (
    "Browser tests need Chromium. Install it (Debian, Ubuntu: apt install chromium; otherwise: "
    "python -m playwright install chromium) or set CHROMIUM to its path."
)


def find_browser() -> str | None:
    """Path of a Chromium-like browser: `CHROMIUM`, else one on the path, else Playwright's own, else None."""
    wished = os.environ.get("CHROMIUM")
    if wished:
        return wished if Path(wished).is_file() else shutil.which(wished)
    return next((path for path in map(shutil.which, NAMES) if path), None) or playwright_browser()


def playwright_browser() -> str | None:
    """Path of the browser that Playwright downloaded for itself, if it did."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def install_browser() -> str | None:
    """Tries Debian's package where that is allowed, then Playwright's download; returns the path when one worked."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        quietly("apt-get", "update")
        quietly("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
    if find_browser() is None:
        quietly(sys.executable, "-m", "playwright", "install", "chromium")
    return find_browser()


def quietly(*command: str) -> None:
    """Runs a command whose failure is judged by whether a browser is there afterwards."""
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(command, capture_output=True, check=False, timeout=900, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        pass


def main() -> int:
    if find_browser() or install_browser():
        return 0
    sys.stderr.write(ADVICE + "\n")
    return 1 if os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
