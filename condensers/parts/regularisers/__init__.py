"""Weighted terms beside the objective."""
