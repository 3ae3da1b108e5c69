"""The page for a phone that has nothing yet: what it lacks, and the line that it shows."""

from __future__ import annotations

import hashlib
import re
from html import unescape
from importlib.metadata import version
from pathlib import Path

from hub.phone.wheelhouse import FOLDER, keep
from replica.qr import qr_svg
from tests.web.office import Office
from tests.web.pages.test_workers import JAN, make
from tests.wheels import small_wheel
from web.pages.new_phone import TERMUX_LINE


async def test_the_line_carries_the_hash_of_the_script_that_the_hub_gives_and_is_the_qr_code(
    office: Office,
) -> None:
    eva = await office.signed_in("Eva")
    page = await eva.get(await make(eva, JAN) + "/phone")
    found = re.search(r'value="(curl [^"]+)"', page.text)
    assert found is not None
    line = unescape(found[1])
    stranger = await office.person()
    script = await stranger.get("/phone/install.sh")
    assert hashlib.sha256(script.text.encode()).hexdigest() in line
    assert f"https://{office.hub.addresses[0]}/phone/install.sh" in line
    assert qr_svg(line, "QR code that installs Fieldlog") in page.text


async def test_the_page_says_what_the_office_has_to_do_first(
    office: Office, tmp_path: Path
) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN) + "/phone"
    folder = office.hub.folder / FOLDER
    words = (await eva.get(path)).words
    assert "This hub has no program for phones yet." in words
    assert f"fieldlog phone-wheels --data {office.hub.folder}" in words

    here = version("fieldlog")
    needy = small_wheel(tmp_path / "needy", "fieldlog", here, "part>=2")
    keep(folder, [needy, small_wheel(tmp_path, "part", "1.0")])
    words = (await eva.get(path)).words
    assert "Parts of the program are missing: part>=2 (for fieldlog)." in words
    assert "phone-wheels" in words

    keep(folder, [small_wheel(tmp_path, "fieldlog", "0.0.9")])
    words = (await eva.get(path)).words
    assert f"Phones would get Fieldlog 0.0.9, and this hub runs {here}." in words

    app = tmp_path / "org.owntracks.android_2.6.0.apk"
    app.write_bytes(b"an app")
    keep(folder, [small_wheel(tmp_path, "fieldlog", here), app])
    seen = await eva.get(path)
    assert "phone-wheels" not in seen.words
    assert f"done, phones get Fieldlog {here}." in seen.words
    link = re.search(rf'href="([^"]+)" download>{re.escape(app.name)}', seen.text)
    assert link is not None
    told, data = await (await office.person()).download(link[1])
    assert (app.name in told, data) == (True, b"an app")


async def test_a_damaged_list_is_told_in_words_and_the_rest_of_the_page_stands(
    office: Office,
) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN) + "/phone"
    folder = office.hub.folder / FOLDER
    folder.mkdir()
    (folder / "list.json").write_text("nothing that makes sense")
    words = (await eva.get(path)).words
    assert "The files for phones are damaged" in words
    assert "Install three apps" in words


async def test_the_way_has_ten_steps_and_what_is_typed_in_them_stands_in_the_guide(
    office: Office,
) -> None:
    eva = await office.signed_in("Eva")
    page = await eva.get(await make(eva, JAN) + "/phone")
    steps = re.findall(r"<li>", page.text[page.text.index('<ol class="steps">') :])
    assert len(steps) == 10
    guide = (Path(__file__).parents[3] / "docs" / "android.md").read_text()
    assert len(re.findall(r"^[0-9]+\. \*\*", guide, re.MULTILINE)) == 10
    assert TERMUX_LINE in guide


async def test_the_pages_of_a_worker_lead_to_it(office: Office) -> None:
    eva = await office.signed_in("Eva")
    path = await make(eva, JAN)
    link = f'href="{path}/phone"'
    assert link in (await eva.get(path)).text
    offer = await eva.post(f"{path}/enrol", {})
    assert link in offer.text
    assert (await eva.get("/workers/" + "0" * 24 + "/phone")).status == 404
