# SPDX-License-Identifier: MIT
"""One module a command, each with NAME, HELP, configure(parser) and run(args) -> exit code."""
