"""tessera.ndimage against scipy.ndimage, and the same bits on any number of processes. One process makes all
comparisons, several make a sample of them."""

import itertools

import numpy as np
import pytest
import scipy.ndimage
import tessera
import tessera.array_api as xp
from array_cases import bits_of_one, keep_bits, some  # noqa: F401
from tessera import ndimage

def image(shape, dtype="float64", seed=0):
    """Numbers that are a function of the shape, the dtype and the seed."""
    i = np.arange(np.prod(shape, dtype=np.int64)) + 1000 * seed
    mixed = (i * 2654435761 + 12345) % 10007
    kind = np.dtype(dtype).kind
    if kind == "b":
        x = mixed % 5 < 2
    elif kind in "iu":
        x = mixed % 100 - (30 if kind == "i" else 0)
    else:
        x = mixed / 1000 - 5
        if kind == "c":
            x = x + 1j * np.roll(x, 1)
    return x.astype(dtype).reshape(shape)


def compare(got, want, what, rtol=1e-12, same=False):
    """dtype, shape and values; the bits are those that one process gets."""
    want = np.asarray(want)
    value = got.numpy() if isinstance(got, tessera.Array) else np.asarray(got)
    assert value.dtype == want.dtype, f"{what}: dtype {value.dtype} instead of {want.dtype}"
    assert value.shape == want.shape, f"{what}: shape {value.shape} instead of {want.shape}"
    keep_bits(value, want, what)
    if want.dtype.kind in "biu" or same:
        np.testing.assert_array_equal(value, want, err_msg=what)
        return
    rtol = max(rtol, 4 * np.finfo(want.dtype).eps)
    scale = np.abs(want).max(initial=0)
    np.testing.assert_allclose(value, want, rtol=rtol, atol=rtol * scale, err_msg=what)


def both(call, x, what, **how):
    """call(namespace, image), ours and SciPy's."""
    want = call(scipy.ndimage, x)
    compare(call(ndimage, xp.asarray(x)), want, what, **how)


