"""Naive Bayes and discriminant analysis against scikit-learn's, live, on real and generated data.

On every process of a job of 1 to 4.
"""

import warnings

import numpy as np
import pytest
import sklearn.discriminant_analysis
import sklearn.naive_bayes
import tessera.discriminant_analysis
import tessera.naive_bayes
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

DIGITS = load_digits(return_X_y=True)
ALL = {"iris": load_iris(return_X_y=True), "wine": load_wine(return_X_y=True),
       "breast cancer": load_breast_cancer(return_X_y=True)}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet(fitted_once):
    fitted_once([sklearn.naive_bayes, sklearn.discriminant_analysis])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def weights_of(n):
    return np.random.default_rng(1).integers(0, 4, n).astype(float)


def both(module, name, *arguments, **params):
    return [getattr(m, name)(**params).fit(*arguments)
            for m in (getattr(tessera, module), getattr(sklearn, module))]  # fmt: skip


DISCRETE = [("MultinomialNB", {}), ("MultinomialNB", {"alpha": 0.1, "fit_prior": False}),
            ("MultinomialNB", {"alpha": np.linspace(0.5, 2, 64)}), ("ComplementNB", {}),
            ("ComplementNB", {"norm": True}), ("BernoulliNB", {}),
            ("BernoulliNB", {"binarize": 5.0, "class_prior": [0.1] * 10}), ("CategoricalNB", {}),
            ("CategoricalNB", {"min_categories": 20, "alpha": 0.5}),
            ("CategoricalNB", {"min_categories": [17] * 64})]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name,params", DISCRETE, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_discrete_naive_bayes(name, params, dtype):
    X, y = DIGITS
    for w in None, weights_of(len(X)):
        mine, other = both("naive_bayes", name, X.astype(dtype), y, w, **params)
        for attribute in "class_count_", "class_log_prior_", "feature_count_", "feature_all_", "feature_log_prob_", "category_count_", "n_categories_":
            if not hasattr(other, attribute):
                continue
            for a, b in zip(getattr(mine, attribute), getattr(other, attribute), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-12, err_msg=attribute)
        close = {"rtol": 1e-10} if dtype == "f8" else {"rtol": 1e-4, "atol": 1e-3}
        np.testing.assert_allclose(mine.predict_joint_log_proba(X.astype(dtype)), other.predict_joint_log_proba(X), **close)
        np.testing.assert_allclose(mine.predict_log_proba(X), other.predict_log_proba(X), rtol=1e-6, atol=1e-9)
        assert (mine.predict(X) == other.predict(X)).all()
        # In three parts, the first of two classes only.
        parts = [getattr(m, name)(**params) for m in (tessera.naive_bayes, sklearn.naive_bayes)]
        if "min_categories" not in params and name == "CategoricalNB":
            continue  # scikit-learn's forgets the categories of earlier parts in n_categories_
        for rows in np.flatnonzero(y < 2), np.arange(100), np.arange(100, len(X)):
            for m in parts:
                m.partial_fit(X[rows], y[rows], classes=np.arange(10),
                              sample_weight=None if w is None else w[rows])  # fmt: skip
        np.testing.assert_allclose(*(m.predict_joint_log_proba(X) for m in parts), rtol=1e-10)


@pytest.mark.parametrize("name,params,X,text", [
    ("MultinomialNB", {}, [[1, -2.0], [1, 1]], r"Negative values in data passed to MultinomialNB \(input X\)"),
    ("ComplementNB", {}, [[1, np.nan], [1, 1]], "Input X contains NaN at row 0, column 1"),
    ("BernoulliNB", {}, [[1, np.inf], [1, 1]], "Input X contains infinity"),
    ("MultinomialNB", {"alpha": [1.0, 2, 3]}, np.eye(2), "Got 3 elements instead of 2"),
    ("MultinomialNB", {"class_prior": [1.0]}, np.eye(2), "Number of priors must match number of classes"),
    ("CategoricalNB", {}, [[0, -1.0], [1, 1]], "Negative values in data passed to CategoricalNB"),
    ("CategoricalNB", {"min_categories": [1]}, np.eye(2), "'min_categories' should have shape"),
    ("BernoulliNB", {"binarize": -1.0}, np.eye(2), "'binarize' parameter of BernoulliNB"),
])  # fmt: skip
def test_discrete_naive_bayes_refuses(name, params, X, text):
    with pytest.raises(ValueError, match=text):
        getattr(tessera.naive_bayes, name)(**params).fit(np.asarray(X, dtype=float), [0, 1])


