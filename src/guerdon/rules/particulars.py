"""What is fixed of a reward when it is taken, beside its price: a donation, a warranty's end, an access."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class Covered(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What a warranty is for."""

    order: str = ""
    """The order's id at its source."""
    line: str = ""
    """The line's id in the order."""
    sku: str = ""
    """The product."""
    ends_at: datetime | None = None
    """When the warranty that is there already ends; None counts from the taking."""
    source: str = ""
    """Who told of the order; empty where nobody is named."""


class Particulars(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is fixed of a reward when it is taken."""

    cause: str = ""
    """What was donated for."""
    given: Decimal = Decimal(0)
    """Money that the member gave, in whole units of the currency with its places."""
    matched: Decimal = Decimal(0)
    """Money that the shop put on top."""
    receipt: str = ""
    """The donation's number, which no other donation for this cause ever has."""
    covers: Covered | None = None
    """What a warranty is for."""
    starts_at: datetime | None = None
    """From when on a warranty or an access holds."""
    ends_at: datetime | None = None
    """Until when it does; None without end."""
    partner: str = ""
    """Whose points it is."""
    partner_points: Decimal | None = None
    """How many of them."""
    chosen_from: str = ""
    """The reward that this one was chosen of."""


NOTHING_FIXED = Particulars()


class Gift(msgspec.Struct, frozen=True):
    """What a donation gives for one, as compiled."""

    cause: str
    minor: int
    """Minor units of money that one gives."""
    match: Decimal
    """What the shop puts on top of each unit of money."""
    match_at_most: Decimal | None = None
    """How much it puts on top in all."""
