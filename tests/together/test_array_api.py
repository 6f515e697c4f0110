"""The array API's functions against NumPy: over dtypes, shapes and axes."""

import itertools
import json
import time
from pathlib import Path

import numpy as np
import pytest
import tessera
import tessera.array_api as xp
from array_cases import (
    DTYPES, SHAPES, array, bits_of_one, compare, data, host, keep_bits, kind, raises, replicated, some)  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's


# --- groups ---------------------------------------------------------------------------------------


def test_creation():
    for d in DTYPES:
        for shape in some(SHAPES):
            compare(xp.zeros(shape, dtype=np.dtype(d)), np.zeros(shape, d), f"zeros {shape} {d}")
            compare(xp.ones(shape, dtype=np.dtype(d)), np.ones(shape, d), f"ones {shape} {d}")
            x = data(shape, d)
            compare(array(x), x, f"asarray {shape} {d}")
            compare(xp.zeros_like(array(x)), np.zeros_like(x), "zeros_like")
            compare(xp.full_like(array(x), 1), np.full_like(x, 1), "full_like")
            assert xp.empty_like(array(x)).shape == shape
        for n, m, k in some(itertools.product((0, 1, 5, 300), (None, 4), (0, 2, -3))):
            compare(xp.eye(n, m, k=k, dtype=np.dtype(d)), np.eye(n, m, k, dtype=d), "eye")
    for k in (2**63, 2**64, 10**30, np.uint64(2**64 - 1), -(2**63), -(2**64), -(10**30)):
        compare(xp.eye(3, k=k), np.zeros((3, 3)), "eye, far away")
        compare(xp.triu(xp.ones((3, 3)), k=k), np.ones((3, 3)) * (k < 0), "triu, far away")
        compare(xp.tril(xp.ones((3, 3)), k=k), np.ones((3, 3)) * (k > 0), "tril, far away")
    compare(xp.zeros(3), np.zeros(3), "zeros of an int")
    compare(xp.full((2, 3), 7), np.full((2, 3), 7), "full int")
    compare(xp.full(3, 1.5), np.full(3, 1.5), "full float")
    compare(xp.full((), 1j), np.full((), 1j), "full complex")
    compare(xp.full((4,), True), np.full((4,), True), "full bool")
    for args in [(5,), (0,), (2, 9), (2, 9, 3), (9, 2, -2), (9, 2), (1, 700, 1), (-3, 4, 5)]:
        compare(xp.arange(*args), np.arange(*args), f"arange{args}")
        for d in ("int16", "float32", "uint64", "complex64")[: 2 if min(args) < 0 else 4]:
            compare(xp.arange(*args, dtype=np.dtype(d)), np.arange(*args).astype(d), f"arange{args} {d}")
    compare(xp.arange(0.5, 4.0, 0.5), np.arange(0.5, 4.0, 0.5), "arange of floats")
    compare(xp.arange(2**62, 2**62 + 5), np.arange(2**62, 2**62 + 5), "large arange")
    for a, b, n, end in some(itertools.product((0, -2.5), (1, 7.25), (0, 1, 2, 50, 1000), (True, False))):
        compare(xp.linspace(a, b, n, endpoint=end), np.linspace(a, b, n, endpoint=end),
                f"linspace {a} {b} {n} {end}", 1)
    for shape in [(3, 3), (5, 2), (2, 4, 3), (400, 3), (0, 3), (3, 0)]:
        for k in (0, 1, -1, 7, -7):
            x = data(shape, "float64")
            compare(xp.tril(array(x), k=k), np.tril(x, k), f"tril {shape} {k}")
            compare(xp.triu(array(x), k=k), np.triu(x, k), f"triu {shape} {k}")
    for indexing in ("xy", "ij"):
        for parts in [(3,), (3, 4), (2, 3, 4), (600, 2)]:
            v = [np.arange(float(n)) for n in parts]
            got = xp.meshgrid(*[array(x) for x in v], indexing=indexing)
            for g, w in zip(got, np.meshgrid(*v, indexing=indexing)):
                compare(g, w, f"meshgrid {parts} {indexing}")
    compare(xp.asarray([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]]), "lists")
    compare(xp.asarray(3.5, dtype=xp.float32), np.float32(3.5), "a number")
    x = array(data((5,), "float32"))
    compare(xp.from_dlpack(data((5, 2), "float32")), data((5, 2), "float32"), "from_dlpack")
    compare(xp.asarray(x, copy=True), data((5,), "float32"), "a copy")
    raises(ValueError, lambda: xp.asarray([1.0], copy=False))
    raises(ValueError, lambda: xp.arange(0, 1, 0), "step")
    raises(ValueError, lambda: xp.linspace(0, 1, -1), "num")
    raises(ValueError, lambda: xp.full((2,), 300, dtype=xp.int8), "int8 holds -128 to 127, not 300")


def test_dtypes():
    for a, b in some(itertools.product(DTYPES, DTYPES), 3):
        assert xp.result_type(np.dtype(a), np.dtype(b)) == np.result_type(a, b), (a, b)
        if not (kind(a) in "iu" and kind(b) in "fc"):
            assert xp.can_cast(np.dtype(a), np.dtype(b)) == np.can_cast(a, b), (a, b)
        x = np.abs(np.nan_to_num(data((7, 3), a).real)) % 100
        x = x.astype(a)
        if not (kind(a) == "c" and kind(b) != "c"):
            compare(xp.astype(array(x), np.dtype(b)), x.astype(b), f"astype {a} {b}")
    for a in DTYPES:
        x = array(np.ones(2, a))
        for scalar in (True, 1, 1.5, 1j):
            assert xp.result_type(x, scalar) == np.result_type(np.ones(2, a), scalar), (a, scalar)
    for d in ("float32", "float64", "complex64", "complex128"):
        got, want = xp.finfo(np.dtype(d)), np.finfo(d)
        assert (got.bits, got.eps, got.max, got.min, got.smallest_normal) == (
            want.bits, want.eps, want.max, want.min, want.smallest_normal)
        assert type(got.eps) is float and got.dtype == want.dtype
    for d in DTYPES[1:9]:
        got, want = xp.iinfo(np.dtype(d)), np.iinfo(d)
        assert (got.bits, got.max, got.min, got.dtype) == (want.bits, want.max, want.min, d)
    assert xp.isdtype(xp.float32, "real floating") and not xp.isdtype(xp.int8, "bool")
    assert xp.isdtype(xp.uint8, ("bool", "integral")) and xp.isdtype(xp.uint8, xp.uint8)
    raises(ValueError, lambda: xp.isdtype(xp.uint8, "number"), "kind must be one of")
    raises(TypeError, lambda: xp.finfo(xp.int8), "finfo")
    raises(TypeError, lambda: xp.astype(xp.asarray(1j), xp.float32), "complex")


