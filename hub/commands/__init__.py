"""Commands of the hub besides `fieldlog hub` itself, one a file."""
