"""A condensed set as replay memory in an Avalanche script.

8 x 8 digits come in five experiences of two classes. The same learner is trained without and with a
memory of ten images a class; with it, much less is forgotten.
"""

import torch
from avalanche.benchmarks import nc_benchmark
from avalanche.models import SimpleMLP
from avalanche.training.supervised import Naive
from torch.optim import SGD
from torch.utils.data import TensorDataset

from condensers import Budget, Context, create_condenser
from scenarios import CondensedMemory, CondensedReplay, load_dataset

# The stream is normalised with the mean and std of the set's card: those of the training images.
data = load_dataset("digits")
train, test = (
    TensorDataset(data.train.normalise(part.images), part.labels)
    for part in (data.train, data.test)
)
benchmark = nc_benchmark(train, test, n_experiences=5, task_labels=False, seed=0)

# Any set will do: one of a method, of a selection, or a file: CondensedMemory("dm.safetensors").
condensed = create_condenser("k-means").condense(data.train, Budget(ipc=10), Context(seed=0))

for name in ("naive", "replay"):
    torch.manual_seed(0)
    model = SimpleMLP(input_size=64, num_classes=10)
    plugins = []
    if name == "replay":
        plugins.append(CondensedReplay(CondensedMemory(condensed), batch_size_mem=32))
    strategy = Naive(
        model=model,
        optimizer=SGD(model.parameters(), lr=0.05),
        criterion=torch.nn.CrossEntropyLoss(),
        train_mb_size=32,
        plugins=plugins,
        evaluator=None,
    )
    for experience in benchmark.train_stream:
        strategy.train(experience)
    with torch.no_grad():
        images, labels = test.tensors
        accuracy = (model.eval()(images).argmax(1) == labels).float().mean()
    print(f"{name}: {100 * accuracy:.1f} % of all test images after the last experience")
