"""Keys under which a hub's application holds its parts, and who asks.

Typed names only. Invariant: a handler reaches everything of the hub through these.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from hub.guard import GuardRules
from hub.hub import Hub
from hub.passwords import PasswordHasher
from hub.peers import Peers
from hub.sign_in_limits import SignInLimits


@dataclass(frozen=True, slots=True)
class Account:
    """Who is signed in: account id in hex, name, and role (admin, dispatcher or manager)."""

    account: str
    name: str
    role: str


HUB = web.AppKey("hub", Hub)
PEERS = web.AppKey("peers", Peers)
GUARD_RULES = web.AppKey("guard rules", GuardRules)
PASSWORDS = web.AppKey("passwords", PasswordHasher)
SIGN_IN_LIMITS = web.AppKey("sign-in limits", SignInLimits)
ACCOUNT = web.RequestKey("account", Account)
