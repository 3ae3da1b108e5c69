"""What seeded sites simulate in a minute."""
