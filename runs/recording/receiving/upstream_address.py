"""The address that an admin may give an app's Dify API. Pure."""

from urllib.parse import urlsplit


def problem_of(address: str) -> str:
    """Return what is wrong with an address, in one sentence; "" for nothing."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "This is not a web address."
    if parts.scheme not in ("http", "https") or not host or port == 0:
        return "The address must begin with http:// or https:// and name a host."
    if "@" in parts.netloc or "?" in address or "#" in address:
        return "The address must have no user, query or fragment."
    if not address.isprintable() or " " in address or "\\" in address:
        return "The address must have no spaces or backslashes."
    return ""
