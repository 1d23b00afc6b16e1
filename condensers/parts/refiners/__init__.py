"""Small networks that stand behind a decoder and bring its images closer to the real ones."""
