"""The commands of this package: the demo and simulations."""
