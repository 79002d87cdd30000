"""Why an upload is refused. The codes are the seed's (coverage.csv, uploadMedia); the media
endpoint gives each its HTTP status."""

from core.errors import RequestError


class NoFile(RequestError):
    """The request holds no file, more than one, or an empty one."""

    code = "no_file"


class TooLarge(RequestError):
    """More bytes, pixels or frames than a picture may have."""

    code = "too_large"


class InvalidMime(RequestError):
    """The content is no picture of an accepted type, is broken, or is not what it is said to be."""

    code = "invalid_mime"


class UploadTimeout(RequestError):
    """The file did not arrive in time."""

    code = "timeout"
