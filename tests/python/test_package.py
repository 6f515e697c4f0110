"""Arrays, estimators and functions from Python, in one process."""

import ctypes
import gc
import os
import pickle
import resource
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import sklearn.base
import sklearn.cluster
import sklearn.decomposition
import tessera
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils._param_validation import InvalidParameterError
from tessera.cluster import KMeans
from tessera.decomposition import PCA
from tessera.linear_model import LinearRegression
from tessera.naive_bayes import GaussianNB
from tessera.preprocessing import StandardScaler


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(1000, 5)) + np.arange(1000)[:, None] % 3


def test_arrays_share_memory_with_numpy(x):
    array = tessera.asarray(x)
    assert array.local.ctypes.data == x.ctypes.data
    assert array.numpy().ctypes.data == x.ctypes.data
    assert np.asarray(array).ctypes.data == x.ctypes.data
    assert not array.local.flags.writeable
    assert tessera.from_local(x).local.ctypes.data == x.ctypes.data
    assert array.shape == (1000, 5) and array.dtype == np.float64 and array.ndim == 2
    assert array.size == 5000 and len(array) == 1000
    assert repr(array) == ("tessera.Array(shape=(1000, 5), dtype=float64, distribution='rows(4 "
                           "leaves of 256 rows)', device='cpu', 1 process)")


def test_an_array_keeps_what_it_views(x):
    array = tessera.asarray(x.copy())
    view = array.numpy()
    del array
    gc.collect()
    np.testing.assert_array_equal(view, x)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float32", "complex128"])
def test_dtypes_come_back(x, dtype):
    given = x.astype(dtype)
    assert tessera.asarray(given).dtype == dtype
    np.testing.assert_array_equal(tessera.asarray(given).numpy(), given)


def test_other_dtypes_are_converted_or_refused(x):
    assert tessera.asarray(x.astype(np.float16)).dtype == np.float32
    assert StandardScaler().fit_transform(x.astype(np.float16)).dtype == np.float64
    with pytest.raises(ValueError, match="fft needs an array of one dimension at least"):
        tessera.fft.fft(3.0)
    assert tessera.asarray(x.astype(np.longdouble)).dtype == np.float64
    np.testing.assert_array_equal(tessera.asarray(x.astype(">f8")).numpy(), x)
    words = np.array(["b", "a", "b"])
    np.testing.assert_array_equal(tessera.asarray(words).numpy(), words)
    with pytest.raises(TypeError, match="objects must hold strings"):
        tessera.asarray(np.array([1, "a"], dtype=object))
    with pytest.raises(TypeError, match="no Array holds the dtype datetime64"):
        tessera.asarray(np.array(["2020-01-01"], dtype="M8[D]"))


def test_layouts_and_read_only_memory_give_the_same_bits(x, tmp_path):
    expected = KMeans(3, random_state=0).fit(x).cluster_centers_
    np.save("x.npy", x)
    read_only = x.copy()
    read_only.flags.writeable = False
    wide = np.empty((1000, 10))
    wide[:, ::2] = x
    for given in [np.asfortranarray(x), read_only, np.load("x.npy", mmap_mode="r"), wide[:, ::2],
                  tessera.asarray(x)]:
        got = KMeans(3, random_state=0).fit(given).cluster_centers_
        np.testing.assert_array_equal(got, expected)


def test_files(x):
    tessera.write("f.h5:/group/X", x)
    np.testing.assert_array_equal(tessera.read("f.h5:/group/X").numpy(), x)
    stream = tessera.stream("f.h5:/group/X")
    assert stream.shape == (1000, 5)
    model = StandardScaler().fit(stream)
    scaled = model.transform(stream)
    assert isinstance(scaled, tessera.Stream)
    tessera.write("f.h5:/scaled", scaled)
    np.testing.assert_array_equal(tessera.read("f.h5:/scaled").numpy(), model.transform(x))
    np.testing.assert_array_equal(tessera.read("f.h5:/group/X").numpy(), x)
    with pytest.raises(OSError, match="no.h5"):
        tessera.read("no.h5:/X")
    with pytest.raises(ValueError, match="FILE.h5:/name"):
        tessera.write("f.h5", x)


