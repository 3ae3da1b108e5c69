"""Two hubs and two phones as Hypothesis plays them: acts, and sessions that wait and are cut.

Several sessions are open at once; each frame is delivered when a rule says so, in its order on its
link. Stores are real files, opened again in the middle of things. Invariant, at every step: what a
replica says that a peer holds, the peer holds; at the end, in calm: all that was written is at both
hubs, and whoever holds the same shows the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.dispatch import acts, day_acts
from core.dispatch.acts import Act
from core.dispatch.fields import LogKind, Phase
from core.log.session import Close, Differing
from replica.replica import Replica
from tests.build import Meeting, Site, agree, clock_of, hold, streams_of

HUBS, PHONES = ("A", "B"), ("Ana", "Ben")
# Who meets whom; a phone opens, and so does the hub that dials.
LINKS = (("Ana", "A"), ("Ana", "B"), ("Ben", "A"), ("Ben", "B"), ("A", "B"))
PHASES = (Phase.ACCEPTED, Phase.TRAVELLING, Phase.ON_SITE, Phase.FINISHED)
DAY = "2026-03-02"
NUMBER = st.integers(0, 99)
HUB, PHONE, LINK = st.sampled_from(HUBS), st.sampled_from(PHONES), st.sampled_from(LINKS)


class Meetings(RuleBasedStateMachine):
    """The rules; `sessions` are those that are open, by link."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.site = Site(self.folder / "site")
        self.replicas: dict[str, Replica] = {}
        self.workers: dict[str, bytes] = {}
        self.jobs: list[bytes] = []
        self.turns: dict[bytes, list[tuple[bytes, bytes]]] = {}
        self.written: set[tuple[bytes, bytes]] = set()
        self.sessions: dict[tuple[str, str], Meeting] = {}

    @initialize()
    def a_site_with_two_hubs_and_two_phones(self) -> None:
        for letter in HUBS:
            self.replicas[letter] = self.site.hub(letter)
        first = self.replicas["A"]
        for name in PHONES:
            self.workers[name] = self.site.worker(first, name)
            self.replicas[name] = self.site.phone(first, self.workers[name])
        for title in ("One", "Two"):
            self.make_job("A", title, PHONES[:1])
            self.make_job("A", title, PHONES)
        for link in LINKS:
            hold(*(self.replicas[name] for name in link))

    # --- acts

    def write(self, who: str, act: Act) -> None:
        written = self.replicas[who].write(act)
        self.written |= set(written.hash_by_stream.items())
        self.tell()

    @rule(hub=HUB, to=st.sets(PHONE))
    def the_office_makes_a_job(self, hub: str, to: set[str]) -> None:
        self.make_job(hub, f"Job {len(self.jobs)}", sorted(to))
        self.tell()

    def make_job(self, hub: str, title: str, to: Sequence[str]) -> None:
        workers = [self.workers[name] for name in to]
        job, turns = self.site.job(self.replicas[hub], title, *workers)
        self.jobs.append(job)
        self.turns[job] = list(zip(workers, turns, strict=True))
        log = self.replicas[hub].state(job).logs[(self.replicas[hub].author, b"")]
        self.written.add((job, log.head))

    @rule(hub=HUB, which=NUMBER, to=PHONE)
    def the_office_moves_a_job(self, hub: str, which: int, to: str) -> None:
        job = self.jobs[which % len(self.jobs)]
        if job not in streams_of(self.replicas[hub]):
            return
        turn = self.site.entropy(8)
        act = acts.assign(job, self.workers[to], turn)
        for worker, old in self.turns[job]:
            act += acts.withdraw(job, worker, old, "busy")
        self.turns[job] = [(self.workers[to], turn)]
        self.write(hub, act)

    @rule(who=st.sampled_from(HUBS + PHONES), which=NUMBER)
    def somebody_notes_something_on_a_job(self, who: str, which: int) -> None:
        held = sorted(set(self.jobs) & streams_of(self.replicas[who]))
        if held:
            self.write(who, acts.add_note(held[which % len(held)], f"note {len(self.written)}"))

    @rule(who=PHONE, which=NUMBER, phase=st.sampled_from(PHASES))
    def a_worker_goes_on(self, who: str, which: int, phase: Phase) -> None:
        rows = (
            self.replicas[who]
            .store.db.execute(
                "SELECT job, turn FROM assignment WHERE worker = ? AND phase <> 'withdrawn' "
                "ORDER BY job, turn",
                (self.workers[who].hex(),),
            )
            .fetchall()
        )
        if rows:
            job, turn = (bytes.fromhex(each) for each in rows[which % len(rows)])
            self.write(who, acts.set_phase(job, self.workers[who], turn, phase))

    @rule(who=PHONE)
    def a_worker_starts_a_log(self, who: str) -> None:
        log = self.site.entropy(8)
        self.write(who, day_acts.start_log(self.workers[who], DAY, None, log, LogKind.ON_SITE))

    # --- sessions

    def tell(self) -> None:
        """Whoever is in a session hears what its replica committed."""
        for name, replica in self.replicas.items():
            changed = replica.take_changed()
            if not changed:
                continue
            for link, meeting in self.sessions.items():
                if name in link:
                    side = link.index(name)
                    meeting.carry(side, meeting.sessions[side].changed(changed))

    @rule(link=LINK, frames=st.integers(0, 6))
    def two_begin_to_speak(self, link: tuple[str, str], frames: int) -> None:
        """And stay where they are after some frames, whatever is written meanwhile."""
        meeting = self.begin(link)
        for number in range(frames):
            meeting.deliver(1 - number % 2)
        self.tell()

    def begin(self, link: tuple[str, str]) -> Meeting:
        if link not in self.sessions:
            opener, listener = (self.replicas[name] for name in link)
            self.sessions[link] = Meeting(opener, listener).start()
        return self.sessions[link]

    @precondition(lambda self: self.sessions)
    @rule(which=NUMBER, side=st.integers(0, 1), frames=st.integers(1, 6))
    def some_frames_arrive(self, which: int, side: int, frames: int) -> None:
        link = sorted(self.sessions)[which % len(self.sessions)]
        for _ in range(frames):
            if self.sessions[link].deliver(side):
                self.tell()

    @rule(link=LINK)
    def two_meet_until_they_are_live(self, link: tuple[str, str]) -> None:
        meeting = self.begin(link)
        while meeting.deliver(1) | meeting.deliver(0):
            self.tell()
        assert meeting.live

    @precondition(lambda self: self.sessions)
    @rule(which=NUMBER)
    def a_link_is_cut(self, which: int) -> None:
        self.cut(sorted(self.sessions)[which % len(self.sessions)])

    def cut(self, link: tuple[str, str]) -> None:
        for effects in self.sessions.pop(link).effects:
            assert not [each for each in effects if isinstance(each, Close | Differing)]

    @rule(who=st.sampled_from(HUBS + PHONES))
    def a_program_is_killed(self, who: str) -> None:
        for link in [each for each in self.sessions if who in each]:
            self.cut(link)
        self.replicas[who] = self.site.reopen(self.replicas[who])

    @rule(minutes=st.integers(1, 600))
    def time_goes_by(self, minutes: int) -> None:
        for replica in self.replicas.values():
            clock_of(replica).pass_ms(minutes * 60_000)

    # --- what must hold

    @invariant()
    def what_a_peer_is_said_to_hold_it_holds(self) -> None:
        by_author = {replica.author: replica for replica in self.replicas.values()}
        for name, replica in self.replicas.items():
            rows = replica.store.db.execute("SELECT stream, peer, author, height FROM reach")
            for stream, peer, author, height in rows:
                if stream not in streams_of(by_author[peer]):
                    continue  # It left there, which the peer says when they next meet.
                log = by_author[peer].state(stream).logs.get((author, b""))
                assert log is not None, f"{name} says too much"
                assert log.height >= height, f"{name} says too much"

    def teardown(self) -> None:
        try:
            if self.replicas:
                for link in sorted(self.sessions):
                    self.cut(link)
                self._come_to_agree()
        finally:
            self.site.close()
            shutil.rmtree(self.folder)

    def _come_to_agree(self) -> None:
        for _ in range(2):
            for opener, listener in LINKS:
                meeting = hold(self.replicas[opener], self.replicas[listener])
                assert meeting.live, f"{opener} and {listener} do not become live"
        hubs = [self.replicas[letter] for letter in HUBS]
        for hub in hubs:
            missing = [
                stream
                for stream, entry_hash in self.written
                if hub.state(stream).position(entry_hash) is None
            ]
            assert not missing, f"{len(missing)} entries never came to a hub"
        assert agree(*hubs)
        for name in PHONES:
            assert agree(self.replicas[name], hubs[0])
            assert agree(self.replicas[name], hubs[1])


Meetings.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestMeetings = Meetings.TestCase
