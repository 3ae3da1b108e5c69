"""The pages of a hub: what dispatchers, managers and administrators see in their browsers."""