UNARY = {  # the name, NumPy's, and for which kinds the standard has it
    "abs": ("abs", "iufc"), "acos": ("arccos", "fc"), "acosh": ("arccosh", "fc"),
    "asin": ("arcsin", "fc"), "asinh": ("arcsinh", "fc"), "atan": ("arctan", "fc"),
    "atanh": ("arctanh", "fc"), "bitwise_invert": ("invert", "biu"), "ceil": ("ceil", "iuf"),
    "conj": ("conj", "iufc"), "cos": ("cos", "fc"), "cosh": ("cosh", "fc"), "exp": ("exp", "fc"),
    "expm1": ("expm1", "fc"), "floor": ("floor", "iuf"), "imag": ("imag", "fc"),
    "isfinite": ("isfinite", "iufc"), "isinf": ("isinf", "iufc"), "isnan": ("isnan", "iufc"),
    "log": ("log", "fc"), "log10": ("log10", "fc"), "log1p": ("log1p", "fc"),
    "log2": ("log2", "fc"), "logical_not": ("logical_not", "biufc"), "negative": ("negative", "iufc"),
    "positive": ("positive", "iufc"), "real": ("real", "fc"), "reciprocal": ("reciprocal", "fc"),
    "round": ("round", "iufc"), "sign": ("sign", "iufc"), "signbit": ("signbit", "f"),
    "sin": ("sin", "fc"), "sinh": ("sinh", "fc"), "sqrt": ("sqrt", "fc"), "square": ("square", "iufc"),
    "tan": ("tan", "fc"), "tanh": ("tanh", "fc"), "trunc": ("trunc", "iuf"),
}
BINARY = {
    "add": ("add", "iufc"), "atan2": ("arctan2", "f"), "bitwise_and": ("bitwise_and", "biu"),
    "bitwise_left_shift": ("left_shift", "iu"), "bitwise_or": ("bitwise_or", "biu"),
    "bitwise_right_shift": ("right_shift", "iu"), "bitwise_xor": ("bitwise_xor", "biu"),
    "copysign": ("copysign", "f"), "divide": ("divide", "iufc"), "equal": ("equal", "biufc"),
    "floor_divide": ("floor_divide", "iuf"), "greater": ("greater", "iuf"),
    "greater_equal": ("greater_equal", "iuf"), "hypot": ("hypot", "f"), "less": ("less", "iuf"),
    "less_equal": ("less_equal", "iuf"), "logaddexp": ("logaddexp", "f"),
    "logical_and": ("logical_and", "biufc"), "logical_or": ("logical_or", "biufc"),
    "logical_xor": ("logical_xor", "biufc"), "maximum": ("maximum", "iuf"),
    "minimum": ("minimum", "iuf"), "multiply": ("multiply", "iufc"), "nextafter": ("nextafter", "f"),
    "not_equal": ("not_equal", "biufc"), "pow": ("power", "iufc"), "remainder": ("remainder", "iuf"),
    "subtract": ("subtract", "iufc"),
}
# Of complex numbers only finite ones of moderate size are compared here; special values are the
# standard's, which NumPy's functions do not all keep.
TAME = {"c"}


def tame(x):
    if x.dtype.kind != "c":
        return x
    part = lambda p: np.where(np.isfinite(p) & (np.abs(p) < 10), p, 0.75)  # noqa: E731
    return (part(x.real) + 1j * part(x.imag)).astype(x.dtype)


def expected(name, function, *x):
    with np.errstate(all="ignore"):
        want = function(*x)
        if name == "floor_divide" and want.dtype.kind == "f":
            # The standard's infinities and zeros, where NumPy gives NaN and -1.
            q = x[0] / x[1]
            want = np.where(np.isinf(x[0]) | np.isinf(x[1]), q, want).astype(want.dtype)
    return want


def test_elementwise_one():
    for name, (numpys, kinds) in UNARY.items():
        for d in DTYPES:
            if kind(d) not in kinds:
                continue
            for shape in some(SHAPES, 9):
                x = tame(data(shape, d))
                f = getattr(np, numpys)
                exact = kind(d) in "biu" or name in (
                    "abs ceil conj floor imag isfinite isinf isnan logical_not negative positive real "
                    "round signbit sqrt trunc square").split() and kind(d) != "c"
                wide = None if exact else {"f": np.longdouble, "c": np.clongdouble}.get(kind(d))
                want = np.asarray(f(x if wide is None else x.astype(wide)))
                if wide:
                    want = want.astype(f(x).dtype)
                if name == "sign" and kind(d) == "c":
                    want = np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x))).astype(d)
                compare(getattr(xp, name)(array(x)), want, f"{name} {d} {shape}", 0 if exact else 8)
    for name in ("exp", "sin", "sqrt"):  # of integers as in NumPy
        compare(getattr(xp, name)(xp.asarray([0, 1, 4])), getattr(np, name)([0.0, 1.0, 4.0]), name, 4)
    raises(TypeError, lambda: xp.bitwise_invert(xp.asarray(1.0)), "bitwise_invert takes bool")
    raises(TypeError, lambda: xp.floor(xp.asarray(1j)), "floor takes")


def operands(name, d, a, b):
    x, y = tame(data(a, d)), tame(data(b, d, 1))
    if name == "pow" and kind(d) in "iu":
        y = np.abs(y) % 9
    if "shift" in name:
        y = np.abs(y) % (8 * y.dtype.itemsize)
    return x, y.astype(d)


