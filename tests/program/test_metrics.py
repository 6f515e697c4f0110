"""`tessera metric` against sklearn.metrics: many metrics in each start of the program."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics

from program import read, tessera, write

N = 9001  # three leaves
ROWS = np.arange(N)


def noise(salt):
    """Numbers in [0, 1) that are functions of the row."""
    return np.modf(np.sin((ROWS + 1) * 12.9898 + salt * 78.233) * 43758.5453)[0] % 1.0


def labels(k, salt, right=0.7):
    truth = (noise(salt) * k).astype("i4")
    return truth, np.where(noise(salt + 1) < right, truth, (noise(salt + 2) * k).astype("i4"))


CLASSES = {
    "binary": labels(2, 1),
    "several": labels(5, 2),
    "text": tuple(np.array(["ash", "elm", "oak", "yew"])[y] for y in labels(4, 3)),
    "bool": tuple(y.astype(bool) for y in labels(2, 4)),
    "unseen": (labels(3, 5)[0], np.where(ROWS % 7 == 0, 9, labels(3, 5)[1])),
    "never": (labels(3, 5)[0], np.zeros(N, "i4")),
    "wide": (labels(2, 6)[0].astype("i8") + 2**60, labels(2, 6)[1].astype("i8") + 2**60),
    "float": tuple(y.astype("f4") for y in labels(3, 7)),
}
TARGETS = {
    "one": (noise(1) * 3 + 0.5, noise(1) * 3 + noise(2) * 0.4 + 0.3),
    "several": (np.c_[noise(3), noise(4) + 1, noise(5) * 9 + 1],
                np.c_[noise(3) + 0.1 * noise(6), noise(4) + 1.1, noise(5) * 8 + 1.2]),
    "single": ((noise(7) + 1).astype("f4"), (noise(7) + 1.1).astype("f4")),
    "constant": (np.full(N, 2.0), noise(8) + 1.5),
    "whole": ((noise(9) * 50).astype("i4") + 1, (noise(9) * 48).astype("i4") + 2),
}  # fmt: skip
AVERAGED = ["precision_score", "recall_score", "f1_score", "jaccard_score"]


def classification_cases(name):
    cases = [("accuracy_score", {}), ("accuracy_score", {"normalize": False}), ("zero_one_loss", {}),
             ("zero_one_loss", {"normalize": False}), ("hamming_loss", {}),
             ("balanced_accuracy_score", {}), ("balanced_accuracy_score", {"adjusted": True}),
             ("cohen_kappa_score", {}), ("cohen_kappa_score", {"weights": "linear"}),
             ("cohen_kappa_score", {"weights": "quadratic"}), ("matthews_corrcoef", {})]  # fmt: skip
    averages = ["micro", "macro", "weighted"] + (["binary"] if name in ("binary", "bool") else [])
    for average in averages:
        for zero in ("warn", 1, np.nan):
            cases += [(m, {"average": average, "zero_division": zero}) for m in AVERAGED
                      if m != "jaccard_score" or zero != zero or zero == "warn"]  # fmt: skip
        cases.append(("fbeta_score", {"average": average, "beta": 2.5}))
    return [(m, o) for m, o in cases if (m, o.get("zero_division")) != ("jaccard_score", np.nan)
            and not (m == "jaccard_score" and o.get("zero_division") != "warn")]  # fmt: skip


REGRESSION = [("r2_score", {}), ("r2_score", {"multioutput": "variance_weighted"}),
              ("explained_variance_score", {}),
              ("explained_variance_score", {"multioutput": "variance_weighted"}),
              ("mean_squared_error", {}), ("root_mean_squared_error", {}),
              ("mean_absolute_error", {}), ("mean_absolute_percentage_error", {}),
              ("mean_squared_log_error", {}), ("root_mean_squared_log_error", {}),
              ("mean_pinball_loss", {"alpha": 0.2})]  # fmt: skip
ONE_TARGET = [("mean_tweedie_deviance", {"power": -1.5}),
              ("mean_tweedie_deviance", {"power": 0}), ("mean_tweedie_deviance", {"power": 1.4}),
              ("mean_tweedie_deviance", {"power": 3}), ("mean_poisson_deviance", {}),
              ("mean_gamma_deviance", {}), ("d2_tweedie_score", {"power": 1})]  # fmt: skip
UNWEIGHTED = [("max_error", {}), ("median_absolute_error", {}), ("d2_pinball_score", {"alpha": 0.3}),
              ("d2_absolute_error_score", {})]  # fmt: skip


def words(options):
    flags = {("normalize", False): "--no-normalize", ("adjusted", True): "--adjusted"}
    return " ".join(
        flags.get((name, value)) or f"--{name.replace('_', '-')} {value}"
        for name, value in options.items()
    )


def stored(y):
    return y.astype("S") if y.dtype.kind == "U" else y


def check(cases, truth, predicted, weighted, tolerance, processes=(1, 3)):
    """The cases `(metric, options)` in one start of the program for each number of processes: the
    same bits, and as scikit-learn has them. Leaves y.h5; gives the weights."""
    w = noise(20) + 0.1 if weighted else None
    write("y.h5", t=stored(truth), p=stored(predicted), w=noise(20) + 0.1)
    weights = " --sample-weight y.h5:/w" if weighted else ""
    lines = [f"{metric} y.h5:/t y.h5:/p {words(options)}{weights}" for metric, options in cases]
    Path("cases").write_text("\n".join(lines))
    printed = {tessera("metric", "batch", "cases", processes=p).out for p in processes}
    assert len(printed) == 1, "not the same bits"
    for (metric, options), got in zip(cases, printed.pop().splitlines(), strict=True):
        own = {"sample_weight": w} if weighted else {}  # which some do not take
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = getattr(metrics, metric)(truth, predicted, **own, **options)
        np.testing.assert_allclose(float(got), want, **tolerance, err_msg=f"{metric} {options}")
    return w


def refused(cases):
    """What `METRIC A B [OPTION ...]` on datasets of y.h5 says."""
    for words, text in cases.items():
        metric, a, b, *options = words.split()
        failed = tessera("metric", metric, f"y.h5:/{a}", f"y.h5:/{b}", *options, expect=None)
        assert failed.code in (1, 2) and text in failed.err, (words, failed.err)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_labels(name, weighted):
    truth, predicted = CLASSES[name]
    w = check(classification_cases(name), truth, predicted, weighted, dict(rtol=1e-12, atol=1e-13))
    weights = ["--sample-weight", "y.h5:/w"] if weighted else []
    for normalize in ("none", "true", "pred", "all"):
        tessera("metric", "confusion_matrix", "y.h5:/t", "y.h5:/p", "--normalize", normalize,
                "--out", "c.h5", *weights, processes=2)  # fmt: skip
        want = metrics.confusion_matrix(
            truth, predicted, sample_weight=w, normalize=None if normalize == "none" else normalize
        )
        got = read("c.h5", "confusion_matrix")
        assert got.dtype == (np.int64 if normalize == "none" and not weighted else np.float64)
        np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", TARGETS)
def test_numbers(name, weighted):
    truth, predicted = TARGETS[name]
    cases = REGRESSION + (ONE_TARGET if truth.ndim == 1 else []) + ([] if weighted else UNWEIGHTED)
    cases = [case for case in cases if truth.ndim == 1 or case[0] != "max_error"]
    if name == "constant":  # by whose deviance scikit-learn divides
        cases = [case for case in cases if not case[0].startswith("d2_tweedie")]
    rtol = 1e-3 if truth.dtype == np.float32 else 1e-10  # which scikit-learn computes in
    check(cases, truth, predicted, weighted, dict(rtol=rtol, atol=1e-12))
    if truth.ndim == 2:
        tessera("metric", "mean_absolute_error", "y.h5:/t", "y.h5:/p", "--multioutput", "raw_values",
                "--out", "raw.h5")  # fmt: skip
        np.testing.assert_allclose(
            read("raw.h5", "mean_absolute_error"),
            metrics.mean_absolute_error(truth, predicted, multioutput="raw_values"),
        )


@pytest.mark.parametrize("name", ["several", "text", "binary", "float"])
def test_report(name):
    truth, predicted = CLASSES[name]
    write("y.h5", t=stored(truth), p=stored(predicted))
    report = tessera("metric", "classification_report", "y.h5:/t", "y.h5:/p", processes=2).out
    assert report.split() == metrics.classification_report(truth, predicted).split()


def test_page_is_the_table():
    page = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
    assert tessera("metric", "functions").out == page, "stale: --target metrics_page"


def test_errors():
    truth, predicted = CLASSES["several"]
    bad = TARGETS["one"][1].copy()
    bad[77] = np.nan
    write("y.h5", t=truth, p=predicted, short=predicted[:-1], text=CLASSES["text"][0].astype("S"),
          real=TARGETS["one"][0], bad=bad, negative=-TARGETS["one"][0],
          two=TARGETS["several"][0], none=truth[:0])  # fmt: skip
    refused({
        "accuracy_score t short": "inconsistent numbers of samples: [9001, 9000]",
        "accuracy_score t text": "should be of the same type",
        "accuracy_score none none": "y_true and y_pred have no rows",
        "accuracy_score real t": "Unknown label type: continuous",
        "f1_score t p": "Target is multiclass but average='binary'",
        "f1_score t p --average best": "one of binary, micro, macro, weighted, none",
        "fbeta_score t p --average micro --beta -1": "beta must be at least 0, got -1",
        "r2_score real bad": "y_pred contains NaN",
        "r2_score real two": "different number of output (1!=3)",
        "r2_score real text": "y_pred holds text",
        "mean_squared_log_error real negative": "mean_squared_log_error needs targets and predictions > -1",
        "mean_poisson_deviance real negative": "strictly positive y_pred",
        "mean_tweedie_deviance real real --power 0.5": "only defined for power<=0 and power>=1",
        "mean_pinball_loss real real --alpha 2": "alpha must be in [0, 1], got 2",
        "median_absolute_error real real --sample-weight y.h5:/real": "weighted medians are not supported",
    })


def probabilities(k, salt):
    """(n, k) probabilities with many equal rows, and labels that they fit somewhat."""
    p = np.stack([np.ceil(noise(salt + i) * 20) + 1 for i in range(k)], axis=1)
    return (p.argmax(axis=1) + (noise(salt + 9) > 0.6)) % k, p / p.sum(axis=1, keepdims=True)


SCORES = {
    "distinct": (labels(2, 1)[0], labels(2, 1)[0] * 0.4 + noise(30)),
    "ties": (labels(2, 2)[0], np.floor((labels(2, 2)[0] * 0.3 + noise(31)) * 10) - 4),
    "equal": (labels(2, 3)[0], np.full(N, -0.5)),
    "single": (labels(2, 4)[0] * 2 - 1, (labels(2, 4)[0] * 0.2 + noise(32)).astype("f4")),
    "zeros": (labels(2, 5)[0], np.where(noise(33) < 0.5, -0.0, 0.0) + (noise(34) > 0.8)),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", SCORES)
def test_scores(name, weighted):
    truth, score = SCORES[name]
    cases = [("roc_auc_score", {}), ("average_precision_score", {}),
             ("average_precision_score", {"pos_label": int(truth.min())}),
             ("top_k_accuracy_score", {"k": 1}), ("hinge_loss", {})]  # fmt: skip
    w = check(cases, truth, score, weighted, dict(rtol=1e-6 if name == "single" else 1e-11), (1, 3, 4))
    weights = ["--sample-weight", "y.h5:/w"] if weighted else []
    for processes in (1, 3):
        tessera("metric", "roc_curve", "y.h5:/t", "y.h5:/p", "--out", "roc.h5", "--keep-intermediate",
                *weights, processes=processes)  # fmt: skip
        tessera("metric", "precision_recall_curve", "y.h5:/t", "y.h5:/p", "--out", "pr.h5", *weights,
                processes=processes)  # fmt: skip
        want = metrics.roc_curve(truth, score, sample_weight=w, drop_intermediate=False)
        for part, expected in zip(("fpr", "tpr", "thresholds"), want):
            np.testing.assert_allclose(read("roc.h5", part), expected, rtol=1e-10, atol=1e-12)
        want = metrics.precision_recall_curve(truth, score, sample_weight=w)
        for part, expected in zip(("precision", "recall", "thresholds"), want):
            np.testing.assert_allclose(read("pr.h5", part), expected, rtol=1e-10, atol=1e-12)
    if not weighted:  # whole numbers: scikit-learn drops the same points
        tessera("metric", "roc_curve", "y.h5:/t", "y.h5:/p", "--out", "corners.h5", processes=2)
        for part, expected in zip(("fpr", "tpr", "thresholds"), metrics.roc_curve(truth, score)):
            np.testing.assert_allclose(read("corners.h5", part), expected, rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_probabilities(weighted):
    for k in (2, 4):
        truth, p = probabilities(k, 40 + k)
        given = p[:, 1] if k == 2 else p
        cases = [("log_loss", {}), ("log_loss", {"normalize": False}), ("brier_score_loss", {}),
                 ("top_k_accuracy_score", {"k": 1})]  # fmt: skip
        if k > 2:
            cases += [("top_k_accuracy_score", {"k": 2}), ("hinge_loss", {})]
            cases += [("roc_auc_score", {"multi_class": m, "average": a}) for a in ("macro", "weighted")
                      for m in (("ovr",) if weighted else ("ovr", "ovo"))]  # fmt: skip
        check(cases, truth, given, weighted, dict(rtol=1e-11))


def test_scores_that_are_refused():
    truth, p = probabilities(3, 50)
    bad = p[:, 0].copy()
    bad[5] = np.inf
    write("y.h5", t=truth, p=p, bad=bad, two=truth % 2, one=truth * 0, p0=p[:, 0], p2=2 * p)
    refused({
        "roc_auc_score t p0": "multi_class must be in ('ovo', 'ovr')",
        "roc_auc_score t p2 --multi-class ovr": "sum up to 1.0 over classes",
        "roc_auc_score t p --multi-class ovo --sample-weight y.h5:/p0": "sample_weight is not supported",
        "roc_auc_score two bad": "scores contains infinity",
        "average_precision_score t p0": "multiclass format is not supported",
        "average_precision_score two p0 --pos-label 7": "pos_label=7 is not a valid label",
        "log_loss t p2": "probabilities in [0, 1]",
        "log_loss t p0": "Number of classes in y_true not equal to the number of columns",
        "log_loss one p0": "contains only one label",
        "top_k_accuracy_score t p --k 0": "at least 1",
    })
    only = tessera("metric", "roc_auc_score", "y.h5:/one", "y.h5:/p0", processes=2)
    assert only.out == "nan\n" and "UndefinedMetricWarning: Only one class" in only.err
