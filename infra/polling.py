"""How often a pipeline polls a job: seconds between two polls, growing with the job's age."""

# A wait is about a quarter of the job's age: a training of hours is polled every quarter of an hour. Each poll is nine
# events of a history that may have 25,000 (infra/history.py).
LOWEST_WAIT, GROWTH, HIGHEST_WAIT = 5, 1.3, 900
