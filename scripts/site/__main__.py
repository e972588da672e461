"""Build the site, or say what is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.site.build import build
from scripts.site.links import broken_links

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build into the folder that is named, or `site`, and check it."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    pages = build(ROOT, target)
    broken = broken_links(target)
    for one in broken:
        print(f"broken: {one}", file=sys.stderr)
    if broken:
        return 1
    print(f"{len(pages)} pages are in {target}: open {target / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
