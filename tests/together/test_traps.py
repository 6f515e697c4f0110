"""What other distributed libraries have got wrong in supervised learning, one test for each.

On every process of a job of 1 to 4.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.linear_model
import tessera
import tessera.linear_model as ours
import tessera.naive_bayes

sys.path.append(str(Path(__file__).parents[1] / "python"))
from estimators import LABELS, arguments, data, described, names, plain  # noqa: E402

RNG = np.random.default_rng(0)
LINEAR = [name for name in names() if described(name)["module"] == "linear_model"]
REGRESSORS = [name for name in LINEAR if described(name)["role"] == "regressor"]
EXPONENTIAL = "GammaRegressor", "PoissonRegressor"
# Those that come to their minimum, of which that is true: SGD starts at 0, and stops on the way.
EXACT = [name for name in REGRESSORS if name not in (*EXPONENTIAL, "SGDRegressor")]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("size", [0.3, 1.0, 1.6, 40.0])
def test_lasso_divides_by_the_squares_of_columns(size):
    """Of columns at right angles the minimum is known, whatever their size."""
    n, alpha = 1024, 0.05
    X = np.linalg.qr(np.c_[np.ones(n), RNG.normal(size=(n, 3))])[0][:, 1:] * np.sqrt(n) * size
    w = np.array([-1.0, 2.0, 0.01])
    model = ours.Lasso(alpha, tol=1e-12).fit(X, X @ w + 5)
    expected = np.sign(w) * np.maximum(np.abs(w) - alpha / size**2, 0)
    np.testing.assert_allclose(model.coef_, expected, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, 5, atol=1e-9)


def test_an_l1_penalty_gives_zeros():
    X, y = RNG.normal(size=(700, 30)), RNG.normal(size=700)
    y += X[:, 0] * 3
    for name in "Lasso", "ElasticNet":
        mine, other = (getattr(m, name)(0.1, tol=1e-8).fit(X, y) for m in (ours, sklearn.linear_model))
        assert 5 < (mine.coef_ == 0).sum() == (other.coef_ == 0).sum()


@pytest.mark.parametrize("name", EXACT)
def test_the_intercept_is_not_penalised(name):
    """What is added to all of y is added to the intercept, and to nothing else."""
    X, y = data(name)
    near, far = plain(name).fit(X, y), plain(name).fit(X, y + 8.0)
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(far.intercept_, near.intercept_ + 8.0, rtol=1e-4)


@pytest.mark.parametrize("name", LINEAR)
def test_coefficients_and_intercepts_are_what_they_say(name):
    X, y = data(name)
    model = plain(name).fit(X, y)
    u = X @ np.asarray(model.coef_).T + model.intercept_
    if described(name)["role"] == "classifier":
        np.testing.assert_allclose(model.decision_function(X), np.squeeze(u), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(model.predict(X), LABELS[u.argmax(axis=1)])
    else:
        np.testing.assert_allclose(model.predict(X), np.exp(u) if name in EXPONENTIAL else u, rtol=1e-9)
    assert model.coef_.shape[-1] == X.shape[1]


@pytest.mark.parametrize("name", names())
def test_processes_without_rows(name):
    """One leaf: one process has all rows, the others fit and predict with it."""
    X, y = data(name, n=120)
    folds = {} if name == "RidgeClassifierCV" else {"cv": 2}  # which has leave-one-out alone
    model = plain(name, **folds).fit(*arguments(X, y))
    for method in described(name)["methods"]:
        if method["kind"] == "map" and method["of_features"] and hasattr(model, method["name"]):
            assert len(getattr(model, method["name"])(X)) == 120


CLASSIFIERS = [name for name in names() if described(name)["role"] == "classifier"]


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name != "SGDClassifier"])
def test_processes_without_some_classes(name):
    """Rows in the order of their classes, so that processes see one or two of the three. (Steps of SGD that
    meet one class after the other are worth nothing in scikit-learn, either.)"""
    X, y = data(name)
    order = np.argsort(y, kind="stable")
    mixed, sorted_ = plain(name).fit(X, y), plain(name).fit(X[order], y[order])
    assert list(sorted_.classes_) == list(LABELS)
    assert (mixed.predict(X) == sorted_.predict(X)).mean() > 0.97


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_labels_beyond_the_integers_of_float64(name):
    X, y = data(name)
    labels = 2**60 + np.searchsorted(LABELS, y)
    model = plain(name).fit(X, labels)
    np.testing.assert_array_equal(model.classes_, 2**60 + np.arange(3))
    np.testing.assert_array_equal(model.predict(X) - 2**60, np.searchsorted(LABELS, plain(name).fit(X, y).predict(X)))


def test_float32_of_many_rows():
    """Sums of many rows in float32 would lose what tells the columns apart."""
    n = 600_000
    X = (np.modf(np.outer(np.arange(1, n + 1), [0.61803, 0.41421, 0.7320508]))[0] + 50).astype("f4")
    y = (X.astype("f8") @ [1.0, -2.0, 3.0] + 4.0).astype("f4")
    for model in ours.LinearRegression(), ours.Ridge(1e-6), ours.BayesianRidge():
        model.fit(tessera.asarray(X), tessera.asarray(y))
        np.testing.assert_allclose(model.coef_, [1, -2, 3], atol=2e-4)


def test_more_columns_than_a_process_has_rows():
    X = RNG.normal(size=(400, 300))
    y = X[:, :5] @ [1.0, 2, 3, 4, 5]
    for mine, other in [
        (ours.LinearRegression(), sklearn.linear_model.LinearRegression()),
        (ours.Ridge(0.1), sklearn.linear_model.Ridge(0.1)),
        (ours.Lasso(0.01, tol=1e-8), sklearn.linear_model.Lasso(0.01, tol=1e-8)),
    ]:
        np.testing.assert_allclose(mine.fit(X, y).coef_, other.fit(X, y).coef_, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in LINEAR if described(name)["role"]])
def test_scores_are_weighted(name):
    model = dict(tessera.all_estimators())[name]
    if not any(m["name"] == "score" and m["sample_weight"] for m in model._described["methods"]):
        pytest.skip("its score takes no weights")
    X, y = data(name)
    count = np.arange(len(X)) % 3
    fitted = plain(name).fit(X, y)
    weighted = fitted.score(X, y, sample_weight=count.astype(float))
    np.testing.assert_allclose(weighted, fitted.score(np.repeat(X, count, axis=0), np.repeat(y, count, axis=0)), rtol=1e-9)
