"""The stubs: what mypy makes of them, and of programs that use the package."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tessera

PACKAGE = Path(tessera.__file__).parent
# Lines with the comment are wrong, all others right.
PROGRAM = """
import numpy as np
import tessera
import tessera.array_api as xp
import tessera.linalg
from tessera.cluster import KMeans
from tessera.decomposition import PCA

x = np.ones((10, 2))
model = KMeans(3, random_state=np.random.RandomState(0)).fit(x)
labels: np.ndarray = model.predict(x)
far: tessera.Array = model.transform(tessera.asarray(x))
later: tessera.Stream = model.transform(tessera.stream("x.h5:/X"))
part: np.ndarray = far.local
score: float = model.score(x)
PCA(0.9)
PCA("mle", svd_solver="full")
tessera.linalg.svd(far)
tessera.patch_sklearn(verbose=True)
sums: tessera.Array = 2 * far + far @ far.T - xp.linalg.inv(far)[0, :]
total: float = float(xp.sum(far > 0, axis=0, dtype=xp.float64))
values: tessera.Array = xp.linalg.svd(far).S
number: int = model.predict(x)  # wrong
KMeans(n_clusters="a")  # wrong
KMeans(algorithm="other")  # wrong
KMeans(clusters=3)  # wrong
model.predict_proba(x)  # wrong
tessera.linalg.svd()  # wrong
tessera.asarray(x).nothing  # wrong
element: int = far + 1  # wrong
far["a"] + "a"  # wrong
xp.sum(far, axes=0)  # wrong
xp.nothing  # wrong
"""


def mypy(*arguments):
    pytest.importorskip("mypy")
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent",
         "--cache-dir=mypy", *map(str, arguments)],
        capture_output=True, text=True, env=os.environ | {"MYPYPATH": str(PACKAGE.parent)})


def test_programs_are_checked():
    Path("program.py").write_text(PROGRAM)
    wrong = {i for i, line in enumerate(PROGRAM.split("\n"), 1) if line.endswith("# wrong")}
    said = mypy("program.py").stdout
    found = {int(line.split(":")[1]) for line in said.splitlines() if ": error:" in line}
    assert found == wrong, said


def test_the_stubs_are_right():
    stubs = sorted(PACKAGE.glob("*.pyi"))
    modules = {made.__module__.rpartition(".")[2] for _, made in tessera.all_estimators()}
    assert {path.stem for path in stubs} >= {"__init__", "_core", "linalg"} | modules
    outcome = mypy(*stubs)
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("name, made", tessera.all_estimators())
def test_stubs_have_what_the_class_has(name, made):
    """Every parameter and every method; the file is that of the module."""
    text = (PACKAGE / f"{made.__module__.rpartition('.')[2]}.pyi").read_text()
    text = text.partition(f"class {name}(")[2].partition("\nclass ")[0]
    head = text.partition("def __init__(")[2].partition("\n")[0]
    for parameter in inspect.signature(made).parameters.values():
        default = parameter.default
        assert f" {parameter.name}: " in head
        assert f" = {'float(' + repr(str(default)) + ')' if default != default else repr(default)}" in head
    for method in made._described["methods"]:
        assert f"def {method['name']}(self" in text
    assert made.__doc__.splitlines()[0] in text
