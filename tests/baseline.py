"""Guards against becoming slower: ratios of two things measured in one run, against those of an earlier run.

Seconds differ from machine to machine, ratios hardly. `CDI_KEEP=1 make bench` keeps what it measures as the new
baseline.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

FILE = Path(__file__).parent / "baseline.json"
TOLERANCE = 0.6  # a ratio may fall to this part of its baseline before it counts as worse: machines are busy


def guard(name: str, ratio: float) -> bool:
    """Print a ratio beside its baseline; False if it is much worse. Larger is better."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}
    if os.environ.get("CDI_KEEP"):
        content = dict(sorted((known | {name: round(ratio, 2)}).items()))
        FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        print(f"   {name}: {ratio:.2f} (kept as the baseline)")
        return True
    before = known.get(name)
    is_fine = before is None or ratio >= TOLERANCE * before
    print(f"   {name}: {ratio:.2f} (baseline {before}){'' if is_fine else ': WORSE'}", flush=True)
    return is_fine
