"""The workshop from the host's side: its raw data, and the run of all notebooks."""