def test_elementwise_two():
    shapes = [(s, s) for s in SHAPES] + [((3, 4), (4,)), ((600, 3), (1, 3)), ((600, 1), (3,)),
                                         ((1031,), ()), ((), (0,)), ((5, 1), (1, 7)), ((1,), (700,)),
                                         ((4, 1, 3), (2, 1)), ((1, 700), (700, 1))]
    for name, (numpys, kinds) in BINARY.items():
        f = getattr(np, numpys)
        for d in DTYPES:
            if kind(d) not in kinds:
                continue
            for a, b in some(shapes, 15):
                x, y = operands(name, d, a, b)
                loose = kind(d) in "fc" and name in (
                    "atan2 hypot logaddexp pow divide multiply").split()
                ulp = 0 if not loose else 64 if name == "pow" and kind(d) == "c" else 4
                compare(getattr(xp, name)(array(x), array(y)), expected(name, f, x, y),
                        f"{name} {d} {a} {b}", ulp)
    for a, b in some(itertools.product(DTYPES, DTYPES)):
        x, y = tame(data((7,), a)), tame(data((7,), b, 1))
        compare(xp.equal(array(x), array(y)), x == y, f"equal {a} {b}")
        compare(xp.add(array(x), array(y)), x + y, f"add {a} {b}", 2)
        compare(xp.where(array(x != 0), array(x), array(y)), np.where(x != 0, x, y), f"where {a} {b}")
    raises(ValueError, lambda: xp.pow(xp.asarray([2, 3]), xp.asarray([1, -1])), "negative integer")
    raises(ValueError, lambda: xp.add(xp.ones(2), xp.ones(3)), "(2,) (3,)")
    raises(TypeError, lambda: xp.less(xp.asarray(1j), xp.asarray(1j)), "less takes")
    raises(TypeError, lambda: xp.bitwise_and(xp.ones(2), xp.ones(2)), "bitwise_and takes")


def test_scalars_and_operators():
    import operator as op

    for d in DTYPES:
        x = tame(data((600, 3), d))
        a = array(x)
        for scalar in (True, 2, 2.5, 1 + 2j):
            if kind(d) == "b" and scalar is True:
                continue
            compare(a * scalar, x * scalar, f"{d} * {scalar}", 4)
            compare(scalar + a, scalar + x, f"{scalar} + {d}", 2)
            compare(a == scalar, x == scalar, f"{d} == {scalar}")
            compare(xp.where(a != 0, a, scalar), np.where(x != 0, x, np.asarray(
                scalar, np.result_type(x, scalar))), f"where {d} {scalar}")
    x, y = data((40, 2), "int32"), data((40, 2), "int32", 5) | 1
    a, b = array(x), array(y)
    for f in (op.add, op.sub, op.mul, op.truediv, op.floordiv, op.mod, op.and_, op.or_, op.xor,
              op.eq, op.ne, op.lt, op.le, op.gt, op.ge):
        compare(f(a, b), f(x, y), f.__name__, 1)
        compare(f(7, b), f(7, y), f"7 {f.__name__}", 1)
    compare(a << 3, x << 3, "<<")
    compare(a >> 1, x >> 1, ">>")
    compare(b ** 2, y ** 2, "**")
    for f in (op.neg, op.pos, op.invert, abs):
        compare(f(a), f(x), f.__name__)
    kept = a
    other = xp.asarray(a)
    c = xp.asarray(a, copy=True)
    c += b
    compare(c, x + y, "+=")
    compare(kept, x, "what was before +=")
    compare(other, x, "another handle")
    raises(TypeError, lambda: op.iadd(xp.ones(3, dtype=xp.int32), 1.5), "in place")
    raises(TypeError, lambda: a + "x")
    assert bool(xp.asarray(True)) and int(xp.asarray(7)) == 7 and float(xp.asarray(2.5)) == 2.5
    assert complex(xp.asarray(1j)) == 1j and [1, 2, 3][xp.asarray(1)] == 2
    raises(ValueError, lambda: bool(xp.ones(2)), "ambiguous")
    raises(TypeError, lambda: int(xp.ones(2)))
    raises(TypeError, lambda: float(xp.asarray(1j)))
    raises(ValueError, lambda: xp.asarray([1], dtype=xp.uint8) + 300, "uint8 holds 0 to 255")
    for low, high in ((None, None), (1, None), (None, 2), (-1, 2)):
        z = tame(data((600, 3), "float64"))
        compare(xp.clip(array(z), low, high), np.clip(z, low, high) if (low, high) != (None, None) else z,
                "clip")
    compare(xp.clip(a, array(y[:1]), 100), np.clip(x, y[:1], 100), "clip by an array")
    with tessera.only("reference"):
        z = data((600, 3), "float64")
        compare(xp.exp(array(z)), np.exp(z), "exp by reference", 2)
        compare(array(z) + array(z), z + z, "add by reference")
    for d in ("float32", "float64"):  # a result does not depend on where its element sits
        z = data((4099,), d)
        whole = host(xp.exp(array(z)))
        for cut in (1, 3, 7):
            np.testing.assert_array_equal(host(xp.exp(array(z[cut:]))), whole[cut:])


REDUCE = {"sum": "iufc", "prod": "iufc", "max": "iuf", "min": "iuf", "mean": "fc", "any": "biufc",
          "all": "biufc", "count_nonzero": "biufc", "var": "f", "std": "f"}


def test_reductions():
    for name, kinds in REDUCE.items():
        f = getattr(np, name)
        for d in DTYPES:
            if kind(d) not in kinds:
                continue
            for shape in some([*SHAPES, (20000,), (5000, 3)], 4):
                x = tame(data(shape, d))
                if name in ("sum", "prod", "mean", "var", "std") and kind(d) == "f":
                    x = np.where(np.isfinite(x) & (x != 0), x, 1).astype(d)
                if name == "prod" and kind(d) in "fc":
                    x = (x / np.maximum(1, np.abs(x))).astype(d)
                axes = [None, *range(len(shape)), -1] if shape else [None]
                if len(shape) > 2:
                    axes += [(0, 2), (1, 2), (0, 1, 2), ()]
                for axis, keep in some(itertools.product(axes, (False, True)), 3):
                    a = f"{name} {d} {shape} {axis} {keep}"
                    empty = x.size == 0 if axis is None else np.prod(
                        [shape[k] for k in np.atleast_1d(np.asarray(axis, int))]) == 0
                    if name in ("max", "min") and empty:
                        want_size = np.sum(x, axis=axis).size
                        if want_size:
                            raises(ValueError, lambda: getattr(xp, name)(array(x), axis=axis), name)
                        continue
                    wide = x.astype({"float32": "float64", "complex64": "complex128"}.get(d, d))
                    want = np.asarray(f(wide, axis=axis, keepdims=keep))
                    if kind(d) in "fc" and name not in ("any", "all", "count_nonzero"):
                        want = want.astype(d)
                    got = getattr(xp, name)(array(x), axis=axis, keepdims=keep)
                    if name in ("sum", "mean", "prod", "var", "std") and kind(d) in "fc":
                        close(got, want, a, np.abs(wide).sum() if name in ("sum", "mean") else None,
                              max(64, x.size))
                    else:
                        compare(got, want, a)
    x = data((900, 3), "int8")
    compare(xp.sum(array(x), dtype=xp.float32), x.sum(dtype=np.float32), "sum as float32")
    compare(xp.sum(array(x), dtype=xp.int16, axis=0), x.sum(dtype=np.int16, axis=0), "sum as int16")
    compare(xp.sum(array(x != 0)), np.sum(x != 0), "sum of booleans")
    compare(xp.mean(array(x), axis=1), x.mean(axis=1), "mean of integers", 1)
    z = 1e8 + np.arange(3000.0) % 2
    compare(xp.var(array(z), correction=1.0), np.var(z, ddof=1), "var far from 0", 64)
    for d, nan in itertools.product(("float64", "float32", "int16", "uint8"), (False, True)):
        for shape in [(1,), (7,), (1031,), (600, 3), (4, 1, 3), (5000,)]:
            x = data(shape, d) if nan else tame(np.nan_to_num(data(shape, d), posinf=3, neginf=-3))
            for axis, keep in some(itertools.product([None, *range(len(shape))], (False, True)), 3):
                for name in ("argmax", "argmin"):
                    compare(getattr(xp, name)(array(x), axis=axis, keepdims=keep),
                            getattr(np, name)(x, axis=axis, keepdims=keep), f"{name} {d} {shape} {axis}")
    raises(ValueError, lambda: xp.argmax(xp.zeros(0)), "no elements")
    raises(ValueError, lambda: xp.sum(xp.zeros(3), axis=1), "axis 1 is out of bounds")
    raises(TypeError, lambda: xp.max(xp.asarray([1j])), "max does not take complex128")


