"""The explorer: GraphiQL with worked examples, served by Souk itself.

Nothing here is fetched from another host: the page's own files lie in this folder, the rest comes
from published packages that `npm ci` lays into `node_modules/` at set-up. A file that is not named
in `ASSETS` is not served.
"""

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
PACKAGES: Final = HERE / "node_modules"

INDEX: Final[Path] = HERE / "index.html"
"""The page, sent as it is: it holds no placeholder."""

ASSETS: Final[dict[str, Path]] = {
    "explorer.js": HERE / "explorer.js",
    "explorer.css": HERE / "explorer.css",
    "examples.js": HERE / "examples.js",
    "people.js": HERE / "people.js",
    "favicon.svg": HERE / "favicon.svg",
    "graphiql.min.js": PACKAGES / "graphiql" / "graphiql.min.js",
    "graphiql.min.css": PACKAGES / "graphiql" / "graphiql.min.css",
    "react.production.min.js": PACKAGES / "react" / "umd" / "react.production.min.js",
    "react-dom.production.min.js": PACKAGES / "react-dom" / "umd" / "react-dom.production.min.js",
    "graphql-ws/client.js": PACKAGES / "graphql-ws" / "dist" / "client.js",
    # client.js imports this one by name; the name changes with the package's version.
    "graphql-ws/common-CGW11Fyb.js": PACKAGES / "graphql-ws" / "dist" / "common-CGW11Fyb.js",
}
"""What `/explorer/assets/<name>` answers with."""

MEDIA_TYPES: Final[dict[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""By a name's ending. Fixed, because a machine's own table may call a script something else."""

CONTENT_SECURITY_POLICY: Final = (
    # Styles alone may stand in the page: GraphiQL's menus and dialogs write theirs as they open.
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may do: run and load what Souk serves, and talk to Souk, nothing else."""


def media_type(name: str) -> str:
    """Return the `Content-Type` of an asset."""
    return MEDIA_TYPES[Path(name).suffix]


def missing_assets() -> list[str]:
    """Return the public names whose files are not there; not empty means that set-up has not
    run."""
    return sorted(name for name, path in ASSETS.items() if not path.is_file())
