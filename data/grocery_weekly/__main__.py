"""python -m data.grocery_weekly --out build/data/grocery_weekly [--full]"""

from pathlib import Path

from data.command import run
from data.grocery_weekly.prepare import prepare

if __name__ == "__main__":
    run(prepare, "Build the grocery-weekly dataset from the Complete Journey.", Path("build/data/grocery_weekly"))
