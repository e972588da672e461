"""Every night: bring the CRM's people in line, and give it back what everybody has.

GUERDON_URL=http://127.0.0.1:8080 GUERDON_API_KEY=gk_… python examples/nightly_crm.py [OUT.csv]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from guerdon_client import Guerdon

# What a CRM would export: its own number, an address, what somebody chose.
PEOPLE = [
    {"number": "crm-1", "email": "ananya@shop.example", "name": "Ananya Roy", "newsletter": "weekly"},
    {"number": "crm-2", "email": "ben@shop.example", "name": "Ben Okafor", "newsletter": "never"},
    {"number": "crm-3", "email": "chitra@shop.example", "name": "Chitra Sen", "newsletter": "daily"},
]


def bring_in_line(guerdon: Guerdon) -> None:
    """Enrol who is new, and change what the CRM knows better; running it again changes nothing."""
    enrolled = changed = 0
    for person in PEOPLE:
        # An address never stands in a URL, where logs would keep it.
        member = guerdon.find(email=person["email"])
        if member is None:
            member = guerdon.enrol(
                external_id=person["number"], email=person["email"], name=person["name"], language="en"
            )
            enrolled += 1
        wanted = {"newsletter": person["newsletter"]}
        if member["attributes"] != wanted:
            guerdon.change(member["id"], attributes=wanted)
            changed += 1
    print(f"{enrolled} enrolled, {changed} changed")


def give_back(guerdon: Guerdon, out: Path) -> None:
    """Write down what each account has; the list comes page by page, however long it is."""
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("member", "number", "points", "tier"))
        count = 0
        for row in guerdon.each("members"):
            member = guerdon.member(row["id"])
            points = member["wallets"]["points"]["available"]
            tier = member["tiers"]["regulars"]["tier"]
            writer.writerow((member["id"], member["external_id"], points, tier))
            count += 1
    print(f"{count} members written")


def main() -> None:
    """Both ways."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("members.csv")
    with Guerdon("corner-shop") as guerdon:
        guerdon.apply(Path(__file__).with_name("corner-shop.yaml").read_text(encoding="utf-8"))
        bring_in_line(guerdon)
        bring_in_line(guerdon)
        give_back(guerdon, out)


if __name__ == "__main__":
    main()
