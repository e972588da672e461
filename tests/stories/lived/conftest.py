"""The API in process, as the tests of the web have it."""

from __future__ import annotations

from tests.web.conftest import bare, server, template, web_house

__all__ = ["bare", "server", "template", "web_house"]
