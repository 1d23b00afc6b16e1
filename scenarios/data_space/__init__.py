"""The data space: where synthetic images lie among real ones, as several networks see them."""
