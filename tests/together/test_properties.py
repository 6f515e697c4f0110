"""What holds of every array: by Hypothesis, which draws the same on all processes."""

import random
import zlib

import numpy as np
import pytest
import tessera
import tessera.array_api as xp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tessera import _core

settings.register_profile("together", derandomize=True, deadline=None, database=None, max_examples=60 // tessera.size(),
                          report_multiple_bugs=False, suppress_health_check=list(HealthCheck))  # fmt: skip
settings.load_profile("together")
pytestmark = pytest.mark.filterwarnings("ignore")
DTYPES = st.sampled_from(["bool", "int8", "int64", "uint32", "float32", "float64", "complex64"])
REAL = st.sampled_from(["int16", "int64", "uint8", "float32", "float64"])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
TALL = st.tuples(st.integers(0, 1300), st.integers(1, 3))  # several leaves


@pytest.fixture(autouse=True)
def distributed(request):
    random.seed(zlib.crc32(request.node.nodeid.encode()))
    before = _core.distribute_all(True)
    yield
    _core.distribute_all(before)


def arrays(dtypes=DTYPES, shapes=SHAPES):
    """NumPy arrays; large ones repeat a few numbers."""
    def one(drawn):
        dtype, shape, seed = drawn
        i = np.random.default_rng(seed).integers(-9, 10, shape)
        return np.asarray(i % 2 if dtype == "bool" else i / 4 if np.dtype(dtype).kind in "fc" else np.abs(i)).astype(dtype)

    return st.tuples(dtypes, shapes, st.integers(0, 99)).map(one)


def same(x, want):
    got = np.asarray(x)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@given(arrays(shapes=SHAPES | TALL), st.data())
def test_basic_keys_read_and_write(x, data):
    key = data.draw(hnp.basic_indices(x.shape, allow_newaxis=True, allow_ellipsis=True))
    a = xp.asarray(x)
    same(a[key], np.asarray(x[key]))
    key = data.draw(hnp.basic_indices(x.shape))
    changed = x.copy()
    changed[key] = 1
    kept = xp.asarray(x, copy=True)
    a[key] = xp.asarray(np.ones_like(x[key]))
    same(a, changed)
    same(kept, x)


@given(arrays(shapes=SHAPES | TALL), st.integers(0, 99))
def test_masks_read_and_write(x, seed):
    mask = np.random.default_rng(seed).random(x.shape) < 0.4
    a = xp.asarray(x)
    same(a[xp.asarray(mask)], x[mask])
    changed = np.where(mask, np.zeros_like(x), x)
    a[xp.asarray(mask)] = 0
    same(a, changed)


@given(arrays(shapes=TALL), st.integers(-2000, 2000), st.sampled_from([0, 1, None]))
def test_roll_and_flip_come_back(x, shift, axis):
    a = xp.asarray(x)
    same(xp.roll(a, shift, axis=axis), np.roll(x, shift, axis))
    same(xp.roll(xp.roll(a, shift, axis=axis), -shift, axis=axis), x)
    same(xp.flip(xp.flip(a, axis=axis), axis=axis), x)


@given(arrays(shapes=TALL), st.integers(0, 1300), st.sampled_from([0, 1]))
def test_parts_make_the_whole(x, cut, axis):
    cut = min(cut, x.shape[axis])
    left, right = np.split(x, [cut], axis=axis)
    same(xp.concat([xp.asarray(left), xp.asarray(right)], axis=axis), x)
    same(xp.concat([xp.asarray(right), xp.asarray(left)], axis=None), np.concatenate([right.ravel(), left.ravel()]))


@given(arrays(shapes=SHAPES | TALL))
def test_reshape_and_permutations_come_back(x):
    a = xp.asarray(x)
    flat = xp.reshape(a, (-1,))
    same(flat, x.ravel())
    same(xp.reshape(flat, x.shape), x)
    axes = tuple(reversed(range(x.ndim)))
    same(xp.permute_dims(a, axes), x.transpose(axes))
    same(xp.permute_dims(xp.permute_dims(a, axes), axes), x)


@given(arrays(REAL, TALL), st.sampled_from([0, 1, -1]), st.booleans())
def test_sorting(x, axis, descending):
    a = xp.asarray(x)
    want = np.sort(x, axis=axis)
    ordered = xp.sort(a, axis=axis, descending=descending)
    same(ordered, np.flip(want, axis) if descending else want)
    order = xp.argsort(a, axis=axis, descending=descending)
    same(xp.take_along_axis(a, order, axis=axis), np.asarray(ordered))
    if not descending:
        same(order, np.argsort(x, axis=axis, kind="stable"))


@given(arrays(REAL, TALL))
def test_sets(x):
    values, first, inverse, counts = xp.unique_all(xp.asarray(x))
    want = np.unique(x)
    same(values, want)
    same(xp.take(xp.reshape(xp.asarray(x), (-1,)), first), want)
    same(xp.reshape(xp.take(values, xp.reshape(inverse, (-1,))), x.shape), x)
    assert int(xp.sum(counts)) == x.size
    assert bool(xp.all(xp.isin(xp.asarray(x), values)))
    same(xp.searchsorted(values, xp.reshape(xp.asarray(x), (-1,))), np.searchsorted(want, x.ravel()))


@given(arrays(REAL, TALL), st.integers(0, 1300))
def test_sums(x, cut):
    a = xp.asarray(x)
    left, right = a[: min(cut, len(x)), :], a[min(cut, len(x)) :, :]
    for axis in (0, None):
        np.testing.assert_allclose(np.asarray(xp.sum(left, axis=axis) + xp.sum(right, axis=axis)), x.sum(axis), rtol=1e-5)
    sums = xp.cumulative_sum(a, axis=0)
    same(xp.diff(sums, axis=0, prepend=xp.zeros((1, x.shape[1]), dtype=sums.dtype)),
         np.diff(np.cumsum(x, axis=0, dtype=sums.dtype), axis=0, prepend=np.zeros((1, x.shape[1]), dtype=sums.dtype)))  # fmt: skip


@given(arrays(), arrays(), st.sampled_from(["add", "multiply", "equal", "maximum", "subtract"]))
def test_broadcasting(x, y, name):
    if name == "subtract" and x.dtype == y.dtype == bool or name == "maximum" and "c" in x.dtype.kind + y.dtype.kind:
        return
    try:
        want = getattr(np, name)(x, y)
    except ValueError:
        with pytest.raises(ValueError, match="broadcast|shape"):
            getattr(xp, name)(xp.asarray(x), xp.asarray(y))
        return
    same(getattr(xp, name)(xp.asarray(x), xp.asarray(y)), want)


@given(arrays(shapes=TALL), st.lists(st.integers(-1300, 1299), max_size=40))
def test_take(x, wanted):
    if len(x) == 0:
        return
    wanted = np.array([i % len(x) for i in wanted], dtype=np.int64)
    same(xp.take(xp.asarray(x), xp.asarray(wanted), axis=0), x[wanted])
    same(xp.asarray(x)[xp.asarray(wanted), 0], x[wanted, 0])
