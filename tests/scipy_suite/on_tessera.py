"""A plug-in that runs SciPy's own tests of scipy.fft, scipy.linalg and scipy.ndimage, which its package has, on
distributed arrays (run.py of this folder):

    [mpirun -n 3] python -m pytest -p on_tessera --pyargs scipy.ndimage.tests -p no:cacheprovider

in this folder's path (PYTHONPATH). In the test modules SciPy's functions become those of tessera; arrays of NumPy's
that they are given become Arrays, and what comes back NumPy's again.
"""

import functools
import inspect
import types
import warnings

import linalg_calls
import numpy as np
import scipy.fft
import scipy.linalg
import scipy.ndimage
import tessera

# SciPy's words for a warning that begins so, for its tests look at them.
_SAID = {UserWarning: {"output of a complex filter is ": "promoting specified output dtype to complex"}}


def _there(value):
    kinds = isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.dtype.itemsize <= 16
    return tessera.asarray(np.ascontiguousarray(value).reshape(value.shape)) if kinds else value


def _here(value):
    if isinstance(value, (tuple, list)):
        each = map(_here, value)
        return value._make(each) if hasattr(value, "_make") else type(value)(each)
    if isinstance(value, dict):
        return {key: _here(each) for key, each in value.items()}
    if not isinstance(value, tessera.Array):
        return value
    host = value.numpy().copy()
    return host if host.ndim else host[()]


def _on_images(function, args, kwargs):
    if args:  # what lies by rows; others are small and everywhere
        args = (_there(args[0]), *args[1:])
    for name in ("input", "labels", "mask", "x"):
        if name in kwargs:
            kwargs[name] = _there(kwargs[name])
    return function(*args, **kwargs)


def _on_matrices(function, args, kwargs):
    return linalg_calls.call(function, *(
        {name: _there(each) for name, each in given.items()} if isinstance(given, dict) else list(map(_there, given))
        for given in (args, kwargs)))


@functools.cache
def _translated(function, room):
    call = _on_matrices if room is scipy.linalg else _on_images

    @functools.wraps(function)
    def translated(*args, **kwargs):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            result = _here(call(function, args, dict(kwargs)))
        for each in said:
            warnings.warn(_SAID.get(each.category, {}).get(str(each.message)[:30], str(each.message)), each.category, stacklevel=2)
        return result

    return translated


# SciPy's modules and what takes their place. Of linear algebra SciPy's functions say which is meant.
_ROOMS = {scipy.fft: tessera.fft, scipy.linalg: tessera.linalg, scipy.ndimage: tessera.ndimage}


def _of_room(room, name):
    ours, theirs = getattr(_ROOMS[room], name, None), getattr(room, name, None)
    if ours is None or not inspect.isroutine(theirs):
        return theirs
    return _translated(theirs if room is scipy.linalg else ours, room)


class _Module(types.ModuleType):
    def __init__(self, room):
        super().__init__(room.__name__)
        self._room = room

    def __getattr__(self, name):
        return _of_room(self._room, name)


_MODULES = {room: _Module(room) for room in _ROOMS}


def _ours(value):
    if isinstance(value, types.ModuleType):
        return _MODULES.get(value, value)
    name = getattr(value, "__name__", "")
    for room in _ROOMS if callable(value) else ():
        same = value is getattr(room, name, None)
        if same or getattr(value, "__module__", "").startswith("scipy.fft._pocketfft") and room is scipy.fft:
            return _of_room(room, name) or value
    return value


def pytest_collection_modifyitems(items):
    """Replaces the names; on several processes all run the same tests in the same order."""
    for module in {item.module for item in items}:
        for name, value in list(vars(module).items()):
            if not name.startswith("_"):
                setattr(module, name, _ours(value))
    for item in items:
        if hasattr(item, "callspec"):
            item.callspec.params.update({name: _ours(value) for name, value in item.callspec.params.items()})


def pytest_runtest_setup(item):
    """All processes draw the same data."""
    np.random.seed(0)
