"""Fourier, cosine and sine transforms of distributed arrays, with scipy.fft's names and parameters.

`Array` in gives `Array` out, by rows or where x lies; NumPy's arrays and what they take give NumPy's.
All are collective and have the same bits on any number of processes (`array/fft.hpp`). `workers` and
`overwrite_x` are accepted and change nothing: threads are the job's.

``with scipy.fft.set_backend(tessera):`` and ``set_global_backend`` make scipy.fft's functions these.
"""

import inspect
import operator
import os

import numpy as np

from ._arrays import Array
from ._arrays import asarray as _asarray
from .array_api import _spaces

_standard = {name: f for name, f in vars(_spaces["fft"]).items() if not name.startswith("_")}
_more = {name: f for name, f in vars(_spaces["scipy_fft"]).items() if not name.startswith("_")}


def _whole(name, value):
    """Axes and lengths as integers, or some of them."""
    if value is None:
        return None
    try:
        return tuple(map(operator.index, value if np.iterable(value) else (value,)))
    except TypeError:
        raise ValueError(f"{name} must be an integer or integers, got {value!r}") from None


def _on_arrays(call, x, workers=None, plan=None):
    if workers is not None and not 0 < (count := operator.index(workers)) + (os.cpu_count() + 1) * (count < 0):
        raise ValueError("workers must not be zero" if count == 0 else
                         f"workers value out of range: {count} is below -{os.cpu_count()}")
    if plan is not None:
        raise NotImplementedError("transforms take no plan made before")
    if isinstance(x, Array):
        return call(x)
    host = np.asarray(x)
    if host.dtype.kind not in "biufc":
        raise TypeError(f"a transform takes numbers, not an array of {host.dtype}")
    if host.dtype == np.float16:
        host = host.astype(np.float32)
    # SciPy writes into what it gets.
    return np.require(call(_asarray(np.asarray(host, order="C"))).numpy(), requirements="W")


def _one(function, name):
    def transform(x, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, *, plan=None):
        return _on_arrays(lambda a: function(a, n=n, axis=axis, norm=norm), x, workers, plan)

    return _named(transform, function, name)


def _several(function, name):
    two = (-2, -1) if name.endswith("2") else None

    def transform(x, s=None, axes=two, norm=None, overwrite_x=False, workers=None, *, plan=None):
        s, axes = _whole("s", s), _whole("axes", axes)
        if axes == () and not s and name.lstrip("i").startswith("fft"):
            return x
        return _on_arrays(lambda a: function(a, s=s, axes=axes, norm=norm), x, workers, plan)

    return _named(transform, function, name)


def _named(transform, function, name):
    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = function.__doc__
    return transform


def _hankel(function, name):
    def transform(a, dln, mu, offset=0.0, bias=0.0):
        return _on_arrays(lambda x: function(x, *map(float, (dln, mu, offset, bias))), a)

    return _named(transform, function, name)


def _shift(function, name):
    def transform(x, axes=None):
        moved = _on_arrays(lambda a: function(a, axes=_whole("axes", axes)), x)
        return moved if isinstance(x, Array) else moved.astype(np.asarray(x).dtype, copy=False)

    return _named(transform, function, name)


def _frequencies(function, name):
    def frequencies(n, d=1.0, *, dtype=None, xp=None, device=None, comm=None):
        if not isinstance(n, (int, np.integer)):
            raise ValueError(f"n must be an integer, got {n!r}")
        out = function(n, d=d, dtype=dtype, device=device, comm=comm)
        return out if xp is None or xp is out.__array_namespace__() else xp.asarray(out.numpy())

    return _named(frequencies, function, name)


def _real_one(function, name):
    def transform(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        return _on_arrays(lambda a: function(a, type, n, axis, norm, orthogonalize), x, workers)

    return _named(transform, function, name)


def _real_several(function, name):
    def transform(x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, *, orthogonalize=None):
        s, axes = _whole("s", s), _whole("axes", axes)
        return _on_arrays(lambda a: function(a, type, s, axes, norm, orthogonalize), x, workers)

    return _named(transform, function, name)


def _form(takes):
    if "type" in takes:
        return _real_one if "n" in takes else _real_several
    if "axis" in takes:
        return _one
    for name, form in {"s": _several, "a": _hankel, "axes": _shift, "d": _frequencies}.items():
        if name in takes:
            return form
    return lambda function, name: function


for _name, _function in (_standard | _more).items():
    globals()[_name] = _form(inspect.signature(_function).parameters)(_function, _name)

__all__ = sorted(name for name in globals() if not name.startswith("_") and name not in (
    "inspect", "operator", "os", "np", "Array"))


# --- SciPy's backend ------------------------------------------------------------------------------


def dispatch(method, args, kwargs):
    """What uarray asks of a backend: a call of a function of scipy.fft."""
    function = globals().get(method.__name__)
    return NotImplemented if function is None else function(*args, **kwargs)


def convert(dispatchables, coerce):
    """What uarray asks of a backend: arguments that it takes, or NotImplemented."""
    values = [each.value for each in dispatchables]
    if all(isinstance(value, (Array, np.ndarray)) or each.coercible and coerce
           for each, value in zip(dispatchables, values)):  # fmt: skip
        return [value if isinstance(value, Array) else np.asarray(value) for value in values]
    return NotImplemented