MODES = ["reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]
SHAPES = [(1,), (7,), (1031,), (600, 5), (3, 40), (300, 1), (520, 3, 4), (5, 6, 7), (2, 3, 4, 5)]
DTYPES = ["float32", "float64", "uint8", "int16", "int32", "uint16", "bool", "int64", "uint32", "uint64"]


def test_one_axis():
    cases = [(name, shape, axis, mode, size, origin)
             for shape in SHAPES for axis in range(-1, len(shape) - 1) for name, mode, (size, origin) in zip(
                 itertools.cycle(["correlate1d", "convolve1d", "uniform_filter1d", "minimum_filter1d", "maximum_filter1d"]),
                 MODES * 3, itertools.cycle([(3, 0), (4, 1), (1, 0), (7, -3), (2, -1), (13, 6), (40, -20)]))]  # fmt: skip
    for name, shape, axis, mode, size, origin in some(cases):
        x = image(shape, "float64")
        second = image((size,), "float64", 1) if name[0] == "c" else size
        origin = -((size - 1) // 2) if name[0] == "c" and origin < -((size - 1) // 2) else origin
        what = f"{name} {shape} {axis} {mode} {size} {origin}"
        both(lambda nd, y: getattr(nd, name)(y, second, axis, mode=mode, cval=2.5, origin=origin), x, what, rtol=1e-11)


def test_kinds_of_numbers():
    calls = {
        "correlate1d": lambda nd, x, **how: nd.correlate1d(x, [1, 2, 1], 0, **how),
        "odd": lambda nd, x, **how: nd.correlate1d(x, [-1, 0, 1], 0, **how),
        "uniform_filter": lambda nd, x, **how: nd.uniform_filter(x, 3, **how),
        "median_filter": lambda nd, x, **how: nd.median_filter(x, 3, **how),
        "maximum_filter": lambda nd, x, **how: nd.maximum_filter(x, (3, 5), **how),
        "gaussian_filter": lambda nd, x, **how: nd.gaussian_filter(x, 1.5, **how),
        "sobel": lambda nd, x, **how: nd.sobel(x, 0, **how),
        "rank_filter": lambda nd, x, **how: nd.rank_filter(x, -2, footprint=[[0, 1, 0], [1, 1, 1]], **how),
        "correlate": lambda nd, x, **how: nd.correlate(x, [[1, 2], [3, 4]], **how),
    }
    for name, d, output in some(itertools.product(calls, DTYPES, [None, "float64", "float32", "int32"])):
        if name == "sobel" and d == "bool" and output is None:
            continue  # between its passes SciPy's booleans have values such as 255
        how = {} if output is None else {"output": np.dtype(output)}
        both(lambda nd, y: calls[name](nd, y, **how), image((600, 5), d), f"{name} {d} {output}")
    for name in ("correlate1d", "uniform_filter", "gaussian_filter", "correlate"):
        for d in ("complex64", "complex128"):
            both(lambda nd, y: calls[name](nd, y), image((300, 4), d), f"{name} {d}")


FILTERS = {
    "gaussian": lambda nd, x: nd.gaussian_filter(x, 2),
    "gaussian of axes": lambda nd, x: nd.gaussian_filter(x, 1.2, axes=(0,), truncate=3),
    "gaussian by axis": lambda nd, x: nd.gaussian_filter(x, [2.5] + [0.7] * (x.ndim - 1), mode="mirror"),
    "gaussian order": lambda nd, x: nd.gaussian_filter(x, 1.5, [1] + [0] * (x.ndim - 1), mode="wrap"),
    "gaussian order 3": lambda nd, x: nd.gaussian_filter1d(x, 1.5, 0, 3, mode="nearest", radius=5),
    "gaussian wide": lambda nd, x: nd.gaussian_filter(x, 30, mode="reflect"),
    "gaussian none": lambda nd, x: nd.gaussian_filter(x, 0),
    "gradient": lambda nd, x: nd.gaussian_gradient_magnitude(x, 1.5, mode="constant", cval=1),
    "gaussian_laplace": lambda nd, x: nd.gaussian_laplace(x, 1.5),
    "gaussian_laplace axes": lambda nd, x: nd.gaussian_laplace(x, 1.5, axes=(0,)),
    "sobel": lambda nd, x: nd.sobel(x),
    "sobel modes": lambda nd, x: nd.sobel(x, 0, mode=["wrap", "nearest", "mirror"][: x.ndim]),
    "prewitt": lambda nd, x: nd.prewitt(x, 0, mode="constant", cval=3),
    "laplace": lambda nd, x: nd.laplace(x, mode="wrap"),
    "uniform": lambda nd, x: nd.uniform_filter(x, [4] + [1] * (x.ndim - 1), mode="constant", cval=1.0),
    "uniform origin": lambda nd, x: nd.uniform_filter(x, 5, origin=[2] + [-1] * (x.ndim - 1)),
    "uniform wide": lambda nd, x: nd.uniform_filter(x, 701, mode="mirror"),
    "minimum": lambda nd, x: nd.minimum_filter(x, 4, mode="wrap"),
    "maximum origin": lambda nd, x: nd.maximum_filter(x, 3, origin=1, mode="nearest"),
    "median 3": lambda nd, x: nd.median_filter(x, 3),
    "median even": lambda nd, x: nd.median_filter(x, [4] + [2] * (x.ndim - 1), mode="wrap"),
    "median constant": lambda nd, x: nd.median_filter(x, 3, mode="constant", cval=1.5),
    "rank": lambda nd, x: nd.rank_filter(x, 1, 3, mode="mirror"),
    "percentile": lambda nd, x: nd.percentile_filter(x, 20, 3),
    "percentile -": lambda nd, x: nd.percentile_filter(x, -20, 3, mode="nearest"),
    "percentile 100": lambda nd, x: nd.percentile_filter(x, 100, 3),
}  # fmt: skip


def test_filters():
    for name, shape in some(itertools.product(FILTERS, [(700,), (600, 9), (7, 30), (270, 5, 4)])):
        x = image(shape)
        both(lambda nd, y: FILTERS[name](nd, y), x, f"{name} {shape}", rtol=1e-10 if "wide" in name else 1e-11)


def test_footprints():
    cross = np.array([[0, 1, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]])
    calls = {
        "correlate": lambda nd, x, **how: nd.correlate(x, cross * 0.5 - 0.25, **how),
        "convolve": lambda nd, x, **how: nd.convolve(x, cross * [1.5, -2, 3, 1], **how),
        "minimum_filter": lambda nd, x, **how: nd.minimum_filter(x, footprint=cross, **how),
        "maximum_filter": lambda nd, x, **how: nd.maximum_filter(x, footprint=cross, **how),
        "median_filter": lambda nd, x, **how: nd.median_filter(x, footprint=cross, **how),
        "grey_dilation": lambda nd, x, **how: nd.grey_dilation(x, footprint=cross, structure=cross * 2.5, **how),
        "grey_erosion": lambda nd, x, **how: nd.grey_erosion(x, structure=cross * 2.5, **how),
        "generic_filter": lambda nd, x, **how: nd.generic_filter(x, np.ptp, footprint=cross, **how),
    }
    cases = itertools.product(calls, MODES, [(520, 9), (4, 3), (1, 1)], [0, (1, -1), (-1, 1)])
    for name, mode, shape, origin in some(cases):
        how = {"mode": mode, "cval": 1.5, "origin": origin}
        both(lambda nd, y: calls[name](nd, y, **how), image(shape), f"{name} {mode} {shape} {origin}")
    for name in calls:
        both(lambda nd, y: calls[name](nd, y, axes=(2, 0)), image((300, 3, 6)), f"{name} axes")


def test_axes_in_another_order():
    """A footprint has the image's order of axes, also where all of it is looked at; so have origins if all axes are named."""
    column, some_of = np.ones((3, 1)), np.array([[1, 0, 1], [1, 1, 0]])
    calls = {
        "correlate": lambda nd, x, **how: nd.correlate(x, column * [[1], [2], [4]], **how),
        "convolve": lambda nd, x, **how: nd.convolve(x, column * [[1], [2], [4]], **how),
        "rank_filter": lambda nd, x, **how: nd.rank_filter(x, -1, footprint=column, **how),
        "percentile_filter": lambda nd, x, **how: nd.percentile_filter(x, 0, size=(3, 1), **how),
        "median_filter": lambda nd, x, **how: nd.median_filter(x, size=(3, 1), **how),
        "maximum_filter": lambda nd, x, **how: nd.maximum_filter(x, footprint=some_of, **how),
        "maximum_filter of all": lambda nd, x, **how: nd.maximum_filter(x, footprint=column, **how),
        "grey_dilation": lambda nd, x, **how: nd.grey_dilation(x, structure=column, **how),
        "binary_dilation": lambda nd, x, **how: nd.binary_dilation(x > 3, structure=column, **how),
        "binary_erosion": lambda nd, x, **how: nd.binary_erosion(x > -3, structure=column, **how),
        "generic_filter": lambda nd, x, **how: nd.generic_filter(x, np.max, footprint=some_of, **how),
    }
    for name, (shape, axes) in some(itertools.product(calls, [((30, 9), (1, 0)), ((300, 3, 6), (2, 0)), ((30, 9), (0, 1))]), 4):
        for how in ({}, {"origin": (1, 0)} if axes == (1, 0) and " of " not in name and name not in ("maximum_filter", "generic_filter") else {}):
            both(lambda nd, y: calls[name](nd, y, axes=axes, **how), image(shape), f"{name} {shape} {axes} {how}")


@pytest.mark.parametrize("mode", MODES)
def test_halos_wider_than_a_part(mode):
    """257 rows are two leaves, the second of one row; 40 rows lie on one process."""
    for rows in (1, 2, 40, 257, 513):
        x = image((rows, 3))
        for size in (9, 301, 1501):
            both(lambda nd, y: nd.maximum_filter1d(y, size, 0, mode=mode, cval=9.0), x, f"{mode} {rows} {size}", same=True)
            both(lambda nd, y: nd.correlate1d(y, image((size,), seed=1), 0, mode=mode, cval=9.0), x,
                 f"correlate {mode} {rows} {size}", rtol=1e-10)  # fmt: skip


def test_what_has_no_elements():
    for shape in [(0,), (0, 3), (3, 0)]:
        both(lambda nd, y: nd.gaussian_filter(y, 1), np.zeros(shape), f"gaussian {shape}")
        both(lambda nd, y: nd.median_filter(y, 3), np.zeros(shape), f"median {shape}")


def test_replicated_images_stay_where_they_are():
    from tessera import _core

    x = image((300, 4))
    out = ndimage.gaussian_filter(_core.replicated(x, _core.world()), 2)
    assert tessera.size() == 1 or "replicated" in str(out.distribution)
    np.testing.assert_array_equal(out.numpy(), ndimage.gaussian_filter(xp.asarray(x), 2).numpy())


def test_numpy_in_numpy_out_and_output():
    x = image((300, 4))
    out = ndimage.sobel(x, output=np.float32)
    assert isinstance(out, np.ndarray) and out.flags.writeable
    np.testing.assert_array_equal(out, scipy.ndimage.sobel(x, output=np.float32))
    into = np.zeros((300, 4), dtype=np.int32)
    assert ndimage.median_filter(x, 3, output=into) is into
    np.testing.assert_array_equal(into, scipy.ndimage.median_filter(x, 3, output=np.int32))
    ours = xp.zeros((300, 4))
    assert ndimage.median_filter(xp.asarray(x), 3, output=ours) is ours
    np.testing.assert_array_equal(ours.numpy(), scipy.ndimage.median_filter(x, 3))


def test_functions_of_python():
    x = image((300, 6))

    def second(y, axis, output, mode, cval, factor):
        nd = ndimage if isinstance(y, tessera.Array) else scipy.ndimage
        return nd.correlate1d(y, [factor, -2 * factor, factor], axis, output, mode, cval)

    both(lambda nd, y: nd.generic_laplace(y, second, extra_arguments=(0.5,), mode="wrap"), x, "generic_laplace")
    both(lambda nd, y: nd.generic_gradient_magnitude(y, second, extra_keywords={"factor": 2}), x, "generic_gradient")
    both(lambda nd, y: nd.generic_filter(y, lambda v, k: v.sum() * k, 3, extra_arguments=(2,), output=np.int32), x, "sum")

    assert ndimage.generic_filter(np.zeros((3, 0)), np.max, 3).shape == (3, 0)
    with pytest.raises((TypeError, RuntimeError), match=r"needs a function that gives one number, got shape \(9,\)|raised on process 0"):
        ndimage.generic_filter(image((3, 4)), lambda values: values, 3)

    def fails(values):
        if tessera.rank() == tessera.size() - 1:
            raise KeyError("a deliberate failure")
        return 0.0

    if tessera.size() in (1, 2):
        with pytest.raises((KeyError, RuntimeError), match="a deliberate failure|the function raised on process 1"):
            ndimage.generic_filter(xp.asarray(image((600, 2))), fails, 3)
        with pytest.raises((KeyError, RuntimeError), match="a deliberate failure|the function raised on process 1"):
            ndimage.labeled_comprehension(xp.ones(9), xp.arange(9) % 2 + 1, [1, 2], fails, float, 0)
        with pytest.raises((KeyError, RuntimeError), match="a deliberate failure|the function raised on process 1"):
            ndimage.generic_laplace(xp.ones((9, 9)), lambda x, *how: fails(x))


def test_lines_and_windows():
    def smooth(line, out, factor):
        out[:] = (line[:-2] + 2 * line[1:-1] - line[2:]) * factor

    for shape, mode in some(itertools.product([(9,), (300, 6), (5, 6, 7), (3, 0)], MODES), 5):
        for axis in range(len(shape)):
            both(lambda nd, y: nd.generic_filter1d(y, smooth, 3, axis, mode=mode, cval=2, extra_arguments=(3,)), image(shape),
                 f"lines {shape} {mode} {axis}")  # fmt: skip
        if mode != "grid-mirror" and 0 not in shape:  # which SciPy takes for mirror
            cval = {"cval": 1.5} if mode.endswith("constant") and "-" not in mode else {}
            both(lambda nd, y: nd.vectorized_filter(y, np.max, size=3, mode=mode, **cval), image(shape), f"windows {shape} {mode}")
    x, hole = image((30, 7, 6), "int32"), np.array([[0, 1, 0], [1, 1, 0]], bool)
    for how in [{"size": (4, 3), "origin": (1, -1)}, {"footprint": hole, "batch_memory": 30000}, {"size": 3, "mode": "valid"}]:
        both(lambda nd, y: nd.vectorized_filter(y, np.max, axes=(2, 0), **how), x, f"windows {how}")
    both(lambda nd, y: nd.vectorized_filter(y, np.max, size=1), image((9, 4)), "windows of one")


def test_complex_weights():
    weights = image((3,), "complex128")
    for d, name in some(itertools.product(["float64", "complex128", "complex64", "int16"], ["correlate", "convolve"]), 3):
        x = image((300, 5), d)
        both(lambda nd, y: getattr(nd, name + "1d")(y, weights, 0), x, f"{name}1d {d} complex", rtol=1e-6 if d == "complex64" else 1e-12)
        both(lambda nd, y: getattr(nd, name)(y, weights[:, None]), x, f"{name} {d} complex")
        if d == "complex128":
            for call in (lambda nd, y: nd.correlate1d(y, weights, 0, mode="constant", cval=2 + 3j),
                         lambda nd, y: nd.gaussian_filter(y, 1.5, mode="constant", cval=2 + 3j)):  # fmt: skip
                both(call, x, f"{name} complex constant")


def test_constants_outside_the_dtype():
    cross = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    names = ["grey_erosion", "grey_dilation", "minimum_filter", "maximum_filter", "median_filter"]
    for name, d, cval in itertools.product(names, ["uint8", "int16"], [-1, 256, 1000, 1.5, 70000]):
        for how in ({"size": 3}, {"footprint": cross}):
            both(lambda nd, y: getattr(nd, name)(y, mode="constant", cval=cval, **how), image((9, 8), d), f"{name} {d} {cval} {how}")


def test_fourier():
    names = {"fourier_gaussian": 1.3, "fourier_uniform": 2.7, "fourier_ellipsoid": 2.7, "fourier_shift": 0.7}
    shapes, dtypes = [(9,), (300, 6), (5, 6, 7)], ["float32", "float64", "complex64", "complex128", "int32"]
    for name, shape, n, d in some(itertools.product(names, shapes, [-1, 12], dtypes)):
        x = image(shape, d)
        if n > 0 and shape[0] > 7:
            continue  # more than half of 12
        both(lambda nd, y: getattr(nd, name)(y, names[name], n=n, axis=0), x, f"{name} {shape} {n} {d}", rtol=1e-9)
    both(lambda nd, y: nd.fourier_shift(y, (3, -0.5)), image((300, 6)), "shifts")
    both(lambda nd, y: nd.fourier_gaussian(y, (3, 0), output=np.complex64), image((300, 6)), "gaussians")


def test_distances():
    """Distances are SciPy's; where several elements are as near, any of them is."""
    for shape, share in some(itertools.product([(7,), (300,), (30, 40), (600, 5), (6, 7, 8)], [0.5, 2, -4.5]), 4):
        x = image(shape) > share
        steps = [0.7 + 0.3 * d for d in range(len(shape))]
        for sampling in (None, 2.5, steps):
            both(lambda nd, y: nd.distance_transform_edt(y, sampling), x, f"edt {shape} {share} {sampling}")
        for name, metric in itertools.product(["cdt", "bf"], ["chessboard", "taxicab"]):
            both(lambda nd, y: getattr(nd, f"distance_transform_{name}")(y, metric), x, f"{name} {shape} {share} {metric}")
        distances, at = ndimage.distance_transform_bf(xp.asarray(x), sampling=steps, return_indices=True)
        compare(distances, scipy.ndimage.distance_transform_bf(x, sampling=steps), f"bf {shape} {share}")
        at = at.numpy()
        assert at.dtype == np.int32 and not x[tuple(at)].any()
        there = (at - np.indices(shape)) * np.reshape(steps, (-1, *[1] * len(shape)))
        np.testing.assert_allclose(np.sqrt((there**2).sum(axis=0)), distances.numpy(), rtol=1e-12)
    for x in (np.ones((3, 4)), np.ones(5), np.zeros((0, 3))):
        both(lambda nd, y: nd.distance_transform_edt(y), x, f"edt of one kind {x.shape}")
        both(lambda nd, y: nd.distance_transform_cdt(y), x, f"cdt of one kind {x.shape}")
    both(lambda nd, y: nd.distance_transform_cdt(y, np.ones((3, 3), bool)), image((30, 9)) > 1, "cdt by a structure")
    into, at = np.zeros((30, 9)), np.zeros((2, 30, 9), np.int32)
    assert ndimage.distance_transform_edt(image((30, 9)) > 1, return_indices=True, distances=into, indices=at) is None
    np.testing.assert_array_equal(into, scipy.ndimage.distance_transform_edt(image((30, 9)) > 1))
    assert ndimage.distance_transform_edt(into, return_distances=False, return_indices=True).shape == (2, 30, 9)


def test_value_indices_and_watershed():
    x = image((300, 7), "int32") % 5
    for ignored in (None, 2):
        ours, theirs = (nd.value_indices(y, ignore_value=ignored) for nd, y in ((ndimage, xp.asarray(x)), (scipy.ndimage, x)))
        assert ours.keys() == theirs.keys()
        for value in theirs:
            for axis, (got, want) in enumerate(zip(ours[value], theirs[value], strict=True)):
                compare(got, want, f"places of {value} {axis} {ignored}")
    markers = np.zeros((300, 7), np.int16)
    markers[5, 5], markers[200, 2], markers[150, 3] = 1, 2, -1
    for image_ in (image((300, 7), "uint8"), image((300, 7), "uint16")):
        compare(ndimage.watershed_ift(xp.asarray(image_), xp.asarray(markers)), scipy.ndimage.watershed_ift(image_, markers), f"flood {image_.dtype}")


def test_backends():
    """`reference` defines what `cpu` computes."""
    x = xp.asarray(image((300, 37)))
    for name in ("gaussian", "median 3", "uniform origin", "minimum", "gaussian order"):
        ours = FILTERS[name](ndimage, x).numpy()
        with tessera.only("reference"):
            np.testing.assert_array_equal(FILTERS[name](ndimage, x).numpy(), ours, err_msg=name)


CROSS = np.array([[0, 1, 0, 1], [1, 1, 1, 0], [0, 1, 0, 0]])


def test_binary_morphology():
    names = ["binary_erosion", "binary_dilation", "binary_opening", "binary_closing"]
    cases = itertools.product(names, [(30,), (270, 8), (20, 7, 6)], [1, 3, -1], [0, 1], [False, True], ["plus", "full", "odd"])
    for name, shape, iterations, border, masked, kind in some(cases, 7):
        x = image(shape, "bool", 3)
        structure = None if kind == "plus" else scipy.ndimage.generate_binary_structure(x.ndim, x.ndim)
        if kind == "odd":
            if x.ndim != 2 or iterations < 1:
                continue
            structure = CROSS
        mask = image(shape, seed=5) < 2 if masked else None
        both(lambda nd, y: getattr(nd, name)(y, structure, iterations, mask=mask, border_value=border), x,
             f"{name} {shape} {iterations} {border} {masked} {kind}")  # fmt: skip
    for shape in [(270, 8), (40, 41), (9, 8, 7)]:
        x = image(shape) > -3.5
        both(lambda nd, y: nd.binary_fill_holes(y), x, f"fill {shape}")
        both(lambda nd, y: nd.binary_propagation(~y if y is x else xp.logical_not(y), mask=image(shape) < 3), x, f"spread {shape}")
        both(lambda nd, y: nd.binary_hit_or_miss(y, origin1=1), x, f"hit {shape}")
    x = image((270, 8), "uint8") % 3
    both(lambda nd, y: nd.binary_erosion(y, axes=(0,), iterations=2), x, "erosion of an axis")
    x = image((30, 2, 9)) < -4.5
    both(lambda nd, y: nd.binary_dilation(y, [[0, 1, 0]] * 3, -1, axes=(2, 0)), x, "a structure along sorted axes")
    for rank, connectivity in itertools.product(range(4), range(4)):
        compare(ndimage.generate_binary_structure(rank, connectivity),
                scipy.ndimage.generate_binary_structure(rank, connectivity), f"structure {rank} {connectivity}")  # fmt: skip
    compare(ndimage.iterate_structure(CROSS, 3), scipy.ndimage.iterate_structure(CROSS, 3), "iterated")
    assert ndimage.iterate_structure(CROSS, 3, (1, -1))[1] == scipy.ndimage.iterate_structure(CROSS, 3, (1, -1))[1]


def test_grey_morphology():
    names = ["grey_erosion", "grey_dilation", "grey_opening", "grey_closing", "morphological_gradient",
             "morphological_laplace", "white_tophat", "black_tophat"]  # fmt: skip
    hows = [{"size": 3}, {"size": (2, 4), "mode": "wrap"}, {"footprint": CROSS}, {"structure": CROSS * 1.0},
            {"footprint": CROSS, "structure": CROSS * 3.0, "mode": "constant", "cval": 7}, {"size": (3, 2), "origin": (-1, 0)}]
    for name, (k, how), d in some(itertools.product(names, enumerate(hows), ["uint8", "float32", "float64", "int16"])):
        if d != "uint8" or "structure" not in how:
            both(lambda nd, y: getattr(nd, name)(y, **how), image((270, 9), d), f"{name} {d} {k}")
    for name in ("white_tophat", "black_tophat", "grey_opening"):
        both(lambda nd, y: getattr(nd, name)(y, 3), image((270, 9), "bool"), f"{name} of booleans")


def test_label():
    """Objects within a process, over several of them and over all, and such as meet further down."""
    spiral = np.zeros((700, 9), bool)
    spiral[:, ::2] = True
    spiral[-1, 1] = spiral[0, 3] = spiral[-1, 5] = spiral[300, 7] = True
    images = {"spiral": spiral, "all": np.ones((600, 3)), "none": np.zeros((600, 3)), "line": image((1031,)) > 0,
              "ones": np.ones(700), "float": np.where(image((600, 7)) > 0, 0.5, 0), "dense": image((900, 40)) > -1,
              "sparse": image((900, 40), seed=2) > 3, "wide": image((300, 141)) > 0, "volume": image((520, 6, 7)) > 1, "thin": image((600, 1)) > 0,
              "four": image((5, 4, 3, 6)) > 0, "empty": np.zeros((0, 3)), "point": np.array(3)}  # fmt: skip
    for (name, x), connectivity in some(itertools.product(images.items(), [1, 2, 3]), 3):
        structure = scipy.ndimage.generate_binary_structure(x.ndim, connectivity)
        want, count = scipy.ndimage.label(x, structure)
        got, ours = ndimage.label(xp.asarray(x), structure)
        assert ours == count, f"{name} {connectivity}: {ours} objects instead of {count}"
        compare(got, want, f"{name} {connectivity}")
    odd = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), np.array([[0, 1, 0], [0, 0, 0], [0, 1, 0]]), np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]]), np.array([[1, 1, 1], [0, 1, 0], [1, 1, 1]])
    for k, structure in enumerate(odd):
        x = image((600, 9), seed=1) > -1
        compare(ndimage.label(x, structure)[0], scipy.ndimage.label(x, structure)[0], f"structure {k}")
    into = np.zeros((700, 9), np.int64)
    assert ndimage.label(spiral, output=into) == 1 and into.max() == 1
    assert ndimage.label(spiral, output=np.uint16)[0].dtype == np.uint16
    with pytest.raises(RuntimeError, match="uint8 cannot hold the 1400 labels"):
        ndimage.label(np.tile([1, 0, 1, 0], (1400, 1))[:, :3] * (np.arange(1400)[:, None] % 2), output=np.uint8)


