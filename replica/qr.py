"""QR codes as SVG.

The library makes the modules; here they become one path that a page sizes by its own style. Holds
no texts. Invariant: what is drawn has the quiet zone that readers ask for (ISO/IEC 18004: four
modules).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import segno
from markupsafe import Markup

QUIET_MODULES: Final = 4


def qr_svg(text: str, label: str, error: str = "m") -> Markup:
    """A QR code as an SVG element without a size, to be sized by the page's own style.

    `error` is how much of it may be unreadable: 'l' a fourteenth, for long texts, 'm' a seventh.

    Raises:
        segno.DataOverflowError: `text` is longer than a QR code holds (some 2,300 bytes).
    """
    matrix = segno.make(text, error=error, micro=False, boost_error=False).matrix
    side = len(matrix) + 2 * QUIET_MODULES
    return Markup(
        '<svg class="qr" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>'
    ).format(side, side, label, _dark_runs(matrix))


def _dark_runs(matrix: Sequence[Sequence[int]]) -> str:
    """The dark modules as one path, a rectangle for each run in a row."""
    runs = []
    for y, row in enumerate(matrix, QUIET_MODULES):
        x = QUIET_MODULES
        for dark, modules in itertools.groupby(row):
            length = len(list(modules))
            if dark:
                runs.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return "".join(runs)
