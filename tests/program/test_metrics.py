"""`tessera metric`: what the command line adds to the functions, which tests/together/test_metrics.py compares
with sklearn.metrics."""

import json
import re
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
from metric_cases import (
    AVERAGED,
    CLASSES,
    SCORES,
    SET_SCORES,
    SETS,
    TARGETS,
    classification_cases,
    labels,
    noise,
    probabilities,
    probability_cases,
    regression_cases,
    score_cases,
)
from program import read, tessera, write
from sklearn import metrics


def words(options):
    flags = {("normalize", False): "--no-normalize", ("adjusted", True): "--adjusted"}
    return " ".join(
        flags.get((name, value)) or f"--{name.replace('_', '-')} {value}"
        for name, value in options.items()
    )


def stored(y):
    return y.astype("S") if y.dtype.kind == "U" else y


def check(cases, truth, predicted, weighted, tolerance):
    """The cases `(metric, options)` in one start of the program, as scikit-learn has them."""
    w = noise(20) + 0.1 if weighted else None
    write("y.h5", t=stored(truth), p=stored(predicted), w=noise(20) + 0.1)
    weights = " --sample-weight y.h5:/w" if weighted else ""
    lines = [f"{metric} y.h5:/t y.h5:/p {words(options)}{weights}" for metric, options in cases]
    Path("cases").write_text("\n".join(lines))
    printed = tessera("metric", "batch", "cases", processes=3).out
    for (metric, options), got in zip(cases, printed.splitlines(), strict=True):
        own = {"sample_weight": w} if weighted else {}  # which some do not take
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = getattr(metrics, metric)(truth, predicted, **own, **options)
        np.testing.assert_allclose(float(got), want, **tolerance, err_msg=f"{metric} {options}")


def refused(cases):
    """What `METRIC A B [OPTION ...]` on datasets of y.h5 says."""
    for words, text in cases.items():
        metric, a, b, *options = words.split()
        failed = tessera("metric", metric, f"y.h5:/{a}", f"y.h5:/{b}", *options, expect=None)
        assert failed.code in (1, 2) and text in failed.err, (words, failed.err)


@pytest.mark.parametrize("weighted", [False, True])
def test_every_metric_and_option(weighted):
    check(classification_cases("text"), *CLASSES["text"], weighted, dict(rtol=1e-12, atol=1e-13))
    check(regression_cases("one", weighted), *TARGETS["one"], weighted, dict(rtol=1e-10, atol=1e-12))
    truth, score = SCORES["ties"]
    check(score_cases(truth), truth, score, weighted, dict(rtol=1e-11))
    check(probability_cases(4, weighted), *probabilities(4, 44), weighted, dict(rtol=1e-11))


def call_of(line):
    """A line of docs/metrics.md as a call on every kind of data: its words and what sklearn.metrics is given."""
    name, first, second = re.match(r"\| `(\w+)`.*?\| (\w+) \(.*?\), (\w+) \(", line).groups()
    options = {"fbeta_score": {"beta": 2.0}}.get(name, {})
    if first == "x":
        data = "ascending", "real"
    elif "(n, k)" in line.split("|")[2]:
        data = "sets", "scores"
    elif "the targets" in line:
        data = "real", "close"
    elif second in ("y_pred", "y2"):
        data = "one", "other"
    else:
        data = "one", "probability"
    return name, data, options


def test_every_metric_of_the_page():
    """Every one is called by the program, and gives what scikit-learn's does."""
    real, close = TARGETS["one"]
    data = dict(zip(("one", "other"), CLASSES["binary"])) | {"real": real, "close": close, "ascending": np.sort(real),
                "sets": SETS.astype("i4"), "scores": SET_SCORES, "probability": noise(9)}  # fmt: skip
    write("y.h5", **data)
    page = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
    calls = [call_of(line) for line in page.splitlines() if line.startswith("| `")]
    assert {name for name, *_ in calls} >= {"auc", "log_loss", "r2_score", "ndcg_score"} and len(calls) == 51
    refused({"classification_report one other --out c.h5": "gives text, which is printed: leave out --out"})
    lines = [f"{name} y.h5:/{a} y.h5:/{b} {words(options)}" + f" --out {name}.h5" * (name != "classification_report")
             for name, (a, b), options in calls]  # fmt: skip
    Path("cases").write_text("\n".join(lines))
    printed = tessera("metric", "batch", "cases", processes=3).out
    for name, (a, b), options in calls:
        want = getattr(metrics, name)(data[a], data[b], **options)
        if isinstance(want, str):
            assert " ".join(want.split()) in " ".join(printed.split())
            continue
        with h5py.File(f"{name}.h5") as file:
            names = sorted(file, key=lambda n: page.index(f"`{n}`", page.index(f"| `{name}`")))
            got = [file[each][()] for each in names]
        want = want if isinstance(want, tuple) else (want,)
        for mine, theirs in zip(got, want, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12, err_msg=name)


