"""What Amazon Forecast asks of datasets: the domains with their fields, the attribute types, the frequencies.

Sources: the guide's pages on each domain (docs/aws-sources.md#forecast-retail-domain ...
docs/aws-sources.md#forecast-custom-domain), docs/aws-sources.md#forecast-howitworks-datasets-groups,
docs/aws-sources.md#forecast-API_SchemaAttribute, docs/aws-sources.md#forecast-API_CreateDatasetImportJob,
docs/aws-sources.md#forecast-related-time-series-datasets, docs/aws-sources.md#forecast-reserved-field-names,
docs/aws-sources.md#forecast-weather, docs/aws-sources.md#forecast-limits.
"""

import zoneinfo
from dataclasses import dataclass

from localaws.errors import invalid
from localaws.services.forecast import reserved
from localaws.services.forecast.private import Datasets
from storecast_engines.files.schemas import DEFAULT_TIMESTAMP_FORMAT, GEOLOCATION_FORMATS, TIMESTAMP_FORMATS
from storecast_engines.forecasting import frequency as frequencies

TARGET, RELATED, METADATA = "TARGET_TIME_SERIES", "RELATED_TIME_SERIES", "ITEM_METADATA"


@dataclass(frozen=True)
class Domain:
    """The names that the domain gives to the item and to the target; `counts`: the target is a number of things."""

    item_key: str
    target: str
    counts: bool = False


DOMAINS = {
    "RETAIL": Domain("item_id", "demand", counts=True),
    "INVENTORY_PLANNING": Domain("item_id", "demand", counts=True),
    "EC2_CAPACITY": Domain("instance_type", "number_of_instances", counts=True),
    "WORK_FORCE": Domain("workforce_type", "workforce_demand"),
    "WEB_TRAFFIC": Domain("item_id", "value"),
    "METRICS": Domain("metric_name", "metric_value"),
    "CUSTOM": Domain("item_id", "target_value"),
}
MOST_COLUMNS = {TARGET: 13, RELATED: 25, METADATA: 10}
MOST_FEATURES, MOST_DIMENSIONS = 13, 10  # of a related time series
NUMBERS = ("integer", "float")
# docs/aws-sources.md#forecast-holidays
COUNTRIES = (  # noqa: SIM905
    "AL AR AT AU BA BE BG BO BR BY CA CL CO CR HR CZ DK EC EE ET FI FR DE GR HU IS IN IE IT JP KZ KR LV LI LT LU MK MT "
    "MX MD ME NL NZ NI NG NO PA PY PE PL PT RO RU RS SK SI ZA ES SE CH UA AE US UK UY VE"
).split()


def check_schema(domain_name: str, dataset_type: str, attributes: list[dict]) -> None:
    """Raises ServiceError InvalidInputException naming the attribute and what the domain asks for."""
    domain = DOMAINS[domain_name]
    types = {attribute.get("AttributeName", ""): attribute.get("AttributeType", "") for attribute in attributes}
    if len(types) != len(attributes):
        raise invalid(f"The schema names an attribute twice: {[each.get('AttributeName') for each in attributes]}")
    if len(attributes) > MOST_COLUMNS[dataset_type]:
        raise invalid(f"A {dataset_type} schema has at most {MOST_COLUMNS[dataset_type]} attributes, not {len(types)}")
    required: dict[str, tuple[str, ...]] = {domain.item_key: ("string",)}
    if dataset_type != METADATA:
        required["timestamp"] = ("timestamp",)
    if dataset_type == TARGET:
        required[domain.target] = NUMBERS
    for name, allowed in required.items():
        if name not in types:
            raise invalid(f"The {domain_name} domain requires the attribute {name} in a {dataset_type} dataset")
        if types[name] not in allowed:
            raise invalid(f"Attribute {name} must be of type {' or '.join(allowed)}, not {types[name]}")
    others = {name: kind for name, kind in types.items() if name not in required}
    _check_others(domain, dataset_type, others)
    # the guide writes them in capitals and does not say whether these matter: they are SQL's words, so they do not
    taken = [name for name in others if name.upper() in reserved.NAMES]
    if taken:
        raise invalid(f"Attributes {taken} of the schema have names that Forecast reserves: rename them")


def _check_others(domain: Domain, dataset_type: str, others: dict[str, str]) -> None:
    """Dimensions are strings or a geolocation, features of a related time series numbers, metadata strings."""
    allowed = {
        TARGET: ("string", "geolocation"),
        RELATED: ("string", "geolocation", *NUMBERS),
        METADATA: ("string",),
    }[dataset_type]
    wrong = {name: kind for name, kind in others.items() if kind not in allowed}
    if wrong:
        raise invalid(f"Attributes of {dataset_type} must be of type {' or '.join(allowed)}: {wrong}")
    if dataset_type != RELATED:
        return
    if domain.target in others:
        raise invalid(f"A RELATED_TIME_SERIES dataset must not hold the target, {domain.target}")
    features = [name for name, kind in others.items() if kind in NUMBERS]
    if not 1 <= len(features) <= MOST_FEATURES or len(others) - len(features) > MOST_DIMENSIONS:
        raise invalid(
            f"A RELATED_TIME_SERIES schema has 1 to {MOST_FEATURES} attributes of type integer or float and at most "
            f"{MOST_DIMENSIONS} dimensions; got {others}"
        )


def check_frequency(frequency: str) -> None:
    try:
        frequencies.offset(frequency)
    except ValueError as error:
        raise invalid(str(error)) from None


def check_boundary(frequency: str, boundary: dict) -> None:
    try:
        frequencies.check_boundary(frequency, boundary)
    except ValueError as error:
        raise invalid(f"TimeAlignmentBoundary: {error}") from None


