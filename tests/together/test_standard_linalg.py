"""The linear algebra of the array API standard: products, and functions of matrices and stacks of them, against
NumPy, the same bits on any number of processes."""

import math

import numpy as np
import pytest
import tessera
import tessera.array_api as xp
from array_cases import DTYPES, array, bits_of_one, compare, data, host, keep_bits, kind, raises, replicated, some  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore")
INEXACT = DTYPES[9:]
LEADS = [(), (1,), (2, 3), (0,), (2, 0, 3), (257,)]


def whole(shape, dtype, seed=0):
    """Whole numbers, whose products and sums every dtype but the small integers holds exactly."""
    x = data(shape, "int8", seed).astype(np.int64) % 50 - 20
    if dtype.startswith("uint"):
        x = np.abs(x)
    x = x.astype(dtype)
    return x + 1j * np.flip(x.real).astype(x.real.dtype) if kind(dtype) == "c" else x


def near(got, want, what, of=None):
    """As near as the dtype allows, of numbers as large as `of`."""
    want = np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape), f"{what}: {got.dtype} {got.shape}, not {want.dtype} {want.shape}"
    value = host(got)
    keep_bits(value, np.zeros(0), what)
    size = np.max(np.abs(want if of is None else of), initial=1)
    assert np.all(np.abs(value - want) <= 2000 * np.finfo(value.dtype).eps * size), what


MATMUL = [((3,), (3,)), ((0,), (0,)), ((1031,), (1031,)), ((4, 3), (3,)), ((3,), (3, 5)), ((600, 3), (3, 4)),
          ((3, 600), (600, 4)), ((2, 0), (0, 3)), ((0, 3), (3, 2)), ((300, 2), (2, 700)), ((5, 4, 3), (3, 2)),
          ((257, 2, 3), (3,)), ((3,), (5, 3, 2)), ((4, 3), (5, 3, 2)), ((2, 1, 4, 3), (5, 3, 2)),
          ((257, 2, 3), (257, 3, 2)), ((1, 2, 3), (6, 3, 2)), ((0, 2, 3), (3, 2)), ((0, 2, 3), (0, 3, 2)),
          ((3, 0, 2), (3, 2, 4)), ((4, 2, 0), (4, 0, 3))]


def test_matmul():
    for d in DTYPES[1:]:
        for a, b in some(MATMUL, 5):
            x, y = whole(a, d), whole(b, d, 1)
            compare(xp.matmul(array(x), array(y)), np.matmul(x, y), f"{a} @ {b} {d}")
            if d in ("int16", "float32", "complex128"):
                compare(replicated(x) @ array(y), x @ y, f"replicated {a} @ {b} {d}")
                compare(xp.linalg.matmul(array(x), replicated(y)), x @ y, f"{a} @ replicated {b} {d}")
    for a, b in some([(a, b) for a in DTYPES[1:] for b in DTYPES[1:]]):
        x, y = whole((600, 3), a), whole((3, 2), b)
        compare(array(x) @ array(y), x @ y, f"{a} @ {b}")
    x = whole((600, 3), "int32")
    compare(array(x).T @ array(x), x.T @ x, "x.T @ x")
    big = np.full((2, 2), 2**40, np.int64)
    compare(array(big) @ array(big), big @ big, "integers wrap around")
    a = array(x)
    a @= array(np.eye(3, dtype=np.int32))
    compare(a, x, "in place")
    raises(ValueError, lambda: xp.ones((2, 3)) @ xp.ones((2, 3)), "(2, 3) @ (2, 3)")
    raises(ValueError, lambda: xp.ones((4, 2, 3)) @ xp.ones((5, 3, 2)), "broadcast")
    raises(ValueError, lambda: xp.ones(()) @ xp.ones((3,)), "matmul")
    raises(TypeError, lambda: xp.asarray([True]) @ xp.asarray([True]), "takes numbers, not bool")


