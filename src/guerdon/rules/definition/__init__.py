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
    Buy,
    Discount,
    Effect,
    EffectPart,
    Gift,
    Grant,
    Message,
    Multiply,
    Redeem,
    Step,
)
from guerdon.rules.definition.engagement.badges import BadgeEntry, BadgeLevel
from guerdon.rules.definition.engagement.boards import Leaderboard, RankPrize, Team, rank_bounds
from guerdon.rules.definition.engagement.causes import Cause
from guerdon.rules.definition.engagement.challenges import Challenge, ChallengeStep, PersonalGoal
from guerdon.rules.definition.engagement.community import Community, Sharing
from guerdon.rules.definition.engagement.draws import Draw, DrawPrize, Odds
from guerdon.rules.definition.engagement.journeys import (
    BranchStep,
    ExitStep,
    Journey,
    ThenStep,
    Wait,
    WaitStep,
)
from guerdon.rules.definition.engagement.quizzes import (
    Answer,
    MultipleQuestion,
    NumberQuestion,
    OrderingQuestion,
    Question,
    Quiz,
    SingleQuestion,
    TextQuestion,
    TrueFalseQuestion,
)
from guerdon.rules.definition.engagement.referral import Advocate, Referral, Review, Rung
from guerdon.rules.definition.engagement.segments import Exclusive, Segment, Signal
from guerdon.rules.definition.engagement.surveys import Survey, SurveyQuestion
from guerdon.rules.definition.inactive import InactivePart, inactive_parts
from guerdon.rules.definition.ladders import Benefit, Ladder, Tier
from guerdon.rules.definition.layout.formatting import definition_text, format_document
from guerdon.rules.definition.load import load_definition, load_definition_with_positions
from guerdon.rules.definition.metrics import Dates, Metric, Rolling, Streak
from guerdon.rules.definition.rewards import Content, Reward, code_parts
from guerdon.rules.definition.scalars.part import DescribedPart, Part, spellings
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
from guerdon.rules.definition.wallets import (
    NOTHING,
    Conversion,
    EarningLimits,
    Expiry,
    Retired,
    Rounding,
    Wallet,
)

__all__ = [
    "NOTHING",
    "WEEKDAYS",
    "Advocate",
    "Answer",
    "Award",
    "Badge",
    "BadgeEntry",
    "BadgeLevel",
    "Benefit",
    "BranchStep",
    "Budget",
    "Buy",
    "Campaign",
    "Cause",
    "Challenge",
    "ChallengeStep",
    "Checkout",
    "Community",
    "Content",
    "Conversion",
    "Dates",
    "Datum",
    "Definition",
    "DefinitionError",
    "DefinitionFault",
    "DescribedPart",
    "Discount",
    "Draw",
    "DrawPrize",
    "Earning",
    "EarningLimits",
    "Effect",
    "EffectPart",
    "EventKind",
    "Exclusive",
    "ExitStep",
    "Expiry",
    "ExpressionText",
    "FreeUnits",
    "Gift",
    "Grant",
    "InactivePart",
    "Journey",
    "Ladder",
    "Lane",
    "Leaderboard",
    "Limits",
    "Message",
    "Metric",
    "MoneyRounding",
    "MultipleQuestion",
    "Multiply",
    "NumberQuestion",
    "Odds",
    "OrderingQuestion",
    "PaidWith",
    "Part",
    "PersonalGoal",
    "Positions",
    "Pricing",
    "Question",
    "Quiz",
    "RankPrize",
    "Redeem",
    "Referral",
    "Retired",
    "Returns",
    "Review",
    "Reward",
    "Rolling",
    "Rounding",
    "Rung",
    "Schedule",
    "Segment",
    "Sharing",
    "Signal",
    "SingleQuestion",
    "Span",
    "Spending",
    "Step",
    "Streak",
    "Survey",
    "SurveyQuestion",
    "Team",
    "Text",
    "TextQuestion",
    "ThenStep",
    "Tier",
    "TrueFalseQuestion",
    "Wait",
    "WaitStep",
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
    "rank_bounds",
    "render",
    "spellings",
]
