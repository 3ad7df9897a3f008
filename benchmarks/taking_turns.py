"""Run this_neonpay.py of a tree burst by burst, each when it is told to: two that take turns meet the same machine.

A shared machine may run at half its speed a second later, and two that run at the same moment slow each other down. Bursts that
follow each other within a tenth of a second do neither.

    python benchmarks/taking_turns.py TREE GO DONE UPDATES WARM_UP IN_FLIGHT FOLDER    # GO, DONE: file descriptors
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

_Updates: TypeAlias = Callable[[Iterable[tuple[int, str]]], list[dict[str, Any]]]


def main() -> None:
    """Wait for a turn before each burst, and give it back after it."""
    tree, go, done = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    contenders = os.path.join(tree, "benchmarks", "contenders")
    sys.path.insert(0, contenders)
    import traffic  # that of the tree

    ahead_of_each_burst = "_updates"  # and not measured
    vars(traffic)[ahead_of_each_burst] = _in_turns(vars(traffic)[ahead_of_each_burst], go, done)
    sys.argv = ["this_neonpay.py", *sys.argv[4:]]
    runpy.run_path(os.path.join(contenders, "this_neonpay.py"), run_name="__main__")


def _in_turns(made: _Updates, go: int, done: int) -> _Updates:
    began = False

    def updates(paid: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
        nonlocal began
        if began:
            os.write(done, b".")
        began = True
        os.read(go, 1)
        return made(paid)

    return updates


if __name__ == "__main__":
    main()