def test_other_products():
    tensordot = [((3, 4, 5), (4, 5, 2), 2), ((3, 4, 5), (5,), 1), ((), (3,), 0), ((), (), 0), ((2, 3), (4,), 0),
                 ((600, 3), (600, 2), ([0], [0])), ((2, 3, 4), (4, 2, 3), ([0, 1], [1, 2])),
                 ((2, 3, 4), (3, 5), ([1], [0])), ((3, 4), (4, 3), ([1, 0], [0, 1])), ((2, 0), (0, 3), 1),
                 ((5, 600, 2), (3, 600), ([1], [-1])), ((600, 4, 2), (3, 600, 2), ([0, 2], [1, 2]))]
    vecdot = [((7,), (7,)), ((1031,), (1031,)), ((600, 3), (600, 3)), ((3, 600), (3, 600)), ((5, 1, 3), (4, 3)),
              ((2, 0), (2, 0)), ((0, 2), (0, 2)), ((2, 5, 4), (2, 5, 4))]
    for d in ("int8", "uint16", "int64", "float32", "float64", "complex64", "complex128"):
        for a, b, axes in some(tensordot, 3):
            x, y = whole(a, d), whole(b, d, 1)
            compare(xp.tensordot(array(x), array(y), axes=axes), np.tensordot(x, y, axes), f"tensordot {a} {b} {axes} {d}")
        for a, b in some(vecdot, 3):
            x, y = whole(a, d), whole(b, d, 1)
            for axis in range(-min(len(a), len(b)), 0):
                if a[axis] == b[axis]:
                    compare(xp.vecdot(array(x), array(y), axis=axis), np.vecdot(x, y, axis=axis), f"vecdot {a} {b} {axis} {d}")
        for m, n in [(0, 3), (1031, 2), (2, 1031)]:
            x, y = whole((m,), d), whole((n,), d, 1)
            compare(xp.linalg.outer(array(x), array(y)), np.multiply.outer(x, y), f"outer {m} {n} {d}")
        for a, b in some([((3,), (3,)), ((600, 3), (600, 3)), ((4, 1, 3), (5, 3)), ((0, 3), (3,))], 2):
            x, y = whole(a, d), whole(b, d, 1)
            compare(xp.linalg.cross(array(x), array(y)), np.linalg.cross(x, y), f"cross {a} {b} {d}")
        x, y = whole((2, 3, 5), d), whole((2, 3, 5), d, 1)
        compare(xp.linalg.cross(array(x), array(y), axis=-2), np.linalg.cross(x, y, axis=-2), f"cross along -2 {d}")
    a = replicated(whole((4, 3), "int16"))
    compare(xp.vecdot(a, a), np.vecdot(host(a), host(a)), "replicated vecdot")
    raises(ValueError, lambda: xp.tensordot(xp.ones(3), xp.ones(3), axes=2), "axes must lie in [0, 1]")
    raises(ValueError, lambda: xp.tensordot(xp.ones((2, 3)), xp.ones(2), axes=([1], [0])), "extents differ")
    raises(ValueError, lambda: xp.vecdot(xp.ones((3, 2)), xp.ones((3, 1))), "(3, 2) and (3, 1)")
    raises(ValueError, lambda: xp.linalg.cross(xp.ones(2), xp.ones(2)), "3 elements")
    raises(ValueError, lambda: xp.linalg.outer(xp.ones((2, 2)), xp.ones(2)), "two vectors")


def test_diagonals():
    for d in ("int8", "uint32", "float32", "complex64"):
        for shape in some([(3, 3), (4, 2), (600, 3), (2, 3, 5), (0, 2, 2), (3, 0), (257, 2, 2)], 2):
            x = whole(shape, d)
            for k in (0, 1, -1, 2, -3, 9, -9):
                compare(xp.linalg.diagonal(array(x), offset=k), np.linalg.diagonal(x, offset=k), f"diagonal {shape} {k} {d}")
                compare(xp.linalg.trace(array(x), offset=k), np.linalg.trace(x, offset=k), f"trace {shape} {k} {d}")
    x = whole((4, 3, 3), "int16")
    compare(xp.linalg.trace(array(x), dtype=xp.float64), np.linalg.trace(x, dtype="float64"), "trace of a dtype")
    raises(ValueError, lambda: xp.linalg.diagonal(xp.ones(3)), "diagonal needs a matrix, or a stack of them")


def matrices(lead, m, n, dtype, seed=0):
    """Of full rank, and well conditioned."""
    x = (whole((*lead, m, n), dtype, seed) / 50).astype(dtype)
    return x + 2 * np.eye(m, n, dtype=dtype)


def adjoint(x):
    return np.conj(np.swapaxes(x, -1, -2))


