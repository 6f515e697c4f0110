"""tessera.metrics against sklearn.metrics, the same bits on any number of processes."""

import os
import warnings

import numpy as np
import pytest
import tessera
from metric_cases import (
    CLASSES,
    SCORES,
    TARGETS,
    classification_cases,
    noise,
    probabilities,
    probability_cases,
    regression_cases,
    score_cases,
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
        own = {"sample_weight": noise(20) + 0.1} if weighted else {}  # which some do not take
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
