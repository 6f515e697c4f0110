"""Filters, morphology, measurements and interpolation of distributed images, with scipy.ndimage's names and parameters (`docs/ndimage.md`).

`Array` in gives `Array` out, lying as it does; NumPy's arrays and what they take give NumPy's. Made from
C++'s table (`ndimage/functions.hpp`), but for what takes a function of Python. All are collective and have
the same bits on any number of processes. ``output`` is a dtype, or an array of the result's shape that gets
the values (an `Array` stands for others then).
"""

import functools
import inspect

import numpy as np

from . import _arrays, _core
from ._arrays import Array
from ._arrays import asarray as _asarray
from .array_api import _spaces

# Parameters that are arrays; all but the first are small, and all of them on every process.
_ARRAYS = {"input", "weights", "footprint", "structure", "structure1", "structure2", "mask", "labels", "index",
           "coordinates", "points", "matrix"}


def _array(name, value, comm):
    if isinstance(value, Array):
        return value
    value = np.asarray(value)
    if name in ("input", "mask", "labels", "coordinates", "points"):
        return _asarray(value, comm=comm)
    return _core.replicated(_arrays.native(np.asarray(value, order="C")), comm or _core.world())


def _plain(value):
    """Sequences and numbers of NumPy as those of Python."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def _dtype_of(output):
    """What `output` says of the result's dtype."""
    if output is None or isinstance(output, Array):
        return None if output is None else output.dtype
    return output.dtype if isinstance(output, np.ndarray) else np.dtype(output)