@pytest.mark.parametrize("d", INEXACT)
def test_functions_of_square_matrices(d):
    for lead in some(LEADS, 2):
        a = matrices(lead, 4, 4, d)
        spd = a @ adjoint(a) + np.eye(4, dtype=d)
        x, what = array(a), f"{lead} {d}"
        near(xp.linalg.cholesky(array(spd)), np.linalg.cholesky(spd), f"cholesky {what}", spd)
        near(xp.linalg.cholesky(array(spd), upper=True), np.linalg.cholesky(spd, upper=True), f"upper {what}", spd)
        near(xp.linalg.det(x), np.linalg.det(a), f"det {what}")
        for i, got in enumerate(xp.linalg.slogdet(x)):
            near(got, np.linalg.slogdet(a)[i], f"slogdet {i} {what}")
        near(xp.linalg.inv(x), np.linalg.inv(a), f"inv {what}")
        for n in (0, 1, 3, -2):
            near(xp.linalg.matrix_power(x, n), np.linalg.matrix_power(a, n), f"power {n} {what}")
        w, v = xp.linalg.eigh(array(spd))
        near(w, np.linalg.eigvalsh(spd), f"eigh {what}", spd)
        near(xp.linalg.eigvalsh(array(spd)), np.linalg.eigvalsh(spd), f"eigvalsh {what}", spd)
        near(xp.matmul(array(spd), v) - v * w[..., None, :], np.zeros_like(spd), f"vectors {what}", spd)
        w, v = xp.linalg.eig(x)
        assert w.dtype == v.dtype == np.result_type(d, np.complex64)
        near(xp.matmul(x, v) - v * w[..., None, :], np.zeros(a.shape, v.dtype), f"eig {what}", 4)
        ours, theirs = np.sort(host(xp.linalg.eigvals(x)), -1), np.sort(np.linalg.eigvals(a).astype(w.dtype), -1)
        assert ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=0, atol=2e-3), what
        for b in (whole((4,), d), whole((*lead, 4, 2), d), whole((4, 3), d)):
            if b.ndim == 1:
                theirs = np.linalg.solve(a, np.broadcast_to(b[:, None], (*lead, 4, 1)))[..., 0]
            else:
                theirs = np.linalg.solve(a, np.broadcast_to(b, (*lead, *b.shape[-2:])))
            near(xp.linalg.solve(x, array(b)), theirs.astype(d), f"solve {b.shape} {what}", b)


@pytest.mark.parametrize("d", INEXACT)
def test_functions_of_matrices(d):
    for (m, n), lead in some([((5, 3), lead) for lead in LEADS] + [(s, (2,)) for s in [(3, 5), (1, 1), (9, 2)]], 3):
        a = matrices(lead, m, n, d)
        x, what, k = array(a), f"{lead} {m} x {n} {d}", min(m, n)
        for full in (True, False):
            u, s, vh = xp.linalg.svd(x, full_matrices=full)
            assert u.shape == (*lead, m, m if full else k) and vh.shape == (*lead, n if full else k, n)
            near(s, np.linalg.svd(a, compute_uv=False), f"svd {full} {what}", a)
            near((u[..., :k] * s[..., None, :].astype(x.dtype)) @ vh[..., :k, :], a, f"u s vh {full} {what}")
        near(xp.linalg.svdvals(x), np.linalg.svd(a, compute_uv=False), f"svdvals {what}", a)
        for mode in ("reduced", "complete"):
            q, r = xp.linalg.qr(x, mode=mode)
            columns = m if mode == "complete" else k
            assert q.shape == (*lead, m, columns) and r.shape == (*lead, columns, n)
            near(q @ r, a, f"q r {mode} {what}")
            near(xp.matrix_transpose(xp.conj(q)) @ q, np.broadcast_to(np.eye(columns, dtype=d), (*lead, columns, columns)),
                 f"q^H q {mode} {what}")
            compare(xp.triu(r), host(r), f"r {mode} {what}")
        near(xp.linalg.pinv(x), np.linalg.pinv(a), f"pinv {what}", 4)
        compare(xp.linalg.matrix_rank(x), np.linalg.matrix_rank(a).astype(np.int64), f"rank {what}")
        rtol = np.full(lead, 1e3, np.float64)
        compare(xp.linalg.matrix_rank(x, rtol=array(rtol)), np.zeros(lead, np.int64), f"rank of a large rtol {what}")
        near(xp.linalg.pinv(x, rtol=array(rtol)), np.zeros((*lead, n, m), d), f"pinv of a large rtol {what}")
        compare(xp.linalg.matrix_rank(x, rtol=1e-30), np.full(lead, k), f"rank of a small rtol {what}")


