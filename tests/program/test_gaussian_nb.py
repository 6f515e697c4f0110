"""GaussianNB from the command line: labels of every kind that files have, partial fits, what is no label."""

import numpy as np
import pytest
from program import Fitted, read, show, tessera, value_of, write
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB

X, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])
LABELS = {
    "int64": SPECIES * 10**15,
    "uint8": SPECIES.astype("u1"),
    "float32": SPECIES.astype("f4") - 1,
    "bool": SPECIES == 1,
    "bytes": NAMES[SPECIES].astype("S"),
    "strings": NAMES[SPECIES].astype(object),
}


def plain(labels):
    return np.array([v.decode() if isinstance(v, bytes) else v for v in labels])


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind):
    y = LABELS[kind]
    mine = Fitted("GaussianNB", X, y)
    assert list(mine.classes_) == list(np.unique(plain(y)))
    predicted = mine.predict(X)
    assert np.array_equal(plain(predicted), GaussianNB().fit(X, plain(y)).predict(X))
    if kind not in ("bytes", "strings"):
        assert predicted.dtype == y.dtype


def test_what_is_no_label():
    write("bad.h5", X=X, y=X[:, 0], text=np.array([b"a"] * len(X)))
    fit = ["fit", "GaussianNB", "bad.h5:/X", "--model", "m.tessera", "--y"]
    assert "Unknown label type: continuous" in tessera(*fit, "bad.h5:/y", expect=1).err
    regression = ["fit", "LinearRegression", "bad.h5:/X", "--model", "m.tessera", "--y"]
    assert "could not convert string to float: 'a'" in tessera(
        *regression, "bad.h5:/text", expect=1
    ).err


def test_a_model_of_words_is_a_file_like_any(rng):
    Fitted("GaussianNB", X, LABELS["strings"], processes=3)
    three = open("model.tessera", "rb").read()
    mine = Fitted("GaussianNB", X, LABELS["strings"], processes=1)
    assert open("model.tessera", "rb").read() == three
    tessera("predict", "model.tessera", "fit.h5:/X", "--stream", "--out", "s.h5:/y", processes=2)
    assert np.array_equal(plain(read("s.h5", "y")), plain(mine.predict(X)))


def test_partial_fit_goes_on_with_a_model():
    order = np.random.default_rng(0).permutation(len(X))
    for kind, classes in [("int64", "0,1000000000000000,2000000000000000"),
                          ("strings", "virginica,setosa,versicolor")]:
        model = f"{kind}.tessera"
        theirs, known = GaussianNB(), np.unique(plain(LABELS[kind]))
        for step, rows in enumerate([order[:40], order[40:41], order[41:]]):
            y = plain(LABELS[kind])[rows]
            write("part.h5", X=X[rows], y=LABELS[kind][rows])
            part = ["partial-fit", "GaussianNB", "part.h5:/X", "--y", "part.h5:/y", "--model", model]
            if step == 0:
                err = tessera(*part, expect=1).err
                assert "classes must be passed on the first call to partial_fit." in err
            more = ["--classes", classes] if step != 1 else []
            tessera(*part, *more, processes=1 + step)
            theirs.partial_fit(X[rows], y, known)
        mine = {name: value_of(v) for name, v in show(model)["attributes"].items()}
        np.testing.assert_allclose(mine["theta_"], theirs.theta_, rtol=1e-12)
        np.testing.assert_allclose(mine["var_"], theirs.var_, rtol=1e-9)
        np.testing.assert_array_equal(mine["class_count_"], theirs.class_count_)
    before = open(model, "rb").read()
    err = tessera(*part, "--classes", "setosa,virginica", expect=1).err
    assert "classes are not those of the first call to partial_fit" in err
    write("part.h5", X=X, y=LABELS["int64"])
    assert "y holds numbers, but the classes of GaussianNB are text" in tessera(*part, expect=1).err
    assert open(model, "rb").read() == before
