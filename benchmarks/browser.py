"""The application in this process, and how Chromium is started beside it: it draws without a GPU, on the same cores."""

import asyncio
import threading
import time
from typing import Any

TICK = 0.02  # s
ARGUMENTS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--ignore-gpu-blocklist",
)


class PageServer:
    """The application in a thread of this process, whose event loop can be asked how late it is."""

    def __init__(self, runs: Any) -> None:
        import panel as pn

        from so3k_explore.app.main import create_app
        from so3k_explore.cli.serve import free_port

        port = free_port("localhost")
        self.url = f"http://localhost:{port}"
        self.loop: Any = None
        ready = threading.Event()

        def serve() -> None:
            self.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.loop)
            self.loop.call_later(1.0, ready.set)
            origins = [f"localhost:{port}"]
            pn.serve({"/": lambda: create_app(runs)}, port=port, websocket_origin=origins, show=False, verbose=False)

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        ready.wait(60)

    def __enter__(self) -> "PageServer":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the event loop, so that no page asks for anything while the process ends."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(30)

    def lags(self, seconds: float) -> list[float]:
        """How much later than asked for a timer fires, s."""
        found: list[float] = []

        async def watch() -> None:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                began = time.perf_counter()
                await asyncio.sleep(TICK)
                found.append(time.perf_counter() - began - TICK)

        asyncio.run_coroutine_threadsafe(watch(), self.loop).result(seconds + 60)
        return found
