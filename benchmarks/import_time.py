"""What ``import neonpay`` costs a bot, in processor milliseconds over an interpreter that imports nothing."""

from __future__ import annotations

import argparse
import subprocess
import sys
from statistics import median

_TARGET_MS = 40.0
_CLOCK = "import time; print(time.process_time())"


def main() -> int:
    """Measure in turns and print the medians; 1 when the target is missed."""
    parser = argparse.ArgumentParser(description="What import neonpay costs.")
    parser.add_argument("--runs", type=int, default=31, help="processes per statement")
    runs: int = parser.parse_args().runs
    bare_ms, ours_ms = [], []
    for _ in range(runs):
        bare_ms.append(_cpu_ms(_CLOCK))
        ours_ms.append(_cpu_ms(f"import neonpay; {_CLOCK}"))
    over_ms = median(ours_ms) - median(bare_ms)
    verdict = "met" if over_ms <= _TARGET_MS else "missed"
    print(f"interpreter {median(bare_ms):.1f} ms, with import neonpay {median(ours_ms):.1f} ms of processor time")
    print(f"target: import neonpay <= {_TARGET_MS:.0f} ms over a bare interpreter: {over_ms:.1f} ms, {verdict}")
    return 0 if verdict == "met" else 1


def _cpu_ms(code: str) -> float:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout) * 1000


if __name__ == "__main__":
    sys.exit(main())