def test_options_that_are_words_or_numbers():
    truth, predicted = TARGETS["several"]
    y, p = probabilities(3, 46)
    few = p.argmax(axis=1) < 2  # rows without the third label
    write("y.h5", t=truth, p=predicted, y=y[few] % 2, P=p[few], all=[0, 1, 2], one=CLASSES["binary"][0], other=CLASSES["binary"][1],
          names=[b"no", b"yes"])  # fmt: skip
    weighted = tessera("metric", "mean_absolute_error", "y.h5:/t", "y.h5:/p", "--multioutput", "0.2,0.3,0.5", processes=2)
    np.testing.assert_allclose(float(weighted.out), metrics.mean_absolute_error(truth, predicted, multioutput=[0.2, 0.3, 0.5]))
    refused({"r2_score t p --multioutput 1,2": "multioutput has 2 weights, there are 3 targets",
             "r2_score t p --multioutput 1,x": "must be one of uniform_average, raw_values, variance_weighted, or numbers"})  # fmt: skip
    loss = tessera("metric", "log_loss", "y.h5:/y", "y.h5:/P", "--labels", "y.h5:/all", processes=3)
    np.testing.assert_allclose(float(loss.out), metrics.log_loss(y[few] % 2, p[few], labels=[0, 1, 2]))
    report = json.loads(tessera("metric", "classification_report", "y.h5:/one", "y.h5:/other", "--output-dict",
                                "--target-names", "y.h5:/names").out)  # fmt: skip
    assert report == metrics.classification_report(*CLASSES["binary"], output_dict=True, target_names=["no", "yes"])
    ratios = tessera("metric", "class_likelihood_ratios", "y.h5:/one", "y.h5:/one", "--replace-undefined-by", "7", "0.5")
    assert ratios.out == "positive 7\nnegative 0\n"


def test_arrays_go_into_files():
    truth, predicted = CLASSES["text"]
    write("y.h5", t=stored(truth), p=stored(predicted), truth=SCORES["ties"][0], score=SCORES["ties"][1],
          Y=TARGETS["several"][0], P=TARGETS["several"][1])  # fmt: skip
    for normalize, dtype in ("none", np.int64), ("true", np.float64):
        tessera("metric", "confusion_matrix", "y.h5:/t", "y.h5:/p", "--normalize", normalize, "--out", "c.h5", processes=2)
        want = metrics.confusion_matrix(truth, predicted, normalize=None if normalize == "none" else normalize)
        got = read("c.h5", "confusion_matrix")
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=1e-12)
    words = ["y.h5:/Y", "y.h5:/P", "--multioutput", "raw_values", "--out", "raw.h5"]
    tessera("metric", "mean_absolute_error", *words)
    want = metrics.mean_absolute_error(*TARGETS["several"], multioutput="raw_values")
    np.testing.assert_allclose(read("raw.h5", "mean_absolute_error"), want)
    tessera("metric", "det_curve", "y.h5:/truth", "y.h5:/score", "--out", "det.h5", processes=3)
    for part, expected in zip(("fpr", "fnr", "thresholds"), metrics.det_curve(*SCORES["ties"])):
        np.testing.assert_allclose(read("det.h5", part), expected, rtol=1e-10, atol=1e-12)
    for options, dropped in ([], True), (["--keep-intermediate"], False):
        tessera("metric", "roc_curve", "y.h5:/truth", "y.h5:/score", "--out", "roc.h5", *options, processes=3)
        want = metrics.roc_curve(*SCORES["ties"], drop_intermediate=dropped)
        for part, expected in zip(("fpr", "tpr", "thresholds"), want):
            np.testing.assert_allclose(read("roc.h5", part), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["several", "text", "binary", "float"])
def test_report(name):
    truth, predicted = CLASSES[name]
    write("y.h5", t=stored(truth), p=stored(predicted))
    report = tessera("metric", "classification_report", "y.h5:/t", "y.h5:/p", processes=2).out
    assert report.split() == metrics.classification_report(truth, predicted).split()


