"""The seeded world: a whole site in one process, from one number.

Real replicas, sessions and drivers under a virtual clock, a simulated network and simulated people,
with every fault that `simulator.draw` knows of. Holds no judgement: that is `simulator.checkers`'.
Invariant: a seed gives one world, whatever the machine, its load or PYTHONHASHSEED.
"""
