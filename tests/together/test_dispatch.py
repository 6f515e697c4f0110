"""scikit-learn and SciPy as they are on arrays of Tessera, none of which may go to NumPy. On several processes
nothing is replicated."""

import dataclasses
import warnings

import numpy as np
import pytest
import sklearn
import tessera
import tessera.array_api as xp
from tessera import _core

from dispatch_cases import SCIPY, SKLEARN, arrays

pytestmark = pytest.mark.processes(1, 3)
# What does not work: what the error says, and why; docs/array_api.md says it, too.
HOST = "would be copied to the host of every process"
LABELS = (HOST, "copies the labels to the host")
FAILS = {
    **dict.fromkeys(("RidgeClassifier", "RidgeClassifierCV", "LabelBinarizer", "label_binarize", "CalibratedClassifierCV",
                     "balanced_accuracy_score", "cohen_kappa_score", "confusion_matrix", "matthews_corrcoef",
                     "roc_auc_score", "log_loss", "d2_log_loss_score"), LABELS),
    **dict.fromkeys(("LogisticRegression", "PoissonRegressor"), (HOST, "SciPy's L-BFGS has coefficients and gradients on the host")),
    "signal.oaconvolve": ("Mismatched elements", "adds to a slice, which is a copy: its result is wrong"),
    "GaussianMixture(full)": ("ill-defined empirical covariance", "writes to the diagonal of a slice, which is a copy"),
    "roc_curve": ("diff() takes 1 positional argument", "calls diff(x, 2), which the standard does not have"),
    "pairwise_distances_argmin": ("no attribute 'flat'", "asks for .flat, which the standard does not have"),
    **dict.fromkeys(("special.multigammaln", "signal.detrend", "signal.convolve", "signal.periodogram", "cluster.vq.vq"),
                    (HOST, "copies to the host")),
}  # fmt: skip


@pytest.fixture(scope="module")
def given():
    before = _core.distribute_all(tessera.size() > 1)
    yield arrays(xp.asarray)
    _core.distribute_all(before)


@pytest.fixture(scope="module")
def plain():
    return arrays(lambda x: x)


def parts(result):
    """The numbers and arrays of a result, NumPy's, and what they were."""
    if isinstance(result, tessera.Array):
        return [(np.array(result), "Array")]
    if isinstance(result, (np.ndarray, np.generic, float, int)) or result is None:
        return [(np.asarray(np.nan if result is None else result), "other")]
    if dataclasses.is_dataclass(result) or not isinstance(result, (tuple, list)):
        result = [value for name, value in sorted(vars(result).items()) if not name.startswith("_")]
    return [part for each in result for part in parts(each)]


@pytest.mark.parametrize("name", SKLEARN | SCIPY)
def test_as_numpy(given, plain, name):
    call = (SKLEARN | SCIPY)[name]
    with warnings.catch_warnings(), sklearn.config_context(array_api_dispatch=True):
        warnings.simplefilter("ignore")
        want = parts(call(plain))
        try:
            with tessera.no_export():
                got = call(given)
            compare(parts(got), want)
        except (TypeError, ValueError, AttributeError, AssertionError) as error:
            if name not in FAILS or FAILS[name][0] not in str(error):
                raise
        else:
            assert name not in FAILS, "works by now"


def compare(got, want):
    assert len(got) == len(want)
    for (mine, kind), (other, _) in zip(got, want):
        assert mine.shape == other.shape and (kind == "Array" or mine.ndim == 0)
        scale = np.abs(other[np.isfinite(other)]).max(initial=0) if other.dtype.kind in "fc" else 0
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9 * scale)
