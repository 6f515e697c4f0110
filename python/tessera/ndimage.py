"""Filters, morphology, measurements and interpolation of distributed images, with scipy.ndimage's names and parameters (`docs/ndimage.md`).

`Array` in gives `Array` out, lying as it does; NumPy's arrays and what they take give NumPy's. Made from
C++'s table (`ndimage/functions.hpp`), but for what takes a function of Python. All are collective and have
the same bits on any number of processes. ``output`` is a dtype, or an array of the result's shape that gets
the values (an `Array` stands for others then).
"""

import functools
import inspect
import math
import warnings

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
    if result.shape[1] == 0:  # of one element, whose label is the last
        return [None] * (len(result) - 1) + [()] * (len(result) > 0)
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


def _is_complex(value):
    return value.dtype.kind == "c" if isinstance(value, Array) else np.iscomplexobj(value)


def _of_parts(function, name, values):
    """A linear filter of complex weights or with a complex constant, by real filters of real and imaginary parts."""
    x, weights, output = values["input"], values.get("weights"), values.get("output")
    cval = complex(values.get("cval", 0.0))
    if x.dtype.kind != "c" and cval.imag:
        raise ValueError(f"{name}: cval must be real for real input, got {cval}")
    dtype = np.result_type(x.dtype if output is None else output, np.complex64)
    if _is_complex(weights) and name.startswith("correlate"):
        weights = _namespace().conj(weights)

    def filtered(part, by, of):
        parts = {"input": (_namespace().real, _namespace().imag)[part](x) if x.dtype.kind == "c" else x,
                 "output": np.zeros(0, dtype).real.dtype, "cval": (cval.real, cval.imag)[part]}
        if by is not None:
            parts["weights"] = (_namespace().real, _namespace().imag)[of](by) if _is_complex(by) else by
        return function(**{**values, **parts})

    if x.dtype.kind != "c":
        real, imaginary = filtered(0, weights, 0), filtered(0, weights, 1)
    else:
        real, imaginary = filtered(0, weights, 0), filtered(1, weights, 0)
        if _is_complex(weights):
            real, imaginary = real - filtered(1, weights, 1), imaginary + filtered(0, weights, 1)
    return (real + imaginary * 1j).astype(dtype)


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
        if _is_complex(values.get("weights")) or isinstance(values.get("cval"), complex):
            result = _of_parts(function, name, values)
        else:
            result = function(*given.args, **given.kwargs)
        if output is not None and isinstance(result, Array) and result.dtype.kind == "c" != _dtype_of(output).kind:
            if isinstance(output, (Array, np.ndarray)):
                raise RuntimeError(f"output of a complex filter must be complex, not {output.dtype}")
            warnings.warn(f"output of a complex filter is complex, {result.dtype}", stacklevel=2)
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


_PADS = {"reflect": "symmetric", "grid-mirror": "symmetric", "constant": "constant", "grid-constant": "constant",
         "nearest": "edge", "mirror": "reflect", "wrap": "wrap", "grid-wrap": "wrap"}  # NumPy's names of modes


def generic_filter1d(input, function, filter_size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0,
                     extra_arguments=(), extra_keywords=None):  # fmt: skip
    """A function of Python of each line along an axis with what lies around it, and of the line to fill."""
    ours = isinstance(input, Array)
    x = input if ours else _asarray(np.asarray(input))
    before = filter_size // 2 + origin
    if x.dtype.kind == "c":
        raise TypeError(f"generic_filter1d takes real numbers, not {x.dtype}")
    if filter_size < 1:
        raise RuntimeError(f"generic_filter1d needs a size of 1 or more, got {filter_size}")
    if not 0 <= before < filter_size:
        raise ValueError(f"origin must be from {-(filter_size // 2)} to {(filter_size - 1) // 2} for a size of "
                         f"{filter_size}, got {origin}")
    if mode not in _PADS:
        raise RuntimeError(f"mode must be one of {', '.join(_PADS)}, got {mode!r}")
    axis, alone = range(len(x.shape))[axis], len(x.shape) == 1
    xp = _namespace()
    turned = xp.astype(xp.moveaxis(x, axis, -1), np.float64)
    # A vector's one line is everywhere.
    lines = _arrays.whole(turned) if alone else turned.redistribute("rows").local
    more = {"constant_values": cval} if _PADS[mode] == "constant" else {}

    def work():
        out = np.zeros(lines.shape)
        flat = lines.reshape(-1, lines.shape[-1]) if lines.size else lines.reshape(0, 1)
        for line, into in zip(flat, out.reshape(flat.shape)):
            around = np.pad(line, (before, filter_size - 1 - before), _PADS[mode], **more)
            function(around, into, *extra_arguments, **(extra_keywords or {}))
        return out

    made = _agreed(work, x.comm, "generic_filter1d")
    made = _asarray(made, comm=x.comm) if alone else _arrays.from_local(made, comm=x.comm)
    result = correlate1d(xp.moveaxis(made, -1, axis), [1.0], output=_dtype_of(output) or x.dtype)  # noqa: F821
    return _given_to(output, result if ours else _host(result))


