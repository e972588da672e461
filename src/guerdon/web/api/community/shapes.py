"""What calls about posts answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from guerdon.web.api.shapes import Answered


class PhotoShape(Answered, frozen=True):
    """A photo."""

    url: str
    """An address that anybody may open as long as the post is shown."""
    width: int
    height: int


class PostShape(Answered, frozen=True):
    """A post, a question or an answer as everybody sees it."""

    id: str
    kind: str
    """`post`, `question` or `answer`."""
    question: str | None
    """What an answer answers."""
    author: str | None
    """The name that its author chose; None for those who chose none."""
    text: str
    product: str | None
    bought: bool
    """Whether its author had bought the product."""
    photo: PhotoShape | None
    language: str | None
    posted_at: datetime
    likes: int
    answers: int
    liked: bool | None
    """Whether the member likes it for whom the list was asked for."""
    own: bool | None
    """Whether that member wrote it."""
    state: str
    """`shown`; its author and staff also see `waiting`, `refused`, `hidden` and `withdrawn`."""


class HeldShape(PostShape, frozen=True):
    """A post as staff sees it."""

    member: str
    held_for: Sequence[str]
    """Why it waits: `approve`, `words`, `links`, `copied`, `reports`."""
    reports: Mapping[str, int]
    """Reason → how many members reported it."""
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    told: bool
    """Whether the account has had what it brings."""


class OwnShape(PostShape, frozen=True):
    """A post as its author sees it."""

    reason: str | None
    """Why staff refused or hid it."""
    effects: Sequence[Any]
    """What it brought just now."""


class Posts(Answered, frozen=True):
    """A page of posts."""

    data: Sequence[PostShape]
    next: str | None


class HeldPosts(Answered, frozen=True):
    """A page of posts for staff."""

    data: Sequence[HeldShape]
    next: str | None


class PublicNameShape(Answered, frozen=True):
    """The name that a member is seen by."""

    member: str
    name: str | None
