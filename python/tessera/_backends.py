"""Who computes."""

import contextlib
import os

from . import _core
from ._core import backends, support


def prefer(backend):
    """``with tessera.prefer("cuda"):`` tries that backend first."""
    return _core.Choice("prefer", backend)


def only(backend):
    """``with tessera.only("reference"):`` lets no other backend run."""
    return _core.Choice("only", backend)


def skip(backend):
    """``with tessera.skip("cpu"):`` does not let that backend run."""
    return _core.Choice("skip", backend)


@contextlib.contextmanager
def trace(file):
    """Records what runs in a with statement: chrome://tracing and Perfetto open the file."""
    _core.trace_start(os.fspath(file))
    try:
        yield
    finally:
        _core.trace_finish()
