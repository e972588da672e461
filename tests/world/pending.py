"""Where the model goes along with a known defect so as to look for others; `found` tests them."""

CANCEL_FREES_TODAY = True
"""The engine frees the limits of the day of cancelling, up to what was drawn then; the taking's are meant."""

UNCOMPARED: dict[str, tuple[str, ...]] = {"use": ("balances",)}
"""Fields of answers, by act: `use` shows balances that time has not been settled in."""
