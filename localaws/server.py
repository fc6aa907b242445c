"""Puts the embedded AWS together: the store, the jobs, our services behind the gateway."""

import os

from localaws.faults import Switch
from localaws.settings import Settings, server_environment

# Imported once by the fork server, so that each job starts with its engines at hand.
ENGINES = ("localaws.forecast.work", "localaws.personalize.work")


def run(settings: Settings) -> None:
    """Serves until it is told to stop."""
    outside = dict(os.environ)
    os.environ.update(server_environment(settings))
    # ministack reads its settings from the environment when it is imported, so it is imported only now.
    from localaws import gateway
    from localaws.forecast import service as forecast
    from localaws.forecast.engine.per_series import LIBRARIES
    from localaws.jobs import Jobs
    from localaws.personalize import service as personalize
    from localaws.resources import Store
    from localaws.sagemaker import service as sagemaker
    from localaws.sagemaker.machines import Machines

    store = Store(settings.state)
    switch = Switch(settings.faults)
    jobs = Jobs(store, preload=(*ENGINES, *LIBRARIES), switch=switch)
    jobs.recover()
    machines = Machines(settings.endpoint, outside)
    gateway.register([forecast.MOUNT, personalize.MOUNT, sagemaker.mount(machines)], settings, store, jobs, switch)

    def close() -> None:
        machines.close()
        jobs.close()
        store.close()
        settings.process_file.unlink(missing_ok=True)

    gateway.serve(settings, switch, close)
