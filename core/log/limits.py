"""Every bound on what comes in, each with its reason.

Checked before anything is allocated for the input. Holds numbers only.
Invariant: a bound that closes a log does so at a height that follows from the log's content alone.
"""

from __future__ import annotations

# One entry must stay small enough that a torn page or a slow link costs little; a note of
# 2,000 letters in four-byte script and its frame fit with room to spare.
ENTRY_BYTES_MAX = 16_384

# A text is something a person typed; more belongs in a file.
TEXT_BYTES_MAX = 8_192

# Values nest at most this deep: lists of lists of numbers are all that any field needs.
VALUE_DEPTH_MAX = 4

# Changes that one entry makes; the largest act (a new job with a long checklist) has some forty.
CHANGES_MAX = 256

# Ids that a path may carry after its field code.
PATH_IDS_MAX = 4

# Distinct ids that one log may introduce; a worker-day of a thousand time logs has two thousand.
LOG_IDS_MAX = 16_384

# Entries of one author in one stream: by its own `seq` every replica refuses the same ones beyond.
# The longest that work makes are a hub's in the site's and the office's streams, some thousands a
# year; an author that comes to the end goes on under another key.
LOG_ENTRIES_MAX = 65_536

# Heads that `seen` or `basis` may name: every author of a site may have written to one stream.
SEEN_MAX = 1_024

# Heads that an author names itself, in each of the two: both together leave half an entry to its
# changes. More than some dozens stand in a stream only where somebody forks logs without end.
SEEN_NAMED_MAX = 512

# Leaves under one signature: above this the leaves that travel cost more than another signature.
SEAL_LEAVES_MAX = 64

# One frame of a session; larger runs are split over frames, so that one slow peer holds little.
FRAME_BYTES_MAX = 262_144

# What a sender aims at for a frame, so that a phone on a bad link loses little when it is cut.
FRAME_BYTES_TARGET = 49_152

# Ids, keys and hashes that both sides of a link remember while frames go on from each other, some
# four megabytes; a first sync of 2,000 jobs names 28,000.
PACKED_NAMES_MAX = 32_768

# Frames that may be on their way without an ack.
FRAMES_IN_FLIGHT_MAX = 8

# Entries in one frame.
FRAME_ENTRIES_MAX = 4_096

# Runs in one frame.
FRAME_RUNS_MAX = 1_024

# Streams named in one message of heads.
HEADS_STREAMS_MAX = 4_096

# A file carried by hand is opened in memory, on a phone too; a site of 20,000 jobs fits.
CARRIED_BYTES_MAX = 16_000_000

# Entries that wait for their seal, all together: several of the longest logs on their way at once.
# Each counts with what its row takes beside its bytes: hashes, keys, the tree that it stands in.
STAGED_BYTES_MAX = 16_777_216
STAGED_ROW_BYTES = 256

# Of these, of one author: half, so that whoever stages without end pushes out nobody else's. No log
# that work makes is a quarter as long.
STAGED_BYTES_AUTHOR_MAX = 8_388_608

# What one author's key may bring within a day, through whatever peer that is no hub. A phone at
# work makes a thousand entries a day with its track: one that was away for months comes in at once.
AUTHOR_DAY_ENTRIES_MAX = 100_000
AUTHOR_DAY_BYTES_MAX = 64_000_000

# What one peer that is no hub may send within a day, of all authors, true or not: a hub that was
# restored gets back from a phone what many wrote.
PEER_DAY_ENTRIES_MAX = 400_000
PEER_DAY_BYTES_MAX = 256_000_000

# A chunk of a file: a phone that is cut loses one at most, and two on their way hold up an entry on
# a bad link for some seconds.
FILE_CHUNK_BYTES = 65_536

# A file: a photo as phones take it, or a signature; its chunks are 256 at most.
FILE_BYTES_MAX = 16_777_216

# Chunks that one side has asked for and not got: what an entry may have to wait for.
FILE_CHUNKS_IN_FLIGHT_MAX = 2

# Pieces of files that a peer may ask for at once; who asks for more asks for our memory.
FILE_PIECES_ASKED_MAX = 8

# Files named in one message.
FILES_NAMED_MAX = 1_024

# Of one author a hub takes so much of files within a day: a hundred photos and more.
AUTHOR_DAY_FILES_MAX = 10_000
AUTHOR_DAY_FILE_BYTES_MAX = 500_000_000

# Where a disk has less room than this, it is left to entries, and files wait: four of the largest.
FILE_ROOM_BYTES_MIN = 67_108_864

# A carried file that a session takes, to be kept for a hub or opened there: a worker's month with
# its track, and what a hub holds in memory of each phone that brings one.
RELAYED_BYTES_MAX = 1_000_000

# A part of one; an entry waits behind one at most.
RELAY_PART_BYTES_MAX = 65_536

# Carried files of colleagues that a phone keeps, and their bytes: a team's, and little on any disk.
RELAYED_FILES_MAX = 16
RELAYED_FILES_BYTES_MAX = 4_000_000

# Times that a peer is told in one session what time it is: a phone asks every some hours.
TIMES_TOLD_MAX = 100

# Refusals that are kept for people to read, the newest; a hostile frame can make a thousand.
REFUSED_KEPT_MAX = 10_000

# A certificate and its issuer's.
CERTIFICATE_BYTES_MAX = 1_024

# A bundle: the busiest day of tracks is below one megabyte, so this is a month of them; whoever
# checks one holds all of it in memory.
BUNDLE_BYTES_MAX = 33_554_432

# Hashes from a witness's leaf to its root: more streams than ids could ever name.
WITNESS_PATH_MAX = 32

# Clocks: year 1970 to year 9999, beyond which no calendar in use can show a time.
WALL_MS_MAX = 253_402_300_800_000