def test_array_type_in_array_type_out(x):
    y = x.sum(axis=1)
    a = tessera.asarray(x)
    model = LinearRegression().fit(a, tessera.asarray(y))
    assert isinstance(model.predict(a), tessera.Array)
    assert isinstance(model.predict(x), np.ndarray) and model.predict(x).flags.writeable
    np.testing.assert_array_equal(model.predict(a).numpy(), model.predict(x))
    assert isinstance(KMeans(3).fit(a).labels_, tessera.Array)
    assert isinstance(KMeans(3).fit(x).labels_, np.ndarray)


def test_errors_are_those_of_the_ecosystem(x):
    with pytest.raises(InvalidParameterError, match="'n_clusters' parameter of KMeans must be"):
        KMeans(n_clusters=0).fit(x)
    with pytest.raises(InvalidParameterError, match="'init' parameter of KMeans.*Got <built-in"):
        KMeans(init=print).fit(x)
    with pytest.raises(NotFittedError):
        KMeans().predict(x)
    with pytest.raises(TypeError, match="[Ss]parse"):
        KMeans().fit(scipy.sparse.csr_array(x))
    with pytest.raises(ValueError, match="NaN at row 7, column 2"):
        KMeans().fit(np.where(np.arange(5000).reshape(1000, 5) == 37, np.nan, x))
    with pytest.raises(np.linalg.LinAlgError):
        tessera.linalg.cholesky(-np.eye(3))
    with pytest.raises(TypeError, match="missing a required argument: 'B'"):
        tessera.linalg.matmul(x)
    with pytest.raises(ValueError, match="backend"):
        with tessera.only("nothing"):
            pass


def test_warnings_are_pythons(x):
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match="distinct") as caught:
        KMeans(3).fit(np.ones((10, 2)))
    assert caught[0].filename == __file__  # the line that called
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sklearn.exceptions.ConvergenceWarning):
            KMeans(3).fit(np.ones((10, 2)))


def test_scikit_learns_tools(x):
    y = np.arange(1000) % 3
    pipe = make_pipeline(StandardScaler(), PCA(3), GaussianNB())
    assert cross_val_score(pipe, x, y).mean() > 0.5
    search = GridSearchCV(pipe, {"pca__n_components": [1, 3]}, cv=3).fit(x, y)
    assert search.best_estimator_[1].n_components_ == search.best_params_["pca__n_components"]
    assert sklearn.base.clone(KMeans(4, tol=0.5)).get_params()["tol"] == 0.5
    words = np.array(["a", "b", "c"])[y]
    np.testing.assert_array_equal(GaussianNB().fit(x, words).classes_, ["a", "b", "c"])
    assert "KMeans" in KMeans()._repr_html_()


