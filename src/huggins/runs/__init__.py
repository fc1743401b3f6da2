"""What every long run needs: files that are whole or absent, locks, workers."""
