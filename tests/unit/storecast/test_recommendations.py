"""What is asked of Personalize, and the names in its answers."""

from __future__ import annotations

import pytest

from storecast.client import recommendations
from storecast.client.aws import NotThere, Unclear
from tests.unit.storecast.world import SHOP, World


def test_an_item_is_named_by_id_or_name_and_the_answer_has_names(world: World) -> None:
    found = recommendations.recommend(world, SHOP, "also-viewed", item="tea", results_=5)
    assert world.asked == [{"recommenderArn": "arn:also-viewed", "itemId": "i1", "userId": "u1", "numResults": 5}]
    assert [(each.rank, each.item.id, each.item.name) for each in found.items] == [(1, "i2", "Milk"), (2, "i9", "i9")]
    assert found.items[0].item.about == {"PRICE": "2"}


def test_values_of_a_filter_are_quoted_as_the_service_takes_them(world: World) -> None:
    recommendations.recommend(world, SHOP, "best-sellers", filter="cheap", values={"MOST": "3, 4"})
    assert world.asked[0]["filterArn"] == "arn:cheap" and world.asked[0]["filterValues"] == {"MOST": '"3","4"'}


def test_a_ranking_is_of_the_most_popular_items_unless_others_are_given(world: World) -> None:
    recommendations.recommend(world, SHOP, "order", user="u2")
    recommendations.recommend(world, SHOP, "order", user="u2", among=("i3", "i1"))
    assert [each["inputList"] for each in world.asked] == [["i2", "i1"], ["i3", "i1"]]


@pytest.mark.parametrize(
    ("error", "asked", "said"),
    [
        (Unclear, {"use_case": "also-viewed"}, "also-viewed needs an item"),
        (Unclear, {"use_case": "recommended-for-you"}, "recommended-for-you needs a user"),
        (Unclear, {"use_case": "also-viewed", "item": "milk"}, "milk: 2 items have this name"),
        (NotThere, {"use_case": "also-viewed", "item": "tae"}, "tae: no such item"),
        (NotThere, {"use_case": "also-bought"}, "also-bought: no such use case"),
        (NotThere, {"use_case": "best-sellers", "filter": "cheep"}, "cheep: no such filter"),
    ],
)
def test_what_cannot_be_asked_is_said_with_what_can(
    world: World, error: type[Exception], asked: dict[str, str], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        recommendations.recommend(world, SHOP, **asked)
    assert caught.value.next_step and not world.asked


def test_an_item_that_only_interactions_have_goes_to_the_service(world: World) -> None:
    assert recommendations.recommend(world, SHOP, "also-viewed", item="i9").item.id == "i9"


def test_users_are_found_in_the_interactions_where_there_is_no_file_of_users(world: World) -> None:
    assert recommendations.users(world, SHOP) == ["u1", "u2"]
    assert recommendations.users(world, SHOP, "2") == ["u2"]
