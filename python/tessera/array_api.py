"""The array API standard (2025.12) on distributed arrays, made from C++'s table of functions.

``Array.__array_namespace__()`` is this module. All functions are collective; results lie by rows over
the processes, or on all of them where all that is given does (`docs/array_api.md`).
"""

import collections
import math
import re
import types

import numpy as np

from . import _core
from ._arrays import Array
from ._arrays import asarray as _asarray
from ._comm import communicator as _communicator

__array_api_version__ = "2025.12"

e, inf, nan, newaxis, pi = math.e, math.inf, math.nan, None, math.pi
_NAMES = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float32", "float64", "complex64", "complex128")
# NumPy's types, which equal its dtypes: a dtype("float64") would equal None, too.
globals().update({name: np.dtype(name).type for name in _NAMES})


def _placed(x, device):
    return x if device is None or x.device == device else x.to(device)


def asarray(obj, /, *, dtype=None, device=None, copy=None, comm=None):
    """An Array from an Array, numbers, sequences of them, or what has ``__array__``, ``__dlpack__``
    or a buffer; the same on every process, of `comm` if it is given."""
    if not isinstance(obj, Array):
        if copy is False and not hasattr(obj, "__dlpack__") and not hasattr(obj, "__array__"):
            raise ValueError("numbers and sequences have to be copied")
        host = np.array(obj, dtype=dtype) if copy else np.asarray(obj, dtype=dtype)
        return _placed(_asarray(host, comm=comm), device)
    obj = _asarray(obj, comm=comm)  # which refuses other processes
    if dtype is not None and obj.dtype != dtype:
        if copy is False:
            raise ValueError("a conversion needs a copy")
        obj = astype(obj, dtype)
    elif copy:
        obj = positive(obj) if obj.dtype != np.bool_ else logical_or(obj, obj)  # noqa: F821
    return _placed(obj, device)


def from_dlpack(x, /, *, device=None, copy=None, comm=None):
    """An Array from what another library has on the host, the same on every process."""
    if isinstance(x, Array):
        return asarray(x, device=device, copy=copy, comm=comm)
    return asarray(np.from_dlpack(x), device=device, copy=True if copy is None else copy, comm=comm)


def astype(x, dtype, /, *, copy=True, device=None):
    """The same values as another dtype. TypeError from complex to real numbers, ValueError for one
    that an integer dtype does not hold."""
    out = x.astype(dtype)
    return _placed(asarray(x, copy=True) if copy and out is x else out, device)


def result_type(*arrays_and_dtypes):
    """The dtype of an operation on arrays, dtypes and numbers."""
    return _core.result_type(*arrays_and_dtypes)


def finfo(type, /):
    """Limits of a floating dtype, of the parts of a complex one."""
    bits, eps, largest, least, normal, dtype = _core.finfo(type)
    return types.SimpleNamespace(bits=bits, eps=eps, max=largest, min=least, smallest_normal=normal,
                                 dtype=dtype)


def iinfo(type, /):
    """Limits of an integer dtype."""
    bits, largest, least, dtype = _core.iinfo(type)
    return types.SimpleNamespace(bits=bits, max=largest, min=least, dtype=dtype)


def isdtype(dtype, kind):
    """Whether a dtype is another one, of a kind ("integral", ...), or one of several of both."""
    if isinstance(kind, tuple):
        return any_(isdtype(dtype, each) for each in kind)
    return _core.isdtype(dtype, kind) if isinstance(kind, str) else np.dtype(dtype) == kind


def broadcast_shapes(*shapes):
    """The shape that arrays of these shapes have together."""
    return np.broadcast_shapes(*shapes)


any_ = any  # the built-in, before the function of that name


class _Info:
    """What `__array_namespace_info__` says."""

    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": None}

    def default_device(self):
        return "cpu"

    def default_dtypes(self, *, device=None):
        names = {"real floating": "float64", "complex floating": "complex128", "integral": "int64",
                 "indexing": "int64"}
        return {kind: np.dtype(name) for kind, name in names.items()}

    def dtypes(self, *, device=None, kind=None):
        return {name: np.dtype(name) for name in _NAMES
                if kind is None or isdtype(np.dtype(name), kind)}

    def devices(self):
        return ("cpu",)


def __array_namespace_info__():
    """What this implementation has."""
    return _Info()


def _group(comm):
    return None if comm is None else _communicator(comm)


def _diagonal(k):
    """Of a matrix; those further away than 64 bits count have no elements, either."""
    if isinstance(k, (int, np.integer)) and not -(2**63) <= int(k) < 2**63:
        return 2**63 - 1 if k > 0 else -(2**63)
    return k


