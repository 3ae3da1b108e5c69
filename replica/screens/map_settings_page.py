"""Menu > Settings > Map: whether this phone carries the region's map, how far it is, deleting it.

Holds no fetching (`replica.device_map`). Invariant: what is shown as here is whole.
"""

from __future__ import annotations

from aiohttp import web

from core.dispatch.acts import ActError
from core.sentence import say
from replica.device_map import MapStanding, MapState
from replica.screens.here import SCREENS, form_of, goto, message_of
from replica.screens.words import size_words


def map_words(state: MapState) -> str:
    """How the map of this phone stands, in one line."""
    whole, come = size_words(state.whole_bytes), size_words(state.come_bytes)
    here = size_words(state.here_bytes)
    match state.standing:
        case MapStanding.HERE if state.is_smaller:
            return say("Here: {size}, without the nearest zooms", size=here)
        case MapStanding.HERE:
            return say("Here: {size}", size=here)
        case MapStanding.OFF if state.here_bytes:
            return say("Here: {size}, not kept up to date", size=here)
        case MapStanding.OFF:
            return say("Not carried")
        case MapStanding.WAITS if state.whole_bytes:
            return say("{come} of {whole}, waits for Wi-Fi", come=come, whole=whole)
        case MapStanding.WAITS:
            return say("Waits for Wi-Fi")
        case MapStanding.NO_ROOM:
            return say("No room: {size} more are needed", size=size_words(state.lacking_bytes))
        case MapStanding.COMING:
            return say("{come} of {whole}", come=come, whole=whole)
    return say("Comes with the next contact with a hub that has one")


async def map_settings(request: web.Request) -> web.Response:
    """Whether this phone carries a map, how far it is, and how to be rid of it."""
    screens = request.app[SCREENS]
    device_map = screens.device.map
    state = device_map.state
    return screens.page(
        await screens.here(),
        "settings_map.html",
        title=say("Map on this phone"),
        back="/settings",
        message=message_of(request),
        map=state,
        words=map_words(state),
        wanted=device_map.is_wanted,
        waits=state.standing is MapStanding.WAITS,
        no_room=state.standing is MapStanding.NO_ROOM,
        share=round(100 * state.come_bytes / state.whole_bytes) if state.whole_bytes else 0,
    )


async def set_map(request: web.Request) -> web.Response:
    """Carry a map or not, ask for it now, or delete it."""
    screens = request.app[SCREENS]
    device_map = screens.device.map
    match await form_of(request):
        case {"map": "carry" | "leave" as choice}:
            await screens.device.choices.prefer("map", choice)
            device_map.look_now()
            carried = choice == "carry"
            said = say("The map comes by itself") if carried else say("No map is fetched any more")
        case {"now": _}:
            device_map.look_now()
            said = say("Asked for")
        case {"delete": _}:
            await device_map.delete()
            said = say("The map was deleted from this phone")
        case _:
            raise ActError(say("nothing was chosen; go back and choose"))
    return goto("/settings/map", screens.messages.say(said))