@pytest.mark.parametrize("name", ["several", "text"])
def test_chosen_labels(name):
    """Some of the labels, in another order, and one that no row has."""
    truth, predicted = CLASSES[name]
    chosen = np.array(["yew", "box", "ash"] if truth.dtype.kind == "U" else [3, 77, 0])
    write("y.h5", t=stored(truth), p=stored(predicted), labels=stored(chosen))
    cases = [(m, {"average": a, "zero_division": 0}) for m in AVERAGED for a in ("micro", "macro", "weighted")]
    lines = [f"{m} y.h5:/t y.h5:/p {words(o)} --labels y.h5:/labels" for m, o in cases]
    Path("cases").write_text("\n".join(lines))
    got = tessera("metric", "batch", "cases", processes=3).out.splitlines()
    for (metric, options), a in zip(cases, got, strict=True):
        want = getattr(metrics, metric)(truth, predicted, labels=chosen, **options)
        np.testing.assert_allclose(float(a), want, rtol=1e-12, err_msg=f"{metric} {options}")
    tessera("metric", "confusion_matrix", "y.h5:/t", "y.h5:/p", "--labels", "y.h5:/labels",
            "--out", "c.h5", processes=2)  # fmt: skip
    want = metrics.confusion_matrix(truth, predicted, labels=chosen)
    np.testing.assert_array_equal(read("c.h5", "confusion_matrix"), want)
    report = tessera("metric", "classification_report", "y.h5:/t", "y.h5:/p", "--labels", "y.h5:/labels",
                     "--zero-division", "0", processes=2).out  # fmt: skip
    want = metrics.classification_report(truth, predicted, labels=chosen, zero_division=0)
    assert report.split() == want.split()


def test_many_labels():
    """More labels than a matrix is made of: what needs sums by class only takes them."""
    truth, predicted = labels(5000, 8)
    cases = [("accuracy_score", {}), ("balanced_accuracy_score", {}), ("matthews_corrcoef", {}),
             ("f1_score", {"average": "macro", "zero_division": 0})]  # fmt: skip
    check(cases, truth, predicted, False, dict(rtol=1e-12))
    failed = tessera("metric", "cohen_kappa_score", "y.h5:/t", "y.h5:/p", processes=2, expect=1)
    assert "different labels, more than the 4096 of which a matrix is made" in failed.err


def test_page_is_the_table():
    page = (Path(__file__).parents[2] / "docs/metrics.md").read_text()
    assert tessera("metric", "functions").out == page, "stale: --target metrics_page"


def test_errors():
    truth, predicted = CLASSES["several"]
    bad = TARGETS["one"][1].copy()
    bad[77] = np.nan
    write("y.h5", t=truth, p=predicted, short=predicted[:-1], text=CLASSES["text"][0].astype("S"),
          real=TARGETS["one"][0], bad=bad, negative=-TARGETS["one"][0],
          two=TARGETS["several"][0], none=truth[:0], hundreds=np.arange(3) * 100 + 500)  # fmt: skip
    refused({
        "accuracy_score t short": "inconsistent numbers of samples: [9001, 9000]",
        "accuracy_score t text": "should be of the same type",
        "accuracy_score none none": "y_true and y_pred have no rows",
        "accuracy_score real t": "Unknown label type: continuous",
        "f1_score t p": "Target is multiclass but average='binary'",
        "f1_score t p --average best": "one of binary, micro, macro, weighted, samples, none",
        "fbeta_score t p --average micro --beta -1": "beta must be at least 0, got -1",
        "r2_score real bad": "y_pred contains NaN",
        "r2_score real two": "different number of output (1!=3)",
        "r2_score real text": "y_pred holds text",
        "mean_squared_log_error real negative": "mean_squared_log_error needs targets and predictions > -1",
        "mean_poisson_deviance real negative": "strictly positive y_pred",
        "mean_tweedie_deviance real real --power 0.5": "only defined for power<=0 and power>=1",
        "mean_pinball_loss real real --alpha 2": "alpha must be in [0, 1], got 2",
        "median_absolute_error real bad": "y_pred contains NaN",
        "max_error real bad": "y_pred contains NaN",
        "f1_score t p --average macro --labels y.h5:/text": "labels holds text, but y_true and y_pred numbers",
        "confusion_matrix t p --labels y.h5:/hundreds --out c.h5": "At least one label specified must be in y_true",
    })


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
        "average_precision_score t p0": "Number of classes in y_true not equal",
        "average_precision_score two p0 --pos-label 7": "pos_label=7 is not a valid label",
        "log_loss t p2": "probabilities in [0, 1]",
        "log_loss t p0": "Number of classes in y_true not equal to the number of columns",
        "log_loss one p0": "contains only one label",
        "top_k_accuracy_score t p --k 0": "at least 1",
    })
    only = tessera("metric", "roc_auc_score", "y.h5:/one", "y.h5:/p0", processes=2)
    assert only.out == "nan\n" and "UndefinedMetricWarning: Only one class" in only.err
