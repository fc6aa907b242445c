"""A tiny synthetic shop with known answers: for tests, and as a pattern for your own data."""
