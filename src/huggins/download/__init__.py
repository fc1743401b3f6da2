"""From the archives' addresses to files on disk."""

from huggins.download.archive import sdss_spec_url
from huggins.download.cache import cache_folder
from huggins.download.fetch import fetch

__all__ = ["cache_folder", "fetch", "sdss_spec_url"]
