"""Where the architectures of a search are trained: here one after the other, or by NNI's training
service.
"""
