"""Storecast's engines: forecasts, recommendations, and the files they are made from. Nothing of AWS.

`storecast_engines.forecasting.AutoPredictor`, `storecast_engines.recommending.Recommender` and
`storecast_engines.files` are the places to start; see the README.
"""
