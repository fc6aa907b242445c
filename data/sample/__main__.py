"""python -m data.sample --out DIR"""

from pathlib import Path

from data.command import run
from data.sample.prepare import prepare

if __name__ == "__main__":
    run(prepare, "Build the small synthetic dataset.", Path("build/data/sample"))
