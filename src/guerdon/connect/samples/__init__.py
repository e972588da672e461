"""A sample world: people and a year of orders, the same for the same seed, to try a program on."""

from guerdon.connect.samples.people import Person
from guerdon.connect.samples.world import SamplePlan, SampleWorld, make_world, year_until

__all__ = ["Person", "SamplePlan", "SampleWorld", "make_world", "year_until"]
