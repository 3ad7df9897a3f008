"""Storage that speaks S3 as a target, by obstore; credentials are those of the environment, as for every program of AWS."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from neonpay.backup.targets import FOLDERS, PATH, Listed
from neonpay.errors import BackupCopyError, ConfigurationError
from neonpay.installing import install_line

_STATUS: Final = re.compile(r"status code: (\d{3}[A-Za-z ]*)")
_CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_NO_CREDENTIALS: Final = "169.254.169.254"
"""Where a machine of Amazon's has some, which is asked last."""
_PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_OPTIONS: Final = ("endpoint", "region")
_RETRIES: Final = 3
_PATIENCE: Final = timedelta(seconds=60)
_CONNECT: Final = timedelta(seconds=10)


class S3Target:
    """A bucket, or what lies in it below a prefix. An object is there whole, or as it was before."""

    def __init__(self, bucket: str, prefix: str = "", *, endpoint: str = "", region: str = "") -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._region = region

    @classmethod
    def of(cls, url: str) -> S3Target:
        """The bucket of ``s3://bucket/prefix?endpoint=…&region=…``; raises ConfigurationError when it is no such URL."""
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if not parts.netloc or "@" in parts.netloc or parts.fragment or not set(options) <= set(_OPTIONS):
            msg = (
                "a target in S3 is s3://bucket/prefix, with ?endpoint=https://… and &region=… where they are needed; "
                "credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment, and never in the URL"
            )
            raise ConfigurationError(msg)
        endpoint = urlsplit(options.get("endpoint", "https://s3"))
        if endpoint.scheme not in {"http", "https"} or not endpoint.netloc or "@" in endpoint.netloc:
            msg = "endpoint of a target in S3 is a URL such as https://s3.example.com, without credentials"
            raise ConfigurationError(msg)
        return cls(parts.netloc, parts.path.strip("/"), **options)

    @property
    def name(self) -> str:
        """Bucket and prefix."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @cached_property
    def _store(self) -> Any:
        obstore, stores = _obstore()
        where = {"endpoint": self._endpoint, "region": self._region, "prefix": self._prefix}
        try:
            return stores.S3Store(
                self._bucket,
                **{option: value for option, value in where.items() if value},
                client_options={
                    "allow_http": self._endpoint.startswith("http:"),
                    "connect_timeout": _CONNECT,
                    "timeout": _PATIENCE,
                },
                retry_config={"max_retries": _RETRIES, "retry_timeout": _PATIENCE},
            )
        except obstore.exceptions.BaseError as exc:
            msg = f"{self.name} cannot be used: {_words(exc, self._endpoint)}"
            raise ConfigurationError(msg) from exc

    def put(self, path: str, data: bytes) -> None:
        """The object is there."""
        obstore, _ = _obstore()
        with self._told(path, "cannot be written"):
            obstore.put(self._store, path, data)

    def get(self, path: str, most_bytes: int) -> bytes:
        """What is in an object."""
        obstore, _ = _obstore()
        with self._told(path, "cannot be read"):
            found = obstore.get(self._store, path)
            if found.meta["size"] > most_bytes:
                msg = f"{self.name}/{path} has {found.meta['size']} bytes where {most_bytes} are the most"
                raise BackupCopyError(msg)
            return bytes(found.bytes())

    def list(self) -> Mapping[str, Listed]:
        """The objects that are there, with their bytes and times."""
        obstore, _ = _obstore()
        found: dict[str, Listed] = {}
        for folder in FOLDERS:
            with self._told(folder, "cannot be listed"):
                for some in obstore.list(self._store, folder):
                    ours = [one for one in some if PATH.fullmatch(one["path"])]
                    found.update({one["path"]: Listed(one["size"], one["last_modified"]) for one in ours})
        return found

    def delete(self, path: str) -> None:
        """The object is gone."""
        obstore, _ = _obstore()
        with self._told(path, "cannot be removed"):
            obstore.delete(self._store, path)

    @contextmanager
    def _told(self, path: str, what: str) -> Iterator[None]:
        obstore, _ = _obstore()
        try:
            yield
        except (obstore.exceptions.BaseError, OSError) as exc:
            msg = f"{self.name}/{path} {what}: {_words(exc, self._endpoint)}"
            raise BackupCopyError(msg) from exc


def _words(error: Exception, endpoint: str) -> str:
    """What S3 has answered, and nothing else of an error: its text may have a URL with a signature in it."""
    text = str(error)
    if _NO_CREDENTIALS in text:  # whatever a proxy has answered in its place
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    status, code = _STATUS.search(text), _CODE.search(text)
    if code is not None:
        return ", ".join(found[1] for found in (status, code) if found is not None)
    where = endpoint or "Amazon's S3"
    proxies = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.lower())]
    between = f", and {proxies[0]}, which names a proxy" if proxies else ""
    check = f"check endpoint=… of the target{between}"
    if status is not None:
        return f"{status[1].strip()}, in words that are not those of S3, from {where}; {check}"
    if "HTTP error" in text:
        return f"nothing answers at {where}; {check}"
    return type(error).__name__


def _obstore() -> tuple[Any, Any]:
    try:
        import obstore  # an extra
        import obstore.store
    except ImportError as exc:
        msg = f"copies in S3 need obstore; run: {install_line('s3')}"
        raise ConfigurationError(msg) from exc
    return obstore, obstore.store
