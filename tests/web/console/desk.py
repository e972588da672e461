"""Somebody at the console, in process: a browser's cookies and forms without the browser."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from httpx2 import AsyncClient, Response

from guerdon.programs.staff import NewStaff, Staff, add_staff
from guerdon.programs.tenants import ensure_tenant, tenant_id_of
from guerdon.web.languages.saying import Saying
from guerdon.wiring import House
from tests.web.conftest import NOW, Api

PASSWORD = "four words do well"
TOKEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')


def hire(house: House, tenant: str, role: str, email: str = "") -> Staff:
    """Add somebody to a tenant's staff."""
    new = NewStaff(email or f"{role}@shop.example", role.title(), role, PASSWORD, "test", datetime.now(UTC))
    with house.database.transaction(tenant_id_of(tenant)) as tx:
        ensure_tenant(tx, tenant, tenant.title(), sandbox=True, now=NOW)
        return add_staff(tx, new, house.ids, secrets.token_bytes)


def gone_on(earned_at: datetime) -> str:
    """Say when points of the test's program are gone: after 180 of its local days."""
    local = earned_at.astimezone(ZoneInfo("America/New_York")).date() + timedelta(days=180)
    return Saying("en").day(local)


class Person:
    """A browser of somebody's own."""

    def __init__(self, client: AsyncClient, tenant: str) -> None:
        self.client = client
        self.tenant = tenant
        self.cookies: dict[str, str] = {}
        self.token = ""

    async def ask(self, method: str, path: str, **more: Any) -> Response:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"cookie": cookie, **more.pop("headers", {})}
        answer = await self.client.request(method, path, headers=headers, **more)
        self.client.cookies.clear()
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        found = TOKEN.search(answer.text)
        self.token = found[1] if found is not None else self.token
        return answer

    async def get(self, path: str) -> Response:
        return await self.ask("GET", path)

    async def send(self, path: str, **fields: str) -> Response:
        return await self.ask("POST", path, data={"form_token": self.token, **fields})

    async def sign_in(self, email: str, password: str = PASSWORD) -> Response:
        await self.get("/console/sign-in")
        fields = {"email": email, "password": password, "organisation": self.tenant}
        answer = await self.send("/console/sign-in", **fields)
        if answer.status_code == 303:
            await self.get("/console")
            await self.get("/console/account")
        return answer


async def signed_in(api: Api, role: str = "owner") -> Person:
    """Hire somebody and let them sign in."""
    staff = hire(api.house, api.tenant, role)
    person = Person(api.client, api.tenant)
    answer = await person.sign_in(staff.email)
    assert answer.status_code == 303, answer.text
    return person
