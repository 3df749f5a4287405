"""``so3k serve``: the page, on this machine only unless another address is asked for."""

import argparse
import os
import secrets
import socket

from so3k_explore.cli.options import add_folder
from so3k_explore.cli.terminal import say

LOOPBACK = ("localhost", "127.0.0.1")


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Where to listen."""
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--address", default="localhost", help="listen here (default: localhost, only this machine)")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")
    add_folder(parser)


def run(arguments: argparse.Namespace, name: str) -> int:
    """Serves the page until Ctrl-C."""
    from so3k_explore.jobs import Runs

    runs = Runs(arguments.runs, arguments.scheduler)
    port = arguments.port or free_port(arguments.address)
    _check_port(arguments.address, port)
    import panel as pn

    from so3k_explore.app.main import create_app

    hosts = LOOPBACK if arguments.address in LOOPBACK else (*LOOPBACK, arguments.address, socket.gethostname())
    if arguments.address not in LOOPBACK:
        say("Anybody who reaches this address can start runs and read files of yours that hold molecules.")
    say(f"so3k explore is at http://{arguments.address}:{port} - Ctrl-C ends the page; runs go on.")
    runs.prepare()
    pn.serve(
        {"/": lambda: create_app(runs)},  # `pn.serve` takes functions only
        port=port,
        address=arguments.address,
        websocket_origin=[f"{host}:{port}" for host in hosts],
        show=arguments.open,
        title="so3k explore",
        cookie_secret=os.environ.get("SO3K_COOKIE_SECRET") or secrets.token_hex(32),
        verbose=False,
    )
    runs.close(workers=not any(run.status().active for run in runs.list()))
    return 0


def free_port(address: str) -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address if address != "localhost" else "127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _check_port(address: str, port: int) -> None:
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address if address != "localhost" else "127.0.0.1", port))
    except (OSError, OverflowError) as error:
        raise ValueError(f"Port {port} at {address} cannot be used ({error}). Choose another with `--port`.") from None
