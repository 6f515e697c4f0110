"""scikit-image's own functions on distributed images: ``from tessera.skimage import filters``.

What stands here runs scikit-image's code, of which this module has a second copy whose NumPy and
scipy.ndimage are Tessera's where an `Array` is at hand; scikit-image itself stays as it is. An image may be
an `Array` or NumPy's; results that have its size are Arrays if one was given. All are collective and have the
same bits on any number of processes (`docs/ndimage.md` has the list).
"""

import builtins
import contextvars
import functools
import importlib
import importlib.util
import operator
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _arrays, _core
from . import array_api as xp
from . import ndimage as _ours
from ._arrays import Array

_NAMES = {
    "exposure": "adjust_gamma adjust_log adjust_sigmoid cumulative_distribution equalize_hist histogram is_low_contrast "
                "rescale_intensity",
    "color": "gray2rgb rgb2gray rgb2xyz rgb2yuv rgb2ycbcr",
    "feature": "corner_harris corner_kitchen_rosenfeld corner_shi_tomasi hessian_matrix shape_index "
               "structure_tensor",
    "filters": "apply_hysteresis_threshold difference_of_gaussians farid farid_h farid_v gaussian laplace median prewitt "
               "prewitt_h prewitt_v roberts roberts_neg_diag roberts_pos_diag scharr scharr_h scharr_v sobel sobel_h "
               "sobel_v threshold_isodata threshold_li threshold_local threshold_mean threshold_minimum threshold_otsu "
               "threshold_triangle threshold_yen unsharp_mask",
    "measure": "blur_effect label shannon_entropy",
    "metrics": "mean_squared_error normalized_root_mse peak_signal_noise_ratio structural_similarity",
    "morphology": "black_tophat closing dilation erosion isotropic_closing isotropic_dilation isotropic_erosion "
                  "isotropic_opening opening remove_small_holes remove_small_objects white_tophat",
    "restoration": "denoise_tv_chambolle",
    "segmentation": "find_boundaries",
    "transform": "integral_image pyramid_expand pyramid_reduce rescale resize",
    "util": "compare_images crop img_as_bool img_as_float img_as_float32 img_as_float64 img_as_int img_as_ubyte "
            "img_as_uint invert",
}  # fmt: skip


_comm = contextvars.ContextVar("_comm", default=None)  # whose processes have the images of a call


class _Extent(int):
    """An image's extent along an axis: arrays that NumPy makes of such a shape lie as the image does."""


class _Table(np.ndarray):
    """An array of NumPy's that is also indexed by images."""

    def __getitem__(self, key):
        if isinstance(key, Image):
            return Image(xp.reshape(xp.take(_in(self), xp.reshape(key.array, (-1,))), key.shape))
        return super().__getitem__(key)


class Image:
    """An Array with the methods of NumPy's that scikit-image calls. Nothing copies it to all processes."""

    __array_ufunc__ = None  # NumPy's operators leave it to these
    __hash__ = None

    def __init__(self, array):
        self.array = array

    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: len(self.array.shape))
    size = property(lambda self: self.array.size)
    shape = property(lambda self: tuple(map(_Extent, self.array.shape)))
    itemsize = property(lambda self: self.dtype.itemsize)
    T = property(lambda self: self.transpose())

    def __array__(self, dtype=None, copy=None):
        raise TypeError("scikit-image asks for the whole image in one memory: this function does not run distributed")

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        return (_out(part) for part in self.array)

    def __getitem__(self, key):
        return _out(self.array[_key(key)])

    def __setitem__(self, key, value):
        if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0:
            value = value.item()
        value = _in(value)
        if isinstance(value, Array):
            value = value.astype(self.dtype)
        self.array[_key(key)] = value

    def __bool__(self):
        return bool(self.array)

    def astype(self, dtype, copy=True):
        return Image(_converted(self.array, np.dtype(dtype)))

    def copy(self, order="C"):
        return Image(xp.asarray(self.array, copy=True))

    def ravel(self, order="C"):
        return Image(xp.reshape(self.array, (-1,)))

    flatten = ravel
    flat = property(ravel)  # read alone
    real = property(lambda self: Image(xp.real(self.array)) if self.dtype.kind == "c" else self)

    def cumsum(self, axis=None, dtype=None, out=None):
        return _SPECIAL["cumsum"](self, axis, dtype, out)

    def view(self, dtype):
        return self.astype(dtype)  # scikit-image looks at integers that both dtypes hold

    def item(self):
        return _arrays.whole(self.array).item()

    def dot(self, other):
        return self @ other

    def reshape(self, *shape):
        return Image(xp.reshape(self.array, tuple(shape[0] if len(shape) == 1 and np.ndim(shape[0]) else shape)))

    def transpose(self, *axes):
        axes = axes[0] if len(axes) == 1 and np.ndim(axes[0]) else axes
        return Image(xp.permute_dims(self.array, tuple(axes or range(self.ndim)[::-1])))


