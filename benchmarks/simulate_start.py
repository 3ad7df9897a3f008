"""From typing ``neonpay simulate`` to the last line of its welcome, when a bot is answered.

Times on the wall and of the processor, each the median of a few starts; the first, which may compile modules, does not count.
Where Python may not keep what it compiles (``PYTHONDONTWRITEBYTECODE``), each start compiles anew and takes a second longer.

    python benchmarks/simulate_start.py              # half a minute
    python -X importtime -m neonpay simulate --port 0 2> imports.txt    # where it goes
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from statistics import median
from typing import Final

_TARGET_S: Final = 1.5


def main() -> int:
    """Measure and print the medians; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description="How long neonpay simulate takes to start.")
    parser.add_argument("--runs", type=int, default=5, help="starts that count")
    runs: int = parser.parse_args().runs
    _start()
    starts = [_start() for _ in range(runs)]
    wall_s, cpu_s = median(wall for wall, _ in starts), median(cpu for _, cpu in starts)
    verdict = "met" if wall_s <= _TARGET_S else "missed"
    print(f"neonpay simulate answers after {wall_s:.2f} s, {cpu_s:.2f} s of them on the processor")
    print(f"target: {_TARGET_S} s: {verdict}")
    return 0 if verdict == "met" else 1


def _start() -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    before, began = _children_s(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "neonpay", "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Everything that can be asked"):
            break
    took_s = time.perf_counter() - began
    process.kill()
    process.communicate()
    return took_s, _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
