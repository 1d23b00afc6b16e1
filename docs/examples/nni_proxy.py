"""A condensed set as proxy data in an NNI search.

Four small networks are trained on ten real images a class in place of all 8 x 8 digits, and ranked
by their accuracy on validation images. Then the best one is trained on all images.
"""

# ruff: noqa: E402 (NNI is told something before the rest of it is imported)
from pathlib import Path

import nni

nni.set_default_framework("none")  # before anything else of NNI: else it imports pytorch-lightning

import torch
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.nn.pytorch import LayerChoice, ModelSpace
from nni.nas.strategy import GridSearch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from condensers import Budget, Context, create_condenser, load, save_set
from scenarios import load_dataset

data = load_dataset("digits")
SET = Path("digits.safetensors")


class Space(ModelSpace):
    """A multi-layer perceptron; the search chooses its width and its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = LayerChoice([torch.nn.Linear(64, 4), torch.nn.Linear(64, 64)], label="width")
        self.activation = LayerChoice([torch.nn.ReLU(), torch.nn.Tanh()], label="activation")
        self.output = torch.nn.LazyLinear(10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.output(self.activation(self.hidden(images.flatten(1))))


def train(model: torch.nn.Module, dataset: Dataset, epochs: int) -> None:
    """Train on a torch dataset: the condensed set, or all images."""
    torch.manual_seed(0)
    model(torch.zeros(1, *data.train.shape))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(epochs):
        for images, labels in DataLoader(dataset, batch_size=32, shuffle=True):
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()


def accuracy(model: torch.nn.Module, part) -> float:
    """Accuracy in % on a part of the data."""
    with torch.no_grad():
        predicted = model(part.normalise(part.images)).argmax(1)
    return 100 * float((predicted == part.labels).float().mean())


def evaluate(model: torch.nn.Module) -> None:
    """Score a candidate by the proxy: train on the set, report its validation accuracy."""
    train(model, load(SET), epochs=20)
    nni.report_final_result(accuracy(model, data.validation))


def main() -> None:
    condensed = create_condenser("k-means").condense(data.train, Budget(ipc=10), Context(seed=0))
    save_set(condensed, SET)
    config = NasExperimentConfig("sequential", "simplified", "local", max_trial_number=4)
    experiment = NasExperiment(Space(), FunctionalEvaluator(evaluate), GridSearch(), config)
    experiment.run()
    (choice,) = experiment.export_top_models(1, formatter="dict")
    print("chosen on the proxy:", choice)

    with nni.nas.space.model_context(choice):
        best = Space()
    everything = TensorDataset(data.train.normalise(data.train.images), data.train.labels)
    train(best, everything, epochs=5)
    print(f"trained on all images: {accuracy(best, data.test):.1f} % test accuracy")


if __name__ == "__main__":
    main()
