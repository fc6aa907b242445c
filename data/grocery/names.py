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

TYPES = {  # names that the till's 30 characters cut short, or that only the trade understands
    "DAIRY CASE 100% PURE JUICE - O": "Juices - pure orange",
    "DAIRY CASE JUICE DRNK UNDER 10": "Refrigerated juice drinks",
    "FACIAL TISSUE & PAPER HANDKE": "Facial tissue",
    "FRZN BOXED VEGETABLES- VALUE A": "Frozen vegetables - boxed",
    "FRZN SS PREMIUM ENTREES/DNRS/N": "Frozen premium entrees - nutritional",
    "FRZN SS PREMIUM ENTREES/DNRS/T": "Frozen premium entrees - traditional",
    "GARBAGE KITCHEN COMPACTOR BA": "Garbage bags",
    "IWS SINGLE CHEESE": "Cheese slices - wrapped singly",
    "MAINSTREAM WHEAT/MULTIGRAIN BR": "Mainstream wheat/multigrain bread",
    "RTS SOUP: CHUNKY/HOMESTYLE ET": "Soup - chunky/homestyle",
    "SEMI-SOLID SALAD DRESSING MAY": "Salad dressing - mayonnaise",
    "SFT DRNK 2 LITER BTL CARB INCL": "Soft drinks - 2 liter bottle",
    "SFT DRNK MLT-PK BTL CARB (EXCP": "Soft drinks - multi-pack bottles",
    "SFT DRNK SNGL SRV BTL CARB (EX": "Soft drinks - single bottle",
    "SGL SV/VEND MACH SNACKS CHIP/P": "Snacks - single-serve chips",
    "SOFT DRINKS 12/18&15PK CAN CAR": "Soft drinks - 12 to 18 cans",
    "SOFT DRINKS 20PK&24PK CAN CARB": "Soft drinks - 20 to 24 cans",
    "SOFT DRINKS 6PK/4PK CAN CARB (": "Soft drinks - 4 to 6 cans",
    "SS ECONOMY ENTREES/DINNERS ALL": "Frozen economy entrees",
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
    "saucessalsapicantee": "sauces", "saus": "sausage", "sft": "soft", "sgl": "single", "sherbts": "sherbets",
    "sndwch": "sandwich", "sngl": "single", "specilaty": "specialty", "sply": "supplies", "sprd": "spread",
    "srv": "serve",
    "ss": "single-serve", "stks": "sticks", "sup": "super", "sv": "serve", "sw": "sweet", "sweetners": "sweeteners",
    "swt": "sweet", "tiss": "tissue", "tort": "tortilla", "trsh": "trash", "veg": "vegetables", "vegs": "vegetables",
    "vegtabl": "vegetables", "wat": "water", "wate": "water", "whl": "whole", "whlsm": "wholesome", "wht": "wheat",
    "wrhouse": "warehouse", "wtr": "water", "xmas": "Christmas",
}  # fmt: skip


def readable(text: str) -> str:
    """'CANDY BARS (SINGLES)(INCLUDING' -> 'Candy bars (singles)': abbreviations spelled out, cut-off tails dropped."""
    if text in DEPARTMENTS or text in TYPES:
        return DEPARTMENTS.get(text) or TYPES[text]
    if text.count("(") > text.count(")"):  # the till cuts at 30 characters, often inside a bracket
        text = text[: text.rindex("(")]
    text = re.sub(r"\s*/\s*", "/", text.replace("|", "/"))  # "|" separates values in a Personalize CSV
    words = re.sub(r"[a-z]+", lambda match: WORDS.get(match[0], match[0]), text.lower())
    words = re.sub(r"\.? +", " ", words).strip(" /-:.,&")
    return words[:1].upper() + words[1:]


def full_type(category: str, product_type: str) -> str:
    """'PREMIUM' of 'ICE CREAM/MILK/SHERBTS' -> 'Ice cream/milk/sherbets - premium'.

    Many types ('PREMIUM', 'LEAN') say nothing alone: the category is put in front unless the type repeats a word of it.
    """
    category, product_type = readable(category), readable(product_type)
    shared = set(slug(category).split("-")) & set(slug(product_type).split("-"))
    return product_type if shared else f"{category} - {product_type[:1].lower()}{product_type[1:]}"


def slug(text: str) -> str:
    """'Ice cream/milk/sherbets - premium' -> 'ice-cream-milk-sherbets-premium': an id that survives every export, query
    and file name (lower-case letters, digits, hyphens)."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def product_name(full_type: str, package_size: str, brand: str, maker: int) -> str:
    """'Fluid milk white only, 1 ga, own brand' or '..., maker 69' (the data names makers by number only)."""
    size = re.sub(r"^[a-z] |^0+", "", " ".join(package_size.lower().split()))
    made_by = "own brand" if brand == "Private" else f"maker {maker}"
    return ", ".join(part for part in (full_type, size, made_by) if part)
