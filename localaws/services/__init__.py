"""The AWS services that Storecast serves itself: Amazon Forecast, Amazon Personalize and SageMaker notebooks."""
