"""The main job on the embedded AWS, from an empty machine to forecasts and recommendations: `make demo`."""
