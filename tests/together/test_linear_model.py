"""Linear models against scikit-learn's, live, on real data: by what they minimise, and by coefficients.

On every process of a job of 1 to 4.
"""

import contextlib
import warnings

import numpy as np
import pytest
import sklearn.linear_model as theirs
import tessera
import tessera.linear_model as ours
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler


def scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


CLASSES = {
    "iris": scaled(load_iris),
    "wine": scaled(load_wine),
    "breast cancer": scaled(load_breast_cancer),
    "digits": (load_digits().data[:600] / 16, load_digits().target[:600]),
}
DIABETES = load_diabetes(return_X_y=True)


def weights_of(n):
    return np.random.default_rng(1).integers(0, 4, n).astype(float)


@pytest.fixture(autouse=True)
def quiet(fitted_once):
    fitted_once([theirs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def warned(text):
    """A ConvergenceWarning, which the first process shows."""
    return pytest.warns(ConvergenceWarning, match=text) if tessera.rank() == 0 else contextlib.nullcontext()


# --- LogisticRegression ---------------------------------------------------------------------------


def logistic(X, y, model, w=None):
    """What is minimised at a model's coefficients, and the size of its least subgradient, by weight."""
    X, w = np.asarray(X, "f8"), np.ones(len(X)) if w is None else w
    coef, intercept = np.asarray(model.coef_, "f8"), np.asarray(model.intercept_, "f8")
    u, code = X @ coef.T + intercept, np.searchsorted(model.classes_, y)
    if len(model.classes_) == 2:
        loss = np.logaddexp(0, u[:, 0]) - code * u[:, 0]
        slope = (1 / (1 + np.exp(-u[:, 0])) - code)[:, None]
    else:
        total = np.logaddexp.reduce(u, axis=1)
        loss = total - u[np.arange(len(y)), code]
        slope = np.exp(u - total[:, None]) - np.eye(len(model.classes_))[code]
    l2 = (1 - model.l1_ratio) / model.C if np.isfinite(model.C) else 0
    l1 = model.l1_ratio / model.C if np.isfinite(model.C) else 0
    value, gradient = w @ loss, (w[:, None] * slope).T @ X + l2 * coef
    scale = 0 if model.solver != "liblinear" else 1 / model.intercept_scaling
    value += l2 / 2 * (coef**2).sum() + l1 * np.abs(coef).sum()
    value += l2 / 2 * ((scale * intercept) ** 2).sum() + l1 * np.abs(scale * intercept).sum()
    at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - l1, 0)
    gradient = np.where(coef != 0, gradient + l1 * np.sign(coef), at_zero)
    return value / w.sum(), np.abs(gradient).max() / w.sum()


SOLVERS = [("lbfgs", {}), ("lbfgs", {"C": np.inf}), ("newton-cg", {}), ("newton-cholesky", {"C": 10.0}),
           ("saga", {"l1_ratio": 1.0}), ("saga", {"l1_ratio": 0.4, "C": 0.1}), ("sag", {}),
           ("lbfgs", {"fit_intercept": False}), ("saga", {"l1_ratio": 1.0, "fit_intercept": False}),
           ("liblinear", {}), ("liblinear", {"l1_ratio": 1.0}),
           ("liblinear", {"intercept_scaling": 10.0, "dual": True})]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("solver,params", SOLVERS, ids=str)
def test_logistic_regression(solver, params, dtype):
    for name, (X, y) in CLASSES.items():
        if solver == "liblinear" and name != "breast cancer":
            continue
        if params.get("C") == np.inf and name != "digits":
            continue  # separable: there is no minimum
        for w in None, weights_of(len(X)):
            mine = ours.LogisticRegression(solver=solver, tol=1e-6, max_iter=1000, **params)
            mine.fit(X.astype(dtype), y, sample_weight=w)
            assert mine.coef_.dtype == mine.intercept_.dtype == dtype
            value, gradient = logistic(X, y, mine, w)
            # The subgradient decides: scikit-learn's saga does not come as near.
            assert gradient < (2e-6 if dtype == "f8" else 1e-4) or params.get("C") == np.inf, name
            if params.get("C") == np.inf:
                continue
            other = theirs.LogisticRegression(
                **mine.get_params() | {"solver": solver if solver == "liblinear" else "lbfgs"}
                if mine.l1_ratio == 0 else mine.get_params() | {"max_iter": 300})
            other.fit(X, y, sample_weight=w)
            best = logistic(X, y, other, w)[0]
            assert value <= best * (1 + (1e-7 if dtype == "f8" else 1e-5)), name
            if mine.l1_ratio == 0:
                close = 2e-3 if dtype == "f8" else 5e-3
                np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=close)
                np.testing.assert_allclose(mine.decision_function(X), other.decision_function(X),
                                           atol=20 * close)


