"""Who computes."""

import contextlib
import os

import numpy as np

from . import _core
from ._core import backends, support


def _choice(how, backend):
    if not isinstance(backend, str):
        raise TypeError(f"{how} takes the name of a backend, got {backend!r}")
    return _core.Choice(how, backend)


def prefer(backend):
    """``with tessera.prefer("cuda"):`` tries that backend first."""
    return _choice("prefer", backend)


def only(backend):
    """``with tessera.only("reference"):`` lets no other backend run."""
    return _choice("only", backend)


def skip(backend):
    """``with tessera.skip("cpu"):`` does not let that backend run."""
    return _choice("skip", backend)


@contextlib.contextmanager
def trace(file):
    """Records what runs in a with statement: chrome://tracing and Perfetto open the file."""
    _core.trace_start(os.fspath(file))
    try:
        yield
    finally:
        _core.trace_finish()


def register(operation, name, function, *, can=None, dtypes=None, priority=0):
    """Makes a function of Python the implementation of an operation, of the backend `name`.

    It runs on data in host memory, where the backend is preferred or the only one, and is shown by
    traces, `backends` and `support`. For prototypes and tests: calls take turns for the
    interpreter's lock. All processes register the same, and keep it until they end.

    Parameters
    ----------
    operation : str
        One of `support`: a kernel (``"linalg.standardize"``) or a method (``"KMeans.predict"``).
        NotImplementedError for others, and for kernels whose arguments have no form in Python.
    name : str
        Of the backend. One of its operations after the other may be registered.
    function : callable
        Gets what the operation's C++ function is documented to get. Kernels: tiles as NumPy arrays,
        to write results into, None for an empty one. They are local, run on several threads and
        cannot call Tessera. Methods: X as Array or Stream, the estimator, then y and weights where
        C++'s has them; they return an Array, what `asarray` takes, or a number. What learns
        returns a dict of the fitted attributes.
    can : callable, optional
        Gets the same. None or True: it takes the call. False or a reason: the next one is asked.
        Looks only at what all processes know, and has no effects.
    dtypes : list of dtype, optional
        The dtypes of the first array that it takes; all by default.
    priority : int
        Among the backends that are not preferred.
    """
    for each in (function, can):
        if each is not None and not callable(each):
            raise TypeError(f"register needs functions, got {each!r}")
    _core.register(operation, name, function, can,
                   [np.dtype(each).name for each in dtypes or ()], priority)
