"""Virtual phones, weather and checkers that drive the same code as a site does."""
