"""The program definition: from YAML or JSON to checked, frozen models with exact values."""

from guerdon.rules.definition.campaigns import (
    WEEKDAYS,
    Budget,
    Campaign,
    Lane,
    Limits,
    Schedule,
)
from guerdon.rules.definition.canonical import canonical_bytes, canonical_data, definition_hash, leaves
from guerdon.rules.definition.document import Datum, Definition, EventKind, json_schema
from guerdon.rules.definition.effects import (
    Award,
    Badge,
    Discount,
    Effect,
    EffectPart,
    Gift,
    Grant,
    Message,
    Multiply,
    Redeem,
)
from guerdon.rules.definition.inactive import LATER_SECTIONS, InactivePart, inactive_parts
from guerdon.rules.definition.ladders import Ladder, Tier
from guerdon.rules.definition.layout.formatting import definition_text, format_document
from guerdon.rules.definition.load import load_definition, load_definition_with_positions
from guerdon.rules.definition.metrics import Metric, Rolling
from guerdon.rules.definition.rewards import BadgeEntry, Reward, code_parts
from guerdon.rules.definition.scalars.part import Part, spellings
from guerdon.rules.definition.scalars.problems import DefinitionError, DefinitionFault, nearest_to, render
from guerdon.rules.definition.scalars.spans import Span
from guerdon.rules.definition.scalars.texts import Text
from guerdon.rules.definition.scalars.words import ExpressionText, number_text
from guerdon.rules.definition.settings import (
    Checkout,
    Earning,
    FreeUnits,
    MoneyRounding,
    PaidWith,
    Pricing,
    Returns,
    Spending,
)
from guerdon.rules.definition.source.positions import Positions, locate
from guerdon.rules.definition.source.tree import join
from guerdon.rules.definition.wallets import NOTHING, Conversion, Expiry, Retired, Rounding, Wallet

__all__ = [
    "LATER_SECTIONS",
    "NOTHING",
    "WEEKDAYS",
    "Award",
    "Badge",
    "BadgeEntry",
    "Budget",
    "Campaign",
    "Checkout",
    "Conversion",
    "Datum",
    "Definition",
    "DefinitionError",
    "DefinitionFault",
    "Discount",
    "Earning",
    "Effect",
    "EffectPart",
    "EventKind",
    "Expiry",
    "ExpressionText",
    "FreeUnits",
    "Gift",
    "Grant",
    "InactivePart",
    "Ladder",
    "Lane",
    "Limits",
    "Message",
    "Metric",
    "MoneyRounding",
    "Multiply",
    "PaidWith",
    "Part",
    "Positions",
    "Pricing",
    "Redeem",
    "Retired",
    "Returns",
    "Reward",
    "Rolling",
    "Rounding",
    "Schedule",
    "Span",
    "Spending",
    "Text",
    "Tier",
    "Wallet",
    "canonical_bytes",
    "canonical_data",
    "code_parts",
    "definition_hash",
    "definition_text",
    "format_document",
    "inactive_parts",
    "join",
    "json_schema",
    "leaves",
    "load_definition",
    "load_definition_with_positions",
    "locate",
    "nearest_to",
    "number_text",
    "render",
    "spellings",
]