def test_logistic_regression_takes_as_many_steps():
    X, y = CLASSES["wine"]
    for solver in "lbfgs", "newton-cg", "newton-cholesky":
        mine, other = (m.LogisticRegression(solver=solver, tol=1e-6).fit(X, y) for m in (ours, theirs))
        assert abs(int(mine.n_iter_[0]) - int(other.n_iter_[0])) <= 2
        np.testing.assert_allclose(mine.coef_, other.coef_, atol=1e-5)


CROSS_VALIDATED = [
    ("iris", {}), ("wine", {"Cs": [0.01, 0.1, 1.0], "cv": 3, "scoring": "neg_log_loss"}),
    ("breast cancer", {"Cs": 5, "scoring": "neg_log_loss", "solver": "newton-cholesky", "class_weight": "balanced"}),
    ("breast cancer", {"Cs": [0.1, 1.0], "l1_ratios": [0.0, 0.5], "solver": "saga", "scoring": "neg_log_loss", "cv": 3}),
    ("wine", {"Cs": 4, "refit": False, "fit_intercept": False}),
]  # fmt: skip


@pytest.mark.parametrize("data,params", CROSS_VALIDATED, ids=str)
def test_logistic_regression_cv(data, params):
    X, y = CLASSES[data]
    for w in [None, weights_of(len(X)) + 1][: 1 + ("solver" not in params)]:
        params = {"l1_ratios": (0.0,), "scoring": "accuracy", "use_legacy_attributes": False, "tol": 1e-7,
                  "max_iter": 2000} | params  # fmt: skip
        mine, other = (m.LogisticRegressionCV(**params).fit(X, y, sample_weight=w) for m in (ours, theirs))
        for attribute in "Cs_", "l1_ratios_", "scores_", "coefs_paths_", "coef_", "intercept_", "C_", "l1_ratio_":
            a, b = np.asarray(getattr(mine, attribute)), np.asarray(getattr(other, attribute))
            assert a.shape == b.shape, attribute
            if "coef" not in attribute or "saga" not in params.values():
                # Without much of a penalty the loss is flat, and stopping decides on the coefficients.
                close = 5e-2 if attribute == "coefs_paths_" else 2e-3
                np.testing.assert_allclose(a, b, rtol=close, atol=close * max(1, np.abs(b).max()), err_msg=attribute)
        np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), atol=5e-3)
    with pytest.raises(NotImplementedError, match="use_legacy_attributes=True is not supported"):
        ours.LogisticRegressionCV(use_legacy_attributes=True).fit(X, y)


def test_class_weight_and_text():
    X, y = CLASSES["wine"]
    words = np.array(["red", "rose", "white"])[y]
    for weight in "balanced", {"red": 3.0, "white": 0.5}, {"rose": 0.0}:
        mine, other = (m.LogisticRegression(class_weight=weight, tol=1e-7).fit(X, words)
                       for m in (ours, theirs))  # fmt: skip
        np.testing.assert_allclose(mine.coef_, other.coef_, atol=1e-4)
        assert (mine.predict(X) == other.predict(X)).all()


def test_warm_start_continues():
    X, y = CLASSES["breast cancer"]
    model = ours.LogisticRegression(warm_start=True, tol=1e-8, max_iter=3)
    with warned("max_iter=3 reached"):
        model.fit(X, y)
    values = [logistic(X, y, model)[0]]
    for _ in range(4):
        values.append(logistic(X, y, model.fit(X, y))[0])
    assert values == sorted(values, reverse=True) and values[-1] < values[0] - 1e-4
    assert model.set_params(max_iter=1000).fit(X, y).n_iter_[0] > 0
    assert model.fit(X, y).n_iter_[0] <= 1


@pytest.mark.parametrize("params,text", [
    ({"l1_ratio": 1.0}, "Solver lbfgs supports only 'l2' or None penalties, got l1 penalty"),
    ({"l1_ratio": 0.5, "solver": "liblinear"}, "Only 'saga' solver supports elasticnet penalty"),
    ({"dual": True}, "Solver lbfgs supports only dual=False"),
    ({"solver": "liblinear"}, "The 'liblinear' solver does not support multiclass"),
    ({"solver": "liblinear", "C": np.inf}, "not supported for the liblinear solver"),
    ({"C": 0.0}, "'C' parameter of LogisticRegression must be"),
    ({"class_weight": {7: 1.0}}, "7"),
    ({"class_weight": "even"}, "'class_weight' parameter of LogisticRegression must be"),
])  # fmt: skip
def test_logistic_regression_refuses(params, text):
    with pytest.raises(ValueError, match=text):
        ours.LogisticRegression(**params).fit(*CLASSES["iris"])


