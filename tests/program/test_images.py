"""Images and NumPy files on the command line; tests/together/test_images.py has what is read and written."""

import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as nd
from PIL import Image
from program import read, tessera, write

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (700, 33), dtype=np.uint8)


def check(got, want):
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(got, want)


def test_functions_of_images():
    Image.fromarray(GREY).save("photo.png")
    tessera("ndimage", "gaussian_filter", "photo.png", "--sigma", 2, "--out", "smooth.png", processes=3)
    check(np.asarray(Image.open("smooth.png")), nd.gaussian_filter(GREY, 2))
    tessera("ndimage", "gaussian_filter", "photo.png", "--sigma", 2, "--output", "float32", "--out", "smooth.TIFF")
    got = np.asarray(Image.open("smooth.TIFF"))
    np.testing.assert_allclose(got, nd.gaussian_filter(GREY, 2, output=np.float32), rtol=1e-5)
    assert tessera("ndimage", "label", "photo.png", "--out", "labels.npy").out == f"count {nd.label(GREY)[1]}\n"
    check(np.load("labels.npy"), nd.label(GREY)[0])
    tessera("fft", "rfft", "photo.png", "--out", "spectrum.npy", processes=2)
    np.testing.assert_allclose(np.load("spectrum.npy"), np.fft.rfft(GREY), atol=1e-9)
    assert float(tessera("array", "mean", "photo.png", "--stream").out) == pytest.approx(GREY.mean())
    tessera("convert", "photo.png", "a.h5:/x", processes=3)
    check(read("a.h5", "x"), GREY)
    tessera("convert", "a.h5:/x", "photo.tif", processes=2)
    check(np.asarray(Image.open("photo.tif")), GREY)
    tessera("convert", "photo.tif", "photo.npy")
    check(np.load("photo.npy"), GREY)


def test_tables_become_arrays():
    Path("t.csv").write_text("a,b,kind\n1,2.5,oak\n3,NA,elm\n")
    tessera("convert", "t.csv", "t.npy", "--drop-columns", "kind", processes=2)
    check(np.load("t.npy"), np.array([[1, 2.5], [3, np.nan]]))
    failed = tessera("convert", "t.csv", "u.npy", expect=1)
    assert failed.err.count("'t.csv' has 1 column of text, which 'u.npy' does not hold; --drop-columns leaves columns out") == 1
    assert {p.name for p in Path().iterdir()} == {"t.csv", "t.npy"}


def test_errors():
    write("a.h5", x=RNG.normal(size=(30, 4)), v=np.arange(4))
    for words, error in {
        "convert a.h5:/x out.png": "'out.png' cannot hold float64",
        "array unique_counts a.h5:/v --out out.npy": "'out.npy' holds one array, and unique_counts gives values, counts",
        "convert out.png b.h5:/x": "cannot open 'out.png'",
        "convert a.h5:/x b.txt": "does not say which dataset to write",
        "convert a.h5:/x out.npy --skip-rows 1": "the options for text tables do not apply to 'a.h5:/x'",
    }.items():
        failed = tessera(*words.split(), processes=2 if "float64" in error else 1, expect=None)
        assert failed.code in (1, 2) and failed.err.count(error) == 1, failed.err
        assert {p.name for p in Path().iterdir()} == {"a.h5"}


def test_nothing_is_left_of_what_does_not_fit():
    """Files of at most 2 MB stand for a full disk: no permission stops root."""
    write("b.h5", x=RNG.integers(0, 2**16, (2000, 2000), dtype=np.uint16))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, limits[1]))
    try:
        for target in ("out.png", "out.tif", "out.npy"):
            failed = tessera("convert", "b.h5:/x", target, expect=1)
            assert f"cannot write '{target}'" in failed.err
            assert {p.name for p in Path().iterdir()} == {"b.h5"}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
