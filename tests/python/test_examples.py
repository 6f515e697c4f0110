"""examples/python: scripts of scikit-learn's give on Tessera what they give without it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_patch import start

EXAMPLES = Path(__file__).parents[2] / "examples/python"
NUMBER = re.compile(r"-?\d+\.\d*(?:e[+-]\d+)?")
# What each is to run in Tessera.
SCRIPTS = {
    "colours_of_a_photograph": {"KMeans.fit", "KMeans.predict"},
    "diabetes_by_one_feature": {"LinearRegression.fit", "LinearRegression.predict"},
    "digits_by_likeness": {"PCA.fit", "StandardScaler.fit_transform", "KMeans.fit"},
    "iris_in_two_dimensions": {"PCA.fit", "PCA.transform", "GaussianNB.fit", "GaussianNB.score"},
    "ridge_tames_hilbert": {"Ridge.fit"},
    "why_wine_is_scaled": {"StandardScaler.fit_transform", "PCA.fit_transform", "GaussianNB.predict"},
}


def test_all_scripts_are_here():
    assert {path.stem for path in (EXAMPLES / "gallery").glob("*.py")} == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_say_the_same(name):
    """The same words and, to rounding, the same numbers; all of them on Tessera."""
    script = EXAMPLES / f"gallery/{name}.py"
    plain = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    job = start("--verbose", str(script), processes=2 if name.startswith("digits") else 1)
    assert job.returncode == 0, job.stderr
    assert NUMBER.sub("#", job.stdout).split() == NUMBER.sub("#", plain).split()
    np.testing.assert_allclose(np.array(NUMBER.findall(job.stdout), float),
                               np.array(NUMBER.findall(plain), float), rtol=1e-6, atol=2e-6)
    assert "scikit-learn" not in job.stderr, job.stderr
    ran = set(re.findall(r"(\w+\.\w+) ran in Tessera", job.stderr))
    assert ran >= SCRIPTS[name], ran


def test_the_lines_of_the_readme_run():
    import tessera

    text = (EXAMPLES.parents[1] / "README.md").read_text()
    lines = re.search(r"## From Python\n\n```python\n(.*?)```", text, re.DOTALL)[1]
    tessera.write("points.h5:/X", np.random.default_rng(0).normal(size=(500, 3)))
    exec(lines, {})
    labels = tessera.read("labels.h5:/labels").numpy()
    assert labels.shape == (500,) and set(labels) == set(range(8))


def test_the_notebook_runs():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(EXAMPLES / "wine.ipynb", as_version=4)
    # In the folder of the test, which is the current one.
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.get("text", "") for output in outputs)
    assert "KMeans(n_clusters=3, random_state=0): 0.8" in text
    assert any("image/png" in output.get("data", {}) for output in outputs)
    last = outputs[-1]["data"]["text/plain"]
    assert "tessera.Array(shape=(178, 13), dtype=float64" in last and "(178,), dtype=int32" in last


def test_the_slurm_script_runs_without_slurm():
    import tessera
    from tessera.cluster import KMeans
    from tessera.preprocessing import StandardScaler

    x = np.random.default_rng(0).normal(size=(900, 3)) + 5 * (np.arange(900)[:, None] % 3)
    tessera.write("data.h5:/X", x)
    python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    allow = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    job = subprocess.run(
        ["bash", EXAMPLES / "cluster.sbatch", "data.h5:/X", "labels.h5:/labels", "3"],
        capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL,
        env=os.environ | allow | {"PATH": python})
    assert job.returncode == 0, job.stderr
    model = KMeans(3, random_state=0).fit(StandardScaler().fit_transform(x))
    assert job.stdout == (f"900 rows on 2 processes: inertia {model.inertia_:.6g} after "
                          f"{model.n_iter_} iterations\n")
    np.testing.assert_array_equal(tessera.read("labels.h5:/labels").numpy(), model.labels_)
    assert tessera.load("kmeans.tessera").inertia_ == model.inertia_
