"""Linear models, classifiers and naive Bayes from the command line: labels of text, every method."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LassoCV, LogisticRegression, RidgeCV, lasso_path
from sklearn.metrics import accuracy_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.preprocessing import StandardScaler, TargetEncoder

from program import Fitted, read, show, tessera, write

X, Y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)
words = np.array(["rouge", "rosé", "blanc"])[Y]


def words_in_file(kind):
    """wine.h5:/y as strings of variable or of fixed length, in UTF-8 or ASCII, or out of a table of text."""
    if kind == "csv":
        Path("wine.csv").write_text("colour,n\n" + "".join(f"{word},{i}\n" for i, word in enumerate(words)), encoding="utf-8")
        return tessera("convert", "wine.csv", "wine.h5:/y", "--columns", "colour", processes=2)
    dtypes = {"variable": h5py.string_dtype(), "fixed": h5py.string_dtype(length=7), "ascii": "S7"}
    text = [(word.replace("é", "e") if kind == "ascii" else word).encode() for word in words]
    with h5py.File("wine.h5", "a") as file:
        file.create_dataset("y", data=text, dtype=dtypes[kind])


@pytest.mark.parametrize("kind, processes", [("variable", 1), ("variable", 3), ("fixed", 3), ("ascii", 2), ("csv", 1)])
def test_labels_of_text(kind, processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("wine.h5", X=X)
    words_in_file(kind)
    labels = np.char.replace(words, "é", "e") if kind == "ascii" else words
    theirs = LogisticRegression(C=0.3, tol=1e-8, class_weight={"blanc": 2.0}).fit(X, labels)
    tessera("fit", "LogisticRegression", "wine.h5:/X", "--y", "wine.h5:/y", "--C", "0.3", "--tol", "1e-8",
            "--class-weight", "{'blanc': 2.0}", "--model", "m.tessera", processes=processes)  # fmt: skip
    for command, want in [("predict-proba", theirs.predict_proba(X)), ("decision-function", theirs.decision_function(X)),
                          ("predict-log-proba", theirs.predict_log_proba(X))]:  # fmt: skip
        tessera(command, "m.tessera", "wine.h5:/X", "--out", f"{command}.h5:/out", processes=processes)
        np.testing.assert_allclose(read(f"{command}.h5", "out"), want, atol=1e-5)
    tessera("predict", "m.tessera", "wine.h5:/X", "--out", "p.h5:/labels", processes=processes)
    with h5py.File("p.h5") as file:
        np.testing.assert_array_equal(file["labels"].asstr()[:], theirs.predict(X))
    shown = show("m.tessera", "--full")
    assert shown["attributes"]["classes_"] == sorted(set(labels))
    assert float(tessera("score", "m.tessera", "wine.h5:/X", "--y", "wine.h5:/y").out) == theirs.score(X, labels)
    accuracy = tessera("metric", "accuracy_score", "wine.h5:/y", "p.h5:/labels", processes=processes).out
    assert float(accuracy) == accuracy_score(labels, theirs.predict(X))


def test_lists_as_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    A, b = load_diabetes(return_X_y=True)
    lasso = Fitted("LassoCV", A, b, alphas="[1.0, 0.1, 0.01]", cv=3)
    np.testing.assert_allclose(lasso.coef_, LassoCV(alphas=[1.0, 0.1, 0.01], cv=3).fit(A, b).coef_, rtol=1e-7)
    ridge = Fitted("RidgeCV", A, b, alphas="(0.5, 5.0)", processes=1)
    np.testing.assert_allclose(ridge.coef_, RidgeCV((0.5, 5.0)).fit(A, b).coef_, rtol=1e-7)


def test_partial_fit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counts = np.round(np.exp(X))
    write("parts.h5", X1=counts[:90], y1=Y[:90], X2=counts[90:], y2=Y[90:])
    for part, more in ("1", ["--classes", "0,1,2"]), ("2", []):
        tessera("partial-fit", "MultinomialNB", f"parts.h5:/X{part}", "--y", f"parts.h5:/y{part}", *more,
                "--model", "nb.tessera", processes=int(part))  # fmt: skip
    whole = MultinomialNB().fit(counts, Y)
    np.testing.assert_allclose(np.array(show("nb.tessera", "--full")["attributes"]["feature_log_prob_"]["data"]).reshape(3, -1),
                               whole.feature_log_prob_, rtol=1e-12)  # fmt: skip


def test_fit_transform_and_paths(tmp_path, monkeypatch):
    """What fit_transform gives is not what transform gives afterwards: each row by the other folds."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    codes, y = rng.integers(0, 7, (900, 2)), rng.normal(size=900)
    write("t.h5", X=codes, y=y, Z=rng.normal(size=(900, 5)))
    tessera("fit", "TargetEncoder", "t.h5:/X", "--y", "t.h5:/y", "--random-state", "0", "--model", "t.tessera",
            "--transformed", "out.h5:/crossed", processes=3)  # fmt: skip
    tessera("transform", "t.tessera", "t.h5:/X", "--out", "out.h5:/plain", processes=2)
    encoder = TargetEncoder(random_state=0)
    np.testing.assert_allclose(read("out.h5", "crossed"), encoder.fit_transform(codes, y), rtol=1e-10)
    np.testing.assert_allclose(read("out.h5", "plain"), encoder.transform(codes), rtol=1e-10)
    tessera("linear-model", "lasso_path", "t.h5:/Z", "t.h5:/y", "--n-alphas", "12", "--tol", "1e-9", "--out", "path.h5", processes=3)
    alphas, coefs, _ = lasso_path(read("t.h5", "Z"), y, alphas=12, tol=1e-9)
    np.testing.assert_allclose(read("path.h5", "alphas"), alphas, rtol=1e-10)
    np.testing.assert_allclose(read("path.h5", "coefs"), coefs, atol=1e-6)