def test_the_intercept_is_not_penalised():
    X, y = CLASSES["breast cancer"]
    for solver, ratio in ("newton-cholesky", 0.0), ("saga", 1.0):
        near, far = (ours.LogisticRegression(C=0.01, solver=solver, l1_ratio=ratio, tol=1e-9, max_iter=500).fit(A, y)
                     for A in (X, X + 5.0))  # fmt: skip
        np.testing.assert_allclose(near.coef_, far.coef_, atol=1e-6)
        np.testing.assert_allclose(near.intercept_, far.intercept_ + 5.0 * far.coef_.sum(), atol=1e-5)


def test_one_class():
    with pytest.raises(ValueError, match="at least 2 classes"):
        ours.LogisticRegression().fit(np.eye(3), [1, 1, 1])


# --- Lasso, ElasticNet and their paths --------------------------------------------------------------

SPARSE = [("Lasso", {"alpha": 0.5}), ("Lasso", {"alpha": 0.01, "tol": 1e-8, "max_iter": 5000}),
          ("Lasso", {"alpha": 0.1, "positive": True}), ("Lasso", {"alpha": 0.1, "fit_intercept": False}),
          ("ElasticNet", {"alpha": 0.1, "l1_ratio": 0.3}),
          ("ElasticNet", {"alpha": 0.01, "selection": "random", "random_state": 3}),
          ("ElasticNet", {"alpha": 1.0, "l1_ratio": 0.0}),
          ("LassoCV", {}), ("LassoCV", {"cv": 3, "alphas": 20}), ("LassoCV", {"fit_intercept": False}),
          ("LassoCV", {"positive": True, "alphas": [1.0, 0.01, 0.1]}),
          ("ElasticNetCV", {"l1_ratio": [0.2, 0.7, 1.0], "alphas": 15}),
          ("ElasticNetCV", {"alphas": np.array([0.1, 0.01, 1.0])})]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name,params", SPARSE, ids=str)
def test_sparse_models(name, params, dtype):
    """On one Gram matrix, as scikit-learn with precompute=True: the same sweeps, so the same number."""
    X, y = DIABETES
    for w in None, weights_of(len(X)):
        mine = getattr(ours, name)(**params).fit(X.astype(dtype), y.astype(dtype), sample_weight=w)
        other = getattr(theirs, name)(**params | ({} if name.endswith("CV") or w is not None
                                                  else {"precompute": True}))  # fmt: skip
        other.fit(X, y, sample_weight=w)
        rtol = 1e-7 if dtype == "f8" else 2e-3
        close = {"rtol": rtol, "atol": rtol * np.abs(other.coef_).max()}
        np.testing.assert_allclose(mine.coef_, other.coef_, **close)
        np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=rtol)
        assert mine.coef_.dtype == dtype
        if dtype == "f4":
            continue
        assert mine.n_iter_ == other.n_iter_
        np.testing.assert_allclose(mine.dual_gap_, other.dual_gap_, rtol=1e-4, atol=1e-6)
        if name.endswith("CV"):
            np.testing.assert_allclose(mine.alpha_, other.alpha_)
            np.testing.assert_allclose(mine.alphas_, other.alphas_)
            np.testing.assert_allclose(mine.mse_path_, other.mse_path_, rtol=1e-6)
            if name == "ElasticNetCV":
                assert mine.l1_ratio_ == other.l1_ratio_