def test_unseen_categories():
    model = tessera.naive_bayes.CategoricalNB().fit([[0.0], [1.0]], [0, 1])
    with pytest.raises(ValueError, match="category 2 at row 1, column 0, but fit has seen 2"):
        model.predict([[0.0], [2.0]])


@pytest.mark.parametrize("name,params", [("MultinomialNB", {}), ("ComplementNB", {}), ("ComplementNB", {"norm": True}), ("BernoulliNB", {})],
                         ids=str)  # fmt: skip
def test_nothing_is_added_to_counts(name, params):
    """Logarithms of 0 are infinite, and 0 times that is NaN, as NumPy has it."""
    X = np.array([[2.0, 0, 1], [1, 0, 3], [0, 4, 1], [0, 1, 1]] * 100)
    y = np.array(["ash", "ash", "oak", "oak"] * 100)
    mine, other = both("naive_bayes", name, X, y, alpha=0.0, **params)
    np.testing.assert_allclose(mine.feature_log_prob_, other.feature_log_prob_, rtol=1e-12)
    np.testing.assert_allclose(mine.predict_joint_log_proba(X), other.predict_joint_log_proba(X), rtol=1e-12)
    np.testing.assert_array_equal(mine.predict(X), other.predict(X))


@pytest.mark.parametrize("name,params", [("LinearDiscriminantAnalysis", {"solver": "eigen"}),
                                         ("LinearDiscriminantAnalysis", {"solver": "lsqr"}),
                                         ("QuadraticDiscriminantAnalysis", {"solver": "eigen"})], ids=str)  # fmt: skip
def test_shrinkage_of_a_constant_column(name, params):
    X, y = ALL["iris"]
    X = np.c_[X, np.full(len(X), 3.0)]
    mine, other = both("discriminant_analysis", name, X, y, shrinkage="auto", **params)
    np.testing.assert_allclose(mine.decision_function(X), other.decision_function(X), rtol=1e-6, atol=1e-6)


LINEAR = [{}, {"solver": "lsqr"}, {"solver": "eigen"}, {"solver": "lsqr", "shrinkage": "auto"},
          {"solver": "eigen", "shrinkage": 0.3}, {"n_components": 1}, {"store_covariance": True},
          {"priors": [0.5, 0.5]}, {"solver": "eigen", "shrinkage": "auto"}]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("params", LINEAR, ids=str)
def test_linear_discriminant_analysis(params, dtype):
    for name, (X, y) in ALL.items():
        if "priors" in params and name != "breast cancer":
            continue
        A = X.astype(dtype).astype("f8")
        mine = tessera.discriminant_analysis.LinearDiscriminantAnalysis(**params).fit(A.astype(dtype), y)
        other = sklearn.discriminant_analysis.LinearDiscriminantAnalysis(**params).fit(A, y)
        close = 1e-6 if dtype == "f8" else 5e-2 if params.get("solver") else 2e-3
        for attribute in "coef_", "intercept_", "means_", "priors_", "covariance_", "explained_variance_ratio_", "xbar_":
            if not hasattr(other, attribute):
                continue
            a, b = getattr(mine, attribute), getattr(other, attribute)
            np.testing.assert_allclose(a, b, rtol=close, atol=close * np.abs(b).max(), err_msg=f"{name} {attribute}")
        u, v = mine.decision_function(A), other.decision_function(A)
        np.testing.assert_allclose(u, v, rtol=close, atol=close * np.abs(v).max())
        np.testing.assert_allclose(mine.predict_proba(A), other.predict_proba(A), atol=20 * close)
        if dtype == "f8":
            assert (mine.predict(A) == other.predict(A)).all()
        if params.get("solver") != "lsqr":  # up to signs
            a, b = np.abs(mine.transform(A)), np.abs(other.transform(A))
            np.testing.assert_allclose(a, b, rtol=close, atol=2 * close * b.max())


