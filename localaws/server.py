"""Puts the embedded AWS together: the store, the jobs, our services behind the emulator."""

import os

from localaws.faults import Switch
from localaws.settings import Settings, server_environment
from localaws.workers import of_the_machine, start_without_secrets

# Imported once by the fork server, so that each job starts with its engines at hand.
JOB_MODULES = (
    "localaws.services.forecast.jobs.forecasts",
    "localaws.services.personalize.jobs.solution_versions",
)


def run(settings: Settings) -> None:
    """Serves until the process gets a signal to stop."""
    outside = dict(os.environ)
    os.environ.pop("AWS_SESSION_TOKEN", None)  # of whoever starts it: ministack would ask the root user for it
    os.environ.update(server_environment(settings))
    start_without_secrets(of_the_machine(os.environ))
    # ministack reads its settings from the environment when it is imported, so it is imported only now.
    from localaws import emulator
    from localaws.jobs import Jobs
    from localaws.resources import Store
    from localaws.services.forecast import service as forecast
    from localaws.services.glue.resource_types import TYPES as GLUE
    from localaws.services.personalize import service as personalize
    from localaws.services.sagemaker import service as sagemaker
    from localaws.services.sagemaker.machines import Machines
    from storecast_engines.forecasting.local_models import LIBRARIES

    store = Store(settings.state)
    switch = Switch(settings.faults)
    machines = Machines(settings.endpoint, outside)
    services = [forecast.REGISTRATION, personalize.REGISTRATION, sagemaker.registration(machines)]
    jobs = Jobs(store, [*(each.types for each in services), GLUE], preload=(*JOB_MODULES, *LIBRARIES), switch=switch)
    jobs.recover()
    store.keep_copy()
    conclude = emulator.register(services, settings, store, jobs, switch)

    def close() -> None:
        machines.close()
        jobs.close()
        store.close()

    emulator.serve(settings, frozenset(each.signing_name for each in services), switch, conclude, close)