def close(got, want, what, scale=None, roundings=64):
    """Rounded sums: relative to the terms where these may cancel."""
    value = host(got)
    assert got.dtype == want.dtype and got.shape == want.shape, (
        f"{what}: {got.dtype} {got.shape} instead of {want.dtype} {want.shape}")
    keep_bits(value, want, what)
    eps = np.finfo(want.dtype).eps
    np.testing.assert_allclose(value, want, rtol=roundings * eps,
                               atol=64 * eps * (0 if scale is None else float(scale)), err_msg=what)


def test_cumulative():
    for name, f in (("cumulative_sum", np.cumsum), ("cumulative_prod", np.cumprod)):
        for d in ("int8", "uint16", "int64", "float32", "float64", "complex128"):
            for shape in some([(1,), (7,), (5000,), (600, 3), (4, 1, 3), (0,), (0, 3)], 3):
                x = tame(np.nan_to_num(data(shape, d), posinf=1, neginf=-1))
                if kind(d) in "fc":
                    x = (x / np.maximum(1, np.abs(x))).astype(d)
                wide = x.astype({"float32": "float64"}.get(d, d))
                for axis in range(-1, len(shape)):
                    for initial in (False, True):
                        want = f(wide, axis=axis)
                        want = want.astype(d) if kind(d) in "fc" else want
                        if initial:
                            first = np.take(want, [0], axis=axis) if want.shape[axis] else None
                            one = list(shape)
                            one[axis] = 1
                            first = np.full(one, 0 if "sum" in name else 1, want.dtype)
                            want = np.concatenate([first, want], axis=axis)
                        got = getattr(xp, name)(array(x), axis=axis, include_initial=initial)
                        what = f"{name} {d} {shape} {axis} {initial}"
                        if kind(d) in "fc":
                            close(got, want, what, np.abs(wide).sum())
                        else:
                            compare(got, want, what)
    for shape in [(7,), (600, 3), (4, 1, 3), (1,), (0, 3)]:
        x = data(shape, "int32")
        for axis, n in itertools.product(range(len(shape)), (0, 1, 2)):
            compare(xp.diff(array(x), axis=axis, n=n), np.diff(x, axis=axis, n=n), f"diff {shape}")
        compare(xp.diff(array(x), axis=0, prepend=array(x[:1]), append=array(x[:1])),
                np.diff(x, axis=0, prepend=x[:1], append=x[:1]), "diff with more")
    raises(ValueError, lambda: xp.cumulative_sum(xp.ones((2, 2))), "axis")


