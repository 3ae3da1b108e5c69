"""The office's pages, one module each: the questions it asks, a frozen dataclass, its handlers."""
