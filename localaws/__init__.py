"""The embedded AWS: Forecast, Personalize and SageMaker notebooks with real models, beside ministack's services."""
