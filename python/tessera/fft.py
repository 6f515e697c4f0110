"""Fourier, cosine and sine transforms of distributed arrays, with scipy.fft's names and parameters.

`Array` in gives `Array` out, by rows or where x lies; NumPy's arrays and what they take give NumPy's.
All are collective and have the same bits on any number of processes (`array/fft.hpp`). `workers`,
`overwrite_x` and `plan` are accepted and change nothing: threads are the job's.

``with scipy.fft.set_backend(tessera):`` and ``set_global_backend`` make scipy.fft's functions these.
"""

import functools

import numpy as np

from ._arrays import Array
from ._arrays import asarray as _asarray
from .array_api import _spaces

_standard = {name: f for name, f in vars(_spaces["fft"]).items() if not name.startswith("_")}
_more = {name: f for name, f in vars(_spaces["scipy_fft"]).items() if not name.startswith("_")}


def _whole(value):
    """Axes and lengths as integers; None of several lengths is the axis's own."""
    if value is None or isinstance(value, (int, np.integer)):
        return value
    return tuple(-1 if each is None else int(each) for each in value)


def _on_arrays(call, x):
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
        return _on_arrays(lambda a: function(a, n=n, axis=axis, norm=norm), x)

    return _named(transform, function, name)


def _several(function, name, axes=None):
    def transform(x, s=None, axes=axes, norm=None, overwrite_x=False, workers=None, *, plan=None):
        s, axes = _whole(s), _whole(axes)
        s = (s,) if isinstance(s, int) else s
        axes = (axes,) if isinstance(axes, int) else axes
        return _on_arrays(lambda a: function(a, s=s, axes=axes, norm=norm), x)

    return _named(transform, function, name)


def _named(transform, function, name):
    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = function.__doc__
    return transform


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    globals()[_name] = _one(_standard[_name], _name)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    globals()[_name] = _several(_standard[_name], _name)
    _flat = _name[:-1] + "2"
    globals()[_flat] = _several(_standard[_name], _flat, (-2, -1))
for _name in ("fftfreq", "rfftfreq", "fftshift", "ifftshift"):
    globals()[_name] = _standard[_name]


def _real_one(function, name):
    def transform(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        return _on_arrays(lambda a: function(a, type, n, axis, norm, orthogonalize), x)

    return _named(transform, function, name)


def _real_several(function, name):
    def transform(x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, *, orthogonalize=None):
        s, axes = _whole(s), _whole(axes)
        s = (s,) if isinstance(s, int) else s
        axes = (axes,) if isinstance(axes, int) else axes
        return _on_arrays(lambda a: function(a, type, s, axes, norm, orthogonalize), x)

    return _named(transform, function, name)


for _name, _function in _more.items():
    if _name == "next_fast_len":
        globals()[_name] = _function
    else:
        globals()[_name] = (_real_several if _name.endswith("n") else _real_one)(_function, _name)


def hfftn(x, s=None, axes=None, norm=None, overwrite_x=False, workers=None, *, plan=None):
    """Real Fourier transforms of what is Hermitian along several axes, given by the first half of the last."""
    swapped = {"forward": "backward", "ortho": "ortho"}.get(norm, "forward")
    conj = functools.partial(_on_arrays, lambda a: _namespace().conj(a))
    return irfftn(conj(x), s, axes, swapped)  # noqa: F821


def ihfftn(x, s=None, axes=None, norm=None, overwrite_x=False, workers=None, *, plan=None):
    """The inverse of hfftn."""
    swapped = {"forward": "backward", "ortho": "ortho"}.get(norm, "forward")
    conj = functools.partial(_on_arrays, lambda a: _namespace().conj(a))
    return conj(rfftn(x, s, axes, swapped))  # noqa: F821


def hfft2(x, s=None, axes=(-2, -1), norm=None, overwrite_x=False, workers=None, *, plan=None):
    """hfftn along two axes."""
    return hfftn(x, s, axes, norm)


def ihfft2(x, s=None, axes=(-2, -1), norm=None, overwrite_x=False, workers=None, *, plan=None):
    """The inverse of hfft2."""
    return ihfftn(x, s, axes, norm)


def _namespace():
    from . import array_api

    return array_api


__all__ = sorted(name for name in globals() if not name.startswith("_") and name not in (
    "functools", "np", "Array"))


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