def test_collinear_columns_and_far_classes():
    X, y = ALL["wine"]
    A = np.c_[X, X[:, :3] @ [1.0, 2.0, 3.0]]
    for dtype in "f8", "f4":
        mine = tessera.discriminant_analysis.LinearDiscriminantAnalysis().fit(A.astype(dtype), y)
        other = sklearn.discriminant_analysis.LinearDiscriminantAnalysis().fit(A, y)
        assert (mine.predict(A) == other.predict(A)).mean() > 0.99
    far = X + 1e7 * y[:, None]  # squares about one mean would cancel
    mine = tessera.discriminant_analysis.LinearDiscriminantAnalysis(store_covariance=True).fit(far, y)
    near = tessera.discriminant_analysis.LinearDiscriminantAnalysis(store_covariance=True).fit(X, y)
    np.testing.assert_allclose(mine.covariance_, near.covariance_, rtol=1e-6, atol=1e-6 * near.covariance_.max())


QUADRATIC = [{}, {"reg_param": 0.2}, {"store_covariance": True}, {"solver": "eigen"},
             {"solver": "eigen", "shrinkage": 0.4}, {"solver": "eigen", "shrinkage": "auto", "store_covariance": True}]  # fmt: skip


@pytest.mark.parametrize("params", QUADRATIC, ids=str)
def test_quadratic_discriminant_analysis(params):
    for name, (X, y) in ALL.items():
        given = params | ({"tol": 1e-12} if name != "iris" else {})
        mine, other = both("discriminant_analysis", "QuadraticDiscriminantAnalysis", X, y, **given)
        u, v = mine.decision_function(X), other.decision_function(X)
        np.testing.assert_allclose(u, v, rtol=1e-5, atol=1e-5 * np.abs(v).max())
        np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=1e-4)
        for a, b in zip(mine.scalings_, other.scalings_, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-8 * b.max())
        for a, b in zip(mine.covariance_ or (), getattr(other, "covariance_", ())):
            if params.get("solver") == "eigen":  # svd's of scikit-learn is no matrix product
                np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-8 * np.abs(b).max())


def test_discriminant_analysis_refuses():
    X, y = ALL["iris"]
    linear, quadratic = (getattr(tessera.discriminant_analysis, f"{kind}DiscriminantAnalysis")
                         for kind in ("Linear", "Quadratic"))  # fmt: skip
    with pytest.raises(NotImplementedError, match="solver='svd' knows no shrinkage; 'lsqr' and 'eigen' do"):
        linear(shrinkage="auto").fit(X, y)
    with pytest.raises(ValueError, match="n_components cannot be larger than"):
        linear(n_components=3).fit(X, y)
    with pytest.raises(NotImplementedError, match="transform not implemented for 'lsqr' solver"):
        linear(solver="lsqr").fit(X, y).transform(X)
    with pytest.raises(np.linalg.LinAlgError, match="covariance matrix of class 0 is not full rank"):
        quadratic().fit(np.c_[X, X[:, :1]], y)
    with pytest.raises(ValueError, match="y must have two classes or more, got 1 class"):
        quadratic().fit(X, np.ones(len(X)))
    with pytest.raises(ValueError, match="LinearDiscriminantAnalysis: Number of priors must match number of classes: 2 and 3"):
        linear(priors=[0.5, 0.5]).fit(X, y)
