"""The console: a page on this machine that shows what is deployed, what ran, what is forecast and recommended.

`python -m storecast.console` serves it. It asks AWS through `storecast.client` with the caller's credentials, and
changes something only when a person presses a button.
"""
