"""How often a pipeline looks at a job: seconds between two looks, growing with the job's age."""

LOWEST_WAIT, GROWTH, HIGHEST_WAIT = 5, 1.25, 60
