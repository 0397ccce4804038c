"""Where a lake is: a folder, or an address of an object store."""

from pathlib import Path
from urllib.parse import urlsplit

from coingecko_pipeline.lake.errors import AddressRefused


def checked_address(text: str) -> str:
    """An address as it stands in the lake's own files: with a scheme, whole, without a slash at its end.

    Args:
        text: A path, which counts from the working folder, or an address such as `s3://bucket/folder`.

    Raises:
        AddressRefused: It has a password, or characters that no path of an address can hold.
    """
    address = text if "://" in text else f"file://{Path(text).expanduser().absolute().as_posix()}"
    parts = urlsplit(address)
    if parts.password:
        raise AddressRefused(
            "LAKE_URI holds a password, and the address stands in each file of the lake: leave it out, and name it by "
            "the store's own variables (AWS_SECRET_ACCESS_KEY and the like)."
        )
    if parts.query or parts.fragment or any(character in address for character in "?#%"):
        raise AddressRefused(f"LAKE_URI is {text!r}; a lake's address has no ?, # or %: choose another folder.")
    if not (parts.netloc + parts.path).strip("/"):
        raise AddressRefused(
            f"LAKE_URI is {text!r}, which names no folder: write it as s3://bucket/folder or data/lake."
        )
    return address.rstrip("/")
