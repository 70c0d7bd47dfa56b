"""Counts the tests a stage's log reports: `count.py LOG EXIT` prints "passed failed".

A stage without a count of its own (a formatter, a linter) is one test.
"""

import re
import sys

log, failed_exit = open(sys.argv[1], errors="replace").read(), sys.argv[2] != "0"
passed = failed = 0
patterns = [
    r"tests? run: (\d+) passed(?:.*?, (\d+) failed)?",  # nextest
    r"test result: \S+ (\d+) passed; (\d+) failed",  # cargo test
    r"^(\d+) passed, (\d+) failed$",  # our own scripts
]
for pattern in patterns:
    for match in re.finditer(pattern, log, re.M):
        passed += int(match[1])
        failed += int(match[2] or 0)
for match in re.finditer(r"^(?:#|ℹ) (pass|fail) (\d+)$", log, re.M):  # node --test
    if match[1] == "pass":
        passed += int(match[2])
    else:
        failed += int(match[2])
if passed + failed == 0 and not failed_exit:
    passed = 1
if failed_exit and failed == 0:
    failed = 1
print(passed, failed)
