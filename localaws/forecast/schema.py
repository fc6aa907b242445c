"""What Amazon Forecast asks of datasets: the domains with their fields, the attribute types, the frequencies.

Sources: the guide's pages on each domain (retail-domain.md ... custom-domain.md), howitworks-datasets-groups.md,
API_SchemaAttribute.md, limits.md.
"""

from dataclasses import dataclass

from localaws.forecast.engine import freq as frequencies
from localaws.wire import ServiceError

TARGET, RELATED, METADATA = "TARGET_TIME_SERIES", "RELATED_TIME_SERIES", "ITEM_METADATA"


@dataclass(frozen=True)
class Domain:
    item_key: str
    target: str


DOMAINS = {
    "RETAIL": Domain("item_id", "demand"),
    "INVENTORY_PLANNING": Domain("item_id", "demand"),
    "EC2_CAPACITY": Domain("instance_type", "number_of_instances"),
    "WORK_FORCE": Domain("workforce_type", "workforce_demand"),
    "WEB_TRAFFIC": Domain("item_id", "value"),
    "METRICS": Domain("metric_name", "metric_value"),
    "CUSTOM": Domain("item_id", "target_value"),
}
MOST_COLUMNS = {TARGET: 13, RELATED: 25, METADATA: 10}
NUMBERS = ("integer", "float")
# holidays.md
COUNTRIES = (  # noqa: SIM905
    "AL AR AT AU BA BE BG BO BR BY CA CL CO CR HR CZ DK EC EE ET FI FR DE GR HU IS IN IE IT JP KZ KR LV LI LT LU MK MT "
    "MX MD ME NL NZ NI NG NO PA PY PE PL PT RO RU RS SK SI ZA ES SE CH UA AE US UK UY VE"
).split()


def check_schema(domain_name: str, dataset_type: str, attributes: list[dict]) -> None:
    """Raises ServiceError InvalidInputException naming the attribute and what the domain asks for."""
    domain = DOMAINS[domain_name]
    types = {attribute.get("AttributeName"): attribute.get("AttributeType") for attribute in attributes}
    if len(types) != len(attributes):
        raise _invalid(f"The schema names an attribute twice: {[each.get('AttributeName') for each in attributes]}")
    if len(attributes) > MOST_COLUMNS[dataset_type]:
        raise _invalid(f"A {dataset_type} schema has at most {MOST_COLUMNS[dataset_type]} attributes, not {len(types)}")
    required = {domain.item_key: ("string",)}
    if dataset_type != METADATA:
        required["timestamp"] = ("timestamp",)
    if dataset_type == TARGET:
        required[domain.target] = NUMBERS
    for name, allowed in required.items():
        if name not in types:
            raise _invalid(f"The {domain_name} domain requires the attribute {name} in a {dataset_type} dataset")
        if types[name] not in allowed:
            raise _invalid(f"Attribute {name} must be of type {' or '.join(allowed)}, not {types[name]}")
    if dataset_type == METADATA:
        others = {name: kind for name, kind in types.items() if kind != "string"}
        if others:
            raise _invalid(f"Attributes of ITEM_METADATA must be of type string: {others}")
    if dataset_type == RELATED and not any(kind in NUMBERS for kind in types.values()):
        raise _invalid("A RELATED_TIME_SERIES schema needs at least one attribute of type integer or float")


def check_frequency(frequency: str) -> None:
    try:
        frequencies.offset(frequency)
    except ValueError as error:
        raise _invalid(str(error)) from None


def holiday_country(additional: list[tuple[str, str | None]]) -> str | None:
    """The country whose public holidays count, of AdditionalDatasets given as (name, country code).

    Raises ServiceError InvalidInputException for an unknown name or country, for two countries, and for the Weather
    Index, whose weather would have to come over the network.
    """
    for name, country in additional:
        if name == "weather":
            raise _invalid(
                "The Weather Index (AdditionalDatasets, weather) needs a network service that Storecast's embedded AWS "
                "does not have; leave it out"
            )
        if name != "holiday":
            raise _invalid(f"AdditionalDatasets names {name!r}; allowed are holiday and weather")
        if country not in COUNTRIES:
            raise _invalid(f"CountryCode {country!r} is not one of {', '.join(COUNTRIES)}")
    countries = [country for _, country in additional]
    if len(countries) > 1:
        raise _invalid(f"A predictor takes the holidays of one country, not of {', '.join(countries)}")
    return countries[0] if countries else None


def format_of(params: dict) -> str:
    """Format of an import or an export, CSV by default."""
    file_format = params.get("Format", "CSV")
    if file_format not in ("CSV", "PARQUET"):
        raise _invalid(f"Format {file_format!r} is not CSV or PARQUET")
    return file_format


def check_forecast_types(types: list[str]) -> None:
    """At most five types (limits of CreateForecast and CreateAutoPredictor), none twice."""
    if len(types) > 5 or len(set(types)) != len(types):
        raise _invalid(f"You can specify up to five different forecast types; got {types}")


def dimensions_of(domain_name: str, attributes: list[dict]) -> list[str]:
    """Attributes of a target time series that are neither item, timestamp nor target: its possible dimensions."""
    domain = DOMAINS[domain_name]
    fixed = (domain.item_key, domain.target, "timestamp")
    return [each["AttributeName"] for each in attributes if each["AttributeName"] not in fixed]


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)
