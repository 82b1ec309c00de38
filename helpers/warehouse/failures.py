"""A warehouse's failures in our words, and its secrets kept out of them."""

import re
from urllib.parse import unquote, urlsplit

from helpers.errors import DataError


def mask_password(text: str) -> str:
    """Return a URL, or a message that holds one, without what is secret in it.

    >>> mask_password("can't reach postgresql://kim:s3cret@db.example/crm?password=s3cret&sslmode=require")
    "can't reach postgresql://kim:***@db.example/crm?password=***&sslmode=require"
    """
    text = re.sub(r"(\w+://[^\s:/@]*:)[^\s/]*@", r"\1***@", text)
    return re.sub(
        r"(?i)\b((?:password|passwd|pwd|token|secret|private_key)\s*=\s*)('[^']*'|[^\s&;,'\"]+)", r"\1***", text
    )


def secrets_of(url: str) -> tuple[str, ...]:
    """Return the secrets that a URL holds, as written and as meant, longest first."""
    try:
        found = {urlsplit(url).password or ""}
    except ValueError:
        found = set()
    found |= set(re.findall(r"(?i)(?:password|passwd|pwd|token|secret)=([^&;\s]+)", url))
    found |= {unquote(one) for one in found}
    return tuple(sorted((one for one in found if one), key=len, reverse=True))


def failure(url: str, error: Exception, doing: str, cure: str = "") -> DataError:
    """Put a driver's error in our words, its first lines kept, its secrets masked."""
    said = " ".join(line.strip() for line in str(error).strip().splitlines()[:4] if line.strip())
    said = re.sub(r"\s+", " ", said)[:600]
    for secret in secrets_of(url):
        said = said.replace(secret, "***")
    said = mask_password(said).rstrip(".")
    return DataError(f"[connection {mask_password(url)}] {doing}: {said}.{' ' + cure if cure else ''}")
