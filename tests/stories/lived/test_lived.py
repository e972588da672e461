"""Each story of this folder comes out over the API as it is told, and everything stored holds in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.lived.living import QUESTIONS, LivingDriver
from tests.stories.telling import Story, read_stories
from tests.web.conftest import Api

FOLDER = Path(__file__).parent
STORIES = [story for path in sorted(FOLDER.glob("*.txt")) for story in read_stories(path)]


def test_there_are_stories() -> None:
    assert len(STORIES) >= 20
    titles = [(story.file, story.title) for story in STORIES]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.file[:-4]}: {story.title}")
async def test_lived_story(story: Story, bare: Api) -> None:
    world = LivingDriver(bare, story)
    await world.begin()
    for told in story.lines:
        place = f"{story.file}:{told.number}"
        if told.words[0] in QUESTIONS:
            assert await world.answer(told) == " ".join(told.words[1:]), f"{place}: {' '.join(told.words)}"
            continue
        said = await world.happens(told)
        for number, words in told.answers:
            expected = " ".join(words)
            if words[0] == "no":
                assert not [one for one in said if one.startswith(expected[3:])], f"{story.file}:{number}"
            else:
                assert expected in said, f"{story.file}:{number}: said {said}"
        refused = [one for one in said if one.startswith("refused")]
        assert bool(refused) == any(words[0] == "refused" for _, words in told.answers), f"{place}: {refused}"
    world.check()
