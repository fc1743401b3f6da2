"""From the archives' addresses to files on disk."""

from huggins.download.archive import sdss_spec_url
from huggins.download.cache import cache_folder
from huggins.download.fetch import fetch
from huggins.download.run import download
from huggins.download.settings import Settings, State
from huggins.download.targets import Archive, Checksums, FileRequest, Unusable

__all__ = [
    "Archive",
    "Checksums",
    "FileRequest",
    "Settings",
    "State",
    "Unusable",
    "cache_folder",
    "download",
    "fetch",
    "sdss_spec_url",
]