def check_forecast_frequency(forecast: str, target: str, related: str | None) -> None:
    """At least the target's, and exactly that of related series, which are never aggregated
    (docs/aws-sources.md#forecast-API_CreateAutoPredictor,
    docs/aws-sources.md#forecast-related-time-series-datasets)."""
    if frequencies.shortest(forecast) < frequencies.shortest(target):
        raise invalid(f"ForecastFrequency {forecast} is finer than DataFrequency {target} of the target time series")
    if related and frequencies.parse(related) != frequencies.parse(forecast):
        raise invalid(
            f"ForecastFrequency {forecast} must equal DataFrequency {related} of the related time series: those are "
            "never aggregated"
        )


def check_timestamp_format(timestamp_format: str, frequency: str) -> None:
    if timestamp_format not in TIMESTAMP_FORMATS:
        raise invalid(f"TimestampFormat {timestamp_format!r} is not one of {', '.join(TIMESTAMP_FORMATS)}")
    if frequency.endswith(("H", "min")) and timestamp_format == "yyyy-MM-dd":
        raise invalid(f"Data of frequency {frequency} needs TimestampFormat {DEFAULT_TIMESTAMP_FORMAT}")


def check_places(params: dict, attributes: list[dict]) -> None:
    """TimeZone, UseGeolocationForTimeZone and GeolocationFormat of an import.

    Only the Weather Index reads what they say (docs/aws-sources.md#forecast-weather): timestamps stay as they are.
    """
    located = any(each["AttributeType"] == "geolocation" for each in attributes)
    for member in ("GeolocationFormat", "UseGeolocationForTimeZone"):
        if params.get(member) and not located:
            raise invalid(f"{member} needs an attribute of type geolocation in the schema")
    if params.get("GeolocationFormat", "LAT_LONG") not in GEOLOCATION_FORMATS:
        raise invalid(f"GeolocationFormat {params['GeolocationFormat']!r} is not {' or '.join(GEOLOCATION_FORMATS)}")
    if "TimeZone" in params and params.get("UseGeolocationForTimeZone"):
        raise invalid("Give either TimeZone or UseGeolocationForTimeZone, not both")
    if "TimeZone" in params and params["TimeZone"] not in zoneinfo.available_timezones():
        raise invalid(f"TimeZone {params['TimeZone']!r} is not a name such as Europe/Berlin or UTC")


def holiday_country(additional: list[tuple[str, str | None]]) -> str | None:
    """The country whose public holidays count, of AdditionalDatasets given as (name, country code).

    Raises ServiceError InvalidInputException for an unknown name or country, for two countries, and for the Weather
    Index, whose weather would have to come over the network.
    """
    countries: list[str] = []
    for name, country in additional:
        if name == "weather":
            raise invalid(
                "The Weather Index (AdditionalDatasets, weather) needs a network service that Storecast's embedded AWS "
                "does not have; leave it out"
            )
        if name != "holiday":
            raise invalid(f"AdditionalDatasets names {name!r}; allowed are holiday and weather")
        if country is None or country not in COUNTRIES:
            raise invalid(f"CountryCode {country!r} is not one of {', '.join(COUNTRIES)}")
        countries.append(country)
    if len(countries) > 1:
        raise invalid(f"A predictor takes the holidays of one country, not of {', '.join(countries)}")
    return countries[0] if countries else None


def format_of(params: dict) -> str:
    """Format of an import or an export, CSV by default."""
    file_format = params.get("Format", "CSV")
    if file_format not in ("CSV", "PARQUET"):
        raise invalid(f"Format {file_format!r} is not CSV or PARQUET")
    return file_format


def check_forecast_types(types: list[str]) -> None:
    """At most five types (limits of CreateForecast and CreateAutoPredictor), none twice."""
    if len(types) > 5 or len(set(types)) != len(types):
        raise invalid(f"You can specify up to five different forecast types; got {types}")


def types_of(attributes: list[dict]) -> dict[str, str]:
    """AttributeName -> AttributeType, in the schema's order."""
    return {each["AttributeName"]: each["AttributeType"] for each in attributes}


def check_related(datasets: Datasets, domain: str, dimensions: list[str]) -> None:
    """Related series are numbers: the service refuses any other attribute that is no dimension, in these words."""
    keys = (DOMAINS[domain].item_key, "timestamp", *dimensions)
    texts = [
        each["AttributeName"]
        for each in (datasets[RELATED]["attributes"] if RELATED in datasets else [])
        if each["AttributeType"] not in NUMBERS and each["AttributeName"] not in keys
    ]
    if texts:
        raise invalid(
            f"The attribute(s) [{', '.join(texts)}] present in the RELATED_TIME_SERIES schema should be of numeric "
            "type such as `integer` or `float`, or be added as a forecast dimension"
        )


def dimensions_of(domain_name: str, attributes: list[dict]) -> list[str]:
    """Attributes of a target time series that are neither item, timestamp nor target: its possible dimensions."""
    domain = DOMAINS[domain_name]
    fixed = (domain.item_key, domain.target, "timestamp")
    return [each["AttributeName"] for each in attributes if each["AttributeName"] not in fixed]


def keys_of(domain_name: str, dataset_type: str, attributes: list[dict]) -> list[str]:
    """Attributes that no row may leave empty: the item, and the dimensions of a time series."""
    item_key = DOMAINS[domain_name].item_key
    strings = [each["AttributeName"] for each in attributes if each["AttributeType"] == "string"]
    return [name for name in strings if dataset_type != METADATA or name == item_key]


def counted(domain_name: str, dataset_type: str) -> str | None:
    """The target's name where the file holds it and it is a number of things, which are never below zero."""
    domain = DOMAINS[domain_name]
    return domain.target if domain.counts and dataset_type == TARGET else None
