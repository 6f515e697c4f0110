"""tessera.skimage's functions against scikit-image's on NumPy's arrays, and the same bits on any number of processes."""

import importlib
import warnings
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest
import scipy.ndimage
import tessera
import tessera.array_api as xp
from array_cases import bits_of_one, keep_bits  # noqa: F401

from tessera import skimage

try:
    there = tuple(map(int, version("scikit-image").split(".")[:2])) >= (0, 25)
except PackageNotFoundError:
    there = False
needs = pytest.mark.skipif(not there, reason="needs scikit-image 0.25")
pytestmark = pytest.mark.processes(1, 3)  # what it is made of is tested on others

RNG = np.random.default_rng(0)
SMOOTH = scipy.ndimage.gaussian_filter(RNG.random((300, 24)), 2)
SMOOTH = (SMOOTH - SMOOTH.min()) / np.ptp(SMOOTH)
OTHER = np.clip(SMOOTH + 0.05 * RNG.normal(size=SMOOTH.shape), 0, 1)
BYTES, BLOBS, RGB = (SMOOTH * 255).astype(np.uint8), SMOOTH > 0.6, RNG.random((300, 8, 3))
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_BOTH = [(SMOOTH,), (BYTES,)]
# What each function is called with, one argument more or less by name. All others: an image of floats and one of bytes.
CALLS = {
    "color": [(RGB,)],
    "color.gray2rgb": [(SMOOTH,)],
    "exposure.rescale_intensity": [*_BOTH, (BYTES, {"in_range": (10, 100)}), (SMOOTH, {"out_range": (0, 255)})],
    "exposure.adjust_gamma": [(SMOOTH, 2), (BYTES, 0.5)],
    "feature": [(SMOOTH,)],
    "feature.hessian_matrix": [(SMOOTH, {"use_gaussian_derivatives": each}) for each in (False, True)],
    "filters.apply_hysteresis_threshold": [(SMOOTH, 0.4, 0.7)],
    "filters.difference_of_gaussians": [(SMOOTH, 1, 3)],
    "filters.gaussian": [(SMOOTH, 2), (BYTES, 1.5), (RGB, 1, {"channel_axis": -1})],
    "filters.median": [*_BOTH, (BYTES, CROSS)],
    "filters.sobel": [*_BOTH, (SMOOTH, BLOBS)],
    "filters.threshold_li": [(BYTES,)],
    "filters.threshold_local": [(SMOOTH, 7), *((BYTES, 7, each) for each in ("mean", "median"))],
    "filters.unsharp_mask": [*_BOTH, (RGB, {"channel_axis": 2})],
    "measure.blur_effect": [(SMOOTH,)],
    "measure.label": [(BLOBS,), (BLOBS, {"connectivity": 1, "return_num": True})],
    "measure.shannon_entropy": [(BYTES,)],
    "metrics": [(SMOOTH, OTHER)],
    "metrics.peak_signal_noise_ratio": [(SMOOTH, OTHER, {"data_range": 1.0})],
    "metrics.structural_similarity": [(SMOOTH, OTHER, {"data_range": 1.0})],
    "morphology": [(BYTES, CROSS), *_BOTH],
    **{f"morphology.isotropic_{each}": [(BLOBS, 2)] for each in ("closing", "dilation", "erosion", "opening")},
    **{f"morphology.remove_small_{each}": [(BLOBS, {"max_size": 20})] for each in ("holes", "objects")},
    "restoration.denoise_tv_chambolle": [(SMOOTH, {"max_num_iter": 5})],
    "segmentation.find_boundaries": [(BYTES // 64, {"mode": each}) for each in ("thick", "inner")],
    "transform.pyramid_expand": [(SMOOTH,)],
    "transform.pyramid_reduce": [(SMOOTH,)],
    "transform.rescale": [(SMOOTH, 0.5), (SMOOTH, 0.5, {"anti_aliasing": True})],
    "transform.resize": [(SMOOTH, (100, 60)), (BYTES, (100, 60)), (SMOOTH, (100, 12), 0, {"anti_aliasing": False})],
    "util": [*_BOTH, (BLOBS,), (BYTES.astype(np.uint16) * 200,)],
    "util.compare_images": [(SMOOTH, OTHER, {"method": each}) for each in ("diff", "blend")],
    "util.crop": [(BYTES, ((2, 3), (1, 4)))],
}
NAMES = [f"{module}.{name}" for module in skimage.__all__ for name in getattr(skimage, module).__all__]


def distributed(value):
    return xp.asarray(value) if isinstance(value, np.ndarray) and len(value) > 3 else value


@needs
@pytest.mark.parametrize("name", NAMES)
def test_function(name):
    module, _, short = name.partition(".")
    for k, given in enumerate(CALLS.get(name, CALLS.get(module, _BOTH))):
        how = given[-1] if isinstance(given[-1], dict) else {}
        given = given[: len(given) - bool(how)]
        with warnings.catch_warnings(), tessera.no_export():
            warnings.simplefilter("ignore")
            want = getattr(importlib.import_module(f"skimage.{module}"), short)(*given, **how)
            got = getattr(getattr(skimage, module), short)(*map(distributed, given), **how)
        several = isinstance(want, (tuple, list))
        assert type(got) is type(want) if several else True
        for g, w in zip(got if several else [got], want if several else [want], strict=True):
            # What is as large as the image stays distributed.
            assert isinstance(g, tessera.Array) == (np.size(w) > 300), f"{name} {k}: a {type(g)}"
            value, w = g.numpy() if isinstance(g, tessera.Array) else np.asarray(g), np.asarray(w)
            assert (value.dtype, value.shape) == (w.dtype, w.shape), f"{name} {k}: {value.dtype} {value.shape}"
            keep_bits(value, w, f"{name} {k}")
            np.testing.assert_allclose(value, w, rtol=1e-9, atol=1e-9, err_msg=f"{name} {k}")


@needs
def test_groups_of_processes():
    """Groups look at images side by side and find what all do together."""
    half = tessera.world().split(tessera.rank() % 2)
    for name in ("exposure.equalize_hist", "exposure.rescale_intensity", "feature.structure_tensor", "filters.threshold_local",
                 "filters.threshold_otsu", "filters.gaussian", "measure.label", "metrics.structural_similarity",
                 "morphology.opening", "morphology.isotropic_dilation", "transform.pyramid_expand", "transform.resize"):  # fmt: skip
        module, _, short = name.partition(".")
        given = CALLS.get(name, CALLS.get(module, _BOTH))[0]
        how = given[-1] if isinstance(given[-1], dict) else {}
        given = given[: len(given) - bool(how)]
        call = getattr(getattr(skimage, module), short)
        want = call(*map(distributed, given), **how)
        got = call(*(xp.asarray(x, comm=half) if isinstance(x, np.ndarray) and len(x) > 3 else x for x in given), **how)
        several = isinstance(want, (tuple, list))
        for g, w in zip(got if several else [got], want if several else [want], strict=True):
            assert not isinstance(w, tessera.Array) or g.comm == half, name
            np.testing.assert_array_equal(*(x.numpy() if isinstance(x, tessera.Array) else x for x in (g, w)), err_msg=name)


@needs
def test_numpy_in_numpy_out_and_what_is_not_there():
    np.testing.assert_array_equal(skimage.filters.sobel(SMOOTH), importlib.import_module("skimage.filters").sobel(SMOOTH))
    assert type(skimage.filters.sobel(SMOOTH)) is np.ndarray
    with pytest.raises(AttributeError, match="tessera.skimage.filters has no frangi; it has apply_hysteresis_threshold, "):
        skimage.filters.frangi  # noqa: B018
    with pytest.raises(TypeError, match="this function does not run distributed"):
        skimage.measure.label(xp.asarray(BYTES))
    flat, gaps = np.full((300, 4), 7, np.uint8), np.where(SMOOTH > SMOOTH.mean(), np.nan, np.round(SMOOTH))
    for f, image in (("exposure.equalize_hist", flat), ("measure.shannon_entropy", gaps)):
        module, name = f.split(".")
        got = getattr(getattr(skimage, module), name)(xp.asarray(image))
        want = getattr(importlib.import_module(f"skimage.{module}"), name)(image)
        np.testing.assert_allclose(got.numpy() if isinstance(got, tessera.Array) else got, want, rtol=1e-12)
    before = xp.asarray(SMOOTH)
    skimage.filters.threshold_li(before)
    np.testing.assert_array_equal(before.numpy(), SMOOTH)
