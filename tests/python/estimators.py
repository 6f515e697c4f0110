"""Data and parameters on which every estimator of the registry can be fitted."""

import importlib

import numpy as np
import tessera

LABELS = np.array(["ash", "birch", "oak"])
# What dense results and functions by name make of scikit-learn's defaults.
OTHER_DEFAULTS = {("OneHotEncoder", "sparse_output"), ("OneHotEncoder", "dtype"), ("OrdinalEncoder", "dtype"),
                  ("KBinsDiscretizer", "encode"), ("SelectKBest", "score_func")}  # fmt: skip


def names():
    return [name for name, _ in tessera.all_estimators()]


def described(name):
    return dict(tessera.all_estimators())[name]._described


def theirs(name):
    """scikit-learn's class of that name."""
    return getattr(importlib.import_module(f"sklearn.{described(name)['module']}"), name)


def plain(name, **params):
    """With so small a tolerance that what iterates ends where it must, and a seed."""
    made = dict(tessera.all_estimators())[name]()
    known = made.get_params(deep=False)
    strict = {"tol": 1e-10, "max_iter": 10000, "random_state": 0, "n_components": 2}
    if name.startswith("SGD"):  # rows in their order, so that classes are alike
        strict |= {"tol": 1e-4, "max_iter": 50, "shuffle": False}
    strict |= {"KMeans": {"tol": 1e-4}, "LogisticRegressionCV": {"tol": 1e-5, "Cs": 2}, "LinearDiscriminantAnalysis": {"tol": 1e-4}}.get(name, {})
    given = {key: value for key, value in strict.items() if key in known}
    return made.set_params(**given | {k: v for k, v in params.items() if k in known})


def data(name, n=1100, p=6, dtype="f8", seed=3):
    """X > 0, several leaves of it, and y: of three classes, or > 0 and more noise than signal.

    X is whole numbers where it is categories, and one column of words where it is labels.
    """
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    X = rng.gamma(2.0, size=(n, p)) + kind[:, None] * np.linspace(0, 1.5, p)
    about = described(name)
    if about["input"] == "labels":
        return LABELS[kind], None
    X = (np.floor(X) if about["categorical"] or about["input"] == "categories" else X).astype(dtype)
    role = about["role"]
    if role == "classifier" or not role and about["needs_y"]:
        return X, LABELS[kind]
    if role == "regressor":
        y = np.exp(X @ np.linspace(-0.1, 0.1, p) + 0.5 * rng.normal(size=n)).astype(dtype)
        return X, (np.c_[y, y[::-1]] if name.startswith("MultiTask") else y)
    return X, None


def arguments(X, y):
    return (X,) if y is None else (X, y)


def results(model, X):
    """What each method makes of X, by its name."""
    found = {}
    for method in type(model)._described["methods"]:
        if method["kind"] == "map" and method["of_features"] and hasattr(model, method["name"]):
            found[method["name"]] = getattr(model, method["name"])(X)
    return found
