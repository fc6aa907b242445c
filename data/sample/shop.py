"""What the sample's imaginary shop sells, and which items belong together: the known answers of the tests."""

# Forecasting: item_id -> (units on an average day, usual price in USD, category).
SERIES = {
    "apples": (40, 1.20, "produce"),
    "bananas": (60, 0.60, "produce"),
    "tomatoes": (25, 2.10, "produce"),
    "bread": (50, 2.40, "bakery"),
    "croissants": (18, 1.10, "bakery"),
    "milk": (70, 1.50, "dairy"),
    "butter": (22, 3.20, "dairy"),
    "yogurt": (45, 0.90, "dairy"),
    "coffee": (12, 6.50, "drinks"),
    "orange-juice": (20, 3.40, "drinks"),
    "chocolate": (30, 1.80, "sweets"),
    "cookies": (16, 2.70, "sweets"),
}

# Recommending: category -> its ten products.
SHELVES = {
    "Breakfast": [
        "Coffee", "Tea", "Oatmeal", "Corn flakes", "Pancake mix", "Honey", "Jam", "Bagels", "Muesli", "Cocoa",
    ],
    "Dairy": [
        "Milk", "Butter", "Cream cheese", "Yogurt", "Eggs", "Cream", "Mozzarella", "Cheddar", "Sour cream",
        "Feta",
    ],
    "Pantry": [
        "Spaghetti", "Rice", "Flour", "Sugar", "Olive oil", "Vinegar", "Lentils", "Salt", "Pepper",
        "Stock cubes",
    ],
    "Produce": [
        "Apples", "Bananas", "Tomatoes", "Onions", "Potatoes", "Carrots", "Lemons", "Basil", "Lettuce",
        "Avocados",
    ],
    "Household": [
        "Toothpaste", "Toothbrush", "Soap", "Shampoo", "Sponges", "Dish soap", "Detergent", "Softener",
        "Candles", "Matches",
    ],
    "Party": [
        "Tortilla chips", "Salsa", "Cola", "Ice cubes", "Burger buns", "Burger patties", "Ketchup", "Mustard",
        "Paper cups", "Napkins",
    ],
}  # fmt: skip

# First -> second: whoever buys the first mostly buys the second too.
COMPLEMENTS = (
    ("Coffee", "Cream"),
    ("Bagels", "Cream cheese"),
    ("Pancake mix", "Eggs"),
    ("Spaghetti", "Tomatoes"),
    ("Mozzarella", "Basil"),
    ("Toothpaste", "Toothbrush"),
    ("Detergent", "Softener"),
    ("Candles", "Matches"),
    ("Tortilla chips", "Avocados"),
    ("Burger patties", "Burger buns"),
)


def item_id(name: str) -> str:
    """'Coffee' -> 'i01': numbered in the order of the shelves."""
    return f"i{[item for shelf in SHELVES.values() for item in shelf].index(name) + 1:02d}"
