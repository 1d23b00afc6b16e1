"""The chapter of architecture search: how well sets rank architectures, at which cost."""
