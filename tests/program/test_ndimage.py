"""`tessera ndimage`: what the command line adds to the functions, which tests/together/test_ndimage.py compares with
SciPy."""

import numpy as np
import pytest
import scipy.ndimage as nd
from program import run_table, tessera, write

RNG = np.random.default_rng(0)
IMAGE = RNG.normal(size=(300, 20))
LABELS, COUNT = nd.label(IMAGE > 0.8)
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
FILE = {"image": IMAGE, "labels": LABELS, "cross": CROSS, "index": np.array([1, 3])}
WANTED = {  # what stands behind `tessera ndimage`, and the datasets that it writes
    "gaussian_filter image --sigma 2 --mode wrap": {"gaussian_filter": nd.gaussian_filter(IMAGE, 2, mode="wrap")},
    "gaussian_filter image --sigma 1.5 --order 1 --output float32": {
        "gaussian_filter": nd.gaussian_filter(IMAGE, 1.5, 1, output=np.float32)},
    "median_filter image --size 3": {"median_filter": nd.median_filter(IMAGE, 3)},
    "maximum_filter image --footprint cross": {"maximum_filter": nd.maximum_filter(IMAGE, footprint=CROSS)},
    "convolve image cross --mode constant --cval 2": {"convolve": nd.convolve(IMAGE, CROSS, mode="constant", cval=2)},
    "binary_erosion labels --iterations 2": {"binary_erosion": nd.binary_erosion(LABELS, iterations=2)},
    "binary_fill_holes labels": {"binary_fill_holes": nd.binary_fill_holes(LABELS)},
    "label labels --structure cross": {"labels": nd.label(LABELS)[0], "count": np.int64(nd.label(LABELS)[1])},
    "mean image --labels labels --index index": {"mean": nd.mean(IMAGE, LABELS, [1, 3])},
    "sum image": {"sum": nd.sum(IMAGE)},
    "histogram image --min -2 --max 2 --bins 5": {"histogram": nd.histogram(IMAGE, -2, 2, 5)},
    "zoom image --zoom 0.5 --order 1": {"zoom": nd.zoom(IMAGE, 0.5, order=1)},
    "rotate image --angle 30 --no-reshape": {"rotate": nd.rotate(IMAGE, 30, reshape=False)},
    "gaussian_filter image --sigma 2 --mode grid-wrap": {"gaussian_filter": nd.gaussian_filter(IMAGE, 2, mode="grid-wrap")},
    "distance_transform_edt labels --sampling 1.5 --return-indices": {
        "distances": nd.distance_transform_edt(LABELS, 1.5)},
    "distance_transform_cdt labels --metric taxicab": {"distances": nd.distance_transform_cdt(LABELS, "taxicab")},
    "fourier_gaussian image --sigma 2 --n 400 --axis 0": {"fourier_gaussian": nd.fourier_gaussian(IMAGE, 2, 400, 0)},
    "shift image --shift 1.5 --mode grid-wrap": {"shift": nd.shift(IMAGE, 1.5, mode="grid-wrap")},
}  # fmt: skip


@pytest.mark.parametrize("processes", [1, 3])
def test_functions(processes):
    run_table("ndimage", FILE, WANTED, processes, rtol=1e-9)


def test_numbers_and_errors():
    write("a.h5", image=IMAGE)
    out = tessera("ndimage", "sum", "a.h5").out
    assert float(out) == pytest.approx(IMAGE.sum())
    failed = tessera("ndimage", "sobel", "a.h5", "--mode", "much", "--out", "b.h5", expect=2).err
    assert "must be one of reflect, constant, nearest, mirror, wrap, grid-mirror, grid-constant, grid-wrap, got much" in failed
    for function, text in {"gaussian_filter": "which derivative", "shift": "of the spline"}.items():
        assert text in tessera("ndimage", function, "--help").out
    assert "--sigma is required" in tessera("ndimage", "gaussian_filter", "a.h5", "--out", "b.h5", expect=2).err
