"""A hub under many live phones, beside bare sockets and bare commits of the same machine."""
