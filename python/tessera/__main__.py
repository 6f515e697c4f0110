"""python -m tessera: runs a script of scikit-learn's on Tessera."""

import argparse
import os
import random
import runpy
import sys

import numpy as np

from . import _core, _lazy, from_local


def _parse(words):
    parser = argparse.ArgumentParser(
        prog="python -m tessera",
        description="Runs a Python script whose scikit-learn estimators run in Tessera, where it has "
        "the same; under mpirun all processes run it, and the first one prints.",
    )
    parser.add_argument("--verbose", action="store_true",
                        help="log who runs every call, Tessera or scikit-learn")
    parser.add_argument("-m", dest="module", action="store_true",
                        help="the script is the name of a module")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the script")
    return parser.parse_args(words)


def _alike():
    """All processes draw the same numbers where the script names no seed, and one prints."""
    seed = int.from_bytes(os.urandom(4), "little")
    seed = int(from_local(np.array([seed])).numpy()[0])
    np.random.seed(seed)
    random.seed(seed)
    if _core.rank() > 0:
        sys.stdout = open(os.devnull, "w")


def main(words=None):
    given = _parse(words)
    if _core.size() > 1:
        _alike()
    _lazy.start_sooner()
    from ._patch import patch_sklearn

    patch_sklearn(verbose=given.verbose)
    sys.argv = [given.script, *given.arguments]
    try:
        if given.module:
            sys.path.insert(0, os.getcwd())
            runpy.run_module(given.script, run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = os.path.dirname(os.path.abspath(given.script))
            runpy.run_path(given.script, run_name="__main__")
    except SystemExit as leaving:
        if _core.rank() > 0 and not isinstance(leaving.code, (int, type(None))):
            raise SystemExit(1) from None  # the first one says why
        raise


if __name__ == "__main__":
    main()
