"""The process of one backtest."""

from __future__ import annotations

import sys

from guerdon.web.trials.task import main

sys.exit(main())
