"""What the documents say about names: every setting is described, every link leads somewhere, and
nothing tells of the machine it was written on."""

import re
from pathlib import Path

import pytest

from core.settings import Limits, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "execution").glob("*.md")]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def variables() -> dict[str, object]:
    """Every environment variable with its default."""
    own = {
        str(field.validation_alias or f"SOUK_{name.upper()}"): field.default
        for name, field in Settings.model_fields.items()
    }
    limits = {
        f"SOUK_LIMIT_{name.upper()}": field.default for name, field in Limits.model_fields.items()
    }
    return own | limits


@pytest.mark.parametrize(("variable", "default"), variables().items())
def test_a_setting_is_described_with_its_default(variable: str, default: object) -> None:
    lines = (ROOT / "docs" / "operations.md").read_text().splitlines()
    [row] = [line for line in lines if line.startswith(f"| `{variable}` |")]
    said = row.split("|")[2].strip()
    if isinstance(default, bool):
        assert said == f"`{str(default).lower()}`"
    elif isinstance(default, int | float):
        assert said == f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def test_the_documents_describe_no_setting_that_does_not_exist() -> None:
    known = variables()
    text = "".join(page.read_text() for page in PAGES)
    assert set(re.findall(r"SOUK_[A-Z_]+[A-Z]", text)) - set(known) - {"SOUK_LIMIT"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere_and_no_machine_shows(page: Path) -> None:
    text = page.read_text()
    targets = [target for target in LINK.findall(text) if not target.startswith("http")]
    assert [target for target in targets if not (page.parent / target).exists()] == []
    assert re.findall(r"(?:^|[\s`\"(])/(?:home|root|tmp|work|Users|opt)/", text) == []
