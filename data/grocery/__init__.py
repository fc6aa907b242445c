"""A real grocer's year: the Complete Journey 2017 as Amazon Forecast and Amazon Personalize datasets."""