def test_find_objects():
    for shape in [(700,), (600, 9), (270, 4, 5)]:
        labels = image(shape, "int32") % 7
        labels[labels == 3] = 0
        for most in (0, 9, 2):
            assert ndimage.find_objects(xp.asarray(labels), most) == scipy.ndimage.find_objects(labels, most)
    assert ndimage.find_objects(np.int64(2)) == scipy.ndimage.find_objects(np.int64(2)) == [None, ()]


def host(x):
    if isinstance(x, (tuple, list)):
        return type(x)(map(host, x))
    return x.numpy() if isinstance(x, tessera.Array) else x


def test_measurements():
    names = ["sum", "sum_labels", "mean", "variance", "standard_deviation", "minimum", "maximum", "minimum_position",
             "maximum_position", "center_of_mass", "extrema", "median"]  # fmt: skip
    for name, shape, d, how in some(itertools.product(names, [(700,), (600, 9), (270, 4, 5)], ["float64", "int16", "uint8"], range(5))):
        x = image(shape, d)
        x = x + 31 if d == "int16" else x  # whose centre is somewhere
        x = x.astype(d) if d != "float64" else x + 6
        labels = (image(shape, "int32", 3) % 7).astype("int32")
        given = [(), (labels,), (labels, 3), (labels, [1, 3, 5]), (labels, [[6, 2], [1, 1]])][how]
        if name in ("minimum_position", "maximum_position", "extrema") and how > 2:
            # Of equal elements SciPy takes any.
            x = np.argsort(np.argsort(x.ravel(), kind="stable"), kind="stable").reshape(shape).astype("float64")
        if how == 4 and name in ("center_of_mass", "extrema", "minimum_position", "maximum_position"):
            continue
        want = getattr(scipy.ndimage, name)(x, *given)
        got = host(getattr(ndimage, name)(xp.asarray(x), *given))
        what = f"{name} {shape} {d} {how}"
        assert type(got) is type(want) or np.ndim(want) == 0 or not isinstance(want, (list, tuple)), what
        for g, w in zip(got, want) if isinstance(want, tuple) else [(got, want)]:
            np.testing.assert_allclose(g, w, rtol=1e-10, err_msg=what)
    x, labels = image((600, 9)), image((600, 9), "int32", 3) % 4
    holes = np.where(image((600, 9), seed=8) < -4, np.nan, x)
    for name, given in itertools.product(["minimum", "maximum", "minimum_position"],
                                         [(), (labels,), (labels, 2), (labels, [1, 3, 2])]):  # fmt: skip
        if "position" in name and not (given and isinstance(given[-1], list)):
            continue  # an IndexError in SciPy
        np.testing.assert_array_equal(host(getattr(ndimage, name)(xp.asarray(holes), *given)),
                                      getattr(scipy.ndimage, name)(holes, *given), f"{name} of NaN {given[1:]}")  # fmt: skip
    np.testing.assert_array_equal(ndimage.histogram(xp.asarray(x), -4, 4, 9).numpy(), scipy.ndimage.histogram(x, -4, 4, 9))
    np.testing.assert_array_equal(ndimage.histogram(xp.asarray(x), -4, 4, 9, labels, [1, 3]).numpy(),
                                  np.stack(scipy.ndimage.histogram(x, -4, 4, 9, labels, [1, 3])))  # fmt: skip
    for how in [(None, None), (labels, None), (labels, 2), (labels, [1, 2, 9])]:
        for dtype, default in [(float, -1), (None, 0)]:
            np.testing.assert_allclose(
                ndimage.labeled_comprehension(xp.asarray(x), *how, np.ptp, dtype, default),
                scipy.ndimage.labeled_comprehension(x, *how, np.ptp, dtype, default))  # fmt: skip
    np.testing.assert_allclose(
        ndimage.labeled_comprehension(x, labels, [1, 2], lambda v, at: v.max() + at.sum(), float, 0, True),
        scipy.ndimage.labeled_comprehension(x, labels, [1, 2], lambda v, at: v.max() + at.sum(), float, 0, True))  # fmt: skip


