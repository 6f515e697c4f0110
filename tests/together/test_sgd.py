"""Stochastic gradient descent against scikit-learn's: its result where the data are one leaf, and a minimum of
what it minimises where they are more.

On every process of a job of 1 to 4.
"""

import warnings

import numpy as np
import pytest
import sklearn.linear_model as theirs
import tessera
import tessera.linear_model as ours
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler

IRIS, WINE, CANCER = (
    (StandardScaler().fit_transform(X), y) for X, y in (load(return_X_y=True) for load in (load_iris, load_wine, load_breast_cancer))
)  # fmt: skip
DIABETES = StandardScaler().fit_transform(load_diabetes().data), load_diabetes().target / 100
DIGITS = load_digits().data / 16, load_digits().target
LEAF = 256  # rows of a leaf of few rows


@pytest.fixture(autouse=True)
def quiet(fitted_once):
    fitted_once([theirs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def weights_of(n):
    return np.random.default_rng(1).integers(0, 4, n).astype(float)


def both(name, data, w=None, **params):
    """With a penalty by which steps soon are short: long ones make much of rounding."""
    models = [getattr(module, name)(**{"random_state": 3, "alpha": 0.05} | params) for module in (ours, theirs)]
    for model in models:
        model.fit(*data, sample_weight=w)
    return models


def same(mine, other, rtol=1e-7):
    assert mine.n_iter_ == other.n_iter_ and mine.t_ == other.t_
    for attribute in "coef_", "intercept_":
        a, b = getattr(mine, attribute), getattr(other, attribute)
        assert a.shape == b.shape and a.dtype == b.dtype, attribute
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol / 10 * np.abs(b).max(initial=1), err_msg=attribute)


LOSSES = ["hinge", "squared_hinge", "perceptron", "log_loss", "modified_huber", "squared_error", "huber",
          "epsilon_insensitive", "squared_epsilon_insensitive"]  # fmt: skip
RATES = [{"penalty": "l1", "learning_rate": "constant"}, {"penalty": "elasticnet", "l1_ratio": 0.4, "learning_rate": "constant"}, {"penalty": None}, {"fit_intercept": False},
         {"learning_rate": "constant"}, {"learning_rate": "invscaling", "power_t": 0.3},
         {"learning_rate": "adaptive", "eta0": 0.1}, {"learning_rate": "pa1", "eta0": 0.5},
         {"learning_rate": "pa2", "eta0": 0.5}, {"shuffle": False}, {"average": True}, {"average": 300},
         {"average": 10**6}, {"tol": None, "max_iter": 7}, {"n_iter_no_change": 2, "tol": 0.01}]  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_one_leaf(loss):
    few = {"tol": None, "max_iter": 20} if loss.startswith("squared") else {}
    rate = {"learning_rate": "invscaling"} if loss.startswith("squared") else {}
    for X, y in IRIS, (IRIS[0][:100], IRIS[1][:100]), WINE:
        for w in None, weights_of(len(X)):
            same(*both("SGDClassifier", (X, y), w, loss=loss, **few, **rate))
    if loss in ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"):
        data = DIABETES[0][:LEAF], DIABETES[1][:LEAF]
        for w in None, weights_of(LEAF):
            same(*both("SGDRegressor", data, w, loss=loss))


@pytest.mark.parametrize("params", RATES, ids=str)
def test_steps_of_one_leaf(params):
    passive = params.get("learning_rate", "").startswith("pa")
    for X, y in IRIS, (IRIS[0][50:], IRIS[1][50:]):
        same(*both("SGDClassifier", (X, y), weights_of(len(X)), loss="hinge" if passive else "log_loss", **params))
    loss = "epsilon_insensitive" if passive else "squared_error"
    same(*both("SGDRegressor", (DIABETES[0][:LEAF], DIABETES[1][:LEAF]), weights_of(LEAF), loss=loss, **params),
         rtol=1e-3 if passive else 1e-7)  # whose steps do not become shorter: rounding goes on


def test_class_weights_of_one_leaf():
    for X, y in IRIS, (IRIS[0][30:100], IRIS[1][30:100]):
        for weight in "balanced", {1: 3.0}:
            same(*both("SGDClassifier", (X, y), weights_of(len(X)), loss="log_loss", class_weight=weight))


@pytest.mark.parametrize("average", [False, True, 120])
def test_partial_fit_and_warm_start_of_one_leaf(average):
    X, y = IRIS
    models = [module.SGDClassifier(loss="log_loss", average=average, alpha=0.05, random_state=0) for module in (ours, theirs)]
    # Of a second part scikit-learn's with averages starts from an intercept that is none of its own.
    for rows in (np.arange(0, 60), np.arange(60, 150), np.arange(0, 150, 2))[: 1 if average else 3]:
        for model in models:
            model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    same(*models)
    for _ in range(2):
        models = [model.set_params(warm_start=True).fit(X, y) for model in models]
        same(*models)
    X, y = DIABETES[0][:200], DIABETES[1][:200]
    models = [module.SGDRegressor(average=average).set_params(random_state=0) for module in (ours, theirs)]
    for _ in range(3):
        models = [model.partial_fit(X, y, sample_weight=weights_of(200)) for model in models]
        same(*models)
    models[0].save("sgd.tessera")
    again = [tessera.load("sgd.tessera"), models[1]]  # goes on from a file
    same(*(model.partial_fit(X, y) for model in again))


def objective(model, X, y, w=None):
    """What is minimised, summed over the classes."""
    w = np.ones(len(X)) if w is None else w
    u = X @ np.atleast_2d(np.asarray(model.coef_, "f8")).T + np.asarray(model.intercept_, "f8")
    if hasattr(model, "classes_"):
        k = len(model.classes_)
        y = np.where(y[:, None] == (model.classes_ if k > 2 else model.classes_[1:]), 1.0, -1.0)
    else:
        y = y[:, None]
    loss = {"hinge": lambda: np.maximum(0, 1 - y * u), "log_loss": lambda: np.logaddexp(0, -y * u),
            "squared_error": lambda: (u - y) ** 2 / 2,
            "huber": lambda: np.where(abs(u - y) < model.epsilon, (u - y) ** 2 / 2, model.epsilon * (abs(u - y) - model.epsilon / 2)),
            }[model.loss]()  # fmt: skip
    l1 = {"l2": 0, "l1": 1, "elasticnet": model.l1_ratio}[model.penalty]
    coef = np.asarray(model.coef_, "f8")
    return w @ loss.sum(axis=1) / len(X) + model.alpha * ((1 - l1) / 2 * (coef**2).sum() + l1 * np.abs(coef).sum())


def generated(n, p=20, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ rng.normal(size=p) / 3 + 0.5 * rng.normal(size=n)


MINIMA = [("SGDClassifier", {"loss": "hinge", "alpha": 0.01}), ("SGDClassifier", {"loss": "log_loss", "alpha": 0.01}),
          ("SGDClassifier", {"loss": "log_loss", "alpha": 0.01, "penalty": "l1"}),
          ("SGDClassifier", {"loss": "log_loss", "alpha": 0.01, "average": True}),
          ("SGDRegressor", {}), ("SGDRegressor", {"loss": "huber", "penalty": "elasticnet", "alpha": 0.01}),
          ("SGDRegressor", {"learning_rate": "adaptive"}), ("SGDRegressor", {"average": True})]  # fmt: skip


@pytest.mark.parametrize("name,params", MINIMA, ids=str)
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_minima_of_several_leaves(name, params, dtype):
    X, y = generated(6007)
    regression = [DIABETES, (X, y)]
    classes = [CANCER, DIGITS, (X, (y > 0.3).astype(int)), (X, np.digitize(y, [-0.7, 0.7]))]
    for X, y in regression if name == "SGDRegressor" else classes:
        for w in None, weights_of(len(X)) + 0.5:
            mine, other = both(name, (X.astype(dtype), y), w, **params)
            assert mine.coef_.dtype == dtype
            a, b = objective(mine, X, y, w), objective(other, X, y, w)
            # What the leaves leave 0 is not what all rows would.
            assert a < (1.2 if params.get("penalty") == "l1" else 1.1) * b + 1e-3, (a, b)
            if params.get("penalty") == "l1" and len(X) < 1000:
                zeros = [(np.asarray(model.coef_) == 0).mean() for model in (mine, other)]
                assert zeros[0] > 0.6 * zeros[1], zeros


def test_early_stopping():
    X, y = generated(4001)
    for name, target, least in ("SGDRegressor", y, 0.6), ("SGDClassifier", np.digitize(y, [-0.5, 0.5]), 0.6):
        mine, other = both(name, (X, target), early_stopping=True, validation_fraction=0.2)
        assert 5 < mine.n_iter_ < 100
        assert mine.score(X, target) > other.score(X, target) - 0.02 > least
    text = "SGDRegressor: a share of 0.99 of 3 rows to validate leaves 3 of these and 0 to fit; there must be 1 of each"
    with pytest.raises(ValueError, match=text):
        ours.SGDRegressor(early_stopping=True, validation_fraction=0.99).fit(X[:3], y[:3])
    with pytest.raises(ValueError, match="The least populated classes in y have only 1 member"):
        ours.SGDClassifier(early_stopping=True).fit(X[:30], np.arange(30) > 28)


@pytest.mark.parametrize("fraction", [0.1, 0.37])
def test_early_stopping_of_one_leaf(fraction):
    """The rows that scikit-learn holds out, of classes by their shares, make its steps."""
    X, y = DIABETES[0][:200], DIABETES[1][:200]
    # With a larger penalty scikit-learn scores coefficients before it has shrunk them.
    same(*both("SGDRegressor", (X, y), early_stopping=True, validation_fraction=fraction, random_state=3, alpha=1e-4))
    for rows in slice(None), slice(0, 120), slice(40, 109):
        X, y = IRIS[0][rows], IRIS[1][rows]
        # Of log_loss, too, scikit-learn scores other labels than it predicts.
        same(*both("SGDClassifier", (X, y), early_stopping=True, validation_fraction=fraction, penalty=None, random_state=1))


def test_starts_of_the_caller():
    X, y = IRIS
    given = {"coef_init": np.arange(12.0).reshape(3, 4) / 10, "intercept_init": [0.5, -0.5, 0.25]}
    same(*(module.SGDClassifier(alpha=0.05, max_iter=3, random_state=0).fit(X, y, **given) for module in (ours, theirs)))
    rows = y > 0
    given = {"coef_init": np.ones((1, 4)), "intercept_init": np.array([0.5])}
    same(*(module.SGDClassifier(alpha=0.05, max_iter=3, random_state=0).fit(X[rows], y[rows], **given)
           for module in (ours, theirs)))  # fmt: skip
    X, y = DIABETES[0][:200], DIABETES[1][:200]
    same(*(module.SGDRegressor(max_iter=3, random_state=0).fit(X, y, coef_init=np.ones(10)) for module in (ours, theirs)))
    for start, text in ({"coef_init": np.ones(9)}, "coef_init does not match dataset: it needs 1 x 10 numbers, got 9"), \
            ({"intercept_init": np.ones(2)}, "intercept_init does not match dataset: it needs 1 numbers, got 2"):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            ours.SGDRegressor().fit(X, y, **start)


def test_starts_of_the_caller_and_warm_starts():
    X, y = IRIS
    params = {"alpha": 0.05, "max_iter": 3, "random_state": 0, "warm_start": True}
    mine, other = (module.SGDClassifier(**params).fit(X, y, coef_init=np.ones((3, 4))) for module in (ours, theirs))
    same(mine, other)
    with pytest.raises(ValueError, match="coef_init does not match dataset: it needs 3 x 4 numbers, got 6"):
        mine.fit(X, y, coef_init=np.ones((3, 2)))
    # What was wrong is forgotten, and so is what it replaced.
    same(mine.fit(X, y), theirs.SGDClassifier(**params).fit(X, y))
    with pytest.raises(ValueError, match="intercept_init does not match dataset: it needs 3 numbers, got 1"):
        mine.fit(X, y, intercept_init=100.0)
    rows = y > 0
    same(*(module.SGDClassifier(**params).fit(X[rows], y[rows], intercept_init=100.0) for module in (ours, theirs)))
    X, y = DIABETES[0][:200], DIABETES[1][:200]
    same(*(module.SGDRegressor(max_iter=3, random_state=0).fit(X, y, intercept_init=100.0) for module in (ours, theirs)))


@pytest.mark.parametrize("loss", ["log_loss", "modified_huber"])
def test_probabilities(loss):
    for X, y in IRIS, (IRIS[0][:100], IRIS[1][:100]):
        mine, other = both("SGDClassifier", (X, y), loss=loss)
        np.testing.assert_allclose(mine.predict_proba(X), other.predict_proba(X), rtol=1e-6, atol=1e-9)
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(mine.predict_log_proba(X), np.log(mine.predict_proba(X)), rtol=1e-12)
        assert (mine.predict(X) == other.predict(X)).all()


@pytest.mark.parametrize("params,text", [
    ({"alpha": 0.0}, "alpha must be above 0 for learning_rate='optimal', got 0"),
    ({"learning_rate": "pa1", "loss": "log_loss"}, "learning_rate='pa1' needs loss='hinge', got 'log_loss'"),
    ({"penalty": "elasticnet", "l1_ratio": None}, "l1_ratio must be a number for penalty='elasticnet', got None"),
    ({"loss": "quantile"}, "'loss' parameter of SGDClassifier"),
    ({"average": 0}, "'average' parameter of SGDClassifier"),
])  # fmt: skip
def test_errors(params, text):
    with pytest.raises(ValueError, match=text):
        ours.SGDClassifier(**params).fit(*IRIS)


def test_more_errors():
    X, y = IRIS
    with pytest.raises(ValueError, match="SGDClassifier: y must have 2 classes or more, got 1 class"):
        ours.SGDClassifier().fit(X, np.zeros(150))
    with pytest.raises(ValueError, match="early_stopping must be False for partial_fit, got True"):
        ours.SGDRegressor(early_stopping=True).partial_fit(X, y)
    with pytest.raises(ValueError, match="class_weight 'balanced' is not supported for partial_fit"):
        ours.SGDClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="SGDRegressor: coefficients overflow in epoch"):
        ours.SGDRegressor(learning_rate="constant", eta0=1e305).fit(*DIABETES)
    bad = CANCER[0].copy()
    bad[500, 3] = np.nan  # which hinge would not notice
    with pytest.raises(ValueError, match="Input X contains NaN at row 500, column 3"):
        ours.SGDClassifier().fit(bad, CANCER[1])
    model = ours.SGDClassifier().fit(X, y)
    assert not hasattr(model, "predict_proba") and hasattr(model.set_params(loss="log_loss"), "predict_proba")
