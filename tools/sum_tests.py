"""Sums JUnit files up in one line, `N passed, N failed`; fails if a test failed. A file that is missing,
broken or empty is what a crash leaves: a failure.

usage: sum_tests.py FILE.xml ...
"""

import sys
from xml.etree import ElementTree

failed, skipped, passed = [], [], 0
for path in sys.argv[1:]:
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except (FileNotFoundError, ElementTree.ParseError) as error:
        print(f"no results: {error}")
        cases = []
    if not cases:
        failed.append(f"no results in {path.rsplit('/', 1)[-1]}")
    for case in cases:
        name = f"{case.get('classname')} {case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
        elif case.find("skipped") is not None:
            skipped.append(name)
        else:
            passed += 1

for name in skipped:
    print("skipped:", name)
if skipped:
    print(f"{len(skipped)} skipped")
for name in failed:
    print("failed:", name)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(bool(failed))
