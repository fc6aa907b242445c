"""A data deletion job, in a process of its own: the imported files again, without the records of some users."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from localaws.errors import JobFailed
from localaws.jobs import Result
from localaws.s3 import Access, read
from storecast_engines.files import Field, FileError
from storecast_engines.files.interactions import read_csv

MOST_BYTES = 100 * 10**6  # quotas page of the guide
USER = Field("USER_ID", "string", nullable=False)


@dataclass(frozen=True)
class DeleteUsers:
    """`files`: Parquet files of imported interactions and users; `name`: of the job, for the names of new files."""

    path: str
    files: list[str]
    name: str


def delete_users(job: DeleteUsers, access: Access) -> Result:
    """Writes each file with records of these users again without them, beside the old one."""
    files = read(access, job.path)
    if (size := sum(len(each.body) for each in files)) > MOST_BYTES:
        raise JobFailed(f"{job.path} has {size:,} bytes; a data deletion job may have {MOST_BYTES:,}.")
    try:
        users = read_csv({each.uri: each.body for each in files}, [USER])["USER_ID"].unique().tolist()
    except FileError as error:
        raise JobFailed(str(error)) from None
    rewritten, deleted = {}, 0
    for file in job.files:
        frame = pd.read_parquet(file)
        gone = frame["USER_ID"].isin(users)
        if gone.any():
            target = Path(file).with_name(f"{Path(file).stem}-{job.name}.parquet")
            frame[~gone].to_parquet(target, index=False)
            rewritten[file] = str(target)
            deleted += int(gone.sum())
    return Result({"numDeleted": deleted}, {"rewritten": rewritten, "users": users})