def _source(number, name, parameters, doc, fields):
    """The text of one function: real parameters, a call of C++'s function of that number."""
    names = [p.split("=")[0].strip() for p in re.split(r",(?![^(]*\))", parameters)]
    names = [n.lstrip("*") for n in names if n not in ("/", "*")]
    given = {"comm": "_group(comm)", "k": "_diagonal(k)"}
    passed = ", ".join(given.get(n, n) for n in names if n != "device")
    call = f"_call({number}, {passed})"
    body = f"_placed({call}, device)" if "device" in names else call
    if fields:
        body = f"{fields.split()[0]}._make({call})"
    return f'def {name}({parameters}):\n    """{doc}"""\n    return {body}\n'


_spaces = {}  # beside the standard's functions: by its name the module of each


def _make():
    spaces = {"": globals()}
    scope = {"_call": _core.array_call, "_placed": _placed, "_group": _group,
             "_diagonal": _diagonal}
    for number, (space, name, parameters, doc, fields) in enumerate(_core.array_functions()):
        if fields:
            result, *each = fields.split()
            scope[result] = collections.namedtuple(result, each, module=__name__)
        exec(_source(number, name, parameters, doc, fields), scope)
        made = scope.pop(name)
        made.__module__ = ".".join(filter(None, (__name__, space)))
        made.number = number
        if space and space not in spaces:
            module = types.ModuleType(made.__module__, f"The extension {space}.")
            _spaces[space] = module
            spaces[space] = vars(module)
        spaces[space][name] = made


_make()
globals().update({space: module for space, module in _spaces.items() if space not in ("random", "scipy_fft", "ndimage")})

__all__ = sorted(
    name for name in globals()
    if not name.startswith("_") and name not in ("collections", "math", "re", "types", "np", "Array", "any_")
) + ["__array_api_version__", "__array_namespace_info__"]


# --- the array object -----------------------------------------------------------------------------

_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide",
    "floordiv": "floor_divide", "mod": "remainder", "pow": "pow", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift", "matmul": "matmul",
}
_COMPARISONS = {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal",
                "gt": "greater", "ge": "greater_equal"}
_UNARY = {"abs": "abs", "neg": "negative", "pos": "positive", "invert": "bitwise_invert"}
_OPERAND = (Array, int, float, complex)  # a bool is an int


def _binary(function):
    def forward(x, y):
        return function(x, y) if isinstance(y, _OPERAND) else NotImplemented

    def reflected(x, y):
        return function(y, x) if isinstance(y, _OPERAND) else NotImplemented

    def in_place(x, y):
        if not isinstance(y, _OPERAND):
            return NotImplemented
        _core.array_update(function.number, x, y)
        return x

    return forward, reflected, in_place


def _add_operators():
    for short, name in _OPERATORS.items():
        if name in globals():
            forward, reflected, in_place = _binary(globals()[name])
            setattr(Array, f"__{short}__", forward)
            setattr(Array, f"__r{short}__", reflected)
            setattr(Array, f"__i{short}__", in_place)
    for short, name in _COMPARISONS.items():
        setattr(Array, f"__{short}__", _binary(globals()[name])[0])
    for short, name in _UNARY.items():
        setattr(Array, f"__{short}__", globals()[name])


def _truth(x):
    if x.size != 1:
        raise ValueError("the truth value of an array of more or less than one element is ambiguous; "
                         "use any() or all()")
    return bool_(_core.array_item(x))


def _number(kind, allowed):
    def convert(x):
        if x.ndim != 0:
            raise TypeError(f"only arrays of shape () convert to {kind.__name__}, not {x.shape}")
        if not isdtype(x.dtype, allowed):
            raise TypeError(f"an array of {x.dtype} does not convert to {kind.__name__}")
        return kind(_core.array_item(x))

    return convert


def _transposed(x):
    if x.ndim != 2:
        raise ValueError(f"T is for arrays of two dimensions, not {x.ndim}")
    return matrix_transpose(x)  # noqa: F821


def _iterate(x):
    if x.ndim == 0:
        raise TypeError("an array of shape () has no elements to go through")
    return iter(unstack(x))  # noqa: F821


bool_ = __builtins__["bool"] if isinstance(__builtins__, dict) else __builtins__.bool
_add_operators()
_REAL = ("bool", "integral", "real floating")
Array.__bool__ = _truth
Array.__int__ = _number(int, _REAL)
Array.__float__ = _number(float, _REAL)
Array.__complex__ = _number(complex, (*_REAL, "complex floating"))
Array.__index__ = _number(int, "integral")
Array.__index__.__name__ = "__index__"
Array.__getitem__ = lambda x, key: _core.array_index(x, key)
Array.__setitem__ = lambda x, key, value: _core.array_assign(x, key, value)
Array.__iter__ = _iterate
Array.__hash__ = None
Array.T = property(_transposed, doc="The transpose.")
Array.mT = property(lambda x: matrix_transpose(x), doc="The last two axes exchanged.")  # noqa: F821
Array.to_device = lambda x, device, /, *, stream=None: _placed(x, device)


def _namespace(x, *, api_version=None):
    if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12", "2025.12"):
        raise ValueError(f"no version {api_version} of the array API standard")
    import tessera.array_api

    return tessera.array_api


Array.__array_namespace__ = _namespace
