"""A plug-in that runs SciPy's own tests of scipy.ndimage, which its package has, on distributed arrays:

    [mpirun -n 3] python -m pytest -p on_tessera --pyargs scipy.ndimage.tests -p no:cacheprovider

in this folder's path (PYTHONPATH). In the test modules scipy.ndimage's functions become those of tessera.ndimage;
arrays of NumPy's that they are given become Arrays, and what comes back NumPy's again.
"""

import functools
import types
import warnings

import numpy as np
import scipy.ndimage
import tessera
from tessera import ndimage


# SciPy's words for a warning that begins so, for its tests look at them.
_SAID = {UserWarning: {"output of a complex filter is ": "promoting specified output dtype to complex"}}


def _there(value):
    kinds = isinstance(value, np.ndarray) and value.dtype.kind in "biufc" and value.dtype.itemsize <= 16
    return tessera.asarray(np.ascontiguousarray(value).reshape(value.shape)) if kinds else value


def _here(value):
    if isinstance(value, (tuple, list)):
        return type(value)(map(_here, value))
    if isinstance(value, dict):
        return {key: _here(each) for key, each in value.items()}
    if not isinstance(value, tessera.Array):
        return value
    host = value.numpy().copy()
    return host if host.ndim else host[()]


@functools.cache
def _translated(function):
    @functools.wraps(function)
    def call(*args, **kwargs):
        if args:  # what lies by rows; others are small and everywhere
            args = (_there(args[0]), *args[1:])
        for name in ("input", "labels", "mask"):
            if name in kwargs:
                kwargs[name] = _there(kwargs[name])
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            result = _here(function(*args, **kwargs))
        for each in said:
            warnings.warn(_SAID.get(each.category, {}).get(str(each.message)[:30], str(each.message)), each.category, stacklevel=2)
        return result

    return call


class _Module(types.ModuleType):
    def __getattr__(self, name):
        ours = getattr(ndimage, name, None)
        return getattr(scipy.ndimage, name) if ours is None else _translated(ours)


_MODULE = _Module("scipy.ndimage")


def pytest_collection_modifyitems(items):
    """Replaces the names; on several processes all run the same tests in the same order."""
    def ours(value):
        name = getattr(value, "__name__", "")
        same = callable(value) and value is getattr(scipy.ndimage, name, None)
        return _translated(getattr(ndimage, name)) if same and hasattr(ndimage, name) else value

    for module in {item.module for item in items}:
        for name, value in list(vars(module).items()):
            if not name.startswith("_"):
                setattr(module, name, _MODULE if value is scipy.ndimage else ours(value))
    for item in items:
        if hasattr(item, "callspec"):
            item.callspec.params.update({name: ours(value) for name, value in item.callspec.params.items()})
