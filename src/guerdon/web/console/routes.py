"""All rooms of the console, as one router."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from guerdon.web.console.rooms import entrance, overview

ROUTER: Final = APIRouter()
for _room in (entrance, overview):
    ROUTER.include_router(_room.ROUTER)
