"""Names -> parts: the tables, what their classes say of themselves, import paths, the code behind
them.
"""
