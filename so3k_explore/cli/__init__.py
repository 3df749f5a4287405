"""The command `so3k`. Names and defaults are those of Python; every subcommand is one module, loaded when it is used.

Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted with Ctrl-C. With ``--json`` standard output holds one JSON
document and nothing else; progress and messages go to standard error.
"""

import importlib
import logging
import sys
from collections.abc import Sequence

from so3k_explore.cli.terminal import Parser, say

COMMANDS = {
    "serve": ("serve", "open the page in a browser"),
    "md": ("work", "molecular dynamics of a molecule"),
    "relax": ("work", "relax a molecule to its nearest minimum"),
    "explore": ("work", "search for the minima of a molecule"),
    "saddles": ("saddles", "search for the saddles between minima, and list them"),
    "tree": ("tree", "say and draw which minima are connected below which energy"),
    "attention": ("attention", "what a model attends to, in a structure or in all minima of a landscape"),
    "cluster": ("cluster", "sort minima into families"),
    "recheck": ("recheck", "relax minima again with a reference method"),
    "report": ("report", "write the story of a search as one HTML file"),
    "landscape": ("landscape", "export, merge and import landscapes"),
    "sample": ("data", "make structures with labels of a reference method"),
    "label": ("data", "label structures with a reference method"),
    "data": ("contents", "say and draw what is in a file of labelled structures"),
    "train": ("training", "fit a model to labelled structures"),
    "evaluate": ("training", "compare a model with labelled structures"),
    "card": ("training", "what is known about a model, and its errors"),
    "spectra": ("spectra", "power, infrared and harmonic spectra"),
    "free-energy": ("free_energy", "free energy along coordinates of a trajectory"),
    "show": ("show", "describe a molecule or a run"),
    "models": ("models", "list, fetch and add models"),
    "runs": ("runs", "list, follow and steer runs"),
    "doctor": ("doctor", "check the installation"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in COMMANDS:
        return _overview(given)
    name, rest = given[0], given[1:]
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    module = importlib.import_module(f"so3k_explore.cli.{COMMANDS[name][0]}")
    parser = Parser(prog=f"so3k {name}", description=f"{COMMANDS[name][1].capitalize()}.")
    try:
        module.add_arguments(parser, name)
        return module.run(parser.parse_args(rest), name)
    except KeyboardInterrupt:
        say("Interrupted.")
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stderr.close()
        return 1
    except ValueError as error:
        say(str(error))
        return 2
    except (OSError, RuntimeError) as error:
        say(str(error))
        return 1


def _overview(given: list[str]) -> int:
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{width}} {text}" for name, (_, text) in COMMANDS.items())
    description = f"Explore potential energy surfaces with SO3krates force fields.\n\ncommands:\n{listing}"
    parser = Parser(prog="so3k", description=description, usage="so3k COMMAND ...")
    parser.epilog = "`so3k COMMAND --help` says more."
    parser.add_argument("--version", action="store_true", help="print the version")
    options, rest = parser.parse_known_args(given)
    if options.version:
        from importlib.metadata import version

        sys.stdout.write(f"so3k_explore {version('so3k-explore')}\n")
        return 0
    if rest:
        parser.error(f"There is no command `{rest[0]}`. Commands: {', '.join(COMMANDS)}.")
    parser.print_help()
    return 0
