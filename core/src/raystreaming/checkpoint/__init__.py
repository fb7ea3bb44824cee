"""Checkpoints: manifests and state files in a place, and who may write them."""
