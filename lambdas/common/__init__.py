"""What the steps of all pipelines share; delivered to them as a Lambda layer."""
