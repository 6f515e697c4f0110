"""A plug-in that takes the array API's official suite through a job of several processes in lockstep: each draws the
same examples, and every array that a function of tessera.array_api makes has the same values on all of them.

Beside together.py, which compares the outcomes.
"""

import random
import zlib

import numpy as np
import pytest
import tessera
from hypothesis import HealthCheck, Phase, settings
from tessera import _core

_sum, _arrays = 0, 0


def _seen(result):
    """Adds what this process sees of a result to its checksum. Values of distributed arrays travel here."""
    global _sum, _arrays
    for x in result if isinstance(result, tuple) else (result,):
        if isinstance(x, tessera.Array):
            _arrays += 1
            head = f"{x.dtype} {x.shape} {x.distribution}".encode()
            _sum = zlib.crc32(np.ascontiguousarray(x.numpy()), zlib.crc32(head, _sum))
    return result


def _watched(function):
    return lambda *arguments: _seen(function(*arguments))


for name in ("array_call", "array_index"):  # before tessera.array_api is imported
    setattr(_core, name, _watched(getattr(_core, name)))


@pytest.hookimpl(trylast=True)  # after the suite's own profile
def pytest_configure(config):
    # Nothing may depend on time or on what another process has left.
    settings.register_profile(
        "lockstep", settings.get_profile("array-api-tests"), derandomize=True, deadline=None, database=None,
        report_multiple_bugs=False, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
        print_blob=False)
    settings.load_profile("lockstep")


def pytest_collection_modifyitems(items):
    """The suite skips test_remainder as flaky, whoever is tested. Here nothing is."""
    for item in items:
        item.own_markers = [mark for mark in item.own_markers if mark.kwargs.get("reason") != "flaky"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    random.seed(zlib.crc32(item.nodeid.encode()))  # for strategies' example()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    finally:
        together = next(p for p in item.config.pluginmanager.get_plugins() if type(p).__name__ == "Together")
        if len(set(together.exchange((item.nodeid, _arrays, _sum)))) > 1:
            pytest.fail("arrays differ between processes")


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"{_arrays} arrays on {tessera.size()} processes, checksum {_sum:08x}")
