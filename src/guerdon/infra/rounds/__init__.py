"""What runs again and again in the background of this process, and how its last round went."""

from guerdon.infra.rounds.round import Known, Round, Rounds
from guerdon.infra.rounds.worker import Worker

__all__ = ["Known", "Round", "Rounds", "Worker"]
