"""The script that installs Fieldlog on a phone, and the one line that fetches and checks it.

The script names the hub's addresses and the root of its certificate; the line names the script's
hash. So the line, which the office shows as a QR code, is all that a phone has to be given by
sight, and what it then gets over the network needs no trust before that. Invariant: the script is a
function of the addresses and the root alone, so a line that was shown stays good.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hub.hub import Hub

_TEMPLATE: Final = Path(__file__).with_name("install.sh")
SCRIPT_PATH: Final = "/phone/install.sh"
SCRIPT_NAME: Final = "fieldlog.sh"
"""What the file is called on the phone."""


def script_of(hub: Hub) -> str:
    """The script that a hub gives out."""
    authority = hub.browser_authority
    root = "" if authority is None else authority.root_pem.decode("ascii")
    return install_script(hub.addresses, root)


def install_script(addresses: Sequence[str], root_pem: str) -> str:
    """The script for a hub at these addresses (`host:port`, the best first).

    Without a root, phones check the hub by what they trust anyway: a site may have brought its own
    certificate.
    """
    text = _TEMPLATE.read_text()
    text = text.replace("HUBS=@HUBS@", f"HUBS={shlex.quote(' '.join(addresses))}")
    return text.replace("@ROOT@\n", root_pem)


def install_line(hub: Hub) -> str:
    """What a person types or pastes in Termux: fetch the script, check its hash, run it.

    The certificate is not checked (`-k`): the hash decides, and a phone does not know the hub's
    root before it has the script.
    """
    digest = hashlib.sha256(script_of(hub).encode()).hexdigest()
    url = shlex.quote(f"https://{hub.addresses[0]}{SCRIPT_PATH}")
    return (
        f"curl -ksSo {SCRIPT_NAME} {url} && echo '{digest}  {SCRIPT_NAME}' | sha256sum -c && "
        f"sh {SCRIPT_NAME}"
    )
