"""tessera.metrics against sklearn.metrics, the same bits on any number of processes."""

import os
import warnings

import numpy as np
import pytest
import tessera
import tessera.preprocessing
from metric_cases import (
    CLASSES,
    PREDICTED_SETS,
    REGRESSION,
    SCORES,
    SET_SCORES,
    SETS,
    TARGETS,
    classification_cases,
    noise,
    probabilities,
    probability_cases,
    regression_cases,
    score_cases,
    set_cases,
    set_score_cases,
)
from sklearn import metrics

pytestmark = pytest.mark.filterwarnings("ignore")  # as of what is undefined
WEIGHTED = pytest.mark.parametrize("weighted", [False, True])


@pytest.fixture
def check(request, of_one, everyones):
    """Checks `(metric, options)` on truth and predictions; what they gave has an index of its own."""
    number = 0

    def check_all(cases, truth, predicted, weighted, rtol, atol=0.0):
        nonlocal number
        own = {"sample_weight": noise(20)[: len(truth)] + 0.1} if weighted else {}  # which some do not take
        for metric, options in cases:
            what = f"{metric} {options}"
            got = getattr(tessera.metrics, metric)(truth, predicted, **own, **options)
            parts = got if isinstance(got, tuple) else (got,)
            bits = [np.asarray(part).tobytes() for part in parts]
            assert everyones(bits) == [bits] * tessera.size(), what
            assert bits == of_one((request.node.name, number), bits), f"{what}: not the bits of one process"
            number += 1
            if tessera.size() > 1 and "TOGETHER_BITS" in os.environ:
                continue  # the others have these bits
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                want = getattr(metrics, metric)(truth, predicted, **own, **options)
            for part, expected in zip(parts, want if isinstance(want, tuple) else (want,), strict=True):
                assert np.shape(part) == np.shape(expected), what
                np.testing.assert_allclose(part, expected, rtol=rtol, atol=atol, err_msg=what)
        return got

    return check_all


@WEIGHTED
@pytest.mark.parametrize("name", CLASSES)
def test_labels(name, weighted, check):
    truth, predicted = CLASSES[name]
    check(classification_cases(name), truth, predicted, weighted, rtol=1e-12, atol=1e-13)
    for normalize in (None, "true", "pred", "all"):
        got = check([("confusion_matrix", {"normalize": normalize})], truth, predicted, weighted, rtol=1e-12)
        assert got.dtype == (np.float64 if normalize or weighted else np.int64)


@WEIGHTED
@pytest.mark.parametrize("name", TARGETS)
def test_numbers(name, weighted, check):
    truth, predicted = TARGETS[name]
    rtol = 1e-3 if truth.dtype == np.float32 else 1e-10  # which scikit-learn computes in
    cases = regression_cases(name, weighted)
    if truth.ndim == 2:
        cases = [*cases, ("mean_absolute_error", {"multioutput": "raw_values"})]
    check(cases, truth, predicted, weighted, rtol, atol=1e-12)


@WEIGHTED
@pytest.mark.parametrize("name", SCORES)
def test_scores(name, weighted, check):
    truth, score = SCORES[name]
    check(score_cases(truth), truth, score, weighted, rtol=1e-6 if name == "single" else 1e-11)
    curves = [("roc_curve", {"drop_intermediate": False}), ("precision_recall_curve", {})]
    # Of whole numbers scikit-learn drops the same points.
    curves += [] if weighted else [("roc_curve", {})]
    check(curves, truth, score, weighted, rtol=1e-10, atol=1e-12)


@WEIGHTED
@pytest.mark.parametrize("k", [2, 4])
def test_probabilities(k, weighted, check):
    truth, p = probabilities(k, 40 + k)
    check(probability_cases(k, weighted), truth, p[:, 1] if k == 2 else p, weighted, rtol=1e-11)


@WEIGHTED
@pytest.mark.parametrize("dtype", ["bool", "i8", "f4"])
def test_several_labels_a_row(dtype, weighted, check):
    truth, predicted = SETS.astype(dtype), PREDICTED_SETS.astype(dtype)
    check(set_cases(), truth, predicted, weighted, rtol=1e-12, atol=1e-13)
    if dtype != "i8":
        return
    few = slice(4500)  # scikit-learn goes through them one by one
    mixed = (SETS.any(axis=1) & ~SETS.all(axis=1))[few, None]
    some = np.where(mixed, truth[few], np.eye(4, dtype=dtype)[0])
    cases = set_score_cases()
    check(cases, some, SET_SCORES[few], weighted, rtol=1e-10)
    ranks = [case for case in cases if "label_ranking" in case[0] or "coverage" in case[0]]
    check(ranks, truth[few], SET_SCORES[few], weighted, rtol=1e-11)