def _key(key):
    if isinstance(key, tuple):
        return tuple(map(_key, key))
    if isinstance(key, Image):
        return key.array
    return key.item() if isinstance(key, np.generic) else key


def _in(value):
    """Arrays for images and NumPy's; numbers as they are."""
    if isinstance(value, Image):
        return value.array
    if isinstance(value, np.ndarray):
        return _core.replicated(_arrays.native(np.asarray(value, order="C")), _comm.get() or _core.world())
    if isinstance(value, (list, tuple)):
        return type(value)(map(_in, value))
    return value


def _out(value):
    """Images for Arrays; of one element NumPy's numbers."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_out, value))
    if not isinstance(value, Array):
        return value
    return Image(value) if value.shape else _arrays.whole(value, writable=True)[()]


def _converted(array, dtype):
    return array if array.dtype == dtype else _ours.correlate1d(array, [1.0], 0, output=dtype) if (
        array.shape and dtype.kind in "iu" and array.dtype.kind == "f") else xp.astype(array, dtype)


# --- NumPy ----------------------------------------------------------------------------------------


def _operands(values, floating=False):
    """Arrays and numbers that an operation of the standard takes, of the dtype that NumPy's has."""
    values = [value.reshape(())[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value for value in values]
    kinds = [value.dtype if hasattr(value, "dtype") else value for value in values]
    dtype = np.result_type(*kinds)
    if floating and dtype.kind not in "fc":
        dtype = np.dtype(np.float64)
    out = []
    for value in values:
        if isinstance(value, (Image, np.ndarray)):
            out.append(xp.astype(_in(value), dtype))
        else:
            out.append(dtype.type(value).item())
    return out


_FLOATING = {"divide", "sqrt", "exp", "log", "log2", "log10", "log1p", "expm1", "sin", "cos", "tan", "arctan", "arctan2", "hypot"}
_STANDARD = {"true_divide": "divide", "power": "pow", "absolute": "abs", "invert": "bitwise_invert", "arctan": "atan",
             "arctan2": "atan2", "arccos": "acos", "arcsin": "asin", "conjugate": "conj", "rint": "round"}  # fmt: skip


def _elementwise(name, *operands, out=None, dtype=None, casting=None):
    floating = name in _FLOATING or name == "true_divide"
    if dtype is not None:
        operands = [each.astype(dtype) if hasattr(each, "astype") else np.dtype(dtype).type(each) for each in operands]
    return _given_to(out, _out(getattr(xp, _STANDARD.get(name, name))(*_operands(operands, floating))))


def _given_to(out, result):
    if out is None:
        return result
    out.array = _converted(result.array, out.dtype)
    return out


def _reduced(name):
    def reduction(x, axis=None, dtype=None, out=None, keepdims=False, ddof=0, **more):
        array = x.array
        if name in ("mean", "std", "var") and array.dtype.kind not in "fc":
            array = xp.astype(array, np.float64)
        if name in ("sum", "prod"):
            if array.dtype == bool:
                array = xp.astype(array, np.int64)
            more["dtype"] = dtype and np.dtype(dtype)
        elif dtype is not None:
            array = xp.astype(array, np.dtype(dtype))
        if name in ("std", "var"):
            more["correction"] = ddof
        return _out(getattr(xp, name)(array, axis=axis, keepdims=keepdims, **more))

    return reduction


_SPECIAL = {name: _reduced(name) for name in ("sum", "prod", "min", "max", "mean", "std", "var", "any", "all")}
_SPECIAL |= {"amin": _SPECIAL["min"], "amax": _SPECIAL["max"]}
for _name in ("sum", "prod", "min", "max", "mean", "std", "var", "any", "all"):
    setattr(Image, _name, _SPECIAL[_name])


def _special(function):
    _SPECIAL[function.__name__.strip("_")] = function
    return function


@_special
def asarray(x, dtype=None, order=None, copy=None):
    if isinstance(x, (list, tuple)):
        return stack(x) if dtype is None else stack(x).astype(dtype)
    return x if dtype is None or x.dtype == np.dtype(dtype) else x.astype(dtype)


@_special
def array(x, dtype=None, copy=True, ndmin=0, order=None):
    return asarray(x, dtype).copy()


_SPECIAL |= {"asanyarray": asarray, "ascontiguousarray": asarray, "require": lambda x, dtype=None, requirements=None: asarray(x, dtype),
             "copy": lambda x, order="K": x.copy(), "ndim": lambda x: x.ndim, "shape": lambda x: x.shape, "size": lambda x: x.size,
             "isscalar": lambda x: False, "iscomplexobj": lambda x: x.dtype.kind == "c", "ravel": lambda x: x.ravel(),
             "transpose": lambda x, axes=None: x.transpose(*(axes or ())), "isrealobj": lambda x: x.dtype.kind != "c"}  # fmt: skip


def _like(value):
    def like(x, dtype=None, order="K", shape=None):
        shape = x.shape if shape is None else shape
        return Image(xp.full(tuple(shape), value, dtype=np.dtype(dtype or x.dtype), comm=x.array.comm))

    return like


_SPECIAL |= {"zeros_like": _like(0), "empty_like": _like(0), "ones_like": _like(1),
             "full_like": lambda x, value, dtype=None: _like(value)(x, dtype)}  # fmt: skip


@_special
def clip(x, low=None, high=None, out=None, **more):
    array, *ends = _operands([each for each in (x, low, high) if each is not None])
    ends = iter(ends)
    low, high = (None if each is None else next(ends) for each in (low, high))
    return _given_to(out, _out(xp.clip(array, low, high)))


@_special
def where(condition, x, y):
    x, y = _operands([x, y])
    return _out(xp.where(xp.astype(_in(condition), np.bool_), x, y))


@_special
def moveaxis(x, source, destination):
    return Image(xp.moveaxis(x.array, source, destination))


@_special
def reshape(x, shape, **more):
    return x.reshape(shape)


@_special
def stack(images, axis=0, **more):
    return Image(xp.stack(_operands(list(images)), axis=axis))


@_special
def concatenate(images, axis=0, **more):
    return Image(xp.concat(_operands(list(images)), axis=axis))


@_special
def broadcast_to(x, shape, **more):
    return Image(xp.broadcast_to(x.array, tuple(shape)))


@_special
def squeeze(x, axis=None):
    axis = tuple(k for k, extent in enumerate(x.shape) if extent == 1) if axis is None else axis
    return _out(xp.squeeze(x.array, axis=axis))


@_special
def cumsum(x, axis=None, dtype=None, out=None):
    array = x.ravel().array if axis is None else x.array
    return _given_to(out, _out(xp.cumulative_sum(array, axis=axis or 0, dtype=dtype and np.dtype(dtype))))


@_special
def bincount(x, weights=None, minlength=0):
    """How often each of 0, 1, ... comes: NumPy's."""
    most = int(xp.max(x.array)) if x.size else -1
    counts = _ours.histogram(x.array, 0, most + 1, most + 1) if most >= 0 else np.zeros(0, np.int64)
    counts = _arrays.whole(counts, writable=True) if isinstance(counts, Array) else counts
    return np.pad(counts, (0, max(0, minlength - len(counts))))


@_special
def histogram(x, bins=10, range=None, density=None, weights=None):
    if not isinstance(bins, (int, np.integer)) or weights is not None:
        raise TypeError("numpy.histogram of a distributed image takes a number of bins of one width, and no weights")
    low, high = (x.min(), x.max()) if range is None else range
    edges = np.histogram_bin_edges(np.array([low, high], dtype=x.dtype), bins, (low, high))
    # As NumPy has it: which bin an element is in, its edges say.
    values = xp.reshape(x.array, (-1,))
    below = xp.searchsorted(_in(edges[1:-1].astype(np.result_type(x.dtype, np.float32) if x.dtype.kind == "f" else np.float64)),
                            xp.astype(values, x.dtype if x.dtype.kind == "f" else np.float64), side="right")
    if range is not None:
        below = below[xp.logical_and(values >= np.asarray(low).item(), values <= np.asarray(high).item())]
    counts = bincount(Image(below), minlength=int(bins))
    return (counts / counts.sum() / np.diff(edges) if density else counts), edges


@_special
def unique(x, return_counts=False, **more):
    if more:
        raise TypeError(f"numpy.unique of a distributed image takes no {', '.join(more)}")
    values, counts = map(_arrays.whole, xp.unique_counts(x.array))
    missing = values != values  # which NumPy's takes for one
    if missing.any():
        values = np.append(values[~missing], values[missing][:1])
        counts = np.append(counts[~missing], counts[missing].sum())
    order = np.argsort(values)
    return (values[order], counts[order]) if return_counts else values[order]


@_special
def percentile(x, q, axis=None, **more):
    if axis is not None or more:
        raise TypeError("numpy.percentile of a distributed image takes it as a whole")
    values, n = xp.sort(xp.reshape(x.array, (-1,))), x.size
    if values.dtype.kind != "f":
        values = xp.astype(values, np.float64)
    place = np.asarray(q, dtype=np.float64) / 100 * (n - 1)
    low = np.floor(place).astype(np.int64)
    ends = [_arrays.whole(xp.take(values, xp.asarray(np.minimum(np.ravel(low) + k, n - 1), comm=values.comm))) for k in (0, 1)]
    a, b = (each.reshape(low.shape) for each in ends)
    t = (place - low).astype(values.dtype)
    return np.where(t < 0.5, a + (b - a) * t, b - (b - a) * (1 - t)).astype(values.dtype)[()]


@_special
def interp(x, points, values, **more):
    """Of an image, by intervals: what lies beyond the ends is the value there."""
    points, values = np.asarray(points, dtype=float), np.asarray(values, dtype=float)
    if len(points) == 1:
        return Image(xp.full_like(x.array, float(values[0]), dtype=np.float64))
    at = xp.astype(xp.reshape(x.array, (-1,)), np.float64)
    interval = xp.clip(xp.searchsorted(_in(points), at, side="right") - 1, 0, len(points) - 2)
    slopes = np.diff(values) / np.diff(points)
    left, below, slope = (xp.take(_in(each), interval) for each in (points[:-1], values[:-1], slopes))
    inside = slope * (at - left) + below
    inside = xp.where(at < float(points[0]), float(values[0]), xp.where(at >= float(points[-1]), float(values[-1]), inside))
    return Image(xp.reshape(inside, x.shape))


@_special
def count_nonzero(x, axis=None, keepdims=False):
    return _out(xp.count_nonzero(x.array, axis=axis, keepdims=keepdims))


@_special
def diff(x, n=1, axis=-1):
    return Image(xp.diff(x.array, n=n, axis=axis))


@_special
def gradient(x, *spacing, axis=None, edge_order=1):
    axes = range(x.ndim) if axis is None else [axis] if np.ndim(axis) == 0 else axis
    if spacing or edge_order != 1:
        raise TypeError("numpy.gradient of a distributed image takes neither spacing nor edge_order")
    x = x.astype(np.float64) if x.dtype.kind != "f" else x
    out = []
    for d in axes:
        a = xp.moveaxis(x.array, d, -1)
        parts = [a[..., 1:2] - a[..., 0:1], (a[..., 2:] - a[..., :-2]) / 2.0, a[..., -1:] - a[..., -2:-1]]
        out.append(Image(xp.moveaxis(xp.concat(parts, axis=-1), -1, d)))
    return out[0] if np.ndim(axis) == 0 and axis is not None else out


@_special
def pad(x, pad_width, mode="constant", constant_values=0, **more):
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    modes = {"symmetric": "reflect", "reflect": "mirror", "edge": "nearest", "wrap": "wrap", "constant": "constant"}
    array = x.array
    for d, (before, after) in enumerate(widths):
        extent = array.shape[d]
        indices = np.pad(np.arange(extent), (before, after), mode if mode != "constant" else "edge")
        taken = xp.take(array, xp.asarray(indices, comm=array.comm), axis=d)
        if mode == "constant":
            inside = np.zeros([1] * d + [len(indices)] + [1] * (x.ndim - d - 1), bool)
            inside.reshape(-1)[before : before + extent] = True
            taken = xp.where(_in(inside), taken, constant_values)
        elif mode not in modes:
            raise TypeError(f"numpy.pad of a distributed image takes no mode {mode!r}")
        array = taken
    return Image(array)


@_special
def isclose(x, y, rtol=1e-5, atol=1e-8):
    x, y = _operands([x, y], True)
    return _out(xp.abs(x - y) <= atol + rtol * xp.abs(y if isinstance(y, Array) else xp.asarray(y, comm=_comm.get())))


@_special
def array_equal(x, y):
    return tuple(x.shape) == tuple(y.shape) and bool((x == y).all())


@_special
def matmul(x, y):
    return _out(xp.matmul(*_operands([x, y], False)))


@_special
def nan_to_num(x, copy=True, nan=0.0):
    return Image(xp.where(xp.isnan(x.array), nan, x.array))


def _of_images(value):
    return isinstance(value, Image) or isinstance(value, (list, tuple)) and any(map(_of_images, value))


class _Function:
    """A function of NumPy's, or its namesake where an image is among what it is given."""

    def __init__(self, name, theirs):
        self.name, self.theirs = name, theirs

    def __getattr__(self, attribute):
        return getattr(self.theirs, attribute)

    def __call__(self, *args, **kwargs):
        name = self.name
        if name in ("zeros", "empty", "ones", "full") and isinstance(args[0], (tuple, list)) and any(
                isinstance(each, _Extent) for each in args[0]):
            value = {"zeros": 0, "empty": 0, "ones": 1}.get(name)
            value, rest = (value, args[1:]) if name != "full" else (args[1], args[2:])
            dtype = kwargs.get("dtype", rest[0] if rest else np.asarray(value).dtype if name == "full" else float)
            return Image(xp.full(tuple(args[0]), np.asarray(value).item(), dtype=np.dtype(dtype), comm=_comm.get()))
        if not any(map(_of_images, args)):
            result = self.theirs(*args, **kwargs)
            return result.view(_Table) if type(result) is np.ndarray else result
        if name in _SPECIAL:
            result = _SPECIAL[name](*args, **kwargs)
            return result.view(_Table) if type(result) is np.ndarray else result
        if isinstance(self.theirs, np.ufunc) and hasattr(xp, _STANDARD.get(name, name)):
            return _elementwise(name, *args, **kwargs)
        raise TypeError(f"numpy.{name} of a distributed image is not there: this function of scikit-image does not run distributed")


for _name, _op in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
                   "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
                   "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
                   "ne": "not_equal", "matmul": "matmul"}.items():  # fmt: skip
    _apply = functools.partial(_SPECIAL.get(_op, functools.partial(_elementwise, _op)))
    setattr(Image, f"__{_name}__", lambda x, y, apply=_apply: apply(x, y))
    if _name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Image, f"__r{_name}__", lambda x, y, apply=_apply: apply(y, x))
        setattr(Image, f"__i{_name}__", lambda x, y, apply=_apply: _given_to(x, apply(x, y)))