def test_manipulation():
    for d in ("int8", "float32", "float64", "complex128", "bool", "int16"):
        for shape in some(SHAPES, 5):
            x = data(shape, d)
            a = array(x)
            n = x.ndim
            for axes in some(list(itertools.permutations(range(n)))[:24], 2):
                compare(xp.permute_dims(a, axes), np.transpose(x, axes), f"permute {shape} {axes}")
            for axis in [None, *range(-n, n), *([(0, n - 1)] if n > 1 else [])]:
                compare(xp.flip(a, axis=axis), np.flip(x, axis), f"flip {shape} {axis}")
                if axis is None or np.isscalar(axis):
                    for k in (0, 1, -2, 9):
                        compare(xp.roll(a, k, axis=axis), np.roll(x, k, axis), f"roll {shape} {axis}")
                    if n or axis is None:
                        compare(xp.repeat(a, 3, axis=axis), np.repeat(x, 3, axis), f"repeat {shape}")
                        m = x.size if axis is None else shape[axis]
                        times = np.arange(m) % 3
                        compare(xp.repeat(a, array(times), axis=axis), np.repeat(x, times, axis),
                                f"repeat by an array {shape} {axis}")
            for axis in range(-n - 1, n + 1):
                compare(xp.expand_dims(a, axis=axis), np.expand_dims(x, axis), f"expand {shape}")
                parts = [x, x, x]
                compare(xp.stack([array(p) for p in parts], axis=axis), np.stack(parts, axis),
                        f"stack {shape} {axis}")
            for axis in range(-n, n):
                compare(xp.concat([a, a[..., :], a], axis=axis), np.concatenate([x, x, x], axis),
                        f"concat {shape} {axis}")
                if shape[axis] < 20:
                    for got, want in zip(xp.unstack(a, axis=axis), np.moveaxis(x, axis, 0)):
                        compare(got, want, f"unstack {shape} {axis}")
                if shape[axis] == 1:
                    compare(xp.squeeze(a, axis), np.squeeze(x, axis), f"squeeze {shape}")
            for times in [(), (2,), (3, 2), (1, 0), (2, 1, 3)]:
                compare(xp.tile(a, times), np.tile(x, times), f"tile {shape} {times}")
            for new in [(x.size,), (-1,), (1, x.size), (x.size, 1), (1, x.size, 1)]:
                if not (-1 in new and x.size == 0):
                    compare(xp.reshape(a, new), x.reshape(new), f"reshape {shape} {new}")
            wide = (4, *shape)
            compare(xp.broadcast_to(a, wide), np.broadcast_to(x, wide), f"broadcast {shape}")
            if n > 1:
                compare(a.mT, np.swapaxes(x, -1, -2), f"mT {shape}")
                compare(xp.moveaxis(a, 0, -1), np.moveaxis(x, 0, -1), f"moveaxis {shape}")
                compare(xp.moveaxis(a, (0, 1), (1, 0)), np.moveaxis(x, (0, 1), (1, 0)), "moveaxis 2")
    x, y = data((600, 1), "int32"), data((3,), "int32")
    for got, want in zip(xp.broadcast_arrays(array(x), array(y)), np.broadcast_arrays(x, y)):
        compare(got, want, "broadcast_arrays")
    compare(xp.concat([array(x), array(y.astype("float32"))], axis=None),
            np.concatenate([x, y.astype("float32")], axis=None), "concat flattened")
    compare(xp.roll(array(np.arange(12).reshape(3, 4)), (1, -1), axis=(0, 1)),
            np.roll(np.arange(12).reshape(3, 4), (1, -1), (0, 1)), "roll along two")
    compare(xp.reshape(array(data((700, 6), "float32")), (1050, 4)),
            data((700, 6), "float32").reshape(1050, 4), "reshape over rows")
    r = replicated(np.arange(6.0))
    compare(xp.concat([r, r]), np.tile(np.arange(6.0), 2), "concat of what all have")
    compare(xp.concat([r, array(np.arange(2.0))]), np.r_[np.arange(6.0), 0, 1], "concat of both")
    compare(array(np.ones((600, 6))) + r, np.ones((600, 6)) + np.arange(6.0), "rows and replicated")
    raises(ValueError, lambda: xp.reshape(xp.ones(5), (2, 3)), "(5,) into shape (2, 3)")
    raises(ValueError, lambda: xp.concat([xp.ones(2), xp.ones((2, 2))]), "concat")
    raises(ValueError, lambda: xp.squeeze(xp.ones((2, 3)), 0), "squeeze axis 0")
    raises(ValueError, lambda: xp.permute_dims(xp.ones((2, 3)), (0, 0)), "duplicate")
    raises(ValueError, lambda: xp.stack([xp.ones(2), xp.ones(3)]), "stack")


def test_what_moves_nothing_sends_nothing():
    x = xp.reshape(xp.arange(6000.0), (2000, 3))
    with tessera.trace("quiet.json"):
        xp.expand_dims(x, axis=1), xp.zeros_like(x), xp.squeeze(x[:, None], axis=1), xp.reshape(x, (2000, 3, 1))
    calls = [each for each in json.loads(Path("quiet.json").read_text())["traceEvents"] if each.get("name", "").startswith("array.")]
    assert len(calls) >= 4 and not any(each["args"]["communicated"] for each in calls), calls


def test_transposes():
    x, y = data((1500, 4), "int32").astype("float64"), data((1500, 3), "int32").astype("float32")
    for make in (array, replicated):
        a, b = make(x), make(y)
        with tessera.trace("moved.json"):
            products = {"x.T @ y": (a.T @ b, x.T @ y), "x.T @ x": (a.mT @ a, x.T @ x),
                        "x.T @ v": (a.T @ b[:, 0], x.T @ y[:, 0]), "x @ y.T": (a[:5] @ b[:7, [0, 1, 2, 0]].T, x[:5] @ y[:7, [0, 1, 2, 0]].T)}
            got = xp.max(a.T, axis=1), xp.argmax(xp.permute_dims(a, (1, 0)), axis=-1, keepdims=True), a.T.T
        calls = [each for each in json.loads(Path("moved.json").read_text())["traceEvents"] if each.get("name") == "array.matmul"]
        assert len(calls) == 4 * tessera.size()
        assert sum(each["args"]["communicated"] for each in calls) < 10000 * tessera.size()  # the transpose has 48 KB
        products["v @ x.T"] = b[:4, 0] @ a.T, y[:4, 0] @ x.T
        for what, (product, want) in products.items():
            compare(product, want, what)
        compare(got[0], x.max(0), "max(x.T, axis=1)")
        compare(got[1], x.argmax(0)[:, None], "argmax along an axis of x.T")
        compare(got[2], x, "x.T.T")
        for axis, keep in itertools.product((0, 1, -1, None, (0, 1)), (False, True)):
            compare(xp.sum(a.T, axis=axis, keepdims=keep), x.T.sum(axis=axis, keepdims=keep), f"sum of x.T {axis}")
            assert xp.max(a.T, axis=axis).distribution == xp.max(array(x.T) if make is array else make(x.T.copy()), axis=axis).distribution
        c = make(data((1500, 4), "float64"))
        t = c.T
        np.asarray(t)
        for reduction, axis in itertools.product((xp.sum, xp.mean, xp.std, xp.prod), (0, 1)):
            assert np.asarray(reduction(t, axis=axis)).tobytes() == np.asarray(reduction(c.T, axis=axis)).tobytes(), (
                f"{reduction.__name__} {axis} depends on whether the transpose has been formed")
        t = a.T
        u = t
        a += 1  # which has no other handle, but its transpose
        compare(t, x.T, "x.T of what x was")
        t += 1
        compare(t, x.T + 1, "x.T in place")
        compare(a.T + a.T, 2 * (x + 1).T, "x.T + x.T")
        compare(a.T[1:3, ::2], (x + 1).T[1:3, ::2], "a slice of x.T")
        compare(xp.concat([a.T, t], axis=1), np.concatenate([(x + 1).T, x.T + 1], 1), "x.T among others")
        compare(xp.sort(a.T, axis=1), np.sort((x + 1).T, 1), "x.T sorted")
        np.testing.assert_array_equal(np.asarray(a.T), (x + 1).T)
        assert a.T.shape == (4, 1500) and a.T.dtype == x.dtype and a.T.device == "cpu"
        del u
    for d in DTYPES[1:]:
        z = tame(data((300, 2), d))
        compare(array(z).T @ array(z), z.T @ z, f"x.T @ x of {d}", 0 if kind(d) in "iu" else 600)


