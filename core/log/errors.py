"""What can be wrong with what a replica is given.

    LogError
    ├── Malformed         bytes that are no message, certificate or entry of this log
    ├── OverLimit         larger, longer or deeper than a named limit
    ├── Unauthentic       a chain, seal or signature that does not hold
    ├── Uncertified       an author without a certificate of this site
    ├── WrongSite         of another site
    ├── Gap               a run that does not join what is held
    ├── Erased            of a stream that the site has erased
    └── SessionRefused    the peer may not open a session
        ├── EnrolAgain    its certificate opens none any more; another one for its key does
        └── Revoked       its key was shut out; it needs another

Each carries the sentence that people read. Holds no codes of any transport.
"""

from __future__ import annotations


class LogError(Exception):
    """Something that was given to the log was refused; nothing was changed."""

    name = "refused"


class Malformed(LogError):
    """The bytes are not what they should be; the sender's program is broken or hostile."""

    name = "malformed"


class OverLimit(LogError):
    """A limit of `core.log.limits` was exceeded."""

    name = "over-limit"


class Unauthentic(LogError):
    """A hash, seal or signature does not hold: the content was changed after it was made."""

    name = "unauthentic"


class Uncertified(LogError):
    """No certificate of the site covers the author; enrol the phone again."""

    name = "uncertified"


class WrongSite(LogError):
    """The peer or entry belongs to another site."""

    name = "wrong-site"


class Gap(LogError):
    """The run starts after the end of what is held; the sender must send from further back."""

    name = "gap"


class Erased(LogError):
    """The run is of a stream that the site has erased; nobody takes it in again."""

    name = "erased"


class Foreign(LogError):
    """The run is of a stream that a colleague's phone has no business to bring."""

    name = "foreign"


class SessionRefused(LogError):
    """The peer may not open a session: revoked, expired or unknown."""

    name = "session-refused"
    # Whether the peer said so, of this side; else this side said it of the peer.
    by_peer = False


class EnrolAgain(SessionRefused):
    """The certificate has run out, or its hub was shut out; the key itself is in good standing."""

    name = "enrol-again"


class Revoked(SessionRefused):
    """The key was shut out; the replica joins again under another one."""

    name = "revoked"


FINAL = frozenset({Uncertified.name, Erased.name, Foreign.name})
"""Names of refusals of a run that tell of no lack: what is sent once more is refused once more."""


def refusal_told(name: str, words: str) -> SessionRefused:
    """The error that a peer refused this side with, by its name on the wire."""
    kinds: dict[str, type[SessionRefused]] = {each.name: each for each in (EnrolAgain, Revoked)}
    kind = kinds.get(name)
    error = SessionRefused(f"{name}: {words}") if kind is None else kind(words)
    error.by_peer = True
    return error
