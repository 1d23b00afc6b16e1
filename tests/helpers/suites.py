"""Suites that run in seconds."""

TINY = """
about = "seconds"
data = ["digits"]
seeds = 2
ipc = [1]

[[condensers]]
method = "random"

[[condensers]]
method = "dm"
iterations = 3
batch_real = 8
network = { name = "convnet", depth = 2, width = 8 }

[[scenarios]]
scenario = "accuracy"
network = { name = "convnet", depth = 2, width = 8 }
networks = 1
epochs = 2
full_epochs = 1
"""
SLOW = TINY.replace("iterations = 3", "iterations = 3000").replace("seeds = 2", "seeds = 1")
