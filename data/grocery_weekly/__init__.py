"""The grocer's product types that sell too thinly for daily forecasts, as weekly demand."""
