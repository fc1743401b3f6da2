"""The demonstration: one spectrum of each class, from the archive or simulated."""

from huggins.demo.show import run

__all__ = ["run"]