def test_sorting_and_sets():
    for d in DTYPES:
        for shape in some([(0,), (1,), (7,), (1031,), (5000,), (3, 4), (600, 3), (4, 1, 3)], 2):
            x = data(shape, d)
            a = array(x)
            if kind(d) != "c":
                for axis, down in some(itertools.product(range(-len(shape), len(shape)), (False, True)), 2):
                    what = f"{d} {shape} {axis} {down}"
                    order = np.argsort(x, axis=axis, kind="stable")
                    if down:
                        back = np.argsort(np.flip(x, axis), axis=axis, kind="stable")
                        order = np.flip(x.shape[axis] - 1 - back, axis)
                    compare(xp.sort(a, axis=axis, descending=down), np.take_along_axis(x, order, axis), f"sort {what}")
                    compare(xp.argsort(a, axis=axis, descending=down), order, f"argsort {what}")
            for source in (x, (x != 0), np.repeat(x, 2)) if kind(d) != "b" else (x,):
                want = np.unique(source, return_index=True, return_inverse=True, return_counts=True, equal_nan=False)
                got = xp.unique_all(array(source))
                if kind(d) != "c" or not np.isnan(source).any():
                    compare(got.values, want[0], f"unique values {d} {shape}")
                    compare(got.indices, want[1], f"unique indices {d} {shape}")
                    compare(got.counts, want[3], f"unique counts {d} {shape}")
                    compare(got.inverse_indices, want[2].reshape(source.shape), f"inverse {d} {shape}")
                    compare(xp.unique_values(array(source)), want[0], f"unique_values {d} {shape}")
                np.testing.assert_array_equal(host(got.values)[host(got.inverse_indices)], source)
    for d, side in itertools.product(("int8", "float64", "uint16", "float32"), ("left", "right")):
        for n, m in some([(0, 5), (1, 3), (1031, 700), (5000, 3), (7, 0), (3, 600)], 2):
            x = np.sort(data((n,), d))
            v = data((m,), d, 1)
            compare(xp.searchsorted(array(x), array(v), side=side), np.searchsorted(x, v, side), f"searchsorted {d}")
            mixed = x[::-1].copy()
            order = np.argsort(mixed, kind="stable")
            compare(xp.searchsorted(array(mixed), array(v), side=side, sorter=array(order)),
                    np.searchsorted(mixed, v, side, order), f"searchsorted by an order {d} {n} {m}")
            compare(xp.isin(array(v), array(x), invert=side == "left"), np.isin(v, x, invert=side == "left"), "isin")
    raises(TypeError, lambda: xp.sort(xp.asarray([1j])), "order")
    raises(ValueError, lambda: xp.searchsorted(xp.ones(2), xp.ones(2), side="middle"), "middle")


KEYS = {
    0: [(), ..., None, (..., None)],
    1: [0, -1, slice(None), slice(1, None), slice(None, -1), slice(None, None, -1), slice(4, 1, -2),
        slice(-3, 100), slice(50, 60), slice(None, None, 3), (None, slice(2, 5)), (..., 0), slice(5, 2)],
    2: [0, -1, (0, 0), (slice(1, 3), 1), (slice(None), -1), (..., 0), (slice(None, None, -1),
        slice(None, None, -2)), (None, 1, ...), (slice(5, 500, 7), None, slice(1, None)), (0, ...),
        (slice(3, 3), slice(None)), (None, [0, 1, 2], ..., [1, 0, 1])],
    3: [(0, 0), (slice(None), 0, slice(None, None, -1)), (..., 1), (1, ..., None), (slice(1, None), 0),
        (slice(None, None, -2), slice(None), 2), (slice(None), -1, ..., [0, 1])],
}


