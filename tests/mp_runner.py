# SPDX-License-Identifier: MIT
"""Runs every test_* function of one file under MicroPython and prints one verdict line for each.

It picks no tests and knows no fixtures: a shared test is a plain function with plain asserts.
"""

import gc
import sys


def run(path):
    """Import the file at `path`, run its tests by name, return how many failed."""
    folder, _, name = path.rpartition("/")
    sys.path.insert(0, folder)
    module = __import__(name[:-3])
    failed = 0
    for test in sorted(dir(module)):
        if not test.startswith("test_"):
            continue
        gc.collect()
        try:
            getattr(module, test)()
        except Exception as error:  # noqa: BLE001 - the supervisor: every failure becomes a verdict line
            failed += 1
            sys.print_exception(error, sys.stdout)
            print("::FAIL", test)
        else:
            print("::PASS", test)
    return failed


if __name__ == "__main__":
    sys.exit(1 if run(sys.argv[1]) else 0)
