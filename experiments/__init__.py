"""What made the shipped files, and the studies behind decisions; not part of the package."""
