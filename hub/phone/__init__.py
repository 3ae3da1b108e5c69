"""What a phone gets from its hub before it is a replica: the program, its parts, the way in."""
