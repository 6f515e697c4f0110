"""GaussianNB against scikit-learn, live: labels of every kind, priors, weights, probabilities."""

import numpy as np
import pytest
import tessera
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB

X, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
LABELS = {
    "int64": SPECIES * 10**15,
    "uint8": SPECIES.astype("u1"),
    "float32": SPECIES.astype("f4") - 1,
    "bool": SPECIES == 1,
    "strings": NAMES[SPECIES].astype(object),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind):
    y = LABELS[kind]
    theirs = GaussianNB().fit(X, y)
    mine = tessera.naive_bayes.GaussianNB().fit(X, y)
    assert mine.get_params() == GaussianNB().get_params()
    assert list(mine.classes_) == list(theirs.classes_)
    np.testing.assert_allclose(mine.theta_, theirs.theta_, rtol=1e-12)
    np.testing.assert_allclose(mine.var_, theirs.var_, rtol=1e-10)
    np.testing.assert_allclose(mine.epsilon_, theirs.epsilon_, rtol=1e-12)
    np.testing.assert_allclose(mine.class_prior_, theirs.class_prior_)
    np.testing.assert_array_equal(mine.class_count_, theirs.class_count_)
    assert np.array_equal(mine.predict(X), theirs.predict(X))
    if kind != "strings":
        assert mine.predict(X).dtype == y.dtype
    assert mine.score(X, y) == theirs.score(X, y)


def test_priors_weights_and_probabilities(rng):
    w = rng.uniform(size=len(X))
    params = {"priors": np.array([0.2, 0.3, 0.5]), "var_smoothing": 1e-3}
    theirs = GaussianNB(**params).fit(X, SPECIES, w)
    mine = tessera.naive_bayes.GaussianNB(**params).fit(X, SPECIES, w)
    np.testing.assert_allclose(mine.theta_, theirs.theta_, rtol=1e-12)
    np.testing.assert_allclose(mine.var_, theirs.var_, rtol=1e-10)
    np.testing.assert_allclose(mine.class_count_, theirs.class_count_)
    for method in ["predict_proba", "predict_log_proba", "predict_joint_log_proba"]:
        np.testing.assert_allclose(getattr(mine, method)(X), getattr(theirs, method)(X), rtol=1e-9, atol=1e-12)
