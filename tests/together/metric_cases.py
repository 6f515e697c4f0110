"""Labels, numbers and scores for metrics, and how each metric is called."""

import numpy as np

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
              ("mean_pinball_loss", {"alpha": 0.2}), ("median_absolute_error", {}),
              ("d2_pinball_score", {"alpha": 0.3}), ("d2_absolute_error_score", {})]  # fmt: skip
ONE_TARGET = [("mean_tweedie_deviance", {"power": -1.5}),
              ("mean_tweedie_deviance", {"power": 0}), ("mean_tweedie_deviance", {"power": 1.4}),
              ("mean_tweedie_deviance", {"power": 3}), ("mean_poisson_deviance", {}),
              ("mean_gamma_deviance", {}), ("d2_tweedie_score", {"power": 1})]  # fmt: skip
UNWEIGHTED = [("max_error", {})]


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


def regression_cases(name, weighted):
    ndim = TARGETS[name][0].ndim
    cases = REGRESSION + (ONE_TARGET if ndim == 1 else []) + ([] if weighted else UNWEIGHTED)
    cases = [case for case in cases if ndim == 1 or case[0] != "max_error"]
    # By a constant's deviance scikit-learn divides.
    return [case for case in cases if name != "constant" or not case[0].startswith("d2_tweedie")]


def score_cases(truth):
    return [("roc_auc_score", {}), ("average_precision_score", {}),
            ("average_precision_score", {"pos_label": int(truth.min())}),
            ("top_k_accuracy_score", {"k": 1}), ("hinge_loss", {})]  # fmt: skip


def probability_cases(k, weighted):
    cases = [("log_loss", {}), ("log_loss", {"normalize": False}), ("brier_score_loss", {}),
             ("d2_log_loss_score", {}), ("d2_brier_score", {}), ("top_k_accuracy_score", {"k": 1})]  # fmt: skip
    if k > 2:
        cases += [("top_k_accuracy_score", {"k": 2}), ("hinge_loss", {})]
        cases += [("roc_auc_score", {"multi_class": m, "average": a}) for a in ("macro", "weighted")
                  for m in (("ovr",) if weighted else ("ovr", "ovo"))]  # fmt: skip
    return cases


# Rows with several labels, some with none and some with all, predictions of them, and scores that tie.
SETS = np.stack([noise(50 + c) < (0.2 + 0.15 * c) for c in range(4)], axis=1) & (ROWS % 11 != 0)[:, None]
SETS |= (ROWS % 13 == 0)[:, None]
PREDICTED_SETS = np.where(np.stack([noise(60 + c) for c in range(4)], axis=1) < 0.8, SETS, ~SETS) & (ROWS % 17 != 0)[:, None]
SET_SCORES = np.round(np.stack([noise(70 + c) for c in range(4)], axis=1) + 0.6 * SETS, 1)
AVERAGES = ["micro", "macro", "weighted", "samples", None]


def set_cases():
    """Of labels as 0 and 1."""
    cases = [("accuracy_score", {}), ("accuracy_score", {"normalize": False}), ("zero_one_loss", {}), ("hamming_loss", {}),
             ("multilabel_confusion_matrix", {}), ("multilabel_confusion_matrix", {"labels": [2, 0]})]  # fmt: skip
    for average in AVERAGES:
        cases += [(m, {"average": average}) for m in AVERAGED]
        cases += [(m, {"average": average, "zero_division": zero}) for m in AVERAGED[:3] for zero in (1, np.nan)]
        cases += [("fbeta_score", {"average": average, "beta": 0.5}),
                  ("f1_score", {"average": average, "labels": [0, 3]})]  # fmt: skip
    return cases


def set_score_cases():
    """Of scores for each label, of which every row has some and not all."""
    # "samples" takes scikit-learn a millisecond a row: a test of its own has few.
    cases = [(m, {"average": average}) for m in ("roc_auc_score", "average_precision_score")
             for average in AVERAGES if average != "samples"]  # fmt: skip
    return cases + [("coverage_error", {}), ("label_ranking_average_precision_score", {}), ("label_ranking_loss", {}),
                    ("dcg_score", {}), ("dcg_score", {"k": 2, "log_base": 3.0}),
                    ("ndcg_score", {}), ("ndcg_score", {"k": 3})]  # fmt: skip
