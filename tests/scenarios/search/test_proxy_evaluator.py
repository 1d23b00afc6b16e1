"""ProxyEvaluator scores the models of an NNI search by training them on a set."""

import copy
from dataclasses import replace

import nni
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.files import save_set
from condensers.training.classifier import Training, accuracy, train
from scenarios.search.nni_experiment import NasExperiment, NasExperimentConfig, contain_nni
from scenarios.search.nni_imports import LayerChoice, ModelSpace, strategy
from scenarios.search.proxy_evaluator import ProxyEvaluator


class Space(ModelSpace):
    """Two widths, and a lazy layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.hidden = LayerChoice([nn.Linear(64, 2), nn.Linear(64, 16)], label="width")
        self.output = nn.LazyLinear(3)

    def forward(self, images):
        return self.output(torch.relu(self.hidden(images.flatten(1))))


def mlp(outputs=3):
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, outputs))


@pytest.fixture
def card_set(splits):
    """Random images, with a card that a file can have."""
    from condensers.registry.registry import create_condenser
    from condensers.sets.synthetic_set import Budget

    return create_condenser("random").condense(splits.train, Budget(ipc=4), Context(seed=0))


def test_the_score_is_the_accuracy_of_our_training(card_set, splits):
    model, same = mlp(), mlp()
    evaluator = ProxyEvaluator(
        card_set, steps=15, lr=0.05, augmentation="none", validation=splits.validation, seed=3
    )
    found = evaluator.evaluate(model)
    images, labels = card_set.decode()
    recipe = Training(lr=0.05, steps=15)
    train(same, images, labels, recipe, splits.train, Context(seed=3), "same")
    assert found == pytest.approx(accuracy(same, splits.validation))
    for one, other in zip(model.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_stranger_s_space_is_searched_on_a_set_file(card_set, splits, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save_set(card_set, tmp_path / "set.safetensors")
    evaluator = ProxyEvaluator(
        tmp_path / "set.safetensors", steps=30, lr=0.1, validation=splits.validation
    )
    config = NasExperimentConfig("sequential", "simplified", "local", max_trial_number=2)
    config.experiment_working_directory = str(tmp_path / "nni")
    with contain_nni(tmp_path):
        experiment = NasExperiment(Space(), evaluator, strategy.GridSearch(), config)
        experiment.run()
        models = {m.sample["width"]: m.metric for m in experiment._engine.list_models()}
        (best,) = experiment.export_top_models(1, formatter="dict")
        experiment.stop()
    assert set(models) == {0, 1}
    assert models[best["width"]] == max(models.values()) > 50
    assert all(0 <= metric <= 100 for metric in models.values())


def test_nni_sends_its_arguments_as_text(card_set, splits, tmp_path):
    path = tmp_path / "set.safetensors"
    save_set(card_set, path)
    evaluator = ProxyEvaluator(path, steps=5, validation="digits")
    text = nni.dump(evaluator)
    assert str(path) in text
    again = nni.load(text)
    assert isinstance(again, ProxyEvaluator)
    assert "steps=5" in repr(evaluator)
    assert again.trace_kwargs == evaluator.trace_kwargs


def test_validation_images_may_be_any_torch_data_set(card_set, splits):
    part = splits.validation
    dataset = TensorDataset(part.normalise(part.images), part.labels)
    scores = {
        ProxyEvaluator(card_set, steps=10, validation=one).evaluate(mlp())
        for one in (part, dataset)
    }
    assert len(scores) == 1


def test_soft_labels_and_scores_are_trained_as_they_are(card_set, splits):
    labels = torch.eye(3)[card_set.tensors["labels"].long()]
    soft = replace(card_set, tensors={**card_set.tensors, "labels": labels})
    found = ProxyEvaluator(soft, steps=10, lr=0.1, validation=splits.validation).evaluate(mlp())
    assert 0 <= found <= 100


def test_equal_seeds_give_equal_scores(card_set, splits):
    evaluator = ProxyEvaluator(card_set, epochs=5, batch=4, validation=splits.validation)
    model = mlp()
    assert evaluator.evaluate(copy.deepcopy(model)) == evaluator.evaluate(model)


@pytest.mark.parametrize(
    ("model", "how", "sentence"),
    [
        (lambda: mlp(2), {}, r"output is \(2, 2\) for 2 images, and the set has 3 classes"),
        (mlp, {"validation": "digits"}, "classes are not those of digits"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(card_set, splits, model, how, sentence):
    evaluator = ProxyEvaluator(card_set, steps=2, **{"validation": splits.validation, **how})
    with pytest.raises(UsageError, match=sentence):
        evaluator.evaluate(model())


def test_images_of_another_shape_are_refused(card_set, splits):
    wrong = TensorDataset(torch.zeros(4, 3, 8, 8), torch.zeros(4, dtype=torch.int64))
    with pytest.raises(UsageError, match=r"images are \(1, 8, 8\), the validation images \(3, 8"):
        ProxyEvaluator(card_set, steps=2, validation=wrong).evaluate(mlp())


def test_a_file_that_is_not_there_is_refused_before_the_search(tmp_path):
    with pytest.raises(UsageError, match="there is no such file"):
        ProxyEvaluator(tmp_path / "none.safetensors", steps=2)
