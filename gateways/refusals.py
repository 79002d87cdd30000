"""What a gateway raises when the other side will never take something. Anything else may be tried
again."""


class Refused(Exception):
    """Refused for good: the same again would be refused again. Its words hold no text of the
    message."""
