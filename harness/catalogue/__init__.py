"""What `list` and `show` know: registries, parts and what their classes say of themselves."""
