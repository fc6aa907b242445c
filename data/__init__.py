"""One folder per dataset: how its CSVs are made (`python -m data.<folder> --out DIR`), and its `pipeline.yaml`."""
