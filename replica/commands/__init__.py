"""The commands of this package: `fieldlog device` and those for a store."""