for _name, _op in {"neg": "negative", "abs": "absolute", "invert": "invert"}.items():
    setattr(Image, f"__{_name}__", functools.partialmethod(lambda x, op: _elementwise(op, x), _op))
Image.__pos__ = lambda x: x


class _ArrayType(type):
    def __instancecheck__(cls, value):
        return isinstance(value, (np.ndarray, Image))


class _AnyArray(metaclass=_ArrayType):
    """What scikit-image takes for numpy.ndarray."""


class _NumPy(types.ModuleType):
    def __getattr__(self, name):
        theirs = getattr(np, name)
        if name == "ndarray":
            return _AnyArray
        if isinstance(theirs, type) or not callable(theirs):
            return theirs
        made = _Function(name, theirs)
        setattr(self, name, made)
        return made


class _NDImage(types.ModuleType):
    """scipy.ndimage for a copy of scikit-image."""

    def __getattr__(self, name):
        import scipy.ndimage

        theirs, ours = getattr(scipy.ndimage, name), getattr(_ours, name, None)

        @functools.wraps(theirs)
        def call(*args, **kwargs):
            if not any(map(_of_images, (*args, *kwargs.values()))):
                return theirs(*args, **kwargs)
            if ours is None:
                raise TypeError(f"tessera.ndimage has no {name}: this function of scikit-image does not run distributed")
            plain = {key: _given(value) for key, value in kwargs.items() if key != "output" or not isinstance(value, Image)}
            into = kwargs.get("output")
            if isinstance(into, Image):
                plain["output"] = into.array
                result = ours(*map(_given, args), **plain)
                return into if isinstance(result, Array) else result
            return _out(ours(*map(_given, args), **plain))

        return call