def _host(value):
    """As NumPy has it; SciPy writes into what it gets."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(_host, value))
    if not isinstance(value, Array):
        return value
    host = _arrays.whole(value, writable=True)
    return host if host.ndim else host[()]


def _given_to(output, result):
    """The result, or `output` with it."""
    if not isinstance(output, (Array, np.ndarray)):
        return result
    if tuple(output.shape) != tuple(result.shape):
        raise RuntimeError(f"output must have shape {tuple(result.shape)}, got {tuple(output.shape)}")
    if isinstance(output, Array):
        result = result if isinstance(result, Array) else _asarray(result, comm=output.comm)
        _core.array_replace(output, result.astype(output.dtype))
    else:
        output[...] = _host(result)
    return output


def _numbered(output, result):
    labels, count = result
    into = isinstance(output, (Array, np.ndarray))
    labels = _given_to(output, labels)
    return int(count) if into else (labels, int(count))


def _boxes(output, result):
    return [None if box[0, 0] < 0 else tuple(slice(int(begin), int(end)) for begin, end in box) for box in _host(result)]


def _places(output, result):
    """A tuple for each of an index, or one."""
    places = _host(result)
    return tuple(places) if places.ndim == 1 else [tuple(each) for each in places.reshape(-1, places.shape[-1])]


def _extremes(output, result):
    least, most, where_least, where_most = result
    return least, most, _places(None, where_least), _places(None, where_most)


# How what SciPy gives is made of what C++ gives.
_AFTERWARDS = {"label": _numbered, "find_objects": _boxes, "minimum_position": _places, "maximum_position": _places,
               "center_of_mass": _places, "extrema": _extremes}  # fmt: skip


def _wrapped(function, name):
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args, **kwargs):
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        values = given.arguments
        ours = next((value for value in values.values() if isinstance(value, Array)), None)
        comm, output = None if ours is None else ours.comm, values.get("output")
        if values.get("output_shape", ...) is None and isinstance(output, (Array, np.ndarray)):
            values["output_shape"] = output.shape
        for each, value in values.items():
            if each in _ARRAYS:
                values[each] = None if value is None else _array(each, value, comm)
            elif each == "output":
                values[each] = _dtype_of(value)
            else:
                values[each] = _plain(value)
        result = function(*given.args, **given.kwargs)
        if ours is None:
            result = _host(result)
        return _AFTERWARDS.get(name, _given_to)(output, result)

    call.__module__ = __name__
    return call


_made = {name: f for name, f in vars(_spaces["ndimage"]).items() if not name.startswith("__")}
for _name, _function in _made.items():
    globals()[_name] = _wrapped(_function, _name)


# --- functions of Python --------------------------------------------------------------------------


def _agreed(work, comm, what):
    """work(), which may raise on some processes alone: then all raise."""
    failure, result = None, None
    try:
        result = work()
    except Exception as error:
        failure = error
    failed = np.flatnonzero(_arrays.whole(_arrays.from_local(np.array([failure is not None]), comm=comm)))
    if failure is not None:
        raise failure
    if failed.size:
        raise RuntimeError(f"{what}: the function raised on process {failed[0]}")
    return result


def generic_filter(input, function, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0,
                   extra_arguments=(), extra_keywords=None, *, axes=None):  # fmt: skip
    """A function of Python of the neighbours of each element, a vector of float64."""
    ours = isinstance(input, Array)
    x = input if ours else _asarray(np.asarray(input))
    near = _neighbours(x, size, footprint, mode, cval, origin, axes=axes).redistribute("rows")  # noqa: F821

    def work():
        rows = near.local.reshape(-1, near.shape[-1])
        values = [function(row.copy(), *extra_arguments, **(extra_keywords or {})) for row in rows]
        values = np.array(values, dtype=np.float64)
        if values.size != len(rows):
            raise TypeError(f"generic_filter needs a function that gives one number, got shape {values.shape[1:]}")
        return values.reshape(near.local.shape[:-1])

    result = _arrays.from_local(_agreed(work, x.comm, "generic_filter"), comm=x.comm)
    result = correlate1d(result, [1.0], output=_dtype_of(output) or x.dtype)  # noqa: F821  (as C converts)
    return _given_to(output, result if ours else _host(result))


def geometric_transform(input, mapping, output_shape=None, output=None, order=3, mode="constant", cval=0.0,
                        prefilter=True, extra_arguments=(), extra_keywords=None):  # fmt: skip
    """The image at the places that a function of Python gives for each place of the result."""
    ours = isinstance(input, Array)
    x = input if ours else _asarray(np.asarray(input))
    shape = tuple(x.shape if output_shape is None else output_shape)
    if not shape or not x.shape:
        raise RuntimeError("geometric_transform needs an image and a result with an axis at least")
    begin, end = _core.local_range(shape, x.comm)

    def work():
        places = ((begin + at[0], *at[1:]) for at in np.ndindex(end - begin, *shape[1:]))
        points = [mapping(at, *extra_arguments, **(extra_keywords or {})) for at in places]
        return np.array(points, dtype=np.float64).reshape(end - begin, *shape[1:], len(x.shape))

    points = _arrays.from_local(_agreed(work, x.comm, "geometric_transform"), comm=x.comm)
    result = _map_points(x, points, _dtype_of(output), order, mode, cval, prefilter)  # noqa: F821
    return _given_to(output, result if ours else _host(result))


def _of_derivatives(derivative, each, last, input, output, mode, cval, arguments, keywords, axes):
    ours = isinstance(input, Array)
    x = input if ours else np.asarray(input)
    axes = range(x.ndim) if axes is None else [axes] if np.ndim(axes) == 0 else list(axes)
    modes = [mode] * len(axes) if isinstance(mode, str) else list(mode)
    dtype, total = _dtype_of(output) or x.dtype, None
    for axis, how in zip(axes, modes, strict=True):
        part = each(derivative(x, axis, dtype, how, cval, *arguments, **(keywords or {})))
        total = part if total is None else total + part
    result = x if total is None else last(total)
    one = [1.0]
    return _given_to(output, result if result.dtype == dtype or result.ndim == 0 else
                     correlate1d(result, one, output=dtype))  # noqa: F821  # fmt: skip


def generic_laplace(input, derivative2, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None,
                    *, axes=None):  # fmt: skip
    """The sum of second derivatives, which a function of Python gives for each axis."""
    return _of_derivatives(derivative2, lambda d: d, lambda d: d, input, output, mode, cval, extra_arguments,
                           extra_keywords, axes)  # fmt: skip


def generic_gradient_magnitude(input, derivative, output=None, mode="reflect", cval=0.0, extra_arguments=(),
                               extra_keywords=None, *, axes=None):  # fmt: skip
    """The root of the sum of squares of derivatives, which a function of Python gives for each axis."""
    def root(x):
        return x.__array_namespace__().sqrt(x) if isinstance(x, Array) else np.sqrt(x)

    return _of_derivatives(derivative, lambda d: d * d, root, input, output, mode, cval, extra_arguments,
                           extra_keywords, axes)  # fmt: skip


def labeled_comprehension(input, labels, index, func, out_dtype, default, pass_positions=False):
    """A function of Python of the elements of each object, which all processes get."""
    x = input if isinstance(input, Array) else _asarray(np.asarray(input))
    places = _namespace().reshape(_namespace().arange(x.size), x.shape) if pass_positions else None

    def of(mask):
        given = [x] if places is None else [x, places]
        return [_arrays.whole(each.__array_namespace__().reshape(each, (-1,)) if mask is None else each[mask]) for each in given]

    def called(values):
        return _agreed(lambda: func(*values), x.comm, "labeled_comprehension")

    if labels is None:
        if index is not None:
            raise ValueError("labeled_comprehension takes an index with labels alone")
        return called(of(None))
    labels = labels if isinstance(labels, Array) else _asarray(np.asarray(labels), comm=x.comm)
    x, labels = _namespace().broadcast_arrays(x, labels)
    if index is None:
        return called(of(labels > 0))
    wanted = np.asarray(_host(index))
    out = np.full(wanted.shape, default, dtype=np.dtype(out_dtype))
    for at in np.ndindex(wanted.shape):
        values = of(labels == wanted[at].item())
        if values[0].size:
            out[at] = called(values)
    return out[()]


def median(input, labels=None, index=None):
    """Medians of objects."""
    dtype = input.dtype if isinstance(input, Array) else np.asarray(input).dtype
    return labeled_comprehension(input, labels, index, np.median, dtype if dtype.kind == "f" else np.float64, np.nan)


def _namespace():
    from . import array_api

    return array_api


__all__ = sorted(name for name, value in globals().items()
                 if inspect.isfunction(value) and value.__module__ == __name__ and not name.startswith("_"))
