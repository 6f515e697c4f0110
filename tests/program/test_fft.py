"""`tessera fft`: what the command line adds to the functions, which tests/together compares with SciPy."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.fft as sf
from program import PROGRAM, run_table, tessera, write

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 20))
Z = X[:, :7] + 1j * X[:, 7:14]
FILE = {"x": X, "z": Z, "single": X.astype(np.float32)}
WANTED = {  # what stands behind `tessera fft`
    "fft x --axis 0": sf.fft(X, axis=0),
    "ifft z --n 9 --norm ortho": sf.ifft(Z, 9, norm="ortho"),
    "rfft single": sf.rfft(FILE["single"]),
    "irfft z --axis -2": sf.irfft(Z, axis=-2),
    "hfft z": sf.hfft(Z),
    "ihfft x --norm forward": sf.ihfft(X, norm="forward"),
    "fftn x": sf.fftn(X),
    "ifftn z --s 5 -1 --axes 1 0": sf.ifftn(Z, (5, 300), (1, 0)),
    "rfftn x --axes 0": sf.rfftn(X, axes=(0,)),
    "irfftn z": sf.irfftn(Z),
    "fft2 z": sf.fft2(Z),
    "ifft2 z --axes -1 -2": sf.ifft2(Z, axes=(-1, -2)),
    "rfft2 x --s 8 8": sf.rfft2(X, (8, 8)),
    "irfft2 z": sf.irfft2(Z),
    "hfft2 z": sf.hfft2(Z),
    "ihfft2 x": sf.ihfft2(X),
    "hfftn z": sf.hfftn(Z),
    "ihfftn x --norm ortho": sf.ihfftn(X, norm="ortho"),
    "dct x --type 3 --orthogonalize yes": sf.dct(X, 3, orthogonalize=True),
    "idct x --norm ortho": sf.idct(X, norm="ortho"),
    "dst z --axis 0": sf.dst(Z, axis=0),
    "idst x --type 4 --n 15": sf.idst(X, 4, 15),
    "dctn x --axes 0 1": sf.dctn(X),
    "idctn x --norm ortho --orthogonalize no": sf.idctn(X, norm="ortho", orthogonalize=False),
    "dstn x": sf.dstn(X),
    "idstn single": sf.idstn(FILE["single"]),
    "fht x --dln 0.1 --mu 0.5 --bias 0.2": sf.fht(X, 0.1, 0.5, bias=0.2),
    "ifht x --dln 0.1 --mu 0.5 --offset -1": sf.ifht(X, 0.1, 0.5, -1),
    "fftshift x": sf.fftshift(X),
    "ifftshift x --axes 0": sf.ifftshift(X, axes=(0,)),
    "fftfreq --n 301 --d 0.5": sf.fftfreq(301, 0.5),
    "rfftfreq --n 8 --dtype float32": sf.rfftfreq(8).astype(np.float32),
}  # fmt: skip


@pytest.mark.parametrize("processes", [1, 3])
def test_functions(processes):
    run_table("fft", FILE, {call: {call.split()[0]: want} for call, want in WANTED.items()}, processes)


def test_numbers_help_and_errors():
    assert tessera("fft", "next_fast_len", "--target", 10007, "--real", processes=2).out == "10125\n"
    assert float(tessera("fft", "fhtoffset", "--dln", 0.1, "--mu", 2, "--initial", 0.5).out) == pytest.approx(
        sf.fhtoffset(0.1, 2.0, 0.5))
    described = tessera("fft", "dct", "--help").out
    for part in ("Transforms of cosines", "--type", "of symmetry, 1 to 4 [2]", "--norm", "backward, ortho, forward",
                 "mpirun -n 4 tessera fft dct signal.h5:/x --out result.h5"):  # fmt: skip
        assert part in described
    every = tessera("fft", "--help").out
    assert all(f"\n  {call.split()[0]} " in every for call in WANTED)
    write("a.h5", **FILE)
    for words, error in {
        "dct a.h5:/x --type 5": "dct has types 1 to 4, not 5",
        "rfft a.h5:/z": "rfft takes real numbers, not complex128",
        "fft a.h5:/x --axis 2": "axis 2 is out of bounds for array of dimension 2",
        "fftn a.h5:/x --s 3": None,
        "fft a.h5:/x --norm much": "must be one of backward, ortho, forward, got much",
        "fftfreq": "--n is required",
    }.items():
        failed = tessera("fft", *words.split(), "--out", "b.h5", expect=0 if error is None else None)
        if error is not None:
            assert failed.code in (1, 2) and error in failed.err, failed.err


def test_fftw_on_some_processes_only():
    """Its bits are not those of the loops that serve without it, so all processes have it or none uses it."""
    built = Path(PROGRAM).parents[1] / "array"
    if not (built / "libtessera_fftw.so").exists():
        pytest.skip("built without FFTW")
    without = Path("without").resolve()
    without.mkdir()
    shutil.copy(built / "libtessera_array.so.0", without)  # which looks for the module beside itself
    hide = f'[ "$OMPI_COMM_WORLD_RANK" = 1 ] && export LD_LIBRARY_PATH={without}; exec "$@"'
    write("a.h5", **FILE)
    call = ["fft", "fft", "a.h5:/x", "--out", "b.h5"]
    failed = tessera(*call, processes=3, through=["sh", "-c", hide, "sh"], expect=1)
    assert failed.err == (
        "tessera: RuntimeError: array.fft: the processes chose different backends: rank 0 cpu, rank 1 reference; "
        "make the same choice (prefer, only, skip, TESSERA_BACKEND) on all")
    # Which they can: then all compute without it.
    tessera(*call, "--backend", "only:reference", processes=3, through=["sh", "-c", hide, "sh"])
    one = Path("b.h5").read_bytes()
    tessera(*call, "--backend", "only:reference", processes=2)
    assert Path("b.h5").read_bytes() == one
