"""`python -m tests.bench [NAME...] [--all] [--json FILE]`: run the measures, print a table, write JSON."""

import argparse
import json
import multiprocessing
import sys
from pathlib import Path

from tests.bench.catalog import BENCHES, measured
from tests.bench.measure import Bench, Figure


def _run(bench: Bench) -> list[Figure]:
    """Run a measure in a process of its own, so that none sees another's memory."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (bench.name,))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"measures: {', '.join(b.name for b in BENCHES)}")
    parser.add_argument("--all", action="store_true", help="the slow ones too")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    unknown = set(options.names) - {b.name for b in BENCHES}
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    chosen = [b for b in BENCHES if b.name in options.names or (not options.names and (options.all or not b.slow))]
    results: dict[str, list[dict[str, object]]] = {}
    missed = 0
    for bench in chosen:
        print(f"\n{bench.name}: {bench.about}", flush=True)
        for figure in _run(bench):
            budget = "" if figure.budget is None else f"{'>=' if figure.at_least else '<='} {figure.budget:g}"
            print(f"  {figure.name:<58}{figure.value:>12,.2f} {figure.unit:<6} {budget:<12}{figure.verdict}", flush=True)
            missed += figure.verdict == "MISSED"
            results.setdefault(bench.name, []).append({**figure._asdict(), "verdict": figure.verdict})
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")
    if missed:
        print(f"\n{missed} budgets missed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
