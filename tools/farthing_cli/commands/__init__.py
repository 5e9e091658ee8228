# SPDX-License-Identifier: MIT
"""One module a command: NAME, HELP, configure(parser), run(args) -> exit code.

A module keeps its top-level imports light; `farthing --help` imports them all.
"""
