"""The embedded AWS: Forecast, Personalize and SageMaker notebooks with real trained models, beside ministack's services."""
