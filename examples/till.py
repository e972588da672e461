"""A till: find the customer or enrol them, take the sale in, and give a reward for points.

GUERDON_URL=http://127.0.0.1:8080 GUERDON_API_KEY=gk_… python examples/till.py
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from guerdon_client import Guerdon, GuerdonError


def main() -> None:
    """Serve one customer who has never been here."""
    with Guerdon("corner-shop") as guerdon:
        guerdon.apply(Path(__file__).with_name("corner-shop.yaml").read_text(encoding="utf-8"))
        phone = f"+1202555{secrets.randbelow(10**4):04d}"
        member = guerdon.find(phone=phone) or guerdon.enrol(phone=phone)
        print(f"card {member['card']}")

        receipt = f"till-7-{secrets.randbelow(10**9)}"
        sale = {
            "id": receipt,
            "source": "till-7",
            "type": "order.paid",
            "time": datetime.now(UTC),
            "subject": f"card:{member['card']}",
            "channel": "pos",
            "store": "corner",
            "data": {
                "id": receipt,
                "lines": [{"id": "1", "sku": "BEANS", "quantity": 3, "price": Decimal("17.90")}],
            },
        }
        # The line may drop at any moment: sending the sale again changes nothing.
        answers = [guerdon.send(sale), guerdon.send(sale)]
        points = answers[0]["balances"]["points"]["available"]
        print(f"{answers[0]['status']}, then {answers[1]['status']}: {points} points")

        for reward in guerdon.rewards(member=member["id"]):
            print(f"  {reward['key']}: {'yes' if reward['available'] else reward['missing']}")
        redemption = guerdon.redeem(member["id"], "coffee", key=f"{receipt}-coffee")
        guerdon.settle(redemption["id"], "use")
        left = guerdon.member(member["id"])["wallets"]["points"]["available"]
        print(f"a coffee is handed out, {left} points are left")
        try:
            guerdon.redeem(member["id"], "tote_bag", key=f"{receipt}-bag")
        except GuerdonError as error:
            print(f"no bag yet: {error.code}")


if __name__ == "__main__":
    main()