def test_norms():
    for d in INEXACT:
        for shape in some([(7,), (600, 3), (3, 4), (2, 3, 4), (257, 2, 2)], 2):
            x = data(shape, "float64").astype(d)
            x = np.where(np.isfinite(x), x, 2).astype(d)
            for axis in (None, -1, 0, (0, -1))[: 2 + len(shape)]:
                for p in (2, 1, 0, np.inf, -np.inf, 3, -1, -2, 0.5):
                    for keep in (False, True):
                        near(xp.linalg.vector_norm(array(x), axis=axis, ord=p, keepdims=keep),
                             np.linalg.vector_norm(x.astype(np.result_type(d, np.float64)), axis=axis, ord=p,
                                                   keepdims=keep).astype(x.real.dtype), f"{p} {axis} {keep} {shape} {d}")
            for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
                if len(shape) > 1:
                    for keep in (False, True):
                        near(xp.linalg.matrix_norm(array(x), ord=p, keepdims=keep),
                             np.linalg.matrix_norm(x, ord=p or "fro", keepdims=keep), f"{p} {shape} {d} {keep}")
        big = np.full((3, 2), np.sqrt(np.finfo(d).max) * 4, d)
        near(xp.linalg.vector_norm(array(big)) / 1e18, np.asarray(np.sqrt(6) * big[0, 0].real / 1e18, big.real.dtype), f"large {d}")
        tiny = np.full((3, 2), np.finfo(d).tiny * 16, d)
        got = float(xp.linalg.vector_norm(array(tiny)) / np.finfo(d).tiny)
        assert abs(got - 16 * 6**0.5) < 1e-3, f"tiny {d}"
    assert float(xp.linalg.vector_norm(xp.asarray([3, 4]))) == 5
    assert np.isnan(float(xp.linalg.vector_norm(xp.asarray([1.0, np.nan]))))
    assert float(xp.linalg.vector_norm(xp.asarray([1.0, np.inf]))) == np.inf
    compare(xp.linalg.vector_norm(xp.zeros((0, 3)), axis=0), np.zeros(3), "of nothing")
    raises(ValueError, lambda: xp.linalg.vector_norm(xp.ones(3), ord="fro"), "takes a number as its order, not 'fro'")
    raises(ValueError, lambda: xp.linalg.matrix_norm(xp.ones((2, 2)), ord=3), "not 3")


@pytest.mark.parametrize("rows, det", [
    ([[5e-324, 0], [0, 1]], 5e-324),
    ([[5e-324, 1], [0, 1]], 5e-324),
    ([[1e-310, 2], [3e-310, 4]], -2e-310),
    ([[1, 2, 3], [0, 5e-324, 1], [0, 5e-324, 2]], 5e-324),
])  # fmt: skip
def test_pivots_whose_reciprocal_overflows(rows, det):
    x = array(np.array(rows))
    assert abs(float(xp.linalg.det(x)) - det) < 1e-320
    sign, logabsdet = xp.linalg.slogdet(x)
    assert float(sign) == np.sign(det) and abs(float(logabsdet) - math.log(abs(det))) < 1


def test_errors():
    bad = np.stack([np.eye(2)] * 700)
    bad[650] = [[1, 2], [2, 1]]
    raises(np.linalg.LinAlgError, lambda: xp.linalg.cholesky(array(bad)), "not positive definite")
    raises(np.linalg.LinAlgError, lambda: xp.linalg.inv(xp.zeros((5, 2, 2))), "singular")
    for name in ("cholesky", "det", "eig", "eigh", "eigvals", "eigvalsh", "inv", "slogdet"):
        raises(ValueError, lambda: getattr(xp.linalg, name)(xp.ones((2, 2, 3))), "square")
    for name in ("svd", "svdvals", "qr", "pinv", "matrix_rank", "matrix_norm", "trace", "det"):
        raises(ValueError, lambda: getattr(xp.linalg, name)(xp.ones(3)), f"{name} needs a matrix, or a stack of them")
    raises(ValueError, lambda: xp.linalg.solve(xp.ones((2, 3)), xp.ones(2)), "(2, 3) and (2,)")
    raises(ValueError, lambda: xp.linalg.solve(xp.ones((5, 3, 3)), xp.ones((4, 3, 3))), "broadcast")
    raises(ValueError, lambda: xp.linalg.qr(xp.ones((3, 3)), mode="r"), "mode must be 'reduced' or 'complete', got 'r'")


def test_layouts():
    """A stack lies by rows and is dealt; what is replicated everywhere stays so."""
    x = matrices((257,), 3, 3, "float64")
    assert "rows" in array(x).distribution and "rows" in xp.linalg.inv(array(x)).distribution
    if not xp.linalg.inv(replicated(x)).distribution.startswith("replicated"):
        pytest.skip("nothing is replicated under TESSERA_DISTRIBUTE=all")
    assert tessera.size() == 1 or "replicated" in xp.linalg.det(replicated(x)).distribution
