"""What runs again and again in the background of this process, and how its last round went."""

from guerdon.infra.rounds.round import Known, Round, Rounds

__all__ = ["Known", "Round", "Rounds"]