def test_ranks_of_each_row():
    mixed = np.flatnonzero(SETS.any(axis=1) & ~SETS.all(axis=1))[::53]
    truth, score, w = SETS[mixed], SET_SCORES[mixed], noise(20)[mixed] + 0.1
    for metric in "roc_auc_score", "average_precision_score":
        for weights in None, w:
            got, want = (getattr(module, metric)(truth, score, average="samples", sample_weight=weights)
                         for module in (tessera.metrics, metrics))  # fmt: skip
            np.testing.assert_allclose(got, want, rtol=1e-12)
    apart = score + np.arange(4) / 100  # scikit-learn leaves the order of ties open
    got, want = (m.dcg_score(truth.astype(float), apart, ignore_ties=True) for m in (tessera.metrics, metrics))
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("curve", ["roc_curve", "det_curve", "precision_recall_curve"])
def test_rows_of_weight_0(curve):
    truth, score = SCORES["distinct"]
    for y, s, w in ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], [1, 0, 1, 1]), (truth, score, np.arange(len(truth)) % 3 % 2):
        options = {"drop_intermediate": False} if curve != "precision_recall_curve" else {}
        got, want = (getattr(m, curve)(y, s, sample_weight=w, **options) for m in (tessera.metrics, metrics))
        for mine, other in zip(got, want, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-12)
    for metric in curve, "roc_auc_score", "average_precision_score":
        for module in tessera.metrics, metrics:
            with pytest.raises(ValueError, match="must contain at least one non-zero number"):
                getattr(module, metric)(truth, score, sample_weight=np.zeros(len(truth)))


def test_the_positive_label():
    for labels in [1, 2], [0, 2], ["a", "b"], [-1, 0]:
        y, s = np.array(labels)[[0, 1, 0, 1]], [0.1, 0.2, 0.3, 0.4]
        for curve in "roc_curve", "det_curve", "precision_recall_curve":
            for module in tessera.metrics, metrics:
                with pytest.raises(ValueError, match="y_true takes value in {.*} and pos_label is not specified"):
                    getattr(module, curve)(y, s)
            got, want = (getattr(m, curve)(y, s, pos_label=y[0].item()) for m in (tessera.metrics, metrics))
            for mine, other in zip(got, want, strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-12)
        if labels == [1, 2]:
            got, want = (m.average_precision_score(y, s) for m in (tessera.metrics, metrics))
            np.testing.assert_allclose(got, want, rtol=1e-12)
        else:
            for module in tessera.metrics, metrics:
                with pytest.raises(ValueError, match="pos_label=1 is not a valid label"):
                    module.average_precision_score(y, s)


def test_report_of_several_labels():
    got, want = (module.classification_report(SETS, PREDICTED_SETS, zero_division=0) for module in (tessera.metrics, metrics))
    assert got.split() == want.split()


@pytest.mark.parametrize("call,text", [
    (lambda m: m.f1_score(SETS, PREDICTED_SETS), "Target is multilabel-indicator but average='binary'"),
    (lambda m: m.f1_score(SETS[:, 0], SETS[:, 1], average="samples"), "not available outside of multilabel"),
    (lambda m: m.accuracy_score(SETS, SETS[:, 0]), "a mix of one label a row and several"),
    (lambda m: m.matthews_corrcoef(SETS, SETS), "multilabel-indicator is not supported"),
    (lambda m: m.hamming_loss(SETS * 2, SETS * 2), "labels of several columns must be 0 and 1"),
    (lambda m: m.recall_score(SETS, SETS, average="macro", labels=[7]), r"All labels must be in \[0, n labels\)"),
    (lambda m: m.recall_score(SETS, SETS, average="samples", labels=[7]), r"All labels must be in \[0, n labels\)"),
    (lambda m: m.roc_auc_score(SETS, SET_SCORES[:, :3]), r"must be \(n, k\) alike"),
    (lambda m: m.ndcg_score(SET_SCORES - 1, SET_SCORES), "ndcg_score needs a y_true of 0 and more, got negative values"),
    (lambda m: m.ndcg_score(SET_SCORES[:, :1], SET_SCORES[:, :1]), "ndcg_score needs 2 columns or more, got 1"),
    (lambda m: m.dcg_score(SET_SCORES, SET_SCORES, log_base=1.0), "log_base must be above 0 and not 1"),
    (lambda m: m.coverage_error(SETS, np.where(SET_SCORES > 1.5, np.nan, SET_SCORES)), "y_score contains NaN"),
])  # fmt: skip
def test_several_labels_refuse(call, text):
    with pytest.raises(ValueError, match=text):
        call(tessera.metrics)


