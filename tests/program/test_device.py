"""The program with X in device memory: our CUDA kernels on a host-only double of CUDA."""

from pathlib import Path

import numpy as np
import pytest

from program import PROGRAM, read, show, tessera, value_of, write

DOUBLE = Path(PROGRAM).parents[1] / "tests/cuda_on_host/libtessera_cuda_on_host.so"
ON_DEVICE = ["--plugin", DOUBLE, "--device", "cuda"]
FITS = {
    "KMeans": ["--n-clusters", "4"],
    "PCA": ["--n-components", "3"],
    "LinearRegression": ["--y", "data.h5:/y"],
    "StandardScaler": [],
}


@pytest.fixture
def data(rng):
    centers = rng.normal(size=(4, 5)) * 30
    X = (centers[rng.integers(4, size=1500)] + rng.normal(size=(1500, 5))).astype("float32")
    y = (X @ rng.normal(size=5)).astype("float32")
    return write("data.h5", X=X, y=y)


def fit(estimator, model, *options, **keywords):
    return tessera(
        "fit", estimator, "data.h5:/X", *FITS[estimator], "--model", model, *options, **keywords
    )


@pytest.mark.parametrize("estimator", FITS)
def test_fits_have_the_bits_of_one_process(estimator, data):
    fit(estimator, "one.tessera", *ON_DEVICE)
    runs = {
        "sharing one": dict(processes=2),
        "linked": dict(processes=3, TESSERA_CUDA_ON_HOST_EXCLUSIVE=1),
        "streamed": dict(processes=2, threads=2),
    }
    for name, keywords in runs.items():
        options = ["--stream"] if name == "streamed" else []
        fit(estimator, "other.tessera", *ON_DEVICE, *options, **keywords)
        assert Path("other.tessera").read_bytes() == Path("one.tessera").read_bytes(), name


@pytest.mark.parametrize("estimator", FITS)
def test_answers_are_those_of_the_cpu(estimator, data):
    fit(estimator, "device.tessera", *ON_DEVICE, processes=2)
    fit(estimator, "cpu.tessera")
    on_device, on_cpu = (show(f"{name}.tessera")["attributes"] for name in ("device", "cpu"))
    for name, value in on_cpu.items():
        if isinstance(value, str):
            assert on_device[name] == value
            continue
        np.testing.assert_allclose(
            value_of(on_device[name]), value_of(value), rtol=1e-3, atol=1e-3, err_msg=name
        )


@pytest.mark.parametrize(
    "command, estimator",
    [
        ("predict", "KMeans"),
        ("transform", "KMeans"),
        ("predict", "LinearRegression"),
        ("transform", "PCA"),
        ("transform", "StandardScaler"),
    ],
)
@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_written_results(command, estimator, stream, data):
    fit(estimator, "m.tessera")
    tessera(command, "m.tessera", "data.h5:/X", "--out", "cpu.h5:/r")
    tessera(
        command, "m.tessera", "data.h5:/X", "--out", "device.h5:/r", *ON_DEVICE, *stream, processes=2
    )
    np.testing.assert_allclose(read("device.h5", "r"), read("cpu.h5", "r"), rtol=1e-4, atol=1e-3)


def test_labels_are_written(data):
    fit("KMeans", "m.tessera", *ON_DEVICE, "--labels", "labels.h5:/labels", processes=2)
    tessera("predict", "m.tessera", "data.h5:/X", "--out", "predicted.h5:/labels")
    assert np.array_equal(read("labels.h5", "labels"), read("predicted.h5", "labels"))


def test_score(data):
    fit("LinearRegression", "m.tessera")
    words = ["score", "m.tessera", "data.h5:/X", "--y", "data.h5:/y"]
    on_device = float(tessera(*words, *ON_DEVICE, processes=2).out)
    assert on_device == pytest.approx(float(tessera(*words).out), rel=1e-5)


@pytest.mark.parametrize(
    "exclusive, way, why",
    [
        ({}, "host staging", "ranks 0 and 1 share GPU"),
        ({"TESSERA_CUDA_ON_HOST_EXCLUSIVE": 1}, "device link", ""),
    ],
)
def test_trace_says_how_partials_travel(exclusive, way, why, data):
    table = fit("PCA", "m.tessera", *ON_DEVICE, "--trace", "t.json", processes=2, **exclusive).err
    line = next(line for line in table.splitlines() if line.startswith("runtime.merge_across"))
    assert way in line
    assert why in line


def test_nan_is_found_on_the_device(data):
    X = read("data.h5", "X")
    X[700, 3] = np.nan
    write("bad.h5", X=X)
    result = tessera(
        "fit", "KMeans", "bad.h5:/X", "--model", "m.tessera", *ON_DEVICE, processes=2, expect=1
    )
    assert "Input X contains NaN at row 700, column 3 (KMeans)." in result.err
    assert not Path("m.tessera").exists()


def test_too_little_device_memory_is_one_error(data):
    write("large.h5", X=np.zeros((200_000, 8), "float32"))
    result = tessera(
        "fit", "PCA", "large.h5:/X", "--model", "m.tessera", *ON_DEVICE,
        processes=2, expect=1, TESSERA_CUDA_ON_HOST_MEMORY=1 << 20,
    )  # fmt: skip
    assert result.err.count("MemoryError") == 1, result.err
    assert "bytes on cuda:0" in result.err


@pytest.mark.parametrize("estimator", FITS)
def test_on_a_gpu(estimator, data):
    """The real module, where there is a GPU: the CPU's answers, the same bits on two processes."""
    first = fit(estimator, "gpu.tessera", "--device", "cuda", expect=None)
    if "device cuda: " in first.err:
        pytest.skip(f"no GPU here: {first.err}")
    assert first.code == 0, first.err
    fit(estimator, "two.tessera", "--device", "cuda", processes=2)
    assert Path("two.tessera").read_bytes() == Path("gpu.tessera").read_bytes()
    fit(estimator, "cpu.tessera")
    on_gpu = show("gpu.tessera")["attributes"]
    for name, value in show("cpu.tessera")["attributes"].items():
        np.testing.assert_allclose(
            value_of(on_gpu[name]), value_of(value), rtol=1e-3, atol=1e-3, err_msg=name
        )


def test_a_number_that_is_not_there(data):
    result = fit("PCA", "m.tessera", "--plugin", DOUBLE, "--device", "cuda:5", expect=1)
    assert result.err == "tessera: ValueError: there is no device cuda:5; this machine has cuda:0 to cuda:0"
