"""Networks in PyTorch: one architecture a file."""
