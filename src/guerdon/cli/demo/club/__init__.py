"""What members of the demo's club do beside buying: they play, post, invite, team up, mend and give."""

from guerdon.cli.demo.club.boards import join_boards
from guerdon.cli.demo.club.cast import Cast, cast_of
from guerdon.cli.demo.club.crews import found_crews
from guerdon.cli.demo.club.donations import give_away
from guerdon.cli.demo.club.mending import tell_of_repairs
from guerdon.cli.demo.club.posts import post_and_share
from guerdon.cli.demo.club.quizzes import take_quizzes
from guerdon.cli.demo.club.referrals import invite_friends

__all__ = [
    "Cast",
    "cast_of",
    "found_crews",
    "give_away",
    "invite_friends",
    "join_boards",
    "post_and_share",
    "take_quizzes",
    "tell_of_repairs",
]