def _given(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(_given, value))
    return value.array if isinstance(value, Image) else value


# --- a second scikit-image ------------------------------------------------------------------------


class _SciPy(types.ModuleType):
    def __getattr__(self, name):
        import scipy

        return _replaced.get(f"scipy.{name}") or getattr(scipy, name)


_replaced = {"numpy": _NumPy("numpy"), "scipy": _SciPy("scipy"), "scipy.ndimage": _NDImage("scipy.ndimage")}
_copies = {}  # by name: modules of scikit-image


class _Package(types.ModuleType):
    """A package of scikit-image, whose functions are those of the copies."""

    def __getattr__(self, name):
        return _copied(getattr(importlib.import_module(self.__name__), name))


def _copied(value):
    """What stands for a function or a module of scikit-image's."""
    if isinstance(value, types.ModuleType):
        return _module(value.__name__)
    if isinstance(value, types.FunctionType) and value.__module__.startswith("skimage."):
        return getattr(_module(value.__module__), value.__name__, value)
    return value


def _module(name):
    if name in _replaced:
        return _replaced[name]
    if name != "skimage" and not name.startswith("skimage."):
        return importlib.import_module(name)
    if name not in _copies:
        spec = importlib.util.find_spec(name)
        if spec.submodule_search_locations is not None:
            _copies[name] = _Package(name)
        elif not spec.origin.endswith(".py"):
            _copies[name] = importlib.import_module(name)  # compiled
        else:
            made = _copies[name] = types.ModuleType(name)
            made.__file__, made.__package__ = spec.origin, name.rpartition(".")[0]
            made.__builtins__ = vars(builtins) | {"__import__": _import}
            exec(spec.loader.get_code(name), vars(made))
    return _copies[name]


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    """`import` of the copies: of NumPy, scipy.ndimage and scikit-image what stands for them."""
    if level:
        name = importlib.util.resolve_name("." * level + name, globals["__package__"])
    root = name.partition(".")[0]
    if root not in ("numpy", "scipy", "skimage"):
        return builtins.__import__(name, globals, locals, fromlist)
    if not fromlist:
        builtins.__import__(name)
        return _module(root)
    found = _module(name)
    chosen = types.SimpleNamespace()
    for each in fromlist:
        try:
            value = getattr(found, each)
        except AttributeError:
            value = _module(f"{name}.{each}")
        setattr(chosen, each, _copied(value))
    return chosen


