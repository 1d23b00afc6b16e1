"""What a proxy is compared with: the truth, short training on real images, and scores that train
nothing.
"""
