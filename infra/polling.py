"""How often a pipeline polls a job: seconds between two polls, growing with the job's age."""

LOWEST_WAIT, GROWTH, HIGHEST_WAIT = 5, 1.25, 60
