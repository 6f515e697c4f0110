"""What tessera.array_api has beyond the standard: special functions, medians, counts."""

import numpy as np
import pytest
import scipy.special
import tessera
import tessera.array_api as xp

ODD = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-300, 40.0, 1e300])
DRAWS = np.random.default_rng(0)
X = np.concatenate([ODD, 4 * DRAWS.normal(size=700), DRAWS.uniform(size=300), -DRAWS.uniform(size=300)])
POSITIVE = np.concatenate([10 ** DRAWS.uniform(-2, 4, 1000), DRAWS.uniform(size=31)])
OTHER = POSITIVE * np.exp(DRAWS.normal(size=POSITIVE.size) / np.sqrt(1 + POSITIVE))  # near POSITIVE
PART = DRAWS.uniform(size=POSITIVE.size)
# How far from SciPy's, relative to numbers above 1. Where SciPy's own are less exact, more.
CASES = {name: (1e-14, X) for name in ("entr", "erf", "erfc", "erfinv", "expit", "gamma", "gammaln", "i0e", "i1e",
                                       "log_ndtr", "logit", "ndtr", "ndtri", "psi")}  # fmt: skip
CASES |= {name: (1e-14, X[np.abs(X) < 80]) for name in ("i0", "i1")}  # SciPy's of infinity are NaN
CASES["psi"] = (1e-12, X)
CASES |= {name: (1e-13, POSITIVE, OTHER) for name in ("betaln", "rel_entr", "xlogy", "xlog1py")}
CASES |= {name: (1e-11, POSITIVE, OTHER) for name in ("gammainc", "gammaincc")}
CASES |= {"zeta": (1e-13, POSITIVE + 1.01, OTHER), "betainc": (1e-12, POSITIVE, OTHER, PART)}
FUNCTIONS = sorted(name for name in dir(xp.special) if not name.startswith("_"))


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def test_there_is_a_case_for_each():
    assert set(FUNCTIONS) == set(CASES)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special(name, dtype, of_one):
    tolerance, *given = CASES[name]
    given = [x.astype(dtype) for x in given]
    got = getattr(xp.special, name)(*map(xp.asarray, given))
    assert got.dtype == dtype
    got = np.asarray(got)
    want = getattr(scipy.special, name)(*(x.astype("float64") for x in given))
    if dtype == "float64":
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_allclose(got, want.astype(dtype), rtol=1e-6, atol=1e-37)
    assert got.tobytes() == of_one((name, dtype), got.tobytes())


def test_special_of_integers_numbers_and_shapes():
    np.testing.assert_allclose(np.asarray(xp.special.gamma(xp.asarray([1, 2, 5]))), [1, 1, 24])
    assert float(xp.special.xlogy(xp.asarray(2.0), 1)) == 0.0
    # zeta(s, q) = q^-s + zeta(s, q + 1), far below 0, too
    for s, q in [(2.0, -0.5), (3.0, -7.25), (2.0, -1e15 + 0.5)]:
        after = float(xp.special.zeta(xp.asarray(s), q + 1))
        np.testing.assert_allclose(float(xp.special.zeta(xp.asarray(s), q)), q**-s + after, rtol=1e-13)
    column, row = xp.asarray([[1.0], [2.0]]), xp.asarray([1.0, 2.0, 3.0])
    assert xp.special.betainc(column, row, 0.5).shape == (2, 3)
    with pytest.raises(TypeError, match="erf takes float32 float64, not complex128"):
        xp.special.erf(xp.asarray([1j]))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2,), (1031,), (700, 3), (3, 4, 5), (0, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "bool"])
@pytest.mark.filterwarnings("ignore")
def test_median(shape, dtype):
    x = np.floor(7 * DRAWS.normal(size=shape)).astype(dtype)
    x = np.asarray(x)
    if x.size > 5 and dtype == "float64":
        x.reshape(-1)[4] = np.nan
    for axis in (None, *range(-x.ndim, x.ndim)):
        for keepdims in (False, True):
            want = np.median(x.astype("float32" if dtype == "float32" else "float64"), axis=axis, keepdims=keepdims)
            got = xp.median(xp.asarray(x), axis=axis, keepdims=keepdims)
            assert got.dtype == ("float32" if dtype == "float32" else "float64")
            np.testing.assert_array_equal(np.asarray(got), want)


@pytest.mark.parametrize("n", [0, 1, 5, 700])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint16"])
def test_bincount(n, dtype, of_one):
    x = (np.arange(n) * 7 % 23).astype(dtype)
    weights = np.sin(np.arange(n))
    for least in (0, 30):
        got = xp.bincount(xp.asarray(x), minlength=least)
        assert got.dtype == "int64"
        np.testing.assert_array_equal(np.asarray(got), np.bincount(x.astype(int), minlength=least))
        sums = np.asarray(xp.bincount(xp.asarray(x), weights=xp.asarray(weights), minlength=least))
        np.testing.assert_allclose(sums, np.bincount(x.astype(int), weights, least), atol=1e-12)
        assert sums.tobytes() == of_one((n, dtype, least), sums.tobytes())


def test_errors_of_counts():
    with pytest.raises(ValueError, match="bincount counts integers from 0 on, got -3"):
        xp.bincount(xp.asarray([1, -3, 2]))
    with pytest.raises(ValueError, match=f"bincount counts integers below 2\\^27, got {2**63 - 1}"):
        xp.bincount(xp.asarray([1, 2**63 - 1]))
    with pytest.raises(ValueError, match="minlength must be at most 2\\^27, got 1099511627776"):
        xp.bincount(xp.asarray([1]), minlength=2**40)
    with pytest.raises(TypeError, match="bincount takes integers, not float64"):
        xp.bincount(xp.asarray([1.0]))
    with pytest.raises(ValueError, match="an array of one dimension, not 2"):
        xp.bincount(xp.asarray([[1]]))
    with pytest.raises(ValueError, match=r"a weight for each element: the shapes are \(2,\) and \(3,\)"):
        xp.bincount(xp.asarray([1, 2]), weights=xp.asarray([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="minlength must be 0 or more, got -1"):
        xp.bincount(xp.asarray([1]), minlength=-1)


def test_more_axes_than_numpy_has():
    x = xp.reshape(xp.arange(3), (3, *[1] * 64))
    assert x.ndim == 65 and xp.sum(x) == 3
    for take in (lambda: x.numpy(), lambda: np.asarray(x), lambda: x.local):
        with pytest.raises(ValueError, match="NumPy has arrays of up to 64 axes, not of 65"):
            take()


def test_export_can_be_forbidden():
    x = xp.asarray(np.arange(700.0))
    with tessera.no_export():
        for export in (np.asarray, lambda a: a.numpy(), lambda a: np.array(a, copy=True)):
            with pytest.raises(TypeError, match=r"an array of shape \(700,\) would be copied to the host"):
                export(x)
        with pytest.raises(BufferError, match="would be copied to the host"):
            x.__dlpack__()
        assert float(xp.sum(x)) == 244650.0  # a number is no array
    assert np.asarray(x)[-1] == 699
