"""What users of HeAT have reported of distributed arrays (deadlocks, wrong results, memory), each as a test. What
needs messages of 2^31 elements is in tests/runtime, GPUs are in tests/python/test_gpu.py."""

from pathlib import Path

import numpy as np
import pytest
import tessera
import tessera.array_api as xp
import tessera.linalg
from tessera import _core
from tessera.cluster import KMeans


@pytest.fixture(autouse=True, params=["auto", "all"])
def distribution(request):
    """With what is small replicated, and with everything by rows."""
    before = _core.distribute_all(request.param == "all")
    yield
    _core.distribute_all(before)


def grid(rows, cols, dtype="float64"):
    return np.arange(rows * cols, dtype=dtype).reshape(rows, cols)


def same(x, want):
    np.testing.assert_array_equal(np.asarray(x), want)


def test_all_of_a_transpose():  # deadlocked
    x = grid(11, 5)
    t = xp.permute_dims(xp.asarray(x.reshape(11, 5, 1)), (1, 2, 0))
    same(t.redistribute("replicated"), x.reshape(11, 5, 1).transpose(1, 2, 0))
    same(xp.asarray(x).T.redistribute("replicated"), x.T)


def test_print():  # deadlocked on 3 processes
    for shape in ((), (0,), (2,), (1031,), (7, 3)):
        x = xp.zeros(shape)
        assert str(x) == repr(x) and f"shape={shape}" in repr(x)


def test_product_counts_nothing_twice():
    same(xp.ones((4, 3)) @ xp.ones((3, 4)), np.full((4, 4), 3.0))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 600])
def test_product_of_arrays_that_lie_alike(n):  # wrong on 3 processes
    x = grid(n, n)
    same(xp.asarray(x) @ xp.eye(n), x)
    same(xp.eye(n) @ xp.asarray(x), x)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 100, 700])
@pytest.mark.parametrize("cols", [1, 2, 3, 33])
def test_qr_of_few_rows_and_of_many(rows, cols):  # wrong where there were as many rows as processes
    a = np.random.default_rng(rows).normal(size=(rows, cols))
    q, r = (np.asarray(part) for part in xp.linalg.qr(xp.asarray(a)))
    np.testing.assert_allclose(q @ r, a, atol=1e-12)
    np.testing.assert_allclose(q.T @ q, np.eye(min(rows, cols)), atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 17, 64])
def test_square_factorisations(n):  # failed for some sizes
    a = np.random.default_rng(n).normal(size=(n, n))
    u, s, vh = (np.asarray(part) for part in xp.linalg.svd(xp.asarray(a)))
    np.testing.assert_allclose(u * s @ vh, a, atol=1e-12)
    w, v = (np.asarray(part) for part in xp.linalg.eigh(xp.asarray(a + a.T)))
    np.testing.assert_allclose(v * w @ v.T, a + a.T, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10, 1031])
def test_median(n):  # zeros on 3 processes; percentiles deadlocked
    x = np.random.default_rng(n).normal(size=(n, 3))
    for axis in (None, 0, 1, -1):
        for keepdims in (False, True):
            got = np.asarray(xp.median(xp.asarray(x), axis=axis, keepdims=keepdims))
            np.testing.assert_allclose(got, np.median(x, axis=axis, keepdims=keepdims), rtol=1e-14)


