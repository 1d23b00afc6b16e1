"""What a built report is put into: HTML, Markdown, LaTeX, CSV, JSON, a terminal."""
