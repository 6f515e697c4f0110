"""Ridge against scikit-learn's."""

import numpy as np
import pytest
import tessera
from sklearn import linear_model
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge


def data(n, p, q=0, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, p)) * np.geomspace(1, 30, p) + 5).astype(dtype)
    y = X @ rng.normal(size=(p, q or 1)) + rng.normal(size=(n, q or 1))
    return X, (y if q else y[:, 0]).astype(dtype)


DIABETES = load_diabetes(return_X_y=True)
TALL, WIDE = data(5000, 7), data(20, 33)
SEVERAL = data(3000, 5, q=3)
ZERO = 0.0
COPIES = np.c_[TALL[0], TALL[0]], TALL[1]
CASES = {
    "diabetes": (DIABETES, {}),
    "diabetes svd": (DIABETES, {"alpha": 0.1, "solver": "svd"}),
    "diabetes, no intercept": (DIABETES, {"alpha": 2, "fit_intercept": False}),
    "tall": (TALL, {"alpha": 100.0, "solver": "cholesky"}),
    "float32": (data(5000, 7, dtype="f4"), {"alpha": 10.0}),
    "wide": (WIDE, {"alpha": 3.0}),
    "wide, no intercept": (WIDE, {"alpha": 0.5, "fit_intercept": False}),
    "several": (SEVERAL, {}),
    "several penalties": (SEVERAL, {"alpha": np.array([0.0, 5.0, 5000.0])}),
    "several penalties, svd": (SEVERAL, {"alpha": np.array([1.0, 0.0, 50.0]), "solver": "svd"}),
    "one column": ((SEVERAL[0], SEVERAL[1][:, :1]), {}),
    "copies": (COPIES, {"alpha": 1e-3}),
    "copies without a penalty": (COPIES, {"alpha": ZERO, "solver": "svd"}),
    "constant column": ((np.c_[TALL[0], np.full(5000, 3.0)], TALL[1]), {}),
    "fewer rows than processes": ((TALL[0][:2], TALL[1][:2]), {}),
    "one row": ((TALL[0][:1], TALL[1][:1]), {}),
}


@pytest.fixture(autouse=True)
def once(fitted_once):
    fitted_once([linear_model])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_as_scikit_learn(case, weighted):
    (X, y), params = CASES[case]
    w = None
    if weighted:
        w = (np.arange(len(X)) % 4 + (len(X) < 3)).astype(X.dtype)  # a quarter of the rows is nothing
    ours = tessera.linear_model.Ridge(**params).fit(X, y, w)
    if case.startswith("copies"):  # where scikit-learn's cholesky loses half of the digits
        params = params | {"solver": "svd"}
    # Without a penalty it divides by singular values that are rounding.
    model = Ridge(**params) if params.get("alpha", 1) is not ZERO else LinearRegression()
    theirs = model.fit(X, y, w)
    rtol = 2e-3 if X.dtype == "f4" else 1e-7
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=rtol, atol=rtol * np.abs(theirs.coef_).max())
    np.testing.assert_allclose(
        ours.intercept_, theirs.intercept_, rtol=rtol, atol=rtol * np.abs(y).max()
    )
    assert np.shape(ours.coef_) == theirs.coef_.shape
    assert np.size(ours.intercept_) == np.size(theirs.intercept_)
    assert ours.solver_ in ("cholesky", "svd")
    if len(X) > 1:
        np.testing.assert_allclose(ours.score(X, y), theirs.score(X, y), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        ours.predict(X), theirs.predict(X), rtol=rtol, atol=rtol * np.abs(y).max()
    )


@pytest.mark.parametrize("solver", ["lsqr", "sparse_cg", "sag", "saga"])
def test_solvers_that_iterate_name_their_optimum(solver):
    X, y = TALL
    X = (X - 5) / X.std(axis=0)
    ours = tessera.linear_model.Ridge(alpha=3.0, solver=solver).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, tessera.linear_model.Ridge(alpha=3.0).fit(X, y).coef_)
    theirs = Ridge(alpha=3.0, solver=solver, tol=1e-10, max_iter=10000, random_state=0).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-6)


def test_weights_are_repetitions():
    """A weight of 2 is a row twice, of 0 none."""
    X, y = TALL
    count = np.arange(len(X)) % 3
    once = tessera.linear_model.Ridge().fit(X, y, count.astype(float))
    twice = tessera.linear_model.Ridge().fit(np.repeat(X, count, axis=0), np.repeat(y, count))
    np.testing.assert_allclose(twice.coef_, once.coef_, rtol=1e-11)


@pytest.mark.parametrize("by", [2.0**500, 2.0**-500], ids=["large", "small"])
def test_squares_out_of_range(by):
    """Scaled data, with a penalty scaled as their squares are, have the same coefficients."""
    X, y = DIABETES
    near = Ridge(alpha=0.5).fit(X, y)
    ours = tessera.linear_model.Ridge(alpha=0.5 * by * by).fit(X * by, y * by)
    np.testing.assert_allclose(ours.coef_, near.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, near.intercept_ * by, rtol=1e-9)