@pytest.mark.parametrize("n", [5, 700, 1031])
def test_order_of_rows_survives_moving(n):  # was lost on 5 and 7 processes
    x = grid(n, 3)
    rank, size = tessera.rank(), tessera.size()
    bounds = [0, *(n * (r + 1) * (r + 2) // (size * (size + 1)) for r in range(size))]  # more and more rows
    same(tessera.from_local(x[bounds[rank]:bounds[rank + 1]]), x)
    same(xp.asarray(x).redistribute("block_cyclic", block=2).redistribute("rows"), x)


def test_keys_on_what_a_mask_has_left():  # wrong shapes and orders, crashes
    x = grid(1031, 3)
    mask = x[:, 0] % 7 > 2
    left = xp.asarray(x)[xp.asarray(mask)]
    assert left.shape == x[mask].shape
    for key in (0, -1, slice(None, None, -3), (slice(5, 300), 1), (Ellipsis, slice(1, None)), slice(900, 20)):
        same(left[key], x[mask][key])
    changed = x[mask].copy()
    changed[10:500:7, 1] = 5
    left[10:500:7, 1] = 5
    same(left, changed)
    same(left[left[:, 1] == 5], changed[changed[:, 1] == 5])
    assert left[left[:, 0] < 0].shape == (0, 3)
    assert "shape=(0, 3)" in repr(left[left[:, 0] < 0])


def test_distances_of_what_a_mask_has_left():  # shapes did not fit
    x = grid(40, 2)
    left = xp.asarray(x)[xp.asarray(x[:, 0] % 3 == 0)]
    kept = x[x[:, 0] % 3 == 0]
    same(xp.sum((left[:, None, :] - left[None, :, :]) ** 2, axis=2), ((kept[:, None] - kept[None]) ** 2).sum(2))


def peak_kib():
    """The most memory since the last time that 5 was written to clear_refs."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def test_no_process_holds_all():  # copies of everything on every process
    rows, cols = 3000, 2000
    one = xp.ones((rows, 1))
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_kib()
    product = one + xp.ones((1, cols))
    assert bool(xp.all(product == 2))
    grown = 1024 * (peak_kib() - before)
    assert grown < rows * cols * 8 * (1.3 / tessera.size() + 0.35)


def test_gram_of_rows_that_lie_unevenly():  # pieces were cut as if all had as many
    n = 700
    x = grid(n, 5)
    rank, size = tessera.rank(), tessera.size()
    bounds = [0, *(n * (r + 1) * (r + 2) // (size * (size + 1)) for r in range(size))]
    uneven = tessera.from_local(x[bounds[rank]:bounds[rank + 1]])
    same(uneven.T @ uneven, x.T @ x)
    same(uneven[xp.asarray(x[:, 0] % 7 > 2)].T @ uneven[xp.asarray(x[:, 0] % 7 > 2)], x[x[:, 0] % 7 > 2].T @ x[x[:, 0] % 7 > 2])


def test_products_of_large_integers_are_exact():  # went by way of floats
    x = np.array([[2**53 + 1, 1], [3, 2**53 + 3]])
    same(xp.asarray(x) @ xp.eye(2, dtype=xp.int64), x)


def test_inverse_of_unique_is_made_of_all_rows():  # by a loop over all elements on each process
    x = (np.arange(200_000) * 7919) % 1009
    values, inverse = (np.asarray(part) for part in xp.unique_inverse(xp.asarray(x)))
    np.testing.assert_array_equal(values, np.arange(1009))
    np.testing.assert_array_equal(values[inverse], x)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint16", "float32", "float64", "complex128", "bool"])
def test_files_keep_the_dtype(dtype):  # became float32
    x = (grid(701, 2) % 2).astype(dtype)
    tessera.write("x.h5:/x", xp.asarray(x))
    back = tessera.read("x.h5:/x")
    assert back.dtype == x.dtype
    same(back, x)


@pytest.mark.processes(2)
def test_first_centres_from_more_than_2_to_the_24_rows(distribution):
    n = (1 << 24) + 300
    mine = np.zeros((n // tessera.size() + (tessera.rank() < n % tessera.size()), 1), dtype=np.float32)
    if tessera.rank() == tessera.size() - 1:
        mine[-1] = 1e6
    x = tessera.from_local(mine)
    model = KMeans(2, n_init=1, max_iter=1, random_state=0).fit(x)
    assert sorted(model.cluster_centers_[:, 0].tolist()) == [0, 1e6]
