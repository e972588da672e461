"""The guild in `make test`: goals, friends and good causes beside their model."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from guerdon.rules.definition import load_definition
from tests.world.driver import DifferenceError, World
from tests.world.guild.actors import make_guild_plan
from tests.world.guild.program import guild_of

NOW = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


def test_the_engine_and_the_model_agree_about_goals_friends_and_causes(world: World) -> None:
    plan = make_guild_plan(308, 90)
    world.play(plan)
    for one in ("join", "leave", "tier", "untier", "merge"):
        assert world.seen[f"{one} applied"], one
    guild = world.guild
    assert "completed" in {one.state for one in guild.comings}
    assert any(account.progress["card"].rounds["ever"] > 1 for account in guild.accounts.values())
    assert guild.receipts >= len(guild.gifts) > 0


def test_definitions_of_guilds_differ_and_load() -> None:
    texts = {
        guild_of(step[0]["figures"]).text
        for seed in range(6)
        for step in make_guild_plan(seed, 30)
        if step[0]["do"] == "define"
    }
    assert len(texts) > 5
    assert {load_definition(text).program for text in texts} == {"guild"}


def test_a_prize_that_nobody_reached_is_seen(world: World) -> None:
    """The model's card is full after three orders; with four it says otherwise than the engine."""
    base = {"do": "event", "type": "order.paid", "who": "m1", "source": "shop", "program": "guild"}
    world.play([[{"do": "enrol", "who": "m1", "program": "guild", "now": NOW}]])
    world.guild.accounts["m1"].of("card").rounds["ever"] = 1
    orders = [
        [{**base, "now": NOW, "time": NOW, "id": f"e{place}", "order": f"o{place}", "lines": [["1", "20"]]}]
        for place in range(3)
    ]
    with pytest.raises(DifferenceError, match="challenge:card"):
        world.play(orders)
