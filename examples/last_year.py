"""Last year's orders: try the program on them first, then take them in; what comes twice counts once.

GUERDON_URL=http://127.0.0.1:8080 GUERDON_API_KEY=gk_… python examples/last_year.py
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from guerdon_client import Guerdon

DEFINITION = Path(__file__).with_name("corner-shop.yaml")


def orders(count: int) -> list[dict[str, Any]]:
    """Make up what a shop system would export, the same each time: running this again adds nothing."""
    chance = random.Random(7)
    begin = datetime(2025, 1, 1, 12, tzinfo=UTC)
    made = []
    for number in range(count):
        price = f"{chance.randint(300, 2500) / 100:.2f}"
        lines = [{"id": "1", "quantity": chance.randint(1, 4), "price": price}]
        at = begin + timedelta(hours=8 * number)
        made.append(
            {
                "specversion": "1.0",
                "id": f"2025-{number}",
                "source": "old-system",
                "type": "order.paid",
                "time": at.isoformat(),
                "subject": f"external:regular-{chance.randrange(40)}",
                "data": {"id": f"2025-{number}", "lines": lines},
            }
        )
    return made


def run(*words: str) -> None:
    """Run a verb of the command line, which stands beside this Python."""
    subprocess.run([str(Path(sys.executable).with_name("guerdon")), *words], check=True)


def main() -> None:
    """Backtest, import, and compare."""
    with tempfile.TemporaryDirectory() as folder, Guerdon("corner-shop") as guerdon:
        file = Path(folder, "orders.ndjson")
        past = orders(600)
        file.write_text("".join(json.dumps(one) + "\n" for one in past), encoding="utf-8")
        run("backtest", str(DEFINITION), "--events", str(file), "--report", f"{folder}/report")
        report = json.loads(Path(folder, "report", "report.json").read_text(encoding="utf-8"))
        print(f"the program would have issued {report['wallets']['points']['issued']} points")

        guerdon.apply(DEFINITION.read_text(encoding="utf-8"))
        # A running engine takes past orders in beside those of today; points earned last year expire as if
        # they had been earned then. (`guerdon import --historical` wants the database to itself.)
        for number in sorted({order["subject"].removeprefix("external:") for order in past}):
            guerdon.enrol(external_id=number)
        issued = sum(
            int(effect["award"]["amount"])
            for answer in guerdon.send_many(past)
            for effect in answer["effects"]
            if "award" in effect
        )
        print(f"the import issued {issued} points")


if __name__ == "__main__":
    main()
