"""Readable names from the till's shorthand, such as 'FRZN SS PREMIUM ENTREES/DNRS/N'."""

import re

DEPARTMENTS = {
    "DRUG GM": "Drugstore and household",
    "MEAT-PCKGD": "Packaged meat",
    "SEAFOOD-PCKGD": "Packaged seafood",
    "PASTRY": "Bakery",
    "NUTRITION": "Natural and health food",
    "CHEF SHOPPE": "Prepared food",
    "SPIRITS": "Wine and spirits",
    "ELECT &PLUMBING": "Electrical and plumbing",
}

WORDS = {
    "assrtd": "assorted", "beeralemalt": "beer ale malt", "bf": "beef", "bg": "bags", "bkd": "baked",
    "bkfst": "breakfast", "bkng": "baking", "bkngwares": "bakeware", "bn": "beans", "brd": "breaded",
    "brkfst": "breakfast", "btl": "bottle", "btr": "butter", "carb": "carbonated", "catfd": "cat food",
    "catsup": "ketchup", "chick": "chicken", "choc": "chocolate", "chococlate": "chocolate", "cnd": "canned",
    "conv": "convenience", "cookng": "cooking", "crbntd": "carbonated", "crbnted": "carbonated", "crmd": "creamed",
    "crystl": "crystal", "dnr": "dinner", "dnrs": "dinners", "dogfd": "dog food", "drnk": "drink",
    "drnking": "drinking", "drnkng": "drinking", "drnks": "drinks", "drsng": "dressing", "dsh": "dish", "fd": "food",
    "fem": "feminine", "flvrd": "flavored", "frz": "frozen", "frzn": "frozen", "fs": "French style", "gds": "goods",
    "grnd": "ground", "hygn": "hygiene", "iws": "wrapped slices", "mach": "machine", "misc": "miscellaneous",
    "mixs": "mixes", "mlt": "multi", "mneral": "mineral", "mnrl": "mineral", "mw": "microwave", "mx": "mix",
    "mxs": "mixes", "natrl": "natural", "pckgd": "packaged", "pk": "pack", "pkgd": "packaged", "pkld": "pickled",
    "pnt": "peanut", "prep": "prepared", "prod": "products", "prods": "products", "pwdr": "powder",
    "refrgratd": "refrigerated", "refrig": "refrigerated", "rts": "ready-to-serve", "sald": "salad",
    "saucessalsapicantee": "sauces", "sft": "soft", "sgl": "single", "sherbts": "sherbets", "sndwch": "sandwich",
    "sngl": "single", "specilaty": "specialty", "sply": "supplies", "sprd": "spread", "srv": "serve",
    "ss": "single-serve", "stks": "sticks", "sup": "super", "sv": "serve", "sw": "sweet", "sweetners": "sweeteners",
    "swt": "sweet", "tiss": "tissue", "tort": "tortilla", "trsh": "trash", "veg": "vegetables", "vegs": "vegetables",
    "vegtabl": "vegetables", "wat": "water", "wate": "water", "whl": "whole", "whlsm": "wholesome", "wht": "wheat",
    "wrhouse": "warehouse", "wtr": "water", "xmas": "Christmas",
}  # fmt: skip


def readable(text: str) -> str:
    """'CANDY BARS (SINGLES)(INCLUDING' -> 'Candy bars (singles)': abbreviations spelled out, cut-off tails dropped."""
    if text in DEPARTMENTS:
        return DEPARTMENTS[text]
    if text.count("(") > text.count(")"):  # the till cuts at 30 characters, often inside a bracket
        text = text[: text.rindex("(")]
    text = re.sub(r"\s*/\s*", "/", text.replace("|", "/"))  # "|" separates values in a Personalize CSV
    words = re.sub(r"[a-z]+", lambda match: WORDS.get(match[0], match[0]), text.lower())
    words = re.sub(r"\s+", " ", words).strip(" /-:.,&")
    return words[:1].upper() + words[1:]


def series_id(category: str, product_type: str) -> str:
    """'PREMIUM' of 'ICE CREAM/MILK/SHERBTS' -> 'ice-cream-milk-sherbets-premium'.

    Many types ('PREMIUM', 'LEAN') say nothing alone: the category is put in front unless the type repeats a word of
    it. Lower-case letters, digits and hyphens only, so that the id survives every export, query and file name.
    """
    category, product_type = slug(category), slug(product_type)
    shared = set(category.split("-")) & set(product_type.split("-"))
    return product_type if shared else f"{category}-{product_type}"


def slug(text: str) -> str:
    """Readable text as lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", readable(text).lower()).strip("-")


def product_name(product_type: str, package_size: str, own_brand: bool, maker: int) -> str:
    """'Fluid milk white only, 1 ga, own brand' or '..., maker 69' (the data names makers by number only)."""
    size = package_size.lower().strip()
    return ", ".join(part for part in (readable(product_type), size, "own brand" if own_brand else f"maker {maker}") if part)