@pytest.mark.parametrize("name", ["mean_tweedie_deviance", "mean_poisson_deviance", "mean_gamma_deviance", "d2_tweedie_score"])
def test_deviances_are_of_one_target(name):
    y = noise(1)[:, None] + 0.5
    for module in tessera.metrics, metrics:
        with pytest.raises(ValueError, match=f"Multioutput not supported in {'mean_tweedie_deviance' if 'mean' in name else name}"):
            getattr(module, name)(np.c_[y, y], np.c_[y, y + 1])
    np.testing.assert_allclose(*(getattr(m, name)(y, y + 0.5) for m in (tessera.metrics, metrics)), rtol=1e-12)


@pytest.mark.parametrize("name", [*dict(REGRESSION)])
@pytest.mark.parametrize("bad, text", [(np.nan, "contains NaN"), (np.inf, "contains infinity")])
def test_weights_have_values(name, bad, text):
    y, weights = np.arange(5.0), np.ones(5)
    weights[3] = bad
    with pytest.raises(ValueError, match=f"sample_weight {text}"):
        getattr(tessera.metrics, name)(y, y + 1, sample_weight=weights)


@pytest.mark.parametrize("size", [1e-200, 1e-3, 1.0, 1e200])
@WEIGHTED
def test_shares_of_variance_at_any_size(size, weighted):
    """Squares leave the range of float64; and a target far from 0."""
    truth, predicted = TARGETS["several"]
    own = {"sample_weight": noise(20) + 0.1} if weighted else {}
    for how in {}, {"multioutput": "raw_values"}, {"multioutput": "variance_weighted"}:
        for metric in "r2_score", "explained_variance_score":
            want = getattr(metrics, metric)(truth, predicted, **own, **how)
            np.testing.assert_allclose(getattr(tessera.metrics, metric)(truth * size, predicted * size, **own, **how), want, rtol=1e-9)
            if size == 1.0:
                np.testing.assert_allclose(getattr(tessera.metrics, metric)(truth + 1e6, predicted + 1e6, **own, **how), want, rtol=1e-7)


def test_shares_of_no_variance():
    for truth in np.full(5000, 0.1), np.zeros(5000):  # of which the mean is 0.1, whatever sums are rounded to
        for predicted, want in (truth, {True: 1.0, False: np.nan}), (truth + noise(3)[:5000], {True: 0.0, False: -np.inf}):
            for metric in "r2_score", "explained_variance_score":
                for finite in want:
                    np.testing.assert_equal(getattr(tessera.metrics, metric)(truth, predicted, force_finite=finite), want[finite])


WORDS = ["oak", "", "Ash", "ßüß", "elm\u4e2d", "ash", "a much longer word than the others"]


@pytest.mark.parametrize("kind", ["U", "object", "S", "swapped", "strided", "list", "numpy's", "column"])
def test_labels_of_text_in_any_form(kind):
    words = np.array(WORDS if kind != "S" else [w for w in WORDS if w.isascii()])
    truth, predicted = (words[(noise(salt) * len(words)).astype(int)] for salt in (1, 2))
    form = {"object": lambda x: x.astype(object), "S": lambda x: x.astype("S"), "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
            "strided": lambda x: np.c_[x, x][:, 1], "list": list, "numpy's": lambda x: np.array(list(x), dtype=object),
            "column": lambda x: x[:, None]}.get(kind, lambda x: x)  # fmt: skip
    want = (truth == predicted).mean()
    assert tessera.metrics.accuracy_score(form(truth), form(predicted)) == want
    np.testing.assert_array_equal(tessera.metrics.confusion_matrix(form(truth), form(predicted)), metrics.confusion_matrix(truth, predicted))
    model = tessera.preprocessing.LabelEncoder().fit(form(truth))
    np.testing.assert_array_equal(model.classes_.astype(str), np.unique(truth))
    np.testing.assert_array_equal(model.transform(form(predicted)), np.searchsorted(np.unique(truth), predicted))


def test_many_different_words():
    words = np.array([f"{i * 7919 % 30011:x}" for i in range(30011)])
    x = tessera.asarray(words)
    np.testing.assert_array_equal(np.asarray(x), words)
    np.testing.assert_array_equal(tessera.asarray(words.astype(object)).categories, np.unique(words))
    with pytest.raises(TypeError, match="must hold strings alone"):
        tessera.asarray(np.array(["a", 1, "b"], dtype=object))
