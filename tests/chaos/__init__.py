"""The attack on the real thing: the deployed pipelines and the server of the embedded AWS, broken on purpose.

`make chaos` runs all of it; `tests/chaos/test_*.py` a short seeded form in CI; docs/chaos.md has the figures.
"""
