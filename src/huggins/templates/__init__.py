"""Public templates: where they are, and from there to the files that mocks are made from."""

from huggins.templates.collect import Collected, fetch_templates
from huggins.templates.sources import SOURCES, Source

__all__ = ["SOURCES", "Collected", "Source", "fetch_templates"]
