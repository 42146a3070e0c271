"""The documents keep up with the tree: links lead somewhere, named files exist, every check has its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netpick.checks import CHECKS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED_FILE = re.compile(r"`((?:netpick|tests|docs|bench)/[\w./-]*\w\.\w+|(?:netpick|tests|docs|bench)/[\w/]*)`")
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
INVENTED = {"money.py", "series_mixer.py", "kappa.py", "rank.py"}  # the examples of CONTRIBUTING.md

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pages
def test_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text("utf-8")) if "://" not in target]
    broken = [target for target in targets if not (page.parent / target).exists()]
    assert not broken


@pages
def test_named_files_exist(page: Path) -> None:
    named = [name for name in NAMED_FILE.findall(page.read_text("utf-8")) if Path(name).name not in INVENTED]
    missing = [name for name in named if not (ROOT / name).exists() and "NNNN" not in name]
    assert not missing


@pages
def test_named_tests_exist(page: Path) -> None:
    missing = [
        f"{file}::{test}"
        for file, test in NAMED_TEST.findall(page.read_text("utf-8"))
        if f"\ndef {test}(" not in (ROOT / file).read_text("utf-8")
    ]
    assert not missing


def test_every_promise_of_security_names_its_tests() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    tables = text.split("| promise | test |\n|---|---|\n")[1:]
    promises = [line for table in tables for line in table.split("\n\n")[0].splitlines()]
    assert len(promises) >= 40
    assert [line for line in promises if not NAMED_TEST.search(line)] == []


@pages
def test_pages_name_no_machine(page: Path) -> None:
    assert not re.search(r"(/work/|/home/|/root/|/tmp/)", page.read_text("utf-8"))


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_has_its_page(code: str) -> None:
    page = ROOT / "docs" / "checks" / f"{code}.md"
    assert page.exists(), f"docs/checks/{code}.md is missing"
    assert page.read_text("utf-8").startswith(f"# {code}")


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_dependencies_have_a_reason_each() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    block = project.split("\ndependencies = [")[1].split("]")[0]
    reasons = (ROOT / "docs" / "decisions" / "0001-dependencies.md").read_text("utf-8")
    for name in re.findall(r'"([\w-]+)>=', block):
        assert f"| {name} |" in reasons, name
