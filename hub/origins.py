"""Origins: what counts as one machine, where tries and connections are counted by address.

Holds no counts. Invariant: a machine has one origin however many addresses its network gives it.
"""

from __future__ import annotations

import ipaddress


def origin_of(address: str) -> str:
    """The IP address; of IPv6 its /64, of which one machine owns all; other text is cut short."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
