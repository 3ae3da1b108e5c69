"""What a colleague's phone sends that can't be for this one is refused by name."""

from __future__ import annotations

from core.dispatch import acts, day_acts
from core.log.certificate import Certificate
from core.log.session import Session
from replica.intake import FOREIGN
from replica.replica import Replica
from replica.shelf import ReplicaShelf
from tests.build import Meeting, Site, hold, streams_of

DAY = "2026-03-02"


class Generous(ReplicaShelf):
    """Sends all that it holds to whoever comes."""

    def shared(self, peer: Certificate) -> frozenset[bytes]:
        return frozenset(row[0] for row in self._db.execute("SELECT stream FROM stream"))


def test_a_phone_takes_no_day_and_no_worker_of_a_colleague_from_that_colleague(
    site: Site, hub: Replica, ana: bytes, phone: Replica
) -> None:
    bo = site.worker(hub, "Bo")
    generous = site.phone(hub, bo)
    job, _ = site.job(hub, "Boiler", ana, bo)
    for each in (phone, generous):
        assert hold(each, hub).live
    generous.write(day_acts.start_duty(bo, DAY, site.entropy(8)))
    generous.write(acts.add_note(job, "the valve is stuck"))
    meeting = Meeting(generous, phone)
    own = Session(Generous(generous), opens=True, nonce=generous.entropy(16))
    meeting.sessions = (own, meeting.sessions[1])
    meeting.start().run()
    assert streams_of(phone) & {acts.day_stream(bo, DAY), bo} == set()
    reasons = {row[0] for row in phone.store.db.execute("SELECT reason FROM refused")}
    assert f"foreign: {FOREIGN}" in reasons
    # It hears so once; what is for the phone comes by itself.
    assert meeting.live
    assert hold(phone, generous).live
    assert phone.store.db.execute("SELECT notes FROM job").fetchall() == [(1,)]
