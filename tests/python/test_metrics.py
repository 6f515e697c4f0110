"""tessera.metrics against sklearn.metrics: the same calls, on NumPy arrays, lists and Arrays."""

import inspect
import re
import warnings

import numpy as np
import pytest
import sklearn.metrics
import tessera
from sklearn.exceptions import UndefinedMetricWarning

N = 1499
ROWS = np.arange(N)


def noise(salt):
    """Numbers in [0, 1) that are functions of the row."""
    return np.modf(np.sin((ROWS + 1) * 12.9898 + salt * 78.233) * 43758.5453)[0] % 1.0


def labels(k, salt):
    truth = (noise(salt) * k).astype("i8")
    return truth, np.where(noise(salt + 1) < 0.7, truth, (noise(salt + 2) * k).astype("i8"))


WEIGHTS = noise(9) + 0.1
WORDS = tuple(np.array(["ash", "elm", "oak"])[y] for y in labels(3, 3))
CLASSES = {"binary": labels(2, 1), "several": labels(4, 2), "text": WORDS,
           "lists": tuple(y.tolist() for y in labels(2, 5)),
           "bool": tuple(y.astype(bool) for y in labels(2, 6))}
POSITIVE = noise(20) * 3 + 0.5
PROBABILITIES = np.stack([np.ceil(noise(30 + i) * 9) + 1 for i in range(3)], axis=1)
PROBABILITIES /= PROBABILITIES.sum(axis=1, keepdims=True)
NUMBERS = {"one": (POSITIVE, POSITIVE * (0.8 + 0.4 * noise(21))),
           "single": (POSITIVE.astype("f4"), POSITIVE.astype("f4") * np.float32(0.75)),
           "even": (POSITIVE[:30], POSITIVE[:30] + 0.25),
           "several": (np.c_[POSITIVE, noise(22) + 1], np.c_[POSITIVE + 0.1, noise(23) + 1.2])}
RANKED = {
    "scores": (labels(2, 1)[0], np.round(noise(40) + 0.4 * labels(2, 1)[0], 2)),
    "probabilities": (labels(3, 4)[0], PROBABILITIES),
}
# What is called how, beside with its defaults. Each is called with every option of its line.
OPTIONS = {
    "accuracy_score": [{"normalize": False}], "zero_one_loss": [{"normalize": False}],
    "balanced_accuracy_score": [{"adjusted": True}],
    "cohen_kappa_score": [{"weights": None}, {"weights": "linear"}, {"weights": "quadratic"}],
    "confusion_matrix": [{"normalize": n} for n in (None, "true", "pred", "all")],
    "classification_report": [{"digits": 4}],
    "fbeta_score": [{"beta": 0.5}, {"beta": 2}],
    "precision_recall_fscore_support": [{"beta": 0.5}, {"average": "macro"}, {"average": "weighted", "labels": None}],
    "mean_pinball_loss": [{"alpha": 0.2}],
    "d2_pinball_score": [{"alpha": a} for a in (0, 0.3, 0.9, 1)],
    "mean_tweedie_deviance": [{"power": p} for p in (-1, 0, 1.5, 3)],
    "d2_tweedie_score": [{"power": p} for p in (0, 1.5)],
    "log_loss": [{"normalize": False}],
    "det_curve": [{"drop_intermediate": True}],
    "top_k_accuracy_score": [{"k": 1}, {"k": 2, "normalize": False}],
    "roc_curve": [{"drop_intermediate": False}],
    "roc_auc_score": [{"multi_class": m, "average": a} for m in ("ovr", "ovo")
                      for a in ("macro", "weighted")],
}  # fmt: skip
AVERAGED = ["precision_score", "recall_score", "f1_score", "fbeta_score", "jaccard_score"]
ONE_TARGET = ["max_error", "mean_tweedie_deviance", "mean_poisson_deviance", "mean_gamma_deviance",
              "d2_tweedie_score"]  # fmt: skip
# Not taken with weights, but for the report: scikit-learn prints sums of weights with all digits.
UNWEIGHTED = ["auc", "max_error", "classification_report"]
OF_ONE_PROBABILITY = ["log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score"]
OF_PROBABILITIES = ["d2_log_loss_score", "d2_brier_score", "log_loss", "top_k_accuracy_score", "hinge_loss", "roc_auc_score"]
# Of rows with several labels.
OF_ROWS = ["coverage_error", "dcg_score", "label_ranking_average_precision_score", "label_ranking_loss", "ndcg_score"]
SETS = np.stack([noise(50 + i) < 0.4 for i in range(3)], axis=1).astype("i8")
NAMES = sorted(tessera.metrics.__all__)