def test_sums_have_the_same_bits(of_one):
    x, labels = image((3000, 7)) * 1.1, image((3000, 7), "int32", 3) % 5
    for name in ("sum", "variance", "center_of_mass"):
        mine = np.asarray(host(getattr(ndimage, name)(xp.asarray(x), labels, [1, 2, 3]))).tobytes()
        assert mine == of_one(f"bits of {name}", mine)


ENDS = ["constant", "nearest", "mirror", "reflect", "wrap", "grid-mirror", "grid-constant", "grid-wrap"]


def test_spline_filters():
    for shape, order, mode, d in some(itertools.product([(1,), (2,), (700,), (600, 9), (30, 1), (270, 4, 5)], range(6), ENDS,
                                                        ["float64", "int16"])):
        x = image(shape, d)
        for axis in range(len(shape)):
            both(lambda nd, y: nd.spline_filter1d(y, order, axis, mode=mode), x, f"{shape} {order} {mode} {d} {axis}", rtol=1e-11)
        if order > 1:
            both(lambda nd, y: nd.spline_filter(y, order, mode=mode), x, f"{shape} {order} {mode} {d}", rtol=1e-11)
    both(lambda nd, y: nd.spline_filter(y, output=np.float32), image((40, 5)), "float32", rtol=1e-5)