def vectorized_filter(input, function, *, size=None, footprint=None, output=None, mode="reflect", cval=None,
                      origin=None, axes=None, batch_memory=2**30):  # fmt: skip
    """A function of NumPy's arrays with a parameter `axis`, of windows around each element, which are their last axes."""
    ours = isinstance(input, Array)
    x = input if ours else _asarray(np.asarray(input))
    ndim = len(x.shape)
    if not callable(function):
        raise ValueError("vectorized_filter needs a function")
    if (size is None) == (footprint is None):
        raise ValueError("vectorized_filter needs size or footprint, and not both")
    axes = tuple(range(ndim)) if axes is None else tuple(np.atleast_1d(axes).tolist())
    axes = tuple(range(ndim)[axis] for axis in axes)
    if footprint is not None:
        footprint = np.asarray(_host(footprint), dtype=bool)
        size = footprint.shape
    size = (size,) * len(axes) if np.ndim(size) == 0 else tuple(size)
    origin = (0,) * len(axes) if origin is None else (origin,) * len(axes) if np.ndim(origin) == 0 else tuple(origin)
    if not len(size) == len(origin) == len(axes):
        raise ValueError(f"vectorized_filter takes one size and origin for each of {len(axes)} axes, got {len(size)} "
                         f"and {len(origin)}")
    if not all(isinstance(each, (int, np.integer)) and each > 0 for each in size):
        raise ValueError(f"size must be positive integers, got {size}")
    if not all(isinstance(each, (int, np.integer)) for each in origin):
        raise ValueError(f"origin must be integers, got {origin}")
    if mode not in (*_PADS, "valid"):
        raise ValueError(f"mode must be one of {', '.join(_PADS)}, valid, got {mode!r}")
    if mode == "valid" and any(origin):
        raise ValueError("mode='valid' takes no origin")
    if cval is not None and _PADS.get(mode) != "constant":
        raise ValueError("cval is for mode='constant'")
    row_bytes = x.dtype.itemsize * math.prod(x.shape[1:]) * math.prod(size)
    if not batch_memory >= max(row_bytes, 1):
        raise ValueError(f"batch_memory must be {row_bytes} or more, which the windows of a row take, got {batch_memory}")
    if x.size == 0 or not axes:
        return input
    xp, by_axis = _namespace(), np.argsort(axes)

    def windows(part):
        near = _neighbours(part, [int(size[k]) for k in by_axis], None, "nearest" if mode == "valid" else mode,  # noqa: F821
                           cval or 0.0, [int(origin[k]) for k in by_axis], axes=sorted(axes)).redistribute("rows")
        return near.local

    if x.dtype.kind == "c":
        values = windows(xp.real(x)) + 1j * windows(xp.imag(x))
    else:
        values = windows(x)
    rows = len(values) or 1 if math.isinf(batch_memory) else int(batch_memory // max(row_bytes, 1))

    def of(part):
        part = part.astype(x.dtype).reshape(*part.shape[:-1], *(size[k] for k in by_axis))
        part = np.moveaxis(part, [ndim + k for k in range(len(axes))], [ndim + k for k in by_axis])
        if footprint is not None:
            return function(part[..., footprint], axis=-1)
        return function(part, axis=tuple(range(-len(axes), 0)))

    def work():
        if not len(values):  # what dtype others get
            return np.asarray(of(np.zeros((1, *values.shape[1:]), values.dtype)))[:0]
        return np.concatenate([np.asarray(of(values[at : at + rows])) for at in range(0, len(values), rows)])

    result = _arrays.from_local(_agreed(work, x.comm, "vectorized_filter"), comm=x.comm)
    if mode == "valid":
        inside = [slice(None)] * ndim
        for axis, extent in zip(axes, size):
            inside[axis] = slice(extent // 2, max(extent // 2, x.shape[axis] - (extent - 1) // 2))
        result = result[tuple(inside)]
    if output is not None and not isinstance(output, (Array, np.ndarray)):
        result = result.astype(output)
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

    def called(work):  # of NumPy's arrays every process calls it alone
        return _agreed(work, x.comm, "a generic filter") if ours else work()

    for axis, how in zip(axes, modes, strict=True):
        part = each(called(lambda: derivative(x, axis, dtype, how, cval, *arguments, **(keywords or {}))))
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


def _by_label(x, labels, index, sort=False):
    """The elements of groups of one label each, in the order of labels: they, their places in x, the labels, how many
    each has. Elements of a group are in their order in x, or sorted. Without an index the elements of labels above 0
    are one group, without labels all are."""
    xp = _namespace()
    values = xp.reshape(x, (-1,))
    places = xp.arange(values.size, comm=x.comm)
    if labels is None and index is not None:
        raise ValueError("objects are measured by an index with labels alone")
    if labels is not None:
        labels = xp.reshape(labels, (-1,))
        keep = labels > 0 if index is None else xp.isin(labels, xp.unique_values(xp.reshape(index, (-1,))))
        values, places, labels = values[keep], places[keep], labels[keep]
    if sort:
        order = xp.argsort(values)
        values, places = xp.take(values, order), xp.take(places, order)
        labels = None if labels is None else xp.take(labels, order)
    if labels is None or index is None:
        return values, places, [None], [values.size]
    order = xp.argsort(labels)
    names = xp.unique_counts(labels)
    return xp.take(values, order), xp.take(places, order), _arrays.whole(names.values), _arrays.whole(names.counts)


def _labelled(input, labels, index):
    """What functions of objects take, as Arrays of one shape; index as NumPy's, too."""
    x = input if isinstance(input, Array) else _asarray(np.asarray(input))
    if labels is not None:
        labels = labels if isinstance(labels, Array) else _asarray(np.asarray(labels), comm=x.comm)
        x, labels = _namespace().broadcast_arrays(x, labels)
    wanted = None if index is None else np.asarray(_host(index))
    return x, labels, None if index is None else _array("index", wanted, x.comm), wanted


def labeled_comprehension(input, labels, index, func, out_dtype, default, pass_positions=False):
    """A function of Python of the elements of each object. The objects of an index are dealt out to the processes;
    what is one group is given to the function on all of them."""
    x, labels, index, wanted = _labelled(input, labels, index)
    values, places, names, counts = _by_label(x, labels, index)
    given = [values, places] if pass_positions else [values]
    if wanted is None:
        whole = [_arrays.whole(each) for each in given]
        return _agreed(lambda: func(*whole), x.comm, "labeled_comprehension")
    out = np.full(wanted.shape, default, dtype=np.dtype(out_dtype))
    ends = np.cumsum(counts)
    found = np.full(len(counts), default, dtype=out.dtype)
    shared = out.dtype.kind in "biufc"  # what processes can tell each other

    def work(first, last, begin, whole):
        for k in range(first, last):
            if not shared or k % x.comm.size == x.comm.rank:
                found[k] = func(*(each[ends[k] - counts[k] - begin : ends[k] - begin] for each in whole))

    first = 0
    while first < len(counts):  # as many at a time as have some elements
        begin = ends[first] - counts[first]
        last = max(first + 1, int(np.searchsorted(ends, begin + 2**22, "right")))
        whole = [_arrays.whole(each[int(begin) : int(ends[last - 1])]) for each in given]
        _agreed(lambda: work(first, last, begin, whole), x.comm, "labeled_comprehension")
        first = last
    if shared and len(counts):
        each = _arrays.whole(_arrays.from_local(found[np.newaxis], comm=x.comm))
        found = each[np.arange(len(counts)) % x.comm.size, np.arange(len(counts))]
    place = {name: k for k, name in enumerate(np.asarray(names).tolist())}
    for at in np.ndindex(wanted.shape):
        if wanted[at].item() in place:
            out[at] = found[place[wanted[at].item()]]
    return out[()]


def median(input, labels=None, index=None):
    """Medians of objects; of those with NaN, and of no elements, NaN."""
    x, labels, index, wanted = _labelled(input, labels, index)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    values, _, names, counts = _by_label(x, labels, index, sort=True)
    ends, counts = np.cumsum(counts), np.asarray(counts)
    there = np.flatnonzero(counts)
    begins = (ends - counts)[there]
    middle = [begins + (counts[there] - 1) // 2, begins + counts[there] // 2, ends[there] - 1]
    low, high, most = _arrays.whole(values[_asarray(np.concatenate(middle), comm=x.comm)]).reshape(3, -1).astype(dtype)
    with np.errstate(invalid="ignore"):
        medians = np.where(np.isnan(most), most, np.where(low == high, low, (low + high) / 2)).astype(dtype)
    if wanted is None:
        return medians[0] if medians.size else dtype.type(np.nan)
    found = dict(zip(np.asarray(names)[there].tolist(), medians))
    out = [found.get(each, dtype.type(np.nan)) for each in wanted.ravel().tolist()]
    return np.array(out, dtype=dtype).reshape(wanted.shape)[()]


# --- what is given in a form of Python's -----------------------------------------------------------


def _distances(function, input, more, return_distances, return_indices, distances, indices):
    wrong = [text for text, is_wrong in {
        "return_distances or return_indices must be true": not return_distances and not return_indices,
        "distances needs return_distances": distances is not None and not return_distances,
        "indices needs return_indices": indices is not None and not return_indices}.items() if is_wrong]  # fmt: skip
    if wrong:
        raise RuntimeError(", ".join(wrong))
    results = function(input, *more, return_indices=bool(return_indices))
    out = []
    for name, into, result in zip(("distances", "indices"), (distances, indices), results):
        if into is None:
            out += [result] if return_distances or name == "indices" else []
            continue
        if into.dtype != result.dtype:
            raise RuntimeError(f"{name} must have dtype {result.dtype}, got {into.dtype}")
        _given_to(into, result)
    return tuple(out) if len(out) > 1 else out[0] if out else None


_euclidean, _chamfer, _one_of_metrics = distance_transform_edt, distance_transform_cdt, distance_transform_bf  # noqa: F821


def distance_transform_edt(input, sampling=None, return_distances=True, return_indices=False, distances=None,
                           indices=None):  # fmt: skip
    """How far from each element the nearest 0 is, and where."""
    return _distances(_euclidean, input, (sampling,), return_distances, return_indices, distances, indices)


def distance_transform_cdt(input, metric="chessboard", return_distances=True, return_indices=False, distances=None,
                           indices=None):  # fmt: skip
    """How many steps from each element the nearest 0 is, and where. `metric` is a name, or that structure of neighbours."""
    if not isinstance(metric, str):
        structure = np.asarray(_host(metric)) != 0
        if any(extent != 3 for extent in structure.shape):
            raise ValueError(f"metric must have 3 elements along each axis, got shape {structure.shape}")
        ndim = structure.ndim
        for name, connectivity in (("taxicab", 1), ("chessboard", ndim)):
            if np.array_equal(structure, _host(generate_binary_structure(ndim, connectivity))):  # noqa: F821
                metric = name
                break
        else:
            raise NotImplementedError("metric must be 'chessboard', 'taxicab' or the structure of one of these")
    elif metric not in ("chessboard", "taxicab", "cityblock", "manhattan"):
        raise ValueError(f"metric must be 'chessboard', 'taxicab', 'cityblock' or 'manhattan', got {metric!r}")
    return _distances(_chamfer, input, (metric,), return_distances, return_indices, distances, indices)


def distance_transform_bf(input, metric="euclidean", sampling=None, return_distances=True, return_indices=False,
                          distances=None, indices=None):  # fmt: skip
    """How far from each element the nearest 0 is, by a metric, and where."""
    more = (metric.lower(), sampling)
    return _distances(_one_of_metrics, input, more, return_distances, return_indices, distances, indices)


_iterated = iterate_structure  # noqa: F821


def iterate_structure(structure, iterations, origin=None):
    """A structure dilated by itself, and the origins that this then has, if one is given."""
    out = _iterated(structure, iterations)
    if origin is None or iterations < 2:
        return out
    origins = [origin] * len(out.shape) if np.ndim(origin) == 0 else list(origin)
    return out, [iterations * each for each in origins]


def value_indices(arr, *, ignore_value=None):
    """Of each value in an image of integers the places where it is, as a vector for each axis."""
    ours = isinstance(arr, Array)
    x = arr if ours else _asarray(np.asarray(arr))
    if x.dtype.kind not in "iu":
        raise ValueError(f"value_indices takes integers, not {x.dtype}")
    xp = _namespace()
    everyone = xp.unique_values(x)
    _, places, names, counts = _by_label(x, x, everyone)
    axes, extent = [], 1
    for each in reversed(x.shape):
        axes.insert(0, places // extent % each if each else places)
        extent *= max(each, 1)
    axes = axes if ours else _host(axes)
    ends = np.cumsum(counts).tolist()
    return {name: tuple(axis[end - int(count) : end] for axis in axes)
            for name, count, end in zip(names, counts, ends) if ignore_value is None or name != ignore_value}  # fmt: skip


_WATERSHED_MOST = 2**28


def watershed_ift(input, markers, structure=None, output=None):
    """Objects that grow from markers, by SciPy's own function: every process has the whole image for that, of 2^28
    elements at most."""
    ours = isinstance(input, Array) or isinstance(markers, Array)
    if math.prod(np.shape(input)) > _WATERSHED_MOST:
        raise NotImplementedError(f"watershed_ift takes images of up to {_WATERSHED_MOST} elements, got shape {np.shape(input)}")
    comm = next((each.comm for each in (input, markers) if isinstance(each, Array)), None)
    from scipy.ndimage import watershed_ift as theirs

    result = theirs(np.asarray(_host(input)), np.asarray(_host(markers)), structure if structure is None else _host(structure),
                    _dtype_of(output))
    return _given_to(output, _asarray(result, comm=comm) if ours else result)


def _namespace():
    from . import array_api

    return array_api


__all__ = sorted(name for name, value in globals().items()
                 if inspect.isfunction(value) and value.__module__ == __name__ and not name.startswith("_"))
