"""A phone that carries Helsinki, as if it had come from its hub."""

from __future__ import annotations

from pathlib import Path

from hub.map.region import BASEMAP, read_info, region_folder
from hub.map.serve import installed_style
from hub.phone.map_for_phones import archives_of
from replica.carried_map import CarriedMap, MapOffer


def carry(carried: CarriedMap, map_folder: Path) -> MapOffer:
    """Let a phone's map be the region that is installed in a hub's map folder."""
    info = read_info(map_folder)
    assert info is not None
    archives = archives_of(map_folder, info)
    styles = {
        "light": installed_style(info, "light", None, "pmtiles://"),
        "dark": installed_style(info, "dark", None, "pmtiles://"),
    }
    named = (info.hash, info.name, info.schema, info.bounds, info.attribution)
    offer = MapOffer(*named, archives, styles)
    carried.expect(offer, archives[0])
    carried.take((region_folder(map_folder, info.hash) / BASEMAP).read_bytes())
    carried.finish()
    return offer
