"""What the sample shop sells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Article:
    """Something on the shelf."""

    sku: str
    name: str
    brand: str
    categories: tuple[str, ...]
    price_cents: int
    liked: Mapping[str, int]
    """Persona → how readily it is bought; who is not named likes it a little."""


_TABLE: Final = """
BP-22   | Day 22             | Trail   | backpack day-pack          | 6490  | student 7 commuter 6
BP-26   | Lecture 26         | Campus  | backpack day-pack laptop   | 5990  | student 14
BP-24L  | Laptop 24          | Metro   | backpack laptop            | 9900  | commuter 14 student 4
BP-18   | Roll-top 18        | Metro   | backpack day-pack          | 8450  | commuter 8
BP-40   | Trail 40           | Trail   | backpack trekking          | 12990 | outdoor 10 traveller 6
BP-55   | Trail 55           | Trail   | backpack trekking          | 17990 | outdoor 9 traveller 4
BP-65   | Ridge 65           | Ridge   | backpack trekking          | 23900 | outdoor 6 traveller 2
BP-38C  | Cabin 38           | Voyager | backpack cabin             | 13900 | traveller 14 commuter 2
BP-12K  | Small Explorer 12  | Campus  | backpack children          | 3490  | traveller 3 commuter 3
DF-45   | Duffel 45          | Voyager | duffel cabin               | 8900  | traveller 8 outdoor 3
DF-90   | Duffel 90          | Voyager | duffel                     | 11900 | traveller 6 outdoor 4
SL-08   | Sling 8            | Metro   | sling                      | 4450  | commuter 7 student 5 traveller 4
HP-02   | Hip pack 2         | Trail   | hip-pack                   | 2990  | outdoor 5 student 4 traveller 5
RC-01   | Rain cover M       | Trail   | accessory rain             | 1890  | outdoor 9 commuter 6
RC-02   | Rain cover L       | Trail   | accessory rain             | 2190  | outdoor 8 traveller 3
BT-07   | Steel bottle 0.7   | Ridge   | accessory bottle           | 2450  | student 8 outdoor 8 commuter 7
BT-10   | Steel bottle 1.0   | Ridge   | accessory bottle           | 2850  | outdoor 7
HB-20   | Water bag 2        | Ridge   | accessory bottle           | 3290  | outdoor 8
PC-03   | Packing cubes, 3   | Voyager | accessory packing          | 2790  | traveller 14 student 2
PC-06   | Packing cubes, 6   | Voyager | accessory packing          | 4490  | traveller 9
TG-01   | Luggage tag        | Voyager | accessory                  | 890   | traveller 8
LK-01   | Cable lock         | Voyager | accessory                  | 1290  | traveller 8 student 4
LS-14   | Laptop sleeve 14   | Metro   | accessory laptop           | 2990  | commuter 8 student 8
LS-16   | Laptop sleeve 16   | Metro   | accessory laptop           | 3290  | commuter 6 student 5
OR-01   | Cable pouch        | Metro   | accessory                  | 1990  | commuter 9 student 6 traveller 6
PP-01   | Pencil roll        | Campus  | accessory                  | 1450  | student 10
UM-01   | Folding umbrella   | Metro   | accessory rain             | 2650  | commuter 10 student 3
CP-01   | Cap                | Trail   | clothing                   | 2290  | outdoor 6 traveller 4
SK-02   | Merino socks, 2    | Ridge   | clothing                   | 2590  | outdoor 10 traveller 4
SH-01   | Rain shell         | Ridge   | clothing rain              | 14900 | outdoor 7 commuter 2
HL-01   | Head lamp          | Ridge   | accessory light            | 3990  | outdoor 8
RF-01   | Reflective band    | Metro   | accessory light            | 990   | commuter 7
NT-01   | Field notes, 3     | Campus  | paper                      | 1200  | student 8 traveller 5
ST-01   | Strap              | Trail   | accessory spare            | 990   | outdoor 5
BK-01   | Buckle set         | Trail   | accessory spare            | 690   | outdoor 5
"""


def _read(line: str) -> Article:
    sku, name, brand, categories, price, likes = (cell.strip() for cell in line.split("|"))
    words = likes.split()
    liked = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    return Article(sku, name, brand, tuple(categories.split()), int(price), liked)


ARTICLES: Final = tuple(_read(line) for line in _TABLE.strip().splitlines())
