"""A shop of 675,004 events, 5,250 users and 2,465 items in the embedded AWS: how long do import and training take?

The events are those of AWS's Retail Demo Store; the data is others' and does not come with Storecast: name the folder
that holds it by --shared or by STORECAST_SHARED. Everything goes through boto3, as a customer's code would.
"""

import argparse
import os
from pathlib import Path

import boto3
import pandas as pd

from benchmarks.embedded import create_recommenders, embedded_aws, import_group, watched

PLACE = Path("data/retail-demo")
EVENT_TYPES = {"ProductViewed": "View", "OrderCompleted": "Purchase"}  # the names that the recipes know


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    """The datasets by type; the data has no prices, which an ECOMMERCE schema asks for: all are 1."""
    interactions = pd.read_csv(folder / "interactions.csv.xz", dtype={"USER_ID": str})
    items = pd.read_csv(folder / "items.csv.xz").rename(columns={"CATEGORY": "CATEGORY_L1"})
    return {
        "Interactions": interactions.replace({"EVENT_TYPE": EVENT_TYPES}),
        "Items": items.assign(PRICE=1.0)[["ITEM_ID", "PRICE", "CATEGORY_L1", "STYLE"]],
        "Users": pd.read_csv(folder / "users.csv.xz", dtype=str),
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shop", description=__doc__)
    parser.add_argument("--shared", default=os.environ.get("STORECAST_SHARED"), metavar="DIR")
    given = parser.parse_args(arguments)
    if given.shared is None or not (Path(given.shared) / PLACE).exists():
        where = f"in {given.shared}" if given.shared else "because neither --shared nor STORECAST_SHARED names a folder"
        print(f"Skipped: there is no {PLACE} {where}.")
        return
    shop = frames(Path(given.shared) / PLACE)
    print(f"{len(shop['Interactions'])} events; load of the machine {os.getloadavg()[0]:.1f}")
    with embedded_aws() as (_, pid):
        with watched(pid) as importing:
            group, seconds = import_group(shop)
        print(
            f"import: {seconds:.1f} s, CPU {importing.cpu_seconds:.1f} s, memory at most {importing.peak_mib:.0f} MiB"
        )
        with watched(pid) as training:
            arns, seconds = create_recommenders(group)
        print(f"all five ACTIVE: {seconds:.1f} s, CPU {training.cpu_seconds:.1f} s, ", end="")
        print(f"memory at most {training.peak_mib:.0f} MiB; load of the machine {os.getloadavg()[0]:.1f}")
        for recipe, arn in arns.items():
            found = boto3.client("personalize").describe_recommender(recommenderArn=arn)["recommender"]
            metrics = found["modelMetrics"]
            name = "normalized_discounted_cumulative_gain_at_10"
            print(f"{recipe}: NDCG@10 {metrics[name]:.3f} (plain popularity's is in the log of the embedded AWS)")


if __name__ == "__main__":
    main()
