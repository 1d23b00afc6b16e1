"""Sets whose training, or a regression on them, does well on the real images: the loss of what is
learned from them.
"""
