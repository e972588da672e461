"""The engine's world, for what is asked of its history."""

from __future__ import annotations

from tests.rooms.engine.conftest import world

__all__ = ["world"]
