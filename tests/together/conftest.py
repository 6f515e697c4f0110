import functools
import itertools
import os
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
import tessera
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).parents[1] / "python"))  # estimators


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path, monkeypatch):
    """Every test runs in an empty folder, the same on all processes."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def of_one(request):
    """A function of a key and bits: the bits that a job of one process has found for the key.

    Such a job leaves them in the folder TOGETHER_BITS. Without that, or in it, they are those given."""
    folder, alone = os.environ.get("TOGETHER_BITS"), tessera.size() == 1
    path = Path(folder or "") / f"{request.module.__name__}.pickle"
    found = {} if alone or not folder else pickle.loads(path.read_bytes())
    yield found.setdefault if alone or not folder else lambda key, bits: found[key]
    if alone and folder:
        path.write_bytes(pickle.dumps(found))


@pytest.fixture
def fitted_once(request, of_one, monkeypatch):
    """A function of modules of scikit-learn: the job of one process fits their models, by far the longest part, for
    those of more."""
    known = tessera.size() > 1 and "TOGETHER_BITS" in os.environ
    mark = request.node.get_closest_marker("processes")

    def once(fit):
        @functools.wraps(fit)
        def fitted(self, *data, **more):
            key = joblib.hash((type(self).__name__, fit.__name__, vars(self), data, more))  # some go on from what they know
            if known:
                state, result = pickle.loads(of_one(key, None))
                vars(self).update(state)
                return self if result is None else result
            result = fit(self, *data, **more)
            of_one(key, pickle.dumps((vars(self), None if result is self else result)))  # before another changes it
            return result

        return fitted

    def patch(modules):
        if mark and 1 not in mark.args:
            return  # that job has not fitted them
        models = {getattr(of, name) for of in modules for name in of.__all__}
        for model, name in itertools.product(models, ("fit", "fit_transform", "partial_fit")):
            if isinstance(model, type) and hasattr(model, name):
                monkeypatch.setattr(model, name, once(getattr(model, name)))

    return patch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """For the references; threads of BLAS that wait take the cores from others."""
    with threadpool_limits(1):
        yield


def pytest_configure(config):
    config.addinivalue_line("markers", "processes(*numbers): on these numbers of processes alone, for it takes long")


def pytest_collection_modifyitems(config, items):
    """Leaves out what is for other numbers of processes. Before 1.9 scikit-learn had other defaults, solvers and
    signs."""
    others = [item for item in items if (mark := item.get_closest_marker("processes")) and tessera.size() not in mark.args]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9):
        return
    skip = pytest.mark.skip(reason=f"compares with scikit-learn 1.9, this is {sklearn.__version__}")
    for item in items:
        if item.path.name == "test_sklearn.py" and item.name.startswith(
            ("test_parameters_and_defaults", "test_pca_", "test_linear_tol")
        ):
            item.add_marker(skip)
