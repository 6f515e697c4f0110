import numpy as np
import pytest
import sklearn
from threadpoolctl import threadpool_limits


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path, monkeypatch):
    """Every test runs in an empty folder, the same on all processes."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """For the references; threads of BLAS that wait take the cores from others."""
    with threadpool_limits(1):
        yield


def pytest_collection_modifyitems(items):
    """Before 1.9 scikit-learn had other defaults, solvers and signs."""
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9):
        return
    skip = pytest.mark.skip(reason=f"compares with scikit-learn 1.9, this is {sklearn.__version__}")
    for item in items:
        if item.path.name == "test_sklearn.py" and item.name.startswith(
            ("test_parameters_and_defaults", "test_pca_", "test_linear_tol")
        ):
            item.add_marker(skip)