def parameters(function):
    return dict(inspect.signature(function).parameters)


def data_for(name):
    inputs = list(parameters(getattr(tessera.metrics, name)))[:2]
    if name == "auc":
        yield np.sort(POSITIVE), noise(9)
        yield np.sort(POSITIVE)[::-1], noise(9)
    elif name in OF_ROWS:
        yield SETS, PROBABILITIES
    elif inputs[1] in ("y_score", "y_proba", "pred_decision"):
        fits = ["scores"] if name not in OF_ONE_PROBABILITY else []
        fits += ["probabilities"] if name in OF_PROBABILITIES else []
        for key in fits:
            yield RANKED[key]
        if name in OF_ONE_PROBABILITY:
            yield labels(2, 1)[0], PROBABILITIES[:, 0]
    elif "multioutput" in parameters(getattr(tessera.metrics, name)) or name in ONE_TARGET:
        yield from (y for key, y in NUMBERS.items() if key != "several" or name not in ONE_TARGET)
    elif name == "class_likelihood_ratios":
        yield CLASSES["binary"]
        yield CLASSES["bool"]
    else:
        yield from CLASSES.values()


def options_for(name, y):
    kinds = len(np.unique(y))
    if name in AVERAGED:
        beta = {"beta": 2} if name == "fbeta_score" else {}
        for average in ["micro", "macro", "weighted", None]:
            yield {"average": average, **beta}
        if y is not WORDS[0]:
            yield {"average": "macro", "labels": [1, 0, 77], "zero_division": 0.0, **beta}
        if kinds == 2:
            yield {"pos_label": 0, **beta}
            yield {"average": "binary", "zero_division": 1.0, **beta}
            if name != "jaccard_score":  # scikit-learn does not take it there
                yield {"zero_division": np.nan, **beta}
        return
    if name != "roc_auc_score" or kinds == 2:
        yield from [{}] if "beta" not in parameters(getattr(tessera.metrics, name)) else []
    for options in OPTIONS.get(name, []):
        if name == "top_k_accuracy_score" and options["k"] >= kinds:
            continue
        yield options
    if "multioutput" in parameters(getattr(sklearn.metrics, name)):
        yield {"multioutput": "raw_values"}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_numbers(name):
    ours, theirs = getattr(tessera.metrics, name), getattr(sklearn.metrics, name)
    compared = 0
    for y, other in data_for(name):
        for options in options_for(name, y):
            if np.asarray(y).dtype.kind == "U":
                options = {k: v for k, v in options.items() if k != "pos_label"}
            for weights in [None] if name in UNWEIGHTED else [None, WEIGHTS[: len(y)]]:
                if weights is not None and options.get("multi_class") == "ovo":
                    continue  # scikit-learn does not have it
                more = dict(options) if weights is None else {**options, "sample_weight": weights}
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    want = theirs(y, other, **more)
                    got = ours(y, other, **more)
                    arrays = ours(tessera.asarray(np.asarray(y)), other, **more)
                for a, b, c in zip(*(r if isinstance(r, tuple) else (r,) for r in (got, want, arrays))):
                    if isinstance(b, str) or b is None:
                        assert a == b == c
                        continue
                    exact = np.asarray(y).dtype != np.float32
                    np.testing.assert_allclose(a, b, rtol=1e-11 if exact else 2e-6, atol=1e-12,
                                               err_msg=f"{more}")
                    assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray)
                    assert isinstance(c, tessera.Array) == isinstance(b, np.ndarray)
                    np.testing.assert_array_equal(np.asarray(c), a)
                compared += 1
    assert compared


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_scikit_learns(name):
    ours = parameters(getattr(tessera.metrics, name))
    theirs = parameters(getattr(sklearn.metrics, name))
    for parameter, mine in ours.items():
        if (name, parameter) in [("max_error", "sample_weight"), ("max_error", "multioutput")]:
            continue  # more than scikit-learn has
        if parameter == "multioutput" and name in ONE_TARGET:
            continue
        if name != "det_curve":  # whose options scikit-learn takes by position, too
            assert mine.kind == theirs[parameter].kind, parameter
        if (name, parameter) not in [("log_loss", "y_proba"), ("d2_log_loss_score", "y_proba")]:
            a, b = mine.default, theirs[parameter].default
            assert a == b or (a != a and b != b), parameter
        assert f"\n{parameter} : " in getattr(tessera.metrics, name).__doc__
    left = theirs.keys() - ours.keys()
    assert left <= {"y_pred", "warn_for"}, left  # a deprecated name, and which warnings
    positional = [p for p in theirs.values() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    if name == "det_curve":
        positional = positional[:2]
    assert list(ours)[: len(positional)] == [p.name for p in positional]


# Of sklearn.metrics what is no metric of classes or numbers, or takes a function.
OTHERS = re.compile("Display$|DistanceMetric|pair|scor(er|ing)|silhouette|cluster|_distances$|rand_|mutual_info|fowlkes|homogeneity|"
                    "completeness|v_measure|calinski|davies|consensus|metric_at_thresholds")  # fmt: skip


def test_all_of_scikit_learns_metrics_are_there():
    missing = [name for name in sklearn.metrics.__all__ if not OTHERS.search(name) and name not in NAMES]
    assert not missing and len(NAMES) == 51


Y, P = RANKED["probabilities"]
SCORE = RANKED["scores"]
OPTIONAL = [
    ("roc_auc_score", SCORE, {"max_fpr": 0.3}), ("roc_auc_score", SCORE, {"max_fpr": 1.0}),
    ("roc_auc_score", (Y, P), {"multi_class": "ovr", "average": None}),
    ("roc_auc_score", (Y, P), {"multi_class": "ovr", "average": "micro"}),
    ("roc_auc_score", (SETS, P), {"max_fpr": 0.2, "average": None}),
    ("average_precision_score", (Y, P), {}), ("average_precision_score", (Y, P), {"average": None}),
    ("average_precision_score", (Y, P), {"average": "micro"}),
    ("precision_recall_curve", SCORE, {"drop_intermediate": True}),
    ("precision_recall_curve", (Y, P[:, 1]), {"pos_label": 1}), ("roc_curve", (Y, P[:, 2]), {"pos_label": 2, "drop_intermediate": False}),
    ("confusion_matrix_at_thresholds", (WORDS[0], P[:, 0]), {"pos_label": "elm"}),
    ("log_loss", (Y[Y < 2], P[Y < 2]), {"labels": [0, 1, 2]}), ("log_loss", (np.zeros(3, int), [0.1, 0.2, 0.9]), {"labels": [0, 1]}),
    ("d2_log_loss_score", (Y[Y < 2], P[Y < 2]), {"labels": [0, 1, 2]}), ("d2_brier_score", (Y[Y < 2], P[Y < 2]), {"labels": [0, 1, 2]}),
    ("brier_score_loss", (Y, P), {}), ("brier_score_loss", (Y, P), {"scale_by_half": True}),
    ("brier_score_loss", (SCORE[0], P[:, 0]), {"scale_by_half": False}), ("brier_score_loss", (SCORE[0] == 1, P[:, 0]), {"pos_label": True}),
    ("hinge_loss", (Y[Y < 2], P[Y < 2]), {"labels": [0, 1, 2]}), ("top_k_accuracy_score", (Y[Y < 2], P[Y < 2]), {"labels": [0, 1, 2]}),
    ("cohen_kappa_score", CLASSES["several"], {"labels": [2, 0, 1], "weights": "linear"}),
    ("cohen_kappa_score", ([1, 1], [1, 1]), {"replace_undefined_by": 0.5}),
    ("class_likelihood_ratios", ([0, 1, 0], [0, 1, 0]), {"replace_undefined_by": {"LR+": 9.0, "LR-": 0.25}}),
    ("class_likelihood_ratios", ([0, 1, 0], [0, 1, 0]), {"replace_undefined_by": 1.0}),
    ("class_likelihood_ratios", ("abba", "abab"), {"labels": ["b", "a"]}),
    ("multilabel_confusion_matrix", (SETS, 1 - SETS), {"samplewise": True}), ("multilabel_confusion_matrix", (SETS, 1 - SETS), {"samplewise": True, "labels": [2, 0]}),
    ("f1_score", CLASSES["bool"], {"pos_label": False}), ("recall_score", ([0, 0], [0, 1]), {"average": "weighted", "labels": [1], "zero_division": 0}),
    ("r2_score", NUMBERS["several"], {"multioutput": np.array([0.2, 3])}), ("r2_score", ([2.0, 2, 2], [1.0, 2, 3]), {"force_finite": False}),
    ("r2_score", ([2.0, 2, 2], [2.0, 2, 2]), {"force_finite": False}), ("explained_variance_score", ([1.0, 1], [2.0, 3]), {"force_finite": False}),
    ("explained_variance_score", (POSITIVE, POSITIVE + 1e9 + noise(77)), {}), ("mean_squared_error", NUMBERS["several"], {"multioutput": [1, 4]}),
    ("classification_report", WORDS, {"output_dict": True}), ("classification_report", CLASSES["several"], {"output_dict": True, "labels": [2, 1], "zero_division": 1}),
    ("classification_report", WORDS, {"target_names": ["a \"b\"", "c\\n", "é"], "output_dict": True}), ("classification_report", WORDS, {"target_names": ["1", "22", "a longer name"]}),
]  # fmt: skip


@pytest.mark.parametrize("name, data, options", OPTIONAL, ids=lambda value: value if isinstance(value, str) else "")
def test_what_may_be_said(name, data, options):
    data = tuple(list(each) if isinstance(each, str) else each for each in data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, want = (getattr(module, name)(*data, **options) for module in (tessera.metrics, sklearn.metrics))
    if isinstance(want, (str, dict)):
        assert got == want
        return
    got, want = (r if isinstance(r, tuple) else (r,) for r in (got, want))
    for mine, theirs in zip(got, want, strict=True):
        assert np.shape(mine) == np.shape(theirs)
        np.testing.assert_allclose(mine, theirs, rtol=1e-6 if name == "explained_variance_score" else 1e-10, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in NAMES if "sample_weight" in parameters(getattr(tessera.metrics, name))])
def test_weights_that_are_all_0(name):
    given = next(data_for(name))
    options = {"beta": 1.0} if name == "fbeta_score" else {}
    with pytest.raises(ValueError, match="sample_weight must contain at least one non-zero number"):
        getattr(tessera.metrics, name)(*given, sample_weight=np.zeros(len(given[0])), **options)


def test_errors_and_warnings():
    y = labels(2, 1)
    with pytest.raises(ValueError, match="average must be one of binary, micro.*got sum"):
        tessera.metrics.f1_score(*y, average="sum")
    with pytest.raises(ValueError, match="zero_division must be one of warn, 0, 1, nan, got 0.5"):
        tessera.metrics.f1_score(*y, zero_division=0.5)
    with pytest.raises(TypeError, match="unexpected keyword argument 'target'"):
        tessera.metrics.f1_score(*y, target=[1])
    with pytest.raises(TypeError, match="missing a required argument: 'beta'"):
        tessera.metrics.fbeta_score(*y)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[1499, 1498\]"):
        tessera.metrics.accuracy_score(y[0], y[1][1:])
    with pytest.raises(ValueError, match="NaN"):
        tessera.metrics.mean_squared_error(POSITIVE, np.where(ROWS == 7, np.nan, POSITIVE))
    with pytest.raises(ValueError, match="NaN"):
        tessera.metrics.explained_variance_score(np.where(ROWS == 7, np.nan, POSITIVE), POSITIVE)
    report = tessera.metrics.classification_report(*WORDS, output_dict=True)
    assert all(type(value) is float for value in report["ash"].values())
    for name, data, options, text in [
        ("log_loss", (Y, P), {"labels": [0, 1]}, "y holds 2 at row .* none of the classes"),
        ("roc_auc_score", (Y[Y < 2], P[Y < 2]), {"labels": [2, 1, 0], "multi_class": "ovr"}, "must be unique and ordered"),
        ("roc_auc_score", (Y, P), {"multi_class": "ovr", "max_fpr": 0.5}, "max_fpr must be None for 3 labels"),
        ("roc_auc_score", SCORE, {"max_fpr": 0.0}, r"max_fpr must be in \(0, 1\]"),
        ("average_precision_score", (Y, P), {"pos_label": 2}, "pos_label must be 1 for several labels"),
        ("brier_score_loss", (WORDS[0][WORDS[0] != "oak"], P[WORDS[0] != "oak", 0]), {}, "pos_label is not specified"),
        ("hinge_loss", (SCORE[0], P[:, :2]), {}, "should be a 1d array"),
        ("auc", ([0, 2, 1], [1, 1, 1]), {}, "x must ascend or descend"),
        ("auc", ([0], [1]), {}, "2 points or more"),
        ("classification_report", WORDS, {"target_names": ["a"]}, "target_names has 1 names for 3 labels"),
        ("class_likelihood_ratios", WORDS, {}, "needs two labels, there are 3"),
        ("class_likelihood_ratios", y, {"replace_undefined_by": {"LR+": 0.5, "LR-": 0.5}}, "at least 1 for LR"),
        ("multilabel_confusion_matrix", y, {"samplewise": True}, "outside of multilabel"),
    ]:
        with pytest.raises(ValueError, match=text):
            getattr(tessera.metrics, name)(*data, **options)
    with pytest.warns(UserWarning, match="do not sum to one"):
        tessera.metrics.log_loss(Y, P / 2)
    with pytest.warns(UndefinedMetricWarning):
        tessera.metrics.precision_score(y[0], np.zeros(N, int))
