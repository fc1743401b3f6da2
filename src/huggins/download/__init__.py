"""From the archives' addresses to files on disk."""

from huggins.download.archive import sdss_spec_url
from huggins.download.cache import cache_folder
from huggins.download.fetch import fetch
from huggins.download.run import download
from huggins.download.settings import Settings, State
from huggins.download.targets import Archive, Checksums, Unusable, Wanted

__all__ = [
    "Archive",
    "Checksums",
    "Settings",
    "State",
    "Unusable",
    "Wanted",
    "cache_folder",
    "download",
    "fetch",
    "sdss_spec_url",
]