def test_indexing():
    for d in ("float64", "int8", "complex128"):
        for shape in some([(), (9,), (1031,), (3, 4), (600, 3), (4, 1, 3)], 2):
            x = data(shape, d)
            a = array(x)
            for key in KEYS[len(shape)]:
                compare(a[key], x[key], f"{shape}[{key}]")
                for value in (1, x[key], x[key][..., :1] if np.ndim(x[key]) else 0):
                    want, got = x.copy(), xp.asarray(a, copy=True)
                    want[key] = value
                    got[key] = array(value) if isinstance(value, np.ndarray) else (
                        complex(value) if kind(d) == "c" else d.startswith("f") and float(value) or int(
                            value) if not isinstance(value, int) else value)
                    compare(got, want, f"{shape}[{key}] = {np.shape(value)}")
                compare(a, x, "the array after another was assigned to")
            for m in range(0, len(shape) + 1):
                for mask in (data(shape[:m], "bool", 3), np.ones(shape[:m], bool), np.zeros(shape[:m], bool)):
                    compare(a[array(mask)], x[mask], f"{shape}[mask of {m}]")
                    for value in (2, data((int(mask.sum()),) + shape[m:], d, 2) if m else 3):
                        want, got = x.copy(), xp.asarray(a, copy=True)
                        want[mask] = value
                        got[array(mask)] = value if np.isscalar(value) else array(value)
                        compare(got, want, f"{shape}[mask of {m}] = ")
            for axis in range(-len(shape), len(shape)):
                n = shape[axis]
                for index in (np.arange(0), np.arange(n)[::-1].copy(), np.arange(2 * n) * 7 % n,
                              -1 - np.arange(n) % n, np.zeros(1, np.int8)):
                    compare(xp.take(a, array(index), axis=axis), np.take(x, index, axis),
                            f"take {shape} {axis} {len(index)}")
                like = data(shape, "int64", 4) % n
                compare(xp.take_along_axis(a, array(like), axis=axis), np.take_along_axis(x, like, axis),
                        f"take_along_axis {shape} {axis}")
            if shape:
                for got, want in zip(xp.nonzero(a), np.nonzero(x)):
                    compare(got, want, f"nonzero {shape}")
                i = np.arange(6).reshape(3, 2) % shape[0]
                compare(a[array(i)], x[i], f"integers {shape}")
                if len(shape) > 1:
                    j = np.arange(2) % shape[1]
                    compare(a[array(i), array(j)], x[i, j], f"two integer arrays {shape}")
                    compare(a[array(-1 - i), 0], x[-1 - i, 0], f"an array and an integer {shape}")
                    got, want = xp.asarray(a, copy=True), x.copy()
                    got[array(i), array(j)] = want[i, j] = 2
                    compare(got, want, f"two integer arrays {shape} = 2")
                places = np.arange(2 * shape[0]) * 7 % shape[0]  # each twice, of which the last stays
                for value in (data((len(places),) + shape[1:], d, 5), data(shape[1:], d, 6), data((), d, 7)):
                    got, want = xp.asarray(a, copy=True), x.copy()
                    want[places] = value
                    got[array(places)] = array(value)
                    compare(got, want, f"integers {shape} = {value.shape}")
    x = data((4, 3), "float64")
    for shape in [(0,), (0, 3), (4, 0), (0, 0)]:  # a mask may have extents of 0
        mask = np.ones(shape, bool)
        compare(array(x)[array(mask)], x[mask], f"{x.shape}[mask of {shape}]")
        compare(replicated(x)[replicated(mask)], x[mask], f"replicated {x.shape}[mask of {shape}]")
        a = array(x)
        a[array(mask)] = 5.0
        compare(a, x, f"{x.shape}[mask of {shape}] = 5")
    for got, want in zip(array(data((5, 2), "int32")), data((5, 2), "int32")):
        compare(got, want, "going through rows")
    compare(xp.where(array(data((600, 3), "bool")), 1, 0), np.where(data((600, 3), "bool"), 1, 0), "where")
    for key in x > 0, np.array([3, 1]), np.True_, (np.array([1, 0]), np.array([2, 2])), np.int64(2):
        compare(array(x)[key], x[key], f"NumPy's {key} as index")
        got, want = xp.asarray(x, copy=True), x.copy()
        got[key] = want[key] = 2.0
        compare(got, want, f"NumPy's {key} as index = 2")
    raises(IndexError, lambda: xp.ones(3)[3], "index 3 is out of bounds for axis 0 with size 3")
    raises(IndexError, lambda: xp.ones(3)[0, 0], "too many indices")
    raises(IndexError, lambda: xp.ones(3)[xp.ones(2, dtype=xp.bool)], "boolean index")
    raises(IndexError, lambda: xp.ones(3)[xp.asarray([0, 5])], "index 5 is out of bounds")
    for i, axis in (4, 0), (-5, 0), (3, 1), (-4, 1):
        said = f"index {i} is out of bounds for axis {axis} with size {4 - axis}"
        raises(IndexError, lambda: xp.take(xp.ones((4, 3)), xp.asarray([0, i]), axis=axis), said)
        raises(IndexError, lambda: xp.take_along_axis(xp.ones((4, 3)), xp.asarray([[0], [i]]), axis=axis), said)
    raises(IndexError, lambda: xp.take(xp.ones(3), xp.asarray([3])), "index 3 is out of bounds for axis 0 with size 3")
    raises(TypeError, lambda: xp.take(xp.ones(3), [1]), "take: indices must be an Array, got (1)")
    raises(TypeError, lambda: xp.take(xp.ones(3), np.array([1])), "take: indices: expected an Array, which asarray makes, or a list; got NumPy's ndarray")
    raises(TypeError, lambda: xp.sum(xp.ones(3), axis="x"), "sum: axis must be an integer or integers, got 'x'")
    raises(IndexError, lambda: xp.take(xp.ones(3), xp.asarray([4])), "index 4 is out of bounds for axis 0 with size 3")
    raises(IndexError, lambda: xp.take_along_axis(xp.ones((3, 2)), xp.asarray([[0, 2]]), axis=1), "axis 1 with size 2")

    def assign(value, key):
        x = xp.ones(3, dtype=xp.int32)
        x[key] = value

    raises(TypeError, lambda: assign(1.5, 0), "1.5")
    raises(IndexError, lambda: assign(1, xp.asarray([0, 3])), "index 3 is out of bounds for axis 0 with size 3")
    raises(ValueError, lambda: assign(xp.ones(2, dtype=xp.int32), xp.asarray([0, 1, 2])),
           "could not broadcast a value of shape (2,) into shape (3,)")
    raises(ValueError, lambda: assign(xp.ones(2, dtype=xp.int32), xp.ones(3, dtype=xp.bool)), "broadcast")
    raises(IndexError, lambda: assign(1, (xp.asarray([0]), 0)), "too many indices: the array is 1-dimensional, but 2 were indexed")
    raises(ValueError, lambda: assign(xp.ones(2, dtype=xp.int32), slice(None)), "broadcast")


def mixed_keys(shape, rng, n):
    """Indices of each axis, an array at least among them."""
    while n:
        key, axis = [], 0
        common = ((), (3,), (2, 3), (2, 1), (0,))[rng.integers(5)]
        start = rng.integers(4)  # of axes that the ellipsis is for
        while axis < len(shape):
            extent, what = shape[axis], rng.integers(9)
            if what == 0:
                key.append(None)
                continue
            if what == 1 and axis + 2 <= len(shape) and common in ((), (3,)):
                mask = np.zeros(shape[axis : axis + 2], bool)
                mask.flat[[1, 4, mask.size - 1][: 3 if common else 1]] = True
                key.append(mask)
                axis += 2
                continue
            if what == 2:
                key.append(int(rng.integers(-extent, extent)))
            elif what in (3, 4):
                key.append(slice(*((None, None, -1), (1, None, 2), (-2, None), (2, 1))[rng.integers(4)]))
            elif what in (5, 6):
                key.append(slice(None))
            else:
                key.append(rng.integers(-extent, extent, common).astype(rng.choice(["int64", "int8", "uint8"])
                                                                        if common else "int64"))
                if key[-1].dtype == np.uint8:
                    key[-1] %= min(extent, 255)
            axis += 1
        if start == 0 and slice(None) in [k for k in key if not isinstance(k, np.ndarray)]:
            key[next(i for i, k in enumerate(key) if not isinstance(k, np.ndarray) and k == slice(None))] = ...
        if any(isinstance(k, np.ndarray) and k.ndim for k in key):
            n -= 1
            yield tuple(key)