def test_data_frames(x):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(x, columns=list("abcde"))
    model = StandardScaler().set_output(transform="pandas").fit(frame)
    assert list(model.feature_names_in_) == list("abcde")
    assert list(model.transform(frame).columns) == list("abcde")
    assert list(PCA(2).fit(frame).get_feature_names_out()) == ["pca0", "pca1"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(frame.rename(columns={"a": "z"}))


def test_models_are_kept_in_files_and_pickles(x):
    model = KMeans(3, random_state=0).fit(x)
    model.save("m.tessera")
    for again in [tessera.load("m.tessera"), pickle.loads(pickle.dumps(model))]:
        assert again.get_params() == model.get_params()
        np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_random_state_may_be_numpys(x):
    a = KMeans(3, random_state=np.random.RandomState(1)).fit(x)
    b = KMeans(3, random_state=np.random.RandomState(1)).fit(x)
    np.testing.assert_array_equal(a.cluster_centers_, b.cluster_centers_)


def test_the_seed_means_what_it_does_in_scikit_learn(x):
    ours = KMeans(3, random_state=3).fit(x)
    theirs = sklearn.cluster.KMeans(3, random_state=3).fit(x)
    np.testing.assert_allclose(ours.cluster_centers_, theirs.cluster_centers_)


def test_linear_algebra_is_scipys(x):
    s = tessera.linalg.svd(x)
    np.testing.assert_allclose(s[1], scipy.linalg.svd(x, full_matrices=False)[1])
    assert isinstance(tessera.linalg.svd(tessera.asarray(x))[0], tessera.Array)
    a = x.T @ x
    np.testing.assert_allclose(tessera.linalg.inv(a), scipy.linalg.inv(a))
    np.testing.assert_allclose(tessera.linalg.norm(x, ord="fro"), np.linalg.norm(x))
    assert np.ndim(tessera.linalg.det(a)) == 0


def test_backends(x):
    assert {"cpu", "reference"} <= set(tessera.backends())
    with tessera.only("reference"), tessera.trace("t.json"):
        KMeans(3, random_state=0).fit(x)
    assert "reference" in open("t.json").read()
    # Composed of others; what other tests have registered in Python may be there.
    assert {"cpu", "reference"}.isdisjoint(tessera.support()["KMeans.fit"])


def test_everything_is_documented_and_has_a_signature():
    import inspect

    for name, made in tessera.all_estimators():
        described = inspect.signature(made).parameters
        assert set(described) == set(made().get_params(deep=False))
        for parameter in described:
            assert f"\n{parameter} : " in made.__doc__
        assert "Parameters" in made.fit.__doc__
        assert getattr(sys.modules[made.__module__], name) is made
    for name in tessera.linalg.__all__:
        assert "Returns" in getattr(tessera.linalg, name).__doc__


def test_fits_leave_no_memory_behind(x):
    x = x[:100]
    model = StandardScaler()

    def fit(times):
        for _ in range(times):
            model.fit(x).transform(x)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = fit(500)
    assert fit(10_000) - before < 2000  # kB


def test_models_and_failures_leave_no_memory_behind(x):
    x, y = x[:50], np.arange(50) % 2
    words = np.array(["no", "yes"])[y]
    bad = np.where(x == x[7, 2], np.nan, x)

    def use(times):
        for _ in range(times):
            pickle.loads(pickle.dumps(GaussianNB().fit(x, words))).predict(x)
            tessera.asarray(x)[3:, :2].numpy()
            with pytest.raises(ValueError, match="NaN"):
                PCA(2).fit(bad)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = use(200)
    assert use(1500) - before < 2000  # kB


def test_a_fit_uses_the_memory_of_numpy(x):
    """Shown by address: what kernels read lies in X."""
    seen = []

    def standardize(part, shift, scale, out):
        seen.append(part.ctypes.data - x.ctypes.data)
        out[:] = (part - shift) / scale

    model = StandardScaler().fit(x)
    tessera.register("linalg.standardize", "watching", standardize)
    with tessera.prefer("watching"):
        model.transform(x)
    assert seen and all(0 <= offset < x.nbytes for offset in seen) and min(seen) == 0


def test_arrays_are_of_numpys_own_types():
    """int64 is NumPy's, which prints without its name."""
    x = np.arange(6).reshape(3, 2)
    assert repr(tessera.asarray(x).numpy()) == repr(x) and tessera.asarray(x).local.dtype.char == x.dtype.char
    model = GaussianNB().fit(x, [0, 1, 1])
    assert repr(model.classes_) == "array([0, 1])" and repr(model.predict(x)) == "array([0, 1, 1])"


def test_importing_is_quick_and_leaves_scikit_learn_alone():
    code = ("import numpy, sys, time; t = time.process_time(); import tessera; "
            "print(time.process_time() - t, 'sklearn' in sys.modules)")
    seconds, imported = min(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                       check=True).stdout.split() for _ in range(3))
    assert float(seconds) < 0.6  # of the CPU, 0.1 s usually
    assert imported == "False"


