"""Arrays of every dtype and shape, and how those of Tessera are compared with NumPy's: values, and the same bits on
any number of processes. One process makes all comparisons, several make a sample of them."""

import itertools
import zlib

import numpy as np
import pytest
import tessera
import tessera.array_api as xp

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float32", "float64", "complex64", "complex128"]
SHAPES = [(), (0,), (1,), (2,), (7,), (1031,), (3, 4), (1, 5), (600, 3), (2, 0), (0, 3), (4, 1, 3),
          (2, 3, 1, 2, 2)]
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 1e-30, 88.0, -88.0, 3.0]
_bits = None  # of_one, for the test that runs
_turn = 0


@pytest.fixture(autouse=True)
def bits_of_one(of_one):
    global _bits, _turn
    _bits, _turn = of_one, 0
    with np.errstate(all="ignore"):
        yield


def some(cases, step=7):
    """All of them in one process, else every step-th, from another one on each time."""
    global _turn
    _turn += 3
    return cases if tessera.size() == 1 else itertools.islice(cases, _turn % step, None, step)


def keep_bits(value, want, what):
    """The bits are those that one process gets."""
    mine = zlib.crc32(np.ascontiguousarray(value))
    assert mine == _bits((what, zlib.crc32(np.ascontiguousarray(want))), mine), f"{what}: other bits"


def kind(dtype):
    return np.dtype(dtype).kind


def data(shape, dtype, seed=0):
    """Numbers of every kind, a function of the shape, the dtype and the seed."""
    n = int(np.prod(shape, dtype=np.int64))
    i = np.arange(n, dtype=np.uint64) + np.uint64(1000 * seed)
    mixed = (i * np.uint64(2654435761) + np.uint64(12345)) % np.uint64(1 << 31)
    if dtype == "bool":
        x = mixed % 3 == 0
    elif kind(dtype) in "iu":
        info = np.iinfo(dtype)
        x = (mixed % np.uint64(min(int(info.max), 200))).astype(np.int64)
        if kind(dtype) == "i":
            x = np.where(i % 2 == 0, -x, x)
        x = np.where(i % 11 == 3, 0, x)
    else:
        def part(k):
            p = (mixed.astype(np.float64) + k * 977) % 10007 / 1000 - 5
            return np.where(i % 5 == 4, np.take(ODD, (i + np.uint64(k)) % len(ODD)), p)
        x = part(0).astype(dtype)
        if kind(dtype) == "c":
            x.imag = np.roll(part(3), 1)
    return x.astype(dtype).reshape(shape)


def host(x):
    return x.numpy() if isinstance(x, tessera.Array) else x


def compare(got, want, what, ulp=0):
    """dtype, shape and values; NaN is NaN. `ulp`: how many units in the last place are allowed."""
    assert isinstance(got, tessera.Array), f"{what}: got a {type(got).__name__}"
    want = np.asarray(want)
    value = host(got)
    assert got.dtype == want.dtype, f"{what}: dtype {got.dtype} instead of {want.dtype}"
    assert got.shape == want.shape, f"{what}: shape {got.shape} instead of {want.shape}"
    keep_bits(value, want, what)
    if ulp == 0 or want.dtype.kind in "biu":
        np.testing.assert_array_equal(value, want, err_msg=what)
        return
    for part in ("real", "imag") if want.dtype.kind == "c" else ("real",):
        g, w = getattr(value, part), getattr(want, part)
        wrong = ~((g == w) | (np.isnan(g) & np.isnan(w)))
        scale = np.abs(want) if want.dtype.kind == "c" else np.abs(w)
        with np.errstate(all="ignore"):
            allowed = ulp * np.spacing(np.where(np.isfinite(scale), scale, 0).astype(w.dtype))
            wrong &= ~(np.abs(g - w) <= allowed)
        assert not wrong.any(), (f"{what}: {np.ravel(g[wrong])[:3]} instead of "
                                 f"{np.ravel(w[wrong])[:3]}")


def array(x):
    return xp.asarray(np.asarray(x, order="C"))


def replicated(x):
    """The same on every process, where that is not forbidden."""
    from tessera import _core

    return _core.replicated(np.asarray(x, order="C"), _core.world())


def raises(error, call, words=""):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
