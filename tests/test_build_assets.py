"""The browser's libraries: what is copied out of packages, and when anything is built anew."""

from __future__ import annotations

import gettext
import gzip
import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from build_assets import (
    STAMP,
    TEST_VENDOR,
    VENDOR,
    AssetsError,
    build_vendor,
    build_words,
    compress,
    copy_files,
    fingerprint,
    icon_sprite,
)

ROOT = Path(__file__).parent.parent


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A node_modules with one library and two icons."""
    folder = tmp_path / "node_modules"
    for name, text in {
        "chart/package.json": json.dumps({"version": "2.1.0"}),
        "chart/dist/chart.js": "var chart=1;\n//# sourceMappingURL=chart.js.map",
        "chart/dist/images/pin.png": "pin",
        "chart/LICENSE": "a licence",
        "lucide-static/package.json": json.dumps({"version": "1.0.0"}),
        "lucide-static/LICENSE": "a licence\n---\nof -- icons",
        "lucide-static/icons/sun.svg": '<!-- x --><svg\n  a="b"\n>\n  <circle r="4" />\n</svg>',
        "lucide-static/icons/moon.svg": '<svg>\n  <path d="M1 1" />\n  <path d="M2" />\n</svg>',
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_files_stand_below_name_and_version_without_dist(packages: Path, tmp_path: Path) -> None:
    row = {"package": "chart", "files": ["dist/chart.js", "dist/images/*.png", "LICENSE"]}
    copy_files(packages, {"chart": row}, tmp_path / "vendor")
    found = sorted(
        path.relative_to(tmp_path / "vendor").as_posix()
        for path in (tmp_path / "vendor").rglob("*.*")
        if path.is_file()
    )
    assert found == ["chart-2.1.0/chart.js", "chart-2.1.0/images/pin.png"]
    assert (tmp_path / "vendor/chart-2.1.0/LICENSE").read_text() == "a licence"


def test_a_script_is_put_beside_as_a_module(packages: Path, tmp_path: Path) -> None:
    row = {"package": "chart", "files": ["dist/chart.js"], "module": "chart"}
    copy_files(packages, {"chart": row}, tmp_path / "vendor")
    module = (tmp_path / "vendor/chart-2.1.0/chart.mjs").read_text()
    assert module == "var chart=1;\nexport default chart;\n"


def test_a_file_that_a_package_has_no_more_is_an_error_that_names_it(
    packages: Path, tmp_path: Path
) -> None:
    row = {"package": "chart", "files": ["dist/chart.min.js"]}
    with pytest.raises(AssetsError, match=r"chart 2\.1\.0 has no file dist/chart\.min\.js"):
        copy_files(packages, {"chart": row}, tmp_path / "vendor")


def test_the_sprite_holds_each_icon_as_a_symbol(packages: Path) -> None:
    drawn = ElementTree.fromstring(icon_sprite(packages / "lucide-static", ["sun", "moon"]))
    space = "{http://www.w3.org/2000/svg}"
    shapes = {symbol.get("id"): [shape.tag for shape in symbol] for symbol in drawn}
    assert shapes == {"sun": [f"{space}circle"], "moon": [f"{space}path", f"{space}path"]}
    with pytest.raises(AssetsError, match="no icon 'comet'"):
        icon_sprite(packages / "lucide-static", ["comet"])


def test_larger_texts_get_a_gz_that_is_the_same_at_every_build(tmp_path: Path) -> None:
    (tmp_path / "a.mjs").write_text("let a = 1;\n" * 1_000)
    (tmp_path / "b.mjs").write_text("let b = 1;\n")
    (tmp_path / "c.png").write_bytes(bytes(4_000))
    compress(tmp_path)
    packed = (tmp_path / "a.mjs.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.mjs",
        "a.mjs.gz",
        "b.mjs",
        "c.png",
    ]
    assert gzip.decompress(packed) == (tmp_path / "a.mjs").read_bytes()
    compress(tmp_path)
    assert (tmp_path / "a.mjs.gz").read_bytes() == packed


def test_nothing_is_fetched_while_the_stamp_fits_the_lock(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "package.json", "package-lock.json", "build_assets.py"):
        shutil.copy(ROOT / name, tmp_path)
    table: dict[str, Any] = {"assets": {}, "test-assets": {}, "icons": {"names": []}}
    (tmp_path / "pyproject.toml").write_text(
        "[tool.fieldlog.assets]\n[tool.fieldlog.test-assets]\n[tool.fieldlog.icons]\nnames = []\n"
    )
    stamp = fingerprint(tmp_path, table)
    for folder in (VENDOR, TEST_VENDOR):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / STAMP).write_text(stamp)
    assert build_vendor(tmp_path, for_tests=True) is False
    (tmp_path / "package-lock.json").write_text("{}")
    assert fingerprint(tmp_path, table) != stamp


def test_catalogs_are_compiled_where_a_phone_and_a_hub_look_for_them(tmp_path: Path) -> None:
    for name, said in (
        ("replica/locale/cs/LC_MESSAGES/replica.po", "Hotovo"),
        ("web/locale/cs/LC_MESSAGES/web.po", "Uzavřeno"),
        ("web/locale/cs/LC_MESSAGES/scripts.po", "Hotové"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n'
        path.write_text(f'{header}\nmsgid "Done"\nmsgstr "{said}"\n', "utf-8")
    build_words(tmp_path)
    for domain, below, said in (
        ("replica", "replica/locale", "Hotovo"),
        ("web", "web/locale", "Uzavřeno"),
    ):
        assert gettext.translation(domain, tmp_path / below, ["cs"]).gettext("Done") == said
    scripts = json.loads((tmp_path / "web/static/words/cs.json").read_text("utf-8"))
    assert scripts == {"Done": "Hotové"}
