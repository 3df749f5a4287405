"""Runs every benchmark, or those named on the command line: `python -m benchmarks [NAME ...] [options]`."""

import importlib
import pkgutil
import sys

import benchmarks
from so3k_explore.jobs.preload import reuse_memory, use_all_cores

# Parts of others, and what needs arguments or hours
ASIDE = {"machine", "browser", "conformers", "ethanol", "gfn2", "others", "torch_peers"}


def main() -> None:
    """Imports each benchmark and calls its `main`."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name[0].isalpha()]
    known = [name for name in known if name not in ASIDE]
    wanted = sys.argv[1:] or known
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"Unknown benchmark {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    use_all_cores()
    reuse_memory()
    for name in wanted:
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
