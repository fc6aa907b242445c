"""What is deployed, what ran and what was published: functions over boto3 that return the types of `model`.

Nothing is imported here, so that whoever needs one module doesn't wait for the others:

    from storecast.client import aws, datasets, forecasts, recommendations, results, runs, uploads

    session = aws.connect(profile=None, region=None)
    shop = datasets.one(session, "shop")
    newest = runs.listed(session, shop, "forecasting", most=10)
"""
