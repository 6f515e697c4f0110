"""Every estimator in the registry: scikit-learn's own checks of it, and the same bits however it is run."""

import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import tessera
from estimators import LABELS, data, described, names, plain, results
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator

# Those that an estimator does not pass, and why. docs/python.md has this list.
EXCEPTIONS = {
    ("KMeans", "check_sample_weight_equivalence_on_dense_data"):
        "weights and repeated rows draw other first centres; scikit-learn excepts its own KMeans, too",
    ("GaussianNB", "check_classifiers_train"):
        "log probabilities of float32 X are more exact than the logarithm of probabilities near 1",
    ("HuberRegressor", "check_sample_weight_equivalence_on_dense_data"):
        "the fit is exact, so its scale goes to 0, and rounding decides where that ends",
    ("LinearDiscriminantAnalysis", "check_classifiers_train"):
        "log probabilities of float32 X are more exact than the logarithm of probabilities near 1",
    ("LogisticRegressionCV", "check_classifiers_train"):
        "log probabilities of float32 X are more exact than the logarithm of probabilities near 1",
    ("LogisticRegressionCV", "check_non_transformer_estimators_n_iter"):
        "n_iter_ is 0 where the coefficients of the C before are good enough",
    ("MissingIndicator", "check_transformer_preserve_dtypes"): "its results are bools",
    ("Ridge", "check_non_transformer_estimators_n_iter"):
        "no solver iterates, so max_iter is taken and n_iter_ is None",
    ("RidgeClassifier", "check_non_transformer_estimators_n_iter"):
        "no solver iterates, so max_iter is taken and n_iter_ is None",
    ("SGDClassifier", "check_sample_weight_equivalence_on_dense_data"):
        "a row twice is two steps; scikit-learn excepts its own, too",
    ("SGDRegressor", "check_sample_weight_equivalence_on_dense_data"):
        "a row twice is two steps; scikit-learn excepts its own, too",
    ("QuadraticDiscriminantAnalysis", "check_array_api_input"):
        "the columns of its data depend on each other, which scikit-learn refuses, too",
    ("RidgeClassifierCV", "check_sample_weight_equivalence_on_dense_data"):
        "folds for accuracy are not supported",
    ("SimpleImputer", "check_array_api_input"):
        "it calls inverse_transform, which needs add_indicator=True",
}
# Checks with other parameters. A C of 1e4 hardly bounds what separates 15 rows: rounding decides the eighth digit.
OTHERWISE = {
    ("LogisticRegressionCV", "check_sample_weight_equivalence_on_dense_data"): {"Cs": [0.01, 0.1, 1, 10]},
}
EVERY = pytest.mark.parametrize("name", names())


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.processes(1, 3)
@EVERY
def test_scikit_learns_checks(name):
    np.random.seed(0)  # all processes draw the same numbers
    estimator = dict(tessera.all_estimators())[name]
    checks = check_estimator(estimator(), on_skip=None, on_fail=None)
    of_labels = described(name)["input"] == "labels"
    assert len(checks) > (0 if of_labels else 40)  # scikit-learn has few for y alone
    failed = {check["check_name"]: check["exception"] for check in checks if check["status"] == "failed"}
    ran = {check["check_name"] for check in checks if check["status"] != "skipped"}
    for check in [check for of, check in OTHERWISE if of == name]:
        failed.pop(check, None)
        getattr(estimator_checks, check)(name, estimator(**OTHERWISE[name, check]))
    assert set(failed) == {check for of, check in EXCEPTIONS if of == name} & ran, failed


def ways_to_learn(name, X, y):
    """What is called, and with what, for each: fit, with weights, and in two parts."""
    y = [] if y is None else [tessera.asarray(y)]
    methods = {method["name"]: method for method in described(name)["methods"]}
    yield "fit", [(X, *y)], {}
    if methods["fit"]["sample_weight"]:
        yield "fit", [(X, *y)], {"sample_weight": tessera.asarray(0.5 + np.arange(len(X)) % 3)}
    if "partial_fit" in methods:
        yield "partial_fit", [(X, *y)] * 2, {"classes": LABELS} if described(name)["role"] == "classifier" else {}


@EVERY
def test_same_bits(name, of_one, everyones):
    """Of the model file and of what every method gives, on several threads and streamed, too."""
    X, y = data(name)
    tessera.write("x.h5:/X", X)
    before = tessera.threads()
    # Text is not streamed.
    for how, threads in [("memory", 1), ("memory", 3), ("streamed", 2)][: 3 if X.dtype.kind == "f" else 2]:
        tessera.set_threads(threads)
        given = tessera.asarray(X) if how == "memory" else tessera.stream("x.h5:/X")
        for number, (learn, calls, more) in enumerate(ways_to_learn(name, given, y)):
            model = plain(name)
            for arguments in calls:
                getattr(model, learn)(*arguments, **more)
            model.save("model.tessera")
            digest = sha256(Path("model.tessera").read_bytes())
            found = results(model, tessera.asarray(X))
            assert found
            for result in found.values():
                for each in result if isinstance(result, tuple) else (result,):
                    digest.update(np.ascontiguousarray(each.numpy()).tobytes())
            bits = digest.hexdigest()
            assert set(everyones(bits)) == {bits} == {of_one((name, number), bits)}, f"{learn}, {[*more]}, {how}, {threads} threads"
    tessera.set_threads(before)