def test_columns_of_any_size():
    """A Lasso that forgets the norms of columns is right for unit columns only."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4)) * [0.3, 1.6, 100.0, 1e-3] + [5, 0, 1e4, 1]
    y = X @ [-1, 2, 0.01, 300] + 7 + 0.01 * rng.normal(size=500)
    for alpha in 1e-6, 1e-2:
        mine, other = (m.Lasso(alpha, tol=1e-10, max_iter=100000).fit(X, y) for m in (ours, theirs))
        np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=1e-4)
    far = ours.Lasso(0.5).fit(*DIABETES), ours.Lasso(0.5).fit(DIABETES[0] + 1e3, DIABETES[1] - 1e4)
    np.testing.assert_allclose(far[0].coef_, far[1].coef_, rtol=1e-6, atol=1e-6)  # not penalised


def test_several_targets_and_warm_start():
    X, y = DIABETES
    Y = np.c_[y, y[::-1], -y]
    mine, other = (m.Lasso(0.1).fit(X, Y) for m in (ours, theirs))
    np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-3, atol=0.1)
    np.testing.assert_allclose(mine.coef_[2], -mine.coef_[0], atol=1e-9)
    assert mine.dual_gap_.shape == mine.n_iter_.shape == (3,)
    warm = ours.Lasso(0.01, warm_start=True, tol=1e-6, max_iter=10000).fit(X, y)
    assert warm.n_iter_ > 10 and warm.fit(X, y).n_iter_ <= 1


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name,params", [
    ("MultiTaskLassoCV", {"alphas": 20}), ("MultiTaskLassoCV", {"alphas": [0.1, 1.0, 0.01], "fit_intercept": False}),
    ("MultiTaskElasticNetCV", {"alphas": 10, "l1_ratio": [0.3, 0.9], "cv": 3}),
    ("MultiTaskElasticNetCV", {"alphas": 10, "selection": "random", "random_state": 4}),
], ids=str)  # fmt: skip
def test_multi_task_models_by_cross_validation(name, params, dtype):
    X, y = DIABETES
    X, Y = 20 * X, np.c_[y, y[::-1], -y + 100 * X[:, 2]] / 100
    for w in (None, weights_of(len(X))) if "f8" == dtype else (None,):
        mine = getattr(ours, name)(tol=1e-7, max_iter=10000, **params).fit(X.astype(dtype), Y, sample_weight=w)
        if w is not None:
            # scikit-learn's has no weights: whole weights are repeated rows, in folds of their own.
            assert mine.coef_.shape == (3, 10)
            continue
        other = getattr(theirs, name)(tol=1e-7, max_iter=10000, **params).fit(X, Y)
        close = {"rtol": 1e-6} if dtype == "f8" else {"rtol": 1e-3}
        for attribute in "alpha_", "alphas_", "mse_path_", "l1_ratio_":
            if hasattr(other, attribute):
                np.testing.assert_allclose(getattr(mine, attribute), getattr(other, attribute), err_msg=attribute, **close)
        np.testing.assert_allclose(mine.coef_, other.coef_, atol=1e-4 if dtype == "f8" else 1e-3)
        np.testing.assert_allclose(mine.intercept_, other.intercept_, atol=1e-4)
        assert mine.coef_.dtype == dtype
    with pytest.raises(ValueError, match=rf"{name}: y must be \(n, q\), got \(n,\), which is for {name[9:]}"):
        getattr(ours, name)().fit(X, y)


PATHS = [("lasso_path", {}), ("lasso_path", {"alphas": 30, "eps": 0.01, "positive": True}),
         ("lasso_path", {"alphas": [0.1, 2.0, 0.5]}), ("enet_path", {"l1_ratio": 0.3, "alphas": 25})]  # fmt: skip


@pytest.mark.parametrize("name,params", PATHS, ids=str)
def test_paths(name, params):
    X, y = DIABETES
    for target in y, np.c_[y, y[::-1], -y]:
        if target.ndim == 2 and params.get("positive"):
            continue
        strict = {"tol": 1e-8, "max_iter": 5000, "return_n_iter": True}
        mine = getattr(ours, name)(X, target, **strict, **params)
        other = getattr(theirs, name)(X, target, **strict, **{"alphas": 100} | params)
        scale = np.abs(other[1]).max()
        for a, b, name_of in zip(mine, other, ("alphas", "coefs", "dual_gaps", "n_iters"), strict=True):
            assert a.shape == np.shape(b), name_of
        np.testing.assert_allclose(mine[0], other[0], rtol=1e-10)
        np.testing.assert_allclose(mine[1], other[1], atol=1e-4 * scale)
        assert (mine[2] <= 1.01e-8 * (target**2).sum() / len(X)).all()
    first = getattr(ours, name)(X, y, **params)
    started = getattr(ours, name)(X, y, alphas=first[0][-1:], coef_init=first[1][:, -1])
    assert len(started) == 3 and started[1].shape == (10, 1)
    whole = getattr(ours, name)(tessera.asarray(X.astype("f4")), tessera.asarray(y))
    assert isinstance(whole[1], tessera.Array) and whole[1].dtype == "float32"


def test_paths_refuse():
    X, y = DIABETES
    for call, text in [
        (lambda: ours.lasso_path(X, np.c_[y, y], positive=True), "positive=True takes one target"),
        (lambda: ours.enet_path(X, y, l1_ratio=1.5), "l1_ratio must be between 0 and 1, got 1.5"),
        (lambda: ours.enet_path(X, y, l1_ratio=0.0), "l1_ratio=0 has no alpha from which on"),
        (lambda: ours.lasso_path(X, y, alphas=[-1.0, 2.0]), "alphas must be at least 0, got -1"),
        (lambda: ours.lasso_path(X, y, alphas=[1.0, np.nan]), "alphas must be at least 0, got nan"),
        (lambda: ours.lasso_path(X, y, alphas=0), "alphas must be a number of alphas, 1 to 10.6, or several, got 0"),
        (lambda: ours.lasso_path(X, y[1:]), r"X must be \(n, p\) and y"),
        (lambda: ours.lasso_path(np.where(X == X[50, 3], np.nan, X), y), "Input X contains NaN at row"),
        (lambda: ours.lasso_path(X, y, coef_init=np.zeros(3)), "coef_init must have 1 x 10 elements, got 3"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=text):
            call()
    with pytest.raises(TypeError, match="precompute"):
        ours.lasso_path(X, y, precompute=True)


def test_sparse_models_refuse():
    X, y = DIABETES
    with pytest.raises(NotImplementedError, match="Gram matrix as precompute is not supported"):
        ours.Lasso(precompute=np.eye(10)).fit(X, y)
    with pytest.raises(ValueError, match="l1_ratio=0 has no alpha from which on all coefficients are 0"):
        ours.ElasticNetCV(l1_ratio=0.0).fit(X, y)
    with pytest.raises(ValueError, match="5 folds need as many rows"):
        ours.LassoCV().fit(X[:4], y[:4])
    with warned("Duality gap"):
        ours.Lasso(1e-3, max_iter=2).fit(X, y)


# --- Ridge by cross-validation, and as a classifier ---------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("params", [
    {}, {"alphas": [1e-3, 0.1, 10.0, 1e3], "fit_intercept": False}, {"cv": 5, "alphas": (0.01, 0.1, 1.0)},
    {"store_cv_results": True}, {"alphas": 0.5},
], ids=str)  # fmt: skip
def test_ridge_cv(params, dtype):
    X, y = DIABETES
    for targets in y, np.c_[y, y[::-1] ** 2 / 100]:
        for w in None, weights_of(len(X)):
            # On the same numbers, which float32 rounds.
            A, Y = X.astype(dtype), targets.astype(dtype)
            mine = ours.RidgeCV(**params).fit(A, Y, sample_weight=w)
            other = theirs.RidgeCV(**params).fit(A.astype("f8"), Y.astype("f8"), sample_weight=w)
            assert mine.alpha_ == other.alpha_
            rtol = 1e-7 if dtype == "f8" else 1e-3
            np.testing.assert_allclose(mine.best_score_, other.best_score_, rtol=rtol)
            np.testing.assert_allclose(mine.coef_, other.coef_, rtol=rtol, atol=rtol * np.abs(other.coef_).max())
            np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=rtol, atol=rtol)
            if "store_cv_results" in params:
                assert mine.cv_results_.shape == other.cv_results_.shape and mine.cv_results_.dtype == dtype
                np.testing.assert_allclose(mine.cv_results_, other.cv_results_, rtol=rtol,
                                           atol=rtol * other.cv_results_.max())  # fmt: skip


@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_squared_error", "neg_root_mean_squared_error", "explained_variance",
                                     "neg_mean_absolute_error", "neg_median_absolute_error"])  # fmt: skip
@pytest.mark.parametrize("cv", [None, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_scores_of_ridge_cv(scoring, cv, intercept):
    """About the mean of y even without an intercept."""
    X, y = DIABETES
    for Y in y, np.c_[y, y[::-1] + 300.0]:
        for w in None, weights_of(len(X)) + 1:  # scikit-learn divides by them
            params = {"alphas": (0.01, 0.3, 50.0), "cv": cv, "scoring": scoring, "fit_intercept": intercept}
            mine, other = (m.RidgeCV(**params).fit(X, Y, sample_weight=w) for m in (ours, theirs))
            assert mine.alpha_ == other.alpha_
            np.testing.assert_allclose(mine.best_score_, other.best_score_, rtol=1e-7)


def test_ridge_cv_per_target_and_what_it_refuses():
    X, y = DIABETES
    Y = np.c_[y, np.random.default_rng(0).normal(size=len(y))]
    mine, other = (m.RidgeCV(alphas=[0.01, 1.0, 100.0], alpha_per_target=True).fit(X, Y) for m in (ours, theirs))
    np.testing.assert_array_equal(mine.alpha_, other.alpha_)
    np.testing.assert_allclose(mine.best_score_, other.best_score_)
    np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-7, atol=1e-7)
    for params, text in [
        ({"scoring": "max_error"}, "scoring='max_error' is not supported; None and d2_absolute_error_score, explained_variance"),
        ({"scoring": "r2", "store_cv_results": True}, "store_cv_results=True is not supported with scoring"),
        ({"alphas": [1.0, 0.0]}, r"alphas\[1\] == 0"),
        ({"cv": 3, "store_cv_results": True}, "cv!=None and store_cv_results=True are incompatible"),
        ({"cv": 3, "alpha_per_target": True}, "cv!=None and alpha_per_target=True are incompatible"),
    ]:
        with pytest.raises((ValueError, NotImplementedError), match=text):
            ours.RidgeCV(**params).fit(X, Y)


@pytest.mark.parametrize("params", [{}, {"alpha": 10.0, "fit_intercept": False}, {"class_weight": "balanced"},
                                    {"solver": "svd"}], ids=str)  # fmt: skip
def test_ridge_classifiers(params):
    for name in "iris", "breast cancer", "digits":
        X, y = CLASSES[name]
        for w in None, weights_of(len(X)):
            mine, other = (m.RidgeClassifier(**params).fit(X, y, sample_weight=w) for m in (ours, theirs))
            np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-6, atol=1e-9)
            np.testing.assert_allclose(mine.decision_function(X), other.decision_function(X), atol=1e-8)
            assert (mine.predict(X) == other.predict(X)).all()
            if "solver" in params or "alpha" in params:
                continue
            chosen = [m.RidgeClassifierCV([0.1, 1.0, 100.0], **params).fit(X, y, sample_weight=w) for m in (ours, theirs)]
            assert chosen[0].alpha_ == chosen[1].alpha_
            np.testing.assert_allclose(chosen[0].best_score_, chosen[1].best_score_)
            np.testing.assert_allclose(chosen[0].coef_, chosen[1].coef_, rtol=1e-6, atol=1e-9)


def test_coefficients_that_are_not_negative():
    X, y = DIABETES
    for w in None, weights_of(len(X)):
        mine, other = (m.LinearRegression(positive=True).fit(X, y, sample_weight=w) for m in (ours, theirs))
        np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(mine.intercept_, other.intercept_)
        mine = ours.Ridge(0.5, positive=True).fit(X, y, sample_weight=w)
        other = theirs.Ridge(0.5, positive=True, tol=1e-10).fit(X, y, sample_weight=w)
        np.testing.assert_allclose(mine.coef_, other.coef_, rtol=1e-4, atol=1e-2)
    Y = np.c_[y, -y]
    both = ours.LinearRegression(positive=True).fit(X, Y)
    np.testing.assert_allclose(both.coef_, theirs.LinearRegression(positive=True).fit(X, Y).coef_, rtol=1e-8, atol=1e-8)
    copies = ours.LinearRegression(positive=True).fit(np.c_[X, X], y)  # not unique: as good as without
    np.testing.assert_allclose(copies.predict(np.c_[X, X]), ours.LinearRegression(positive=True).fit(X, y).predict(X))


# --- Generalized linear models ------------------------------------------------------------------------

GLM = [("PoissonRegressor", {"alpha": 0.1}), ("PoissonRegressor", {"alpha": 0.0, "solver": "newton-cholesky"}),
       ("GammaRegressor", {"alpha": 0.01}), ("GammaRegressor", {"fit_intercept": False, "alpha": 0.1}),
       ("TweedieRegressor", {}), ("TweedieRegressor", {"power": 1.5, "alpha": 0.01}),
       ("TweedieRegressor", {"power": 3.0, "alpha": 0.0, "solver": "newton-cholesky"}),
       ("TweedieRegressor", {"power": 0.0, "link": "log", "alpha": 0.1}),
       ("TweedieRegressor", {"power": 1.0, "link": "identity", "alpha": 0.0, "solver": "newton-cholesky"}),
       ("TweedieRegressor", {"power": -1.0, "link": "log", "alpha": 0.1})]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name,params", GLM, ids=str)
def test_generalized_linear_models(name, params, dtype):
    X, y = DIABETES[0] * 20, DIABETES[1] / 100
    for w in None, weights_of(len(X)):
        mine = getattr(ours, name)(tol=1e-9, max_iter=3000, **params).fit(X.astype(dtype), y, sample_weight=w)
        other = getattr(theirs, name)(tol=1e-9, max_iter=3000, **params).fit(X, y, sample_weight=w)
        close = 1e-4 if dtype == "f8" else 1e-3
        np.testing.assert_allclose(mine.coef_, other.coef_, rtol=close, atol=close * np.abs(other.coef_).max())
        np.testing.assert_allclose(mine.intercept_, other.intercept_, rtol=close, atol=close)
        np.testing.assert_allclose(mine.predict(X), other.predict(X), rtol=close, atol=close)
        np.testing.assert_allclose(mine.score(X, y, sample_weight=w), other.score(X, y, sample_weight=w), atol=close)
        assert mine.coef_.dtype == dtype and mine.predict(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("name,params,y,text", [
    ("PoissonRegressor", {}, -1.0, "needs y >= 0, and the least is -1"),
    ("GammaRegressor", {}, 0.0, "needs y > 0, and the least is 0"),
    ("TweedieRegressor", {"power": 1.5}, -0.5, "needs y >= 0"),
    ("TweedieRegressor", {"power": 0.5}, 1.0, "only defined for power<=0 and power>=1"),
])  # fmt: skip
def test_targets_out_of_range(name, params, y, text):
    with pytest.raises(ValueError, match=text):
        getattr(ours, name)(**params).fit(np.eye(5), [1.0, 2, 3, 4, y])


@pytest.mark.parametrize("params", [{}, {"epsilon": 1.1, "alpha": 1.0}, {"fit_intercept": False}], ids=str)
def test_huber(params):
    X, y = DIABETES[0] * 20, DIABETES[1].copy()
    y[::17] += 3000.0
    for w in None, weights_of(len(X)):
        v = np.ones(len(X)) if w is None else w

        def value(model):
            z = np.abs(y - X @ model.coef_ - model.intercept_) / model.scale_
            h = np.where(z <= model.epsilon, z**2, 2 * model.epsilon * z - model.epsilon**2)
            return model.scale_ * (v @ (1 + h)) + model.alpha * (model.coef_**2).sum()

        mine, other = (m.HuberRegressor(max_iter=5000, **params).fit(X, y, sample_weight=w) for m in (ours, theirs))
        assert value(mine) <= value(other) * (1 + 1e-6)
        np.testing.assert_allclose(mine.scale_, other.scale_, rtol=2e-3)
        np.testing.assert_allclose(mine.predict(X), other.predict(X), atol=2e-2 * np.abs(other.predict(X)).max())
        assert mine.outliers_.dtype == bool and (mine.outliers_ != other.outliers_).sum() <= 2


def test_huber_without_a_square():
    """With epsilon=1 the scale falls to nothing, and what is left is the sum of absolute errors, of which neither finds
    the last digits."""
    X, y = DIABETES[0][:, :4] * 20, DIABETES[1]
    mine, other = (m.HuberRegressor(epsilon=1.0, alpha=0.0, max_iter=10000, tol=1e-8).fit(X, y) for m in (ours, theirs))
    least = theirs.QuantileRegressor(alpha=0.0).fit(X, y)
    for model in mine, other:
        assert model.scale_ < 1e-10
        left, want = (np.abs(y - m.predict(X)).sum() for m in (model, least))
        assert want * (1 - 1e-9) <= left <= want * (1 + 1e-3)


def test_a_number_as_weight():
    """It is that of all rows."""
    X, y = DIABETES
    for name in "Ridge", "Lasso", "BayesianRidge", "HuberRegressor", "PoissonRegressor", "RidgeCV":
        mine = getattr(ours, name)().fit(X, y, sample_weight=2.0)
        np.testing.assert_array_equal(mine.coef_, getattr(ours, name)().fit(X, y, sample_weight=np.full(len(X), 2.0)).coef_)
        there = getattr(ours, name)().fit(tessera.asarray(X), tessera.asarray(y), sample_weight=2.0)
        np.testing.assert_array_equal(mine.coef_, there.coef_)


def test_folds_count_alike_whatever_their_weights():
    X, y = DIABETES
    w = np.where(np.arange(len(X)) < 300, 0.01, 5.0)
    mine, other = (m.ElasticNetCV(cv=3, tol=1e-8, max_iter=10000).fit(X, y, sample_weight=w) for m in (ours, theirs))
    np.testing.assert_allclose(mine.mse_path_, other.mse_path_, rtol=1e-4)
    np.testing.assert_allclose(mine.alpha_, other.alpha_)


def test_a_mean_of_0_where_it_is_allowed():
    """Of powers below 0 the deviance is finite there, where the search starts without an intercept."""
    X, y = np.eye(4)[[0, 1, 2, 3] * 9], np.arange(36.0)
    mine, other = (m.TweedieRegressor(power=-1, fit_intercept=False).fit(X, y) for m in (ours, theirs))
    np.testing.assert_allclose(mine.coef_, other.coef_, atol=1e-6)


def test_ard_needs_two_rows():
    # scikit-learn's words, whose fits are kept from one process for others if they succeed
    with pytest.raises(ValueError, match=r"Found array with 1 sample\(s\) \(shape=\(1, 3\)\) while a minimum of 2 is required"):
        ours.ARDRegression().fit(np.ones((1, 3)), [1.0])


# --- Bayesian regression --------------------------------------------------------------------------------


@pytest.mark.parametrize("params", [{}, {"compute_score": True}, {"fit_intercept": False},
                                    {"alpha_1": 1.0, "lambda_2": 2.0}], ids=str)  # fmt: skip
@pytest.mark.parametrize("name", ["BayesianRidge", "ARDRegression"])
def test_bayesian_regression(name, params):
    X, y = DIABETES
    for A in X, np.c_[X, np.sin(40 * X), X[:, :1] * 30 + 7]:
        for w in [None, weights_of(len(A))][: 1 + (name == "BayesianRidge")]:
            weight = {} if w is None else {"sample_weight": w}
            mine, other = (getattr(m, name)(**params).fit(A, y, **weight) for m in (ours, theirs))
            assert mine.n_iter_ == other.n_iter_
            for attribute in "coef_", "intercept_", "alpha_", "lambda_", "sigma_", "X_offset_", "scores_":
                mine_, other_ = (np.asarray(getattr(m, attribute)) for m in (mine, other))
                assert mine_.shape == other_.shape, attribute
                np.testing.assert_allclose(mine_, other_, rtol=1e-5, err_msg=attribute,
                                           atol=1e-12 + 1e-6 * np.abs(other_).max(initial=0))  # fmt: skip
            for one, another in zip(mine.predict(A, return_std=True), other.predict(A, return_std=True)):
                np.testing.assert_allclose(one, another, rtol=1e-6)


# --- Several targets at once --------------------------------------------------------------------------------


@pytest.mark.parametrize("name,params", [
    ("MultiTaskLasso", {"alpha": 0.5}), ("MultiTaskLasso", {"alpha": 0.05, "tol": 1e-8, "max_iter": 5000}),
    ("MultiTaskElasticNet", {"alpha": 0.1, "l1_ratio": 0.3}),
    ("MultiTaskElasticNet", {"alpha": 0.1, "fit_intercept": False}),
    ("MultiTaskLasso", {"alpha": 0.2, "selection": "random", "random_state": 2}),
], ids=str)  # fmt: skip
def test_multi_task(name, params):
    X, y = DIABETES
    Y = np.c_[y, y[::-1], y**2 / 200]
    mine, other = (getattr(m, name)(**params).fit(X, Y) for m in (ours, theirs))

    def value(model):
        l1, l2 = model.alpha * getattr(model, "l1_ratio", 1), model.alpha * (1 - getattr(model, "l1_ratio", 1))
        left = Y - X @ model.coef_.T - model.intercept_
        return ((left**2).sum() / (2 * len(X)) + l1 * np.sqrt((model.coef_**2).sum(axis=0)).sum()
                + l2 / 2 * (model.coef_**2).sum())  # fmt: skip

    assert value(mine) <= value(other) + max(other.dual_gap_, 1e-9 * value(other))
    assert mine.dual_gap_ <= mine.eps_ / len(X) and abs(mine.eps_ / other.eps_ - 1) < 1e-10
    np.testing.assert_array_equal((mine.coef_ != 0).any(axis=0), (other.coef_ != 0).any(axis=0))
    np.testing.assert_allclose(mine.coef_, other.coef_, atol=2e-2 * np.abs(other.coef_).max())
    with pytest.raises(ValueError, match=r"y must be \(n, q\), got \(n,\), which is for"):
        getattr(ours, name)().fit(X, y)