def the_program():
    installed = Path(sys.executable).parent / "tessera"  # where pip put it
    return installed if installed.exists() else Path(__file__).parents[2] / "build/release/tools/tessera"


def test_a_model_of_a_table_in_the_program():
    """It has words for what was text, numbers and None in Python."""
    given = np.array([["elm", 1990, 0.5], ["oak", 1991, 2.0], [None, 1990, np.nan]], dtype=object)
    encoder = tessera.preprocessing.OrdinalEncoder(encoded_missing_value=2).fit(given)
    encoder.save("table.tessera")
    codes = np.array([[0.0, 1, 1], [2, 0, 0], [1, 0, 2]])
    tessera.write("codes.h5:/X", codes)
    subprocess.run([the_program(), "inverse-transform", "table.tessera", "codes.h5:/X", "--out", "back.h5:/X"], check=True)
    assert tessera.read("back.h5:/X").numpy().tolist() == [["elm", "1991", "2.0"], ["None", "1990", "0.5"], ["oak", "1990", "nan"]]


@pytest.mark.parametrize("name", ["KMeans", "StandardScaler", "LinearRegression"])
def test_models_are_the_programs_files(name, x):
    """The same bytes as `tessera fit` writes, and the program reads them."""
    program = the_program()
    tessera.write("data.h5", x, "X")
    tessera.write("data.h5:/y", x[:, 0] * 2 - x[:, 1])
    np.testing.assert_array_equal(tessera.read("data.h5", "/X").numpy(), x)
    words = {"KMeans": ["--n-clusters", "3", "--random-state", "5"],
             "LinearRegression": ["--y", "data.h5:/y"]}.get(name, [])  # fmt: skip
    model = dict(tessera.all_estimators())[name]()
    if name == "KMeans":
        model.set_params(n_clusters=3, random_state=5)
    model.fit(x, x[:, 0] * 2 - x[:, 1]).save("python.tessera")
    subprocess.run([program, "fit", name, "data.h5:/X", *words, "--model", "program.tessera"], check=True)
    assert Path("python.tessera").read_bytes() == Path("program.tessera").read_bytes()


class OnGpu:
    """An array on a GPU, as CuPy's and PyTorch's describe themselves."""

    def __init__(self, address, shape, dtype, **more):
        self.__cuda_array_interface__ = {"data": (address, False), "shape": shape, "version": 3,
                                         "typestr": np.dtype(dtype).str} | more

    def __dlpack_device__(self):
        return 2, 0

    def __dlpack__(self, **how):
        raise AssertionError("memory of a GPU is no NumPy array")


def test_arrays_on_a_gpu_are_refused_without_one():
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU")
    with pytest.raises(NotImplementedError, match="cuda"):
        tessera.asarray(OnGpu(4096, (4, 2), "f4"))
    with pytest.raises(TypeError, match="dtype float16 on a GPU must be converted"):
        tessera.asarray(OnGpu(4096, (4, 2), "f2"))
    with pytest.raises(ValueError, match="C-contiguous"):
        tessera.asarray(OnGpu(4096, (4, 2), "f4", strides=(4, 16)))


def test_pip_finds_the_version_that_the_build_has():
    import re
    import tomllib

    root = Path(__file__).parents[2]
    found = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["scikit-build"]["metadata"]
    text = (root / found["version"]["input"]).read_text()
    assert re.search(found["version"]["regex"], text)["value"] == tessera.__version__


def test_blas_has_kernels_for_this_processor():
    """Also where OpenBLAS does not know it, and would take those of 2004."""
    blas = ctypes.CDLL("libopenblas.so.0")
    blas.openblas_get_corename.restype = ctypes.c_char_p
    if "avx2" in Path("/proc/cpuinfo").read_text() and "OPENBLAS_CORETYPE" not in os.environ:
        assert blas.openblas_get_corename() != b"Prescott"
