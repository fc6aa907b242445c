"""Puts the embedded AWS together: the store, the jobs, our services behind the gateway."""

import os

from localaws.faults import Switch
from localaws.settings import Settings, server_environment

# Imported once by the fork server, so that each job starts with its engines at hand.
PRELOAD = ("localaws.forecast.work", "localaws.personalize.work")


def run(settings: Settings) -> None:
    """Serves until it is told to stop."""
    os.environ.update(server_environment(settings))
    # ministack reads its settings from the environment when it is imported, so it is imported only now.
    from localaws import gateway
    from localaws.forecast import service as forecast
    from localaws.jobs import Jobs
    from localaws.personalize import service as personalize
    from localaws.resources import Store
    from localaws.sagemaker import service as sagemaker

    store = Store(settings.state)
    switch = Switch(settings.faults)
    jobs = Jobs(store, preload=PRELOAD, switch=switch)
    jobs.recover()
    gateway.register([forecast.MOUNT, personalize.MOUNT, sagemaker.MOUNT], settings, store, jobs, switch)

    def close() -> None:
        jobs.close()
        store.close()
        settings.process_file.unlink(missing_ok=True)

    gateway.serve(settings, switch, close)
