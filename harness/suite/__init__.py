"""From TOML to cells with keys. Computes nothing."""