def _function(module, name):
    theirs = getattr(importlib.import_module(f"skimage.{module}"), name)
    # A function of C's name, or wrapped: the copy of the module that defines it.
    copy = getattr(_module(theirs.__module__), name)

    @functools.wraps(theirs)
    def call(*args, **kwargs):
        def enter(value):
            return Image(value) if isinstance(value, Array) else value

        def leave(value):
            if isinstance(value, Image):
                return value.array
            if isinstance(value, _Table):
                return value.view(np.ndarray)
            return type(value)(map(leave, value)) if type(value) in (list, tuple) else value

        first = next((each for each in (*args, *kwargs.values()) if isinstance(each, Array)), None)
        before = _comm.set(_core.world() if first is None else first.comm)
        try:
            return leave(copy(*map(enter, args), **{key: enter(value) for key, value in kwargs.items()}))
        finally:
            _comm.reset(before)

    call.__module__ = f"{__name__}.{module}"
    return call


class _Functions(types.ModuleType):
    """A module of scikit-image's functions that run on distributed images."""

    def __getattr__(self, name):
        module = self.__name__.rpartition(".")[2]
        if name not in self.__all__:
            raise AttributeError(f"tessera.skimage.{module} has no {name}; it has {', '.join(self.__all__)}")
        setattr(self, name, _function(module, name))
        return vars(self)[name]

    def __dir__(self):
        return self.__all__


for _name, _functions in _NAMES.items():
    _made = _Functions(f"{__name__}.{_name}", f"skimage.{_name} on distributed images.")
    _made.__all__ = _functions.split()
    globals()[_name] = sys.modules[_made.__name__] = _made

__all__ = sorted(_NAMES)

if TYPE_CHECKING:  # the modules, to tools that do not run this

    def __getattr__(name: str) -> Any: ...
