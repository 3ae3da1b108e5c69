"""Who is shut out and whose certificates count, kept in tables as the site stream says.

Each function settles one step of `core.log.authority`, inside the caller's transaction, and returns
the authors whose standing may be another now. Holds no judgement of entries. Invariant: after all
three the tables are what the entries of the site stream make of them, whatever order they came in.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.dispatch.acts import SITE_STREAM
from core.dispatch.fields import Role
from core.log.authority import certificates_in, counts, revoked_in
from core.log.certificate import Certificate, check_certificate, read_certificate
from core.log.errors import LogError

if TYPE_CHECKING:
    from replica.replica import Replica

LOGGER = logging.getLogger(__name__)


def keep_site_certificates(replica: Replica) -> set[bytes]:
    """Keep what the site key certified: who is a hub."""
    found = certificates_in(replica.state(SITE_STREAM))
    return _keep_all(replica, [each for each in found if each.issuer == replica.site])


def keep_revoked(replica: Replica) -> set[bytes]:
    """Let the table of revoked keys be what the site stream says."""
    db = replica.store.db
    told = revoked_in(replica.state(SITE_STREAM))
    before = revoked_keys(db)
    db.executemany("INSERT INTO revoked VALUES (?)", [(key,) for key in sorted(told - before)])
    db.executemany("DELETE FROM revoked WHERE author = ?", [(key,) for key in before - told])
    return set(told ^ before)


def keep_certificates(replica: Replica) -> set[bytes]:
    """Keep the certificates that count, and let go of those of revoked hubs that do not."""
    db = replica.store.db
    revoked = revoked_keys(db)
    told = certificates_in(replica.state(SITE_STREAM))
    counted = [each for each, stands in told.items() if counts(each, revoked, stands=stands)]
    concerned = _keep_all(replica, counted)
    if any(replica.standing(key).role == Role.HUB for key in revoked):
        standing = set(counted)
        for (data,) in db.execute("SELECT certificate FROM certificate").fetchall():
            held = read_certificate(data)
            if not counts(held, revoked, stands=held in standing):
                row = (held.author, data)
                db.execute("DELETE FROM certificate WHERE author = ? AND certificate = ?", row)
                concerned.add(held.author)
    return concerned


def keep_certificate(db: sqlite3.Connection, certificate: Certificate) -> bool:
    """Keep one certificate that holds; False where it was kept already."""
    cursor = db.execute(
        "INSERT OR IGNORE INTO certificate VALUES (?, ?, ?, ?, ?)",
        (
            certificate.author,
            certificate.to_bytes(),
            certificate.subject,
            certificate.role,
            certificate.session_until,
        ),
    )
    return cursor.rowcount > 0


def is_kept(db: sqlite3.Connection, certificate: Certificate) -> bool:
    """Whether a certificate is kept, and so counts."""
    row = (certificate.author, certificate.to_bytes())
    held = db.execute("SELECT 1 FROM certificate WHERE author = ? AND certificate = ?", row)
    return held.fetchone() is not None


def revoked_keys(db: sqlite3.Connection) -> frozenset[bytes]:
    """All keys that are shut out."""
    return frozenset(row[0] for row in db.execute("SELECT author FROM revoked"))


def shown_certificates(replica: Replica) -> tuple[Certificate, ...]:
    """With what the replica opens sessions: its own that lasts the longest, then who issued that.

    A hub renews a phone's certificate in the site stream, and any hub may; a phone that the stream
    has not reached yet shows those that it joined with.
    """
    joined = replica.identity.certificates
    if not joined:
        return ()
    own = joined[0]
    hubs = {each.author: each for each in replica.certificates_of(Role.HUB)}
    rows = replica.store.db.execute(
        "SELECT certificate FROM certificate WHERE author = ? AND role = ? AND subject = ? "
        "AND session_until > ? ORDER BY session_until DESC, certificate",
        (own.author, own.role, own.subject, own.session_until),
    )
    for (data,) in rows:
        newest = read_certificate(data)
        if newest.issuer == replica.site:
            return (newest,)
        if newest.issuer in hubs:
            return newest, hubs[newest.issuer]
    return joined


def _keep_all(replica: Replica, certificates: Iterable[Certificate]) -> set[bytes]:
    """Keep those that hold and are new; their authors."""
    db = replica.store.db
    concerned: set[bytes] = set()
    hubs: list[Certificate] | None = None
    for certificate in certificates:
        if is_kept(db, certificate):
            continue
        hubs = replica.certificates_of(Role.HUB) if hubs is None else hubs
        try:
            check_certificate(certificate, replica.site, hubs)
        except LogError as error:
            LOGGER.warning("a certificate in the site stream does not count: %s", error)
            continue
        keep_certificate(db, certificate)
        concerned.add(certificate.author)
    return concerned
