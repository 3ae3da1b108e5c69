"""What was deleted of the files stays deleted, down to its bytes, after a power cut too."""

from __future__ import annotations

from pathlib import Path

import pytest

from replica.file_store import FILES_FILE, FileStore
from replica.store import Store
from simulator.draw import chance_for
from simulator.faulty_disk import FaultyDisk
from simulator.faulty_files import FaultyFiles
from simulator.faulty_vfs import FaultyVfs


@pytest.mark.parametrize("seed", range(20))
def test_bytes_of_a_deleted_photo_do_not_come_back_with_what_was_not_synced(seed: int) -> None:
    chance = chance_for(seed, "photo")
    kept, gone = chance.randbytes(4_000), chance.randbytes(4_000)
    disk = FaultyDisk(chance)
    with FaultyVfs(disk) as vfs:
        store = Store(Path("store.sqlite"), FaultyFiles(vfs))
        files = FileStore(store)
        files.add(kept)
        address = files.add(gone).address
        assert files.delete([address])
        disk.power_cut()
    on_disk = b"".join(bytes(file.now) for file in disk.files.values())
    assert kept[:24] in on_disk
    assert gone[:24] not in on_disk
    assert any(name.startswith(FILES_FILE) for name in disk.files)
