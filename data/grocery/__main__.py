"""python -m data.grocery --out build/data/grocery [--full] [--seed N]"""

from pathlib import Path

from data.command import run
from data.grocery.prepare import prepare

if __name__ == "__main__":
    run(prepare, "Build the grocery dataset from the Complete Journey.", Path("build/data/grocery"))