def test_arrays_among_other_indices():
    rng = np.random.default_rng(3)
    for shape in [(600, 4), (300, 4, 3), (5, 7, 3, 2), (1031,)]:
        for d in ("float64", "int8", "complex128"):
            x = data(shape, d)
            for number, key in some(list(enumerate(mixed_keys(shape, rng, 40)))):
                for make in (array, replicated) if number % 4 == 0 else (array,):
                    ours = tuple(make(k) if isinstance(k, np.ndarray) else k for k in key)
                    compare(make(x)[ours], x[key], f"{shape}[{key}]")
                    got, want = xp.asarray(make(x), copy=True), x.copy()
                    value = data(x[key].shape[number % 2 :], d, 4)
                    want[key] = value
                    got[ours] = array(value) if number % 3 else make(value)
                    compare(got, want, f"{shape}[{key}] = {value.shape}")
    x = data((5, 4, 3), "float32")
    a = array(x)
    lists = {"a list": [2, -1], "no list": [], "lists": ([0, 1], slice(None), [2, 2]), "of booleans": [True, False] * 2 + [True]}
    for name, key in lists.items():
        compare(a[key], x[key], name)
    yes, no = np.bool_(True), np.bool_(False)
    for key in [(yes, [1, 2]), (no, 1), (yes, None, 0), (slice(1, 3), yes, [0, 1]), (np.array([[0], [1]]), no, [2])]:
        compare(a[key], x[key], f"a boolean without axes: {key}")
    got, want = xp.asarray(a, copy=True), x.copy()
    got[1:3, True, [0, 1]] = want[1:3, True, [0, 1]] = 7.0
    compare(got, want, "a boolean without axes = 7")
    for key in [(True,), (False,), (True, None, ...), (None, False, ...), (True, True), (..., None, True)]:
        for value in (8.0, x[..., None, None].copy()) if key[0] is ... else (8.0, x[::-1].copy(), x[None, 0]):
            got, want = xp.asarray(a, copy=True), x.copy()
            want[key] = value
            got[key] = array(value) if isinstance(value, np.ndarray) else value
            compare(got, want, f"x[{key}] = {np.shape(value)}")
    raises(ValueError, lambda: xp.asarray(a, copy=True).__setitem__((True, None), xp.ones(2)), "could not broadcast")
    out = "is out of bounds for axis"
    for key, words in [
        (([0, 5], slice(None)), f"index 5 {out} 0 with size 5"), ((slice(None), [[-5]], 0), f"index -5 {out} 1 with size 4"),
        ((..., [3]), f"index 3 {out} 2 with size 3"), (([0], 0, 0, 0), "too many indices: the array is 3-dimensional, but 4"),
        (([0.5], 0), "arrays used as indices must be of integers or booleans, not float64"),
        (([0, 1], slice(None), [0, 1, 2]), "cannot be broadcast together: (2,) (3,)"),
        ((0, np.ones((3, 3), bool)), "a boolean index of shape (3, 3) does not match axes of shape (4, 3)"),
    ]:
        raises(IndexError, lambda: a[key], words)
        raises(IndexError, lambda: a.__setitem__(key, 1.0), words)


def place(x):
    """Where its memory is on each process."""
    return x._address


def test_assignment_is_in_place():
    x = data((700, 3), "float64")
    rows = np.arange(5) * 131
    mask = data((700,), "bool", 2)
    keys = {"integers": (3, 1), "a slice": (slice(5, 600, 3), 0), "a mask": mask, "integer arrays": rows}
    for name, key in keys.items():
        for make in (array, replicated):
            for of_key in (array, replicated) if isinstance(key, np.ndarray) else (lambda k: k,):
                for of_value in (array, replicated):
                    value = data(x[key].shape, "float32", 4)
                    got, want = xp.asarray(make(x), copy=True), x.copy()
                    before, lies = place(got), got.distribution
                    got[of_key(key)] = of_value(value)
                    want[key] = value
                    compare(got, want, f"{name} in place")
                    assert got.distribution == lies
                    assert place(got) == before or not got.local.size, f"{name} made another array"


def test_operators_work_in_place():
    x = data((700, 3), "float64")
    for make in (array, replicated):
        for operand in (2.0, data((3,), "float64", 1), data((700, 1), "float32", 2), data((700, 3), "float64", 3)):
            got, want = xp.asarray(make(x), copy=True), x.copy()
            before, lies = place(got), got.distribution
            y = make(operand) if isinstance(operand, np.ndarray) else operand
            got += y
            got *= y
            got -= 1
            want = (want + operand) * operand - 1
            compare(got, want, "in place")
            assert got.distribution == lies
            assert place(got) == before or not got.local.size, "another array was made"
    i = xp.asarray(array(data((1031,), "int16")), copy=True)
    before, want = place(i), data((1031,), "int16")
    i //= 3
    i <<= 2
    i |= 1
    i ^= array(want)
    compare(i, (want // 3 << 2 | 1) ^ want, "integers in place")
    assert place(i) == before or not i.local.size
    a = xp.asarray(array(x), copy=True)
    view = a.local  # NumPy's
    kept, seen = a[...], view.copy()
    a += a[::-1]
    compare(a, x + x[::-1], "with what it is made of")
    a += a
    a @= xp.eye(3)
    compare(kept, x, "a slice of what was")
    np.testing.assert_array_equal(view, seen)
    mine = np.ones(5)
    b = tessera.asarray(mine)
    b += 1.0
    assert (mine == 1).all(), "NumPy's memory was written"
    for bad, words in [(xp.asarray(1.5), "dtype int16; the result has (1031,) and float64"),
                       (xp.ones((2, 1), dtype=xp.int8), "keeps shape (1031,)")]:
        raises(TypeError, lambda: i.__iadd__(bad), words)
    raises(ValueError, lambda: i.__ipow__(array(-want)), "negative")
    compare(i, (want // 3 << 2 | 1) ^ want, "what an error left")


def test_assignment_changes_one_name_only():
    x = data((700, 3), "float64")
    a = xp.asarray(array(x), copy=True)
    shared = {"a row": a[0], "a reshaped one": xp.reshape(a, (2100,)), "another device": a.to("cpu"),
              "a named one": a.named(["a", "b", "c"]), "NumPy's view": a.local}
    before = {name: np.array(one) for name, one in shared.items()}
    a[0, 0] = 5.0
    a[1:] = a[:-1]  # what is read is what was there
    a[:] = a
    want = x.copy()
    want[0, 0] = 5.0
    want[1:] = want[:-1].copy()
    compare(a, want, "the one assigned to")
    for name, one in shared.items():
        np.testing.assert_array_equal(np.array(one), before[name], err_msg=name)
    mine = np.zeros((700, 3))
    b = tessera.asarray(mine)
    b[:, 1] = 1.0
    assert not mine.any(), "NumPy's memory was written"
    compare(b, mine + [0, 1, 0], "what was NumPy's")
    c = array(x)
    with pytest.raises(ValueError):
        c[:5] = xp.ones((4, 3))
    compare(c, x, "what an error left")


def test_assigning_an_element_costs_no_copy():
    n = 1 << 22
    x = xp.zeros(n)
    start = time.process_time()
    for i in range(2000):  # copies of 2000 times 32 MB would take 10 s
        x[i * (n // 2000)] = float(i)
    assert time.process_time() - start < 3
    assert float(xp.sum(x)) == 1999 * 1000
