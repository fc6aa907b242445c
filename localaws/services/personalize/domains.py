"""What each domain asks of its schemas: required fields and reserved keywords, with their types.

Sources: ECOMMERCE-datasets-and-schemas.md, VIDEO-ON-DEMAND-datasets-and-schemas.md, custom-datasets-and-schemas.md.
A type is one of Avro's, or `categorical` or `textual` for a string that is marked so; a `string` must not be marked.
"""

CUSTOM = None
ECOMMERCE, VIDEO_ON_DEMAND = "ECOMMERCE", "VIDEO_ON_DEMAND"
NAMES = (ECOMMERCE, VIDEO_ON_DEMAND)

_USERS = {"USER_ID": "string"}
_EVENTS = {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"}
_TYPED_EVENTS = _EVENTS | {"EVENT_TYPE": "string"}

REQUIRED = {
    CUSTOM: {"Interactions": _EVENTS, "Items": {"ITEM_ID": "string"}, "Users": _USERS},
    ECOMMERCE: {
        "Interactions": _TYPED_EVENTS,
        "Items": {"ITEM_ID": "string", "PRICE": "float", "CATEGORY_L1": "categorical"},
        "Users": _USERS,
    },
    VIDEO_ON_DEMAND: {
        "Interactions": _TYPED_EVENTS,
        "Items": {"ITEM_ID": "string", "GENRES": "categorical", "CREATION_TIMESTAMP": "long"},
        "Users": _USERS,
    },
}

_OF_EVENTS = {
    "EVENT_TYPE": "string",
    "EVENT_VALUE": "float",
    "IMPRESSION": "string",
    "RECOMMENDATION_ID": "string",
    "EVENT_ATTRIBUTION_SOURCE": "string",
}
RESERVED = {
    CUSTOM: {"Interactions": _OF_EVENTS, "Items": {"CREATION_TIMESTAMP": "long"}, "Users": {}},
    ECOMMERCE: {
        "Interactions": _OF_EVENTS,
        "Items": {
            "CATEGORY_L2": "categorical",
            "CATEGORY_L3": "categorical",
            "PRODUCT_DESCRIPTION": "textual",
            "CREATION_TIMESTAMP": "long or float",  # the domain's page says one, its Items page the other
            "AGE_GROUP": "categorical",
            "ADULT": "categorical",
            "GENDER": "categorical",
        },
        "Users": {},
    },
    VIDEO_ON_DEMAND: {
        "Interactions": _OF_EVENTS,
        "Items": {
            "PRICE": "float",
            "DURATION": "float",
            "GENRE_L2": "categorical",
            "GENRE_L3": "categorical",
            "AVERAGE_RATING": "float",
            "PRODUCT_DESCRIPTION": "textual",
            "CONTENT_OWNER": "categorical",
            "CONTENT_CLASSIFICATION": "categorical",
        },
        "Users": {"SUBSCRIPTION_MODEL": "categorical"},
    },
}

# Fields that say who, what and when: never null, and no metadata.
KEYS = ("USER_ID", "ITEM_ID", "TIMESTAMP")
NO_METADATA_OF_EVENTS = (*KEYS, *_OF_EVENTS)
MOST_METADATA = {"Interactions": 5, "Items": 100, "Users": 25}  # quotas page of the guide
