"""Mixup against the definition, written out for one pair at a time."""

import torch

from condensers.parts.augmentations.mixup import mixup


def test_images_and_labels_are_mixed_in_one_proportion() -> None:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(6, 3, 4, 4, generator=generator)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    before = images.clone()
    state = generator.get_state()
    mixed, soft = mixup(images, labels, 3, generator)
    assert torch.equal(images, before)
    again = torch.Generator()
    again.set_state(state)
    kept = float(torch.rand((), generator=again))
    other = torch.randperm(6, generator=again)
    for one, two in enumerate(other.tolist()):
        torch.testing.assert_close(mixed[one], kept * images[one] + (1 - kept) * images[two])
        wanted = torch.zeros(3)
        wanted[labels[one]] += kept
        wanted[labels[two]] += 1 - kept
        torch.testing.assert_close(soft[one], wanted)
    torch.testing.assert_close(soft.sum(1), torch.ones(6))


def test_soft_labels_are_mixed_as_they_are_and_the_share_is_uniform() -> None:
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.zeros(2, 1, 2, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    images[0] = 1.0
    shares = []
    for _ in range(400):
        mixed, soft = mixup(images, labels, 2, generator)
        torch.testing.assert_close(mixed[:, 0, 0, 0], soft[:, 0])
        if float(soft[0, 0]) < 1:
            shares.append(float(soft[0, 0]))
    quarters = torch.histc(torch.tensor(shares), 4, 0.0, 1.0) / len(shares)
    torch.testing.assert_close(quarters, torch.full((4,), 0.25), atol=0.08, rtol=0)
