"""Storecast's engines: forecasting and recommending as pure functions. No AWS."""
