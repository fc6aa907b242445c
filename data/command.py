"""The command line that the dataset folders share."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from data.summary import FILE_NAME, Summary


def run(
    prepare: Callable[..., Summary], description: str, default_out: Path, arguments: list[str] | None = None
) -> None:
    """Parse --out, --full and --seed, build, and say in a few lines what is there and what of it is simulated."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=default_out, help=f"folder to write to (default {default_out})")
    parser.add_argument("--full", action="store_true", help="everything there is instead of the demo's choice")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated part (default 0)")
    options = parser.parse_args(arguments)
    written = options.out / FILE_NAME
    before = written.stat().st_mtime_ns if written.exists() else None
    started = time.perf_counter()
    summary = prepare(options.out, full=options.full, seed=options.seed)
    if written.stat().st_mtime_ns == before:
        print(f"{summary.dataset}: {options.out} is up to date (same arguments and code), nothing to do")
        return
    print(f"{summary.dataset}: written to {options.out} in {time.perf_counter() - started:.1f} s")
    for name, rows in summary.files.items():
        print(f"  {rows:>9,} rows  {name}")
    print("  " + ", ".join(f"{name} {value}" for name, value in summary.figures.items()))
    if summary.simulated:
        print(f"  {summary.simulated}")