TURNED = np.array([[0.9, -0.35], [0.3, 1.1]])
GEOMETRY = {
    "shift": lambda nd, x, **how: nd.shift(x, [3.3, -1.4], **how),
    "shift by a whole": lambda nd, x, **how: nd.shift(x, [-260, 2], **how),
    "zoom out": lambda nd, x, **how: nd.zoom(x, [0.4, 1.7], **how),
    "zoom in": lambda nd, x, **how: nd.zoom(x, 2.3, **how),
    "zoom grid": lambda nd, x, **how: nd.zoom(x, [1.5, 0.8], grid_mode=True, **how),
    "affine": lambda nd, x, **how: nd.affine_transform(x, TURNED, [2.5, -1], **how),
    "affine shape": lambda nd, x, **how: nd.affine_transform(x, TURNED, 1.5, (40, 300), **how),
    "affine homogeneous": lambda nd, x, **how: nd.affine_transform(x, [[0.9, 0.1, 2], [0, 1.2, -1], [0, 0, 1]], **how),
    "affine diagonal": lambda nd, x, **how: nd.affine_transform(x, [1.3, 0.6], [0.5, 2], **how),
    "rotate": lambda nd, x, **how: nd.rotate(x, 33, **how),
    "rotate in place": lambda nd, x, **how: nd.rotate(x, -70, axes=(0, 1), reshape=False, **how),
    "rotate a quarter": lambda nd, x, **how: nd.rotate(x, 90, **how),
    "points": lambda nd, x, **how: nd.map_coordinates(x, 40 * np.cos(np.arange(600)).reshape(2, 60, 5) + 7, **how),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:It is recommended to use mode")  # SciPy's, of grid_mode
def test_interpolation():
    for name, order, mode in some(itertools.product(GEOMETRY, range(6), ENDS), 7):
        if mode == "reflect":
            continue  # grid-mirror, by another name
        both(lambda nd, y: GEOMETRY[name](nd, y, order=order, mode=mode, cval=1.5), image((270, 12)), f"{name} {order} {mode}",
             rtol=1e-9)  # fmt: skip
    for name, d in some(itertools.product(["shift", "zoom out", "rotate"], DTYPES[:6] + ["complex128"])):
        both(lambda nd, y: GEOMETRY[name](nd, y, order=1), image((270, 12), d), f"{name} {d}", rtol=1e-6)
    volume = image((70, 6, 7))
    both(lambda nd, y: nd.rotate(y, 20, axes=(2, 0)), volume, "rotate a volume", rtol=1e-9)
    both(lambda nd, y: nd.zoom(y, 1.4, order=2, mode="mirror"), volume, "zoom a volume", rtol=1e-9)
    both(lambda nd, y: nd.shift(y, 1.5, prefilter=False), image((700,)), "shift a vector", rtol=1e-9)
    both(lambda nd, y: nd.zoom(y, 0.37, mode="nearest"), image((700,)), "zoom a vector", rtol=1e-9)
    both(lambda nd, y: nd.shift(y, 1), np.zeros((0, 3)), "shift nothing") if tessera.size() == 1 else None
    both(lambda nd, y: nd.geometric_transform(y, lambda at, k: (at[0] * k, at[1] + 0.5), (300, 9), extra_arguments=(0.7,)),
         image((270, 12)), "geometric_transform", rtol=1e-9)  # fmt: skip
    into = np.zeros((40, 300), np.float32)
    assert ndimage.affine_transform(image((270, 12)), TURNED, output=into) is into and into.any()


ERRORS = {
    "nd.correlate1d(x, [1, 2], origin=1)": (
        ValueError, "correlate1d: origin must be from -1 to 0 for a size of 2, got 1"),
    "nd.correlate1d(x, [])": (RuntimeError, "correlate1d needs one weight or more"),
    "nd.correlate1d(x, [[1]])": (RuntimeError, "weights must be a vector, got shape (1, 1)"),
    "nd.correlate1d(x, [1], axis=2)": (ValueError, "axis 2 is out of bounds for array of dimension 2"),
    "nd.correlate1d(x, [1], mode='much')": (
        RuntimeError, "mode must be 'reflect', 'constant', 'nearest', 'mirror', 'wrap', 'grid-mirror', "
        "'grid-constant' or 'grid-wrap', got 'much'"),
    "nd.correlate(x, [1, 2])": (RuntimeError, "correlate needs weights with 2 axes, got shape (2,)"),
    "nd.uniform_filter1d(x, 0)": (RuntimeError, "uniform_filter1d needs a size of 1 or more, got 0"),
    "nd.gaussian_filter(x, [1, 2, 3])": (
        RuntimeError, "gaussian_filter: sigma must be one value or one for each of 2 axes, got 3"),
    "nd.gaussian_filter(x, 1, radius=-1)": (ValueError, "radius must not be negative, got -1"),
    "nd.gaussian_filter(x, 1, -1)": (ValueError, "order must not be negative, got -1"),
    "nd.gaussian_filter1d(x, 0)": (ValueError, "sigma must not be 0"),
    "nd.generic_filter(xp.asarray(3.0), np.max, 1)": (
        RuntimeError, "generic_filter needs an image with an axis at least"),
    "nd.affine_transform(x, [1, 1], output_shape=(3,))": (
        RuntimeError, "affine_transform needs a matrix of shape (2, 1), got (2,)"),
    "nd.gaussian_filter(x, 1, axes=(0, 0))": (ValueError, "duplicate value in axis"),
    "nd.minimum_filter(x)": (RuntimeError, "minimum_filter needs size or footprint"),
    "nd.minimum_filter(x, footprint=[[0]])": (ValueError, "minimum_filter needs a footprint with a true element"),
    "nd.minimum_filter(x * 1j, 3)": (TypeError, "minimum_filter takes real numbers, not complex128"),
    "nd.rank_filter(x, 9, 3)": (RuntimeError, "rank_filter: rank must be from -9 to 8 for 9 elements, got 9"),
    "nd.percentile_filter(x, 101, 3)": (RuntimeError, "percentile must be from -100 to 100, got 101"),
    "nd.sobel(x, output=xp.zeros(3))": (RuntimeError, "output must have shape (3, 4), got (3,)"),
    "nd.binary_erosion(x, [1, 1])": (RuntimeError, "binary_erosion needs a structure with 2 axes, got shape (2,)"),
    "nd.binary_erosion(x, mask=[1])": (RuntimeError, "binary_erosion needs a mask of shape (3, 4), got (1,)"),
    "nd.label(x, [[1]])": (ValueError, "label needs a structure with 3 elements along each axis, got shape (1, 1)"),
    "nd.label(x, [1, 1, 1])": (RuntimeError, "label needs a structure with 2 axes, got shape (3,)"),
    "nd.label(x, [[1, 1, 1], [0, 1, 0], [0, 0, 0]])": (
        ValueError, "label needs a structure that is the same both ways round"),
    "nd.label(x * 1j)": (TypeError, "label takes real numbers, not complex128"),
    "nd.find_objects(x)": (TypeError, "find_objects takes integers, not float64"),
    "nd.mean(x, index=[1])": (ValueError, "mean takes an index with labels alone"),
    "nd.maximum(x, x * 0)": (ValueError, "maximum needs an element"),
    "nd.histogram(x, 0, 0, 3)": (ValueError, "histogram needs a finite range, got 0 to 0"),
    "nd.shift(x, 1, order=6)": (RuntimeError, "shift: order must be from 0 to 5, got 6"),
    "nd.spline_filter(x, 1)": (RuntimeError, "spline_filter: order must be from 2 to 5, got 1"),
    "nd.shift(x, [1, 2, 3])": (RuntimeError, "shift: shift must be one value or one for each of 2 axes, got 3"),
    "nd.zoom(x, -1)": (ValueError, "zoom must be 0 or more and finite, got -1"),
    "nd.rotate(xp.zeros(3), 5)": (ValueError, "rotate needs an image of 2 axes or more, got 1"),
    "nd.rotate(x, 5, axes=(0, 1, 1))": (ValueError, "rotate needs 2 axes, got 3"),
    "nd.map_coordinates(x, [[1], [2], [3]])": (
        RuntimeError, "map_coordinates needs coordinates along 2 axes, got shape (3, 1)"),
    "nd.affine_transform(x, [[1, 2]])": (RuntimeError, "affine_transform needs a matrix of shape (2, 2), got (1, 2)"),
    "nd.distance_transform_edt(x, 0)": (ValueError, "sampling must be positive and finite, got 0"),
    "nd.distance_transform_edt(x * 1j)": (TypeError, "distance_transform takes real numbers, not complex128"),
    "nd.distance_transform_edt(x, return_distances=False)": (
        RuntimeError, "return_distances or return_indices must be true"),
    "nd.distance_transform_bf(x, 'much')": (
        RuntimeError, "metric must be 'euclidean', 'taxicab', 'cityblock', 'manhattan' or 'chessboard', got 'much'"),
    "nd.distance_transform_cdt(x, [[0, 1, 0]] * 3)": (
        NotImplementedError, "metric must be 'chessboard', 'taxicab' or the structure of one of these"),
    "nd.fourier_shift(x, 1, output=np.float64)": (RuntimeError, "output must be complex, not float64"),
    "nd.fourier_ellipsoid(xp.zeros((1, 1, 1, 1)), 1)": (
        NotImplementedError, "fourier_ellipsoid takes images of up to 3 axes, not 4"),
    "nd.correlate1d(x, [1j], cval=1j)": (ValueError, "correlate1d: cval must be real for real input, got 1j"),
    "nd.correlate1d(x, [1j], output=np.zeros((3, 4)))": (RuntimeError, "output of a complex filter must be complex, not float64"),
    "nd.generic_filter1d(x, len, 3, origin=2)": (ValueError, "origin must be from -1 to 1 for a size of 3, got 2"),
    "nd.vectorized_filter(x, np.max)": (ValueError, "vectorized_filter needs size or footprint, and not both"),
    "nd.vectorized_filter(x, np.max, size=3, mode='valid', origin=1)": (ValueError, "mode='valid' takes no origin"),
    "nd.value_indices(x)": (ValueError, "value_indices takes integers, not float64"),
    "nd.labeled_comprehension(x, None, [1], len, int, 0)": (
        ValueError, "objects are measured by an index with labels alone"),
    "nd.grey_dilation(x)": (ValueError, "grey_dilation needs size, footprint or structure"),
}  # fmt: skip


@pytest.mark.parametrize("text", ERRORS)
def test_error(text, everyones):
    kind, words = ERRORS[text]
    with pytest.raises(kind) as failure:
        eval(text, {"nd": ndimage, "np": np, "xp": xp, "x": xp.asarray(image((3, 4)))})
    assert str(failure.value) == words and set(everyones(words)) == {words}
